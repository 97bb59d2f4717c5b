//! What crosses which trunk. A node tells its parent the rooms that it or anybody below has seats of; both ends of a
//! trunk announce the tracks of those rooms that they know, and each wants layers of the other's. A layer crosses a
//! trunk once, and only while somebody beyond wants it. Nodes and trunks are a tree, so whatever came over one trunk
//! is announced on all others.

mod demand;
mod output;

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use protocol::media::TrackKey;
use rustc_hash::FxHashMap;

use crate::trunk::frame::{About, Frame, LOST_MAX, TRACK_NUMBER_MAX, Why};
use crate::trunk::{HOPS_MAX, LayerSet, TRUNKS_MAX};
use demand::Demand;
pub use output::Output;

/// Rooms at one node, as in the core.
pub const ROOMS_MAX: usize = 4_096;

/// Tracks that a node knows: every camera, microphone and screen of the largest meeting.
pub const TRACKS_MAX: usize = 16_384;

/// A trunk's place at this node.
pub type TrunkIndex = usize;

/// From where a track comes to this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Its publisher is connected here.
    Here,
    /// Over a trunk, on which it has this number.
    Trunk(TrunkIndex, u32),
}

#[derive(Debug)]
struct Trunk {
    is_parent: bool,
    /// The child's numbers of rooms; of a parent, ours.
    rooms: HashMap<u32, u32>,
    /// The other end's numbers of its tracks.
    tracks: FxHashMap<u32, u32>,
}

#[derive(Debug)]
struct Room {
    name: String,
    /// Somebody of it is here.
    is_here: bool,
    /// Somebody of it is below, by trunk, with the child's number.
    below: Vec<(TrunkIndex, u32)>,
}

#[derive(Debug)]
struct Track {
    room: u32,
    about: About,
    origin: Origin,
    demand: Demand,
}

/// The node's part of the tree.
#[derive(Debug, Default)]
pub struct Relay {
    trunks: Vec<Option<Trunk>>,
    rooms: HashMap<u32, Room>,
    tracks: FxHashMap<u32, Track>,
    by_key: HashMap<(u32, TrackKey), u32>,
    n_rooms: u32,
    n_tracks: u32,
    out: VecDeque<Output>,
}

impl Relay {
    /// What is to be done next.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// A trunk is up. `None` if there are too many, or a parent is there already.
    pub fn attach(&mut self, is_parent: bool) -> Option<TrunkIndex> {
        if is_parent && self.parent().is_some() {
            return None;
        }
        let free = self.trunks.iter().position(Option::is_none).unwrap_or(self.trunks.len());
        if free >= TRUNKS_MAX {
            return None;
        }
        if free == self.trunks.len() {
            self.trunks.push(None);
        }
        let (rooms, tracks) = (HashMap::new(), FxHashMap::default());
        self.trunks[free] = Some(Trunk { is_parent, rooms, tracks });
        if is_parent {
            let mut numbers: Vec<u32> = self.rooms.keys().copied().collect();
            numbers.sort_unstable();
            for room in numbers {
                self.open_at_parent(free, room);
            }
        }
        Some(free)
    }

    /// A trunk is no more: what came over it, and what went.
    pub fn detach(&mut self, trunk: TrunkIndex, now: Instant) {
        let Some(gone) = self.trunks.get_mut(trunk).and_then(Option::take) else { return };
        let mut tracks: Vec<u32> = gone.tracks.into_values().collect();
        tracks.sort_unstable();
        for track in tracks {
            self.end(track);
        }
        for track in self.numbers() {
            self.want(trunk, track, 0, now);
        }
        let mut rooms: Vec<u32> = self.rooms.keys().copied().collect();
        rooms.sort_unstable();
        for room in rooms {
            if let Some(it) = self.rooms.get_mut(&room) {
                it.below.retain(|(other, _)| *other != trunk);
            }
            self.leave_if_empty(room);
        }
    }

    /// Whether seats of a room are connected here. When none are any more, what was published here is over and nothing
    /// is watched here. `false` if there are too many rooms.
    pub fn set_here(&mut self, name: &str, is_here: bool, now: Instant) -> bool {
        let known = self.room_called(name);
        let Some(room) = known.or_else(|| if is_here { self.open(name) } else { None }) else {
            return !is_here;
        };
        let was_here = self.rooms.get(&room).is_some_and(|it| it.is_here);
        if let Some(it) = self.rooms.get_mut(&room) {
            it.is_here = is_here;
        }
        if was_here == is_here {
            return true;
        }
        let of_room: Vec<u32> = self.numbers_of(room);
        for track in of_room {
            let Some(it) = self.tracks.get(&track) else { continue };
            match (it.origin, is_here) {
                (Origin::Here, false) => self.end(track),
                (Origin::Trunk(..), true) => self.tell_here(track),
                (Origin::Trunk(..), false) => self.watch(track, 0, now),
                (Origin::Here, true) => {}
            }
        }
        self.leave_if_empty(room);
        true
    }

    /// Somebody publishes here, in a room that is here, or a track has changed. Returns its number; `None` if there is
    /// no such room or there are too many tracks.
    pub fn publish(&mut self, room: &str, about: About, now: Instant) -> Option<u32> {
        let room = self.room_called(room).filter(|it| self.rooms[it].is_here)?;
        self.add(room, About { hops: 0, ..about }, Origin::Here, now)
    }

    /// A track that was published here is over.
    pub fn unpublish(&mut self, track: u32) {
        if self.tracks.get(&track).is_some_and(|it| it.origin == Origin::Here) {
            self.end(track);
        }
    }

    /// Which layers of a track that came over a trunk are wanted here.
    pub fn watch(&mut self, track: u32, layers: LayerSet, now: Instant) {
        if let Some(it) = self.tracks.get_mut(&track).filter(|it| it.origin != Origin::Here) {
            it.demand.here = layers & it.about.layers;
            self.update(track, now);
        }
    }

    /// Somebody here needs a key frame of a track that came over a trunk.
    pub fn want_key_frame(&mut self, track: u32, layer: u8, now: Instant) {
        if let Some(it) = self.tracks.get_mut(&track) {
            it.demand.want_key_frame(layer);
            self.ask_key_frames(track, now);
        }
    }

    /// A key frame of a track has begun to come.
    pub fn key_frame_arrived(&mut self, track: u32, layer: u8) {
        if let Some(it) = self.tracks.get_mut(&track) {
            it.demand.key_frame_arrived(layer);
        }
    }

    /// Our number of a track that came over a trunk. Allocates nothing.
    pub fn track_of(&self, trunk: TrunkIndex, theirs: u32) -> Option<u32> {
        self.trunks.get(trunk)?.as_ref()?.tracks.get(&theirs).copied()
    }

    /// What is known of a track.
    pub fn about(&self, track: u32) -> Option<&About> {
        self.tracks.get(&track).map(|it| &it.about)
    }

    /// Whether a layer of a track that comes over a trunk is wanted here.
    pub fn is_watched(&self, track: u32, layer: u8) -> bool {
        self.tracks.get(&track).is_some_and(|it| it.demand.here >> layer & 1 == 1)
    }

    /// Over which trunks a layer goes on: one bit each. Allocates nothing.
    pub fn takers(&self, track: u32, layer: u8) -> u64 {
        self.tracks.get(&track).map_or(0, |it| it.demand.takers(layer))
    }

    /// A clock of a stream that is published here.
    pub fn set_clock(&mut self, track: u32, layer: u8, rtp: u32, unix_us: i64) {
        let mut takers = self.takers(track, layer);
        while takers != 0 {
            let trunk = takers.trailing_zeros() as usize;
            takers &= takers - 1;
            self.out.push_back(Output::Say(trunk, Frame::Clock { track, layer, rtp, unix_us }));
        }
    }

    /// Takes what the other end of a trunk says.
    ///
    /// # Errors
    /// It may not say that; the trunk has to end.
    pub fn handle(&mut self, trunk: TrunkIndex, frame: Frame, now: Instant) -> Result<(), Why> {
        let Some(Some(it)) = self.trunks.get(trunk) else { return Ok(()) };
        let is_parent = it.is_parent;
        match frame {
            Frame::Room { .. } | Frame::RoomGone { .. } if is_parent => Err(Why::Frame),
            Frame::Room { room, name } => self.room_below(trunk, room, &name),
            Frame::RoomGone { room } => {
                self.room_gone_below(trunk, room, now);
                Ok(())
            }
            Frame::Track { room, track, about } => self.announced(trunk, room, track, *about, now),
            Frame::TrackGone { track } => {
                let ours = self.trunk_mut(trunk).and_then(|it| it.tracks.remove(&track));
                if let Some(ours) = ours {
                    self.end(ours);
                }
                Ok(())
            }
            Frame::Want { track, layers } => {
                self.want(trunk, track, layers, now);
                Ok(())
            }
            Frame::KeyFrame { track, layer } => {
                if self.takers(track, layer) >> trunk & 1 == 1 {
                    self.want_key_frame(track, layer, now);
                }
                Ok(())
            }
            Frame::Lost { track, layer, mut seqs } => {
                if self.takers(track, layer) >> trunk & 1 == 1 {
                    seqs.truncate(LOST_MAX);
                    self.out.push_back(Output::Again { trunk, track, layer, seqs });
                }
                Ok(())
            }
            Frame::Clock { track, layer, rtp, unix_us } => {
                if let Some(track) = self.track_of(trunk, track) {
                    self.out.push_back(Output::Clock { track, layer, rtp, unix_us });
                    self.set_clock(track, layer, rtp, unix_us);
                }
                Ok(())
            }
            // The link's own.
            Frame::Hello { .. } | Frame::Beat { .. } => Err(Why::Frame),
        }
    }

    /// Does what the passing of time asks for: a few times a second is enough.
    pub fn handle_timeout(&mut self, now: Instant) {
        for track in self.numbers() {
            self.update(track, now);
            self.ask_key_frames(track, now);
        }
    }

    fn parent(&self) -> Option<TrunkIndex> {
        self.trunks.iter().position(|it| it.as_ref().is_some_and(|it| it.is_parent))
    }

    fn trunk_mut(&mut self, trunk: TrunkIndex) -> Option<&mut Trunk> {
        self.trunks.get_mut(trunk)?.as_mut()
    }

    fn room_called(&self, name: &str) -> Option<u32> {
        self.rooms.iter().find(|(_, it)| it.name == name).map(|(number, _)| *number)
    }

    /// All tracks, in the order they came.
    fn numbers(&self) -> Vec<u32> {
        let mut numbers: Vec<u32> = self.tracks.keys().copied().collect();
        numbers.sort_unstable();
        numbers
    }

    fn numbers_of(&self, room: u32) -> Vec<u32> {
        let mut numbers = self.numbers();
        numbers.retain(|it| self.tracks[it].room == room);
        numbers
    }

    fn open(&mut self, name: &str) -> Option<u32> {
        if self.rooms.len() >= ROOMS_MAX {
            return None;
        }
        self.n_rooms = self.n_rooms.checked_add(1)?;
        let (name, room) = (name.to_owned(), self.n_rooms);
        self.rooms.insert(room, Room { name, is_here: false, below: Vec::new() });
        if let Some(parent) = self.parent() {
            self.open_at_parent(parent, room);
        }
        Some(room)
    }

    fn open_at_parent(&mut self, parent: TrunkIndex, room: u32) {
        let Some(it) = self.rooms.get(&room) else { return };
        let name = it.name.clone();
        if let Some(trunk) = self.trunk_mut(parent) {
            trunk.rooms.insert(room, room);
        }
        self.out.push_back(Output::Say(parent, Frame::Room { room, name }));
        self.announce_all(parent, room);
    }

    fn leave_if_empty(&mut self, room: u32) {
        let is_empty = |it: &Room| !it.is_here && it.below.is_empty();
        if !self.rooms.get(&room).is_some_and(is_empty) {
            return;
        }
        for track in self.numbers_of(room) {
            self.end(track);
        }
        self.rooms.remove(&room);
        if let Some(parent) = self.parent() {
            if let Some(trunk) = self.trunk_mut(parent) {
                trunk.rooms.remove(&room);
            }
            self.out.push_back(Output::Say(parent, Frame::RoomGone { room }));
        }
    }

    fn room_below(&mut self, trunk: TrunkIndex, theirs: u32, name: &str) -> Result<(), Why> {
        let Some(room) = self.room_called(name).or_else(|| self.open(name)) else {
            return Err(Why::Full);
        };
        let Some(it) = self.rooms.get_mut(&room) else { return Ok(()) };
        if it.below.iter().any(|(other, _)| *other == trunk) {
            return Err(Why::Frame);
        }
        it.below.push((trunk, theirs));
        if let Some(trunk) = self.trunk_mut(trunk) {
            trunk.rooms.insert(theirs, room);
        }
        self.announce_all(trunk, room);
        Ok(())
    }

    fn room_gone_below(&mut self, trunk: TrunkIndex, theirs: u32, now: Instant) {
        let Some(it) = self.trunk_mut(trunk) else { return };
        let Some(room) = it.rooms.remove(&theirs) else { return };
        for track in self.numbers_of(room) {
            match self.tracks[&track].origin {
                Origin::Trunk(from, _) if from == trunk => self.end(track),
                Origin::Trunk(..) | Origin::Here => self.want(trunk, track, 0, now),
            }
        }
        if let Some(it) = self.rooms.get_mut(&room) {
            it.below.retain(|(other, _)| *other != trunk);
        }
        self.leave_if_empty(room);
    }

    fn announced(
        &mut self,
        trunk: TrunkIndex,
        room: u32,
        theirs: u32,
        about: About,
        now: Instant,
    ) -> Result<(), Why> {
        if about.hops >= HOPS_MAX {
            return Err(Why::Frame);
        }
        let Some(it) = self.trunk_mut(trunk) else { return Ok(()) };
        // A room that was left while this was on its way.
        let Some(&room) = it.rooms.get(&room) else { return Ok(()) };
        let known = it.tracks.get(&theirs).copied();
        let is_same = |it: &Track| it.room == room && it.about.key == about.key;
        if known.is_some_and(|it| !self.tracks.get(&it).is_some_and(is_same)) {
            return Err(Why::Frame);
        }
        let track = self.add(room, about, Origin::Trunk(trunk, theirs), now).ok_or(Why::Full)?;
        if let Some(it) = self.trunk_mut(trunk) {
            it.tracks.insert(theirs, track);
        }
        self.tell_here(track);
        Ok(())
    }

    /// Takes a track in, or what is new about it, and announces it. Of two of one publisher's the newer is true.
    fn add(&mut self, room: u32, about: About, origin: Origin, now: Instant) -> Option<u32> {
        let key = (room, about.key.clone());
        if let Some(&known) = self.by_key.get(&key) {
            let it = self.tracks.get_mut(&known)?;
            if it.origin == origin {
                it.about = about;
                self.announce(known);
                return Some(known);
            }
            self.end(known);
        }
        if self.tracks.len() >= TRACKS_MAX || self.n_tracks >= TRACK_NUMBER_MAX {
            return None;
        }
        self.n_tracks += 1;
        let track = self.n_tracks;
        self.by_key.insert(key, track);
        self.tracks.insert(track, Track { room, about, origin, demand: Demand::new(now) });
        self.announce(track);
        Some(track)
    }

    /// A track is over: said to everybody who was told of it.
    fn end(&mut self, track: u32) {
        let Some(it) = self.tracks.remove(&track) else { return };
        self.by_key.remove(&(it.room, it.about.key));
        if let Origin::Trunk(from, theirs) = it.origin
            && let Some(trunk) = self.trunk_mut(from)
        {
            trunk.tracks.remove(&theirs);
        }
        for (trunk, _) in self.told(it.room, it.origin) {
            self.out.push_back(Output::Say(trunk, Frame::TrackGone { track }));
        }
        self.out.push_back(Output::Ended { track });
    }

    /// The trunks on which a room's track from there is announced, with the room's number on each.
    fn told(&self, room: u32, origin: Origin) -> Vec<(TrunkIndex, u32)> {
        let below = self.rooms.get(&room).map(|it| it.below.clone()).unwrap_or_default();
        let above = self.parent().map(|parent| (parent, room));
        let is_other =
            |it: &(TrunkIndex, u32)| !matches!(origin, Origin::Trunk(from, _) if from == it.0);
        below.into_iter().chain(above).filter(is_other).collect()
    }

    fn announce(&mut self, track: u32) {
        let Some(it) = self.tracks.get(&track) else { return };
        let about = About { hops: it.about.hops + 1, ..it.about.clone() };
        for (trunk, room) in self.told(it.room, it.origin) {
            let about = Box::new(about.clone());
            self.out.push_back(Output::Say(trunk, Frame::Track { room, track, about }));
        }
    }

    fn announce_all(&mut self, trunk: TrunkIndex, room: u32) {
        for track in self.numbers_of(room) {
            let it = &self.tracks[&track];
            let about = About { hops: it.about.hops + 1, ..it.about.clone() };
            let told = self.told(room, it.origin);
            if let Some((_, room)) = told.into_iter().find(|(other, _)| *other == trunk) {
                let about = Box::new(about);
                self.out.push_back(Output::Say(trunk, Frame::Track { room, track, about }));
            }
        }
    }

    fn tell_here(&mut self, track: u32) {
        let Some(it) = self.tracks.get(&track) else { return };
        let Some(room) = self.rooms.get(&it.room).filter(|it| it.is_here) else { return };
        let (room, about) = (room.name.clone(), Box::new(it.about.clone()));
        self.out.push_back(Output::Began { room, track, about });
    }

    /// What a trunk takes of a track that was announced on it.
    fn want(&mut self, trunk: TrunkIndex, track: u32, layers: LayerSet, now: Instant) {
        let Some(it) = self.tracks.get(&track) else { return };
        let is_told = self.told(it.room, it.origin).iter().any(|(other, _)| *other == trunk);
        if !is_told && layers != 0 {
            return;
        }
        if let Some(it) = self.tracks.get_mut(&track) {
            it.demand.set_taker(trunk, layers & it.about.layers);
        }
        self.update(track, now);
    }

    /// Says to where a track comes from what is wanted of it, if that has changed.
    fn update(&mut self, track: u32, now: Instant) {
        let Some(it) = self.tracks.get_mut(&track) else { return };
        let Some(layers) = it.demand.update(now) else { return };
        self.out.push_back(match it.origin {
            Origin::Here => Output::Wanted { track, layers },
            Origin::Trunk(from, track) => Output::Say(from, Frame::Want { track, layers }),
        });
    }

    fn ask_key_frames(&mut self, track: u32, now: Instant) {
        let Some(it) = self.tracks.get_mut(&track) else { return };
        while let Some(layer) = it.demand.poll_key_frame(now) {
            self.out.push_back(match it.origin {
                Origin::Here => Output::KeyFrame { track, layer },
                Origin::Trunk(from, track) => Output::Say(from, Frame::KeyFrame { track, layer }),
            });
        }
    }
}
