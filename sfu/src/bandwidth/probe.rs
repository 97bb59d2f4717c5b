//! Probing: for some 30 ms a line is sent what it might carry; how it arrives tells whether it does. Padding
//! fills the difference to what is sent anyway.

/// A probe leaves in bursts so far apart, microseconds.
const TICK_US: i64 = 5_000;

/// In how many: at least for 30 ms, which jitter does not blur, and at most for 120 ms, which do not fill a
/// weak line's queue; between them, for so many bytes that single packets do not matter.
const TICKS_MIN: usize = 7;
const TICKS_MAX: usize = 25;
const BYTES_MIN: f64 = 6_000.0;

/// Most padding of one probe, packets of [`PADDING_BYTES`].
const PACKETS_MAX: usize = 100;

/// One packet of nothing but padding: as much as RTP allows, and about so much of headers and tag.
pub(crate) const PADDING_BYTES: usize = 255 + 40;

/// A probe asks for at most so many times the estimate: the first one, and those after it.
const FIRST_TIMES: f64 = 3.0;
const NEXT_TIMES: f64 = 2.0;

/// And for at least so many times the estimate: less would be lost in the salt.
const LEAST_TIMES: f64 = 1.5;

/// A probe goes a little beyond what is needed, as its result is taken with a grain of salt.
const BEYOND: f64 = 1.1;
const SALT: f64 = 0.95;

/// What is less above the estimate is not probed.
const WORTH: f64 = 1.1;

/// What must have arrived of a probe to judge it.
const ENOUGH: f64 = 0.8;

/// The pause after a probe that brought nothing: doubled each time. Another one, after success.
const PAUSE_MIN_US: i64 = 2_000_000;
const PAUSE_MAX_US: i64 = 30_000_000;
const PAUSE_SUCCESS_US: i64 = 100_000;

/// A probe of which nothing is heard for so long has failed.
const PATIENCE_US: i64 = 1_500_000;

/// Where a probe stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Idle,
    Sending,
    /// All is out; reports are awaited.
    Judging,
}

/// The probing of one line. Moments are microseconds of the node's clock, arrivals of the receiver's.
#[derive(Debug)]
pub(crate) struct Probe {
    state: State,
    /// Never 0: that is what packets of no probe carry.
    id: u8,
    bps: f64,
    began: i64,
    /// When the next burst is due.
    due: i64,
    /// Bytes sent in each tick, padding or not.
    sent: [u32; TICKS_MAX],
    n_ticks: usize,
    n_padding: usize,
    came: [u32; TICKS_MAX],
    /// When the last packet of the first burst arrived, and the last of all.
    first_arrived: i64,
    last_arrived: i64,
    not_before: i64,
    pause: i64,
    n_probes: u32,
}

impl Default for Probe {
    fn default() -> Self {
        Self {
            state: State::Idle,
            id: 0,
            bps: 0.0,
            began: 0,
            due: 0,
            sent: [0; TICKS_MAX],
            n_ticks: 0,
            n_padding: 0,
            came: [0; TICKS_MAX],
            first_arrived: 0,
            last_arrived: 0,
            not_before: 0,
            pause: PAUSE_MIN_US,
            n_probes: 0,
        }
    }
}

impl Probe {
    /// Whether a probe is on its way.
    pub(crate) fn is_out(&self) -> bool {
        self.state != State::Idle
    }

    /// A packet leaves. Returns the probe that it belongs to, 0 for none.
    pub(crate) fn sent(&mut self, bytes: usize, now_us: i64) -> u8 {
        if self.state != State::Sending {
            return 0;
        }
        let tick = tick(self.began, now_us);
        if tick >= self.n_ticks {
            return 0;
        }
        self.sent[tick] += bytes as u32;
        self.id
    }

    /// A probe may begin: `needed` is what the next step would take, and the probe goes to `most`, bit/s.
    pub(crate) fn wish(&mut self, needed: Option<u32>, estimate: f64, most: f64, now_us: i64) {
        let Some(needed) = needed.map(f64::from).filter(|needed| *needed > estimate) else {
            return;
        };
        if self.state != State::Idle || now_us < self.not_before {
            return;
        }
        let times = if self.n_probes == 0 { FIRST_TIMES } else { NEXT_TIMES };
        let padding = (PACKETS_MAX * PADDING_BYTES * 8) as f64 * 1_000_000.0
            / (TICKS_MIN as i64 * TICK_US) as f64;
        let bps = (needed * BEYOND)
            .max(estimate * LEAST_TIMES)
            .min(estimate * times)
            .min(estimate + padding)
            .min(most);
        if bps < WORTH * estimate {
            return;
        }
        let n_ticks = (BYTES_MIN * 8_000_000.0 / bps / TICK_US as f64) as usize + 1;
        self.n_probes += 1;
        *self = Self {
            state: State::Sending,
            id: self.id % u8::MAX + 1,
            bps,
            began: now_us,
            due: now_us,
            n_ticks: n_ticks.clamp(TICKS_MIN, TICKS_MAX),
            pause: self.pause,
            n_probes: self.n_probes,
            ..Self::default()
        };
    }

    /// Padding that is missing to the probe's rate now, bytes.
    pub(crate) fn padding(&mut self, now_us: i64) -> usize {
        let tick = tick(self.began, now_us);
        if self.state != State::Sending || tick >= self.n_ticks {
            return 0;
        }
        self.due = self.began + (tick as i64 + 1) * TICK_US;
        let due = self.bps * ((tick as i64 + 1) * TICK_US) as f64 / 8_000_000.0;
        let missing = (due as usize).saturating_sub(self.sent.iter().sum::<u32>() as usize);
        let n = missing.div_ceil(PADDING_BYTES).min(PACKETS_MAX - self.n_padding);
        self.n_padding += n;
        n * PADDING_BYTES
    }

    /// A packet of a probe arrived.
    pub(crate) fn came(&mut self, id: u8, bytes: u16, sent: i64, arrived: i64) {
        if id == 0 || id != self.id || self.state == State::Idle {
            return;
        }
        let tick = tick(self.began, sent).min(TICKS_MAX - 1);
        if self.came.iter().all(|it| *it == 0) {
            (self.first_arrived, self.last_arrived) = (arrived, arrived);
        }
        self.came[tick] += u32::from(bytes);
        self.last_arrived = self.last_arrived.max(arrived);
        if tick == 0 {
            self.first_arrived = self.first_arrived.max(arrived);
        }
    }

    /// What a probe showed, bit/s, once packets sent after it have been reported.
    pub(crate) fn judge(&mut self, newest_sent: i64, now_us: i64, estimate: f64) -> Option<f64> {
        let is_over = newest_sent >= self.began + self.n_ticks as i64 * TICK_US;
        let waited = now_us - self.began >= PATIENCE_US;
        if self.state != State::Judging || !(is_over || waited || self.is_complete()) {
            return None;
        }
        self.state = State::Idle;
        let result = self.result().filter(|result| *result > 1.05 * estimate);
        if result.is_some() {
            self.pause = PAUSE_MIN_US;
            self.not_before = now_us + PAUSE_SUCCESS_US;
        } else {
            self.not_before = now_us + self.pause;
            self.pause = (2 * self.pause).min(PAUSE_MAX_US);
        }
        result
    }

    fn is_complete(&self) -> bool {
        let last = self.sent.iter().rposition(|it| *it > 0);
        last.is_some_and(|last| self.came[last] >= self.sent[last])
    }

    fn result(&self) -> Option<f64> {
        let (sent, came) = (self.sent.iter().sum::<u32>(), self.came.iter().sum::<u32>());
        let last = self.sent.iter().rposition(|it| *it > 0)?;
        let took = self.last_arrived - self.first_arrived;
        if last == 0 || f64::from(came) < ENOUGH * f64::from(sent) || took < TICK_US {
            return None;
        }
        // Of what was sent the last burst, of what came the first one lies outside the time measured.
        let bps = |bytes: u32, us: i64| f64::from(bytes) * 8_000_000.0 / us as f64;
        let sent_bps = bps(sent - self.sent[last], last as i64 * TICK_US);
        let came_bps = bps(came - self.came[0], took);
        Some(SALT * sent_bps.min(came_bps))
    }

    /// The line was broken and is back: no pause.
    pub(crate) fn encourage(&mut self) {
        (self.not_before, self.pause, self.n_probes) = (0, PAUSE_MIN_US, 0);
    }

    /// When [`Self::padding`] or [`Self::handle_timeout`] want to be called.
    pub(crate) fn poll_timeout(&self) -> Option<i64> {
        match self.state {
            State::Idle => None,
            State::Sending => Some(self.due),
            State::Judging => Some(self.began + PATIENCE_US),
        }
    }

    /// Time passes. Returns whether a probe has failed, as nothing was heard of it.
    pub(crate) fn handle_timeout(&mut self, now_us: i64) -> bool {
        match self.state {
            State::Sending if tick(self.began, now_us) >= self.n_ticks => {
                self.state = State::Judging;
            }
            State::Judging if now_us - self.began >= PATIENCE_US => {
                self.state = State::Idle;
                self.not_before = now_us + self.pause;
                self.pause = (2 * self.pause).min(PAUSE_MAX_US);
                return true;
            }
            State::Idle | State::Sending | State::Judging => {}
        }
        false
    }
}

/// Which tick of a probe a moment is in.
fn tick(began: i64, us: i64) -> usize {
    ((us - began).max(0) / TICK_US) as usize
}
