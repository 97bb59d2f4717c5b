//! What pages are told when they come, and what of a fact they are told at all.

use protocol::client::ServerMessage;
use protocol::fact::FactRecord;
use protocol::id::ParticipantId;

use super::io::{ConnectionId, Now};
use super::{RESUME_FACTS_MAX, Room, vote};

impl Room {
    pub(super) fn welcome(
        &mut self,
        connection: ConnectionId,
        participant: ParticipantId,
        resume_after: Option<u64>,
        now: Now,
    ) {
        let missed = resume_after.and_then(|seen| self.missed_after(seen));
        let snapshot = if missed.is_some() {
            None
        } else {
            Some(Box::new(self.committed.snapshot(participant)))
        };
        let epoch = self.epoch.clone();
        self.send(connection, ServerMessage::Welcome { participant, epoch, now: now.at, snapshot });
        for record in missed.unwrap_or_default() {
            self.send(connection, ServerMessage::Fact(record));
        }
    }

    /// The facts after `seen`, if all of them are still at hand.
    fn missed_after(&self, seen: u64) -> Option<Vec<FactRecord>> {
        let missing = usize::try_from(self.committed.seq.checked_sub(seen)?).ok()?;
        let skip = self.recent.len().checked_sub(missing)?;
        Some(self.recent.iter().skip(skip).map(|it| self.told(it)).collect())
    }

    pub(super) fn remember(&mut self, record: FactRecord) {
        if self.recent.len() == RESUME_FACTS_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(record);
    }

    /// A fact as pages are told it.
    pub(super) fn told(&self, record: &FactRecord) -> FactRecord {
        vote::told(self.committed.vote.as_ref(), record)
    }
}
