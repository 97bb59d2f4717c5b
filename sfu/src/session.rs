//! One media connection: the browser's path and keys, the lines it sends on and those it receives on.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use protocol::control::SessionKind;
use protocol::id::SessionId;
use protocol::media::{Slot, SlotLimit, Source, TrackKey, Want};
use rustc_hash::FxHashMap;

use crate::bandwidth::Receiver;
use crate::bandwidth::pacer::TICK;
use crate::core::Remembered;
use crate::forward::line::Line;
use crate::insight::SessionSeen;
use crate::peer::dtls::Dtls;
use crate::peer::offer::{Chosen, Extensions};
use crate::peer::srtp::{Direction, Window};
use crate::receive::transport_cc::TransportCc;
use crate::room::Room;
use crate::speaker::TrackIndex;
use crate::system::prefetch;

/// Addresses of one browser that ICE validated: its interfaces times ours.
pub(crate) const ADDRESSES_MAX: usize = 16;

/// An address belongs to the session that sends to it, until that has not been heard for so long. Browsers
/// check theirs every 2.5 s.
pub(crate) const ADDRESS_KEPT: Duration = Duration::from_secs(5);

/// Streams that one browser sends: four lines, three layers, each with retransmissions, twice over.
pub(crate) const STREAMS_MAX: usize = 48;

/// Packets that did not open on streams never heard of; after so many, the fallback cipher is not tried
/// on unknown streams.
pub(crate) const STRANGERS_MAX: u32 = 1_024;

/// A session without an authentic sign of life for so long is over (RFC 7675 §5.1); so is one whose
/// handshake takes longer.
pub(crate) const CONSENT: Duration = Duration::from_secs(30);

/// Packets per second that a session may send us, and in one burst. A camera of 5 Mbit/s with all layers
/// and a shared screen is under 1,500.
const BUDGET_PER_SECOND: u32 = 6_000;
const BUDGET_BURST: u32 = 6_000;

/// Packets per second that are sent again to one receiver. More than that is a broken line, and
/// repeating would break it further.
const RESEND_PER_SECOND: u32 = 500;

/// A bucket that fills with time.
#[derive(Debug)]
pub(crate) struct Budget {
    /// Thousandths of a packet.
    level: u64,
    per_second: u32,
    burst: u32,
    filled: Instant,
}

impl Budget {
    fn new(per_second: u32, burst: u32, now: Instant) -> Self {
        Self { level: u64::from(burst) * 1_000, per_second, burst, filled: now }
    }

    /// Takes one packet out, if there is one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let ms = now.saturating_duration_since(self.filled).as_millis() as u64;
        if ms > 0 {
            self.filled = now;
            let filled = self.level + ms.saturating_mul(u64::from(self.per_second));
            self.level = filled.min(u64::from(self.burst) * 1_000);
        }
        let Some(rest) = self.level.checked_sub(1_000) else { return false };
        self.level = rest;
        true
    }
}

/// A line on which the browser sends.
pub(crate) struct SendLine {
    pub(crate) mid: String,
    pub(crate) source: Source,
    pub(crate) chosen: Chosen,
    pub(crate) extensions: Extensions,
    pub(crate) rids: Vec<String>,
    pub(crate) ssrcs: Vec<(u32, Option<u32>)>,
    /// The room's track, once its first packet came.
    pub(crate) track: Option<TrackIndex>,
    /// The same publisher has come in at another node since.
    pub(crate) is_superseded: bool,
    /// Media SSRC of each layer.
    pub(crate) layer_ssrcs: [Option<u32>; 3],
}

/// What an incoming SSRC is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// A layer of a sending line.
    Media { line: usize, layer: usize },
    /// Retransmissions of it.
    Rtx { line: usize, layer: usize },
}

/// An incoming SSRC.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incoming {
    pub(crate) stream: Stream,
    pub(crate) window: Window,
}

/// Both directions' keys.
pub(crate) struct Srtp {
    pub(crate) local: Direction,
    pub(crate) remote: Direction,
}

/// The connection.
pub(crate) struct Session {
    pub(crate) id: SessionId,
    /// Tells it from an earlier session with the same index.
    pub(crate) serial: u64,
    pub(crate) room: usize,
    pub(crate) publisher: String,
    pub(crate) kind: SessionKind,
    pub(crate) wants: Vec<Want>,
    pub(crate) ufrag: String,
    pub(crate) password: String,
    /// For the next offer of the same connection.
    pub(crate) remembered: Remembered,
    pub(crate) dtls: Dtls,
    pub(crate) has_started_dtls: bool,
    /// Validated addresses; the last one nominated is where we send.
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) selected: Option<SocketAddr>,
    pub(crate) srtp: Option<Srtp>,
    pub(crate) began: Instant,
    pub(crate) heard: Instant,
    pub(crate) sends: Vec<SendLine>,
    pub(crate) lines: Vec<Line>,
    /// What is known of them and of the way to the browser.
    pub(crate) seen: SessionSeen,
    /// Already on the list of the fan-out that is being made.
    pub(crate) is_served: bool,
    /// What the browser's line carries.
    pub(crate) receiver: Receiver,
    /// What limits the lines' pictures, as it was told last, and when.
    pub(crate) told_limits: Vec<SlotLimit>,
    pub(crate) told_limits_at: Option<Instant>,
    /// The control plane knows what the lines carry.
    pub(crate) has_told_slots: bool,
    /// For each track of the room, the line that carries it; [`NO_LINE`] for none.
    pub(crate) line_of_track: Vec<u16>,
    pub(crate) incoming: FxHashMap<u32, Incoming>,
    /// Authentic streams that have not said yet which line they belong to.
    pub(crate) unidentified: Vec<u32>,
    /// Packets of unknown streams that did not open.
    pub(crate) n_strangers: u32,
    pub(crate) transport_cc: TransportCc,
    /// The next transport-wide sequence number of what we send.
    pub(crate) transport_seq: u16,
    /// Our own SSRC in reports.
    pub(crate) rtcp_ssrc: u32,
    pub(crate) budget: Budget,
    pub(crate) resend_budget: Budget,
    /// Our wall clock minus the browser's, microseconds. One for all its tracks, so they stay in step.
    pub(crate) clock_offset_us: Option<i64>,
    pub(crate) next_report: Instant,
    pub(crate) next_tick: Instant,
}

/// No line carries the track.
pub(crate) const NO_LINE: u16 = u16::MAX;

/// What a session is made of.
pub(crate) struct NewSession {
    pub(crate) id: SessionId,
    pub(crate) serial: u64,
    pub(crate) room: usize,
    pub(crate) publisher: String,
    pub(crate) kind: SessionKind,
    pub(crate) ufrag: String,
    pub(crate) password: String,
    pub(crate) dtls: Dtls,
    pub(crate) sends: Vec<SendLine>,
    pub(crate) lines: Vec<Line>,
    pub(crate) receiver: Receiver,
    pub(crate) rtcp_ssrc: u32,
    pub(crate) remembered: Remembered,
}

impl Session {
    /// A session that waits for its browser.
    pub(crate) fn new(new: NewSession, now: Instant) -> Self {
        Self {
            id: new.id,
            serial: new.serial,
            room: new.room,
            publisher: new.publisher,
            kind: new.kind,
            wants: Vec::new(),
            ufrag: new.ufrag,
            password: new.password,
            remembered: new.remembered,
            dtls: new.dtls,
            has_started_dtls: false,
            addresses: Vec::new(),
            selected: None,
            srtp: None,
            began: now,
            heard: now,
            sends: new.sends,
            seen: SessionSeen::new(new.lines.len()),
            lines: new.lines,
            receiver: new.receiver,
            told_limits: Vec::new(),
            told_limits_at: None,
            is_served: false,
            has_told_slots: false,
            line_of_track: Vec::new(),
            incoming: FxHashMap::default(),
            unidentified: Vec::new(),
            n_strangers: 0,
            transport_cc: TransportCc::new(now),
            transport_seq: 0,
            rtcp_ssrc: new.rtcp_ssrc,
            budget: Budget::new(BUDGET_PER_SECOND, BUDGET_BURST, now),
            resend_budget: Budget::new(RESEND_PER_SECOND, RESEND_PER_SECOND, now),
            clock_offset_us: None,
            next_report: now,
            next_tick: now,
        }
    }

    /// Counts the ticks of the pacer.
    pub(crate) fn tick(&self, now: Instant) -> u32 {
        (now.saturating_duration_since(self.began).as_millis() as u64 / TICK.as_millis() as u64)
            as u32
    }

    /// Puts `track` on a line, or nothing, and keeps the index in step.
    pub(crate) fn assign(&mut self, line: usize, track: Option<TrackIndex>) {
        let Some(it) = self.lines.get_mut(line) else { return };
        if let Some(entry) = it.track.and_then(|before| self.line_of_track.get_mut(before)) {
            *entry = NO_LINE;
        }
        it.assign(track);
        if let Some(track) = track {
            if self.line_of_track.len() <= track {
                self.line_of_track.resize(track + 1, NO_LINE);
            }
            self.line_of_track[track] = line as u16;
        }
    }

    /// Has what a fan-out reads here first fetched from memory, without waiting for it.
    pub(crate) fn fetch(&self) {
        prefetch(&self.selected);
        prefetch(&self.lines);
        prefetch(&self.line_of_track);
        prefetch(&self.receiver.estimator);
        prefetch(&self.transport_seq);
    }

    /// Has what a fan-out needs to send `track` here fetched from memory. [`Self::fetch`] should have had time.
    pub(crate) fn fetch_line_of(&self, track: TrackIndex) {
        if let Some(srtp) = &self.srtp {
            prefetch(&srtp.local);
        }
        let line = self.line_of_track.get(track).copied().unwrap_or(NO_LINE);
        if let Some(line) = self.lines.get(usize::from(line)) {
            prefetch(line);
        }
        if let Some(estimator) = &self.receiver.estimator {
            estimator.fetch(self.transport_seq);
        }
    }

    /// What every receiving line carries, for the control plane.
    pub(crate) fn slots(&self, room: &Room) -> Vec<Slot> {
        let key = |track: TrackIndex| -> Option<TrackKey> {
            room.tracks.get(track)?.as_ref().map(|track| track.key.clone())
        };
        self.lines
            .iter()
            .map(|line| Slot { mid: line.config.mid.clone(), track: line.track.and_then(key) })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
    fn a_budget_is_spent_and_fills_again() {
        let start = Instant::now();
        let mut budget = Budget::new(100, 10, start);
        assert_eq!((0..20).filter(|_| budget.take(start)).count(), 10);
        let later = start + Duration::from_millis(50);
        assert_eq!((0..20).filter(|_| budget.take(later)).count(), 5);
    }
}
