//! Redundant sound (RFC 2198) as browsers send it: Opus frames, older ones before the newest. It passes
//! through unchanged where the receiver takes it, but for the payload type named inside; whoever does not
//! take it gets the newest frame alone.

/// Blocks of one packet; browsers send up to nine older ones.
const BLOCKS_MAX: usize = 16;

/// Bytes of the headers, and where the newest frame begins; `None` if the packet breaks a rule.
fn measure(payload: &[u8]) -> Option<(usize, usize)> {
    let (mut at, mut older) = (0, 0);
    for _ in 0..BLOCKS_MAX {
        if payload.get(at)? & 0x80 == 0 {
            let start = at + 1 + older;
            return (start <= payload.len()).then_some((at + 1, start));
        }
        let [_, _, high, low] = *payload.get(at..)?.first_chunk::<4>()?;
        older += usize::from(high & 3) << 8 | usize::from(low);
        at += 4;
    }
    None
}

/// The newest frame.
pub(crate) fn newest(payload: &[u8]) -> Option<&[u8]> {
    let (_, start) = measure(payload)?;
    payload.get(start..)
}

/// Puts `payload_type` into every block's header.
pub(crate) fn retype(payload: &mut [u8], payload_type: u8) {
    let Some((headers, _)) = measure(payload) else { return };
    for block in payload[..headers].chunks_mut(4) {
        block[0] = block[0] & 0x80 | payload_type & 0x7f;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_newest_frame_is_the_last_one() {
        // One older block of 3 bytes, 960 units ago; then the newest.
        let mut payload = vec![0x80 | 111, 0x0f, 0x00, 3, 111, 1, 2, 3, 8, 9];
        assert_eq!(newest(&payload), Some(&[8, 9][..]));
        retype(&mut payload, 109);
        assert_eq!(
            (payload[0], payload[4], &payload[5..]),
            (0x80 | 109, 109, &[1, 2, 3, 8, 9][..])
        );
        assert_eq!(newest(&[111, 5]), Some(&[5][..]));
        assert_eq!(
            newest(&[0x80 | 111, 0, 3, 255, 111, 1]),
            None,
            "older blocks that are not there"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_fail(mut payload: Vec<u8>, payload_type: u8) {
            let before = newest(&payload).map(<[u8]>::to_vec);
            retype(&mut payload, payload_type);
            prop_assert_eq!(newest(&payload).map(<[u8]>::to_vec), before);
        }
    }
}
