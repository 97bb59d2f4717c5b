//! Media to recorder: packets as they came in, after SRTP, before any rewriting.

use serde::{Deserialize, Serialize};

use crate::id::RecordingId;
use crate::media::{Layer, TrackKey};

/// Most messages waiting between media node and recorder. Full means that the recorder's disk does not
/// keep up: the packets are counted as lost and the loss is told with the next message.
pub const TAP_QUEUE_MAX: usize = 1024;

/// Most packets in one message.
pub const TAP_BATCH_MAX: usize = 256;

/// A number for a tapped track. Never used twice by one process.
pub type TapTrack = u32;

/// What the tap says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TapMessage {
    /// A track (one layer of it) begins.
    TrackStarted(TapTrackInfo),
    /// Packets, in the order of arrival.
    Packets {
        /// For which recording.
        recording: RecordingId,
        /// At most [`TAP_BATCH_MAX`].
        packets: Vec<TapPacket>,
        /// Packets that were thrown away since the last message because the queue was full.
        dropped: u64,
    },
    /// A track (one layer of it) is not tapped any more.
    TrackEnded {
        /// For which recording.
        recording: RecordingId,
        /// Which.
        track: TapTrack,
    },
}

/// What a tapped track is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapTrackInfo {
    /// For which recording.
    pub recording: RecordingId,
    /// Its number.
    pub track: TapTrack,
    /// Whose, and which.
    pub key: TrackKey,
    /// Which layer. Each layer is a track of its own here, with its own SSRC and clock.
    pub layer: Layer,
    /// Codec.
    pub codec: Codec,
    /// RTP payload type of the codec in these packets.
    pub payload_type: u8,
    /// RTP SSRC.
    pub ssrc: u32,
    /// RTP clock rate, Hz.
    pub clock_rate: u32,
}

/// A codec that the node forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    /// RFC 7587.
    Opus,
    /// RFC 7741.
    Vp8,
    /// RFC 9628, profile 0; all spatial layers in one stream.
    Vp9,
    /// RFC 6184, packetization mode 1.
    H264,
    /// The RTP payload format for AV1; all spatial layers in one stream.
    Av1,
}

/// One packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapPacket {
    /// Of which track.
    pub track: TapTrack,
    /// When it came in: microseconds since 1970-01-01T00:00:00Z by the node's clock.
    pub arrival_us: i64,
    /// What it is.
    pub kind: TapKind,
    /// RTP: the whole packet, padding removed, original header. A retransmitted packet (RFC 4588) has been
    /// put back into its original form. RTCP: one sender report with its header (28 bytes or more).
    pub bytes: Vec<u8>,
}

/// What a tapped packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TapKind {
    /// An RTP packet.
    Rtp,
    /// An RTCP sender report: ties RTP time to the sender's NTP clock (RFC 3550 §6.4.1).
    SenderReport,
}
