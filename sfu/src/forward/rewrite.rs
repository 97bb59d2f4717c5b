//! Makes a switch between sources or layers invisible: one outgoing stream whose sequence number,
//! timestamp and picture id go on as if it had always been the same camera.
//!
//! Between two switches the mapping is a constant shift, so the past is a short list of shifts: enough
//! to find the original of any packet that a receiver asks for again.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::codec::vp8::Descriptor;

/// Shifts remembered. More than this many switches within the second that a retransmission may take
/// do not happen: each needs a key frame, and those are 500 ms apart.
const SHIFTS_MAX: usize = 8;

/// Names a source: which incarnation of which track, and which layer. Never used for two streams.
pub(crate) type Origin = u32;

/// A constant shift from one source's numbers to the outgoing stream's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shift {
    pub(crate) origin: Origin,
    /// The first outgoing packet that it applies to.
    pub(crate) first_out: u64,
    /// First packet of the source that is sent; earlier ones belong to what came before the switch.
    first_in: u64,
    pub(crate) timestamp: u32,
    pub(crate) picture_id: u16,
    pub(crate) tl0: u8,
}

impl Shift {
    fn outgoing(&self, seq: u64) -> Option<u64> {
        seq.checked_sub(self.first_in).map(|since| self.first_out + since)
    }
}

/// One packet of a source, as far as its numbers matter. `seq` is the extended sequence number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers {
    pub(crate) seq: u64,
    pub(crate) timestamp: u32,
    pub(crate) vp8: Option<Descriptor>,
}

/// The state of one outgoing stream.
#[derive(Debug)]
pub(crate) struct Rewriter {
    shifts: VecDeque<Shift>,
    clock_rate: u32,
    next_out: u64,
    last_timestamp: u32,
    last_sent: Option<Instant>,
    last_picture_id: u16,
    last_tl0: u8,
    is_paused: bool,
}

impl Rewriter {
    /// A stream that begins with sequence number `first` and some timestamp, both drawn at random.
    pub(crate) fn new(clock_rate: u32, first: u16, timestamp: u32) -> Self {
        Self {
            shifts: VecDeque::with_capacity(SHIFTS_MAX),
            clock_rate,
            // Below 2^15, so that the receiver's rollover counter begins at 0 beyond doubt.
            next_out: u64::from(first & 0x7fff),
            last_timestamp: timestamp,
            last_sent: None,
            last_picture_id: first & 0x3fff,
            last_tl0: 0,
            is_paused: false,
        }
    }

    /// The source that is being sent.
    pub(crate) fn origin(&self) -> Option<Origin> {
        self.shifts.back().filter(|_| !self.is_paused).map(|shift| shift.origin)
    }

    /// Sends nothing until the next switch, even if that leads back to the same source. What was sent
    /// before can still be asked for.
    pub(crate) fn pause(&mut self) {
        self.is_paused = true;
    }

    /// The timestamp of the newest packet that was sent.
    pub(crate) fn last_timestamp(&self) -> u32 {
        self.last_timestamp
    }

    /// The shift that applies now.
    pub(crate) fn shift(&self) -> Option<&Shift> {
        self.shifts.back()
    }

    /// Goes over to `origin`, beginning with the packet `first`.
    pub(crate) fn switch(&mut self, origin: Origin, first: &Numbers, now: Instant) {
        self.is_paused = false;
        let since =
            self.last_sent.map_or(Duration::ZERO, |sent| now.saturating_duration_since(sent));
        let elapsed = since.as_micros() as u64 * u64::from(self.clock_rate) / 1_000_000;
        // At least one unit on: a decoder takes packets with one timestamp for one frame.
        let timestamp = self.last_timestamp.wrapping_add(elapsed.max(1) as u32);
        let picture_id = first.vp8.and_then(|it| it.picture_id).map_or(0, |id| id.value);
        let tl0 = first.vp8.and_then(|it| it.tl0).map_or(0, |it| it.1);
        if self.shifts.len() == SHIFTS_MAX {
            self.shifts.pop_front();
        }
        self.shifts.push_back(Shift {
            origin,
            first_out: self.next_out,
            first_in: first.seq,
            timestamp: timestamp.wrapping_sub(first.timestamp),
            picture_id: self.last_picture_id.wrapping_add(1).wrapping_sub(picture_id),
            tl0: self.last_tl0.wrapping_add(1).wrapping_sub(tl0),
        });
    }

    /// The outgoing sequence number of a packet of the current source; `None` if it belongs before the
    /// last switch.
    pub(crate) fn map(&mut self, packet: &Numbers, now: Instant) -> Option<u64> {
        let shift = *self.shifts.back()?;
        let out = shift.outgoing(packet.seq)?;
        if out >= self.next_out {
            self.next_out = out + 1;
            self.last_timestamp = packet.timestamp.wrapping_add(shift.timestamp);
            self.last_sent = Some(now);
            if let Some(vp8) = packet.vp8 {
                if let Some(id) = vp8.picture_id {
                    self.last_picture_id = id.value.wrapping_add(shift.picture_id) & 0x7fff;
                }
                if let Some((_, tl0)) = vp8.tl0 {
                    self.last_tl0 = tl0.wrapping_add(shift.tl0);
                }
            }
        }
        Some(out)
    }

    /// Of which packet the outgoing `seq` (as a NACK names it) was made: the source's extended number,
    /// the shift, and the outgoing extended number.
    pub(crate) fn original(&self, seq: u16) -> Option<(u64, Shift, u64)> {
        let last = self.next_out.checked_sub(1)?;
        let back = u64::from((last as u16).wrapping_sub(seq));
        let out = last.checked_sub(back)?;
        let shift = self.shifts.iter().rev().find(|shift| shift.first_out <= out)?;
        Some((shift.first_in + (out - shift.first_out), *shift, out))
    }
}

#[cfg(test)]
mod tests;
