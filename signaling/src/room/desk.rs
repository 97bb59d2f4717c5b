//! Notes between a site and the desk, words on every screen, and whether sites may write to everyone. The law: a
//! note's text reaches who wrote it, whom it is for, and those who run the meeting; nobody else.

use std::collections::VecDeque;

use protocol::client::TEXT_CHARS_MAX;
use protocol::desk::{BANNER_CHARS_MAX, DeskCommand, DeskFact, DeskView, Note};
use protocol::error::ErrorCode;
use protocol::fact::{Fact, FactRecord};
use protocol::id::{MessageId, ParticipantId};
use protocol::role::RoomRole;

use super::Now;
use super::roster::Seat;
use super::state::State;
use crate::text::nfc;

/// Notes that a newcomer gets; older ones are in the log.
const NOTES_MAX: usize = 500;

/// What the desk has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Desk {
    notes: VecDeque<Note>,
    banner: String,
    chat_open: bool,
}

impl Default for Desk {
    fn default() -> Self {
        Self { notes: VecDeque::new(), banner: String::new(), chat_open: true }
    }
}

impl Desk {
    /// Takes in what a fact says.
    pub(crate) fn apply(&mut self, fact: &DeskFact, record: &FactRecord) {
        match fact {
            DeskFact::Noted { message, to, text } => {
                if self.notes.len() == NOTES_MAX {
                    self.notes.pop_front();
                }
                let (at, by, text) = (record.at, record.by, text.clone());
                self.notes.push_back(Note { id: *message, at, by, to: *to, text });
            }
            DeskFact::Announced { text } => self.banner.clone_from(text),
            DeskFact::ChatSet { open } => self.chat_open = *open,
            DeskFact::Called { .. } => {}
        }
    }

    /// Whether this role may write to everyone now.
    pub(crate) fn may_chat(&self, role: RoomRole) -> bool {
        self.chat_open || runs(role)
    }

    /// What a page is shown.
    pub(crate) fn view(&self, viewer: Option<&Seat>) -> DeskView {
        let readable = |it: &&Note| may_read(viewer, it.by, it.to);
        DeskView {
            notes: self.notes.iter().filter(readable).cloned().collect(),
            banner: self.banner.clone(),
            chat_open: self.chat_open,
        }
    }
}

/// Those who run the meeting read every note.
pub(crate) fn runs(role: RoomRole) -> bool {
    role.conducts() || role == RoomRole::Secretary
}

fn may_read(viewer: Option<&Seat>, by: Option<ParticipantId>, to: Option<ParticipantId>) -> bool {
    viewer.is_some_and(|it| {
        it.removed_at.is_none() && (runs(it.role) || by == Some(it.id) || to == Some(it.id))
    })
}

/// Whether a fact is told to each page differently.
pub(crate) fn is_private(fact: &Fact) -> bool {
    matches!(fact, Fact::Desk(DeskFact::Noted { .. } | DeskFact::Called { .. }))
}

/// A fact as a page may read it.
pub(crate) fn told(viewer: Option<&Seat>, mut record: FactRecord) -> FactRecord {
    let by = record.by;
    if let Fact::Desk(DeskFact::Called { sites, reached }) = &mut record.fact
        && !viewer.is_some_and(|it| it.removed_at.is_none() && runs(it.role))
    {
        sites.clear();
        *reached = 0;
        record.by = None;
    }
    if let Fact::Desk(DeskFact::Noted { to, text, .. }) = &mut record.fact
        && !may_read(viewer, by, *to)
    {
        text.clear();
        // Nor with whom the desk talks.
        *to = None;
        record.by = None;
    }
    record
}

/// The facts of a command, or why it is refused.
pub(crate) fn facts_of(
    state: &State,
    seat: &Seat,
    command: &DeskCommand,
    now: Now,
) -> Result<Vec<Fact>, ErrorCode> {
    match command {
        DeskCommand::Note { to, text } => note(state, seat, *to, text, now),
        DeskCommand::Announce { text } => {
            allowed(seat.role.conducts())?;
            let text = nfc(text).trim().to_owned();
            if text.chars().count() > BANNER_CHARS_MAX {
                return Err(ErrorCode::TooLarge);
            }
            Ok(when(text != state.desk.banner, DeskFact::Announced { text }))
        }
        DeskCommand::SetChat { open } => {
            allowed(seat.role.conducts())?;
            Ok(when(state.desk.chat_open != *open, DeskFact::ChatSet { open: *open }))
        }
        DeskCommand::CheckAgain { participant } => {
            allowed(runs(seat.role))?;
            let target = state.roster.get(*participant).filter(|it| it.connected);
            let target = target.ok_or(ErrorCode::NotInRoom)?;
            allowed(target.role.publishes())?;
            Ok(Vec::new())
        }
    }
}

fn note(
    state: &State,
    seat: &Seat,
    to: Option<ParticipantId>,
    text: &str,
    now: Now,
) -> Result<Vec<Fact>, ErrorCode> {
    match to {
        None => allowed(seat.role != RoomRole::Observer)?,
        Some(id) => {
            allowed(seat.role.conducts())?;
            let target = state.roster.get(id).filter(|it| it.removed_at.is_none());
            target.filter(|it| it.id != seat.id).ok_or(ErrorCode::NotInRoom)?;
        }
    }
    let text = nfc(text).trim().to_owned();
    match text.chars().count() {
        0 => Err(ErrorCode::InvalidInput),
        1..=TEXT_CHARS_MAX => {
            let message = MessageId::from_parts(now.unix_ms(), now.entropy);
            Ok(vec![Fact::Desk(DeskFact::Noted { message, to, text })])
        }
        _ => Err(ErrorCode::TooLarge),
    }
}

fn allowed(right: bool) -> Result<(), ErrorCode> {
    if right { Ok(()) } else { Err(ErrorCode::Forbidden) }
}

fn when(changed: bool, fact: DeskFact) -> Vec<Fact> {
    if changed { vec![Fact::Desk(fact)] } else { Vec::new() }
}
