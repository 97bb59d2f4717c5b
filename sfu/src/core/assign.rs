//! Which track each receiving line carries, and which layer of it.

use std::time::Instant;

use protocol::control::{MediaEvent, SessionKind};
use protocol::media::{Source, TrackKey};

use crate::bandwidth::allocate::Held;
use crate::clock::Now;
use crate::codec::Codec;
use crate::codec::dependency::Structure;
use crate::core::Core;
use crate::core::divide::divide;
use crate::core::newcomer;
use crate::forward::line::Line;
use crate::room::{Room, Track, layer_index};
use crate::session::Session;
use crate::speaker::{Speakers, TrackIndex};

/// A track that a receiver should get, and no sharper than this layer.
type Wanted = (TrackIndex, usize);

/// The sharpest layer.
const SHARPEST: usize = 2;

impl Core {
    /// Brings every receiver's lines in step with the room.
    pub(super) fn assign_room(&mut self, index: usize, now: Now) {
        let Some(Some(room)) = self.rooms.get_mut(index) else { return };
        for &receiver in &room.sessions {
            let Some(Some(session)) = self.sessions.get_mut(receiver) else { continue };
            if session.lines.is_empty() {
                continue;
            }
            let pictures = pictures(room, session);
            let sounds = sounds(room, session);
            let is_changed =
                fill(session, room, false, &pictures) | fill(session, room, true, &sounds);
            divide(session, &room.tracks, now.at);
            if aim(session, &mut room.tracks, now.at) {
                room.wants_key_frames = true;
            }
            newcomer::begin(session, room, &mut self.out, &mut self.counters, now.at);
            if is_changed || !session.has_told_slots {
                session.has_told_slots = true;
                let slots = session.slots(room);
                self.events.push_back(MediaEvent::Slots { session: session.id, slots });
            }
        }
        room.index_receivers(&self.sessions);
        self.assign_tap(index, now);
        self.tell_demand(index, now);
        self.hurry_room(index);
    }

    /// Looks whether the layers that receivers should get are still there.
    pub(super) fn aim_room(&mut self, index: usize, now: Now) {
        let Some(Some(room)) = self.rooms.get_mut(index) else { return };
        for &receiver in &room.sessions {
            let Some(Some(session)) = self.sessions.get_mut(receiver) else { continue };
            divide(session, &room.tracks, now.at);
            if aim(session, &mut room.tracks, now.at) {
                room.wants_key_frames = true;
            }
            newcomer::begin(session, room, &mut self.out, &mut self.counters, now.at);
        }
        self.tell_demand(index, now);
        self.tell_limits(index, now);
        self.hurry_room(index);
    }

    /// Divides one receiver's line again: it carries less than is sent on it.
    pub(super) fn aim_session(&mut self, index: usize, now: Now) {
        let Some(Some(session)) = self.sessions.get_mut(index) else { return };
        let room_index = session.room;
        let Some(Some(room)) = self.rooms.get_mut(room_index) else { return };
        divide(session, &room.tracks, now.at);
        if aim(session, &mut room.tracks, now.at) {
            room.wants_key_frames = true;
            self.touch(room_index, false);
        }
    }
}

/// The pictures that a session should get, most important first.
fn pictures(room: &Room, session: &Session) -> Vec<Wanted> {
    let group = room.group_of(&session.publisher);
    match &session.kind {
        SessionKind::Publish => Vec::new(),
        SessionKind::Room { .. } => session
            .wants
            .iter()
            .filter(|want| want.track.publisher != session.publisher)
            .filter(|want| !want.track.source.is_audio())
            .filter_map(|want| Some((room.find(&want.track)?, layer_index(want.layer_max))))
            .filter(|(track, _)| room.sees(&session.publisher, group, *track))
            .collect(),
        SessionKind::Receive { of } => published(room, session, of, Source::Camera),
        SessionKind::Programme => {
            let main = room.state.main.as_ref().and_then(|main| room.find(main));
            let main = main.filter(|track| room.hears(group, *track));
            main.map(|track| (track, SHARPEST)).into_iter().collect()
        }
    }
}

/// The sounds that a session should get, most important first.
fn sounds(room: &Room, session: &Session) -> Vec<Wanted> {
    match &session.kind {
        SessionKind::Publish => Vec::new(),
        SessionKind::Receive { of } => published(room, session, of, Source::Microphone),
        SessionKind::Room { .. } | SessionKind::Programme => {
            let is_other = |track: &TrackIndex| {
                let track = room.tracks.get(*track).and_then(Option::as_ref);
                track.is_some_and(|it| it.key.publisher != session.publisher)
            };
            // The control plane names no group that `Room::set` has not made room for.
            let voices = room.speakers.get(room.group_of(&session.publisher)).into_iter();
            voices
                .flat_map(Speakers::order)
                .filter(is_other)
                .map(|track| (track, SHARPEST))
                .collect()
        }
    }
}

/// The tracks of one kind of the publishers that a WHEP session asks for, in the order they came.
fn published(room: &Room, session: &Session, of: &[String], source: Source) -> Vec<Wanted> {
    let group = room.group_of(&session.publisher);
    let is_asked = |key: &TrackKey| {
        key.source == source
            && key.publisher != session.publisher
            && (of.is_empty() || of.contains(&key.publisher))
    };
    let mut found: Vec<(u64, TrackIndex)> = room
        .tracks()
        .filter(|(_, track)| track.is_allowed && track.is_live && track.group == group)
        .filter(|(_, track)| is_asked(&track.key))
        .map(|(index, track)| (track.order, index))
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, track)| (track, SHARPEST)).collect()
}

/// Puts the wanted tracks on the session's lines of one kind. A track stays on its line as long as it
/// is wanted; what is wanted beyond the number of lines waits. Returns whether a line changed.
fn fill(session: &mut Session, room: &Room, is_audio: bool, wanted: &[Wanted]) -> bool {
    let is_ours = |line: &Line| line.config.is_audio == is_audio;
    let n_lines = session.lines.iter().filter(|line| is_ours(line)).count();
    let mut chosen: Vec<Wanted> = Vec::with_capacity(n_lines);
    for &(track, layer) in wanted {
        if chosen.len() < n_lines && !chosen.iter().any(|(other, _)| *other == track) {
            chosen.push((track, layer));
        }
    }
    let mut is_changed = false;
    for line in 0..session.lines.len() {
        let it = &session.lines[line];
        let is_kept = it.track.is_none_or(|track| chosen.iter().any(|(other, _)| *other == track));
        if is_ours(it) && !is_kept {
            session.assign(line, None);
            is_changed = true;
        }
    }
    for (rank, (track, layer_max)) in chosen.into_iter().enumerate() {
        let carries = session.lines.iter().position(|it| it.track == Some(track));
        let line = carries
            .or_else(|| beside_companion(session, room, track, is_audio))
            .or_else(|| session.lines.iter().position(|it| is_ours(it) && it.track.is_none()));
        let Some(line) = line else { continue };
        if layer_max > session.lines[line].layer_max {
            // A tile that has grown is a new want: it waits for nothing.
            session.lines[line].held = Held::New;
        }
        session.lines[line].layer_max = layer_max;
        session.lines[line].rank = rank as u8;
        if carries.is_none() {
            session.assign(line, Some(track));
            is_changed = true;
        }
    }
    is_changed
}

/// The n-th sound and the n-th picture are one media stream, which browsers play in step: so a site's voice
/// should take the line that belongs to its picture's, and the other way round, if it is free. WHEP lines
/// keep the order of arrival instead.
fn beside_companion(
    session: &Session,
    room: &Room,
    track: TrackIndex,
    is_audio: bool,
) -> Option<usize> {
    if !matches!(session.kind, SessionKind::Room { .. }) {
        return None;
    }
    let key_of = |track: TrackIndex| Some(&room.tracks.get(track)?.as_ref()?.key);
    let key = key_of(track)?;
    let companion = match key.source {
        Source::Microphone => Source::Camera,
        Source::Camera => Source::Microphone,
        Source::Screen => Source::ScreenAudio,
        Source::ScreenAudio => Source::Screen,
    };
    let is_companion = |it: &TrackKey| it.source == companion && it.publisher == key.publisher;
    let others = session.lines.iter().filter(|line| line.config.is_audio != is_audio);
    let place = others
        .map(|line| line.track)
        .position(|it| it.and_then(key_of).is_some_and(is_companion))?;
    let mut ours =
        session.lines.iter().enumerate().filter(|(_, line)| line.config.is_audio == is_audio);
    let (index, line) = ours.nth(place)?;
    line.track.is_none().then_some(index)
}

/// The highest spatial layer of a stream that has several of them in one: the sharpest layer is its top.
fn spatial_layer(layer_max: usize, n_layers: u8) -> u8 {
    let below_top = SHARPEST.saturating_sub(layer_max) as u8;
    if below_top == 0 { u8::MAX } else { n_layers.saturating_sub(1 + below_top) }
}

/// Whether a receiver may get more than the lowest of the spatial layers in one stream.
fn is_layered(codec: Codec, has_descriptor: bool, structure: Option<&Structure>) -> bool {
    match codec {
        // Who does not take the dependency descriptor cannot tell the layers of a picture apart: Chromium
        // then decodes nothing ("invalid spatial index order"), but the lowest layer alone it does.
        // Of layers that need each other in key pictures only, Chromium's upper ones came with a quarter of
        // their pictures; nobody knows yet why.
        Codec::Av1 => has_descriptor && structure.is_none_or(Structure::is_nested),
        Codec::Opus | Codec::Vp8 | Codec::Vp9 | Codec::H264 => true,
    }
}

/// Aims every line at the best layer there is. Returns whether a key frame is wanted for it, and wants
/// it.
fn aim(session: &mut Session, tracks: &mut [Option<Track>], now: Instant) -> bool {
    let mut is_waiting = false;
    let is_connected = session.srtp.is_some();
    for line in &mut session.lines {
        let Some(Some(track)) = line.track.and_then(|track| tracks.get_mut(track)) else {
            continue;
        };
        line.lacks_codec = line.config.payload_types(track.codec).is_none();
        if line.lacks_codec {
            // Neither the receiver's line nor the publisher's is to carry what nobody can look at.
            (line.target, line.held, line.is_cut) = (None, Held::Paused, false);
            continue;
        }
        line.target = if line.config.is_audio {
            track.best_layer(line.layer_max, now)
        } else {
            line.given().and_then(|given| track.best_layer(given, now))
        };
        let Some(layer) = line.target.and_then(|layer| track.layers[layer].as_deref_mut()) else {
            continue;
        };
        // What stands in for a layer that has not come yet is sent whole.
        line.depth.temporal = match line.held {
            Held::At(choice) if line.target == Some(usize::from(choice.spatial)) => choice.temporal,
            Held::At(_) | Held::New | Held::Paused => u8::MAX,
        };
        let has_descriptor = line.config.dependency_id != 0;
        line.depth.spatial = if is_layered(track.codec, has_descriptor, layer.cache.structure()) {
            spatial_layer(line.layer_max, layer.cache.shape().spatial)
        } else {
            0
        };
        if line.config.is_audio || line.is_settled(layer) {
            continue;
        }
        let is_due = if is_connected {
            newcomer::beginning(line, layer, now).is_none()
        } else {
            // Asked for while the handshake runs, it is here when that is through. Once: who never connects shall not
            // cost the publisher more.
            line.asked_ahead != line.target
        };
        if is_due {
            line.asked_ahead = line.target;
            layer.key_frames.want();
            is_waiting = true;
        }
    }
    is_waiting
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::dependency::{parse, tests as descriptors};

    #[test]
    fn upper_layers_of_av1_go_to_those_who_can_tell_them_apart_and_only_where_each_needs_the_lower()
    {
        let read = |templates| {
            let mut kept = None;
            parse(&descriptors::structure(3, templates), &mut kept).unwrap();
            kept.unwrap()
        };
        let (nested, key_only) = (read(&descriptors::L2T2[..]), read(&descriptors::L2T1_KEY[..]));
        assert!(is_layered(Codec::Av1, true, Some(&nested)));
        assert!(!is_layered(Codec::Av1, true, Some(&key_only)));
        assert!(!is_layered(Codec::Av1, false, Some(&nested)), "without a descriptor");
        assert!(is_layered(Codec::Av1, true, None), "one layer, as far as anybody said");
        assert!(is_layered(Codec::Vp9, false, None), "its packets say what they are");
    }
}
