//! Packets to frames: VP8 (RFC 7741) and Opus (RFC 7587) here, H.264, VP9 and AV1 with their own files.

use protocol::tap::Codec;

use super::av1::Av1;
use super::h264::H264;
use super::reorder::Ordered;
use super::vp9::Vp9;

/// Largest frame; a key frame of 4K is smaller. More is damage, and is thrown away.
const FRAME_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A coded frame, or a packet of sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Media time without wraps, ticks.
    pub ticks: i64,
    /// When its last packet came in, µs since 1970.
    pub arrival_us: i64,
    /// It can be decoded without those before it.
    pub is_key: bool,
    /// Something is missing right before it.
    pub after_gap: bool,
    /// Coded picture or sound.
    pub bytes: Vec<u8>,
}

/// Makes frames of ordered packets.
#[derive(Debug)]
pub struct Depacketizer {
    codec: Codec,
    /// The frame being put together; its `ticks` tell a new one.
    open: Option<Frame>,
    has_gap: bool,
    /// Something of a picture is missing; its other packets are worth nothing.
    is_astray: bool,
    units: Units,
}

/// How packets of a codec become a picture.
#[derive(Debug)]
enum Units {
    /// Of its own: one packet, or a payload that is only put together.
    None,
    H264(H264),
    Vp9(Vp9),
    Av1(Av1),
}

impl Units {
    fn new(codec: Codec) -> Self {
        match codec {
            Codec::Opus | Codec::Vp8 => Self::None,
            Codec::H264 => Self::H264(H264::default()),
            Codec::Vp9 => Self::Vp9(Vp9::default()),
            Codec::Av1 => Self::Av1(Av1::default()),
        }
    }

    fn begins(codec: Codec, payload: &[u8]) -> bool {
        match codec {
            Codec::Opus | Codec::Vp8 => true,
            Codec::H264 => H264::begins(payload),
            Codec::Vp9 => Vp9::begins(payload),
            Codec::Av1 => Av1::begins(payload),
        }
    }

    fn append(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::None => None,
            Self::H264(it) => it.append(payload, out),
            Self::Vp9(it) => it.append(payload, out),
            Self::Av1(it) => it.append(payload, out),
        }
    }

    fn finish(&self, out: &mut Vec<u8>) -> Option<bool> {
        match self {
            Self::None => None,
            Self::H264(it) => it.finish(),
            Self::Vp9(it) => it.finish(out),
            Self::Av1(it) => it.finish(),
        }
    }
}

impl Depacketizer {
    /// For a codec.
    pub fn new(codec: Codec) -> Self {
        Self { codec, open: None, has_gap: false, is_astray: true, units: Units::None }
    }

    /// Takes the next packet; gives a frame if one became whole.
    pub fn push(&mut self, packet: &Ordered) -> Option<Frame> {
        match self.codec {
            Codec::Opus => self.push_opus(packet),
            Codec::Vp8 => self.push_vp8(packet),
            Codec::Vp9 | Codec::H264 | Codec::Av1 => self.push_units(packet),
        }
    }

    fn push_opus(&mut self, packet: &Ordered) -> Option<Frame> {
        self.has_gap |= packet.after_gap;
        if packet.payload.is_empty() {
            return None;
        }
        Some(Frame {
            ticks: packet.ticks,
            arrival_us: packet.arrival_us,
            is_key: true,
            after_gap: std::mem::take(&mut self.has_gap),
            bytes: packet.payload.clone(),
        })
    }

    fn push_vp8(&mut self, packet: &Ordered) -> Option<Frame> {
        if packet.after_gap {
            self.drop_open();
            self.has_gap = true;
        }
        // An empty payload is padding that probes the path: it belongs to no frame.
        if packet.payload.is_empty() {
            return None;
        }
        let Some((is_start, data)) = vp8_payload(&packet.payload) else {
            self.drop_open();
            self.has_gap = true;
            return None;
        };
        if is_start {
            self.drop_open();
            self.open = Some(Frame {
                ticks: packet.ticks,
                arrival_us: packet.arrival_us,
                is_key: data.first().is_some_and(|byte| byte & 1 == 0),
                after_gap: false,
                bytes: Vec::new(),
            });
        }
        let Some(open) = &mut self.open else {
            self.has_gap = true;
            return None;
        };
        if open.ticks != packet.ticks || open.bytes.len() + data.len() > FRAME_BYTES_MAX {
            self.drop_open();
            return None;
        }
        open.bytes.extend_from_slice(data);
        open.arrival_us = packet.arrival_us;
        if !packet.marker {
            return None;
        }
        let mut frame = self.open.take()?;
        frame.after_gap = std::mem::take(&mut self.has_gap);
        Some(frame)
    }

    /// Packets of a picture have its time, and the last of them the marker. Where one is missing, the rest is
    /// left out up to the next picture's beginning.
    fn push_units(&mut self, packet: &Ordered) -> Option<Frame> {
        if packet.after_gap || self.open.as_ref().is_some_and(|it| it.ticks != packet.ticks) {
            self.drop_open();
            self.has_gap |= packet.after_gap;
            self.is_astray |= packet.after_gap;
        }
        if packet.payload.is_empty() {
            return None;
        }
        if self.open.is_none() {
            if self.is_astray && !Units::begins(self.codec, &packet.payload) {
                self.is_astray = !packet.marker;
                self.has_gap = true;
                return None;
            }
            self.units = Units::new(self.codec);
            self.open = Some(Frame {
                ticks: packet.ticks,
                arrival_us: packet.arrival_us,
                is_key: false,
                after_gap: false,
                bytes: Vec::new(),
            });
            self.is_astray = false;
        }
        let open = self.open.as_mut()?;
        open.arrival_us = packet.arrival_us;
        let is_right = self.units.append(&packet.payload, &mut open.bytes).is_some();
        if !is_right || open.bytes.len() > FRAME_BYTES_MAX {
            self.drop_open();
            self.is_astray = !packet.marker;
            return None;
        }
        if !packet.marker {
            return None;
        }
        let mut frame = self.open.take()?;
        let Some(is_key) = self.units.finish(&mut frame.bytes) else {
            self.has_gap = true;
            return None;
        };
        frame.is_key = is_key;
        frame.after_gap = std::mem::take(&mut self.has_gap);
        Some(frame)
    }

    /// What was put together so far is no frame any more, and the next frame lacks it.
    fn drop_open(&mut self) {
        if self.open.take().is_some() {
            self.has_gap = true;
        }
    }
}

/// Whether the packet begins a frame, and its coded bytes.
fn vp8_payload(payload: &[u8]) -> Option<(bool, &[u8])> {
    let (&first, mut rest) = payload.split_first()?;
    if first & 0x80 != 0 {
        let (&extended, after) = rest.split_first()?;
        rest = after;
        if extended & 0x80 != 0 {
            let is_long = rest.first()? & 0x80 != 0;
            rest = rest.get(if is_long { 2 } else { 1 }..)?;
        }
        if extended & 0x40 != 0 {
            rest = rest.get(1..)?;
        }
        if extended & 0x30 != 0 {
            rest = rest.get(1..)?;
        }
    }
    if rest.is_empty() {
        return None;
    }
    // S: start of a partition; PID 0: the first one.
    Some((first & 0x10 != 0 && first & 0x07 == 0, rest))
}

/// Width and height of a VP8 key frame (RFC 6386 §9.1: three bytes of tag, a start code, width and height
/// with two bits of scale each). None if it is not one.
pub fn vp8_size(frame: &[u8]) -> Option<(u16, u16)> {
    let header: &[u8; 10] = frame.first_chunk()?;
    if header[0] & 1 != 0 || header[3..6] != [0x9d, 0x01, 0x2a] {
        return None;
    }
    let width = u16::from_le_bytes([header[6], header[7]]) & 0x3fff;
    let height = u16::from_le_bytes([header[8], header[9]]) & 0x3fff;
    (width > 0 && height > 0).then_some((width, height))
}

/// Samples at 48 kHz in an Opus packet (RFC 6716 §3.1). None if it is malformed.
pub fn opus_samples(packet: &[u8]) -> Option<u32> {
    let (&toc, rest) = packet.split_first()?;
    let per_frame = match toc >> 3 {
        config @ 0..=11 => [480, 960, 1_920, 2_880][usize::from(config % 4)],
        config @ 12..=15 => [480, 960][usize::from(config % 2)],
        config => [120, 240, 480, 960][usize::from(config % 4)],
    };
    let n_frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(rest.first()? & 0x3f),
    };
    let samples = per_frame * n_frames;
    (1..=5_760).contains(&samples).then_some(samples)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rtc_rtp::codec::vp8::Vp8Payloader;
    use rtc_rtp::packetizer::Payloader;

    use super::*;

    fn packets(frames: &[Vec<u8>]) -> Vec<Ordered> {
        let mut payloader = Vp8Payloader::default();
        payloader.enable_picture_id = true;
        let mut packets = Vec::new();
        for (n, frame) in frames.iter().enumerate() {
            let parts = payloader.payload(200, &frame.clone().into()).expect("payloads");
            let n_parts = parts.len();
            for (part, payload) in parts.into_iter().enumerate() {
                packets.push(Ordered {
                    after_gap: false,
                    ticks: n as i64 * 3_000,
                    arrival_us: n as i64 * 33_000,
                    marker: part + 1 == n_parts,
                    payload: payload.to_vec(),
                });
            }
        }
        packets
    }

    proptest! {
        #[test]
        fn frames_come_back_whole_and_never_without_a_packet_that_was_lost(
            frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..900), 1..12),
            lost in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        ) {
            let all = packets(&frames);
            let lost: Vec<usize> = lost.iter().map(|index| index.index(all.len())).collect();
            let mut depacketizer = Depacketizer::new(Codec::Vp8);
            let (mut got, mut is_gap) = (Vec::new(), false);
            for (n, packet) in all.iter().enumerate() {
                if lost.contains(&n) { is_gap = true; continue; }
                let packet = Ordered { after_gap: std::mem::take(&mut is_gap), ..packet.clone() };
                got.extend(depacketizer.push(&packet));
            }
            let damaged: Vec<i64> = lost.iter().map(|n| all[*n].ticks).collect();
            let expected: Vec<&Vec<u8>> = frames.iter().enumerate()
                .filter(|(n, _)| !damaged.contains(&(*n as i64 * 3_000)))
                .map(|(_, frame)| frame).collect();
            prop_assert_eq!(got.iter().map(|frame| &frame.bytes).collect::<Vec<_>>(), expected);
            for frame in &got {
                let before = frame.ticks - 3_000;
                if damaged.contains(&before) { prop_assert!(frame.after_gap); }
                if damaged.is_empty() { prop_assert!(!frame.after_gap); }
                let whole = &frames[(frame.ticks / 3_000) as usize];
                prop_assert_eq!(frame.is_key, whole[0] & 1 == 0);
            }
        }

        #[test]
        fn anything_may_come_as_payload(payload in prop::collection::vec(any::<u8>(), 0..40)) {
            let packet = Ordered {
                after_gap: false, ticks: 0, arrival_us: 0, marker: true, payload: payload.clone(),
            };
            for codec in [Codec::Opus, Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1] {
                let mut depacketizer = Depacketizer::new(codec);
                let _ = depacketizer.push(&packet);
                let _ = depacketizer.push(&packet);
            }
            let _ = opus_samples(&payload);
        }
    }

    #[test]
    fn the_length_of_an_opus_packet_is_read_from_its_first_bytes() {
        // Table 2 of RFC 6716: CELT fullband 20 ms; SILK wideband 60 ms; two frames; five of 2.5 ms.
        assert_eq!(opus_samples(&[31 << 3]), Some(960));
        assert_eq!(opus_samples(&[11 << 3]), Some(2_880));
        assert_eq!(opus_samples(&[(31 << 3) | 1]), Some(1_920));
        assert_eq!(opus_samples(&[(28 << 3) | 3, 5]), Some(600));
        assert_eq!(opus_samples(&[(11 << 3) | 3, 63]), None);
    }
}
