//! Tracks that cross trunks: those that are published here and wanted elsewhere, and those that come from elsewhere and
//! are received here (ADR 0011). A track from elsewhere is one of the room like any other; it only has no session.

use std::collections::VecDeque;

use protocol::control::MediaEvent;
use protocol::media::{Source, TrackKey};
use protocol::tap::TapKind;
use tokio::sync::mpsc::{Sender, error::TrySendError};

use crate::bandwidth::demand::{Demand, LayerSet};
use crate::clock::{Now, ntp_of_unix_us};
use crate::codec::Codec;
use crate::core::Core;
use crate::core::intake::{Opened, new_layer};
use crate::room::{ClockMap, Crossing, LAYERS, REMOTE, Room, Track};
use crate::rtcp::{self, SenderReport};
use crate::rtp;
use crate::trunk::exchange::{Bundle, FromShard, FromTrunks};
use crate::trunk::frame::About;

/// What is said to the carrier of trunks and waits for room; beyond that the oldest is lost, and a room has to be
/// opened again to put it right. A shard has far fewer tracks than this.
const SAID_MAX: usize = 65_536;

/// What a shard has to say to the carrier of the node's trunks.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    /// There is one.
    pub(crate) is_on: bool,
    pub(crate) said: VecDeque<FromShard>,
    pub(crate) bundle: Bundle,
    /// Packets lost for want of room.
    pub(crate) n_lost: u64,
}

impl Outgoing {
    fn say(&mut self, what: FromShard) {
        if !self.is_on {
            return;
        }
        if self.said.len() >= SAID_MAX {
            self.said.pop_front();
            tracing::error!(limit = SAID_MAX, "too much to say to the trunks");
        }
        self.said.push_back(what);
    }
}

/// Layers that a sound has.
const SOUND: LayerSet = 1 << (LAYERS.len() - 1);

impl Core {
    /// Passes on what there is to say. Nobody is waited for: words stay until there is room, packets are lost.
    pub(crate) fn tell_trunks(&mut self, to: &Sender<FromShard>) {
        let Outgoing { said, bundle, is_on, n_lost } = &mut self.trunks;
        while let Some(word) = said.pop_front() {
            match to.try_send(word) {
                Ok(()) => {}
                Err(TrySendError::Full(word)) => {
                    said.push_front(word);
                    break;
                }
                Err(TrySendError::Closed(_)) => *is_on = false,
            }
        }
        if !bundle.is_empty() {
            let n = bundle.len() as u64;
            if to.try_send(FromShard::Packets(std::mem::take(bundle))).is_err() {
                *n_lost += n;
            }
        }
        self.counters.dropped_trunk = *n_lost;
    }

    /// A room came to this shard, or went.
    pub(super) fn tell_trunks_room(&mut self, room: &str, is_here: bool) {
        let (shard, room) = (self.neighbours.here, room.to_owned());
        self.trunks.say(FromShard::Room { shard, room, is_here });
    }

    /// A track that is published here can be had.
    pub(super) fn tell_trunks_track(&mut self, room_index: usize, track_index: usize) {
        let Some(Some(room)) = self.rooms.get(room_index) else { return };
        let Some(Some(track)) = room.tracks.get(track_index) else { return };
        if track.session == REMOTE {
            return;
        }
        let about = About {
            key: track.key.clone(),
            codec: track.codec as u8,
            payload_type: track.payload_type,
            red: track.red,
            layers: track.offered,
            level_id: track.level_id,
            dependency_id: track.dependency_id,
            hops: 0,
        };
        let room = room.state.room.clone();
        self.trunks.say(FromShard::Publish { room, about: Box::new(about) });
    }

    /// A track that was published here is over, or silent.
    pub(super) fn tell_trunks_gone(&mut self, room_index: usize, key: &TrackKey) {
        let Some(Some(room)) = self.rooms.get(room_index) else { return };
        let (room, key) = (room.state.room.clone(), key.clone());
        self.trunks.say(FromShard::Unpublish { room, key });
    }

    /// Copies a packet for the trunks.
    pub(super) fn copy_to_trunks(&mut self, number: u32, layer: usize, packet: &[u8]) {
        if !self.trunks.bundle.push(number, layer as u8, 0, packet) {
            self.trunks.n_lost += 1;
        }
    }

    /// A publisher's clock, for those beyond the trunks.
    pub(super) fn tell_trunks_clock(&mut self, track: u32, layer: usize, clock: ClockMap) {
        let ClockMap { rtp, unix_us } = clock;
        self.trunks.say(FromShard::Clock { track, layer: layer as u8, rtp, unix_us });
    }

    /// Asks for a key frame of a track that comes over a trunk.
    pub(super) fn ask_trunks_key_frame(&mut self, track: u32, layer: usize) {
        self.trunks.say(FromShard::KeyFrame { track, layer: layer as u8 });
    }

    /// Says which layers of the tracks that come over trunks are wanted here, where it changed. `watched` has, for each
    /// track of the room, the layers that somebody is given.
    pub(super) fn watch_trunks(&mut self, index: usize, watched: &[LayerSet]) {
        let Some(Some(room)) = self.rooms.get_mut(index) else { return };
        let is_recorded = room.state.tap.is_some();
        let is_heard = is_recorded || !room.sessions.is_empty();
        let main = room.state.main.clone();
        for (track, watched) in room.tracks.iter_mut().zip(watched) {
            let Some(track) = track.as_mut().filter(|it| it.session == REMOTE) else { continue };
            let sharpest = 1 << (u8::BITS - 1).saturating_sub(track.offered.leading_zeros());
            let lowest = track.offered & track.offered.wrapping_neg();
            let is_main = main.as_ref() == Some(&track.key);
            let layers = match track.key.source {
                // Who is loudest is decided here, so every voice that its node lets through is needed.
                Source::Microphone | Source::ScreenAudio if is_heard => SOUND,
                Source::Microphone | Source::ScreenAudio => 0,
                Source::Camera | Source::Screen if !is_recorded || !track.is_allowed => *watched,
                Source::Camera if !is_main => watched | lowest,
                Source::Camera | Source::Screen => watched | sharpest,
            };
            let layers = layers & track.offered;
            if layers != track.crossing.layers {
                track.crossing.layers = layers;
                let track = track.crossing.number;
                self.trunks.say(FromShard::Watch { track, layers });
            }
        }
    }

    /// Takes what the carrier of trunks says.
    pub(crate) fn handle_trunks(&mut self, said: FromTrunks, now: Now) {
        match said {
            FromTrunks::Began { room, track, about } => {
                self.remote_began(&room, track, &about, now);
            }
            FromTrunks::Ended { room, track, key } => self.crossing_ended(&room, track, &key),
            FromTrunks::Wanted { room, track, key, layers } => {
                self.remote_wants(&room, track, &key, layers);
            }
            FromTrunks::KeyFrame { room, key, layer } => {
                let Some((index, track)) = self.track_called(&room, &key) else { return };
                self.want_key_frames(index, track, 1 << layer);
            }
            FromTrunks::Clock { room, key, layer, rtp, unix_us } => {
                let Some((index, track)) = self.track_called(&room, &key) else { return };
                let place = (index, track, usize::from(layer));
                self.remote_clock(place, ClockMap { rtp, unix_us }, now);
            }
            FromTrunks::Packets { room, bundle } => self.remote_packets(&room, &bundle, now),
        }
    }

    fn track_called(&self, room: &str, key: &TrackKey) -> Option<(usize, usize)> {
        let index = *self.by_name.get(room)?;
        Some((index, self.rooms.get(index)?.as_ref()?.find_any(key)?))
    }

    fn remote_began(&mut self, room: &str, number: u32, about: &About, now: Now) {
        let Some(&index) = self.by_name.get(room) else { return };
        let Some(codec) = Codec::ALL.get(usize::from(about.codec)).copied() else { return };
        if let Some((_, known)) = self.track_called(room, &about.key) {
            let Some(Some(it)) = self.rooms.get_mut(index) else { return };
            let Some(Some(track)) = it.tracks.get_mut(known) else { return };
            if track.session == REMOTE && track.crossing.number == number && track.codec == codec {
                track.describe(about);
                self.touch(index, true);
                return;
            }
            // Whoever came in elsewhere is there now; what its former connection still sends is not its word.
            self.supersede(index, known);
        }
        let Some(Some(it)) = self.rooms.get_mut(index) else { return };
        let added = it.add_track(remote_track(number, codec, about, now), now.at);
        let Some(track) = added else {
            tracing::warn!(room, "no more tracks in this room");
            return;
        };
        it.set_live(track, true);
        self.counters.tracks += 1;
        self.start_room_timer(index, now);
        self.touch(index, true);
    }

    /// Takes a track away from whoever publishes it here.
    fn supersede(&mut self, room_index: usize, track_index: usize) {
        let owner = self.rooms.get(room_index).and_then(|it| it.as_ref()?.tracks.get(track_index));
        let owner = owner.and_then(Option::as_ref).map(|it| it.session);
        if let Some(session) = owner.and_then(|it| self.session_mut(it)) {
            for send in session.sends.iter_mut().filter(|it| it.track == Some(track_index)) {
                (send.track, send.is_superseded) = (None, true);
            }
        }
        self.end_track(room_index, track_index);
    }

    /// A track's number on trunks is not valid any more.
    fn crossing_ended(&mut self, room: &str, number: u32, key: &TrackKey) {
        let Some((index, track)) = self.track_called(room, key) else { return };
        let Some(Some(it)) = self.rooms.get_mut(index) else { return };
        let Some(Some(known)) = it.tracks.get_mut(track) else { return };
        if known.crossing.number != number {
            return;
        }
        known.crossing = Crossing::default();
        if known.session == REMOTE {
            self.end_track(index, track);
        }
    }

    fn remote_wants(&mut self, room: &str, number: u32, key: &TrackKey, layers: LayerSet) {
        let Some((index, track)) = self.track_called(room, key) else { return };
        let Some(Some(it)) = self.rooms.get_mut(index) else { return };
        let Some(Some(known)) = it.tracks.get_mut(track) else { return };
        if known.session == REMOTE {
            return;
        }
        let before = std::mem::replace(&mut known.crossing, Crossing { number, layers }).layers;
        self.want_key_frames(index, track, layers & !before);
        self.touch(index, true);
    }

    fn want_key_frames(&mut self, index: usize, track: usize, layers: LayerSet) {
        let Some(Some(room)) = self.rooms.get_mut(index) else { return };
        let Some(Some(track)) = room.tracks.get_mut(track) else { return };
        if track.key.source.is_audio() {
            return;
        }
        for (at, layer) in track.layers.iter_mut().enumerate() {
            if let Some(layer) = layer.as_deref_mut().filter(|_| layers >> at & 1 == 1) {
                layer.key_frames.want();
                room.wants_key_frames = true;
            }
        }
        self.touch(index, false);
    }

    fn remote_clock(
        &mut self,
        (index, track, layer): (usize, usize, usize),
        clock: ClockMap,
        now: Now,
    ) {
        let Some(Some(room)) = self.rooms.get_mut(index) else { return };
        let Room { tracks, tap, .. } = room;
        let Some(Some(track)) = tracks.get_mut(track).filter(|_| layer < LAYERS.len()) else {
            return;
        };
        let Some(layer) = track.layers[layer].as_deref_mut() else { return };
        layer.clock = Some(clock);
        let Some(number) = layer.tap.filter(|_| track.is_allowed) else { return };
        let ntp = ntp_of_unix_us(clock.unix_us);
        let report = SenderReport { ssrc: layer.ssrc, ntp, rtp: clock.rtp };
        let mut compound = std::mem::take(&mut self.scratch);
        compound.clear();
        rtcp::write_sender_report(&mut compound, &report, 0, 0);
        self.tap.extend(tap.push(number, now.unix_us, TapKind::SenderReport, &compound));
        self.scratch = compound;
    }

    fn remote_packets(&mut self, room: &str, bundle: &Bundle, now: Now) {
        let Some(&index) = self.by_name.get(room) else { return };
        for (place, packet) in bundle.packets() {
            let Some(Some(room)) = self.rooms.get(index) else { return };
            let found = room
                .tracks()
                .find(|(_, it)| it.session == REMOTE && it.crossing.number == place.track);
            let (Some((track, _)), Some(header)) = (found, rtp::parse(packet)) else { continue };
            self.remote_packet(
                (index, track),
                usize::from(place.layer),
                place.seq,
                (header, packet),
                now,
            );
        }
    }

    fn remote_packet(
        &mut self,
        (index, track_index): (usize, usize),
        layer: usize,
        seq: u64,
        (header, packet): (rtp::Header, &[u8]),
        now: Now,
    ) {
        let Some(Some(room)) = self.rooms.get_mut(index) else { return };
        let Some(Some(track)) = room.tracks.get_mut(track_index) else { return };
        let is_red = Some(header.payload_type) == track.red;
        if header.payload_type != track.payload_type && !is_red {
            self.counters.dropped_stream += 1;
            return;
        }
        let codec = track.codec;
        let Some(slot) = track.layers.get_mut(layer) else { return };
        if slot.as_ref().is_none_or(|it| it.ssrc != header.ssrc) {
            self.untap_track(index, track_index);
            self.last_origin += 1;
            let new = new_layer(self.last_origin, codec, (&header, seq), now.at);
            let Some(Some(room)) = self.rooms.get_mut(index) else { return };
            let Some(Some(track)) = room.tracks.get_mut(track_index) else { return };
            track.layers[layer] = Some(new);
            self.touch(index, true);
        }
        let opened = Opened { layer, seq, header, packet, is_repair: false, is_red };
        self.take_in((index, track_index), &opened, now);
    }

    /// Says that a publisher's track has stopped, unless it is another node's to say.
    pub(super) fn tell_stopped(&mut self, index: usize, track: &Track) {
        if track.session == REMOTE {
            return;
        }
        let Some(Some(room)) = self.rooms.get(index) else { return };
        let room = room.state.room.clone();
        self.events.push_back(MediaEvent::TrackStopped { room, track: track.key.clone() });
        self.tell_trunks_gone(index, &track.key);
    }
}

fn remote_track(number: u32, codec: Codec, about: &About, now: Now) -> Track {
    let mut track = Track {
        clock_rate: codec.clock_rate(),
        codec,
        key: about.key.clone(),
        session: REMOTE,
        order: 0,
        payload_type: about.payload_type,
        red: None,
        level_id: 0,
        dependency_id: 0,
        // What a trunk loses is repaired on the trunk.
        repairs: false,
        group: 0,
        is_allowed: false,
        is_live: false,
        last_packet: now.at,
        layers: [None, None, None],
        offered: 0,
        demand: Demand::new(now.at),
        receivers: Vec::new(),
        crossing: Crossing { number, layers: 0 },
    };
    track.describe(about);
    track
}
