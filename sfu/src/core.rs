//! The core: what the node knows and decides, without sockets and without clocks. The shell puts in
//! datagrams, commands and the passing of time; it takes out datagrams, events and the recorder's
//! packets. One input, then [`Core::settle`], then everything is taken out.

mod admit;
mod assign;
mod divide;
mod feedback;
mod guard;
mod ingest;
mod inspect;
mod intake;
mod newcomer;
mod pace;
mod path;
mod record;
mod restart;
mod snapshot;
mod tick;
mod trace;
mod trunk;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::control::{MediaCommand, MediaEvent, RoomMedia};
use protocol::id::SessionId;
use protocol::tap::{TapMessage, TapTrack};
use rustc_hash::FxHashMap;

pub(crate) use restart::Remembered;

use crate::clock::Now;
use crate::forward;
use crate::metrics::Counters;
use crate::outbox::Outbox;
use crate::peer::dtls::{Identity, Progress};
use crate::peer::srtp::{Direction, Keys};
use crate::room::Room;
use crate::rtp;
use crate::session::{Session, Srtp};
use crate::shard::Neighbours;
use crate::trace::Trace;

/// Most rooms at one node.
const ROOMS_MAX: usize = 4_096;

/// Tapped tracks of one shard: 2^26 while it runs.
const SHARD_SHIFT: u32 = 26;

/// Sessions are looked at only at multiples of this.
pub(crate) const TIMER_GRID: Duration = Duration::from_millis(5);

/// Random numbers, drawn by the shell.
pub(crate) type Random = Box<dyn FnMut() -> u64 + Send>;

/// Whose timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Session { index: usize, serial: u64 },
    Room(usize),
}

/// The state of the node.
pub(crate) struct Core {
    began: Instant,
    identity: Arc<Identity>,
    candidates: Vec<SocketAddr>,
    random: Random,
    sessions: Vec<Option<Box<Session>>>,
    by_id: HashMap<SessionId, usize>,
    by_ufrag: HashMap<String, usize>,
    by_address: FxHashMap<SocketAddr, usize>,
    guard: guard::Guard,
    /// Addresses of ours that the kernel hands to another shard.
    arrives_at: HashMap<SocketAddr, usize>,
    pub(crate) neighbours: Neighbours,
    rooms: Vec<Option<Room>>,
    by_name: HashMap<String, usize>,
    /// Rooms in which packets wait or lines have to be assigned.
    touched: Vec<usize>,
    /// Rooms in which a frame is held back for a moment.
    held: Vec<usize>,
    timers: BinaryHeap<Reverse<(Instant, Timer)>>,
    last_serial: u64,
    last_origin: u32,
    last_tap: TapTrack,
    scratch: Vec<u8>,
    /// What is being written down.
    traces: Vec<Trace>,
    /// Datagrams to send.
    pub(crate) out: Outbox,
    /// What the control plane is to hear.
    pub(crate) events: VecDeque<MediaEvent>,
    /// What the recorder is to get.
    pub(crate) tap: VecDeque<TapMessage>,
    /// What other nodes are to get.
    pub(crate) trunks: trunk::Outgoing,
    /// What operators read.
    pub(crate) counters: Counters,
}

impl Core {
    /// A node without rooms that calls itself by `candidates`.
    pub(crate) fn new(
        identity: Arc<Identity>,
        candidates: Vec<SocketAddr>,
        random: Random,
        neighbours: Neighbours,
        began: Instant,
    ) -> Self {
        let ready = (neighbours.here == 0).then_some(MediaEvent::Ready);
        Self {
            began,
            identity,
            candidates,
            random,
            sessions: Vec::new(),
            by_id: HashMap::new(),
            by_ufrag: HashMap::new(),
            by_address: FxHashMap::default(),
            guard: guard::Guard::default(),
            rooms: Vec::new(),
            by_name: HashMap::new(),
            touched: Vec::new(),
            held: Vec::new(),
            timers: BinaryHeap::new(),
            last_serial: 0,
            last_origin: 0,
            // No two shards give a track the same number.
            last_tap: (neighbours.here as TapTrack) << SHARD_SHIFT,
            scratch: Vec::new(),
            traces: Vec::new(),
            out: Outbox::default(),
            events: ready.into_iter().collect(),
            neighbours,
            arrives_at: HashMap::new(),
            tap: VecDeque::new(),
            trunks: trunk::Outgoing::default(),
            counters: Counters::default(),
        }
    }

    /// Takes one datagram that arrived here. Bytes are changed in place (decrypted).
    pub(crate) fn handle_datagram(&mut self, from: SocketAddr, bytes: &mut [u8], now: Now) {
        self.datagram(from, bytes, None, now);
    }

    /// Takes one datagram that arrived at another shard.
    pub(crate) fn handle_handed(
        &mut self,
        from: SocketAddr,
        bytes: &mut [u8],
        via: usize,
        now: Now,
    ) {
        self.datagram(from, bytes, Some(via), now);
    }

    fn datagram(&mut self, from: SocketAddr, bytes: &mut [u8], via: Option<usize>, now: Now) {
        // RFC 7983: the first byte tells the protocols apart.
        match bytes.first() {
            Some(0..=3) => self.stun(from, bytes, via, now),
            Some(20..=63 | 128..=191) => {
                // Only from an address that ICE has validated; all else is thrown away unread.
                let Some(&index) = self.by_address.get(&from) else {
                    let owner = self.neighbours.of_address(from).filter(|_| via.is_none());
                    if !owner.is_some_and(|owner| self.neighbours.hand_on(owner, from, bytes)) {
                        self.counters.dropped_address += 1;
                    }
                    return;
                };
                self.isolated(index, now, |core| core.media(index, bytes, now));
            }
            Some(_) | None => self.counters.dropped_address += 1,
        }
    }

    fn media(&mut self, index: usize, bytes: &mut [u8], now: Now) {
        match bytes.first() {
            Some(20..=63) => self.dtls(index, bytes, now),
            Some(_) if rtp::is_rtcp(bytes) => self.rtcp(index, bytes, now),
            Some(_) => self.rtp(index, bytes, now),
            None => {}
        }
    }

    /// Takes one command.
    pub(crate) fn handle_command(&mut self, command: MediaCommand, now: Now) {
        match command {
            MediaCommand::SetRoom(state) => self.set_room(state),
            MediaCommand::CloseRoom { room } => self.close_room(&room, now),
            MediaCommand::FlushSpeech { room } => self.flush_speech(&room, now),
            MediaCommand::Offer(offer) => self.offer(*offer, now),
            MediaCommand::SetWants { session, wants } => {
                let Some(&index) = self.by_id.get(&session) else { return };
                if let Some(Some(session)) = self.sessions.get_mut(index) {
                    session.wants = wants;
                    session.wants.truncate(protocol::client::WANTS_MAX);
                    let room = session.room;
                    self.touch(room, true);
                }
            }
            MediaCommand::CloseSession { session } => {
                if let Some(&index) = self.by_id.get(&session) {
                    self.close_session(index, now);
                }
            }
            MediaCommand::Inspect { request, room, of } => {
                self.inspect(request, &room, of.as_deref(), now);
            }
            MediaCommand::TakeSnapshots { request, room, newer_than } => {
                self.snapshots(request, &room, newer_than, now);
            }
            MediaCommand::Trace { request, room, publisher, seconds } => {
                self.start_trace(request, &room, &publisher, seconds, now);
            }
        }
    }

    /// Does what the passing of time asks for.
    pub(crate) fn handle_timeout(&mut self, now: Now) {
        while let Some(Reverse((at, timer))) = self.timers.peek().copied() {
            if at > now.at {
                return;
            }
            self.timers.pop();
            match timer {
                Timer::Room(index) => self.tick_room(index, at, now),
                Timer::Session { index, serial } => {
                    let is_current = self
                        .session(index)
                        .is_some_and(|it| it.serial == serial && it.next_tick == at);
                    if is_current {
                        self.isolated(index, now, |core| core.tick_session(index, now));
                    }
                }
            }
        }
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let held =
            self.held.iter().filter_map(|index| self.rooms.get(*index)?.as_ref()?.held_until);
        let timer = self.timers.peek().map(|Reverse((at, _))| *at);
        held.chain(timer).min()
    }

    /// Rooms that were held back are looked at again.
    fn touch_held(&mut self) {
        for _ in 0..self.held.len() {
            if let Some(index) = self.held.pop() {
                self.touch(index, false);
            }
        }
    }

    /// After inputs: assigns lines where something changed, and hands what there is to send to `send`,
    /// which empties it. To be called at the latest after every `PENDING_MAX` datagrams.
    pub(crate) fn settle(&mut self, now: Now, send: &mut dyn FnMut(&mut Outbox)) {
        self.touch_held();
        while let Some(index) = self.touched.pop() {
            let Some(Some(room)) = self.rooms.get_mut(index) else { continue };
            room.is_touched = false;
            // Lines first, so that a new track's first packet already finds its receivers.
            if std::mem::take(&mut room.is_dirty) {
                self.assign_room(index, now);
            }
            if self.rooms[index].as_mut().is_some_and(|room| room.holds_back(now.at)) {
                self.held.push(index);
            } else {
                self.flush_room(index, now, send);
            }
            self.ask_key_frames(index, now);
        }
        if !self.out.is_empty() {
            send(&mut self.out);
        }
    }

    fn flush_room(&mut self, index: usize, now: Now, send: &mut dyn FnMut(&mut Outbox)) {
        let Some(Some(room)) = self.rooms.get_mut(index) else { return };
        if room.pending.is_empty() {
            return;
        }
        let (sessions, out) = (&mut self.sessions, &mut self.out);
        let counters = &mut self.counters;
        let broken = if self.traces.is_empty() {
            forward::fan_out(room, sessions, out, counters, send, now.at)
        } else {
            let (traces, candidates) = (&mut self.traces, &self.candidates);
            trace::aim(traces, sessions);
            let mut send = |out: &mut Outbox| {
                trace::trace_out(traces, candidates, out, now);
                send(out);
            };
            let broken = forward::fan_out(room, sessions, out, counters, &mut send, now.at);
            // What is left goes out now, so that it is looked at.
            if !out.is_empty() {
                send(out);
            }
            broken
        };
        if let Some(index) = broken {
            self.counters.panics += 1;
            self.close_session(index, now);
        }
        self.hurry_served(index);
    }

    /// Notes that something waits in a room.
    fn touch(&mut self, index: usize, is_dirty: bool) {
        let Some(Some(room)) = self.rooms.get_mut(index) else { return };
        room.is_dirty |= is_dirty;
        if !std::mem::replace(&mut room.is_touched, true) {
            self.touched.push(index);
        }
    }

    fn session(&self, index: usize) -> Option<&Session> {
        self.sessions.get(index)?.as_deref()
    }

    fn session_mut(&mut self, index: usize) -> Option<&mut Session> {
        self.sessions.get_mut(index)?.as_deref_mut()
    }

    /// Handles something of one session. A panic ends that session and no other.
    fn isolated(&mut self, index: usize, now: Now, act: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| act(self))).is_err() {
            tracing::error!(session = ?self.session(index).map(|it| it.id), "session panicked");
            self.counters.panics += 1;
            self.close_session(index, now);
        }
    }

    fn dtls(&mut self, index: usize, bytes: &[u8], now: Now) {
        let Some(session) = self.session_mut(index) else { return };
        let progress = session.dtls.handle_input(bytes, now.at);
        self.send_dtls(index);
        self.progress(index, progress, now);
    }

    /// Sends what DTLS has to say.
    fn send_dtls(&mut self, index: usize) {
        let Some(Some(session)) = self.sessions.get_mut(index) else { return };
        let Some(address) = session.selected else { return };
        while let Some(datagram) = session.dtls.poll_output() {
            self.out.push(address, &datagram);
        }
    }

    fn progress(&mut self, index: usize, progress: Progress, now: Now) {
        match progress {
            Progress::None => {}
            Progress::Closed => self.close_session(index, now),
            Progress::Keys(keys) => self.connected(index, &keys, now),
        }
    }

    fn connected(&mut self, index: usize, keys: &Keys, now: Now) {
        let provider = Arc::clone(&self.identity.provider);
        let direction = |secret| Direction::new(&*provider, keys.profile, secret);
        let (Ok(local), Ok(remote)) = (direction(&keys.local), direction(&keys.remote)) else {
            self.close_session(index, now);
            return;
        };
        let Some(session) = self.session_mut(index) else { return };
        let is_new = session.srtp.replace(Srtp { local, remote }).is_none();
        let (id, room) = (session.id, session.room);
        self.counters.participants += u64::from(is_new);
        tracing::info!(session = %id, profile = ?keys.profile, "connected");
        self.events.push_back(MediaEvent::SessionConnected { session: id });
        self.touch(room, true);
    }

    fn set_room(&mut self, state: RoomMedia) {
        if let Some(&index) = self.by_name.get(&state.room) {
            if let Some(Some(room)) = self.rooms.get_mut(index) {
                room.set(state);
            }
            self.touch(index, true);
            return;
        }
        let free = self.rooms.iter().position(Option::is_none).unwrap_or(self.rooms.len());
        if free >= ROOMS_MAX {
            tracing::warn!(limit = ROOMS_MAX, "no more rooms");
            return;
        }
        if free == self.rooms.len() {
            self.rooms.push(None);
        }
        self.tell_trunks_room(&state.room, true);
        self.by_name.insert(state.room.clone(), free);
        self.rooms[free] = Some(Room::new(state));
        self.counters.rooms += 1;
        self.touch(free, true);
    }

    fn close_room(&mut self, name: &str, now: Now) {
        let Some(index) = self.by_name.get(name).copied() else { return };
        let sessions =
            self.rooms.get(index).and_then(Option::as_ref).map(|room| room.sessions.clone());
        for session in sessions.unwrap_or_default() {
            self.close_session(session, now);
        }
        self.tell_speech(index, now);
        self.tell_trunks_room(name, false);
        self.by_name.remove(name);
        if let Some(Some(mut room)) = self.rooms.get_mut(index).map(Option::take) {
            self.tap.extend(room.tap.flush());
            self.counters.rooms -= 1;
        }
    }

    /// Ends a session: its tracks, its lines, its addresses.
    fn close_session(&mut self, index: usize, now: Now) {
        self.forget_former(index);
        let Some(mut session) = self.sessions.get_mut(index).and_then(Option::take) else { return };
        session.dtls.close(now.at);
        if let Some(address) = session.selected {
            while let Some(datagram) = session.dtls.poll_output() {
                self.out.push(address, &datagram);
            }
        }
        self.counters.participants -= u64::from(session.srtp.is_some());
        self.by_id.remove(&session.id);
        self.by_ufrag.remove(&session.ufrag);
        for address in std::mem::take(&mut session.addresses) {
            self.forget_address(address);
        }
        let tracks: Vec<usize> = session.sends.iter().filter_map(|send| send.track).collect();
        for track in tracks {
            self.end_track(session.room, track);
        }
        if let Some(Some(room)) = self.rooms.get_mut(session.room) {
            room.sessions.retain(|it| *it != index);
        }
        tracing::info!(session = %session.id, "closed");
        self.events.push_back(MediaEvent::SessionClosed { session: session.id });
        self.finish_traces(now);
        self.touch(session.room, true);
    }

    /// Sets a session's next tick.
    fn schedule(&mut self, index: usize, at: Instant) {
        // On a common grid, so that a thousand sessions do not wake the thread a thousand times.
        let since = at.saturating_duration_since(self.began).as_nanos() as u64;
        let step = TIMER_GRID.as_nanos() as u64;
        let at = self.began + Duration::from_nanos(since.div_ceil(step) * step);
        let Some(session) = self.session_mut(index) else { return };
        session.next_tick = at;
        let serial = session.serial;
        self.timers.push(Reverse((at, Timer::Session { index, serial })));
    }
}

#[cfg(test)]
pub(crate) mod tests;
