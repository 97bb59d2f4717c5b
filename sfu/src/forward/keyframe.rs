//! Key frame requests of one layer: however many receivers ask, the source is asked once per interval.

use std::time::{Duration, Instant};

/// A key frame costs a camera five to ten times an ordinary frame. Asking more often than this starves
/// a narrow uplink; asking less often makes a newcomer wait.
pub(crate) const INTERVAL_MIN: Duration = Duration::from_millis(500);

/// Whether somebody waits, and when the source was last asked.
#[derive(Debug, Default)]
pub(crate) struct KeyFrames {
    is_wanted: bool,
    asked: Option<Instant>,
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
        let is_due =
            self.asked.is_none_or(|asked| now.saturating_duration_since(asked) >= INTERVAL_MIN);
        if !self.is_wanted || !is_due {
            return false;
        }
        self.asked = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
    fn a_hundred_receivers_make_one_request_per_interval() {
        let start = Instant::now();
        let mut key_frames = KeyFrames::default();
        let mut asked = 0;
        for ms in 0..1_000 {
            key_frames.want();
            asked += usize::from(key_frames.should_ask(start + Duration::from_millis(ms)));
        }
        assert_eq!(asked, 2);
        key_frames.arrived();
        assert!(!key_frames.should_ask(start + Duration::from_secs(9)));
    }
}
