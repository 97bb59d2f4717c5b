//! The hot path: packets that came in during one wake-up go to everybody who watches them. It allocates
//! nothing and locks nothing. The work is ordered by receiver, so that everything for one destination
//! lies together and leaves in one system call.

pub(crate) mod cache;
pub(crate) mod keyframe;
pub(crate) mod line;
pub(crate) mod outgoing;
pub(crate) mod rewrite;
pub(crate) mod select;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use crate::bandwidth::pacer::Waiting;
use crate::forward::cache::Packet;
use crate::forward::outgoing::Sealing;
use crate::metrics::Counters;
use crate::outbox::{OUTBOX_BYTES_MAX, Outbox};
use crate::room::{LayerIn, PENDING_MAX, Pending, Room, SessionIndex, Track};
use crate::session::{NO_LINE, Session};

/// Bytes of padding added to a packet at most, so that a frame's packets are of one length and leave as one
/// run. Browsers cut a frame into parts that differ by a byte (`RtpPacketizer::SplitAboutEqually`).
const PADDING_MAX: usize = 24;

/// A packet to be forwarded, looked up once for all receivers.
#[derive(Clone, Copy)]
struct Item<'a> {
    track: usize,
    layer_index: usize,
    layer: &'a LayerIn,
    packet: &'a Packet,
    padding: u8,
}

impl Item<'_> {
    /// The packet as a session's queue remembers it, for a line.
    fn waiting(&self, line: u16) -> Waiting {
        let (track, layer) = (self.track as u32, self.layer_index as u8);
        Waiting { seq: self.packet.seq, track, line, layer }
    }
}

/// Sends a room's waiting packets to its receivers, and leaves in its list those of whom some wait on. Returns a
/// receiver in which something panicked.
pub(crate) fn fan_out(
    room: &mut Room,
    sessions: &mut [Option<Box<Session>>],
    out: &mut Outbox,
    counters: &mut Counters,
    send: &mut dyn FnMut(&mut Outbox),
    now: Instant,
) -> Option<SessionIndex> {
    let mut broken = None;
    let Room { pending, tracks, serving, .. } = room;
    // A frame's packets lie together, so that its parts make one run at each receiver.
    pending.sort_unstable_by_key(|it| (it.track, it.layer, it.seq));
    let mut items = [None; PENDING_MAX];
    let n = look_up(pending, tracks, &mut items);
    let items = &mut items[..n];
    pad(items);
    gather(tracks, pending, sessions, serving);
    let first = items.iter().flatten().next().map_or(0, |item| item.track);
    let mut n_waiting = 0;
    for at in 0..serving.len() {
        fetch(sessions, &serving[at + 1..], first);
        let index = serving[at];
        let Some(Some(session)) = sessions.get_mut(index) else { continue };
        session.is_served = false;
        let isolated = AssertUnwindSafe(|| to_receiver(items, session, out, counters, now));
        if catch_unwind(isolated).is_err() {
            broken = Some(index);
        }
        if out.bytes.len() >= OUTBOX_BYTES_MAX {
            send(out);
        }
        if session.receiver.pacer.poll_timeout().is_some() {
            serving[n_waiting] = index;
            n_waiting += 1;
        }
    }
    serving.truncate(n_waiting);
    pending.clear();
    broken
}

/// Has the memory of the next receivers fetched, while the one before them is served: hundreds of sessions do not fit
/// into the processor's nearest cache.
fn fetch(sessions: &[Option<Box<Session>>], next: &[SessionIndex], track: usize) {
    let of = |at: usize| next.get(at).and_then(|index| sessions.get(*index)?.as_deref());
    if let Some(session) = of(1) {
        session.fetch();
    }
    if let Some(session) = of(0) {
        session.fetch_line_of(track);
    }
}

/// Finds the packets that wait. Returns how many there are to forward.
fn look_up<'a>(
    pending: &[Pending],
    tracks: &'a [Option<Track>],
    items: &mut [Option<Item<'a>>; PENDING_MAX],
) -> usize {
    let found = pending.iter().filter_map(|it| {
        let track = tracks.get(it.track)?.as_ref().filter(|track| track.is_allowed)?;
        let layer = track.layers[it.layer].as_deref()?;
        let packet = layer.cache.get(it.seq)?;
        Some(Item { track: it.track, layer_index: it.layer, layer, packet, padding: 0 })
    });
    found.zip(items).map(|(item, place)| *place = Some(item)).count()
}

/// Makes the packets of each frame as long as its longest, where they nearly are. The last may stay shorter.
fn pad(items: &mut [Option<Item<'_>>]) {
    let stream = |it: &Option<Item<'_>>| {
        it.as_ref().map(|it| (it.track, it.layer_index, it.packet.header.timestamp))
    };
    for frame in items.chunk_by_mut(|one, other| stream(one) == stream(other)) {
        let len = |it: &Option<Item<'_>>| it.as_ref().map_or(0, |it| it.packet.payload().len());
        let longest = frame.iter().map(len).max().unwrap_or(0);
        let n = frame.len();
        for it in frame[..n - 1].iter_mut().flatten() {
            let missing = longest - it.packet.payload().len();
            it.padding = if missing <= PADDING_MAX { missing as u8 } else { 0 };
        }
    }
}

/// Lists the sessions that have one of the waiting tracks on a line, each once.
fn gather(
    tracks: &[Option<Track>],
    pending: &[Pending],
    sessions: &mut [Option<Box<Session>>],
    serving: &mut Vec<SessionIndex>,
) {
    serving.clear();
    for of_track in pending.chunk_by(|one, other| one.track == other.track) {
        let track = of_track.first().and_then(|it| tracks.get(it.track)?.as_ref());
        for &index in track.map_or(&[][..], |track| &track.receivers) {
            let Some(Some(session)) = sessions.get_mut(index) else { continue };
            if !std::mem::replace(&mut session.is_served, true) {
                serving.push(index);
            }
        }
    }
}

/// Everything that waits, for one receiver.
fn to_receiver(
    items: &[Option<Item<'_>>],
    session: &mut Session,
    out: &mut Outbox,
    counters: &mut Counters,
    now: Instant,
) {
    let tick = session.tick(now);
    let Session { selected, srtp, lines, line_of_track, transport_seq, receiver, .. } = session;
    let (Some(address), Some(srtp)) = (*selected, srtp.as_mut()) else { return };
    for item in items.iter().flatten() {
        let line = line_of_track.get(item.track).copied().unwrap_or(NO_LINE);
        let Some(it) = lines.get_mut(usize::from(line)) else { continue };
        if it.lacks_codec {
            counters.dropped_codec += 1;
            continue;
        }
        if receiver.estimator.is_some()
            && !it.config.is_audio
            && it.concerns(item.layer_index, item.layer)
            && !it.burst.passes(tick)
            && receiver.pacer.push(item.waiting(line), &mut it.burst, now)
        {
            continue;
        }
        let (line, seq) = (it, *transport_seq);
        let start = out.bytes.len();
        let packet = (item.packet, item.padding);
        let local = &mut srtp.local;
        let mut sealing = Sealing { srtp: local, out: &mut out.bytes, transport_seq };
        if line.forward(item.layer_index, item.layer, packet, &mut sealing, now) {
            out.close(address, start);
            receiver.sent(&line.config, seq, out.bytes.len() - start, now);
            counters.forwarded_packets += 1;
            counters.forwarded_bytes += (out.bytes.len() - start) as u64;
        }
    }
}
