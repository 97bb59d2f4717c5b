//! Arrival times told to the sender (draft-holmer-rmcat-transport-wide-cc-extensions-01). From them a
//! browser estimates its uplink; without them it stays near 300 kbit/s and sends no sharp layer.

use std::time::{Duration, Instant};

/// How often feedback is sent: often enough for the estimator, rarely enough to cost nothing.
pub(crate) const INTERVAL: Duration = Duration::from_millis(60);

/// Packets per feedback. At 60 ms this is 8,000 packets a second; more are reported as lost.
const PACKETS_MAX: usize = 512;

/// Arrival times since the last feedback.
#[derive(Debug)]
pub(crate) struct TransportCc {
    began: Instant,
    /// Extended sequence number and arrival, in quarters of a millisecond since `began`.
    arrivals: Vec<(i64, i64)>,
    highest: Option<i64>,
    /// Where the next feedback begins.
    next: Option<i64>,
    count: u8,
    due: Option<Instant>,
}

impl TransportCc {
    /// Nothing arrived yet.
    pub(crate) fn new(now: Instant) -> Self {
        let arrivals = Vec::with_capacity(PACKETS_MAX);
        Self { began: now, arrivals, highest: None, next: None, count: 0, due: None }
    }

    /// A packet with this transport-wide number came.
    pub(crate) fn packet(&mut self, seq: u16, now: Instant) {
        let highest = self.highest.unwrap_or_else(|| i64::from(seq));
        let extended = highest + i64::from(seq.wrapping_sub(highest as u16) as i16);
        self.highest = Some(highest.max(extended));
        // Beyond what was already told, it can only be told again by going back; the draft allows that.
        if self.arrivals.len() < PACKETS_MAX {
            let arrived = now.saturating_duration_since(self.began).as_micros() as i64 / 250;
            self.arrivals.push((extended, arrived));
        }
        self.due.get_or_insert(now + INTERVAL);
    }

    /// When feedback is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// Writes the feedback, if something came since the last one.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>, sender: u32, ssrc: u32) {
        self.due = None;
        self.arrivals.sort_unstable();
        self.arrivals.dedup_by_key(|it| it.0);
        let (Some(&(first, _)), Some(&(last, _))) = (self.arrivals.first(), self.arrivals.last())
        else {
            return;
        };
        // Numbers between the last feedback and this one's first packet were lost: they are told too.
        let lowest = last - PACKETS_MAX as i64 + 1;
        let base = self.next.map_or(first, |next| next.min(first)).max(lowest);
        self.arrivals.retain(|it| it.0 >= base);
        self.next = Some(last + 1);
        write_feedback(out, [sender, ssrc], self.count, base, &self.arrivals);
        self.count = self.count.wrapping_add(1);
        self.arrivals.clear();
    }
}

/// A packet's symbol in a status chunk.
fn symbol(delta: Option<i64>) -> u16 {
    match delta {
        None => 0,
        Some(0..=255) => 1,
        Some(_) => 2,
    }
}

fn write_feedback(
    out: &mut Vec<u8>,
    [sender, ssrc]: [u32; 2],
    count: u8,
    base: i64,
    arrivals: &[(i64, i64)],
) {
    let Some((&(_, first_at), &(last, _))) = arrivals.first().zip(arrivals.last()) else { return };
    let n_packets = (last - base + 1) as u16;
    // The reference time counts in 64 ms; deltas start from it.
    let reference = first_at.div_euclid(256);
    let start = out.len();
    out.extend_from_slice(&[0x80 | 15, 205, 0, 0]);
    out.extend_from_slice(&sender.to_be_bytes());
    out.extend_from_slice(&ssrc.to_be_bytes());
    out.extend_from_slice(&(base as u16).to_be_bytes());
    out.extend_from_slice(&n_packets.to_be_bytes());
    out.extend_from_slice(&((reference as u32) << 8 | u32::from(count)).to_be_bytes());
    let mut before = reference * 256;
    let mut deltas = Vec::with_capacity(arrivals.len());
    let mut next = arrivals.iter().peekable();
    let (mut chunk, mut filled) = (0b11u16 << 14, 0);
    for seq in base..=last {
        let delta = next.next_if(|it| it.0 == seq).map(|&(_, at)| {
            let delta = (at - before).clamp(i64::from(i16::MIN), i64::from(i16::MAX));
            before += delta;
            delta
        });
        deltas.extend(delta);
        chunk |= symbol(delta) << (12 - 2 * filled);
        filled += 1;
        if filled == 7 || seq == last {
            out.extend_from_slice(&chunk.to_be_bytes());
            (chunk, filled) = (0b11 << 14, 0);
        }
    }
    for delta in deltas {
        match u8::try_from(delta) {
            Ok(small) => out.push(small),
            Err(_) => out.extend_from_slice(&(delta as i16).to_be_bytes()),
        }
    }
    let len = (out.len() - start).next_multiple_of(4);
    let padding = start + len - out.len();
    if padding > 0 {
        out[start] |= 0x20;
        out.resize(start + len, 0);
        out[start + len - 1] = padding as u8;
    }
    out[start + 2..start + 4].copy_from_slice(&((len / 4 - 1) as u16).to_be_bytes());
}

#[cfg(test)]
mod tests;
