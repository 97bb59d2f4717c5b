//! Media to recorder: packets as they came in, after SRTP, before any rewriting.

use std::ops::Deref;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use serde::{Deserialize, Serialize};

use crate::id::RecordingId;
use crate::media::{Layer, TrackKey};

/// Most messages waiting between media node and recorder. Full means that the recorder's disk does not
/// keep up: the packets are counted as lost and the loss is told with the next message.
pub const TAP_QUEUE_MAX: usize = 1024;

/// Most packets in one message.
pub const TAP_BATCH_MAX: usize = 256;

/// Most messages' memory that one room keeps for the next ones: what a recorder with a quick disk has in hand.
/// More is given back to the system.
pub const TAP_POOL_MAX: usize = 8;

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
        packets: TapPackets,
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

/// Packets of one message. When it is dropped, by whoever wrote it down, its memory goes back to the
/// [`TapPool`] that it came from; so a node that is recorded allocates nothing for its packets.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(from = "Vec<TapPacket>", into = "Vec<TapPacket>")]
pub struct TapPackets {
    /// The first `n` are packets, the others memory for more.
    list: Vec<TapPacket>,
    n: usize,
    home: Option<SyncSender<Vec<TapPacket>>>,
}

impl TapPackets {
    /// Adds a packet of which `write` appends the bytes to the empty buffer that it is given.
    pub fn push_with(
        &mut self,
        track: TapTrack,
        arrival_us: i64,
        kind: TapKind,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        if self.n == self.list.len() {
            self.list.push(TapPacket { track, arrival_us, kind, bytes: Vec::new() });
        }
        let packet = &mut self.list[self.n];
        (packet.track, packet.arrival_us, packet.kind) = (track, arrival_us, kind);
        packet.bytes.clear();
        write(&mut packet.bytes);
        self.n += 1;
    }

    /// Forgets all packets and keeps their memory.
    pub fn clear(&mut self) {
        self.n = 0;
    }
}

impl Deref for TapPackets {
    type Target = [TapPacket];

    fn deref(&self) -> &[TapPacket] {
        &self.list[..self.n]
    }
}

impl Drop for TapPackets {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            // Full or gone: then it is memory like any other.
            let _ = home.try_send(std::mem::take(&mut self.list));
        }
    }
}

impl From<Vec<TapPacket>> for TapPackets {
    fn from(list: Vec<TapPacket>) -> Self {
        Self { n: list.len(), list, home: None }
    }
}

impl From<TapPackets> for Vec<TapPacket> {
    fn from(packets: TapPackets) -> Self {
        packets.to_vec()
    }
}

impl Clone for TapPackets {
    fn clone(&self) -> Self {
        self.to_vec().into()
    }
}

impl PartialEq for TapPackets {
    fn eq(&self, other: &Self) -> bool {
        self[..] == other[..]
    }
}

impl Eq for TapPackets {}

/// Memory for [`TapPackets`] that comes back from wherever they went. Taking and giving back block nobody.
#[derive(Debug)]
pub struct TapPool {
    home: SyncSender<Vec<TapPacket>>,
    back: Receiver<Vec<TapPacket>>,
}

impl Default for TapPool {
    fn default() -> Self {
        let (home, back) = sync_channel(TAP_POOL_MAX);
        Self { home, back }
    }
}

impl TapPool {
    /// Room for packets, used before if any came back.
    pub fn take(&self) -> TapPackets {
        let list = self.back.try_recv().unwrap_or_default();
        TapPackets { list, n: 0, home: Some(self.home.clone()) }
    }
}

/// What a tapped packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TapKind {
    /// An RTP packet.
    Rtp,
    /// An RTCP sender report: ties RTP time to the sender's NTP clock (RFC 3550 §6.4.1).
    SenderReport,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back_from_wherever_a_message_ends() {
        let pool = TapPool::default();
        let mut packets = pool.take();
        packets.push_with(1, 2, TapKind::Rtp, |bytes| bytes.extend_from_slice(&[7; 900]));
        packets.push_with(1, 3, TapKind::Rtp, |bytes| bytes.extend_from_slice(&[8; 900]));
        let at = packets[1].bytes.as_ptr();
        std::thread::spawn(move || drop(packets)).join().expect("it only drops");
        let mut again = pool.take();
        assert!(again.is_empty(), "nothing of the former packets");
        again.push_with(4, 5, TapKind::SenderReport, |bytes| bytes.push(9));
        assert_eq!(again[0].bytes, [9]);
        again.push_with(4, 5, TapKind::Rtp, |bytes| bytes.extend_from_slice(&[1; 800]));
        assert_eq!(again[1].bytes.as_ptr(), at, "the same memory");
        assert_eq!((again.len(), again.clone() == again), (2, true));
        drop(pool);
        drop(again);
    }
}
