//! What the core has to say to the control plane and the recorder, on its way into their queues.

use std::collections::VecDeque;

use protocol::control::MediaEvent;
use protocol::tap::TapMessage;
use tokio::sync::mpsc::{Sender, error::TrySendError};

use crate::core::Core;

/// Events that wait because the control plane's queue is full. Beyond that the oldest are lost; the
/// control plane then opens the link again.
const EVENTS_WAITING_MAX: usize = 4_096;

/// Messages about tracks that wait because the recorder's queue is full.
const TAP_WAITING_MAX: usize = 4_096;

/// The queues.
pub(crate) struct Outlet {
    pub(crate) events: Sender<MediaEvent>,
    pub(crate) tap: Sender<TapMessage>,
    pub(crate) tap_waiting: VecDeque<TapMessage>,
    /// Packets lost since the recorder was last told.
    pub(crate) tap_dropped: u64,
}

impl Outlet {
    /// Passes on events and the recorder's packets. Nobody is waited for. Returns how many of the recorder's
    /// packets were lost.
    pub(crate) fn tell(&mut self, core: &mut Core) -> u64 {
        while let Some(event) = core.events.pop_front() {
            if let Err(TrySendError::Full(event)) = self.events.try_send(event) {
                core.events.push_front(event);
                break;
            }
        }
        while core.events.len() > EVENTS_WAITING_MAX {
            core.events.pop_front();
            core.counters.dropped_events += 1;
        }
        let mut n_lost = 0;
        while let Some(message) = core.tap.pop_front() {
            n_lost += self.tell_recorder(message);
        }
        self.try_waiting();
        n_lost
    }

    /// Packets are thrown away when the queue is full; what is said about tracks waits, and packets
    /// never overtake it. Returns how many were lost.
    fn tell_recorder(&mut self, mut message: TapMessage) -> u64 {
        if let TapMessage::Packets { packets, dropped, .. } = &mut message {
            if !self.try_waiting() {
                return self.lost(packets.len());
            }
            *dropped = std::mem::take(&mut self.tap_dropped);
            if let Err(TrySendError::Full(TapMessage::Packets { packets, dropped, .. })) =
                self.tap.try_send(message)
            {
                self.tap_dropped = dropped;
                return self.lost(packets.len());
            }
            return 0;
        }
        let mut n_lost = 0;
        if self.tap_waiting.len() < TAP_WAITING_MAX {
            self.tap_waiting.push_back(message);
        } else {
            n_lost = self.lost(1);
        }
        self.try_waiting();
        n_lost
    }

    fn lost(&mut self, n: usize) -> u64 {
        self.tap_dropped += n as u64;
        n as u64
    }

    /// Sends what waits for the recorder. Returns whether nothing waits any more.
    fn try_waiting(&mut self) -> bool {
        while let Some(message) = self.tap_waiting.pop_front() {
            match self.tap.try_send(message) {
                Err(TrySendError::Full(message)) => {
                    self.tap_waiting.push_front(message);
                    return false;
                }
                // No recorder any more: there is nobody to tell.
                Ok(()) | Err(TrySendError::Closed(_)) => {}
            }
        }
        true
    }
}
