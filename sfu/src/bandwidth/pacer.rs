//! Key frames leave in small portions. Of one line so many packets pass in each tick; what is beyond that waits in the
//! session's queue. While nothing waits, a packet costs two comparisons. Sound is never shown to this.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Portions leave this far apart.
pub(crate) const TICK: Duration = Duration::from_millis(5);

/// Packets of one line that pass in one tick. A frame of a sharp camera has three to six; only key frames
/// and pages that scroll have more.
const PASS_MAX: u8 = 8;

/// Packets that wait. Fewer than any cache holds, so they are still there when their turn comes. When it
/// is full, packets pass at once.
pub(crate) const WAITING_MAX: usize = 256;

/// What waits leaves at so many times the estimate, and all of it within so many ticks.
const SPEED: f64 = 2.5;
const TICKS_MAX: usize = 40;

/// A packet as the queue counts it, bits.
const PACKET_BITS: f64 = 9_600.0;

/// What one line has let pass lately.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Burst {
    tick: u32,
    n_passed: u8,
    n_waiting: u16,
}

/// A packet that waits: where its copy lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) seq: u64,
    pub(crate) track: u32,
    pub(crate) line: u16,
    pub(crate) layer: u8,
}

/// The queue of one session.
#[derive(Debug, Default)]
pub(crate) struct Pacer {
    queue: VecDeque<Waiting>,
    /// The longest that the queue was since it was empty.
    longest: usize,
    due: Option<Instant>,
    /// Packets that may leave in this tick.
    portion: usize,
}

impl Burst {
    /// Whether one more packet may pass in this tick (counted from anywhere).
    pub(crate) fn passes(&mut self, tick: u32) -> bool {
        if self.tick != tick {
            (self.tick, self.n_passed) = (tick, 0);
        }
        if self.n_passed == PASS_MAX || self.n_waiting > 0 {
            return false;
        }
        self.n_passed += 1;
        true
    }
}

impl Pacer {
    /// An empty queue with its memory.
    pub(crate) fn new() -> Self {
        Self { queue: VecDeque::with_capacity(WAITING_MAX), ..Self::default() }
    }

    /// Lets a packet wait. `false` if there is no room: it passes.
    pub(crate) fn push(&mut self, packet: Waiting, burst: &mut Burst, now: Instant) -> bool {
        if self.queue.len() == WAITING_MAX {
            return false;
        }
        self.queue.push_back(packet);
        self.longest = self.longest.max(self.queue.len());
        burst.n_waiting += 1;
        self.due.get_or_insert(now + TICK);
        true
    }

    /// When the next portion is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// Begins a portion if it is due, for a line that carries `bps`.
    pub(crate) fn handle_timeout(&mut self, bps: u32, now: Instant) {
        let Some(due) = self.due.filter(|due| *due <= now) else { return };
        let paced = SPEED * f64::from(bps) * TICK.as_secs_f64() / PACKET_BITS;
        self.portion = (paced.ceil() as usize).max(self.longest.div_ceil(TICKS_MAX));
        // Counted from when it was due: who looks late now and then does not make the line slower.
        self.due = Some((due + TICK).max(now));
    }

    /// The next packet of this portion. Its line's burst is to be told with [`Burst::left`].
    pub(crate) fn pop(&mut self) -> Option<Waiting> {
        self.portion = self.portion.checked_sub(1)?;
        let packet = self.queue.pop_front();
        if self.queue.is_empty() {
            (self.due, self.longest, self.portion) = (None, 0, 0);
        }
        packet
    }
}

impl Burst {
    /// A packet that waited has left the queue.
    pub(crate) fn left(&mut self) {
        self.n_waiting = self.n_waiting.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
    fn start() -> Instant {
        Instant::now()
    }

    fn packet(seq: u64) -> Waiting {
        Waiting { seq, track: 1, line: 0, layer: 2 }
    }

    /// Puts `n` packets in at once; returns after how many ticks each left.
    fn leave(n: u64, bps: u32) -> Vec<(u64, u32)> {
        let (start, mut pacer, mut burst) = (start(), Pacer::default(), Burst::default());
        let mut left = Vec::new();
        for seq in 0..n {
            if burst.passes(7) || !pacer.push(packet(seq), &mut burst, start) {
                left.push((seq, 0));
            }
        }
        for tick in 1..200 {
            pacer.handle_timeout(bps, start + TICK * tick);
            while let Some(packet) = pacer.pop() {
                burst.left();
                left.push((packet.seq, tick));
            }
        }
        assert_eq!(pacer.poll_timeout(), None);
        assert!(burst.passes(300), "nothing waits any more");
        left
    }

    #[test]
    fn a_delta_frame_passes_and_a_key_frame_is_cut_into_portions() {
        assert!(leave(8, 1_000_000).iter().all(|(_, tick)| *tick == 0));
        let left = leave(30, 3_000_000);
        let of = |tick| left.iter().filter(|it| it.1 == tick).count();
        assert_eq!((of(0), of(1), of(2), of(6)), (8, 4, 4, 2));
        assert!(left.is_sorted_by_key(|it| it.0), "in their order");
    }

    #[test]
    fn on_a_weak_line_the_last_packet_leaves_within_200_ms() {
        let left = leave(200, 100_000);
        assert_eq!(left.last().map(|it| it.1), Some(39));
    }

    #[test]
    fn what_the_queue_cannot_hold_passes_at_once() {
        let left = leave(300, 1_000_000);
        assert_eq!(left.iter().filter(|it| it.1 == 0).count(), 300 - WAITING_MAX);
    }

    proptest! {
        #[test]
        fn every_packet_leaves_once(n in 0u64..400, bps in 0u32..50_000_000) {
            let mut seqs: Vec<u64> = leave(n, bps).into_iter().map(|it| it.0).collect();
            seqs.sort_unstable();
            prop_assert_eq!(seqs, (0..n).collect::<Vec<_>>());
        }
    }
}
