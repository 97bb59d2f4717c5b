//! How the sites do, as their own pages say: camera, microphone, checks that the desk asked for. Nothing of it is a
//! fact or a right; it is told to those who run the meeting, what changed, once a second.

use std::collections::{HashMap, HashSet};

use protocol::client::{Command, ServerMessage};
use protocol::desk::DeskCommand;
use protocol::health::{CheckView, LEVEL_MAX, SelfCheck, Signs, SiteHealth};
use protocol::id::ParticipantId;
use protocol::role::RoomRole;

use super::io::{ConnectionId, Now};
use super::{Room, desk};

/// Changes are told so often, ms.
const TELL_MS: u64 = 1_000;

/// Seats whose signs are kept: more than any meeting has; further ones are not shown.
const SITES_MAX: usize = 4_096;

/// See the file's head.
#[derive(Debug, Default)]
pub(crate) struct Health {
    sites: HashMap<ParticipantId, Kept>,
    /// Of whom something was not told yet.
    changed: HashSet<ParticipantId>,
    /// When that is told.
    pub(crate) at: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Kept {
    signs: Option<Signs>,
    check: Option<CheckView>,
}

impl Health {
    fn change(&mut self, id: ParticipantId, now: Now, how: impl FnOnce(&mut Kept)) {
        if self.sites.len() >= SITES_MAX && !self.sites.contains_key(&id) {
            return;
        }
        let kept = self.sites.entry(id).or_default();
        let before = *kept;
        how(kept);
        if *kept != before {
            self.changed.insert(id);
            self.at.get_or_insert(now.tick + TELL_MS);
        }
    }

    /// A page is gone: what it said counts no longer.
    pub(crate) fn forget(&mut self, id: ParticipantId, now: Now) {
        if self.sites.contains_key(&id) {
            self.change(id, now, |it| it.signs = None);
        }
    }

    fn of(&self, id: ParticipantId) -> SiteHealth {
        let kept = self.sites.get(&id).copied().unwrap_or_default();
        SiteHealth { participant: id, signs: kept.signs, check: kept.check }
    }

    fn all(&self) -> Vec<SiteHealth> {
        let mut all: Vec<_> = self.sites.keys().map(|id| self.of(*id)).collect();
        all.sort_unstable_by_key(|it| it.participant);
        all
    }

    fn take_changed(&mut self) -> Vec<SiteHealth> {
        self.at = None;
        let mut changed: Vec<_> =
            std::mem::take(&mut self.changed).into_iter().map(|id| self.of(id)).collect();
        changed.sort_unstable_by_key(|it| it.participant);
        changed
    }
}

/// What a page may say of itself: only those that send pictures, and no louder than there is.
fn sane(signs: Signs) -> Signs {
    Signs { level: signs.level.min(LEVEL_MAX), ..signs }
}

impl Room {
    /// A page says how its devices do.
    pub(super) fn signs(&mut self, id: ParticipantId, signs: Signs, now: Now) {
        if self.publishes(id) {
            self.health.change(id, now, |it| it.signs = Some(sane(signs)));
        }
    }

    /// A page answers a check. One that nobody asked for is dropped.
    pub(super) fn checked(&mut self, id: ParticipantId, found: SelfCheck, now: Now) {
        let found = SelfCheck { signs: sane(found.signs), ..found };
        let found = SelfCheck { lost_permille: found.lost_permille.min(1_000), ..found };
        if !self.publishes(id) {
            return;
        }
        self.health.change(id, now, |it| {
            if let Some(check) = it.check.as_mut().filter(|it| it.done_at.is_none()) {
                check.done_at = Some(now.at);
                check.found = Some(found);
                it.signs = Some(found.signs);
            }
        });
    }

    /// What an accepted command does besides its facts.
    pub(super) fn beside_facts(&mut self, command: &Command, now: Now) {
        let Command::Desk(DeskCommand::CheckAgain { participant }) = command else { return };
        let check = CheckView { asked_at: now.at, done_at: None, found: None };
        self.health.change(*participant, now, |it| it.check = Some(check));
        self.send_to(*participant, ServerMessage::CheckAsked);
    }

    /// Tells those who watch what changed.
    pub(super) fn tell_health(&mut self, now: Now) {
        if self.health.at.is_none_or(|at| now.tick < at) {
            return;
        }
        let sites = self.health.take_changed();
        for connection in self.watchers() {
            self.send(connection, ServerMessage::Health { sites: sites.clone() });
        }
    }

    /// Tells one who has just come everything.
    pub(super) fn tell_all_health(&mut self, connection: ConnectionId, id: ParticipantId) {
        let sites = self.health.all();
        if !sites.is_empty() && self.watches(id) {
            self.send(connection, ServerMessage::Health { sites });
        }
    }

    /// Connections of those who are told how lines and devices do, in a fixed order.
    pub(super) fn watchers(&self) -> Vec<ConnectionId> {
        let pages = self.observed.connections.iter();
        let mut to: Vec<_> =
            pages.filter(|(_, id)| self.watches(**id)).map(|(connection, _)| *connection).collect();
        to.sort_unstable();
        to
    }

    /// Chair, desk, secretary, and the monitor windows of an account.
    fn watches(&self, id: ParticipantId) -> bool {
        let role = self.staged.roster.get(id).map(|it| it.role);
        let seat = self.observed.seats.get(&id);
        role.or_else(|| seat.map(|it| it.role)).is_some_and(desk::runs)
            || seat.is_some_and(|it| it.watcher.is_some() && it.role == RoomRole::Observer)
    }

    fn publishes(&self, id: ParticipantId) -> bool {
        self.staged.roster.get(id).is_some_and(|it| it.role.publishes())
    }
}
