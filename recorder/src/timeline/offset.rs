//! A sender's clock to the node's. What arrives is late by the way it took; the least late tells the
//! difference of the clocks. Clocks also drift, so the least is taken per minute and a line laid under.

use std::collections::BTreeMap;

/// Length of a window, µs: long enough to hold something that travelled fast, short against drift.
const WINDOW_US: i64 = 30_000_000;
/// Most windows kept: a week. Beyond, the window length doubles.
const WINDOWS_MAX: usize = 20_160;
/// Drift is only believed from this much time on, µs. Before, it is below what the way adds.
const DRIFT_SPAN_US: i64 = 120_000_000;
/// Clocks do not drift faster, as a ratio.
const DRIFT_MAX: f64 = 0.001;
/// Windows compared with each other for the drift.
const COMPARED_MAX: usize = 200;
/// Windows that a line misses by more than this have a clock that was set, µs.
const STEP_US: f64 = 100_000.0;

/// The least difference of the clocks per window.
#[derive(Clone, Debug)]
pub struct Points {
    window_us: i64,
    least: BTreeMap<i64, (i64, i64)>,
}

impl Default for Points {
    fn default() -> Self {
        Self { window_us: WINDOW_US, least: BTreeMap::new() }
    }
}

impl Points {
    /// Something was sent at `sender_us` by the sender's clock and arrived `late_us` later by the node's.
    pub fn push(&mut self, sender_us: i64, late_us: i64) {
        let entry = self.least.entry(sender_us.div_euclid(self.window_us));
        let point = entry.or_insert((sender_us, late_us));
        if late_us < point.1 {
            *point = (sender_us, late_us);
        }
        if self.least.len() > WINDOWS_MAX {
            self.window_us *= 2;
            for (sender_us, late_us) in std::mem::take(&mut self.least).into_values() {
                self.push(sender_us, late_us);
            }
        }
    }

    /// Takes over another's points.
    pub fn merge(&mut self, other: &Self) {
        for (sender_us, late_us) in other.least.values() {
            self.push(*sender_us, *late_us);
        }
    }

    /// The least difference at all, µs.
    pub fn least(&self) -> Option<i64> {
        self.least.values().map(|(_, late_us)| *late_us).min()
    }

    /// The difference as a function of the sender's time.
    pub fn fit(&self) -> ClockOffset {
        let points: Vec<(i64, i64)> = self.least.values().copied().collect();
        let (Some(first), Some(last)) = (points.first(), points.last()) else {
            return ClockOffset::Line { from_us: 0, late_us: 0.0, drift: 0.0 };
        };
        let from_us = first.0;
        let drift = if last.0 - first.0 >= DRIFT_SPAN_US { median_slope(&points) } else { 0.0 };
        let drift = drift.clamp(-DRIFT_MAX, DRIFT_MAX);
        let rest = |point: &(i64, i64)| point.1 as f64 - (point.0 - from_us) as f64 * drift;
        let least = points.iter().map(rest).fold(f64::INFINITY, f64::min);
        let most = points.iter().map(rest).fold(f64::NEG_INFINITY, f64::max);
        if most - least > STEP_US && points.len() > 1 {
            return ClockOffset::Points(points);
        }
        ClockOffset::Line { from_us, late_us: least, drift }
    }
}

/// The median of the slopes between points (Theil and Sen): outliers do not move it.
fn median_slope(points: &[(i64, i64)]) -> f64 {
    let every = points.len().div_ceil(COMPARED_MAX);
    let some: Vec<&(i64, i64)> = points.iter().step_by(every.max(1)).collect();
    let mut slopes = Vec::new();
    for (n, early) in some.iter().enumerate() {
        for late in &some[n + 1..] {
            if late.0 - early.0 >= DRIFT_SPAN_US / 2 {
                slopes.push((late.1 - early.1) as f64 / (late.0 - early.0) as f64);
            }
        }
    }
    slopes.sort_by(f64::total_cmp);
    slopes.get(slopes.len() / 2).copied().unwrap_or(0.0)
}

/// How far the node's clock is ahead of a sender's.
#[derive(Clone, Debug)]
pub enum ClockOffset {
    /// Two clocks that run on.
    Line {
        /// Sender's time where `late_us` holds.
        from_us: i64,
        /// Difference there, µs.
        late_us: f64,
        /// Change of the difference per time.
        drift: f64,
    },
    /// One of the clocks was set meanwhile: the windows themselves, straight lines between.
    Points(Vec<(i64, i64)>),
}

impl ClockOffset {
    /// The difference at a sender's time, µs.
    pub fn at(&self, sender_us: i64) -> i64 {
        match self {
            Self::Line { from_us, late_us, drift } => {
                (late_us + sender_us.saturating_sub(*from_us) as f64 * drift).round() as i64
            }
            Self::Points(points) => {
                let after = points.partition_point(|point| point.0 <= sender_us);
                match (after.checked_sub(1).map(|n| points[n]), points.get(after)) {
                    (Some(before), Some(after)) => {
                        let part = (sender_us - before.0) as f64 / (after.0 - before.0) as f64;
                        before.1 + ((after.1 - before.1) as f64 * part).round() as i64
                    }
                    (Some(before), None) => before.1,
                    (None, Some(after)) => after.1,
                    (None, None) => 0,
                }
            }
        }
    }
}
