//! RTP counters without their wraps: 16 bits of sequence, 32 bits of time.

/// Extends sequence numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct SequenceUnwrapper {
    last: Option<i64>,
}

impl SequenceUnwrapper {
    /// The number nearest to the highest so far.
    pub fn unwrap(&mut self, sequence: u16) -> i64 {
        let Some(last) = self.last else {
            // Room below, for packets that come after a later one.
            let first = i64::from(sequence) + 0x1_0000;
            self.last = Some(first);
            return first;
        };
        let [low, high, ..] = last.to_le_bytes();
        let step = sequence.wrapping_sub(u16::from_le_bytes([low, high])).cast_signed();
        let number = last + i64::from(step);
        self.last = Some(last.max(number));
        number
    }
}

/// Extends media times. It expects time to have gone on like arrival, so that a pause of any length is
/// measured right; a source whose clock stood still or jumped is off by less than half a wrap (6 h of
/// video) and is unwrapped right as well.
#[derive(Clone, Copy, Debug)]
pub struct TimeUnwrapper {
    clock_rate: i64,
    last: Option<(i64, i64)>,
}

impl TimeUnwrapper {
    /// For a clock of so many ticks a second.
    pub fn new(clock_rate: u32) -> Self {
        Self { clock_rate: i64::from(clock_rate.max(1)), last: None }
    }

    /// Ticks without wraps. The first time is taken as it is.
    pub fn unwrap(&mut self, timestamp: u32, arrival_us: i64) -> i64 {
        let ticks = match self.last {
            None => i64::from(timestamp),
            Some((last, last_arrival_us)) => {
                let elapsed_us = i128::from(arrival_us) - i128::from(last_arrival_us);
                let expected =
                    i128::from(last) + elapsed_us * i128::from(self.clock_rate) / 1_000_000;
                let wrap = 1_i128 << 32;
                let off = (i128::from(timestamp) - expected).rem_euclid(wrap);
                let off = if off >= wrap / 2 { off - wrap } else { off };
                i64::try_from(expected + off).unwrap_or(last)
            }
        };
        self.last = Some((ticks, arrival_us));
        ticks
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sequences_go_on_through_wraps_and_disorder(
            start in any::<u16>(),
            steps in prop::collection::vec(-20_i64..200, 1..500),
        ) {
            let mut unwrapper = SequenceUnwrapper::default();
            let first = unwrapper.unwrap(start);
            let mut at = 0_i64;
            for step in steps {
                at = (at + step).max(0);
                let sent = start.wrapping_add(at as u16);
                prop_assert_eq!(unwrapper.unwrap(sent) - first, at);
            }
        }

        #[test]
        fn times_go_on_through_wraps_and_pauses_of_hours(
            start in any::<u32>(),
            pauses_ms in prop::collection::vec(0_i64..40_000_000, 1..50),
        ) {
            let mut unwrapper = TimeUnwrapper::new(90_000);
            unwrapper.unwrap(start, 0);
            let mut ms = 0_i64;
            for pause in pauses_ms {
                ms += pause;
                let sent = start.wrapping_add((ms * 90) as u32);
                let ticks = unwrapper.unwrap(sent, ms * 1_000 + 30_000);
                prop_assert_eq!(ticks, i64::from(start) + ms * 90);
            }
        }
    }
}
