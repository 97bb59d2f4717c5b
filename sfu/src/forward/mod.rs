//! The hot path: packets that came in during one wake-up go to everybody who watches them. It allocates
//! nothing and locks nothing. The work is ordered by receiver, so that everything for one destination
//! lies together and leaves in one system call.

pub(crate) mod cache;
pub(crate) mod keyframe;
pub(crate) mod line;
pub(crate) mod rewrite;
pub(crate) mod select;

use std::time::Instant;

use crate::metrics::Counters;
use crate::outbox::{OUTBOX_BYTES_MAX, Outbox};
use crate::room::Room;
use crate::session::Session;

/// Sends a room's waiting packets to its receivers. Returns the receivers in which something panicked.
pub(crate) fn fan_out(
    room: &mut Room,
    sessions: &mut [Option<Box<Session>>],
    out: &mut Outbox,
    counters: &mut Counters,
    send: &mut dyn FnMut(&mut Outbox),
    now: Instant,
) -> Option<usize> {
    let mut broken = None;
    for &index in &room.sessions {
        let Some(Some(session)) = sessions.get_mut(index) else { continue };
        if session.lines.is_empty() {
            continue;
        }
        let isolated =
            std::panic::AssertUnwindSafe(|| to_receiver(room, session, out, counters, now));
        if std::panic::catch_unwind(isolated).is_err() {
            broken = Some(index);
        }
        if out.bytes.len() >= OUTBOX_BYTES_MAX {
            send(out);
        }
    }
    room.pending.clear();
    broken
}

/// Everything that waits, for one receiver.
fn to_receiver(
    room: &Room,
    session: &mut Session,
    out: &mut Outbox,
    counters: &mut Counters,
    now: Instant,
) {
    let (Some(address), Some(srtp)) = (session.selected, session.srtp.as_mut()) else { return };
    for pending in &room.pending {
        let Some(&line) = session.line_of_track.get(pending.track) else { continue };
        let Some(line) = session.lines.get_mut(usize::from(line)) else { continue };
        let Some(Some(track)) = room.tracks.get(pending.track) else { continue };
        let Some(layer) = &track.layers[pending.layer] else { continue };
        let Some(packet) = layer.cache.get(pending.seq) else { continue };
        if !track.is_allowed {
            continue;
        }
        if line.lacks_codec {
            counters.dropped_codec += 1;
            continue;
        }
        let start = out.bytes.len();
        if line.forward(pending.layer, layer, packet, &mut srtp.local, &mut out.bytes, now) {
            out.close(address, start);
            counters.forwarded_packets += 1;
            counters.forwarded_bytes += (out.bytes.len() - start) as u64;
        }
    }
}
