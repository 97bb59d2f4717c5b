//! What is true of a room right now, whether or not it is in the log yet: who is connected, what the
//! media node receives, how the recorder does. The room compares it with its facts and writes the
//! difference; so a full disk loses no truth, only the moment at which it was written.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use protocol::error::ErrorCode;
use protocol::fact::LeaveReason;
use protocol::id::{ParticipantId, RecordingId};
use protocol::media::Source;
use protocol::time::Timestamp;

use super::io::ConnectionId;
use crate::db::seats::SeatRow;

/// A connection that is lost may come back so long without anybody noticing, ms.
pub(crate) const LOST_MS: u64 = 5_000;

/// Floor and main picture wait so long for their owner, ms. A 4G modem dials again in about 20 s.
pub(crate) const GRACE_MS: u64 = 30_000;

/// Stretches of speech waiting to be written, while the disk is full.
const SPOKEN_MAX: usize = 256;

/// What is known of one participant besides its facts.
#[derive(Debug)]
pub(crate) struct Presence {
    /// Connected, or lost for less than [`LOST_MS`].
    pub(crate) connected: bool,
    /// Why it is not.
    pub(crate) reason: LeaveReason,
    /// Another page took the seat: the log is to say that the first one left.
    pub(crate) replaced: bool,
}

/// A stretch of speech that is not in the log yet.
#[derive(Debug)]
pub(crate) struct Spoken {
    pub(crate) publisher: String,
    pub(crate) from: Timestamp,
    pub(crate) ms: u64,
}

/// See the file's head.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    pub(crate) seats: HashMap<ParticipantId, SeatRow>,
    pub(crate) presence: HashMap<ParticipantId, Presence>,
    pub(crate) tracks: HashMap<String, BTreeSet<Source>>,
    pub(crate) spoken: VecDeque<Spoken>,
    /// What the recorder said last of which recording.
    pub(crate) recorder: Option<(RecordingId, Result<(), ErrorCode>)>,
    /// Participants whose facts may differ from what is observed.
    pub(crate) dirty: BTreeSet<ParticipantId>,
    /// Participants whose leaving is being written; until it is, they are not looked at.
    pub(crate) leaving: HashSet<ParticipantId>,
    /// When a lost connection counts as gone.
    pub(crate) lost: BTreeMap<ParticipantId, u64>,
    /// Until when floor and main picture wait for somebody.
    pub(crate) grace: BTreeMap<ParticipantId, u64>,
    pub(crate) connections: HashMap<ConnectionId, ParticipantId>,
    pub(crate) by_seat: HashMap<ParticipantId, ConnectionId>,
}

impl Observed {
    /// Somebody is here.
    pub(crate) fn arrived(&mut self, id: ParticipantId) {
        let here = Presence { connected: true, reason: LeaveReason::Lost, replaced: false };
        let replaced = self.presence.get(&id).is_some_and(|it| it.replaced);
        self.presence.insert(id, Presence { replaced, ..here });
        self.lost.remove(&id);
        self.grace.remove(&id);
        self.dirty.insert(id);
    }

    /// Somebody is gone. Floor and main picture wait for him until `grace_until`.
    pub(crate) fn gone(&mut self, id: ParticipantId, reason: LeaveReason, grace_until: u64) {
        self.presence.insert(id, Presence { connected: false, reason, replaced: false });
        self.lost.remove(&id);
        self.grace.entry(id).or_insert(grace_until);
        self.dirty.insert(id);
    }

    /// Whether somebody is here.
    pub(crate) fn is_here(&self, id: ParticipantId) -> bool {
        self.presence.get(&id).is_some_and(|it| it.connected)
    }

    /// A connection opened; the one that it replaces.
    pub(crate) fn bind(
        &mut self,
        connection: ConnectionId,
        id: ParticipantId,
    ) -> Option<ConnectionId> {
        self.connections.insert(connection, id);
        let before = self.by_seat.insert(id, connection);
        if let Some(before) = before {
            self.connections.remove(&before);
        }
        before
    }

    /// A connection is gone; whose it was, unless it had been replaced before.
    pub(crate) fn unbind(&mut self, connection: ConnectionId) -> Option<ParticipantId> {
        let id = self.connections.remove(&connection)?;
        self.by_seat.remove(&id);
        Some(id)
    }

    /// Somebody was heard.
    pub(crate) fn heard(&mut self, spoken: Spoken) {
        if self.spoken.len() == SPOKEN_MAX {
            self.spoken.pop_front();
        }
        self.spoken.push_back(spoken);
    }

    /// After facts were lost: everything has to be compared again.
    pub(crate) fn doubt_all(&mut self) {
        self.leaving.clear();
        self.dirty.extend(self.presence.keys());
    }
}
