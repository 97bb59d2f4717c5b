//! What leaves later than it came: packets of key frames that wait in a session's queue, and padding that probes its
//! line.

use std::time::Instant;

use crate::bandwidth::pacer::Waiting;
use crate::bandwidth::probe::PADDING_BYTES;
use crate::clock::Now;
use crate::core::{Core, TIMER_GRID};
use crate::forward::outgoing::Sealing;
use crate::metrics::Counters;
use crate::outbox::Outbox;
use crate::room::Room;
use crate::session::Session;

/// The rate at which a key frame leaves to a receiver of which nothing is known, bit/s. Not reached: without an
/// estimate nothing waits.
const UNKNOWN_BPS: u32 = 1_000_000;

impl Core {
    /// Sends what is due of a session's queue, and the padding of its probe.
    pub(super) fn pace(&mut self, index: usize, now: Now) {
        let Some(Some(session)) = self.sessions.get_mut(index) else { return };
        let receiver = &mut session.receiver;
        if receiver.poll_timeout().is_none_or(|due| due > now.at) {
            return;
        }
        let bps = receiver.estimate().unwrap_or(UNKNOWN_BPS);
        receiver.pacer.handle_timeout(bps, now.at);
        let room = session.room;
        while let Some(waiting) = session.receiver.pacer.pop() {
            let Some(Some(room)) = self.rooms.get(room) else { return };
            release(session, room, waiting, &mut self.out, &mut self.counters, now.at);
        }
        let Some(estimator) = &mut session.receiver.estimator else { return };
        estimator.handle_timeout(now.at);
        let padding = estimator.padding(now.at);
        for _ in 0..padding / PADDING_BYTES {
            if !pad(session, &mut self.out, now.at) {
                return;
            }
            self.counters.probe_packets += 1;
        }
    }

    /// Looks at a session no later than its line wants to be looked at.
    pub(super) fn hurry(&mut self, index: usize) {
        let Some(session) = self.session(index) else { return };
        let due = session.receiver.poll_timeout();
        if let Some(due) = due.filter(|due| *due + TIMER_GRID <= session.next_tick) {
            self.schedule(index, due);
        }
    }

    /// The same for those of whom the last fan-out let packets wait.
    pub(super) fn hurry_served(&mut self, index: usize) {
        for at in 0.. {
            let room = self.rooms.get(index).and_then(Option::as_ref);
            let Some(&receiver) = room.and_then(|room| room.serving.get(at)) else { return };
            self.hurry(receiver);
        }
    }

    /// The same for everybody in a room.
    pub(super) fn hurry_room(&mut self, index: usize) {
        for at in 0.. {
            let room = self.rooms.get(index).and_then(Option::as_ref);
            let Some(&receiver) = room.and_then(|room| room.sessions.get(at)) else { return };
            self.hurry(receiver);
        }
    }
}

/// Sends a packet that waited, if its line still carries its track.
fn release(
    session: &mut Session,
    room: &Room,
    waiting: Waiting,
    out: &mut Outbox,
    counters: &mut Counters,
    now: Instant,
) {
    if let Some(line) = session.lines.get_mut(usize::from(waiting.line)) {
        line.burst.left();
    }
    send_kept(session, room, waiting, out, counters, now);
}

/// Sends a packet that is kept, if its line carries its track.
pub(super) fn send_kept(
    session: &mut Session,
    room: &Room,
    waiting: Waiting,
    out: &mut Outbox,
    counters: &mut Counters,
    now: Instant,
) {
    let Session { selected, srtp, lines, transport_seq, receiver, .. } = session;
    let Some(line) = lines.get_mut(usize::from(waiting.line)) else { return };
    let (Some(address), Some(srtp)) = (*selected, srtp.as_mut()) else { return };
    let track = waiting.track as usize;
    let (layer_index, is_carried) = (usize::from(waiting.layer), line.track == Some(track));
    let track = room.tracks.get(track).and_then(Option::as_ref);
    let Some(track) = track.filter(|track| is_carried && track.is_allowed) else { return };
    let layer = track.layers.get(layer_index).and_then(|it| it.as_deref());
    let Some((layer, packet)) = layer.and_then(|it| Some((it, it.cache.get(waiting.seq)?))) else {
        return;
    };
    let (start, seq) = (out.bytes.len(), *transport_seq);
    let mut sealing = Sealing { srtp: &mut srtp.local, out: &mut out.bytes, transport_seq };
    if line.forward(layer_index, layer, (packet, 0), &mut sealing, now) {
        out.close(address, start);
        let bytes = out.bytes.len() - start;
        receiver.sent(&line.config, seq, bytes, now);
        counters.forwarded_packets += 1;
        counters.forwarded_bytes += bytes as u64;
    }
}

/// Sends one packet of padding. Returns whether there was a line for it.
fn pad(session: &mut Session, out: &mut Outbox, now: Instant) -> bool {
    let Session { selected, srtp, lines, transport_seq, receiver, .. } = session;
    let (Some(address), Some(srtp)) = (*selected, srtp.as_mut()) else { return false };
    let Some(line) = lines.iter_mut().find(|line| line.can_pad()) else { return false };
    let (start, seq) = (out.bytes.len(), *transport_seq);
    let mut sealing = Sealing { srtp: &mut srtp.local, out: &mut out.bytes, transport_seq };
    if !line.pad(&mut sealing) {
        return false;
    }
    out.close(address, start);
    receiver.sent(&line.config, seq, out.bytes.len() - start, now);
    true
}
