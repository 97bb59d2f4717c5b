//! Datagrams that wait to be sent, one after the other in one buffer, cut into runs as they are written.

use std::net::SocketAddr;

use crate::tcp;

/// When so much waits it is sent, even in the middle of a fan-out: it should still lie in the processor's
/// cache when the kernel reads it.
pub(crate) const OUTBOX_BYTES_MAX: usize = 256 * 1024;

/// Segments in one send; Linux allows 64.
const SEGMENTS_MAX: usize = 64;

/// Bytes in one send: an IPv4 datagram without headers.
const RUN_BYTES_MAX: usize = 65_000;

/// Datagrams that can leave in one send with segmentation offload: one destination, one behind the other,
/// equal lengths, only the last may be shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) to: SocketAddr,
    /// Where the bytes lie in [`Outbox::bytes`].
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Bytes of every datagram but the last.
    pub(crate) segment: usize,
    /// Datagrams.
    pub(crate) n: usize,
}

impl Run {
    /// The datagrams one by one, each as a run of its own.
    pub(crate) fn singles(self) -> impl Iterator<Item = Self> {
        (0..self.n).map(move |at| {
            let start = self.start + at * self.segment;
            let end = (start + self.segment).min(self.end);
            Self { start, end, segment: end - start, n: 1, ..self }
        })
    }

    /// Takes a datagram of `len` bytes that was written behind the run, if it fits.
    fn extend(&mut self, to: SocketAddr, start: usize, end: usize) -> bool {
        let fits = self.end == start
            && self.to == to
            && end - start <= self.segment
            && self.end - self.start == self.n * self.segment
            && self.n < SEGMENTS_MAX
            && end - self.start <= RUN_BYTES_MAX;
        if fits {
            self.end = end;
            self.n += 1;
        }
        fits
    }
}

/// Datagrams of one wake-up, at most [`OUTBOX_BYTES_MAX`] and what one receiver gets at once.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pub(crate) bytes: Vec<u8>,
    pub(crate) runs: Vec<Run>,
    /// Some runs are for TCP connections.
    pub(crate) has_tcp: bool,
}

impl Outbox {
    /// What was written since `start` is a datagram for `to`.
    pub(crate) fn close(&mut self, to: SocketAddr, start: usize) {
        let end = self.bytes.len();
        if !self.runs.last_mut().is_some_and(|run| run.extend(to, start, end)) {
            self.has_tcp |= tcp::is_tcp(to);
            self.runs.push(Run { to, start, end, segment: end - start, n: 1 });
        }
    }

    /// Adds a datagram.
    pub(crate) fn push(&mut self, to: SocketAddr, bytes: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.close(to, start);
    }

    /// Forgets what was sent; keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.runs.clear();
        self.has_tcp = false;
    }

    /// Nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn runs_hold_every_datagram_once_and_obey_the_kernel(
            sizes in proptest::collection::vec((prop_oneof![1usize..1_400, 1_198usize..1_201], 0u16..3), 0..300),
        ) {
            let mut outbox = Outbox::default();
            for (size, port) in &sizes {
                outbox.push(SocketAddr::from(([127, 0, 0, 1], *port)), &vec![0; *size]);
            }
            let mut all = Vec::new();
            for run in &outbox.runs {
                prop_assert!(run.n <= SEGMENTS_MAX && run.end - run.start <= RUN_BYTES_MAX);
                let singles: Vec<Run> = run.singles().collect();
                prop_assert!(singles[..run.n - 1].iter().all(|it| it.end - it.start == run.segment));
                prop_assert!((1..=run.segment).contains(&(run.end - singles[run.n - 1].start)));
                all.extend(singles.iter().map(|it| (it.end - it.start, it.to.port())));
            }
            prop_assert_eq!(all, sizes);
        }
    }
}
