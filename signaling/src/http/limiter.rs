//! How often somebody may be wrong: counts failures in a sliding minute, per name and per address.
//! A machine without I/O; ticks are milliseconds.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// The window, ms.
const WINDOW_MS: u64 = 60_000;

/// Names and addresses remembered. When it is full, the ones whose failures are past are dropped first.
const KEYS_MAX: usize = 10_000;

/// Counts failures per key.
#[derive(Debug)]
pub(super) struct Limiter<K> {
    failures_max: usize,
    failures: HashMap<K, VecDeque<u64>>,
}

impl<K: Hash + Eq> Limiter<K> {
    pub(super) fn new(failures_max: usize) -> Self {
        Self { failures_max, failures: HashMap::new() }
    }

    /// Whether this one has to wait.
    pub(super) fn is_locked(&mut self, key: &K, tick: u64) -> bool {
        let Some(failures) = self.failures.get_mut(key) else { return false };
        forget_old(failures, tick);
        failures.len() >= self.failures_max
    }

    /// Notes a failure.
    pub(super) fn failed(&mut self, key: K, tick: u64) {
        if self.failures.len() >= KEYS_MAX {
            self.failures.retain(|_, it| {
                forget_old(it, tick);
                !it.is_empty()
            });
        }
        if self.failures.len() >= KEYS_MAX && !self.failures.contains_key(&key) {
            // An attack from ten thousand addresses: the ones that are counted stay counted.
            return;
        }
        let failures = self.failures.entry(key).or_default();
        failures.push_back(tick);
        if failures.len() > self.failures_max {
            failures.pop_front();
        }
    }

    /// Forgets the failures of one who has succeeded.
    pub(super) fn succeeded(&mut self, key: &K) {
        self.failures.remove(key);
    }
}

fn forget_old(failures: &mut VecDeque<u64>, tick: u64) {
    while failures.front().is_some_and(|at| tick.saturating_sub(*at) >= WINDOW_MS) {
        failures.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_in_a_minute_lock_until_the_first_is_a_minute_old() {
        let mut limiter = Limiter::new(5);
        for tick in 0..5 {
            assert!(!limiter.is_locked(&"chutri", tick));
            limiter.failed("chutri", tick);
        }
        assert!(limiter.is_locked(&"chutri", 5));
        assert!(!limiter.is_locked(&"thuky", 5));
        assert!(limiter.is_locked(&"chutri", 59_999));
        assert!(!limiter.is_locked(&"chutri", 60_000));
        limiter.succeeded(&"chutri");
        assert!(!limiter.is_locked(&"chutri", 60_000));
    }
}
