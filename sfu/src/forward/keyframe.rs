//! Key frame requests of one layer: however many receivers ask, the source is asked once per interval.

use std::time::{Duration, Instant};

/// A key frame costs a camera five to ten times an ordinary frame. Asking for more than two in so long starves
/// a narrow uplink; asking for fewer makes newcomers wait.
const TWO_IN: Duration = Duration::from_secs(1);

/// The second of the two is asked for so long after the first: one site that comes right after another
/// should not wait for half a second.
const INTERVAL_MIN: Duration = Duration::from_millis(150);

/// Whether somebody waits, and when the source was last asked.
#[derive(Debug, Default)]
pub(crate) struct KeyFrames {
    is_wanted: bool,
    asked: Option<Instant>,
    asked_before: Option<Instant>,
}

impl KeyFrames {
    /// Somebody cannot go on without one.
    pub(crate) fn want(&mut self) {
        self.is_wanted = true;
    }

    /// One has begun: nobody waits any more.
    pub(crate) fn arrived(&mut self) {
        self.is_wanted = false;
    }

    /// Whether to ask now. It stays wanted until one arrives, so a lost request is repeated.
    pub(crate) fn should_ask(&mut self, now: Instant) -> bool {
        let is_past = |asked: Option<Instant>, interval| {
            asked.is_none_or(|asked| now.saturating_duration_since(asked) >= interval)
        };
        let is_due = is_past(self.asked, INTERVAL_MIN) && is_past(self.asked_before, TWO_IN);
        if !self.is_wanted || !is_due {
            return false;
        }
        self.asked_before = self.asked.replace(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
    fn a_hundred_receivers_make_two_requests_a_second() {
        let start = Instant::now();
        let mut key_frames = KeyFrames::default();
        let mut asked = 0;
        for ms in 0..5_000 {
            key_frames.want();
            asked += usize::from(key_frames.should_ask(start + Duration::from_millis(ms)));
        }
        assert_eq!(asked, 10);
        key_frames.arrived();
        assert!(!key_frames.should_ask(start + Duration::from_secs(9)));
    }
}
