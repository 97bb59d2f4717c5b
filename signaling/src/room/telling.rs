//! What pages are told when they come, and what of a fact they are told at all.

use protocol::client::ServerMessage;
use protocol::fact::FactRecord;
use protocol::id::ParticipantId;

use super::io::{ConnectionId, Now};
use super::{Output, RESUME_FACTS_MAX, Room, desk, paper, short, vote};

impl Room {
    pub(super) fn welcome(
        &mut self,
        connection: ConnectionId,
        participant: ParticipantId,
        resume_after: Option<u64>,
        now: Now,
    ) {
        let missed = resume_after.and_then(|seen| self.missed_after(seen, participant));
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
    fn missed_after(&self, seen: u64, viewer: ParticipantId) -> Option<Vec<FactRecord>> {
        let missing = usize::try_from(self.committed.seq.checked_sub(seen)?).ok()?;
        let skip = self.recent.len().checked_sub(missing)?;
        Some(self.recent.iter().skip(skip).map(|it| self.told(it, viewer)).collect())
    }

    pub(super) fn remember(&mut self, record: FactRecord) {
        if self.recent.len() == RESUME_FACTS_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(record);
    }

    /// Tells everybody a fact; a private one to each page as it may be read there. Whether it told the `next` too.
    pub(super) fn tell(&mut self, record: &FactRecord, next: Option<&FactRecord>) -> bool {
        if let Some(both) = next.and_then(|next| short::came(record, next)) {
            self.output(Output::Broadcast(Box::new(both)));
            return true;
        }
        if let Some(brief) = short::sends(&self.committed.roster, record) {
            self.output(Output::Broadcast(Box::new(brief)));
            return false;
        }
        if !desk::is_private(&record.fact) && !paper::is_private(&record.fact) {
            let told = vote::told(self.committed.vote.as_ref(), record);
            self.output(Output::Broadcast(Box::new(ServerMessage::Fact(told))));
            return false;
        }
        let mut pages: Vec<_> =
            self.observed.connections.iter().map(|(connection, id)| (*connection, *id)).collect();
        pages.sort_unstable();
        for (connection, viewer) in pages {
            let told = self.told(record, viewer);
            self.send(connection, ServerMessage::Fact(told));
        }
        false
    }

    /// A fact as the page of `viewer` is told it.
    fn told(&self, record: &FactRecord, viewer: ParticipantId) -> FactRecord {
        let told = vote::told(self.committed.vote.as_ref(), record);
        let viewer = self.committed.roster.get(viewer);
        paper::told(viewer, desk::told(viewer, told))
    }
}
