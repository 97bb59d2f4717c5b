//! The VP8 payload descriptor (RFC 7741 §4.2).

use super::{Info, UpSwitch, picture_id};

/// Reads the descriptor; `None` if the payload is empty or ends too early.
pub(crate) fn parse(payload: &[u8]) -> Option<Info> {
    let first = *payload.first()?;
    let mut at = 1;
    let mut found = Info::default();
    if first & 0x80 != 0 {
        let bits = *payload.get(at)?;
        at += 1;
        if bits & 0x80 != 0 {
            let (id, next) = picture_id(payload, at)?;
            found.picture_id = Some(id);
            at = next;
        }
        if bits & 0x40 != 0 {
            found.tl0 = Some((at as u8, *payload.get(at)?));
            at += 1;
        }
        if bits & 0x30 != 0 {
            let layers = *payload.get(at)?;
            if bits & 0x20 != 0 {
                found.temporal = layers >> 6;
                if layers & 0x20 != 0 {
                    found.up_switch = UpSwitch::Here;
                }
            }
            if bits & 0x10 != 0 {
                found.key_index = Some((at as u8, layers & 0x1f));
            }
            at += 1;
        }
    }
    found.starts_frame = first & 0x10 != 0 && first & 0x07 == 0;
    // The P bit of the frame's own header is 0 in a key frame (RFC 6386 §9.1).
    found.starts_key_frame = found.starts_frame && payload.get(at).is_some_and(|it| it & 1 == 0);
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::PictureId;

    #[test]
    fn chromiums_descriptor_is_read() {
        // X; I, L, T; 15-bit picture id 0x1234; TL0PICIDX 9; TID 0 with Y; then a key frame's first byte.
        let payload = [0x90, 0xe0, 0x92, 0x34, 9, 0x20, 0x10, 0, 0];
        let found = parse(&payload).unwrap();
        assert!(found.starts_key_frame && found.starts_frame);
        assert_eq!(found.picture_id, Some(PictureId { at: 2, value: 0x1234, is_long: true }));
        assert_eq!((found.tl0, found.temporal), (Some((4, 9)), 0));
        assert!(!parse(&[0x80, 0xe0, 0x92, 0x34, 9, 0x20, 0x10]).unwrap().starts_key_frame);
        assert!(!parse(&[0x90, 0xe0, 0x92, 0x34, 9, 0x20, 0x11]).unwrap().starts_key_frame);
    }

    #[test]
    fn layer_sync_and_key_index_are_read() {
        // X; I, L, T, K; 7-bit picture id; TL0PICIDX; TID 2, Y, KEYIDX 17.
        let found = parse(&[0x90, 0xf0, 0x12, 3, 0b1011_0001, 0x01]).unwrap();
        assert_eq!((found.temporal, found.up_switch), (2, UpSwitch::Here));
        assert_eq!((found.key_index, found.tl0), (Some((4, 17)), Some((3, 3))));
        assert_eq!(parse(&[0x90, 0xf0, 0x12, 3]), None, "it ends too early");
    }
}
