//! The recent packets of one layer. Each is copied in once, when it arrives; every receiver's copy and
//! every retransmission is made from here.

use std::time::{Duration, Instant};

use crate::codec::vp8::{self, Descriptor};
use crate::rtp::Header;

/// Packets kept of a video layer. A key frame of a shared screen has up to 250; a second of a sharp
/// camera has about 260.
pub(crate) const VIDEO_PACKETS_MAX: usize = 512;

/// Packets kept of a sound: 2.6 s at 20 ms.
pub(crate) const AUDIO_PACKETS_MAX: usize = 128;

/// Older packets are not sent again: the receiver has given them up.
pub(crate) const RESEND_AGE_MAX: Duration = Duration::from_secs(1);

/// One packet: the original header and the payload, padding taken off.
#[derive(Debug)]
pub(crate) struct Packet {
    /// Extended sequence number.
    pub(crate) seq: u64,
    pub(crate) header: Header,
    pub(crate) vp8: Option<Descriptor>,
    pub(crate) arrived: Instant,
    bytes: Vec<u8>,
}

impl Packet {
    /// What follows the header.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.bytes[self.header.len..]
    }

    /// The whole packet.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A ring of packets, indexed by sequence number. Once it has turned round, storing allocates nothing.
#[derive(Debug)]
pub(crate) struct Cache {
    slots: Vec<Option<Packet>>,
    is_vp8: bool,
}

impl Cache {
    /// For a VP8 layer, or for a sound.
    pub(crate) fn new(is_vp8: bool) -> Self {
        let n = if is_vp8 { VIDEO_PACKETS_MAX } else { AUDIO_PACKETS_MAX };
        Self { slots: std::iter::repeat_with(|| None).take(n).collect(), is_vp8 }
    }

    fn slot(&self, seq: u64) -> usize {
        seq as usize % self.slots.len()
    }

    /// Keeps a packet. Returns it, or `None` if it is already here or its place has been given to a newer
    /// one.
    pub(crate) fn store(
        &mut self,
        seq: u64,
        header: Header,
        packet: &[u8],
        now: Instant,
    ) -> Option<&Packet> {
        let slot = self.slot(seq);
        let kept = &mut self.slots[slot];
        if kept.as_ref().is_some_and(|kept| kept.seq >= seq) {
            return None;
        }
        let mut bytes = kept.take().map(|old| old.bytes).unwrap_or_default();
        bytes.clear();
        bytes.extend_from_slice(packet);
        // The padding is gone, so the bit that announces it goes too.
        bytes[0] &= !0x20;
        let vp8 = if self.is_vp8 { vp8::parse(&packet[header.len..]) } else { None };
        let header = Header { is_padded: false, ..header };
        Some(kept.insert(Packet { seq, header, vp8, arrived: now, bytes }))
    }

    /// The packet with the extended number `seq`, if it is still here.
    pub(crate) fn get(&self, seq: u64) -> Option<&Packet> {
        self.slots[self.slot(seq)].as_ref().filter(|packet| packet.seq == seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test needs some instant")]
    fn a_packet_is_found_until_a_newer_one_takes_its_place() {
        let now = Instant::now();
        let mut bytes = vec![0x80; 12];
        let header = rtp::parse(&bytes).unwrap();
        bytes.push(7);
        let mut cache = Cache::new(false);
        assert!(cache.store(3, header, &bytes, now).is_some());
        assert!(cache.store(3, header, &bytes, now).is_none(), "a duplicate is not stored");
        assert_eq!(cache.get(3).unwrap().payload(), [7]);
        assert!(cache.store(3 + AUDIO_PACKETS_MAX as u64, header, &bytes, now).is_some());
        assert!(cache.get(3).is_none());
        assert!(cache.store(3, header, &bytes, now).is_none(), "too old to come back");
    }
}
