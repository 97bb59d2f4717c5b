//! What a forwarder needs to know of a payload, and no more: where a decoder can start, which layer a
//! packet belongs to, and where the counters lie that a switch must keep continuous. Pure functions over
//! bytes from the network: they allocate nothing and never panic.

pub(crate) mod av1;
pub(crate) mod bits;
pub(crate) mod dependency;
pub(crate) mod h264;
pub(crate) mod red;
pub(crate) mod vp8;
pub(crate) mod vp9;

/// A codec that the node forwards. The discriminants index payload-type maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    /// RFC 7587.
    Opus,
    /// RFC 7741.
    Vp8,
    /// RFC 9628, profile 0.
    Vp9,
    /// RFC 6184, packetization mode 1.
    H264,
    /// The RTP payload format for AV1.
    Av1,
}

impl Codec {
    /// How many there are.
    pub(crate) const COUNT: usize = 5;

    /// All, each at the place of its number.
    pub(crate) const ALL: [Self; Self::COUNT] =
        [Self::Opus, Self::Vp8, Self::Vp9, Self::H264, Self::Av1];

    /// Whether it is sound.
    pub(crate) fn is_audio(self) -> bool {
        self == Self::Opus
    }

    /// RTP clock rate, Hz.
    pub(crate) fn clock_rate(self) -> u32 {
        if self.is_audio() { 48_000 } else { 90_000 }
    }

    /// Name, clock rate and channels as `rtpmap` has them.
    pub(crate) fn rtpmap(self) -> &'static str {
        match self {
            Self::Opus => "opus/48000/2",
            Self::Vp8 => "VP8/90000",
            Self::Vp9 => "VP9/90000",
            Self::H264 => "H264/90000",
            Self::Av1 => "AV1/90000",
        }
    }
}

/// A picture id in its short or long form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PictureId {
    /// Offset in the payload.
    pub(crate) at: u8,
    pub(crate) value: u16,
    /// 15 bits, else 7.
    pub(crate) is_long: bool,
}

/// Where a receiver that gets fewer temporal layers may get more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum UpSwitch {
    /// Not because of this packet.
    #[default]
    No,
    /// With this frame: of lower layers it needs the base only (VP8's Y bit).
    Here,
    /// After this picture: later ones of higher layers need nothing older of them (VP9's U bit).
    After,
}

/// What one packet is. Offsets count from the start of the payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Info {
    /// A decoder can start here, whatever came before: the first packet of a key frame, of its lowest layer.
    pub(crate) starts_key_frame: bool,
    /// The first packet of a frame (of one spatial layer).
    pub(crate) starts_frame: bool,
    /// The last packet of a frame (of one spatial layer). Known only of codecs with spatial layers.
    pub(crate) ends_frame: bool,
    pub(crate) spatial: u8,
    pub(crate) temporal: u8,
    pub(crate) up_switch: UpSwitch,
    pub(crate) picture_id: Option<PictureId>,
    /// Offset and value of the index of the temporal base layer's picture.
    pub(crate) tl0: Option<(u8, u8)>,
    /// Offset and value of VP8's key frame index, five bits.
    pub(crate) key_index: Option<(u8, u8)>,
    /// Spatial layers that a scalability structure in this packet announces.
    pub(crate) spatial_layers: Option<u8>,
    /// H.264: the first slice of a key frame. A decoder can start here only if the parameter sets are not in
    /// an earlier packet of the same picture.
    pub(crate) begins_idr: bool,
    /// Redundant sound (RFC 2198).
    pub(crate) is_red: bool,
}

/// How far the counters of a payload are moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moves {
    pub(crate) picture_id: u16,
    pub(crate) tl0: u8,
    pub(crate) key_index: u8,
}

/// Reads the payload of one packet. A payload that cannot be read is one of which nothing is known.
pub(crate) fn read(codec: Codec, payload: &[u8]) -> Info {
    let info = match codec {
        Codec::Opus => None,
        Codec::Vp8 => vp8::parse(payload),
        Codec::Vp9 => vp9::parse(payload),
        Codec::H264 => h264::parse(payload),
        Codec::Av1 => av1::parse(payload),
    };
    info.unwrap_or_default()
}

/// Writes the counters back, moved, into a copy of the payload that `info` was read from.
pub(crate) fn rewrite(payload: &mut [u8], info: &Info, moves: Moves) {
    if let Some(id) = info.picture_id {
        let value = id.value.wrapping_add(moves.picture_id);
        let at = usize::from(id.at);
        if !id.is_long {
            put(payload, at, value as u8 & 0x7f);
        } else {
            put(payload, at, 0x80 | (value >> 8) as u8 & 0x7f);
            put(payload, at + 1, value as u8);
        }
    }
    if let Some((at, value)) = info.tl0 {
        put(payload, usize::from(at), value.wrapping_add(moves.tl0));
    }
    if let Some((at, value)) = info.key_index
        && let Some(byte) = payload.get_mut(usize::from(at))
    {
        *byte = *byte & 0xe0 | value.wrapping_add(moves.key_index) & 0x1f;
    }
}

fn put(payload: &mut [u8], at: usize, value: u8) {
    if let Some(byte) = payload.get_mut(at) {
        *byte = value;
    }
}

/// Reads a picture id at `at`: the value, and the offset of what follows.
fn picture_id(payload: &[u8], at: usize) -> Option<(PictureId, usize)> {
    let high = *payload.get(at)?;
    let is_long = high & 0x80 != 0;
    let value = if is_long {
        u16::from(high & 0x7f) << 8 | u16::from(*payload.get(at + 1)?)
    } else {
        u16::from(high)
    };
    let id = PictureId { at: at as u8, value, is_long };
    Some((id, at + if is_long { 2 } else { 1 }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_payload_makes_a_parser_fail_and_rewriting_changes_counters_only(
            mut payload in proptest::collection::vec(any::<u8>(), 0..60),
            picture_id: u16, tl0: u8, key_index: u8,
        ) {
            for codec in [Codec::Opus, Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1] {
                let before = read(codec, &payload);
                rewrite(&mut payload, &before, Moves { picture_id, tl0, key_index });
                let after = read(codec, &payload);
                let same = Info {
                    picture_id: before.picture_id,
                    tl0: before.tl0,
                    key_index: before.key_index,
                    ..after
                };
                prop_assert_eq!(same, before);
                if let (Some(before), Some(after)) = (before.picture_id, after.picture_id) {
                    let mask = if before.is_long { 0x7fff } else { 0x7f };
                    prop_assert_eq!(after.value, before.value.wrapping_add(picture_id) & mask);
                }
            }
        }
    }
}
