//! AV1 payloads (the AV1 RTP payload format, §4.4): aggregation header and the first OBU element. Layers
//! are chosen by the dependency descriptor; without it a stream is forwarded whole.

use super::Info;

const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;

/// Reads the payload; `None` if it is empty or breaks a rule of the aggregation header.
pub(crate) fn parse(payload: &[u8]) -> Option<Info> {
    let head = *payload.first()?;
    let (continues, n_elements, is_new_sequence) = (head & 0x80 != 0, head >> 4 & 3, head & 8 != 0);
    // N may be 1 only in the first packet of a sequence, which continues nothing.
    if is_new_sequence && continues {
        return None;
    }
    let mut found = Info { starts_frame: !continues, ..Info::default() };
    if continues {
        return Some(found);
    }
    // Only the last of a counted number of elements comes without its length.
    let at = 1 + if n_elements == 1 { 0 } else { leb128_len(payload.get(1..)?)? };
    let obu = *payload.get(at)?;
    if obu & 0x80 != 0 {
        return None;
    }
    let kind = obu >> 3 & 15;
    if obu & 4 != 0 {
        let layer = *payload.get(at + 1)?;
        found.temporal = layer >> 5;
        found.spatial = layer >> 3 & 3;
    }
    let begins = matches!(kind, SEQUENCE_HEADER | TEMPORAL_DELIMITER);
    found.starts_key_frame = is_new_sequence && begins;
    Some(found)
}

/// Length in bytes of a number in LEB128, as OBU lengths are.
fn leb128_len(bytes: &[u8]) -> Option<usize> {
    bytes.iter().take(8).position(|byte| byte & 0x80 == 0).map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_sequence_is_where_a_decoder_starts() {
        // W = 2: the sequence header has its length, the frame has none.
        assert!(parse(&[0b0010_1000, 2, 0x08, 0, 0x30]).unwrap().starts_key_frame);
        // W = 1: one element without length.
        assert!(parse(&[0b0001_1000, 0x08, 0]).unwrap().starts_key_frame);
        assert!(!parse(&[0b0001_0000, 0x30, 0]).unwrap().starts_key_frame, "N is 0");
        assert_eq!(parse(&[0b1001_1000, 0x08, 0]), None, "N in a continued element");
        assert!(!parse(&[0b1001_0000, 0x30, 0]).unwrap().starts_frame, "a continued element");
    }

    #[test]
    fn layer_ids_are_read_from_the_extension() {
        let found = parse(&[0b0001_0000, 0x34, 0b0101_0000]).unwrap();
        assert_eq!((found.temporal, found.spatial), (2, 2));
    }
}
