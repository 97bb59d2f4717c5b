//! How a room begins: its first fact, and the queue of those who asked to speak before it opened.

use protocol::conduct::{ConductFact, Registered};
use protocol::fact::Fact;
use protocol::id::MeetingId;
use protocol::time::Timestamp;

use super::{Now, Room};
use crate::db::seats::SeatRow;

/// Somebody who asked to speak before the meeting opened, with the seat that is kept for it.
#[derive(Clone, Debug)]
pub(crate) struct Ahead {
    pub(crate) seat: SeatRow,
    pub(crate) subject: String,
    pub(crate) asked_at: Timestamp,
}

impl Room {
    /// Opens the room of a meeting. It is open when its first facts are on disk, all at once: whoever is
    /// `ahead` waits in the queue from then on, in this order, whether or not it has come.
    pub(crate) fn open(
        meeting: MeetingId,
        code: &str,
        epoch: &str,
        title: &str,
        ahead: Vec<Ahead>,
        now: Now,
    ) -> Self {
        let mut room = Self::new(meeting, code, epoch);
        room.stage(None, Fact::Opened { title: title.to_owned() }, None, now);
        for Ahead { seat, subject, asked_at } in ahead {
            let participant = seat.participant;
            let SeatRow { role, name, site, account, link, .. } = seat;
            room.stage(
                None,
                Fact::Seated { participant, role, name, site, account, link },
                None,
                now,
            );
            let registered = Registered { participant, subject, asked_at };
            room.stage(None, Fact::Conduct(ConductFact::Registered(registered)), None, now);
        }
        room.flush();
        room
    }
}
