//! What is measured of streams for people: rates, losses, round trips. Counted in plain integers where packets
//! pass, and brought into form once a second, where nobody waits.

use crate::clock::ntp_of_unix_us;
use crate::rtcp::ReportBlock;

/// Losses and round trips are averages over about so many reports.
const SMOOTHING: u32 = 4;

/// A longer round trip is a report that answers another node, units of 2^-16 s.
const ROUND_TRIP_MAX: u32 = 60 << 16;

/// From here on a line is fair, and weak, thousandths lost. The page's thresholds (`web/src/media/quality.ts`).
const FAIR_PERMILLE: u16 = 10;
const WEAK_PERMILLE: u16 = 50;

/// How good a direction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grade {
    Good,
    Fair,
    Weak,
}

/// The grade of a loss.
pub(crate) fn grade(lost_permille: u16) -> Grade {
    match lost_permille {
        WEAK_PERMILLE.. => Grade::Weak,
        FAIR_PERMILLE.. => Grade::Fair,
        _ => Grade::Good,
    }
}

/// Bytes and packets of a stream, and how fast they came in the last second.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    bytes_before: u32,
    packets_before: u32,
    pub(crate) bps: u32,
    /// Packets per second.
    pub(crate) pps: u32,
}

impl Rate {
    /// Closes an interval of `ms` with counters that may wrap.
    pub(crate) fn close(&mut self, packets: u32, bytes: u32, ms: u32) {
        let per_second = |n: u32| u64::from(n) * 1_000 / u64::from(ms.max(1));
        let bytes_now = bytes.wrapping_sub(self.bytes_before);
        let packets_now = packets.wrapping_sub(self.packets_before);
        self.bps = u32::try_from(8 * per_second(bytes_now)).unwrap_or(u32::MAX);
        self.pps = u32::try_from(per_second(packets_now)).unwrap_or(u32::MAX);
        (self.bytes_before, self.packets_before) = (bytes, packets);
    }
}

/// What is lost, and how unevenly packets come, smoothed over a few reports.
#[derive(Debug, Default)]
pub(crate) struct Quality {
    /// 2^-16ths; none before the first report.
    lost: Option<u32>,
    /// ms.
    pub(crate) jitter_ms: u16,
}

impl Quality {
    /// Takes a report block in, ours of a publisher or a receiver's of us.
    pub(crate) fn report(&mut self, block: &ReportBlock, clock_rate: u32) {
        let lost = u32::from(block.fraction_lost) << 8;
        let before = self.lost.unwrap_or(lost);
        self.lost = Some((before * (SMOOTHING - 1) + lost) / SMOOTHING);
        let ms = u64::from(block.jitter) * 1_000 / u64::from(clock_rate.max(1));
        self.jitter_ms = u16::try_from(ms).unwrap_or(u16::MAX);
    }

    /// Thousandths.
    pub(crate) fn lost_permille(&self) -> u16 {
        ((self.lost.unwrap_or(0) * 1_000 + (1 << 15)) >> 16) as u16
    }
}

/// What is counted of a layer as it comes in.
#[derive(Debug, Default)]
pub(crate) struct LayerSeen {
    pub(crate) packets: u32,
    pub(crate) bytes: u32,
    pub(crate) n_key_frames: u32,
    /// Where the last one began: its extended sequence number, and when it came, microseconds since 1970.
    pub(crate) key_frame: Option<(u64, i64)>,
    pub(crate) n_key_frames_asked: u32,
    pub(crate) n_nacked: u32,
    pub(crate) rate: Rate,
    pub(crate) quality: Quality,
}

impl LayerSeen {
    /// A packet came.
    pub(crate) fn packet(&mut self, bytes: usize) {
        self.packets = self.packets.wrapping_add(1);
        self.bytes = self.bytes.wrapping_add(bytes as u32);
    }

    /// Closes an interval.
    pub(crate) fn close(&mut self, block: &ReportBlock, clock_rate: u32, ms: u32) {
        self.rate.close(self.packets, self.bytes, ms);
        // A layer that is paused loses nothing.
        let silent = ReportBlock { fraction_lost: 0, ..*block };
        self.quality.report(if self.rate.pps == 0 { &silent } else { block }, clock_rate);
    }
}

/// What is known of a line to a receiver.
#[derive(Debug, Default)]
pub(crate) struct LineSeen {
    pub(crate) n_nacked: u32,
    pub(crate) rate: Rate,
    pub(crate) quality: Quality,
}

/// What is known of a session as a whole.
#[derive(Debug, Default)]
pub(crate) struct SessionSeen {
    /// One for each line.
    pub(crate) lines: Vec<LineSeen>,
    /// Smoothed, 2^-16 s.
    round_trip: Option<u32>,
}

impl SessionSeen {
    /// For a session with so many lines.
    pub(crate) fn new(n_lines: usize) -> Self {
        let lines = std::iter::repeat_with(LineSeen::default).take(n_lines).collect();
        Self { lines, round_trip: None }
    }

    /// A receiver's report on line number `line`.
    pub(crate) fn report(&mut self, line: usize, block: &ReportBlock, rate: u32, unix_us: i64) {
        if let Some(seen) = self.lines.get_mut(line) {
            seen.quality.report(block, rate);
        }
        if block.last_sr == 0 {
            return;
        }
        let here = (ntp_of_unix_us(unix_us) >> 16) as u32;
        let took = here.wrapping_sub(block.last_sr).wrapping_sub(block.delay_since_sr);
        if took < ROUND_TRIP_MAX {
            let before = self.round_trip.unwrap_or(took);
            self.round_trip = Some((before * (SMOOTHING - 1) + took) / SMOOTHING);
        }
    }

    /// ms; none before the first report.
    pub(crate) fn rtt_ms(&self) -> Option<u32> {
        self.round_trip.map(|it| ((u64::from(it) * 1_000) >> 16) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_trip_is_what_neither_side_spent_waiting() {
        let mut seen = SessionSeen::new(1);
        let sent_us = 1_764_000_000_000_000;
        let block = ReportBlock {
            last_sr: (ntp_of_unix_us(sent_us) >> 16) as u32,
            // The receiver waited 500 ms of the 580.
            delay_since_sr: 1 << 15,
            fraction_lost: 64,
            jitter: 900,
            ..ReportBlock::default()
        };
        seen.report(0, &ReportBlock { last_sr: 0, ..block }, 90_000, sent_us);
        assert_eq!(seen.rtt_ms(), None, "no sender report came to them yet");
        seen.report(0, &block, 90_000, sent_us + 580_000);
        assert!((79..=80).contains(&seen.rtt_ms().unwrap()), "{:?}", seen.rtt_ms());
        assert_eq!(seen.lines[0].quality.jitter_ms, 10);
        (0..20).for_each(|_| seen.report(0, &block, 90_000, sent_us + 580_000));
        assert!((248..=250).contains(&seen.lines[0].quality.lost_permille()));
        seen.report(9, &block, 90_000, sent_us);
    }

    #[test]
    fn a_rate_survives_counters_that_wrap() {
        let mut rate = Rate::default();
        rate.close(0, u32::MAX - 999, 1_000);
        rate.close(10, 9_000, 500);
        assert_eq!((rate.bps, rate.pps), (160_000, 20));
    }

    #[test]
    fn losses_are_graded_as_the_page_grades_them() {
        assert_eq!([0, 9, 10, 49, 50, 1_000].map(grade), {
            use Grade::{Fair, Good, Weak};
            [Good, Good, Fair, Fair, Weak, Weak]
        });
    }
}
