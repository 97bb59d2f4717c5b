//! Reads transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1): which packets
//! came, and when.

/// Most packets that one report speaks of. A browser reports every 50 to 250 ms; this is ten times what the
/// fastest line gets in that time.
pub(crate) const PACKETS_MAX: usize = 4_096;

/// Units of arrival times, microseconds.
const TICK_US: i64 = 250;

/// Units of the reference time, microseconds. It has 24 bits and wraps after twelve days.
const REFERENCE_US: i64 = 64_000;

/// One report, checked: its status chunks cover what it says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Feedback<'a> {
    base: u16,
    n_packets: usize,
    reference: u32,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It has not come.
    Missing,
    /// It came, microseconds after some moment of the receiver's clock.
    At(i64),
    /// It came; nobody knows when.
    Sometime,
}

/// The symbols of one status chunk.
fn symbols(chunk: u16) -> (usize, impl Fn(usize) -> u16) {
    let n = match chunk >> 14 {
        0 | 1 => usize::from(chunk & 0x1fff),
        2 => 14,
        _ => 7,
    };
    let symbol = move |at: usize| match chunk >> 14 {
        0 | 1 => chunk >> 13 & 0b11,
        2 => chunk >> (13 - at) & 1,
        _ => chunk >> (12 - 2 * at) & 0b11,
    };
    (n, symbol)
}

impl<'a> Feedback<'a> {
    /// Reads what follows the SSRCs; `None` if it is malformed or speaks of too many packets.
    pub(crate) fn parse(body: &'a [u8]) -> Option<Self> {
        let (head, rest) = body.split_first_chunk::<8>()?;
        let n_packets = usize::from(u16::from_be_bytes([head[2], head[3]]));
        if n_packets == 0 || n_packets > PACKETS_MAX {
            return None;
        }
        let (mut covered, mut n_chunks) = (0, 0);
        while covered < n_packets {
            let chunk = rest.get(2 * n_chunks..)?.first_chunk()?;
            let (n, _) = symbols(u16::from_be_bytes(*chunk));
            if n == 0 {
                return None;
            }
            covered += n;
            n_chunks += 1;
        }
        let (chunks, deltas) = rest.split_at(2 * n_chunks);
        Some(Self {
            base: u16::from_be_bytes([head[0], head[1]]),
            n_packets,
            reference: u32::from_be_bytes([0, head[4], head[5], head[6]]),
            chunks,
            deltas,
        })
    }

    /// Calls `each` with every packet's number and what became of it. `near` is the moment of the last
    /// report (microseconds of the receiver's clock), from which the reference time goes on. Stops where the
    /// report ends too early. Returns the reference time.
    pub(crate) fn read(&self, near: Option<i64>, mut each: impl FnMut(u16, Arrival)) -> i64 {
        let reference = unwrapped(self.reference, near);
        let (mut at, mut seq, mut left) = (reference, self.base, self.n_packets);
        let mut deltas = self.deltas;
        for chunk in self.chunks.chunks_exact(2) {
            let (n, symbol) = symbols(u16::from_be_bytes([chunk[0], chunk[1]]));
            for place in 0..n.min(left) {
                let ticks = match symbol(place) {
                    0 => None,
                    1 => {
                        let Some((&delta, rest)) = deltas.split_first() else { return reference };
                        deltas = rest;
                        Some(i64::from(delta))
                    }
                    2 => {
                        let Some((&delta, rest)) = deltas.split_first_chunk() else {
                            return reference;
                        };
                        deltas = rest;
                        Some(i64::from(i16::from_be_bytes(delta)))
                    }
                    _ => {
                        each(seq, Arrival::Sometime);
                        seq = seq.wrapping_add(1);
                        continue;
                    }
                };
                each(
                    seq,
                    ticks.map_or(Arrival::Missing, |ticks| {
                        at += ticks * TICK_US;
                        Arrival::At(at)
                    }),
                );
                seq = seq.wrapping_add(1);
            }
            left -= n.min(left);
        }
        reference
    }
}

/// A reference time of 24 bits as microseconds, next to the one before.
fn unwrapped(reference: u32, near: Option<i64>) -> i64 {
    let Some(near) = near else { return i64::from(reference) * REFERENCE_US };
    let near = near.div_euclid(REFERENCE_US);
    // The difference as a signed number of 24 bits.
    let difference = (reference.wrapping_sub(near as u32) << 8) as i32 >> 8;
    (near + i64::from(difference)) * REFERENCE_US
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(body: &[u8], near: Option<i64>) -> Vec<(u16, Arrival)> {
        let mut found = Vec::new();
        let feedback = Feedback::parse(body).unwrap();
        feedback.read(near, |seq, arrival| found.push((seq, arrival)));
        found
    }

    #[test]
    fn chunks_of_all_three_kinds_are_read() {
        // 20 packets from 65,530: three that came (run), one bit each for 14, two bits each for the rest.
        let mut body = vec![0xff, 0xfa, 0, 20, 0, 0, 2, 9];
        body.extend_from_slice(&[0x20, 3]);
        body.extend_from_slice(&(0b10 << 14 | 0b10_0000_0000_0001_u16).to_be_bytes());
        body.extend_from_slice(&(0b11 << 14 | 0b10_01_11_u16 << 8).to_be_bytes());
        body.extend_from_slice(&[4, 4, 0, 8, 1, 0xff, 0xfc, 12]);
        let found = found(&body, None);
        let ms = |ms: i64| Arrival::At(128_000 + ms * 1_000);
        assert_eq!(found.len(), 20);
        assert_eq!(
            found[..4],
            [(65_530, ms(1)), (65_531, ms(2)), (65_532, ms(2)), (65_533, ms(4))]
        );
        assert_eq!(found[4], (65_534, Arrival::Missing));
        assert_eq!(found[16], (10, Arrival::At(132_250)));
        assert_eq!(
            found[17],
            (11, Arrival::At(131_250)),
            "a packet may come before the one before"
        );
        assert_eq!(found[18], (12, Arrival::At(134_250)));
        assert_eq!(found[19], (13, Arrival::Sometime));
    }

    #[test]
    fn the_reference_time_goes_on_where_it_wraps() {
        let body = [0, 1, 0, 1, 0, 0, 0, 0, 0x20, 1, 0, 0];
        let last = i64::from(0xff_fffe_u32) * REFERENCE_US;
        assert_eq!(found(&body, Some(last))[0].1, Arrival::At(last + 2 * REFERENCE_US));
    }

    #[test]
    fn a_report_on_more_packets_than_there_can_be_is_malformed() {
        for n_packets in [0_u16, 5_000] {
            let mut body = vec![0, 0];
            body.extend_from_slice(&n_packets.to_be_bytes());
            body.extend_from_slice(&[0, 0, 0, 0, 0x1f, 0xff, 0x1f, 0xff]);
            assert!(Feedback::parse(&body).is_none());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_fail(body: Vec<u8>, near: Option<i32>) {
            if let Some(feedback) = Feedback::parse(&body) {
                let mut n = 0;
                feedback.read(near.map(i64::from), |_, _| n += 1);
                prop_assert!(n <= PACKETS_MAX);
            }
        }
    }
}
