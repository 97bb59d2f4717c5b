//! How the lines of a room go, put together when somebody asks.

use protocol::control::{MediaEvent, SessionKind};
use protocol::id::RequestId;
use protocol::insight::{
    Flow, LayerRoute, LineReason, LineRoute, RoomRoutes, Route, RouteCipher, RouteDetail,
    RouteKind, RoutePath, TrackRoute,
};
use protocol::time::Timestamp;

use crate::clock::Now;
use crate::core::Core;
use crate::forward::line::Line;
use crate::insight::{Grade, LineSeen, grade};
use crate::metrics::Counters;
use crate::room::{LAYERS, LayerIn, Room, Track};
use crate::session::Session;
use crate::tcp;

/// Most sessions in one answer: every site of the country.
const ROUTES_MAX: usize = 4_096;

impl Core {
    /// Answers a question about a room's lines.
    pub(super) fn inspect(&mut self, request: RequestId, room: &str, of: Option<&str>, now: Now) {
        let shard = self.neighbours.here as u16;
        let at = Timestamp(now.unix_us / 1_000);
        let found = self.by_name.get(room).and_then(|index| self.rooms.get(*index)?.as_ref());
        let sessions = found.map_or(Vec::new(), |room| {
            let all = room.sessions.iter().filter_map(|index| self.session(*index));
            let asked = all.filter(|it| of.is_none_or(|of| it.publisher == of));
            asked.take(ROUTES_MAX).map(|it| route(it, room, of.is_some(), now)).collect()
        });
        let routes = Box::new(RoomRoutes { at, shard, sessions });
        self.events.push_back(MediaEvent::Inspected { request, routes });
    }

    /// Once a second for each session: how its line goes, added to what operators read.
    pub(super) fn count_line(&mut self, index: usize) {
        let Some(Some(session)) = self.sessions.get(index) else { return };
        let Some(Some(room)) = self.rooms.get(session.room) else { return };
        let counters = &mut self.counters;
        let (up, down) = (up(session, room), down(session, room));
        if up.n_streams > 0 {
            count_grade(counters, true, grade(up.lost_permille));
            counters.jitter_ms += u64::from(up.jitter_ms);
            counters.jitters += 1;
        }
        if down.n_streams > 0 {
            count_grade(counters, false, grade(down.lost_permille));
        }
        if let Some(ms) = session.seen.rtt_ms() {
            counters.round_trip_ms += u64::from(ms);
            counters.round_trips += 1;
        }
        for (line, _, track) in carried(session, room).filter(|(line, ..)| !line.config.is_audio) {
            match current_layer(line, track) {
                Some(0) => counters.lines_low += 1,
                Some(1) => counters.lines_mid += 1,
                Some(_) => counters.lines_high += 1,
                None => counters.lines_none += 1,
            }
            match reason(line, track) {
                Some(LineReason::KeyFrame) => counters.limited_key_frame += 1,
                Some(LineReason::Uplink) => counters.limited_uplink += 1,
                Some(LineReason::Downlink) => counters.limited_downlink += 1,
                Some(LineReason::Codec) => counters.limited_codec += 1,
                None => {}
            }
        }
    }
}

fn count_grade(counters: &mut Counters, is_up: bool, grade: Grade) {
    *match (is_up, grade) {
        (true, Grade::Good) => &mut counters.up_good,
        (true, Grade::Fair) => &mut counters.up_fair,
        (true, Grade::Weak) => &mut counters.up_weak,
        (false, Grade::Good) => &mut counters.down_good,
        (false, Grade::Fair) => &mut counters.down_fair,
        (false, Grade::Weak) => &mut counters.down_weak,
    } += 1;
}

fn route(session: &Session, room: &Room, in_detail: bool, now: Now) -> Route {
    let ms_since = |at| now.at.saturating_duration_since(at).as_millis() as u64;
    let detail = || RouteDetail {
        tracks: published(session, room).map(|it| track_route(it, now)).collect(),
        lines: carried(session, room).map(line_route).collect(),
    };
    Route {
        session: session.id,
        publisher: session.publisher.clone(),
        kind: match session.kind {
            SessionKind::Room { .. } => RouteKind::Room,
            SessionKind::Publish => RouteKind::Publish,
            SessionKind::Receive { .. } => RouteKind::Receive,
            SessionKind::Programme => RouteKind::Programme,
        },
        path: session.selected.map(|it| match it.ip().to_canonical().is_ipv4() {
            _ if tcp::is_tcp(it) => RoutePath::Tcp,
            true => RoutePath::Udp4,
            false => RoutePath::Udp6,
        }),
        cipher: session.srtp.as_ref().map(|srtp| {
            // Only the fallback keeps memory of every stream.
            if srtp.remote.keeps_memory() { RouteCipher::Cm } else { RouteCipher::Gcm }
        }),
        age_ms: ms_since(session.began),
        silent_ms: ms_since(session.heard),
        rtt_ms: session.seen.rtt_ms(),
        estimate_bps: session.receiver.estimate(),
        up: up(session, room),
        down: down(session, room),
        detail: in_detail.then(detail),
    }
}

/// The tracks of a session.
fn published<'a>(session: &'a Session, room: &'a Room) -> impl Iterator<Item = &'a Track> {
    let tracks = session.sends.iter().filter_map(|send| send.track);
    tracks.filter_map(|track| room.tracks.get(track)?.as_ref())
}

/// The lines of a session that carry something, and what.
fn carried<'a>(
    session: &'a Session,
    room: &'a Room,
) -> impl Iterator<Item = (&'a Line, &'a LineSeen, &'a Track)> {
    session
        .lines
        .iter()
        .zip(&session.seen.lines)
        .filter_map(|(line, seen)| Some((line, seen, room.tracks.get(line.track?)?.as_ref()?)))
}

/// Adds streams up: rates are sums, losses are weighed by packets, the worst jitter counts.
#[derive(Default)]
struct Sum {
    flow: Flow,
    lost: u64,
    packets: u64,
}

impl Sum {
    fn add(&mut self, bps: u32, pps: u32, lost_permille: u16) {
        self.flow.n_streams = self.flow.n_streams.saturating_add(u16::from(pps > 0));
        self.flow.bps = self.flow.bps.saturating_add(bps);
        self.lost += u64::from(lost_permille) * u64::from(pps);
        self.packets += u64::from(pps);
    }

    fn finish(self) -> Flow {
        let lost_permille = self.lost.checked_div(self.packets).unwrap_or(0) as u16;
        Flow { lost_permille, ..self.flow }
    }
}

fn up(session: &Session, room: &Room) -> Flow {
    let mut sum = Sum::default();
    for layer in published(session, room).flat_map(|track| track.layers.iter().flatten()) {
        let seen = &layer.seen;
        sum.add(seen.rate.bps, seen.rate.pps, seen.quality.lost_permille());
        if seen.rate.pps > 0 {
            sum.flow.jitter_ms = sum.flow.jitter_ms.max(seen.quality.jitter_ms);
        }
        sum.flow.n_nacked = sum.flow.n_nacked.saturating_add(seen.n_nacked);
    }
    sum.finish()
}

fn down(session: &Session, room: &Room) -> Flow {
    let mut sum = Sum::default();
    for (line, seen, track) in carried(session, room) {
        // What did not reach the node could not be sent on: the receiver's line is not to blame for it.
        let before = current_layer(line, track).and_then(|layer| track.layers[layer].as_ref());
        let before = before.map_or(0, |layer| layer.seen.quality.lost_permille());
        let lost = seen.quality.lost_permille().saturating_sub(before);
        sum.add(seen.rate.bps, seen.rate.pps, lost);
        if seen.rate.pps > 0 {
            sum.flow.jitter_ms = sum.flow.jitter_ms.max(seen.quality.jitter_ms);
        }
    }
    let nacked = session.seen.lines.iter().map(|line| line.n_nacked);
    sum.flow.n_nacked = nacked.fold(0, u32::saturating_add);
    sum.finish()
}

/// The layer that a line sends.
fn current_layer(line: &Line, track: &Track) -> Option<usize> {
    track.layers.iter().position(|layer| layer.as_ref().is_some_and(|it| line.is_settled(it)))
}

/// Why a line carries less than the page has use for.
fn reason(line: &Line, track: &Track) -> Option<LineReason> {
    let current = current_layer(line, track);
    match line.target {
        _ if line.config.is_audio => None,
        _ if line.lacks_codec => Some(LineReason::Codec),
        _ if line.is_cut => Some(LineReason::Downlink),
        None => Some(LineReason::Uplink),
        Some(target) if current != Some(target) => Some(LineReason::KeyFrame),
        Some(target) if target < line.layer_max => Some(LineReason::Uplink),
        Some(_) => None,
    }
}

fn track_route(track: &Track, now: Now) -> TrackRoute {
    let layers = track.layers.iter().enumerate();
    let layers = layers.filter_map(|(index, layer)| Some((index, layer.as_deref()?)));
    TrackRoute {
        source: track.key.source,
        codec: track.codec.rtpmap().split('/').next().unwrap_or_default().to_owned(),
        is_granted: track.is_allowed,
        is_live: track.is_live,
        n_receivers: track.receivers.len() as u32,
        layers: layers.map(|(index, layer)| layer_route(track, index, layer, now)).collect(),
    }
}

fn layer_route(track: &Track, index: usize, layer: &LayerIn, now: Now) -> LayerRoute {
    let seen = &layer.seen;
    LayerRoute {
        layer: LAYERS[index],
        ssrc: layer.ssrc,
        is_active: track.is_active(index, now.at),
        bps: seen.rate.bps,
        lost_permille: seen.quality.lost_permille(),
        jitter_ms: seen.quality.jitter_ms,
        n_key_frames: seen.n_key_frames,
        n_key_frames_asked: seen.n_key_frames_asked,
        n_nacked: seen.n_nacked,
    }
}

fn line_route((line, seen, track): (&Line, &LineSeen, &Track)) -> LineRoute {
    LineRoute {
        mid: line.config.mid.clone(),
        track: track.key.clone(),
        layer: current_layer(line, track).map(|layer| LAYERS[layer]),
        layer_max: LAYERS[line.layer_max.min(LAYERS.len() - 1)],
        bps: seen.rate.bps,
        lost_permille: seen.quality.lost_permille(),
        jitter_ms: seen.quality.jitter_ms,
        n_nacked: seen.n_nacked,
        reason: reason(line, track),
    }
}
