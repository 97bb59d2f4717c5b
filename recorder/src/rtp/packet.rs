//! RTP headers (RFC 3550 §5.1) and sender reports (§6.4.1).

/// What an RTP packet says, without its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The last packet of a frame (video), or the first after silence (sound).
    pub marker: bool,
    /// Codec, by the session's negotiation.
    pub payload_type: u8,
    /// Counts packets.
    pub sequence: u16,
    /// Media time in ticks of the clock rate.
    pub timestamp: u32,
    /// Source.
    pub ssrc: u32,
}

/// Parses a packet into header and payload. None if it is not RTP.
pub fn parse(bytes: &[u8]) -> Option<(Header, &[u8])> {
    let fixed: &[u8; 12] = bytes.first_chunk()?;
    if fixed[0] >> 6 != 2 {
        return None;
    }
    let header = Header {
        marker: fixed[1] & 0x80 != 0,
        payload_type: fixed[1] & 0x7f,
        sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
        timestamp: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
        ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
    };
    let n_csrc = usize::from(fixed[0] & 0x0f);
    let mut payload = bytes.get(12 + 4 * n_csrc..)?;
    if fixed[0] & 0x10 != 0 {
        let extension: &[u8; 4] = payload.first_chunk()?;
        let words = usize::from(u16::from_be_bytes([extension[2], extension[3]]));
        payload = payload.get(4 + 4 * words..)?;
    }
    if fixed[0] & 0x20 != 0 {
        let padding = usize::from(*payload.last()?);
        payload = payload.get(..payload.len().checked_sub(padding)?)?;
    }
    Some((header, payload))
}

/// A sender report: the same moment in two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderReport {
    /// Source.
    pub ssrc: u32,
    /// The sender's clock, µs since 1970 (it may be anything: only differences count).
    pub ntp_us: i64,
    /// Media time, ticks.
    pub timestamp: u32,
}

/// Seconds from 1900, where NTP begins, to 1970.
const NTP_TO_UNIX_SECONDS: i64 = 2_208_988_800;

/// Parses a sender report. None if it is not one, or if its NTP time is the "unknown" of RFC 3550 (0).
pub fn parse_sender_report(bytes: &[u8]) -> Option<SenderReport> {
    let fixed: &[u8; 20] = bytes.first_chunk()?;
    if fixed[0] >> 6 != 2 || fixed[1] != 200 {
        return None;
    }
    let word =
        |at: usize| u32::from_be_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
    let (seconds, fraction) = (word(8), word(12));
    if seconds == 0 && fraction == 0 {
        return None;
    }
    let micros = (u64::from(fraction) * 1_000_000) >> 32;
    let micros = i64::try_from(micros).expect("below a million");
    let ntp_us = (i64::from(seconds) - NTP_TO_UNIX_SECONDS) * 1_000_000 + micros;
    Some(SenderReport { ssrc: word(4), ntp_us, timestamp: word(16) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn anything_may_come_from_the_network(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = parse(&bytes);
            let _ = parse_sender_report(&bytes);
        }
    }

    #[test]
    fn extension_csrc_and_padding_are_not_payload() {
        let mut bytes = vec![0xb1, 0x80 | 96, 0, 7, 0, 0, 0, 9, 0, 0, 0, 5];
        bytes.extend_from_slice(&[1, 1, 1, 1]);
        bytes.extend_from_slice(&[0xbe, 0xde, 0, 1, 9, 9, 9, 9]);
        bytes.extend_from_slice(&[42, 43, 0, 2]);
        let (header, payload) = parse(&bytes).expect("a packet");
        assert_eq!(payload, [42, 43]);
        let expected =
            Header { marker: true, payload_type: 96, sequence: 7, timestamp: 9, ssrc: 5 };
        assert_eq!(header, expected);
    }

    #[test]
    fn a_sender_report_gives_its_moment_in_both_clocks() {
        let mut bytes = vec![0x80, 200, 0, 6, 0, 0, 0, 5];
        bytes.extend_from_slice(&2_208_988_801_u32.to_be_bytes());
        bytes.extend_from_slice(&0x8000_0000_u32.to_be_bytes());
        bytes.extend_from_slice(&77_u32.to_be_bytes());
        bytes.extend_from_slice(&[0; 8]);
        let report = SenderReport { ssrc: 5, ntp_us: 1_500_000, timestamp: 77 };
        assert_eq!(parse_sender_report(&bytes), Some(report));
    }
}
