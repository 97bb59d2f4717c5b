//! Whether queues grow on the way: groups of packets, the trend of their delay, and a threshold that adapts
//! (draft-ietf-rmcat-gcc-02 §5.2 to 5.4, with the line fitted as browsers do it today).

/// Packets sent within so many microseconds are one group.
const GROUP_US: i64 = 5_000;

/// Packets that arrive in one burst belong together although they were sent further apart.
const BURST_US: i64 = 5_000;
const BURST_MAX_US: i64 = 100_000;

/// Groups that the line is fitted to.
const WINDOW: usize = 20;

/// Weight of the past in the smoothed delay.
const SMOOTHING: f64 = 0.9;

/// What the trend is multiplied by before it is held against the threshold.
const GAIN: f64 = 4.0;
const COUNT_MAX: usize = 60;

/// The threshold: where it begins, its bounds, and how fast it follows up and down, per ms.
const THRESHOLD_MS: f64 = 12.5;
const THRESHOLD_MIN_MS: f64 = 6.0;
const THRESHOLD_MAX_MS: f64 = 600.0;
const FOLLOW_UP: f64 = 0.0087;
const FOLLOW_DOWN: f64 = 0.039;
/// An excess of more than this is an accident and does not move the threshold.
const EXCESS_MAX_MS: f64 = 15.0;

/// The trend must stay above the threshold for so long, ms.
const OVERUSE_MS: f64 = 10.0;

/// What the queue does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Usage {
    /// Nothing to speak of.
    #[default]
    Normal,
    /// It grows.
    Over,
    /// It empties.
    Under,
}

/// Packets that left together.
#[derive(Clone, Copy, Debug)]
struct Group {
    first_sent: i64,
    last_sent: i64,
    first_arrived: i64,
    last_arrived: i64,
}

/// The detector of one line.
#[derive(Debug)]
pub(crate) struct Trend {
    group: Option<Group>,
    before: Option<Group>,
    n_deltas: usize,
    /// Accumulated delay, ms, as it is and smoothed.
    accumulated: f64,
    smoothed: f64,
    /// Arrival and smoothed delay of the last groups, ms: a ring.
    points: [(f64, f64); WINDOW],
    n_points: usize,
    first_arrived: i64,
    last: f64,
    threshold: f64,
    updated: Option<i64>,
    over_ms: Option<f64>,
    n_over: u32,
    usage: Usage,
}

impl Trend {
    /// Knows nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            group: None,
            before: None,
            n_deltas: 0,
            accumulated: 0.0,
            smoothed: 0.0,
            points: [(0.0, 0.0); WINDOW],
            n_points: 0,
            first_arrived: 0,
            last: 0.0,
            threshold: THRESHOLD_MS,
            updated: None,
            over_ms: None,
            n_over: 0,
            usage: Usage::Normal,
        }
    }

    /// What the queue does.
    pub(crate) fn usage(&self) -> Usage {
        self.usage
    }

    /// A packet that came. Both moments in microseconds, each on its own clock; packets in the order of sending.
    pub(crate) fn packet(&mut self, sent: i64, arrived: i64) {
        let alone = Group {
            first_sent: sent,
            last_sent: sent,
            first_arrived: arrived,
            last_arrived: arrived,
        };
        let Some(group) = &mut self.group else {
            self.group = Some(alone);
            self.first_arrived = arrived;
            return;
        };
        if sent < group.first_sent {
            return;
        }
        let apart = arrived - group.last_arrived;
        let is_burst = apart <= BURST_US
            && apart - (sent - group.last_sent) < 0
            && arrived - group.first_arrived < BURST_MAX_US;
        if sent - group.first_sent <= GROUP_US || is_burst {
            group.last_sent = group.last_sent.max(sent);
            group.last_arrived = group.last_arrived.max(arrived);
            return;
        }
        let done = *group;
        self.group = Some(alone);
        if let Some(before) = self.before.replace(done) {
            let sent_ms = (done.last_sent - before.last_sent) as f64 / 1_000.0;
            let arrived_ms = (done.last_arrived - before.last_arrived) as f64 / 1_000.0;
            if arrived_ms < 0.0 {
                // Reordered groups say nothing; go on from here.
                return;
            }
            self.delta(sent_ms, arrived_ms, done.last_arrived);
        }
    }

    /// One more group: how much further apart it came than it was sent.
    fn delta(&mut self, sent_ms: f64, arrived_ms: f64, arrived: i64) {
        self.n_deltas = (self.n_deltas + 1).min(1_000);
        self.accumulated += arrived_ms - sent_ms;
        self.smoothed = SMOOTHING * self.smoothed + (1.0 - SMOOTHING) * self.accumulated;
        let at = (arrived - self.first_arrived) as f64 / 1_000.0;
        self.points[self.n_points % WINDOW] = (at, self.smoothed);
        self.n_points += 1;
        let trend = if self.n_points >= WINDOW { self.slope() } else { self.last };
        self.detect(trend, sent_ms, arrived);
    }

    /// The slope of the line fitted to the window (least squares).
    fn slope(&self) -> f64 {
        let n = WINDOW as f64;
        let (sum_x, sum_y) =
            self.points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
        let (mean_x, mean_y) = (sum_x / n, sum_y / n);
        let (mut above, mut below) = (0.0, 0.0);
        for (x, y) in self.points {
            above += (x - mean_x) * (y - mean_y);
            below += (x - mean_x) * (x - mean_x);
        }
        if below > 0.0 { above / below } else { self.last }
    }

    fn detect(&mut self, trend: f64, sent_ms: f64, arrived: i64) {
        if self.n_deltas < 2 {
            return;
        }
        let scaled = self.n_deltas.min(COUNT_MAX) as f64 * trend * GAIN;
        if scaled > self.threshold {
            // Begun half way between the groups.
            let over_ms = self.over_ms.map_or(sent_ms / 2.0, |over| over + sent_ms);
            self.over_ms = Some(over_ms);
            self.n_over += 1;
            if over_ms > OVERUSE_MS && self.n_over > 1 && trend >= self.last {
                self.over_ms = Some(0.0);
                self.n_over = 0;
                self.usage = Usage::Over;
            }
        } else {
            self.over_ms = None;
            self.n_over = 0;
            self.usage = if scaled < -self.threshold { Usage::Under } else { Usage::Normal };
        }
        self.last = trend;
        self.adapt(scaled, arrived);
    }

    fn adapt(&mut self, scaled: f64, arrived: i64) {
        let since = self.updated.map_or(0, |updated| arrived - updated);
        self.updated = Some(arrived);
        let excess = scaled.abs() - self.threshold;
        if excess > EXCESS_MAX_MS {
            return;
        }
        let follow = if excess < 0.0 { FOLLOW_DOWN } else { FOLLOW_UP };
        let ms = (since as f64 / 1_000.0).clamp(0.0, 100.0);
        self.threshold += follow * excess * ms;
        self.threshold = self.threshold.clamp(THRESHOLD_MIN_MS, THRESHOLD_MAX_MS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends a packet every 10 ms; `queue` tells the delay of each, ms.
    fn usage(queue: impl Fn(i64) -> i64) -> Vec<Usage> {
        let mut trend = Trend::new();
        (0..200)
            .map(|n| {
                trend.packet(n * 10_000, n * 10_000 + 1_000 * queue(n));
                trend.usage()
            })
            .collect()
    }

    #[test]
    fn a_queue_that_grows_and_empties_is_seen() {
        let seen = usage(|n| if n < 100 { 20 } else { 20 + (n - 100).min(200 - n) * 2 });
        assert!(seen[..100].iter().all(|it| *it == Usage::Normal));
        assert!(seen[100..130].contains(&Usage::Over), "within 300 ms");
        assert!(seen[150..].contains(&Usage::Under));
    }

    #[test]
    fn jitter_without_trend_is_normal() {
        let seen = usage(|n| 20 + n * 7_919 % 13);
        assert!(seen.iter().all(|it| *it == Usage::Normal));
    }
}
