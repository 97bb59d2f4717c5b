//! One room at this node: what is published in it, who may be forwarded, who is here. It knows no
//! sockets and no browsers, only indexes of sessions.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use protocol::control::RoomMedia;
use protocol::media::{Layer, Source, TrackKey};
use protocol::tap::TapTrack;

use crate::bandwidth::demand::{Demand, LayerSet};
use crate::bandwidth::meter::Meter;
use crate::codec::Codec;
use crate::forward::cache::Cache;
use crate::forward::keyframe::KeyFrames;
use crate::forward::rewrite::Origin;
use crate::insight::LayerSeen;
use crate::receive::loss::Loss;
use crate::receive::statistics::Reception;
use crate::rtp::Header;
use crate::session::Session;
use crate::speaker::{Speakers, TrackIndex};
use crate::tap::TapBatch;
use crate::trunk::frame::About;

/// Index of a session at this node.
pub(crate) type SessionIndex = usize;

/// Most tracks published in one room.
pub(crate) const TRACKS_MAX: usize = 8_192;

/// Most packets that wait for one fan-out; the shell settles the core before there are more. Smaller than any
/// cache, so a packet is still there when its turn comes.
pub(crate) const PENDING_MAX: usize = 64;

/// A frame's first packets wait so long for its last ones at most. They leave together then: one send for
/// each receiver instead of one for each packet, which is the larger part of what forwarding costs.
pub(crate) const HOLD_MAX: Duration = Duration::from_millis(1);

/// Packets of a frame that come further apart than this were paced by a narrow line; holding the earlier
/// ones back would gain nothing.
pub(crate) const BURST_GAP_MAX: Duration = Duration::from_micros(500);

/// With fewer receivers, the fan-out is over before the next packet comes.
pub(crate) const HOLD_RECEIVERS_MIN: usize = 8;

/// A layer is active while packets come at least this often.
pub(crate) const LAYER_ACTIVE: Duration = Duration::from_secs(1);

/// A track is live while packets come at least this often.
pub(crate) const TRACK_LIVE: Duration = Duration::from_secs(5);

/// All layers, lowest first; the index of a layer in a track.
pub(crate) const LAYERS: [Layer; 3] = [Layer::Low, Layer::Mid, Layer::High];

/// The index of a layer.
pub(crate) fn layer_index(layer: Layer) -> usize {
    match layer {
        Layer::Low => 0,
        Layer::Mid => 1,
        Layer::High => 2,
    }
}

/// The publisher's RTP clock on our wall clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClockMap {
    pub(crate) rtp: u32,
    pub(crate) unix_us: i64,
}

/// One layer of a track as it comes in.
pub(crate) struct LayerIn {
    pub(crate) origin: Origin,
    pub(crate) ssrc: u32,
    pub(crate) cache: Cache,
    pub(crate) reception: Reception,
    pub(crate) seen: LayerSeen,
    pub(crate) loss: Loss,
    pub(crate) key_frames: KeyFrames,
    pub(crate) clock: Option<ClockMap>,
    pub(crate) last_packet: Instant,
    /// What the layer costs.
    pub(crate) meter: Meter,
    pub(crate) last_timestamp: u32,
    /// The packets of a frame come close together.
    pub(crate) is_bursty: bool,
    /// The publisher has said goodbye (RTCP BYE) since its last packet.
    pub(crate) has_left: bool,
    pub(crate) tap: Option<TapTrack>,
}

/// In place of a session: the publisher is connected to another node.
pub(crate) const REMOTE: SessionIndex = SessionIndex::MAX;

/// A track's share in trunks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Crossing {
    /// The relay's number of it; 0 for none.
    pub(crate) number: u32,
    /// Of a track that is published here, the layers that others want; of one that comes over a trunk, those that are
    /// wanted here.
    pub(crate) layers: LayerSet,
}

/// A published track.
pub(crate) struct Track {
    pub(crate) key: TrackKey,
    pub(crate) session: SessionIndex,
    /// When its publisher came, counted in this room.
    pub(crate) order: u64,
    pub(crate) codec: Codec,
    pub(crate) payload_type: u8,
    /// Payload type of redundant sound, if it may come.
    pub(crate) red: Option<u8>,
    /// Number of the header extension with the level of the sound, 0 for none.
    pub(crate) level_id: u8,
    /// Number of the dependency descriptor's header extension, 0 for none.
    pub(crate) dependency_id: u8,
    pub(crate) clock_rate: u32,
    /// The publisher repairs what we ask for.
    pub(crate) repairs: bool,
    /// In which group its publisher is; 0: the hall.
    pub(crate) group: usize,
    /// The room lets it through.
    pub(crate) is_allowed: bool,
    pub(crate) is_live: bool,
    pub(crate) last_packet: Instant,
    pub(crate) layers: [Option<Box<LayerIn>>; 3],
    /// Layers that were negotiated, whether or not they come now.
    pub(crate) offered: LayerSet,
    /// Layers that the publisher should send.
    pub(crate) demand: Demand,
    /// Who has it on a line, in the order of the room's sessions.
    pub(crate) receivers: Vec<SessionIndex>,
    pub(crate) crossing: Crossing,
}

/// A packet that came in and waits for the fan-out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    pub(crate) track: TrackIndex,
    pub(crate) layer: usize,
    pub(crate) seq: u64,
    /// More packets of its frame may be on their way.
    pub(crate) is_open: bool,
}

/// The room.
pub(crate) struct Room {
    pub(crate) state: RoomMedia,
    pub(crate) tracks: Vec<Option<Track>>,
    /// Everybody connected to it.
    pub(crate) sessions: Vec<SessionIndex>,
    /// The voices of the hall, and of each group after it.
    pub(crate) speakers: Vec<Speakers>,
    pub(crate) pending: Vec<Pending>,
    /// What waits is held back until then at the latest, so that a frame leaves as one burst.
    pub(crate) held_until: Option<Instant>,
    /// The core knows that something waits here.
    pub(crate) is_touched: bool,
    /// Scratch of the fan-out: who gets something.
    pub(crate) serving: Vec<SessionIndex>,
    pub(crate) tap: TapBatch,
    /// Lines have to be assigned anew.
    pub(crate) is_dirty: bool,
    /// A layer may have to be asked for a key frame.
    pub(crate) wants_key_frames: bool,
    pub(crate) told_speakers: Vec<String>,
    pub(crate) told_speakers_at: Option<Instant>,
    pub(crate) n_ticks: u64,
    /// When the room's timer runs out, if it runs.
    pub(crate) next_tick: Option<Instant>,
    publishers: HashMap<String, u64>,
    n_publishers: u64,
}

impl Crossing {
    /// Whether packets of a layer of a track that is published here go out over trunks.
    pub(crate) fn goes_out(self, layer: usize) -> bool {
        self.layers >> layer & 1 == 1
    }
}

impl Track {
    /// Takes over what another node says of its track.
    pub(crate) fn describe(&mut self, about: &About) {
        (self.payload_type, self.red) = (about.payload_type, about.red);
        (self.level_id, self.dependency_id) = (about.level_id, about.dependency_id);
        self.offered = about.layers;
    }

    /// Whether packets of a layer come. Where there is only one, it is not given up while the track
    /// lives: a shared screen on which nothing moves sends about once a second.
    pub(crate) fn is_active(&self, layer: usize, now: Instant) -> bool {
        let is_only = self.layers.iter().flatten().count() == 1;
        let longest = if is_only { TRACK_LIVE } else { LAYER_ACTIVE };
        self.layers[layer]
            .as_ref()
            .filter(|it| !it.has_left)
            .is_some_and(|it| now.saturating_duration_since(it.last_packet) < longest)
    }

    /// Whether nothing comes any more: for a while, or because the publisher said so.
    pub(crate) fn is_silent(&self, now: Instant) -> bool {
        // Of one that comes over a trunk, its own node says so.
        if self.session == REMOTE {
            return false;
        }
        now.saturating_duration_since(self.last_packet) >= TRACK_LIVE
            || self.layers.iter().flatten().all(|layer| layer.has_left)
    }

    /// The sharpest active layer not above `max`; else the lowest active one.
    pub(crate) fn best_layer(&self, max: usize, now: Instant) -> Option<usize> {
        let is_active = |layer: &usize| self.is_active(*layer, now);
        (0..=max.min(2)).rev().find(is_active).or_else(|| (0..3).find(is_active))
    }

    /// The lowest active layer.
    pub(crate) fn lowest_layer(&self, now: Instant) -> Option<usize> {
        self.best_layer(0, now)
    }
}

impl LayerIn {
    /// Notes a packet's arrival; whether more of its frame are expected at once.
    pub(crate) fn is_frame_open(&mut self, header: &Header, is_repair: bool, now: Instant) -> bool {
        if is_repair {
            return false;
        }
        let gap = now.saturating_duration_since(self.last_packet);
        if self.last_timestamp == header.timestamp {
            self.is_bursty = gap <= BURST_GAP_MAX;
        }
        self.last_timestamp = header.timestamp;
        !header.marker && self.is_bursty
    }
}

impl Room {
    /// A room without anybody.
    pub(crate) fn new(state: RoomMedia) -> Self {
        Self {
            state,
            tracks: Vec::new(),
            sessions: Vec::new(),
            speakers: vec![Speakers::default()],
            pending: Vec::with_capacity(PENDING_MAX),
            held_until: None,
            is_touched: false,
            serving: Vec::new(),
            tap: TapBatch::default(),
            is_dirty: false,
            wants_key_frames: false,
            told_speakers: Vec::new(),
            told_speakers_at: None,
            n_ticks: 0,
            next_tick: None,
            publishers: HashMap::new(),
            n_publishers: 0,
        }
    }

    /// Writes down who has which track on a line, after lines were assigned.
    pub(crate) fn index_receivers(&mut self, sessions: &[Option<Box<Session>>]) {
        self.tracks.iter_mut().flatten().for_each(|track| track.receivers.clear());
        for &index in &self.sessions {
            let Some(Some(session)) = sessions.get(index) else { continue };
            for track in session.lines.iter().filter_map(|line| line.track) {
                if let Some(Some(track)) = self.tracks.get_mut(track) {
                    track.receivers.push(index);
                }
            }
        }
    }

    /// Whether what waits should wait a little longer: many are to get the last packet, and the rest of its
    /// frame is expected within the next moments.
    pub(crate) fn holds_back(&mut self, now: Instant) -> bool {
        let is_open = self.pending.last().is_some_and(|it| it.is_open);
        if !is_open || self.pending.len() >= PENDING_MAX {
            self.held_until = None;
            return false;
        }
        let until = *self.held_until.get_or_insert(now + HOLD_MAX);
        if until <= now {
            self.held_until = None;
            return false;
        }
        true
    }

    /// Takes over what the control plane wants.
    pub(crate) fn set(&mut self, state: RoomMedia) {
        self.state = state;
        let n_groups = self.state.groups.iter().map(|(_, group)| usize::from(*group)).max();
        let n_speakers = self.speakers.len().max(1 + n_groups.unwrap_or(0));
        self.speakers.resize_with(n_speakers, Speakers::default);
        for track in 0..self.tracks.len() {
            self.allow(track);
        }
        self.is_dirty = true;
    }

    /// Whether the room lets a track through.
    fn is_granted(&self, key: &TrackKey) -> bool {
        let grant = self.state.grants.iter().find(|grant| grant.publisher == key.publisher);
        grant.map_or(self.state.open, |grant| match key.source {
            Source::Microphone | Source::ScreenAudio => grant.audio,
            Source::Camera => grant.camera,
            Source::Screen => grant.screen,
        })
    }

    /// In which group a publisher is; 0: the hall.
    pub(crate) fn group_of(&self, publisher: &str) -> usize {
        let named = self.state.groups.iter().find(|(name, _)| name == publisher);
        named.map_or(0, |(_, group)| usize::from(*group))
    }

    /// Whether a receiver in `group` sees what is published in the group of a track.
    pub(crate) fn sees(&self, receiver: &str, group: usize, track: TrackIndex) -> bool {
        self.state.groups.is_empty()
            || self.hears(group, track)
            || self.state.oversees.iter().any(|it| it == receiver)
    }

    /// Whether a receiver in `group` hears a track.
    pub(crate) fn hears(&self, group: usize, track: TrackIndex) -> bool {
        self.tracks.get(track).and_then(Option::as_ref).is_some_and(|it| it.group == group)
    }

    /// Brings a track to its publisher's group: its voice is ranked among those there.
    fn regroup(&mut self, index: TrackIndex) {
        let Some(Some(track)) = self.tracks.get(index) else { return };
        let (before, group) = (track.group, self.group_of(&track.key.publisher));
        if before == group {
            return;
        }
        let voice = self.speakers.get_mut(before).and_then(|it| it.take(index));
        if let (Some(voice), Some(speakers)) = (voice, self.speakers.get_mut(group)) {
            speakers.put(voice);
        }
        if let Some(Some(track)) = self.tracks.get_mut(index) {
            track.group = group;
        }
    }

    /// Reads a track's grant again.
    fn allow(&mut self, index: TrackIndex) {
        self.regroup(index);
        let Some(Some(track)) = self.tracks.get(index) else { return };
        let group = track.group;
        let is_allowed = self.is_granted(&track.key);
        let is_pinned = self.state.pinned.contains(&track.key.publisher)
            || track.key.source == Source::ScreenAudio;
        let is_heard = is_allowed && track.is_live;
        self.speakers[group].set(index, is_heard, is_pinned);
        if let Some(Some(track)) = self.tracks.get_mut(index) {
            track.is_allowed = is_allowed;
        }
    }

    /// A track begins, or comes back after a pause.
    pub(crate) fn set_live(&mut self, index: TrackIndex, is_live: bool) {
        if let Some(Some(track)) = self.tracks.get_mut(index) {
            track.is_live = is_live;
        }
        self.allow(index);
        self.is_dirty = true;
    }

    /// Takes a track in; `None` if the room is full.
    pub(crate) fn add_track(&mut self, mut track: Track, now: Instant) -> Option<TrackIndex> {
        let free = self.tracks.iter().position(Option::is_none);
        let index = free.unwrap_or(self.tracks.len());
        if index >= TRACKS_MAX {
            return None;
        }
        let next = self.n_publishers;
        track.order = *self.publishers.entry(track.key.publisher.clone()).or_insert(next);
        self.n_publishers += u64::from(track.order == next);
        let key = track.key.clone();
        if free.is_none() {
            self.tracks.push(None);
        }
        self.tracks[index] = Some(track);
        if key.source.is_audio() {
            // `allow` brings it to its group.
            self.speakers[0].add(index, key, now);
        }
        self.allow(index);
        self.is_dirty = true;
        Some(index)
    }

    /// Takes a track out.
    pub(crate) fn remove_track(&mut self, index: TrackIndex) -> Option<Track> {
        let track = self.tracks.get_mut(index)?.take()?;
        self.speakers[track.group].remove(index);
        self.pending.retain(|pending| pending.track != index);
        let publisher = &track.key.publisher;
        if !self.tracks().any(|(_, other)| other.key.publisher == *publisher) {
            self.publishers.remove(publisher);
        }
        self.is_dirty = true;
        Some(track)
    }

    /// All tracks.
    pub(crate) fn tracks(&self) -> impl Iterator<Item = (TrackIndex, &Track)> {
        self.tracks.iter().enumerate().filter_map(|(index, track)| Some((index, track.as_ref()?)))
    }

    /// Brings the order of the voices up to date; whether it changed.
    pub(crate) fn rank(&mut self, now: Instant) -> bool {
        self.speakers.iter_mut().fold(false, |changed, it| it.rank(now) | changed)
    }

    /// A track that may be forwarded and is being sent.
    pub(crate) fn find(&self, key: &TrackKey) -> Option<TrackIndex> {
        self.tracks()
            .find(|(_, track)| track.key == *key && track.is_allowed && track.is_live)
            .map(|(index, _)| index)
    }

    /// The track with this key, whether or not it may be forwarded.
    pub(crate) fn find_any(&self, key: &TrackKey) -> Option<TrackIndex> {
        self.tracks().find(|(_, track)| track.key == *key).map(|(index, _)| index)
    }
}
