//! The VP8 payload descriptor (RFC 7741 §4.2): where the counters lie that a switch must keep
//! continuous, and whether a key frame begins here.

/// What the descriptor of one packet says. Offsets count from the start of the payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Descriptor {
    /// The frame can be decoded without an earlier one, and its first packet is this one.
    pub(crate) starts_key_frame: bool,
    /// Offset and value of the picture id.
    pub(crate) picture_id: Option<PictureId>,
    /// Offset and value of the index of the temporal base layer's frame.
    pub(crate) tl0: Option<(usize, u8)>,
}

/// A picture id in its short or long form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PictureId {
    pub(crate) at: usize,
    pub(crate) value: u16,
    /// 15 bits, else 7.
    pub(crate) is_long: bool,
}

/// Reads the descriptor; `None` if the payload is empty or ends too early.
pub(crate) fn parse(payload: &[u8]) -> Option<Descriptor> {
    let first = *payload.first()?;
    let mut at = 1;
    let mut found = Descriptor::default();
    if first & 0x80 != 0 {
        let bits = *payload.get(at)?;
        at += 1;
        if bits & 0x80 != 0 {
            let high = *payload.get(at)?;
            let is_long = high & 0x80 != 0;
            let value = if is_long {
                u16::from(high & 0x7f) << 8 | u16::from(*payload.get(at + 1)?)
            } else {
                u16::from(high)
            };
            found.picture_id = Some(PictureId { at, value, is_long });
            at += if is_long { 2 } else { 1 };
        }
        if bits & 0x40 != 0 {
            found.tl0 = Some((at, *payload.get(at)?));
            at += 1;
        }
        if bits & 0x30 != 0 {
            at += 1;
        }
    }
    let begins_frame = first & 0x10 != 0 && first & 0x07 == 0;
    // The P bit of the frame's own header is 0 in a key frame (RFC 6386 §9.1).
    found.starts_key_frame = begins_frame && payload.get(at).is_some_and(|byte| byte & 1 == 0);
    Some(found)
}

/// Writes the counters back, shifted, into a copy of the payload that `descriptor` was read from.
pub(crate) fn shift(payload: &mut [u8], descriptor: &Descriptor, picture_id: u16, tl0: u8) {
    if let Some(id) = descriptor.picture_id {
        let value = id.value.wrapping_add(picture_id);
        if id.is_long {
            payload[id.at] = 0x80 | (value >> 8) as u8 & 0x7f;
            payload[id.at + 1] = value as u8;
        } else {
            payload[id.at] = value as u8 & 0x7f;
        }
    }
    if let Some((at, value)) = descriptor.tl0 {
        payload[at] = value.wrapping_add(tl0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn chromiums_descriptor_is_read() {
        // X; I, L, T; 15-bit picture id 0x1234; TL0PICIDX 9; TID; then a key frame's first byte.
        let payload = [0x90, 0xe0, 0x92, 0x34, 9, 0x20, 0x10, 0, 0];
        let found = parse(&payload).unwrap();
        assert!(found.starts_key_frame);
        assert_eq!(found.picture_id, Some(PictureId { at: 2, value: 0x1234, is_long: true }));
        assert_eq!(found.tl0, Some((4, 9)));
        assert!(!parse(&[0x80, 0xe0, 0x92, 0x34, 9, 0x20, 0x10]).unwrap().starts_key_frame);
        assert!(!parse(&[0x90, 0xe0, 0x92, 0x34, 9, 0x20, 0x11]).unwrap().starts_key_frame);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_fail(mut payload: Vec<u8>, id: u16, tl0: u8) {
            if let Some(found) = parse(&payload) {
                shift(&mut payload, &found, id, tl0);
                let shifted = parse(&payload).unwrap();
                prop_assert_eq!(shifted.starts_key_frame, found.starts_key_frame);
                prop_assert_eq!(shifted.tl0.map(|it| it.0), found.tl0.map(|it| it.0));
            }
        }
    }
}
