//! The first pass over a track's log: sender reports and arrival times, in bounded memory.

use super::fit::{MediaClock, Tie};
use super::offset::Points;
use crate::archive::rtplog::{Entry, EntryKind};
use crate::rtp::packet::{parse, parse_sender_report};
use crate::rtp::unwrap::TimeUnwrapper;

/// Most sender reports kept: half a day of one a second. Beyond, every other one is forgotten.
const TIES_MAX: usize = 43_200;

/// See the file.
#[derive(Debug)]
pub struct Survey {
    ssrc: u32,
    payload_type: u8,
    clock_rate: u32,
    times: TimeUnwrapper,
    ties: Vec<Tie>,
    keep_every: usize,
    n_reports: usize,
    reported: Points,
    arrived: Points,
    /// Arrival of the first packet, µs since 1970.
    pub first_us: Option<i64>,
    /// Arrival of the last packet, µs since 1970.
    pub last_us: i64,
    /// Packets of the track.
    pub n_packets: u64,
}

impl Survey {
    /// For one source.
    pub fn new(ssrc: u32, payload_type: u8, clock_rate: u32) -> Self {
        Self {
            ssrc,
            payload_type,
            clock_rate: clock_rate.max(1),
            times: TimeUnwrapper::new(clock_rate),
            ties: Vec::new(),
            keep_every: 1,
            n_reports: 0,
            reported: Points::default(),
            arrived: Points::default(),
            first_us: None,
            last_us: 0,
            n_packets: 0,
        }
    }

    /// Takes the next entry of the log.
    pub fn push(&mut self, entry: &Entry) {
        match entry.kind {
            EntryKind::Rtp => self.push_rtp(&entry.bytes, entry.arrival_us),
            EntryKind::SenderReport => self.push_report(&entry.bytes, entry.arrival_us),
            EntryKind::Header | EntryKind::End => {}
        }
    }

    fn push_rtp(&mut self, bytes: &[u8], arrival_us: i64) {
        let Some((header, _)) = parse(bytes) else { return };
        if header.ssrc != self.ssrc || header.payload_type != self.payload_type {
            return;
        }
        let ticks = self.times.unwrap(header.timestamp, arrival_us);
        self.first_us.get_or_insert(arrival_us);
        self.last_us = self.last_us.max(arrival_us);
        self.n_packets += 1;
        let nominal_us = MediaClock::nominal_us(ticks, self.clock_rate);
        self.arrived.push(nominal_us, arrival_us - nominal_us);
    }

    fn push_report(&mut self, bytes: &[u8], arrival_us: i64) {
        let Some(report) = parse_sender_report(bytes) else { return };
        // A report before the first packet has nothing to be counted from.
        if report.ssrc != self.ssrc || self.first_us.is_none() {
            return;
        }
        let ticks = self.times.unwrap(report.timestamp, arrival_us);
        self.reported.push(report.ntp_us, arrival_us.saturating_sub(report.ntp_us));
        self.n_reports += 1;
        if !self.n_reports.is_multiple_of(self.keep_every) {
            return;
        }
        self.ties.push(Tie { ticks, sender_us: report.ntp_us });
        if self.ties.len() >= TIES_MAX {
            let mut n = 0;
            self.ties.retain(|_| {
                n += 1;
                n % 2 == 0
            });
            self.keep_every *= 2;
        }
    }

    /// Whether the sender said how its media time goes with its clock.
    pub fn is_reported(&self) -> bool {
        !self.ties.is_empty()
    }

    /// How long things took from the sender's clock to the node's. Without reports, media time is taken
    /// for the sender's clock.
    pub(super) fn points(&self) -> &Points {
        if self.is_reported() { &self.reported } else { &self.arrived }
    }

    /// Media time to the sender's clock.
    pub(super) fn media_clock(&self) -> MediaClock {
        MediaClock::fit(&self.ties, self.clock_rate)
    }
}
