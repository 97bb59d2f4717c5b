//! What a receiver's line carries, estimated from what was sent on it and what its browser reports.
//! `sent` for every packet, `feedback` for every report; `estimate` is the answer. The state of one
//! line is about 10 KiB, made once.

use std::time::{Duration, Instant};

use crate::bandwidth::feedback::{Arrival, Feedback};
use crate::bandwidth::probe::Probe;
use crate::bandwidth::rate::{Rate, START_BPS, Signal, is_empty, is_whole};
use crate::bandwidth::trend::Trend;
use crate::system::prefetch;

/// Packets remembered until they are reported: a second of a page of 49 tiles. What is reported later is
/// not counted.
const SENT_MAX: usize = 1_024;

/// The acknowledged rate is measured over so many slices of so many microseconds.
const SLICES: usize = 20;
const SLICE_US: i64 = 25_000;

/// Slices of which the rate is known at all, and those of the last moments.
const SLICES_MIN: i64 = 5;
const SLICES_BUSY: i64 = 8;

/// A line that reports nothing for so long, and a round trip, is broken, microseconds.
const SILENCE_US: i64 = 500_000;

/// After so long without any packet a queue has emptied, although nobody reports it, microseconds.
const REST_US: i64 = 1_000_000;

/// The least delay is remembered so long at most, twice, microseconds: clocks drift, routes change.
const LEAST_US: i64 = 8_000_000;

/// What became of a packet.
const OUT: u16 = 0;
const LOST: u16 = 1;
const CAME: u16 = 2;

/// A packet on its way: when (microseconds, wrapping after 71 minutes), how large, and in `tag` the upper
/// six bits of its number, the probe that it belongs to (eight bits) and what became of it (two bits).
#[derive(Clone, Copy, Debug, Default)]
struct Sent {
    at: u32,
    bytes: u16,
    tag: u16,
}

impl Sent {
    fn is(self, seq: u16) -> bool {
        self.bytes > 0 && self.tag >> 10 == seq >> 10
    }

    fn state(self) -> u16 {
        self.tag & 0b11
    }

    fn probe(self) -> u8 {
        (self.tag >> 2) as u8
    }
}

/// Packets of a report, and their bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    packets: u32,
    bytes: u32,
}

impl Count {
    fn add(&mut self, bytes: u16) {
        self.packets += 1;
        self.bytes += u32::from(bytes);
    }
}

/// Bytes acknowledged, by time.
#[derive(Debug, Default)]
struct Acked {
    slices: [u32; SLICES],
    newest: Option<i64>,
    first: i64,
}

impl Acked {
    fn add(&mut self, arrived: i64, bytes: u16) {
        let slice = arrived.div_euclid(SLICE_US);
        let newest = *self.newest.get_or_insert(slice);
        if slice - newest >= SLICES as i64 || self.first > slice {
            *self = Self { slices: [0; SLICES], newest: Some(slice), first: slice };
        } else if slice > newest {
            (newest + 1..=slice).for_each(|it| *self.at(it) = 0);
            self.newest = Some(slice);
        } else if newest - slice >= SLICES as i64 {
            return;
        }
        *self.at(slice) += u32::from(bytes);
    }

    fn at(&mut self, slice: i64) -> &mut u32 {
        &mut self.slices[slice.rem_euclid(SLICES as i64) as usize]
    }

    /// bit/s over the last `n` slices, once there is enough to say. The newest slice is not full yet: it counts where
    /// it says more, as after a moment in which nothing was read.
    fn bps(&self, n: i64) -> Option<f64> {
        let newest = self.newest?;
        let n = n.min(newest - self.first);
        if n < SLICES_MIN {
            return None;
        }
        let of = |slice: i64| self.slices[slice.rem_euclid(SLICES as i64) as usize];
        let bytes: u32 = (newest - n..newest).map(of).sum();
        let bps = |bytes: u32, n: i64| f64::from(bytes) * 8_000_000.0 / (n * SLICE_US) as f64;
        Some(bps(bytes, n).max(bps(bytes + of(newest), n + 1)))
    }
}

/// The least delay seen lately, microseconds. The clocks of both ends differ, which cancels out.
#[derive(Clone, Copy, Debug, Default)]
struct Least {
    now: Option<i64>,
    before: Option<i64>,
    since: i64,
}

impl Least {
    /// The way has become longer: what was seen before it does not count.
    fn forget(&mut self) {
        (self.now, self.before) = (None, None);
    }

    /// Takes a delay in; returns what it is above the least.
    fn above(&mut self, delay: i64, now_us: i64) -> i64 {
        if now_us - self.since >= LEAST_US {
            (self.before, self.now, self.since) = (self.now, None, now_us);
        }
        let now = self.now.map_or(delay, |now| now.min(delay));
        self.now = Some(now);
        delay - self.before.map_or(now, |before| before.min(now))
    }
}

/// The estimate of one line.
#[derive(Debug)]
pub(crate) struct Estimator {
    began: Instant,
    sent: Box<[Sent; SENT_MAX]>,
    /// By time of arrival, and the same packets by time of sending.
    acked: Acked,
    offered: Acked,
    trend: Trend,
    rate: Rate,
    is_frail: bool,
    least: Least,
    rtt_us: i64,
    /// Where the receiver's clock was at the last report.
    near: Option<i64>,
    has_reported: bool,
    reported: i64,
    /// Since when packets are out that no report spoke of.
    unreported: Option<i64>,
    /// What was estimated before the line fell silent, bit/s.
    before_silence: Option<f64>,
    pub(crate) probe: Probe,
}

impl Estimator {
    /// A line of which nothing is known.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            began: now,
            sent: Box::new([Sent::default(); SENT_MAX]),
            acked: Acked::default(),
            offered: Acked::default(),
            trend: Trend::new(),
            rate: Rate::new(START_BPS),
            is_frail: false,
            least: Least::default(),
            rtt_us: 100_000,
            near: None,
            has_reported: false,
            reported: 0,
            unreported: None,
            before_silence: None,
            probe: Probe::default(),
        }
    }

    fn us(&self, now: Instant) -> i64 {
        now.saturating_duration_since(self.began).as_micros() as i64
    }

    fn instant(&self, us: i64) -> Instant {
        self.began + Duration::from_micros(us.max(0) as u64)
    }

    /// What the line carries, bit/s.
    pub(crate) fn estimate(&self) -> u32 {
        self.rate.bps() as u32
    }

    /// Whether the line loses much and carries little.
    pub(crate) fn is_frail(&self) -> bool {
        self.is_frail
    }

    /// Has what [`Self::sent`] needs for this number fetched from memory.
    pub(crate) fn fetch(&self, seq: u16) {
        prefetch(&self.sent[usize::from(seq) % SENT_MAX]);
        prefetch(&self.probe);
        prefetch(&self.unreported);
    }

    /// A packet with this transport-wide number leaves.
    pub(crate) fn sent(&mut self, seq: u16, bytes: usize, now: Instant) {
        let us = self.us(now);
        let probe = self.probe.sent(bytes, us);
        let bytes = bytes.clamp(1, usize::from(u16::MAX)) as u16;
        let tag = seq >> 10 << 10 | u16::from(probe) << 2 | OUT;
        self.sent[usize::from(seq) % SENT_MAX] = Sent { at: us as u32, bytes, tag };
        self.unreported.get_or_insert(us);
    }

    /// A report came.
    pub(crate) fn feedback(&mut self, report: &Feedback<'_>, now: Instant) {
        let us = self.us(now);
        if self.before_silence.is_some() {
            // What was measured before says nothing about now.
            self.trend = Trend::new();
            self.acked = Acked::default();
            self.offered = Acked::default();
        }
        let (mut lost, mut received) = (Count::default(), Count::default());
        let (mut delay, mut newest_sent) = (i64::MAX, None);
        let (sent, acked, offered) = (&mut self.sent, &mut self.acked, &mut self.offered);
        let (trend, probe) = (&mut self.trend, &mut self.probe);
        let reference = report.read(self.near, |seq, arrival| {
            let packet = &mut sent[usize::from(seq) % SENT_MAX];
            if !packet.is(seq) || packet.state() == CAME {
                return;
            }
            let at = match arrival {
                Arrival::Missing => {
                    if packet.state() != LOST {
                        lost.add(packet.bytes);
                    }
                    packet.tag = packet.tag & !0b11 | LOST;
                    return;
                }
                Arrival::Sometime => None,
                Arrival::At(at) => Some(at),
            };
            packet.tag = packet.tag & !0b11 | CAME;
            received.add(packet.bytes);
            let Some(arrived) = at else { return };
            let sent_us = us - i64::from((us as u32).wrapping_sub(packet.at));
            newest_sent = newest_sent.max(Some(sent_us));
            delay = delay.min(arrived - sent_us);
            acked.add(arrived, packet.bytes);
            offered.add(sent_us, packet.bytes);
            trend.packet(sent_us, arrived);
            probe.came(packet.probe(), packet.bytes, sent_us, arrived);
        });
        self.near = Some(reference);
        (self.has_reported, self.reported) = (true, us);
        self.unreported = None;
        let Some(newest_sent) = newest_sent else { return };
        let rtt_us = (us - newest_sent).clamp(1_000, 2_000_000);
        self.rtt_us = (7 * self.rtt_us + rtt_us) / 8;
        let queue_us = self.least.above(delay, us);
        if let Some(before) = self.before_silence.take() {
            self.come_back(before, is_whole(lost.packets, received.packets) && is_empty(queue_us));
        }
        let signal = Signal {
            usage: self.trend.usage(),
            acked: self.acked.bps(SLICES as i64 - 1),
            busy: self.acked.bps(SLICES_BUSY),
            offered: self.offered.bps(SLICES as i64 - 1),
            queue_us,
            rtt_us: self.rtt_us,
            lost: lost.packets,
            received: received.packets,
            lost_bytes: lost.bytes,
            received_bytes: received.bytes,
            is_probed: self.probe.is_out(),
        };
        if self.rate.update(&signal, us) {
            self.least.forget();
        }
        self.note_frailty(us);
        let was_out = self.probe.is_out();
        if let Some(result) = self.probe.judge(newest_sent, us, self.rate.bps()) {
            self.rate.set(result.max(self.rate.bps()));
        } else if was_out && !self.probe.is_out() {
            self.rate.give_up();
        }
    }

    /// What probes found while so much was lost says nothing of a line that is frail no more.
    fn note_frailty(&mut self, us: i64) {
        let was_frail = std::mem::replace(&mut self.is_frail, self.rate.is_frail(us));
        if was_frail && !self.is_frail {
            self.probe.encourage();
        }
    }

    /// The line had fallen silent and reports again. If nothing was lost meanwhile and nothing waits, it was the
    /// receiver that was busy, not the line; else half of what was before is worth a try.
    fn come_back(&mut self, before: f64, is_unharmed: bool) {
        if is_unharmed {
            self.rate.set(before);
        } else {
            self.rate = Rate::new((0.5 * before).min(START_BPS).max(self.rate.bps()));
        }
        self.probe.encourage();
    }

    /// The browser says itself what its line carries (REMB). For those that report nothing else.
    pub(crate) fn remb(&mut self, bps: u64) {
        if !self.has_reported {
            self.rate.set(bps as f64);
        }
    }

    /// What would be needed for the next step, bit/s; the line is probed for it if it may carry it.
    pub(crate) fn wish(&mut self, needed: Option<u32>, now: Instant) {
        let us = self.us(now);
        if self.unreported.is_none() && us - self.reported >= REST_US {
            self.rate.rest();
            self.trend = Trend::new();
        }
        let is_free = self.has_reported && self.before_silence.is_none();
        let is_free = is_free && self.rate.may_probe(us);
        let most = self.rate.probe_most(us);
        let mut needed = needed.filter(|_| is_free);
        if let (Some(needed), Some(before)) = (&mut needed, self.rate.recovers(us)) {
            self.probe.encourage();
            *needed = (*needed).max(before as u32);
        }
        self.probe.wish(needed, self.rate.bps(), most, us);
    }

    /// Padding to send now, bytes.
    pub(crate) fn padding(&mut self, now: Instant) -> usize {
        let us = self.us(now);
        self.probe.padding(us)
    }

    /// When [`Self::handle_timeout`] or [`Self::padding`] want to be called.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let silent = self.unreported.filter(|_| self.has_reported);
        let silent = silent.map(|since| since + SILENCE_US + self.rtt_us);
        let due = [silent, self.probe.poll_timeout()].into_iter().flatten().min()?;
        Some(self.instant(due))
    }

    /// Time passes: a line that reports nothing is halved.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        let us = self.us(now);
        if self.probe.handle_timeout(us) {
            self.rate.give_up();
        }
        let Some(since) = self.unreported.filter(|_| self.has_reported) else { return };
        if us - since >= SILENCE_US + self.rtt_us {
            if self.before_silence.is_none() {
                self.before_silence = Some(self.rate.bps());
            }
            self.rate.set(0.5 * self.rate.bps());
            self.unreported = Some(us - self.rtt_us);
        }
    }
}

#[cfg(test)]
mod tests;
