//! The moment at which an input is handled: read by the shell, handed down.

use std::time::Instant;

/// Seconds from 1900 (NTP) to 1970 (Unix).
const NTP_TO_UNIX_S: i64 = 2_208_988_800;

/// One moment on both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    /// For measuring.
    pub(crate) at: Instant,
    /// For records and for reports: microseconds since 1970-01-01T00:00:00Z.
    pub(crate) unix_us: i64,
}

/// An NTP time (32.32 fixed point) as microseconds since 1970.
pub(crate) fn unix_us_of_ntp(ntp: u64) -> i64 {
    let seconds = (ntp >> 32) as i64 - NTP_TO_UNIX_S;
    seconds * 1_000_000 + (((ntp & 0xffff_ffff) * 1_000_000) >> 32) as i64
}

/// Microseconds since 1970 as an NTP time.
pub(crate) fn ntp_of_unix_us(unix_us: i64) -> u64 {
    let seconds = unix_us.div_euclid(1_000_000) + NTP_TO_UNIX_S;
    let fraction = ((unix_us.rem_euclid(1_000_000) as u64) << 32) / 1_000_000;
    (seconds as u64) << 32 | fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ntp_and_unix_times_agree() {
        for unix_us in [0, 1_764_000_000_123_456, 999_999] {
            let back = unix_us_of_ntp(ntp_of_unix_us(unix_us));
            assert!((back - unix_us).abs() <= 1, "{unix_us} became {back}");
        }
        assert_eq!(ntp_of_unix_us(0) >> 32, 2_208_988_800);
    }
}
