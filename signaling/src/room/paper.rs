//! Documents on the screens. The laws: what is shown is a document of this meeting that everyone may read at that
//! moment, at a page that it has; whom a document is not for learns that there is one, and nothing of it.

use protocol::error::ErrorCode;
use protocol::fact::{Fact, FactRecord};
use protocol::id::{PaperId, ParticipantId};
use protocol::paper::{PaperAudience, PaperCommand, PaperEntry, PaperFact, PaperOnAir, PaperView};
use protocol::role::RoomRole;

use super::Now;
use super::roster::Seat;
use super::state::State;

/// The documents of a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Papers {
    view: PaperView,
}

impl Papers {
    /// Takes in what a fact says.
    pub(crate) fn apply(&mut self, fact: &PaperFact, by: Option<ParticipantId>) {
        match fact {
            PaperFact::Added { entry } => {
                match self.view.papers.iter_mut().find(|it| it.paper == entry.paper) {
                    Some(before) => before.clone_from(entry),
                    None => self.view.papers.push(entry.clone()),
                }
            }
            PaperFact::Removed { paper } => self.view.papers.retain(|it| it.paper != *paper),
            PaperFact::Shown { paper, page } => {
                self.view.on_air = Some(PaperOnAir { paper: *paper, page: *page, by });
            }
            PaperFact::Turned { page } => {
                if let Some(on_air) = &mut self.view.on_air {
                    on_air.page = *page;
                }
            }
            PaperFact::Ended => self.view.on_air = None,
        }
    }

    /// What a page is shown.
    pub(crate) fn view(&self, viewer: Option<&Seat>) -> PaperView {
        let mut view = self.view.clone();
        view.papers.retain(|it| may_know(viewer, it.audience));
        view
    }

    fn find(&self, paper: PaperId) -> Result<&PaperEntry, ErrorCode> {
        self.view.papers.iter().find(|it| it.paper == paper).ok_or(ErrorCode::PaperUnknown)
    }

    /// Whether there is such a document.
    pub(crate) fn knows(&self, paper: PaperId) -> bool {
        self.find(paper).is_ok()
    }
}

fn leads(role: RoomRole) -> bool {
    matches!(role, RoomRole::Chair | RoomRole::Secretary)
}

fn may_know(viewer: Option<&Seat>, audience: PaperAudience) -> bool {
    match audience {
        PaperAudience::All => true,
        PaperAudience::Leaders => {
            viewer.is_some_and(|it| it.removed_at.is_none() && leads(it.role))
        }
    }
}

/// Whether a fact is told to each page differently.
pub(crate) fn is_private(fact: &Fact) -> bool {
    matches!(fact, Fact::Paper(PaperFact::Added { entry }) if entry.audience == PaperAudience::Leaders)
}

/// A fact as a page may read it.
pub(crate) fn told(viewer: Option<&Seat>, record: FactRecord) -> FactRecord {
    if may_know(viewer, PaperAudience::Leaders) { record } else { unnamed(record) }
}

/// A fact without the name of a document that is for the leaders.
pub(crate) fn unnamed(mut record: FactRecord) -> FactRecord {
    if let Fact::Paper(PaperFact::Added { entry }) = &mut record.fact
        && entry.audience == PaperAudience::Leaders
    {
        entry.name.clear();
    }
    record
}

/// The facts of a command, or why it is refused.
pub(crate) fn facts_of(
    state: &State,
    seat: &Seat,
    command: &PaperCommand,
    now: Now,
) -> Result<Vec<Fact>, ErrorCode> {
    let presents = seat.role == RoomRole::Site && state.floor.holder_id() == Some(seat.id);
    if !(seat.role.conducts() || seat.role == RoomRole::Secretary || presents) {
        return Err(ErrorCode::Forbidden);
    }
    match command {
        PaperCommand::Show { paper, page } => show(state, *paper, *page, now),
        PaperCommand::Turn { page } => {
            let on_air = state.papers.view.on_air.as_ref().ok_or(ErrorCode::PaperNotShown)?;
            has_page(state.papers.find(on_air.paper)?, *page)?;
            let fact = PaperFact::Turned { page: *page };
            Ok(if on_air.page == *page { Vec::new() } else { vec![Fact::Paper(fact)] })
        }
        PaperCommand::End {} => Ok(end(state)),
    }
}

fn has_page(entry: &PaperEntry, page: u32) -> Result<(), ErrorCode> {
    if (1..=entry.pages).contains(&page) { Ok(()) } else { Err(ErrorCode::PaperPageUnknown) }
}

/// Shows a document on every screen.
pub(crate) fn show(
    state: &State,
    paper: PaperId,
    page: u32,
    now: Now,
) -> Result<Vec<Fact>, ErrorCode> {
    let entry = state.papers.find(paper)?;
    has_page(entry, page)?;
    if !entry.is_open_to_all(now.at) {
        return Err(ErrorCode::PaperNotForAll);
    }
    let is_shown =
        state.papers.view.on_air.as_ref().is_some_and(|it| it.paper == paper && it.page == page);
    let fact = PaperFact::Shown { paper, page };
    Ok(if is_shown { Vec::new() } else { vec![Fact::Paper(fact)] })
}

/// Shows a document from its first page, or, if it is on the screens already, where it is.
pub(crate) fn go_to(state: &State, paper: PaperId, now: Now) -> Result<Vec<Fact>, ErrorCode> {
    let is_shown = state.papers.view.on_air.as_ref().is_some_and(|it| it.paper == paper);
    if is_shown { Ok(Vec::new()) } else { show(state, paper, 1, now) }
}

/// Ends the showing, if there is one.
pub(crate) fn end(state: &State) -> Vec<Fact> {
    state.papers.view.on_air.iter().map(|_| Fact::Paper(PaperFact::Ended)).collect()
}

/// Ends the showing, if it is this participant's.
pub(crate) fn end_of(state: &State, by: ParticipantId) -> Vec<Fact> {
    let is_its = state.papers.view.on_air.as_ref().is_some_and(|it| it.by == Some(by));
    if is_its { end(state) } else { Vec::new() }
}

/// What makes the room's documents these. Said again, it changes nothing.
pub(crate) fn synced(state: &State, ready: &[PaperEntry]) -> Vec<Fact> {
    let known = &state.papers.view;
    let gone = known.papers.iter().filter(|it| !ready.iter().any(|now| now.paper == it.paper));
    let mut facts = Vec::new();
    for entry in gone {
        if known.on_air.as_ref().is_some_and(|it| it.paper == entry.paper) {
            facts.push(PaperFact::Ended);
        }
        facts.push(PaperFact::Removed { paper: entry.paper });
    }
    let shrunk = known.on_air.as_ref().is_some_and(|shown| {
        ready.iter().any(|it| it.paper == shown.paper && it.pages < shown.page)
    });
    if shrunk {
        facts.push(PaperFact::Ended);
    }
    let new = ready.iter().filter(|it| !known.papers.contains(it));
    facts.extend(new.map(|it| PaperFact::Added { entry: it.clone() }));
    facts.into_iter().map(Fact::Paper).collect()
}
