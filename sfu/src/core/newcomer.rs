//! The first picture of who has just come: it begins with the newest key frame, if that is fresh, and with what came
//! since, so that nobody waits for another one.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use crate::bandwidth::pacer::Waiting;
use crate::core::pace::send_kept;
use crate::forward::line::Line;
use crate::metrics::Counters;
use crate::outbox::Outbox;
use crate::room::{LayerIn, Room};
use crate::session::Session;

/// How old the key frame may be. What a page is sent of the past comes all at once, and its player needs as long to
/// forget that pictures ever came so late; asking for a new one takes a round trip to the publisher and a frame.
const FRESH: Duration = Duration::from_millis(300);

/// Packets of the past that one line is sent at most: what a pacer holds beside others' key frames.
const PACKETS_MAX: u64 = 128;

/// The packets with which a line that was never used can begin now.
pub(super) fn beginning(line: &Line, layer: &LayerIn, now: Instant) -> Option<RangeInclusive<u64>> {
    let packets = layer.cache.since_key_frame(FRESH, now).filter(|_| line.is_unused())?;
    (packets.end() - packets.start() < PACKETS_MAX).then_some(packets)
}

/// Begins the pictures of a connected session's unused lines with what is kept, where it is fresh.
pub(super) fn begin(
    session: &mut Session,
    room: &Room,
    out: &mut Outbox,
    counters: &mut Counters,
    now: Instant,
) {
    if session.srtp.is_none() || session.selected.is_none() {
        return;
    }
    let tick = session.tick(now);
    for index in 0..session.lines.len() {
        let line = &session.lines[index];
        let (Some(track), Some(layer)) = (line.track, line.target) else { continue };
        if line.config.is_audio {
            continue;
        }
        let found = room.tracks.get(track).and_then(Option::as_ref);
        let kept = found.filter(|it| it.is_allowed).and_then(|it| it.layers[layer].as_deref());
        let Some(packets) = kept.and_then(|kept| beginning(line, kept, now)) else { continue };
        for seq in packets {
            let (track, layer) = (track as u32, layer as u8);
            let packet = Waiting { seq, track, line: index as u16, layer };
            let (receiver, line) = (&mut session.receiver, &mut session.lines[index]);
            if receiver.estimator.is_none()
                || line.burst.passes(tick)
                || !receiver.pacer.push(packet, &mut line.burst, now)
            {
                send_kept(session, room, packet, out, counters, now);
            }
        }
    }
}
