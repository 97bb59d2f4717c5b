//! How fast to send, from what the queue does, what is lost and what was acknowledged
//! (draft-ietf-rmcat-gcc-02 §5.5 and §6): additive or multiplicative growth, multiplicative decrease.

use crate::bandwidth::allocate::STURDY_BPS;
use crate::bandwidth::policer::Policer;
use crate::bandwidth::trend::Usage;

/// Where a line begins, bit/s: sound, a main picture in its middle layer, a few tiles. A line that carries
/// less shows it within a second; one that carries more is probed.
pub(crate) const START_BPS: f64 = 1_000_000.0;

/// Bounds, bit/s. Below the lower one not even a voice is carried; no site has more than the upper one.
pub(crate) const BPS_MIN: f64 = 30_000.0;
pub(crate) const BPS_MAX: f64 = 200_000_000.0;

/// To what share of the acknowledged rate a congested line goes, and how much less for each microsecond of a
/// queue that has to empty, down to the floor.
const CUT: f64 = 0.85;
const CUT_PER_US: f64 = 1.0 / 600_000.0;
const CUT_FLOOR: f64 = 0.5;

/// A queue of this length that stands for so long is congestion even if it does not grow, microseconds. A key frame's
/// is shorter.
const STANDING_US: i64 = 100_000;
const STANDING_FOR_US: i64 = 120_000;

/// A queue below this is empty, microseconds.
const EMPTY_US: i64 = 25_000;

/// How often one congestion may cut. When that does not empty the queue, it is not ours.
const CUTS_MAX: u8 = 4;

/// The queue that a probe made is not congestion until so long after it, microseconds.
const AFTER_PROBE_US: i64 = 250_000;

/// Growth far from the last congestion, share per second.
const GROWTH: f64 = 0.08;

/// Growth near it: one packet each round trip and this much, bits and microseconds; never less than the last, bit/s each second.
const PACKET_BITS: f64 = 9_600.0;
const RESPONSE_US: i64 = 100_000;
const GROWTH_MIN_BPS: f64 = 4_000.0;

/// The rate never grows beyond this share of what was acknowledged, and a little, bit/s.
const ACKED_SHARE: f64 = 1.5;
const ACKED_MORE_BPS: f64 = 10_000.0;

/// So soon after a congestion a line that is nearly full is not probed, microseconds.
const PROBE_AFTER_US: i64 = 8_000_000;
const NEARLY_FULL: f64 = 0.75;

/// Nor one whose queue is longer: a probe would hide that it grows, microseconds. A picture's frame leaves less.
const PROBE_QUEUE_US: i64 = 50_000;

/// A probe goes to at most this share of what a congestion lately showed.
const PROBE_SHARE: f64 = 1.5;

/// What was acknowledged while the queue stayed empty for so long is carried for sure, microseconds.
const CALM_US: i64 = 1_000_000;

/// Loss that does not matter, and loss that is congestion. A radio line loses two per cent and is not full.
const LOSS_HARMLESS: f64 = 0.04;
const LOSS_CONGESTION: f64 = 0.10;

/// Of so many packets the steady loss is the mean: few enough that a full line shows within a second, so many that five
/// in a hundred are not taken for ten. Below this share of it a line without queue may grow.
const STEADY_PACKETS: f64 = 150.0;
const LOSS_STEADY: f64 = 0.08;

/// A line that loses more than this on average and carries less is frail (rule 12), and counts as frail for so long
/// after; not any more when it carries so much, bit/s and microseconds.
const FRAIL_LOSS: f64 = 0.04;
const FRAIL_BPS: f64 = 400_000.0;
const FRAIL_US: i64 = 8_000_000;

/// A line that drops what is too much goes to this share of what it lets through, and neither grows nor is probed for so
/// long, microseconds; twice as long each time that it shows the same again, up to the most. On a line that is used for less than
/// this share of its rate nothing is concluded.
const POLICED: f64 = 0.95;
const POLICED_US: i64 = 8_000_000;
const POLICED_MAX_US: i64 = 32_000_000;
const POLICED_USED: f64 = 0.7;

/// On a line that goes on losing much, this share of the rate is sent for a moment, so that its policer shows, if it has one. Not
/// again for so long. Microseconds.
const DIP: f64 = 0.88;
const DIP_US: i64 = 3_000_000;
const DIP_PAUSE_US: i64 = 20_000_000;

/// A queue that empties shrinks by more than this in so long, once the rate was cut, microseconds. One that does not is
/// none: the way has become longer.
const SHRINKS_US: i64 = 10_000;
const SHRINKS_IN_US: i64 = 500_000;

/// Loss is judged over so many packets and so long, microseconds.
const LOSS_PACKETS: u32 = 20;
const LOSS_US: i64 = 250_000;

/// A line on which less than this share of the rate is sent is idle: what is acknowledged says what was sent, not what
/// it carries. It is so as long as so much of what is sent arrives in its time.
const IDLE: f64 = 0.65;
const IN_TIME: f64 = 0.9;

/// A cut below this share of what was before is deep. When the queue has emptied so soon after it, microseconds, it was
/// an accident: this share of what was before is probed for.
const DEEP: f64 = 0.5;
const ACCIDENT_US: i64 = 2_000_000;
const RECOVER: f64 = 0.85;
const RECOVERY_US: i64 = 5_000_000;

/// Whether a queue is none, microseconds.
pub(crate) fn is_empty(queue_us: i64) -> bool {
    queue_us < EMPTY_US
}

/// Whether what is lost of a report does not matter.
pub(crate) fn is_whole(lost: u32, received: u32) -> bool {
    f64::from(lost) <= LOSS_HARMLESS * f64::from(lost + received)
}

/// What the last congestions said of the line: mean and deviation of the acknowledged rate, bit/s.
#[derive(Clone, Copy, Debug)]
struct Link {
    mean: f64,
    deviation: f64,
}

impl Link {
    fn learn(this: Option<Self>, acked: f64) -> Self {
        let Some(Self { mean, deviation }) = this else {
            return Self { mean: acked, deviation: 0.1 * acked };
        };
        let error = acked - mean;
        let mean = mean + 0.2 * error;
        let deviation = 0.8 * deviation + 0.2 * error.abs();
        Self { mean, deviation: deviation.clamp(0.03 * mean, 0.2 * mean) }
    }

    fn is_near(&self, bps: f64) -> bool {
        (bps - self.mean).abs() <= 3.0 * self.deviation
    }
}

/// Watches whether a queue shrinks after a cut.
#[derive(Clone, Copy, Debug, Default)]
struct Shrinking {
    /// When the present half second began, and the least delay in it and in the one before, microseconds.
    since: Option<i64>,
    least: i64,
    before: Option<i64>,
}

impl Shrinking {
    /// Takes in the delay above the least. Returns whether it is no queue: it has not shrunk.
    fn is_way(&mut self, queue_us: i64, now_us: i64) -> bool {
        let Some(since) = self.since else {
            *self = Self { since: Some(now_us), least: queue_us, before: None };
            return false;
        };
        self.least = self.least.min(queue_us);
        if now_us - since < SHRINKS_IN_US {
            return false;
        }
        let is_way = self.before.is_some_and(|before| {
            (self.least - before).abs() <= SHRINKS_US && self.least <= STANDING_US
        });
        *self = Self { since: Some(now_us), least: queue_us, before: Some(self.least) };
        is_way
    }
}

/// What a report said, summed up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signal {
    pub(crate) usage: Usage,
    /// Acknowledged, bit/s.
    pub(crate) acked: Option<f64>,
    /// The same over the last moments: what a line carries whose queue does not empty.
    pub(crate) busy: Option<f64>,
    /// Of what was acknowledged, how fast it was sent, bit/s.
    pub(crate) offered: Option<f64>,
    /// Delay above the least seen, microseconds.
    pub(crate) queue_us: i64,
    pub(crate) rtt_us: i64,
    pub(crate) lost: u32,
    pub(crate) received: u32,
    /// The same in bytes.
    pub(crate) lost_bytes: u32,
    pub(crate) received_bytes: u32,
    /// A probe is on its way.
    pub(crate) is_probed: bool,
}

/// The rate of one line. Moments are microseconds of the node's clock.
#[derive(Debug)]
pub(crate) struct Rate {
    bps: f64,
    link: Option<Link>,
    updated: Option<i64>,
    cut_at: i64,
    /// Cuts of the present congestion, 0 while there is none; when it began, and the rate before it.
    n_cuts: u8,
    cut_since: i64,
    before_cut: f64,
    /// After a deep cut that was an accident: how far the line is probed, bit/s, and until when.
    recovery: Option<(f64, i64)>,
    probed_at: i64,
    congested_at: i64,
    /// Delay above the least, by the last report, and since when the queue stands.
    queue_us: i64,
    standing_since: Option<i64>,
    lost: u32,
    counted: u32,
    counted_since: i64,
    loss: f64,
    steady_loss: f64,
    loss_cut_at: i64,
    frail_until: i64,
    shrinking: Shrinking,
    policer: Policer,
    policed_until: i64,
    policed_us: i64,
    /// What was sent before the present dip, bit/s; when the last began.
    before_dip: Option<f64>,
    dipped_at: i64,
}

impl Rate {
    /// Begins at `bps`.
    pub(crate) fn new(bps: f64) -> Self {
        let never = i64::MIN / 4;
        Self {
            bps,
            link: None,
            updated: None,
            cut_at: never,
            n_cuts: 0,
            cut_since: never,
            before_cut: bps,
            recovery: None,
            probed_at: never,
            congested_at: never,
            queue_us: 0,
            standing_since: None,
            lost: 0,
            counted: 0,
            counted_since: 0,
            loss: 0.0,
            steady_loss: 0.0,
            loss_cut_at: never,
            frail_until: never,
            shrinking: Shrinking::default(),
            policer: Policer::default(),
            policed_until: never,
            policed_us: POLICED_US,
            before_dip: None,
            dipped_at: never,
        }
    }

    /// bit/s.
    pub(crate) fn bps(&self) -> f64 {
        self.bps
    }

    /// Whether the line is free of congestion and of loss that matters.
    pub(crate) fn is_calm(&self, now_us: i64) -> bool {
        self.n_cuts == 0 && self.loss < LOSS_CONGESTION && now_us - self.congested_at >= 2 * LOSS_US
    }

    /// Whether the line may be probed: it is calm, and not as good as full by what was seen lately.
    pub(crate) fn may_probe(&self, now_us: i64) -> bool {
        let is_full = self.link.is_some_and(|link| self.bps > NEARLY_FULL * link.mean);
        let has_queue = self.queue_us > PROBE_QUEUE_US || self.is_held(now_us);
        let is_late = now_us - self.congested_at < PROBE_AFTER_US;
        let recovers = self.recovers(now_us).is_some();
        !has_queue && (recovers || (self.is_calm(now_us) && !(is_full && is_late)))
    }

    /// How far a line is probed that was cut deep by accident, bit/s.
    pub(crate) fn recovers(&self, now_us: i64) -> Option<f64> {
        let (most, until) = self.recovery?;
        (now_us < until && most > self.bps && self.n_cuts == 0).then_some(most)
    }

    /// A probe has shown nothing better.
    pub(crate) fn give_up(&mut self) {
        self.recovery = None;
    }

    /// The most that is worth probing, bit/s.
    pub(crate) fn probe_most(&self, now_us: i64) -> f64 {
        let most = self.link.map_or(BPS_MAX, |link| PROBE_SHARE * link.mean.max(self.bps));
        self.recovers(now_us).map_or(most, |recovery| most.max(recovery))
    }

    /// Whether the line loses much and carries little.
    pub(crate) fn is_frail(&self, now_us: i64) -> bool {
        now_us < self.frail_until && self.bps < f64::from(STURDY_BPS)
    }

    /// Nothing was sent for a while: whatever queue there was has emptied.
    pub(crate) fn rest(&mut self) {
        (self.n_cuts, self.queue_us, self.standing_since) = (0, 0, None);
    }

    /// Sets the rate to what something else has shown.
    pub(crate) fn set(&mut self, bps: f64) {
        self.bps = bps.clamp(BPS_MIN, BPS_MAX);
        if self.link.is_some_and(|link| !link.is_near(self.bps)) {
            self.link = None;
        }
    }

    /// Takes in a report. Returns whether the delay that it shows is the way's and no queue.
    pub(crate) fn update(&mut self, signal: &Signal, now_us: i64) -> bool {
        let since_us = self.updated.map_or(0, |updated| (now_us - updated).clamp(0, 1_000_000));
        self.updated = Some(now_us);
        self.count_loss(signal, now_us);
        self.note_policer(signal, now_us);
        self.queue_us = signal.queue_us;
        if signal.queue_us > STANDING_US {
            self.standing_since.get_or_insert(now_us);
        } else {
            self.standing_since = None;
        }
        if signal.is_probed {
            self.probed_at = now_us;
        }
        let is_ours = now_us - self.probed_at < AFTER_PROBE_US;
        let stands = self.standing_since.is_some_and(|since| now_us - since >= STANDING_FOR_US);
        if is_ours {
            // Wait and see.
        } else if is_empty(signal.queue_us) {
            if std::mem::take(&mut self.n_cuts) > 0 {
                self.emptied(now_us);
            }
            let may_grow = self.is_loss_harmless() && !self.is_held(now_us);
            if signal.usage == Usage::Normal && may_grow {
                self.grow(signal, since_us, now_us);
            }
        } else if signal.usage == Usage::Over || (stands && signal.usage != Usage::Under) {
            self.congested(signal, now_us);
        }
        self.bps = self.bps.clamp(BPS_MIN, BPS_MAX);
        if self.steady_loss > FRAIL_LOSS && self.bps < FRAIL_BPS {
            self.frail_until = now_us + FRAIL_US;
        }
        if self.n_cuts == 0 || is_ours || is_empty(signal.queue_us) {
            self.shrinking = Shrinking::default();
            return false;
        }
        self.shrinking.is_way(signal.queue_us, now_us)
    }

    /// Whether what is lost says nothing of how full the line is. No more is asked than that its queue is empty.
    fn is_loss_harmless(&self) -> bool {
        self.loss < LOSS_HARMLESS || (self.loss < LOSS_CONGESTION && self.steady_loss < LOSS_STEADY)
    }

    /// The queue has emptied: back to where the line was full.
    fn emptied(&mut self, now_us: i64) {
        let full = self.link.map_or(0.0, |link| CUT * link.mean);
        self.bps = self.bps.max(full);
        let was_short = now_us - self.cut_since < ACCIDENT_US;
        if was_short && self.bps < DEEP * self.before_cut {
            self.recovery = Some((RECOVER * self.before_cut, now_us + RECOVERY_US));
        }
    }

    fn congested(&mut self, signal: &Signal, now_us: i64) {
        self.congested_at = now_us;
        let is_busy = signal.queue_us > STANDING_US;
        let acked = signal.busy.filter(|_| is_busy).or(signal.acked).unwrap_or(self.bps);
        let is_due = now_us - self.cut_at >= signal.rtt_us.clamp(10_000, 200_000) + LOSS_US / 2;
        if !is_due && acked >= 0.5 * self.bps {
            return;
        }
        let offered = signal.offered.unwrap_or(acked);
        let is_idle = offered < IDLE * self.bps && acked >= IN_TIME * offered;
        if !is_idle {
            if self.link.is_some_and(|link| acked < link.mean - 3.0 * link.deviation) {
                // The line is another one by now.
                self.link = None;
            }
            self.link = Some(Link::learn(self.link, acked));
        }
        if self.n_cuts == 0 {
            (self.cut_since, self.before_cut, self.recovery) = (now_us, self.bps, None);
        }
        if self.n_cuts < CUTS_MAX {
            self.n_cuts += 1;
            let deep = (signal.queue_us - EMPTY_US).max(0) as f64 * CUT_PER_US;
            let carried = if is_idle { self.bps } else { acked };
            self.bps = self.bps.min(carried * (CUT - deep).max(CUT_FLOOR));
        }
        self.cut_at = now_us;
        self.shrinking = Shrinking::default();
    }

    fn grow(&mut self, signal: &Signal, since_us: i64, now_us: i64) {
        let seconds = since_us as f64 / 1_000_000.0;
        let Some(acked) = signal.acked else { return };
        if self.link.is_some_and(|link| acked > link.mean + 3.0 * link.deviation) {
            self.link = None;
        }
        let grown = if self.link.is_some_and(|link| link.is_near(self.bps)) {
            let response_s = (signal.rtt_us + RESPONSE_US) as f64 / 1_000_000.0;
            (PACKET_BITS / response_s).max(GROWTH_MIN_BPS) * seconds
        } else {
            self.bps * GROWTH * seconds
        };
        let most = ACKED_SHARE * acked + ACKED_MORE_BPS;
        self.bps = (self.bps + grown).min(most.max(self.bps));
        if now_us - self.congested_at >= CALM_US {
            self.bps = self.bps.max(acked);
        }
    }

    /// Whether the line is to stay as it is, as it drops whatever is more or as that is looked into.
    fn is_held(&self, now_us: i64) -> bool {
        now_us < self.policed_until || self.before_dip.is_some()
    }

    /// Takes less of a line that drops whatever is too much.
    fn note_policer(&mut self, signal: &Signal, now_us: i64) {
        if signal.queue_us > PROBE_QUEUE_US {
            self.policer.queue();
        }
        let passed = self.policer.report(signal, now_us);
        let is_ours = |it: &f64| is_empty(signal.queue_us) && *it >= POLICED_USED * self.bps;
        let Some(passed) = passed.filter(is_ours) else { return self.doubt(signal, now_us) };
        let is_again = now_us - self.policed_until < 2 * self.policed_us;
        self.policed_us =
            if is_again { (2 * self.policed_us).min(POLICED_MAX_US) } else { POLICED_US };
        self.policed_until = now_us + self.policed_us;
        self.link = Some(Link { mean: passed, deviation: 0.03 * passed });
        self.bps = self.bps.min(POLICED * passed);
        (self.loss, self.steady_loss, self.congested_at) = (0.0, 0.0, now_us);
        self.before_dip = None;
    }

    /// Sends less for a moment on a line of which loss alone says that it is full.
    fn doubt(&mut self, signal: &Signal, now_us: i64) {
        if now_us - self.dipped_at >= DIP_US
            && let Some(before) = self.before_dip.take()
            && self.n_cuts == 0
        {
            self.bps = self.bps.max(before);
        }
        let is_used = signal.acked.is_some_and(|acked| acked >= POLICED_USED * self.bps);
        let is_free = is_empty(signal.queue_us) && !self.is_frail(now_us);
        let is_due = self.policer.doubts() && now_us - self.dipped_at >= DIP_PAUSE_US;
        if is_used && is_free && is_due {
            (self.before_dip, self.dipped_at) = (Some(self.bps), now_us);
            self.bps *= DIP;
        }
    }

    fn count_loss(&mut self, signal: &Signal, now_us: i64) {
        self.lost += signal.lost;
        let n_packets = signal.lost + signal.received;
        self.counted += n_packets;
        if n_packets > 0 {
            let share = f64::from(signal.lost) / f64::from(n_packets);
            let weight = 1.0 - (1.0 - 1.0 / STEADY_PACKETS).powf(f64::from(n_packets));
            self.steady_loss += weight * (share - self.steady_loss);
        }
        if self.counted < LOSS_PACKETS || now_us - self.counted_since < LOSS_US {
            return;
        }
        let loss = f64::from(self.lost) / f64::from(self.counted);
        self.loss = 0.5 * self.loss + 0.5 * loss;
        (self.lost, self.counted, self.counted_since) = (0, 0, now_us);
        let is_congested = self.loss.min(self.steady_loss) > LOSS_CONGESTION;
        if is_congested && now_us - self.loss_cut_at >= signal.rtt_us + 300_000 {
            self.loss_cut_at = now_us;
            self.congested_at = now_us;
            self.bps *= 1.0 - 0.5 * self.loss;
        }
    }
}
