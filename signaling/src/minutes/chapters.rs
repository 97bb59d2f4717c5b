//! Places to jump to in a recording, read from the facts.

use std::collections::HashMap;

use protocol::api::{Chapter, ChapterKind, Recording};
use protocol::fact::{Fact, FactRecord};
use protocol::id::{PaperId, ParticipantId};
use protocol::paper::PaperFact;
use protocol::time::Timestamp;

/// Longest text of a chapter, in characters: a decision is read in the minutes, not in a list.
const TEXT_CHARS_MAX: usize = 120;

/// A page that was turned over sooner is not a place to jump to, ms.
const PAGE_MS_LEAST: u64 = 5_000;

/// The chapters of a recording: which pages were shown, who was given the floor, what was decided, where the server was down.
pub(crate) fn chapters(facts: &[FactRecord], recording: &Recording) -> Vec<Chapter> {
    let end = recording.stopped_at.unwrap_or(Timestamp(i64::MAX));
    let mut names: HashMap<ParticipantId, &str> = HashMap::new();
    let decided = decisions(facts);
    let pages = pages(facts, end);
    let mut chapters = Vec::new();
    for record in facts {
        let page = pages.get(&record.seq).map(String::as_str);
        let chapter = match &record.fact {
            Fact::Paper(_) => page.map(|text| (ChapterKind::Page, text)),
            Fact::Seated { participant, name, .. } => {
                names.insert(*participant, name);
                None
            }
            Fact::FloorGranted { participant } => {
                Some((ChapterKind::Speech, names.get(participant).copied().unwrap_or_default()))
            }
            Fact::MessageSent { message, text } if decided.get(message) == Some(&true) => {
                Some((ChapterKind::Decision, text.as_str()))
            }
            Fact::Resumed => Some((ChapterKind::Gap, "")),
            _ => None,
        };
        if let Some((kind, text)) = chapter
            && (recording.started_at..=end).contains(&record.at)
        {
            let text = text.chars().take(TEXT_CHARS_MAX).collect();
            chapters.push(Chapter { ms: record.at.ms_since(recording.started_at), kind, text });
        }
    }
    chapters
}

/// For each fact from which on a page stayed on the screens for a while: the document's name and the page.
fn pages(facts: &[FactRecord], end: Timestamp) -> HashMap<u64, String> {
    let mut names: HashMap<PaperId, &str> = HashMap::new();
    let (mut on_air, mut turns) = (None, Vec::new());
    for record in facts {
        let Fact::Paper(fact) = &record.fact else { continue };
        let page = match fact {
            PaperFact::Added { entry } => {
                names.insert(entry.paper, &entry.name);
                continue;
            }
            PaperFact::Removed { .. } => continue,
            PaperFact::Shown { paper, page } => {
                on_air = Some(*paper);
                Some(*page)
            }
            PaperFact::Turned { page } => Some(*page),
            PaperFact::Ended => None,
        };
        let name = on_air.and_then(|it| names.get(&it)).copied().unwrap_or_default();
        turns.push((record.seq, record.at, page.map(|it| format!("{name}\n{it}"))));
    }
    let ends = turns.iter().skip(1).map(|it| it.1).chain([end]).collect::<Vec<_>>();
    let stayed = turns.into_iter().zip(ends).filter_map(|((seq, at, text), until)| {
        (until.ms_since(at) >= PAGE_MS_LEAST).then_some((seq, text?))
    });
    stayed.collect()
}

/// Messages that were ever marked, and whether the mark still stands.
pub(super) fn decisions(facts: &[FactRecord]) -> HashMap<protocol::id::MessageId, bool> {
    facts
        .iter()
        .filter_map(|record| match &record.fact {
            Fact::DecisionMarked { message, decision } => Some((*message, *decision)),
            _ => None,
        })
        .collect()
}
