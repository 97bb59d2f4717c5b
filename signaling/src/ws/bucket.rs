//! How fast a page may speak: a token bucket.

/// Messages at once. A console that comes back sends what it could not send before.
const BURST: u64 = 60;

/// Messages a second, lasting. A hand on a console makes 3, a page's reports and watches about 2.
const PER_SECOND: u64 = 20;

/// Messages refused above which the page is not a page.
const REFUSED_MAX: u64 = 200;

/// Refusals forgotten each second.
const FORGIVEN_PER_SECOND: u64 = 10;

/// See the file's head. Counted in thousandths of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    level: u64,
    refused: u64,
    at: u64,
}

impl Bucket {
    pub(super) fn new(tick: u64) -> Self {
        Self { level: BURST * 1_000, at: tick, refused: 0 }
    }

    /// Takes a message out; false if there is none left.
    pub(super) fn take(&mut self, tick: u64) -> bool {
        let since = tick.saturating_sub(self.at);
        self.at = tick;
        self.refused = self.refused.saturating_sub(since.saturating_mul(FORGIVEN_PER_SECOND));
        self.level = (self.level + since.saturating_mul(PER_SECOND)).min(BURST * 1_000);
        if self.level < 1_000 {
            self.refused += 1_000;
            return false;
        }
        self.level -= 1_000;
        true
    }

    /// Whether it goes on although everything is refused.
    pub(super) fn is_abused(&self) -> bool {
        self.refused > REFUSED_MAX * 1_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_the_lasting_rate() {
        let mut bucket = Bucket::new(0);
        assert_eq!((0..100).filter(|_| bucket.take(0)).count(), 60);
        assert_eq!((0..100).filter(|_| bucket.take(1_000)).count(), 20);
        assert!(!bucket.is_abused());
        // 40 and 80 were refused, 10 are forgiven.
        assert_eq!((0..90).filter(|_| bucket.take(1_000)).count(), 0);
        assert!(!bucket.is_abused());
        assert!(!bucket.take(1_000) && bucket.is_abused());
    }
}
