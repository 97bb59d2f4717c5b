//! H.264 payloads of packetization mode 1 (RFC 6184): single units, STAP-A, FU-A. A decoder starts at
//! parameter sets or at the first slice of an IDR picture.

use super::Info;

const SLICE: u8 = 1;
const IDR: u8 = 5;
const SEQUENCE_PARAMETERS: u8 = 7;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// Units of one aggregation packet that are looked at: parameter sets come first.
const UNITS_MAX: usize = 16;

/// Reads the payload; `None` if it is empty or ends too early.
pub(crate) fn parse(payload: &[u8]) -> Option<Info> {
    let mut found = Info::default();
    match payload.first()? & 0x1f {
        STAP_A => {
            let mut rest = payload.get(1..)?;
            for _ in 0..UNITS_MAX {
                let Some((len, tail)) = rest.split_first_chunk::<2>() else { break };
                let len = usize::from(u16::from_be_bytes(*len));
                let unit = tail.get(..len)?;
                look_at(&mut found, *unit.first()? & 0x1f, unit.get(1));
                rest = tail.get(len..)?;
            }
        }
        FU_A => {
            let head = *payload.get(1)?;
            if head & 0x80 != 0 {
                look_at(&mut found, head & 0x1f, payload.get(2));
            }
        }
        kind => look_at(&mut found, kind, payload.get(1)),
    }
    Some(found)
}

/// Notes what a unit of this kind begins. `slice` is the first byte of a slice's header.
fn look_at(found: &mut Info, kind: u8, slice: Option<&u8>) {
    // first_mb_in_slice is 0 if its first bit is 1 (§7.3.3, Exp-Golomb).
    let begins_picture = slice.is_some_and(|byte| byte & 0x80 != 0);
    match kind {
        SEQUENCE_PARAMETERS => {
            found.starts_key_frame = true;
            found.starts_frame = true;
        }
        IDR if begins_picture => {
            found.begins_idr = true;
            found.starts_frame = true;
        }
        SLICE if begins_picture => found.starts_frame = true,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_frames_begin_at_parameter_sets_or_at_an_idr_slice() {
        let starts = |payload: &[u8]| parse(payload).unwrap().starts_key_frame;
        assert!(starts(&[0x67, 0x42, 0xe0, 0x1f]), "SPS alone");
        assert!(starts(&[0x78, 0, 2, 0x67, 0x42, 0, 2, 0x68, 0xce]), "STAP-A of SPS and PPS");
        assert!(!starts(&[0x68, 0xce]), "PPS alone");
        let begins = |payload: &[u8]| parse(payload).unwrap().begins_idr;
        assert!(begins(&[0x7c, 0x85, 0x88]), "FU-A, first fragment of an IDR");
        assert!(!begins(&[0x7c, 0x05, 0x88]), "FU-A, a later fragment");
        assert!(!begins(&[0x65, 0x08]), "an IDR slice that is not the picture's first");
        assert!(!begins(&[0x41, 0x9a]), "an ordinary slice");
        assert_eq!(parse(&[0x78, 0, 9, 0x67]), None, "a unit that ends too early");
    }
}
