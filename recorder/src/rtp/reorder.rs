//! Puts packets back into the order in which they were sent, waiting a bounded time for missing ones.

use std::collections::BTreeMap;

use super::packet::{Header, parse};
use super::unwrap::{SequenceUnwrapper, TimeUnwrapper};

/// How long a missing packet is waited for, µs of arrival. A retransmission was measured 60 to 110 ms
/// late; a composition has time, so it waits for slow links too.
const WAIT_US: i64 = 1_000_000;
/// How long the first packet is held before it counts as the first: one sent earlier may come later.
const START_US: i64 = 100_000;
/// Most packets held: two seconds of a 5 Mbit/s picture.
const HELD_MAX: usize = 2_048;

/// A packet in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordered {
    /// Packets are missing right before this one.
    pub after_gap: bool,
    /// Media time without wraps, ticks.
    pub ticks: i64,
    /// When it came in, µs since 1970.
    pub arrival_us: i64,
    /// The last packet of a frame.
    pub marker: bool,
    /// The codec's part of the packet.
    pub payload: Vec<u8>,
}

/// See the file.
#[derive(Debug)]
pub struct Reorder {
    ssrc: u32,
    payload_type: u8,
    sequences: SequenceUnwrapper,
    times: TimeUnwrapper,
    held: BTreeMap<i64, (Header, i64, Vec<u8>)>,
    next: Option<i64>,
    first_us: Option<i64>,
    latest_us: i64,
    is_finished: bool,
}

impl Reorder {
    /// For one source. Packets of other sources or payload types are left out.
    pub fn new(ssrc: u32, payload_type: u8, clock_rate: u32) -> Self {
        Self {
            ssrc,
            payload_type,
            sequences: SequenceUnwrapper::default(),
            times: TimeUnwrapper::new(clock_rate),
            held: BTreeMap::new(),
            next: None,
            first_us: None,
            latest_us: i64::MIN,
            is_finished: false,
        }
    }

    /// Takes a packet in the order of arrival.
    pub fn push(&mut self, bytes: &[u8], arrival_us: i64) {
        let Some((header, payload)) = parse(bytes) else { return };
        if header.ssrc != self.ssrc || header.payload_type != self.payload_type {
            return;
        }
        let number = self.sequences.unwrap(header.sequence);
        if self.first_us.is_none() {
            // Media times are counted from the first packet to arrive, here and in the survey.
            self.first_us = Some(arrival_us);
            self.times.unwrap(header.timestamp, arrival_us);
        }
        self.latest_us = self.latest_us.max(arrival_us);
        if self.next.is_none_or(|next| number >= next) {
            self.held.entry(number).or_insert_with(|| (header, arrival_us, payload.to_vec()));
        }
    }

    /// No more packets will come: nothing is waited for.
    pub fn finish(&mut self) {
        self.is_finished = true;
    }

    /// The next packet in order, if it is here or is not waited for any longer.
    pub fn pop(&mut self) -> Option<Ordered> {
        let (&number, &(_, arrival_us, _)) = self.held.first_key_value()?;
        let waited = |us: i64| self.latest_us.saturating_sub(us);
        let is_due = match self.next {
            Some(next) if next == number => true,
            Some(_) => waited(arrival_us) >= WAIT_US,
            None => waited(self.first_us.unwrap_or(arrival_us)) >= START_US,
        };
        if !is_due && !self.is_finished && self.held.len() < HELD_MAX {
            return None;
        }
        let after_gap = self.next.is_some_and(|next| next != number);
        let (header, arrival_us, payload) = self.held.remove(&number)?;
        self.next = Some(number + 1);
        let ticks = self.times.unwrap(header.timestamp, arrival_us);
        Some(Ordered { after_gap, ticks, arrival_us, marker: header.marker, payload })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packet(number: usize) -> Vec<u8> {
        let mut bytes = vec![0x80, 96];
        bytes.extend_from_slice(&(65_530_u16.wrapping_add(number as u16)).to_be_bytes());
        bytes.extend_from_slice(&(number as u32 * 960).to_be_bytes());
        bytes.extend_from_slice(&7_u32.to_be_bytes());
        bytes.extend_from_slice(&(number as u32).to_be_bytes());
        bytes
    }

    fn number(ordered: &Ordered) -> usize {
        let bytes = ordered.payload[..].try_into().expect("four bytes");
        u32::from_be_bytes(bytes) as usize
    }

    proptest! {
        #[test]
        fn late_doubled_and_lost_packets_come_out_once_in_order_with_the_gaps_told(
            fates in prop::collection::vec((0_i64..90_000, 0_u8..20), 2..300),
        ) {
            let mut sent = Vec::new();
            for (number, (delay_us, fate)) in fates.iter().enumerate() {
                let at = number as i64 * 20_000;
                if *fate == 0 { continue; }
                sent.push((at + delay_us, number));
                if *fate == 1 { sent.push((at + delay_us + 5_000, number)); }
            }
            sent.sort_unstable();
            let mut reorder = Reorder::new(7, 96, 48_000);
            let mut out = Vec::new();
            for (arrival_us, number) in &sent {
                reorder.push(&packet(*number), *arrival_us);
                out.extend(std::iter::from_fn(|| reorder.pop()));
            }
            reorder.finish();
            out.extend(std::iter::from_fn(|| reorder.pop()));
            let mut expected: Vec<usize> = sent.iter().map(|(_, number)| *number).collect();
            expected.sort_unstable();
            expected.dedup();
            prop_assert_eq!(out.iter().map(number).collect::<Vec<_>>(), expected.clone());
            for pair in out.windows(2) {
                prop_assert_eq!(pair[1].after_gap, number(&pair[1]) != number(&pair[0]) + 1);
                let steps = number(&pair[1]) as i64 - number(&pair[0]) as i64;
                prop_assert_eq!(pair[1].ticks - pair[0].ticks, steps * 960);
            }
        }
    }

    #[test]
    fn packets_of_another_source_are_left_out() {
        let mut reorder = Reorder::new(8, 96, 48_000);
        reorder.push(&packet(1), 0);
        reorder.finish();
        assert_eq!(reorder.pop(), None);
    }
}
