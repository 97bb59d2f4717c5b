//! Tells a line that drops what is too much from one that loses at random: of the first, no more arrives when more is sent.
//! Windows of what was sent and what came are compared with those shortly before.

use crate::bandwidth::rate::Signal;

/// A window is full after so many packets and so long, microseconds. Of so many packets chance alone
/// hardly ever makes the share that is lost differ by ten in a hundred.
const PACKETS: u32 = 170;
const WINDOW_US: i64 = 800_000;

/// Windows that are remembered, and for how long, microseconds.
const WINDOWS_MAX: usize = 6;
const REMEMBERED_US: i64 = 15_000_000;

/// What is sent has to differ by so much (natural logarithm) before two windows say anything, and what came by less
/// than this share of it. At random losses it differs by all of it.
const DIFFERS: f64 = 0.1;
const ELASTIC: f64 = 0.3;

/// Less loss than this is no reason to send less.
const LOSS: f64 = 0.04;

/// So many windows in a row that lost more than this are worth sending less for a moment.
const DOUBTFUL: u32 = 3;
const DOUBT_LOSS: f64 = 0.06;

#[derive(Clone, Copy, Debug, Default)]
struct Window {
    ended: i64,
    sent: f64,
    came: f64,
    loss: f64,
}

/// The judge of one line. Moments are microseconds of the node's clock.
#[derive(Debug, Default)]
pub(crate) struct Policer {
    windows: [Window; WINDOWS_MAX],
    n_windows: usize,
    since: Option<i64>,
    has_queue: bool,
    /// Windows of late, one after the other, that lost too much.
    n_doubtful: u32,
    n_packets: u32,
    lost_bytes: u32,
    received_bytes: u32,
    /// Sum of the acknowledged rates of the present window's reports, bit/s, and how many.
    acked: f64,
    n_acked: u32,
}

impl Policer {
    /// Whatever is lost now may be what a queue had no room for: the present window says nothing.
    pub(crate) fn queue(&mut self) {
        self.has_queue = true;
    }

    /// Takes in a report. Returns what the line lets through, bit/s, when it has shown that it drops whatever is more.
    pub(crate) fn report(&mut self, signal: &Signal, now_us: i64) -> Option<f64> {
        let since = *self.since.get_or_insert(now_us);
        self.n_packets += signal.lost + signal.received;
        self.lost_bytes += signal.lost_bytes;
        self.received_bytes += signal.received_bytes;
        if let Some(acked) = signal.acked {
            (self.acked, self.n_acked) = (self.acked + acked, self.n_acked + 1);
        }
        if self.n_packets < PACKETS || now_us - since < WINDOW_US {
            return None;
        }
        let n_bytes = (self.lost_bytes + self.received_bytes).max(1);
        let loss = f64::from(self.lost_bytes) / f64::from(n_bytes);
        let came = self.acked / f64::from(self.n_acked.max(1));
        let window = Window { ended: now_us, sent: came / (1.0 - loss).max(0.01), came, loss };
        (self.since, self.n_packets) = (Some(now_us), 0);
        (self.lost_bytes, self.received_bytes) = (0, 0);
        (self.acked, self.n_acked) = (0.0, 0);
        if std::mem::take(&mut self.has_queue) || came <= 0.0 {
            self.n_doubtful = 0;
            return None;
        }
        self.n_doubtful = if loss > DOUBT_LOSS { self.n_doubtful + 1 } else { 0 };
        let found = self.compare(window);
        if found.is_some() {
            self.n_windows = 0;
        } else {
            self.windows.rotate_right(1);
            self.windows[0] = window;
            self.n_windows = (self.n_windows + 1).min(WINDOWS_MAX);
        }
        found
    }

    /// Whether so much is lost that sending less for a moment would tell why.
    pub(crate) fn doubts(&self) -> bool {
        self.n_doubtful >= DOUBTFUL
    }

    /// Holds the window against those before it.
    fn compare(&self, new: Window) -> Option<f64> {
        let is_recent = |it: &&Window| new.ended - it.ended <= REMEMBERED_US;
        let remembered = self.windows[..self.n_windows].iter().filter(is_recent);
        remembered
            .filter_map(|old| {
                let (less, more) = if old.sent < new.sent { (old, &new) } else { (&new, old) };
                let (sent, came) = ((more.sent / less.sent).ln(), (more.came / less.came).ln());
                let is_shut = sent >= DIFFERS && came.abs() < ELASTIC * sent;
                (is_shut && more.loss >= LOSS).then_some(less.came.min(more.came))
            })
            .min_by(f64::total_cmp)
    }
}
