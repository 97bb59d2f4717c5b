//! Media time to the sender's clock: straight lines through its sender reports.

/// A sender report: media time and the sender's clock at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tie {
    /// Media time without wraps, ticks.
    pub ticks: i64,
    /// The sender's clock, µs.
    pub sender_us: i64,
}

/// A report that is off by more than this from what the one before promises begins a new line, µs: the
/// source jumped (a phone call, a new device).
const JUMP_US: f64 = 200_000.0;
/// A line that misses one of its reports by more is cut in two, µs: the clock's rate changed.
const MISS_US: f64 = 10_000.0;
/// Fewest reports for a cut.
const CUT_TIES: usize = 8;
/// A slope from reports over a shorter time says more about jitter than about the clock, µs.
const SLOPE_SPAN_US: f64 = 10_000_000.0;
/// Clocks do not differ by more than this from what they claim, as a ratio.
const SKEW_MAX: f64 = 0.005;

/// See the file.
#[derive(Clone, Debug)]
pub struct MediaClock {
    lines: Vec<Line>,
}

#[derive(Clone, Debug)]
struct Line {
    /// Good up to here, ticks.
    until: i64,
    ticks: i64,
    sender_us: f64,
    us_per_tick: f64,
}

impl MediaClock {
    /// Media time taken for a clock that began at 0, µs.
    pub fn nominal_us(ticks: i64, clock_rate: u32) -> i64 {
        let us = i128::from(ticks) * 1_000_000 / i128::from(clock_rate.max(1));
        i64::try_from(us).unwrap_or(i64::MAX)
    }

    /// Lines through reports in order of time. Without any, media time itself.
    pub fn fit(ties: &[Tie], clock_rate: u32) -> Self {
        let nominal = 1_000_000.0 / f64::from(clock_rate.max(1));
        let mut lines = Vec::new();
        let mut start = 0;
        for n in 1..=ties.len() {
            let is_end = n == ties.len() || {
                let promised = (ties[n].ticks - ties[n - 1].ticks) as f64 * nominal;
                let told = (ties[n].sender_us - ties[n - 1].sender_us) as f64;
                (told - promised).abs() > JUMP_US
            };
            if is_end && n > start {
                fit_lines(&ties[start..n], nominal, &mut lines);
                start = n;
            }
        }
        if lines.is_empty() {
            lines.push(Line { until: i64::MAX, ticks: 0, sender_us: 0.0, us_per_tick: nominal });
        }
        Self { lines }
    }

    /// The sender's clock at a media time, µs.
    pub fn sender_us(&self, ticks: i64) -> i64 {
        let line = self.lines.iter().find(|line| ticks <= line.until).or_else(|| self.lines.last());
        let line = line.expect("fit makes at least one line");
        (line.sender_us + (ticks - line.ticks) as f64 * line.us_per_tick).round() as i64
    }
}

fn fit_lines(ties: &[Tie], nominal: f64, lines: &mut Vec<Line>) {
    let Some(line) = fit_line(ties, nominal) else { return };
    let misses = |tie: &Tie| {
        let told = tie.sender_us as f64;
        let fitted = line.sender_us + (tie.ticks - line.ticks) as f64 * line.us_per_tick;
        (told - fitted).abs() > MISS_US
    };
    if ties.len() >= CUT_TIES && ties.iter().any(misses) {
        let (before, after) = ties.split_at(ties.len() / 2);
        fit_lines(before, nominal, lines);
        fit_lines(after, nominal, lines);
    } else {
        lines.push(line);
    }
}

/// Least squares, around the middle so that large numbers stay exact.
fn fit_line(ties: &[Tie], nominal: f64) -> Option<Line> {
    let (first, last) = (ties.first()?, ties.last()?);
    let n = ties.len() as f64;
    let x = |tie: &Tie| (tie.ticks - first.ticks) as f64;
    let y = |tie: &Tie| (tie.sender_us - first.sender_us) as f64;
    let mean_x = ties.iter().map(x).sum::<f64>() / n;
    let mean_y = ties.iter().map(y).sum::<f64>() / n;
    let span_us = (last.sender_us - first.sender_us) as f64;
    let spread = ties.iter().map(|tie| (x(tie) - mean_x).powi(2)).sum::<f64>();
    let slope = if span_us >= SLOPE_SPAN_US && spread > 0.0 {
        let with = ties.iter().map(|tie| (x(tie) - mean_x) * (y(tie) - mean_y)).sum::<f64>();
        (with / spread).clamp(nominal * (1.0 - SKEW_MAX), nominal * (1.0 + SKEW_MAX))
    } else {
        nominal
    };
    Some(Line {
        until: last.ticks,
        ticks: first.ticks,
        sender_us: first.sender_us as f64 + mean_y - mean_x * slope,
        us_per_tick: slope,
    })
}
