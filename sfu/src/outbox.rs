//! Datagrams that wait to be sent, one after the other in one buffer.

use std::net::SocketAddr;

/// When so much waits it is sent, even in the middle of a fan-out: it should still lie in the processor's
/// cache when the kernel reads it.
pub(crate) const OUTBOX_BYTES_MAX: usize = 256 * 1024;

/// One datagram: where it goes and where it lies in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Datagram {
    pub(crate) to: SocketAddr,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Datagrams of one wake-up, at most [`OUTBOX_BYTES_MAX`] and what one receiver gets at once.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pub(crate) bytes: Vec<u8>,
    pub(crate) datagrams: Vec<Datagram>,
}

impl Outbox {
    /// What was written since `start` is a datagram for `to`.
    pub(crate) fn close(&mut self, to: SocketAddr, start: usize) {
        self.datagrams.push(Datagram { to, start, end: self.bytes.len() });
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
        self.datagrams.clear();
    }

    /// Cuts the datagrams into runs that can leave in one send with segmentation offload: one
    /// destination, equal lengths, only the last may be shorter.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &[Datagram]> {
        let mut rest = &self.datagrams[..];
        std::iter::from_fn(move || {
            let first = rest.first()?;
            let segment = first.end - first.start;
            let mut n = 1;
            while n < SEGMENTS_MAX.min(rest.len()) {
                let (last, next) = (rest[n - 1], rest[n]);
                let fits = next.to == first.to
                    && last.end - last.start == segment
                    && next.end - next.start <= segment
                    && next.start == last.end
                    && next.end - first.start <= RUN_BYTES_MAX;
                if !fits {
                    break;
                }
                n += 1;
            }
            let (run, tail) = rest.split_at(n);
            rest = tail;
            Some(run)
        })
    }
}

/// Segments in one send; Linux allows 64.
const SEGMENTS_MAX: usize = 64;

/// Bytes in one send: an IPv4 datagram without headers.
const RUN_BYTES_MAX: usize = 65_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn runs_hold_every_datagram_once_and_obey_the_kernel(
            sizes in proptest::collection::vec((1usize..1_400, 0u16..3), 0..300),
        ) {
            let mut outbox = Outbox::default();
            for (size, port) in &sizes {
                outbox.push(SocketAddr::from(([127, 0, 0, 1], *port)), &vec![0; *size]);
            }
            let mut all = Vec::new();
            for run in outbox.runs() {
                let len = run[0].end - run[0].start;
                prop_assert!(run.iter().all(|it| it.to == run[0].to));
                prop_assert!(run[..run.len() - 1].iter().all(|it| it.end - it.start == len));
                prop_assert!(run[run.len() - 1].end - run[run.len() - 1].start <= len);
                prop_assert!(run[run.len() - 1].end - run[0].start <= RUN_BYTES_MAX.max(len));
                all.extend_from_slice(run);
            }
            prop_assert_eq!(all, outbox.datagrams);
        }
    }
}
