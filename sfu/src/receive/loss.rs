//! Packets of one stream that did not come, and when to ask for them again.

use std::time::{Duration, Instant};

/// Packets waited for at once. A wider gap is not repaired but bridged with a key frame.
const MISSING_MAX: usize = 128;

/// Requests for one packet. With the pause between them this covers the second after which receivers
/// have given the packet up.
const REQUESTS_MAX: u8 = 8;

/// Pause between two requests for one packet: a bit more than a round trip across the country.
const REQUEST_PAUSE: Duration = Duration::from_millis(60);

/// A packet that is only late (reordered) arrives within this time.
const REORDERING: Duration = Duration::from_millis(10);

/// A missing packet.
#[derive(Debug)]
struct Missing {
    seq: u64,
    ask_at: Instant,
    n_asked: u8,
}

/// What is missing of one stream.
#[derive(Debug, Default)]
pub(crate) struct Loss {
    highest: Option<u64>,
    missing: Vec<Missing>,
}

/// What became of the packets that were missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repair {
    /// Going on.
    Pending,
    /// Some will never come: the decoder needs a key frame.
    GivenUp,
}

impl Loss {
    /// A packet came. A gap of more than [`MISSING_MAX`] is given up at once.
    pub(crate) fn packet(&mut self, seq: u64, now: Instant) -> Repair {
        let Some(highest) = self.highest else {
            self.highest = Some(seq);
            return Repair::Pending;
        };
        if seq <= highest {
            self.missing.retain(|missing| missing.seq != seq);
            return Repair::Pending;
        }
        self.highest = Some(seq);
        let gap = seq - highest - 1;
        if self.missing.len() as u64 + gap > MISSING_MAX as u64 {
            self.missing.clear();
            return Repair::GivenUp;
        }
        let ask_at = now + REORDERING;
        self.missing.extend((highest + 1..seq).map(|seq| Missing { seq, ask_at, n_asked: 0 }));
        Repair::Pending
    }

    /// Appends what to ask for now, in ascending order.
    pub(crate) fn due(&mut self, now: Instant, lost: &mut Vec<u16>) -> Repair {
        let before = self.missing.len();
        self.missing.retain_mut(|missing| {
            if missing.ask_at > now {
                return true;
            }
            if missing.n_asked == REQUESTS_MAX {
                return false;
            }
            missing.n_asked += 1;
            missing.ask_at = now + REQUEST_PAUSE;
            lost.push(missing.seq as u16);
            true
        });
        if self.missing.len() < before { Repair::GivenUp } else { Repair::Pending }
    }

    /// Whether nothing is missing.
    #[cfg(test)]
    fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
    fn what_is_missing_is_asked_for_until_it_comes_or_is_given_up() {
        let start = Instant::now();
        let ms = |ms| start + Duration::from_millis(ms);
        let mut loss = Loss::default();
        loss.packet(10, ms(0));
        loss.packet(13, ms(1));
        let mut lost = Vec::new();
        assert_eq!(loss.due(ms(5), &mut lost), Repair::Pending);
        assert!(lost.is_empty(), "it may be only late");
        loss.due(ms(12), &mut lost);
        assert_eq!(lost, [11, 12]);
        loss.packet(11, ms(20));
        lost.clear();
        loss.due(ms(80), &mut lost);
        assert_eq!(lost, [12]);
        let given_up = (2..20).any(|n| loss.due(ms(80 * n), &mut lost) == Repair::GivenUp);
        assert!(given_up);
        assert!(loss.is_complete());
    }
}
