//! One end of a trunk as a machine: the hello that names version and node, signs of life, the round trip. Who has
//! said nothing for [`DEAD_AFTER`] is dead, whatever QUIC still hopes.

use std::time::{Duration, Instant};

use crate::trunk::frame::{Frame, Why};
use crate::trunk::{BEAT, DEAD_AFTER, TRUNK_VERSION};

/// What became of the trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing was heard of the other for [`DEAD_AFTER`].
    Silent,
    /// We leave: the connection is to be closed with the reason.
    Refused(Why),
    /// The other left.
    Left(Why),
}

/// What to do with a frame that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Nothing.
    Nothing,
    /// The trunk is up from now on.
    Up,
    /// The relay's to handle.
    Pass(Frame),
    /// The trunk is over.
    Over(End),
}

/// One end.
#[derive(Debug)]
pub struct Link {
    /// The name in the other's certificate.
    peer: String,
    is_up: bool,
    heard: Instant,
    next_beat: Instant,
    n_beats: u32,
    /// When the beats of the last round were sent, by number.
    sent: [Option<(u32, Instant)>; SENT_MAX],
    newest: Option<(u32, Instant)>,
    rtt: Option<Duration>,
}

/// Beats of which an echo may still come.
const SENT_MAX: usize = 8;

impl Link {
    /// An end whose connection has just been made with `peer`, as the other's certificate says. The first frame to
    /// send is [`Self::hello`].
    pub fn new(peer: &str, now: Instant) -> Self {
        Self {
            peer: peer.to_owned(),
            is_up: false,
            heard: now,
            next_beat: now + BEAT,
            n_beats: 0,
            sent: [None; SENT_MAX],
            newest: None,
            rtt: None,
        }
    }

    /// The first frame of the node called `name`.
    pub fn hello(name: &str) -> Frame {
        Frame::Hello { version: TRUNK_VERSION, name: name.to_owned() }
    }

    /// Round trip between the two programs, once measured.
    pub fn rtt(&self) -> Option<Duration> {
        self.rtt
    }

    /// Takes a frame.
    pub fn handle(&mut self, frame: Frame, now: Instant) -> Heard {
        self.heard = now;
        let refused = |why| Heard::Over(End::Refused(why));
        match frame {
            Frame::Hello { .. } if self.is_up => refused(Why::Frame),
            Frame::Hello { version, .. } if version != TRUNK_VERSION => refused(Why::Version),
            Frame::Hello { name, .. } if name != self.peer => refused(Why::Name),
            Frame::Hello { .. } => {
                self.is_up = true;
                Heard::Up
            }
            _ if !self.is_up => refused(Why::Frame),
            Frame::Beat { number, echo, held_us } => {
                self.newest = Some((number, now));
                let of = self.sent[echo as usize % SENT_MAX].filter(|(sent, _)| *sent == echo);
                if let Some((_, at)) = of {
                    let held = Duration::from_micros(u64::from(held_us));
                    self.rtt = Some(now.saturating_duration_since(at).saturating_sub(held));
                }
                Heard::Nothing
            }
            other => Heard::Pass(other),
        }
    }

    /// Takes note that a datagram came: that, too, is a sign of life.
    pub fn handle_datagram(&mut self, now: Instant) {
        self.heard = now;
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Instant {
        self.next_beat.min(self.heard + DEAD_AFTER)
    }

    /// Does what the passing of time asks for.
    ///
    /// # Errors
    /// The other end is dead.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<Option<Frame>, End> {
        if now.saturating_duration_since(self.heard) >= DEAD_AFTER {
            return Err(End::Silent);
        }
        if now < self.next_beat {
            return Ok(None);
        }
        self.next_beat = now + BEAT;
        self.n_beats = self.n_beats.wrapping_add(1).max(1);
        self.sent[self.n_beats as usize % SENT_MAX] = Some((self.n_beats, now));
        let (echo, at) = self.newest.unwrap_or((0, now));
        let held = now.saturating_duration_since(at).as_micros();
        let held_us = u32::try_from(held).unwrap_or(u32::MAX);
        Ok(Some(Frame::Beat { number: self.n_beats, echo, held_us }))
    }
}
