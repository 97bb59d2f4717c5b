//! Divides every receiver's line among its pictures, tells publishers which of their layers are looked at, and
//! pages what limits their pictures. The rules are in `docs/allocation.md`.

use std::time::{Duration, Instant};

use protocol::control::{MediaEvent, SessionKind};
use protocol::media::{LimitCause, SlotLimit, Source};

use crate::bandwidth::allocate::{
    Ask, Choice, Downlink, Held, Ladder, Lowest, Place, Rung, VOICE_BPS, allocate,
};
use crate::bandwidth::demand::LayerSet;
use crate::clock::Now;
use crate::core::Core;
use crate::forward::line::Line;
use crate::room::{LAYERS, REMOTE, Room, Track};
use crate::session::Session;

/// What a layer that never came is taken to cost, by its place, bit/s.
const NOMINAL_BPS: [u32; LAYERS.len()] = [150_000, 500_000, 1_500_000];

/// What limits a picture is told at most this often.
const LIMITS_INTERVAL: Duration = Duration::from_secs(1);

/// A publisher's line is bad when so much of its packets is lost, 256ths: five per cent.
const LOSSY: u8 = 13;

/// Gives every picture of a session its share of the line.
pub(super) fn divide(session: &mut Session, tracks: &[Option<Track>], now: Instant) {
    let Session { lines, receiver, kind, .. } = session;
    let order = &mut receiver.order;
    order.clear();
    let shown = |it: &usize| carried(&lines[*it], tracks).is_some() && !lines[*it].lacks_codec;
    order.extend((0..lines.len()).filter(shown));
    let n_pictures = itself(order, |it| !lines[*it].config.is_audio);
    order[..n_pictures].sort_unstable_by_key(|it| lines[*it].rank);
    let sounds = order[n_pictures..].iter().filter_map(|it| carried(&lines[*it], tracks));
    let sound = sounds.map(|track| bps(track, LAYERS.len() - 1).max(VOICE_BPS)).sum();
    order.truncate(n_pictures);
    receiver.asks.clear();
    for (place, &line) in order.iter().enumerate() {
        let line = &lines[line];
        let Some(track) = carried(line, tracks) else { continue };
        let mut ladder = ladder(track, line.layer_max);
        if place == 0 {
            ladder.halve_lowest();
        }
        receiver.asks.push(Ask {
            place: match (place, track.key.source) {
                (0, _) => Place::Main,
                (_, Source::Screen) => Place::Document,
                (_, _) => Place::Tile,
            },
            ladder,
            held: line.held,
        });
    }
    let lowest = match kind {
        SessionKind::Room { .. } | SessionKind::Publish => Lowest::MayPause,
        SessionKind::Receive { .. } | SessionKind::Programme => Lowest::Kept,
    };
    let is_frail = receiver.estimator.as_ref().is_some_and(|it| it.is_frail());
    let downlink = Downlink { estimate: receiver.estimate(), sound, lowest, is_frail };
    let (asks, given) = (&receiver.asks, &mut receiver.given);
    (receiver.memory, receiver.total) = allocate(downlink, asks, receiver.memory, now, given);
    for (&line, given) in receiver.order.iter().zip(&receiver.given) {
        let line = &mut lines[line];
        line.is_cut = given.is_cut;
        line.held = given.choice.map_or(Held::Paused, Held::At);
        if line.held == Held::Paused {
            line.pause();
        }
    }
    if let Some(estimator) = &mut receiver.estimator {
        let can_pad = lines.iter().any(Line::can_pad);
        estimator.wish(receiver.total.needed.filter(|_| can_pad), now);
    }
}

/// Brings those for whom `first` holds to the front, in their order. Returns how many they are.
fn itself(order: &mut [usize], first: impl Fn(&usize) -> bool) -> usize {
    order.sort_by_key(|it| !first(it));
    order.iter().take_while(|it| first(it)).count()
}

fn carried<'a>(line: &Line, tracks: &'a [Option<Track>]) -> Option<&'a Track> {
    tracks.get(line.track?)?.as_ref()
}

/// What a layer costs, or is taken to cost.
fn bps(track: &Track, layer: usize) -> u32 {
    let measured = track.layers[layer].as_ref().map_or(0, |it| it.meter.bps());
    match measured {
        0 if track.key.source.is_audio() => VOICE_BPS,
        0 => NOMINAL_BPS[layer],
        measured => measured,
    }
}

/// What a layer is taken to cost beside sharper ones: a burst of key frames, which it sends when layers are switched on
/// and off, must not make it dearer than the next sharper one that came, or a weak line would be given that one.
fn price(track: &Track, layer: usize) -> u32 {
    let sharper = (layer + 1..LAYERS.len())
        .find(|it| track.layers[*it].as_ref().is_some_and(|sharper| sharper.meter.bps() > 0));
    let most = sharper.map_or(u32::MAX, |sharper| price(track, sharper) / 3 * 2);
    bps(track, layer).min(most)
}

/// A layer without its highest temporal layer, where that is worth having.
fn half(track: &Track, layer: usize) -> Option<Rung> {
    let it = track.layers[layer].as_ref()?;
    let temporal = it.cache.shape().temporal.checked_sub(2)?;
    let choice = Choice { spatial: layer as u8, temporal };
    let whole = u64::from(it.meter.bps().max(1));
    let half = u64::from(it.meter.half_bps()?) * u64::from(price(track, layer)) / whole;
    Some(Rung { choice, bps: half as u32 })
}

/// The layers in which a picture can be had, none sharper than `layer_max` unless there is no other. A layer
/// that was asked for and does not come is not offered again while it stays away.
fn ladder(track: &Track, layer_max: usize) -> Ladder {
    let is_there = |layer: usize| track.offered >> layer & 1 == 1 || track.layers[layer].is_some();
    let mut ladder = Ladder::default();
    let push = |ladder: &mut Ladder, layer: usize| {
        if let Some(half) = half(track, layer) {
            ladder.push(half);
        }
        ladder.push(Rung { choice: Choice::whole(layer), bps: price(track, layer) });
    };
    let fitting = (0..LAYERS.len()).filter(|layer| is_there(*layer) && *layer <= layer_max);
    fitting.for_each(|layer| push(&mut ladder, layer));
    if ladder == Ladder::default()
        && let Some(lowest) = (0..LAYERS.len()).find(|layer| is_there(*layer))
    {
        push(&mut ladder, lowest);
    }
    ladder
}

/// What limits the picture of a line, if anything does.
fn limit(line: &Line, track: &Track, now: Instant) -> Option<LimitCause> {
    if line.lacks_codec {
        return Some(LimitCause::Codec);
    }
    if line.is_cut {
        return Some(LimitCause::Downlink);
    }
    let given = line.given()?;
    let is_missing = !track.is_active(given, now) && track.demand.is_overdue(given, now);
    let carrying = line.target.and_then(|target| track.layers[target].as_ref());
    let is_lossy = carrying.is_some_and(|layer| layer.reception.lost_lately() >= LOSSY);
    (is_missing || is_lossy).then_some(LimitCause::Uplink)
}

/// What limits the pictures of a session's lines.
fn limits(session: &Session, room: &Room, now: Instant) -> Vec<SlotLimit> {
    let pictures = session.lines.iter().filter(|line| !line.config.is_audio);
    let limited = pictures.filter_map(|line| {
        let cause = limit(line, carried(line, &room.tracks)?, now)?;
        let (mid, is_paused) = (line.config.mid.clone(), line.held == Held::Paused);
        Some(SlotLimit { mid, cause, is_paused })
    });
    limited.collect()
}

/// Which layers of each track somebody is given or the recorder takes.
fn watched(room: &Room, sessions: &[Option<Box<Session>>]) -> Vec<LayerSet> {
    let recorded = |track: &Track| {
        let taken = track
            .layers
            .iter()
            .enumerate()
            .filter(|(_, it)| it.as_ref().is_some_and(|layer| layer.tap.is_some()));
        taken.fold(0, |set, (layer, _)| set | 1 << layer)
    };
    // What other nodes want of those who publish here; of the others it is what was wanted here before.
    let wanted = |track: &Track| if track.session == REMOTE { 0 } else { track.crossing.layers };
    let taken = |track: &Track| recorded(track) | wanted(track);
    let mut sets: Vec<LayerSet> =
        room.tracks.iter().map(|track| track.as_ref().map_or(0, taken)).collect();
    for line in room
        .sessions
        .iter()
        .filter_map(|index| sessions.get(*index)?.as_ref())
        .flat_map(|session| &session.lines)
    {
        let set = line.track.and_then(|track| sets.get_mut(track));
        if let (Some(set), Some(given)) = (set, line.given()) {
            *set |= 1 << given;
        }
    }
    sets
}

impl Core {
    /// Tells publishers which of their layers somebody looks at, where it changed. Only pages can be told.
    pub(super) fn tell_demand(&mut self, index: usize, now: Now) {
        let Some(Some(room)) = self.rooms.get_mut(index) else { return };
        let is_recorded = room.state.tap.is_some();
        let watched = watched(room, &self.sessions);
        self.watch_trunks(index, &watched);
        let Some(Some(room)) = self.rooms.get_mut(index) else { return };
        let main = room.state.main.clone();
        for (track, watched) in room.tracks.iter_mut().zip(watched) {
            let Some(track) = track.as_mut().filter(|it| it.key.source == Source::Camera) else {
                continue;
            };
            // The recorder takes the sharpest layer of the main picture, which may be paused now.
            let is_main = main.as_ref() == Some(&track.key);
            let sharpest =
                if is_recorded && is_main && track.is_allowed { track.offered } else { 0 };
            let watched = watched | sharpest;
            let Some(told) = track.demand.update(watched, track.offered, now.at) else { continue };
            let publisher = self.sessions.get(track.session).and_then(Option::as_deref);
            let Some(publisher) = publisher else { continue };
            if !matches!(publisher.kind, SessionKind::Room { .. }) {
                continue;
            }
            let layers = LAYERS.iter().enumerate().filter(|(at, _)| told.layers >> at & 1 == 1);
            self.events.push_back(MediaEvent::Demand {
                session: publisher.id,
                source: track.key.source,
                layers: layers.map(|(_, layer)| *layer).collect(),
                is_watched: told.is_watched,
            });
        }
    }

    /// Tells pages what limits their pictures, where it changed.
    pub(super) fn tell_limits(&mut self, index: usize, now: Now) {
        let Some(Some(room)) = self.rooms.get(index) else { return };
        for &receiver in &room.sessions {
            let Some(Some(session)) = self.sessions.get_mut(receiver) else { continue };
            let told_at = session.told_limits_at;
            let is_page = matches!(session.kind, SessionKind::Room { .. });
            let is_soon =
                told_at.is_some_and(|at| now.at.saturating_duration_since(at) < LIMITS_INTERVAL);
            if !is_page || session.srtp.is_none() || is_soon {
                continue;
            }
            let limits = limits(session, room, now.at);
            if limits != session.told_limits {
                session.told_limits.clone_from(&limits);
                session.told_limits_at = Some(now.at);
                self.events.push_back(MediaEvent::Limits { session: session.id, limits });
            }
        }
    }
}
