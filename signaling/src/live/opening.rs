//! Opening a meeting's room with the queue of those who asked to speak before: whoever was told that its
//! registration is kept is in that queue, however close to the opening it came.

use std::sync::Arc;

use protocol::api::Meeting;
use protocol::error::ErrorCode;
use protocol::id::{MeetingId, ParticipantId};
use protocol::role::RoomRole;

use super::{Hub, ask, read_now};
use crate::db::DbError;
use crate::db::registrations::{self, Row};
use crate::db::seats::{self, SeatRow};
use crate::room::{Act, Ahead, Room};

/// While it lives, nobody's registration is acknowledged any more.
struct Opening<'a>(&'a Hub, MeetingId);

impl<'a> Opening<'a> {
    fn begin(hub: &'a Hub, meeting: MeetingId) -> Self {
        hub.tables().opening.insert(meeting);
        Self(hub, meeting)
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.0.tables().opening.remove(&self.1);
    }
}

impl Hub {
    /// Opens the room of a meeting, and answers when that is on disk.
    pub(crate) async fn open(self: &Arc<Self>, meeting: &Meeting) -> Result<(), ErrorCode> {
        let handle = {
            let _alone = self.one_opens.lock().await;
            if self.room(meeting.id).is_some() {
                return Ok(());
            }
            // From here on registrations are refused, so that what is read now is all there is.
            let _opening = Opening::begin(self, meeting.id);
            let ahead = self.ahead(meeting.id).await.map_err(|error| {
                tracing::error!(meeting = %meeting.id, %error, "a meeting could not be opened");
                error.code()
            })?;
            let (code, title) = (&meeting.code, &meeting.title);
            let room = Room::open(meeting.id, code, &self.epoch, title, ahead, read_now());
            self.start(meeting, room)
        };
        let opened = ask(&handle, Act::Wait).await;
        if opened.is_err() {
            self.forget(meeting.id);
        }
        opened
    }

    /// Whether a meeting is open or just being opened.
    pub(crate) fn is_opening(&self, meeting: MeetingId) -> bool {
        let tables = self.tables();
        tables.opening.contains(&meeting) || tables.rooms.contains_key(&meeting)
    }

    /// Who asked to speak, each with the seat that it will take.
    async fn ahead(&self, meeting: MeetingId) -> Result<Vec<Ahead>, DbError> {
        let mut ahead = Vec::new();
        for Row { registration, link } in registrations::list(&self.db, meeting).await? {
            let is_delegate = registration.delegate.is_some();
            let now = read_now();
            let wanted = SeatRow {
                participant: ParticipantId::from_parts(now.unix_ms(), now.entropy),
                meeting,
                role: if is_delegate { RoomRole::Delegate } else { RoomRole::Site },
                name: if is_delegate { registration.delegate_name } else { registration.site_name },
                site: registration.site,
                account: None,
                link: link.filter(|_| !is_delegate),
                delegate: registration.delegate,
                watcher: None,
            };
            let seat = seats::reserve(&self.db, &wanted).await?;
            let (subject, asked_at) = (registration.subject, registration.asked_at);
            ahead.push(Ahead { seat, subject, asked_at });
        }
        Ok(ahead)
    }
}
