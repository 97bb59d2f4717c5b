//! Reception of one stream, as a receiver report tells it (RFC 3550 §6.4.1 and appendix A).

use std::time::Instant;

use crate::rtcp::{ReportBlock, SenderReport};

/// Counters of one stream.
#[derive(Debug)]
pub(crate) struct Reception {
    ssrc: u32,
    clock_rate: u32,
    first: u64,
    highest: u64,
    received: u64,
    expected_before: u64,
    received_before: u64,
    /// Interarrival jitter, sixteenths of an RTP unit.
    jitter: u64,
    transit: Option<i64>,
    began: Instant,
    sender: Option<(SenderReport, Instant)>,
    lost_lately: u8,
}

impl Reception {
    /// Begins with the first packet.
    pub(crate) fn new(ssrc: u32, clock_rate: u32, seq: u64, now: Instant) -> Self {
        Self {
            ssrc,
            clock_rate,
            first: seq,
            highest: seq,
            received: 0,
            expected_before: 0,
            received_before: 0,
            jitter: 0,
            transit: None,
            began: now,
            sender: None,
            lost_lately: 0,
        }
    }

    /// A packet came.
    pub(crate) fn packet(&mut self, seq: u64, timestamp: u32, now: Instant) {
        self.received += 1;
        self.first = self.first.min(seq);
        self.highest = self.highest.max(seq);
        let arrived = now.saturating_duration_since(self.began).as_micros() as i64
            * i64::from(self.clock_rate)
            / 1_000_000;
        let transit = i64::from((arrived as u32).wrapping_sub(timestamp) as i32);
        if let Some(before) = self.transit {
            let difference = (transit - before).unsigned_abs().min(u64::from(u32::MAX));
            // A source that starts its clock anew is not jitter.
            if difference < u64::from(self.clock_rate) {
                self.jitter = (self.jitter + difference).saturating_sub((self.jitter + 8) >> 4);
            }
        }
        self.transit = Some(transit);
    }

    /// A sender report came.
    pub(crate) fn sender_report(&mut self, report: SenderReport, now: Instant) {
        self.sender = Some((report, now));
    }

    /// The highest extended sequence number so far.
    pub(crate) fn highest(&self) -> u64 {
        self.highest
    }

    /// What was lost in the last interval, 256ths.
    pub(crate) fn lost_lately(&self) -> u8 {
        self.lost_lately
    }

    /// Closes an interval and says how it went.
    pub(crate) fn report(&mut self, now: Instant) -> ReportBlock {
        let expected = self.highest + 1 - self.first;
        let expected_now = expected.saturating_sub(self.expected_before);
        let received_now = self.received.saturating_sub(self.received_before);
        let lost_now = expected_now.saturating_sub(received_now);
        (self.expected_before, self.received_before) = (expected, self.received);
        let fraction_lost = (lost_now * 256).checked_div(expected_now).unwrap_or(0).min(255) as u8;
        self.lost_lately = fraction_lost;
        let (last_sr, delay_since_sr) = self.sender.map_or((0, 0), |(report, at)| {
            let since = now.saturating_duration_since(at).as_micros() as u64;
            ((report.ntp >> 16) as u32, (since * 65_536 / 1_000_000) as u32)
        });
        ReportBlock {
            ssrc: self.ssrc,
            fraction_lost,
            total_lost: expected.saturating_sub(self.received).min(0x7f_ffff) as u32,
            highest_seq: self.highest as u32,
            jitter: (self.jitter >> 4) as u32,
            last_sr,
            delay_since_sr,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
    fn one_packet_in_four_lost_is_reported_as_a_quarter() {
        let start = Instant::now();
        let mut reception = Reception::new(9, 48_000, 100, start);
        for n in (0..100u64).filter(|n| n % 4 != 1) {
            let at = start + Duration::from_millis(20 * n);
            reception.packet(100 + n, 960 * n as u32, at);
        }
        let report = reception.report(start + Duration::from_secs(2));
        assert_eq!((report.fraction_lost, report.total_lost, report.jitter), (64, 25, 0));
        assert_eq!(report.highest_seq, 199);
        assert_eq!(reception.report(start + Duration::from_secs(3)).fraction_lost, 0);
    }
}
