//! The frames of one source in order of time, out of all its logs: layers and parts are joined at key
//! frames, and what cannot be decoded because something before it is missing is left out.

use std::fs::File;
use std::io::BufReader;

use protocol::media::Layer;
use protocol::tap::Codec;

use super::plan::{LogPlan, READ_BYTES, TrackPlan};
use crate::archive::rtplog::{EntryKind, LogReader};
use crate::error::Error;
use crate::rtp::depacketize::{Depacketizer, Frame};
use crate::rtp::reorder::Reorder;
use crate::timeline::TrackClock;

/// A log is opened this long before its first packet, µs: its clock may set its frames earlier.
const OPEN_EARLY_US: i64 = 3_000_000;
/// A layer that has given nothing for so long is left for another one, µs.
const STALE_US: i64 = 1_000_000;

/// A frame and its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TimedFrame {
    /// From the recording's start.
    pub us: i64,
    /// It can be decoded without those before it.
    pub is_key: bool,
    /// Of what.
    pub codec: Codec,
    /// Coded bytes.
    pub bytes: Vec<u8>,
}

/// See the file.
pub(super) struct Feed<'a> {
    waiting: std::iter::Peekable<std::slice::Iter<'a, LogPlan>>,
    open: Vec<OpenLog<'a>>,
    active: Option<Active>,
    needs_key: bool,
}

#[derive(Clone, Copy)]
struct Active {
    id: usize,
    layer: Layer,
    last_us: i64,
}

struct OpenLog<'a> {
    id: usize,
    plan: &'a LogPlan,
    entries: LogReader<BufReader<File>>,
    reorder: Reorder,
    depacketizer: Depacketizer,
    clock: &'a TrackClock,
    next: Option<(i64, Frame)>,
    has_ended: bool,
}

impl<'a> Feed<'a> {
    /// Of one source.
    pub(super) fn new(track: &'a TrackPlan) -> Self {
        let waiting = track.logs.iter().peekable();
        Self { waiting, open: Vec::new(), active: None, needs_key: true }
    }

    /// The next frame that is due by `us`; none if the next is later, or there is none.
    pub(super) fn next_until(&mut self, us: i64) -> Result<Option<TimedFrame>, Error> {
        loop {
            self.open_until(us)?;
            let next = self
                .open
                .iter()
                .enumerate()
                .filter_map(|(n, log)| log.next.as_ref().map(|(at, _)| (*at, n)));
            let Some((at, n)) = next.min() else {
                if self.waiting.peek().is_some_and(|plan| plan.first_us - OPEN_EARLY_US <= us) {
                    continue;
                }
                return Ok(None);
            };
            if at > us {
                return Ok(None);
            }
            let log = &mut self.open[n];
            let (id, layer, codec) = (log.id, log.plan.info.layer, log.plan.info.codec);
            let Some((_, frame)) = log.next.take() else { return Ok(None) };
            log.fill()?;
            self.open.retain(|log| log.next.is_some() || !log.has_ended);
            if let Some(frame) = self.choose((id, layer, codec), at, frame) {
                return Ok(Some(frame));
            }
        }
    }

    /// Whether nothing more can come.
    pub(super) fn is_over(&mut self) -> bool {
        self.open.is_empty() && self.waiting.peek().is_none()
    }

    /// Opens the logs that may have a frame before the next one that is known, and no others.
    fn open_until(&mut self, us: i64) -> Result<(), Error> {
        loop {
            let known = self.open.iter().filter_map(|log| log.next.as_ref().map(|(at, _)| *at));
            let due_us = known.min().map_or(us, |at| at.min(us));
            let next = self.waiting.next_if(|plan| plan.first_us - OPEN_EARLY_US <= due_us);
            let Some(plan) = next else { return Ok(()) };
            let mut log = OpenLog::open(plan, self.waiting.len())?;
            log.fill()?;
            if log.next.is_some() {
                self.open.push(log);
            }
        }
    }

    /// The frame itself, if it belongs to the layer that is shown or takes over from it.
    fn choose(
        &mut self,
        (id, layer, codec): (usize, Layer, Codec),
        us: i64,
        frame: Frame,
    ) -> Option<TimedFrame> {
        match self.active {
            Some(active) if active.id == id => self.needs_key |= frame.after_gap,
            Some(active) => {
                let is_gone = !self.open.iter().any(|log| log.id == active.id);
                // Of equal layers, the later log is the newer connection: ids count down.
                let is_better =
                    (layer, std::cmp::Reverse(id)) > (active.layer, std::cmp::Reverse(active.id));
                let is_stale = us - active.last_us > STALE_US;
                if !frame.is_key || !(is_gone || is_better || is_stale) {
                    return None;
                }
                self.needs_key = false;
            }
            None => {}
        }
        if self.needs_key && !frame.is_key {
            return None;
        }
        self.needs_key = false;
        self.active = Some(Active { id, layer, last_us: us });
        Some(TimedFrame { us, is_key: frame.is_key, codec, bytes: frame.bytes })
    }
}

impl<'a> OpenLog<'a> {
    fn open(plan: &'a LogPlan, id: usize) -> Result<Self, Error> {
        let file = File::open(&plan.full).map_err(Error::archive(&plan.full))?;
        let info = &plan.info;
        Ok(Self {
            id,
            plan,
            entries: LogReader::new(BufReader::with_capacity(READ_BYTES, file)),
            reorder: Reorder::new(info.ssrc, info.payload_type, info.clock_rate),
            depacketizer: Depacketizer::new(info.codec),
            clock: &plan.clock,
            next: None,
            has_ended: false,
        })
    }

    /// Reads until the next frame is whole, or the log ends.
    fn fill(&mut self) -> Result<(), Error> {
        while self.next.is_none() {
            if let Some(packet) = self.reorder.pop() {
                if let Some(frame) = self.depacketizer.push(&packet) {
                    let node_us = self.clock.node_us(frame.ticks, frame.arrival_us);
                    self.next = Some((node_us - self.plan.origin_us, frame));
                }
                continue;
            }
            if self.has_ended {
                return Ok(());
            }
            match self.entries.next_entry().map_err(Error::archive(&self.plan.full))? {
                Some(entry) if entry.kind == EntryKind::Rtp => {
                    self.reorder.push(&entry.bytes, entry.arrival_us);
                }
                Some(_) => {}
                None => {
                    self.has_ended = true;
                    self.reorder.finish();
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
