//! What a receiver's line carries, and what is sent on it. `docs/allocation.md` has the rules. Pure
//! machines: bytes and moments go in, numbers come out.

pub(crate) mod allocate;
pub(crate) mod demand;
pub(crate) mod estimate;
pub(crate) mod feedback;
pub(crate) mod meter;
pub(crate) mod pacer;
pub(crate) mod policer;
pub(crate) mod probe;
pub(crate) mod rate;
pub(crate) mod trend;

use std::time::Instant;

use allocate::{Ask, Given, Memory, Total};
use estimate::Estimator;
use pacer::Pacer;

use crate::forward::line::LineConfig;

/// The line of one receiving session.
#[derive(Debug, Default)]
pub(crate) struct Receiver {
    /// None: the browser reports nothing that could be estimated from.
    pub(crate) estimator: Option<Box<Estimator>>,
    pub(crate) pacer: Pacer,
    pub(crate) memory: Memory,
    pub(crate) total: Total,
    /// Scratch: the lines with pictures in the order of the wants, what they ask, what they get.
    pub(crate) order: Vec<usize>,
    pub(crate) asks: Vec<Ask>,
    pub(crate) given: Vec<Given>,
}

impl Receiver {
    /// A line of which reports will come.
    pub(crate) fn measured(now: Instant) -> Self {
        let estimator = Some(Box::new(Estimator::new(now)));
        Self { estimator, pacer: Pacer::new(), ..Self::default() }
    }

    /// What the line carries, bit/s, if it is known.
    pub(crate) fn estimate(&self) -> Option<u32> {
        self.estimator.as_ref().map(|it| it.estimate())
    }

    /// A packet of a line left with this transport-wide number, if the line has such numbers.
    pub(crate) fn sent(&mut self, config: &LineConfig, seq: u16, bytes: usize, now: Instant) {
        if let Some(estimator) = self.estimator.as_mut().filter(|_| config.transport_cc != 0) {
            estimator.sent(seq, bytes, now);
        }
    }

    /// When something of the line is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let estimator = self.estimator.as_ref().and_then(|it| it.poll_timeout());
        [estimator, self.pacer.poll_timeout()].into_iter().flatten().min()
    }
}
