//! Paths: which addresses are a session's. Binding requests prove it; everything else is looked at only if
//! its address has been proved.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::clock::Now;
use crate::core::{Core, guard};
use crate::peer::dtls::Progress;
#[cfg(any(test, feature = "fuzzing"))]
use crate::peer::srtp::Keys;
use crate::peer::stun;
use crate::session::{ADDRESS_KEPT, ADDRESSES_MAX};

impl Core {
    pub(super) fn stun(&mut self, from: SocketAddr, bytes: &[u8], via: Option<usize>, now: Now) {
        let Some(ufrag) = stun::ufrag(bytes) else {
            self.counters.dropped_stun += 1;
            return;
        };
        let Some(&index) = self.by_ufrag.get(ufrag) else {
            let owner = stun::shard_of(ufrag).filter(|_| via.is_none());
            let owner = self.neighbours.of_letter(owner);
            let (neighbours, guard) = (&mut self.neighbours, &mut self.guard);
            let is_handed = owner.is_some_and(|owner| {
                let is_stranger = neighbours.of_address(from) != Some(owner);
                if is_stranger {
                    guard.charge(from, guard::HANDED, now.at);
                }
                !(is_stranger && guard.is_spent(from, now.at))
                    && neighbours.hand_on_request(owner, from, bytes)
            });
            self.counters.dropped_stun += u64::from(!is_handed);
            return;
        };
        let is_current = self.session(index).is_some_and(|it| it.ufrag == ufrag);
        if !self.knows(from) && self.guard.is_spent(from, now.at) {
            self.counters.dropped_stun += 1;
            return;
        }
        let Ok(Some(request)) = catch_unwind(|| stun::read(bytes)) else {
            self.counters.dropped_stun += 1;
            return;
        };
        let request = (request, is_current);
        self.isolated(index, now, |core| core.check(index, (from, via), request, now));
    }

    /// A binding request for one of our sessions: authenticates it, and with it the address it came from.
    fn check(
        &mut self,
        index: usize,
        (from, via): (SocketAddr, Option<usize>),
        (request, is_current): (stun::Request, bool),
        now: Now,
    ) {
        let provider = Arc::clone(&self.identity.provider);
        let Some(session) = self.session_mut(index) else { return };
        // A request that breaks the library is not authentic, and no reason to end the session it names.
        let former = session.remembered.former.as_ref().filter(|_| !is_current);
        let password = former.map_or(session.password.as_str(), |(_, password)| password);
        let check = AssertUnwindSafe(|| request.check(password, from, &*provider));
        let Some(checked) = catch_unwind(check).ok().flatten() else {
            self.counters.dropped_stun += 1;
            self.guard.charge(from, guard::FORGED, now.at);
            return;
        };
        if !self.vacate(index, from, now) {
            self.counters.dropped_stun += 1;
            return;
        }
        let Some(session) = self.session_mut(index) else { return };
        session.heard = now.at;
        if checked.is_nominated || session.selected.is_none() {
            session.selected = Some(from);
        }
        let is_restarted = checked.is_nominated && is_current;
        let mut forgotten = None;
        if !session.addresses.contains(&from) {
            if session.addresses.len() == ADDRESSES_MAX {
                // The oldest but the one in use.
                let oldest = usize::from(session.addresses.first() == session.selected.as_ref());
                forgotten = Some(session.addresses.remove(oldest));
            }
            session.addresses.push(from);
        }
        let starts = !session.has_started_dtls;
        session.has_started_dtls = true;
        let progress = if starts { session.dtls.start(now.at) } else { Progress::None };
        if is_restarted {
            self.forget_former(index);
        }
        if let Some(address) = forgotten {
            self.forget_address(address);
        }
        self.by_address.insert(from, index);
        if let Some(via) = via
            && self.arrives_at.insert(from, via) != Some(via)
        {
            self.neighbours.tell_owner(via, from, true);
        }
        self.out.push(from, &checked.answer);
        self.progress(index, progress, now);
        if starts {
            self.send_dtls(index);
        }
    }

    /// Connects the first session without a check and a handshake.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn connect_unchecked(&mut self, from: SocketAddr, keys: &Keys, now: Now) {
        if let Some(session) = self.session_mut(0) {
            session.selected = Some(from);
            session.addresses.push(from);
            self.by_address.insert(from, 0);
            self.connected(0, keys, now);
        }
    }

    /// Whether an address belongs to a session.
    pub(crate) fn knows(&self, address: SocketAddr) -> bool {
        self.by_address.contains_key(&address)
    }

    /// A connection is over: its session goes on with another path, or waits for one.
    pub(crate) fn lose_path(&mut self, address: SocketAddr) {
        let owner = self.by_address.get(&address).copied();
        self.forget_address(address);
        let Some(session) = owner.and_then(|owner| self.session_mut(owner)) else { return };
        session.addresses.retain(|it| *it != address);
        if session.selected == Some(address) {
            session.selected = session.addresses.last().copied();
        }
    }

    /// Nothing from this address is for us any more.
    pub(super) fn forget_address(&mut self, address: SocketAddr) {
        self.by_address.remove(&address);
        if let Some(via) = self.arrives_at.remove(&address) {
            self.neighbours.tell_owner(via, address, false);
        }
    }

    /// Takes an address from the session that had it before. `false` if that one still uses it: whoever
    /// can forge a sender's address must not be able to cut others off.
    fn vacate(&mut self, index: usize, from: SocketAddr, now: Now) -> bool {
        let Some(&owner) = self.by_address.get(&from) else { return true };
        let Some(session) = self.session_mut(owner).filter(|_| owner != index) else { return true };
        let is_used = session.srtp.is_some()
            && session.selected == Some(from)
            && now.at.saturating_duration_since(session.heard) < ADDRESS_KEPT;
        if is_used {
            return false;
        }
        session.addresses.retain(|it| *it != from);
        session.selected = session.selected.filter(|it| *it != from);
        true
    }
}
