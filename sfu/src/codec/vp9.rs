//! The VP9 payload descriptor (RFC 9628 §4.2), flexible and non-flexible mode, with the scalability
//! structure as far as the number of its spatial layers.

use super::{Info, UpSwitch, picture_id};

/// Reference indices of one frame in flexible mode (RFC 9628 §4.2.1: at most three).
const REFERENCES_MAX: usize = 3;

/// Reads the descriptor; `None` if the payload is empty, ends too early or breaks a rule.
pub(crate) fn parse(payload: &[u8]) -> Option<Info> {
    let first = *payload.first()?;
    let bit = |n: u8| first & 1 << n != 0;
    let (has_id, is_inter, has_layers, is_flexible) = (bit(7), bit(6), bit(5), bit(4));
    let (begins, ends, has_structure) = (bit(3), bit(2), bit(1));
    let mut found = Info { starts_frame: begins, ends_frame: ends, ..Info::default() };
    let mut at = 1;
    if has_id {
        let (id, next) = picture_id(payload, at)?;
        found.picture_id = Some(id);
        at = next;
    }
    if has_layers {
        let layers = *payload.get(at)?;
        at += 1;
        found.temporal = layers >> 5;
        if layers & 0x10 != 0 {
            found.up_switch = UpSwitch::After;
        }
        found.spatial = layers >> 1 & 7;
        if !is_flexible {
            found.tl0 = Some((at as u8, *payload.get(at)?));
            at += 1;
        }
    }
    if is_flexible && is_inter {
        let mut n = 0;
        loop {
            let reference = *payload.get(at)?;
            at += 1;
            n += 1;
            if reference & 1 == 0 {
                break;
            }
            if n == REFERENCES_MAX {
                return None;
            }
        }
    }
    if has_structure {
        let (n_layers, next) = structure(payload, at)?;
        found.spatial_layers = Some(n_layers);
        at = next;
    }
    found.starts_key_frame = begins
        && !is_inter
        && found.spatial == 0
        && payload.get(at).is_some_and(|header| is_key_header(*header));
    Some(found)
}

/// Whether a frame's own header says key frame (VP9 bitstream §6.2, profiles 0 to 2): `show_existing_frame`
/// and `frame_type` are 0.
fn is_key_header(header: u8) -> bool {
    header >> 6 == 2 && header & 0x0c == 0
}

/// The number of spatial layers of a scalability structure, and the offset of what follows it.
fn structure(payload: &[u8], mut at: usize) -> Option<(u8, usize)> {
    let head = *payload.get(at)?;
    at += 1;
    let n_layers = (head >> 5) + 1;
    if head & 0x10 != 0 {
        at += 4 * usize::from(n_layers);
    }
    if head & 0x08 != 0 {
        let n_pictures = *payload.get(at)?;
        at += 1;
        for _ in 0..n_pictures {
            let picture = *payload.get(at)?;
            at += 1 + usize::from(picture >> 2 & 3);
        }
    }
    (at <= payload.len()).then_some((n_layers, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_picture_with_its_structure_is_read() {
        // I, L, B, V (not flexible); long id 5; TID 0, U, SID 0; TL0 7; three layers with sizes, one picture
        // in a group; the frame's header.
        let mut payload = vec![0b1010_1010, 0x80, 5, 0b0001_0000, 7, 0b0101_1000];
        payload.extend_from_slice(&[0; 12]);
        payload.extend_from_slice(&[1, 0b0000_0100, 1, 0x82, 0x49]);
        let found = parse(&payload).unwrap();
        assert!(found.starts_key_frame && found.starts_frame && !found.ends_frame);
        assert_eq!((found.spatial_layers, found.tl0), (Some(3), Some((4, 7))));
        assert_eq!(found.up_switch, UpSwitch::After);
        payload.truncate(19);
        assert_eq!(parse(&payload), None, "a structure that ends too early");
    }

    #[test]
    fn flexible_mode_has_references_instead_of_an_index() {
        // I, P, L, F, E; short id 9; TID 2, SID 1, D; two references; then the frame.
        let found = parse(&[0b1111_0100, 9, 0b0100_0011, 0b0000_0011, 0b0000_0100, 0x86]).unwrap();
        assert_eq!((found.spatial, found.temporal, found.tl0), (1, 2, None));
        assert!(found.ends_frame && !found.starts_key_frame);
        let endless = [0b1111_0100, 9, 0, 1, 1, 1, 1];
        assert_eq!(parse(&endless), None, "more references than there may be");
    }

    #[test]
    fn an_upper_layer_or_an_inter_picture_starts_nothing() {
        assert!(parse(&[0b1010_1000, 9, 0, 0, 0x82]).unwrap().starts_key_frame);
        assert!(!parse(&[0b1010_1000, 9, 0b0000_0010, 0, 0x82]).unwrap().starts_key_frame, "SID 1");
        assert!(!parse(&[0b1110_1000, 9, 0, 0, 0x82]).unwrap().starts_key_frame, "P");
        assert!(!parse(&[0b1010_1000, 9, 0, 0, 0x86]).unwrap().starts_key_frame, "not a key frame");
    }
}
