//! A packet of a track's layer, wherever it comes from, is kept and put up for the fan-out, the recorder and the
//! trunks.

use std::time::Instant;

use crate::bandwidth::meter::Meter;
use crate::clock::Now;
use crate::codec::Codec;
use crate::core::Core;
use crate::forward::cache::{Arrival, Cache};
use crate::forward::keyframe::KeyFrames;
use crate::insight::LayerSeen;
use crate::receive::loss::{Loss, Repair};
use crate::receive::statistics::Reception;
use crate::room::{HOLD_RECEIVERS_MIN, LayerIn, Pending, REMOTE};
use crate::rtp::Header;
use crate::speaker::Gate;

/// An opened packet.
pub(super) struct Opened<'a> {
    pub(super) layer: usize,
    /// Extended sequence number in the original stream.
    pub(super) seq: u64,
    pub(super) header: Header,
    pub(super) packet: &'a [u8],
    pub(super) is_repair: bool,
    /// Redundant sound.
    pub(super) is_red: bool,
}

impl Core {
    /// Takes in a packet of a layer that is known.
    pub(super) fn take_in(
        &mut self,
        (room_index, track_index): (usize, usize),
        opened: &Opened<'_>,
        now: Now,
    ) {
        let packet = opened.packet;
        let Some(Some(room)) = self.rooms.get_mut(room_index) else { return };
        let Some(Some(track)) = room.tracks.get_mut(track_index) else { return };
        let (is_allowed, repairs, group) = (track.is_allowed, track.repairs, track.group);
        let (level_id, crossing) = (track.level_id, track.crossing);
        let is_here = track.session != REMOTE;
        track.last_packet = now.at;
        let is_video = !track.key.source.is_audio();
        let was_paused = is_video && !track.is_active(opened.layer, now.at);
        let is_held = is_video && track.receivers.len() >= HOLD_RECEIVERS_MIN;
        let how = Arrival { dependency_id: track.dependency_id, is_red: opened.is_red };
        let Some(layer) = track.layers[opened.layer].as_deref_mut() else { return };
        let is_open = is_held && layer.is_frame_open(&opened.header, opened.is_repair, now.at);
        // Whoever waits for a layer that was paused takes it from this packet on.
        room.is_dirty |= was_paused;
        layer.last_packet = now.at;
        layer.has_left = false;
        layer.seen.packet(packet.len());
        layer.meter.packet(packet.len(), now.at);
        if !opened.is_repair {
            layer.reception.packet(opened.seq, opened.header.timestamp, now.at);
        }
        if repairs && layer.loss.packet(opened.seq, now.at) == Repair::GivenUp {
            layer.key_frames.want();
            room.wants_key_frames = true;
        }
        let n_temporal = layer.cache.shape().temporal;
        let Some(kept) = layer.cache.store(opened.seq, opened.header, packet, how, now.at) else {
            return;
        };
        if n_temporal > 1 {
            let is_top = kept.info.temporal + 1 == n_temporal;
            layer.meter.temporal(packet.len(), is_top, kept.info.starts_frame);
        }
        if kept.info.starts_key_frame {
            layer.key_frames.arrived();
            layer.seen.n_key_frames = layer.seen.n_key_frames.wrapping_add(1);
            layer.seen.key_frame = Some((opened.seq, now.unix_us));
        }
        let level = || opened.header.extension(packet, level_id)?.first().copied();
        let level = if level_id == 0 { None } else { level() };
        let gate = match (level, room.speakers.get_mut(group)) {
            (Some(level), Some(speakers)) => speakers.level(track_index, level & 0x7f, now),
            (Some(_) | None, _) => Gate::Open,
        };
        if !is_allowed {
            // Nobody is to begin with what was not granted when it came.
            layer.cache.forget_key_frame();
            self.counters.dropped_grant += 1;
            return;
        }
        if gate == Gate::Opens {
            // For receivers it begins anew, so that the silence leaves no hole in their numbers.
            self.last_origin += 1;
            layer.origin = self.last_origin;
        }
        let (tap, layer, seq) = (layer.tap, opened.layer, opened.seq);
        if gate == Gate::Closed {
            self.counters.silent_packets += 1;
        } else {
            room.pending.push(Pending { track: track_index, layer, seq, is_open });
            if is_here && crossing.goes_out(layer) {
                self.copy_to_trunks(crossing.number, layer, packet);
            }
        }
        if let Some(tap) = tap {
            self.tap_packet(room_index, tap, track_index, (layer, seq), now);
        }
        self.touch(room_index, false);
    }
}

/// A layer of which the first packet has come.
pub(super) fn new_layer(
    origin: u32,
    codec: Codec,
    (header, seq): (&Header, u64),
    now: Instant,
) -> Box<LayerIn> {
    Box::new(LayerIn {
        origin,
        ssrc: header.ssrc,
        cache: Cache::new(codec),
        reception: Reception::new(header.ssrc, codec.clock_rate(), seq, now),
        seen: LayerSeen::default(),
        loss: Loss::default(),
        key_frames: KeyFrames::default(),
        clock: None,
        last_packet: now,
        meter: Meter::new(now),
        last_timestamp: header.timestamp,
        is_bursty: true,
        has_left: false,
        tap: None,
    })
}
