//! How the lines of a room go, as its media node measures them. A technician reads from it which site's line is
//! weak, in which direction, and what the node does about it.

use serde::{Deserialize, Serialize};

use crate::id::SessionId;
use crate::media::{Layer, Source, TrackKey};
use crate::time::Timestamp;

/// `GET /api/meetings/{id}/media`: every media session of a room. With `?of={publisher}`, those of one publisher,
/// with their tracks and lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RoomRoutes {
    /// When it was measured.
    #[cfg_attr(test, ts(type = "number"))]
    pub at: Timestamp,
    /// The room's thread at the node.
    pub shard: u16,
    /// In the order in which they came.
    pub sessions: Vec<Route>,
}

/// One media session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Route {
    /// Which.
    #[cfg_attr(test, ts(type = "string"))]
    pub session: SessionId,
    /// Whose: the participant's id, or the name in the WHIP or WHEP path.
    pub publisher: String,
    /// What it is for.
    pub kind: RouteKind,
    /// The way that ICE found; none while it looks.
    pub path: Option<RoutePath>,
    /// The cipher; none before the handshake is through.
    pub cipher: Option<RouteCipher>,
    /// Since the offer, ms.
    #[cfg_attr(test, ts(type = "number"))]
    pub age_ms: u64,
    /// Since the last authentic packet, ms.
    #[cfg_attr(test, ts(type = "number"))]
    pub silent_ms: u64,
    /// Round trip between node and browser, ms, from its receiver reports; none before the first one.
    pub rtt_ms: Option<u32>,
    /// What the line to the browser is believed to carry, bit/s, if it is estimated.
    pub estimate_bps: Option<u32>,
    /// What comes from it.
    pub up: Flow,
    /// What goes to it.
    pub down: Flow,
    /// Its tracks and lines, if they were asked for.
    pub detail: Option<RouteDetail>,
}

/// What a media session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum RouteKind {
    /// A page in a room.
    Room,
    /// WHIP.
    Publish,
    /// WHEP.
    Receive,
    /// WHEP of the programme.
    Programme,
}

/// The way of a session's packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum RoutePath {
    /// UDP over IPv4.
    Udp4,
    /// UDP over IPv6.
    Udp6,
    /// TCP, where UDP is closed.
    Tcp,
}

/// The cipher of a session's packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum RouteCipher {
    /// `AEAD_AES_128_GCM`.
    Gcm,
    /// `SRTP_AES128_CM_HMAC_SHA1_80`.
    Cm,
}

/// One direction of a session, all its streams together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Flow {
    /// Streams that carry something.
    pub n_streams: u16,
    /// In the last second, bit/s.
    pub bps: u32,
    /// Lost in the last seconds, thousandths, before repair. Downwards: without what was lost on the publishers'
    /// lines already.
    pub lost_permille: u16,
    /// The worst stream's jitter, ms.
    pub jitter_ms: u16,
    /// Packets asked for again, since the session began.
    pub n_nacked: u32,
}

/// The streams of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RouteDetail {
    /// What it publishes.
    pub tracks: Vec<TrackRoute>,
    /// What it receives; lines that carry nothing are left out.
    pub lines: Vec<LineRoute>,
}

/// A published track.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct TrackRoute {
    /// Which.
    pub source: Source,
    /// Its codec, as SDP names it.
    pub codec: String,
    /// The room lets it through.
    pub is_granted: bool,
    /// Packets come.
    pub is_live: bool,
    /// Sessions that have it on a line.
    pub n_receivers: u32,
    /// Lowest first.
    pub layers: Vec<LayerRoute>,
}

/// One layer of a track as it comes in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LayerRoute {
    /// Which.
    pub layer: Layer,
    /// As the publisher numbers it.
    pub ssrc: u32,
    /// Packets come.
    pub is_active: bool,
    /// In the last second, bit/s.
    pub bps: u32,
    /// Lost in the last seconds, thousandths, before repair.
    pub lost_permille: u16,
    /// ms.
    pub jitter_ms: u16,
    /// Key frames that came.
    pub n_key_frames: u32,
    /// Key frames that the node asked for.
    pub n_key_frames_asked: u32,
    /// Packets that the node asked for again.
    pub n_nacked: u32,
}

/// What a receiving line carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LineRoute {
    /// The line in the session's SDP.
    pub mid: String,
    /// From where.
    pub track: TrackKey,
    /// The layer that is being sent; none while nothing is.
    pub layer: Option<Layer>,
    /// The sharpest layer that the page has use for.
    pub layer_max: Layer,
    /// In the last second, bit/s.
    pub bps: u32,
    /// Lost in the last seconds as the receiver reports it, thousandths, before repair.
    pub lost_permille: u16,
    /// ms, as the receiver reports it.
    pub jitter_ms: u16,
    /// Packets that the receiver asked for again.
    pub n_nacked: u32,
    /// Why it is not the sharpest layer that there is use for.
    pub reason: Option<LineReason>,
}

/// Why a line carries less than there is use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum LineReason {
    /// It waits for a key frame of the layer that it should carry.
    KeyFrame,
    /// The publisher sends no sharper layer, or nothing.
    Uplink,
    /// The receiver's own line has no room.
    Downlink,
    /// The receiver's browser does not take the codec that the publisher sends.
    Codec,
}
