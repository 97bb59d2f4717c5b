//! What waits to be sent over a link. Rooms never wait for a link: they put values here, one task carries
//! them. A value that replaces another takes its place, so a slow link is behind, not flooded.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::control::{MediaCommand, RecorderCommand};
use tokio::sync::{Notify, mpsc};

/// Values waiting for one link. A recording of 3,321 sites that starts sends two notes for each.
const WAITING_MAX: usize = 16_384;

/// A value of a link.
pub(crate) trait Outgoing: Send {
    /// Whether `self` says all that `before` said, so that `before` need not be sent any more.
    fn replaces(&self, before: &Self) -> bool;
}

impl Outgoing for MediaCommand {
    fn replaces(&self, before: &Self) -> bool {
        match (self, before) {
            (Self::SetRoom(new), Self::SetRoom(old)) => new.room == old.room,
            (Self::SetWants { session: new, .. }, Self::SetWants { session: old, .. }) => {
                new == old
            }
            _ => false,
        }
    }
}

impl Outgoing for RecorderCommand {
    fn replaces(&self, _before: &Self) -> bool {
        false // A journal wants every line.
    }
}

/// See the file's head.
#[derive(Debug)]
pub(crate) struct Outbox<T> {
    waiting: Mutex<VecDeque<T>>,
    added: Notify,
}

impl<T> Default for Outbox<T> {
    fn default() -> Self {
        Self { waiting: Mutex::default(), added: Notify::new() }
    }
}

impl<T: Outgoing> Outbox<T> {
    /// Adds a value. False: the link is lost (far behind); everything was thrown away and the whole
    /// state is to be sent again.
    #[must_use]
    pub(crate) fn push(&self, value: T) -> bool {
        let mut waiting = self.lock();
        // Only the newest few are looked at: a replaced value further back costs a message, not truth.
        let newest = waiting.len().saturating_sub(64)..waiting.len();
        let replaced =
            newest.rev().find(|index| waiting.get(*index).is_some_and(|it| value.replaces(it)));
        let is_kept = match replaced {
            Some(index) => {
                waiting[index] = value;
                true
            }
            None if waiting.len() < WAITING_MAX => {
                waiting.push_back(value);
                true
            }
            None => {
                waiting.clear();
                false
            }
        };
        drop(waiting);
        self.added.notify_one();
        is_kept
    }

    /// Carries values over the link until its other end is gone.
    pub(crate) async fn carry(&self, link: mpsc::Sender<T>) {
        loop {
            let added = self.added.notified();
            while !self.lock().is_empty() {
                let Ok(place) = link.reserve().await else { return };
                let next = self.lock().pop_front();
                if let Some(value) = next {
                    place.send(value);
                }
            }
            added.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<T>> {
        // A panic while pushing leaves a queue that is still a queue.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use protocol::control::RoomMedia;

    use super::*;

    fn set_room(room: &str, open: bool) -> MediaCommand {
        MediaCommand::SetRoom(RoomMedia { room: room.into(), open, ..RoomMedia::default() })
    }

    #[tokio::test]
    async fn a_newer_state_takes_the_place_of_the_older_one() {
        let outbox = Outbox::default();
        assert!(outbox.push(set_room("a", false)));
        assert!(outbox.push(set_room("b", false)));
        assert!(outbox.push(set_room("a", true)));
        let (tx, mut rx) = mpsc::channel(8);
        tokio::select! {
            () = outbox.carry(tx) => unreachable!("the other end is there"),
            first = rx.recv() => assert_eq!(first, Some(set_room("a", true))),
        }
    }

    #[test]
    fn a_link_that_is_far_behind_is_lost_rather_than_endless() {
        let outbox = Outbox::default();
        for i in 0..WAITING_MAX {
            assert!(outbox.push(set_room(&i.to_string(), false)));
        }
        assert!(!outbox.push(set_room("one more", false)));
        assert!(outbox.lock().is_empty());
    }
}
