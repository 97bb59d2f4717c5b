//! Documents of a meeting in its minutes: which there were, and which pages every screen showed.

use std::collections::BTreeSet;

use protocol::fact::{Fact, FactRecord};
use protocol::id::PaperId;
use protocol::minutes::PaperRow;
use protocol::paper::{PaperAudience, PaperFact};

struct Paper {
    id: PaperId,
    row: PaperRow,
    pages: BTreeSet<u32>,
    is_removed: bool,
}

/// One row a document, in the order in which they were given out. What was taken out again without having been
/// shown is left out, and so is what only leaders may read.
pub(super) fn rows(facts: &[FactRecord]) -> Vec<PaperRow> {
    let mut papers: Vec<Paper> = Vec::new();
    let mut on_screen = None;
    for record in facts {
        let Fact::Paper(fact) = &record.fact else { continue };
        match fact {
            PaperFact::Added { entry } if entry.audience == PaperAudience::All => {
                let row =
                    PaperRow { name: entry.name.clone(), pages: entry.pages, shown: Vec::new() };
                match papers.iter_mut().find(|it| it.id == entry.paper) {
                    Some(known) => known.row = row,
                    None => papers.push(Paper {
                        id: entry.paper,
                        row,
                        pages: BTreeSet::new(),
                        is_removed: false,
                    }),
                }
            }
            PaperFact::Added { .. } => {}
            PaperFact::Removed { paper } => {
                papers.iter_mut().filter(|it| it.id == *paper).for_each(|it| it.is_removed = true);
            }
            PaperFact::Shown { paper, page } => {
                on_screen = Some(*paper);
                show(&mut papers, on_screen, *page);
            }
            PaperFact::Turned { page } => show(&mut papers, on_screen, *page),
            PaperFact::Ended => on_screen = None,
        }
    }
    let counts = |it: &Paper| !it.is_removed || !it.pages.is_empty();
    papers
        .into_iter()
        .filter(counts)
        .map(|paper| PaperRow { shown: runs(&paper.pages), ..paper.row })
        .collect()
}

fn show(papers: &mut [Paper], which: Option<PaperId>, page: u32) {
    if let Some(paper) = papers.iter_mut().find(|it| Some(it.id) == which) {
        paper.pages.insert(page);
    }
}

/// 1, 2, 3 and 7 as 1–3 and 7–7.
fn runs(pages: &BTreeSet<u32>) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for page in pages {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *page => *last = *page,
            Some(_) | None => runs.push((*page, *page)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use protocol::paper::PaperEntry;
    use protocol::time::Timestamp;

    use super::*;

    fn record(fact: PaperFact) -> FactRecord {
        FactRecord { seq: 1, at: Timestamp(0), by: None, fact: Fact::Paper(fact) }
    }

    fn added(number: u128, name: &str, audience: PaperAudience) -> FactRecord {
        let paper = PaperId::from_parts(1, number);
        let (open_from, open_until) = (None, None);
        let name = name.to_owned();
        record(PaperFact::Added {
            entry: PaperEntry { paper, name, pages: 9, audience, open_from, open_until },
        })
    }

    #[test]
    fn the_minutes_say_which_pages_were_shown_and_leave_out_what_nobody_saw_or_may_see() {
        let [first, second, third] = [1, 2, 3].map(|it| PaperId::from_parts(1, it));
        let facts = [
            added(1, "Báo cáo", PaperAudience::All),
            added(2, "Dự thảo", PaperAudience::All),
            added(3, "Nhầm", PaperAudience::All),
            added(4, "Mật của chủ trì", PaperAudience::Leaders),
            record(PaperFact::Shown { paper: second, page: 2 }),
            record(PaperFact::Turned { page: 3 }),
            record(PaperFact::Turned { page: 7 }),
            record(PaperFact::Turned { page: 1 }),
            record(PaperFact::Ended),
            record(PaperFact::Turned { page: 9 }),
            record(PaperFact::Removed { paper: second }),
            record(PaperFact::Removed { paper: third }),
            record(PaperFact::Removed { paper: first }),
            added(1, "Báo cáo, sửa", PaperAudience::All),
        ];
        let rows = rows(&facts[..13]);
        let seen: Vec<_> = rows.iter().map(|it| (it.name.as_str(), it.shown.clone())).collect();
        assert_eq!(seen, [("Dự thảo", vec![(1, 3), (7, 7)])]);
        assert_eq!(super::rows(&facts[..4]).len(), 3);
    }
}
