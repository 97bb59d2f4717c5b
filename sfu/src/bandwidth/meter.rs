//! What a layer costs: bytes that come in, measured over half a second. The figure rises at once and falls slowly,
//! so that a document on which nothing moves keeps its price for a while.

use std::time::{Duration, Instant};

/// Over what is measured. Shorter, and a key frame looks like a rate; longer, and growth is seen late.
const WINDOW: Duration = Duration::from_millis(500);

/// What is left of the figure after a second in which less came.
const KEPT_PER_SECOND: f32 = 0.9;

/// The rate of one layer.
#[derive(Debug)]
pub(crate) struct Meter {
    bytes: u32,
    since: Instant,
    bps: f32,
}

impl Meter {
    /// Nothing came yet.
    pub(crate) fn new(now: Instant) -> Self {
        Self { bytes: 0, since: now, bps: 0.0 }
    }

    /// A packet came.
    pub(crate) fn packet(&mut self, bytes: usize, now: Instant) {
        let elapsed = now.saturating_duration_since(self.since);
        if elapsed >= WINDOW {
            // A layer that was paused keeps its price: what did not come says nothing.
            if elapsed < 4 * WINDOW {
                let seconds = elapsed.as_secs_f32();
                let bps = self.bytes as f32 * 8.0 / seconds;
                self.bps = bps.max(self.bps * KEPT_PER_SECOND.powf(seconds));
            }
            (self.bytes, self.since) = (0, now);
        }
        self.bytes = self.bytes.saturating_add(bytes as u32);
    }

    /// bit/s; 0 until the first half second is over.
    pub(crate) fn bps(&self) -> u32 {
        self.bps as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
    fn the_price_rises_at_once_falls_slowly_and_outlasts_a_pause() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut meter = Meter::new(start);
        (0..100).for_each(|n| meter.packet(1_250, at(10 * n)));
        assert!((900_000..1_100_000).contains(&meter.bps()), "{}", meter.bps());
        (100..200).for_each(|n| meter.packet(125, at(10 * n)));
        let after = meter.bps();
        assert!((800_000..1_000_000).contains(&after), "{after}");
        meter.packet(125, at(60_000));
        assert_eq!(meter.bps(), after);
    }
}
