//! What is published and what is watched.

use serde::{Deserialize, Serialize};

/// Longest name of a room or publisher in a WHIP or WHEP path, in bytes.
pub const NAME_BYTES_MAX: usize = 64;

/// Whether `text` may name a room or a publisher: 1 to 64 of `A-Z a-z 0-9 _ -`. Such a name is safe
/// in a URL, a file name and a metric label.
pub fn is_valid_name(text: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// What a track shows or carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The room's microphone.
    Microphone,
    /// The room's camera.
    Camera,
    /// A shared screen.
    Screen,
    /// The sound of a shared screen.
    ScreenAudio,
}

impl Source {
    /// All, in the order in which short messages number them.
    pub const ALL: [Self; 4] = [Self::Microphone, Self::Camera, Self::Screen, Self::ScreenAudio];

    /// Whether the track is sound.
    pub fn is_audio(self) -> bool {
        matches!(self, Self::Microphone | Self::ScreenAudio)
    }
}

/// A track: who publishes it, and which of that publisher's sources it is.
///
/// `publisher` is the participant's id as text for a browser, or the `{id}` of the WHIP path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct TrackKey {
    /// See the type.
    pub publisher: String,
    /// See the type.
    pub source: Source,
}

/// A layer of a camera's simulcast, lowest first. A track without simulcast has only `High`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// A quarter of the width: 320×180, rid `l`.
    Low,
    /// Half of the width: 640×360, rid `m`.
    Mid,
    /// Full: 1280×720, rid `h`.
    High,
}

/// A wish to see a track, and no sharper than `layer_max`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// Which track.
    pub track: TrackKey,
    /// The sharpest layer worth sending, from the size of the tile that shows it.
    pub layer_max: Layer,
}

/// What one receiving line (m-line) of a session carries now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Slot {
    /// The line's `mid` in the session's SDP.
    pub mid: String,
    /// The track it carries, or none.
    pub track: Option<TrackKey>,
}

/// Why a picture is less sharp than its tile, or paused. `docs/allocation.md` has the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum LimitCause {
    /// This site's own line has no room.
    Downlink,
    /// The publisher's line loses packets, or does not carry the layer that was asked for.
    Uplink,
    /// This site's browser does not take the codec that the publisher sends.
    Codec,
}

/// What limits the picture of one receiving line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SlotLimit {
    /// The line's `mid` in the session's SDP.
    pub mid: String,
    /// Why.
    pub cause: LimitCause,
    /// Nothing is sent at all; else only a lower layer.
    pub is_paused: bool,
}

/// What a publisher may have forwarded. What is not granted stops at the node, whatever the browser
/// sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Whose.
    pub publisher: String,
    /// Microphone and the sound of a shared screen.
    pub audio: bool,
    /// Camera.
    pub camera: bool,
    /// Shared screen.
    pub screen: bool,
}
