//! What a layer costs: bytes that come in, measured over half a second. The figure rises at once and falls slowly,
//! so that a document on which nothing moves keeps its price for a while.

use std::time::{Duration, Instant};

/// Over what is measured. Shorter, and a key frame looks like a rate; longer, and growth is seen late.
const WINDOW: Duration = Duration::from_millis(500);

/// What is left of the figure after a second in which less came.
const KEPT_PER_SECOND: f32 = 0.9;

/// Of the share of the highest temporal layer and of the frames below it, so much is kept from window to window: these
/// come in a pattern of a few frames.
const KEPT_PER_WINDOW: f32 = 0.7;

/// Half the frames are worth having when so many a second are left.
const FRAMES_MIN: f32 = 10.0;

/// And when so much is saved.
const SAVING_MIN: f32 = 0.1;

/// The rate of one layer, and of it without its highest temporal layer.
#[derive(Debug)]
pub(crate) struct Meter {
    bytes: u32,
    top_bytes: u32,
    lower_frames: u32,
    since: Instant,
    bps: f32,
    /// Share of the highest temporal layer.
    top_share: f32,
    /// Frames below it, each second.
    lower_rate: f32,
}

impl Meter {
    /// Nothing came yet.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            bytes: 0,
            top_bytes: 0,
            lower_frames: 0,
            since: now,
            bps: 0.0,
            top_share: 0.0,
            lower_rate: 0.0,
        }
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
                let mix = |kept: f32, new: f32| KEPT_PER_WINDOW * (kept - new) + new;
                let share = self.top_bytes as f32 / self.bytes.max(1) as f32;
                self.top_share = mix(self.top_share, share);
                self.lower_rate = mix(self.lower_rate, self.lower_frames as f32 / seconds);
            }
            (self.bytes, self.top_bytes, self.lower_frames, self.since) = (0, 0, 0, now);
        }
        self.bytes = self.bytes.saturating_add(bytes as u32);
    }

    /// What has just come belongs to the highest of several temporal layers, or to those below; and it may
    /// begin a frame.
    pub(crate) fn temporal(&mut self, bytes: usize, is_top: bool, begins_frame: bool) {
        if is_top {
            self.top_bytes = self.top_bytes.saturating_add(bytes as u32);
        } else {
            self.lower_frames += u32::from(begins_frame);
        }
    }

    /// bit/s without the highest temporal layer, where that is worth having.
    pub(crate) fn half_bps(&self) -> Option<u32> {
        let is_worth = self.top_share >= SAVING_MIN && self.lower_rate >= FRAMES_MIN;
        is_worth.then_some((self.bps * (1.0 - self.top_share)) as u32)
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

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
    fn half_the_frames_are_offered_where_they_are_worth_having() {
        let start = Instant::now();
        // Every other frame is of the highest layer and half as large.
        let half = |every_ms: u64, top: usize| {
            let mut meter = Meter::new(start);
            for n in 0..200 {
                let (is_top, bytes) = (n % 2 == 1, if n % 2 == 1 { top } else { 1_000 });
                meter.packet(bytes, start + Duration::from_millis(every_ms * n));
                meter.temporal(bytes, is_top, true);
            }
            (meter.bps(), meter.half_bps())
        };
        let (whole, Some(lower)) = half(33, 500) else { panic!("thirty frames a second") };
        let share = f64::from(lower) / f64::from(whole);
        assert!((0.6..0.75).contains(&share), "{lower} of {whole}");
        assert_eq!(half(100, 500).1, None, "five frames a second are not worth it");
        assert_eq!(half(33, 50).1, None, "and nothing is saved here");
    }
}
