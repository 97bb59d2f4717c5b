//! The recent packets of one layer. Each is copied in once, when it arrives; every receiver's copy and
//! every retransmission is made from here.

use std::time::{Duration, Instant};

use crate::codec::dependency::{self, Dependency, Structure};
use crate::codec::{self, Codec, Info};
use crate::rtp::Header;

/// Packets kept of a video layer at first: more than wait for one fan-out.
const VIDEO_PACKETS_MIN: usize = 96;

/// Packets kept of a video layer at most. A key frame of a shared screen has up to 250; a second of a sharp
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
    pub(crate) info: Info,
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

/// What is known of a packet beside its bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Arrival {
    /// Number of the dependency descriptor's header extension, 0 for none.
    pub(crate) dependency_id: u8,
    /// Redundant sound (RFC 2198).
    pub(crate) is_red: bool,
}

/// How many layers a stream has, as far as it has said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) spatial: u8,
    pub(crate) temporal: u8,
}

/// A ring of packets, indexed by sequence number. It grows until it holds as much as may be asked for again;
/// once it has turned round, storing allocates nothing.
#[derive(Debug)]
pub(crate) struct Cache {
    slots: Vec<Option<Packet>>,
    codec: Codec,
    shape: Shape,
    /// Of each packet, where the stream has dependency descriptors; else empty.
    dependencies: Vec<Option<Dependency>>,
    structure: Option<Box<Structure>>,
    /// Where the newest key frame begins, and when that packet came.
    key_frame: Option<(u64, Instant)>,
    /// The highest number that came.
    newest: u64,
}

impl Cache {
    /// For a layer of video, or for a sound.
    pub(crate) fn new(codec: Codec) -> Self {
        let n = if codec.is_audio() { AUDIO_PACKETS_MAX } else { VIDEO_PACKETS_MIN };
        Self {
            slots: std::iter::repeat_with(|| None).take(n).collect(),
            codec,
            shape: Shape { spatial: 1, temporal: 1 },
            dependencies: Vec::new(),
            structure: None,
            key_frame: None,
            newest: 0,
        }
    }

    /// The packets with which a decoder can begin: the newest key frame and all that came since, if it came at most
    /// `age` ago. Some of them may be missing.
    pub(crate) fn since_key_frame(
        &self,
        age: Duration,
        now: Instant,
    ) -> Option<std::ops::RangeInclusive<u64>> {
        let (begins, came) = self.key_frame?;
        let is_fresh = now.saturating_duration_since(came) <= age;
        (is_fresh && self.get(begins).is_some()).then_some(begins..=self.newest)
    }

    /// Nobody begins with what has come so far.
    pub(crate) fn forget_key_frame(&mut self) {
        self.key_frame = None;
    }

    /// The codec of all its packets.
    pub(crate) fn codec(&self) -> Codec {
        self.codec
    }

    /// How many layers the stream has.
    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    /// The structure that the stream's dependency descriptors refer to.
    pub(crate) fn structure(&self) -> Option<&Structure> {
        self.structure.as_deref()
    }

    /// The dependency descriptor of a packet that is here.
    pub(crate) fn dependency(&self, packet: &Packet) -> Option<&Dependency> {
        self.dependencies.get(self.slot(packet.seq))?.as_ref()
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
        arrival: Arrival,
        now: Instant,
    ) -> Option<&Packet> {
        let kept = self.slots[self.slot(seq)].as_ref();
        if kept.is_some_and(|kept| kept.seq >= seq) {
            return None;
        }
        let is_young = |it: &Packet| now.saturating_duration_since(it.arrived) < RESEND_AGE_MAX;
        if kept.is_some_and(is_young) {
            self.grow();
        }
        let slot = self.slot(seq);
        let mut info = codec::read(self.codec, packet.get(header.len..).unwrap_or_default());
        info.is_red = arrival.is_red;
        if info.begins_idr && !info.starts_key_frame {
            // The packet before belongs to another picture: no parameter sets come with this one.
            let before = seq.checked_sub(1).and_then(|it| self.get(it));
            info.starts_key_frame =
                before.is_some_and(|it| it.header.timestamp != header.timestamp);
        }
        self.read_dependency(slot, &header, packet, arrival.dependency_id);
        let dependency = self.dependencies.get(slot).and_then(Option::as_ref);
        self.shape.temporal = self.shape.temporal.max(info.temporal + 1);
        if let Some(spatial) = info.spatial_layers {
            self.shape.spatial = spatial;
        } else if info.starts_key_frame && self.codec == Codec::Vp9 {
            self.shape.spatial = 1;
        }
        if let Some(dependency) = dependency.filter(|_| self.codec == Codec::Av1) {
            info.starts_key_frame |= dependency.starts_frame && dependency.is_key();
        }
        self.newest = self.newest.max(seq);
        if info.starts_key_frame && self.key_frame.is_none_or(|(known, _)| known < seq) {
            self.key_frame = Some((seq, now));
        }
        let kept = &mut self.slots[slot];
        let mut bytes = kept.take().map(|old| old.bytes).unwrap_or_default();
        bytes.clear();
        bytes.extend_from_slice(packet);
        // The padding is gone, so the bit that announces it goes too.
        bytes[0] &= !0x20;
        let header = Header { is_padded: false, ..header };
        Some(kept.insert(Packet { seq, header, info, arrived: now, bytes }))
    }

    /// Makes room for half as many packets more, up to the limit.
    fn grow(&mut self) {
        let n = (self.slots.len() + self.slots.len() / 2).min(VIDEO_PACKETS_MAX);
        if self.codec.is_audio() || n <= self.slots.len() {
            return;
        }
        let old = std::mem::take(&mut self.slots);
        let mut dependencies = std::mem::take(&mut self.dependencies);
        self.slots.resize_with(n, || None);
        if !dependencies.is_empty() {
            self.dependencies.resize(n, None);
        }
        for (at, packet) in old.into_iter().enumerate() {
            let Some(packet) = packet else { continue };
            let slot = self.slot(packet.seq);
            // Of two at one place the newer one is worth more.
            if self.slots[slot].as_ref().is_none_or(|other| other.seq < packet.seq) {
                self.slots[slot] = Some(packet);
                if let Some(dependency) = dependencies.get_mut(at).and_then(Option::take) {
                    self.dependencies[slot] = Some(dependency);
                }
            }
        }
    }

    /// Reads the dependency descriptor of codecs whose payload does not tell the layers.
    fn read_dependency(&mut self, slot: usize, header: &Header, packet: &[u8], id: u8) {
        let has_layers = matches!(self.codec, Codec::Av1 | Codec::H264);
        let value = if has_layers && id != 0 { header.extension(packet, id) } else { None };
        let found = value.and_then(|value| {
            let mut found = dependency::parse(value, &mut self.structure)?;
            let at = value.as_ptr() as usize - packet.as_ptr() as usize;
            (found.at, found.len) = (u16::try_from(at).ok()?, u8::try_from(value.len()).ok()?);
            Some(found)
        });
        if let Some(found) = &found {
            if found.has_structure
                && let Some((spatial, temporal)) = self.structure.as_ref().map(|it| it.shape())
            {
                self.shape = Shape { spatial, temporal };
            }
            if self.dependencies.is_empty() {
                self.dependencies.resize(self.slots.len(), None);
            }
        }
        if let Some(kept) = self.dependencies.get_mut(slot) {
            *kept = found;
        }
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
        let (now, arrival) = (Instant::now(), Arrival::default());
        let mut bytes = vec![0x80; 12];
        let header = rtp::parse(&bytes).unwrap();
        bytes.push(7);
        let mut cache = Cache::new(Codec::Opus);
        assert!(cache.store(3, header, &bytes, arrival, now).is_some());
        assert!(
            cache.store(3, header, &bytes, arrival, now).is_none(),
            "a duplicate is not stored"
        );
        assert_eq!(cache.get(3).unwrap().payload(), [7]);
        let later = 3 + AUDIO_PACKETS_MAX as u64;
        assert!(cache.store(later, header, &bytes, arrival, now).is_some());
        assert!(cache.get(3).is_none());
        assert!(cache.store(3, header, &bytes, arrival, now).is_none(), "too old to come back");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
    fn a_second_is_kept_whatever_the_rate_and_not_much_more() {
        let start = Instant::now();
        let bytes = [0x80; 20];
        let header = rtp::parse(&bytes).unwrap();
        for (per_second, slots) in [(30, 96), (120, 144), (260, 324), (2_000, VIDEO_PACKETS_MAX)] {
            let mut cache = Cache::new(Codec::Vp8);
            let at = |seq: u64| start + Duration::from_micros(seq * 1_000_000 / per_second);
            for seq in 0..4 * per_second {
                cache.store(seq, header, &bytes, Arrival::default(), at(seq)).unwrap();
                let oldest = (seq + 1).saturating_sub(per_second.min(slots as u64 - 1));
                if seq >= per_second {
                    assert!((oldest..=seq).all(|it| cache.get(it).is_some()), "{per_second}/s");
                }
            }
            assert_eq!(cache.slots.len(), slots, "{per_second} packets a second");
        }
    }
}
