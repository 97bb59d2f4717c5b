//! What the tap said before the order to record arrived, and which recordings are over. Both bounded.

use std::collections::{HashMap, VecDeque};

use protocol::id::RecordingId;
use protocol::tap::{TapMessage, TapPackets};

/// Most recordings that may be waited for.
const RECORDINGS_MAX: usize = 64;
/// Most bytes kept for one of them: some seconds of a large meeting. More is thrown away and counted.
const BYTES_MAX: usize = 8 * 1024 * 1024;
/// Most messages kept for one of them.
const MESSAGES_MAX: usize = 20_000;
/// Most closed recordings remembered.
const CLOSED_MAX: usize = 256;

/// Tap messages without a recording.
#[derive(Debug, Default)]
pub(super) struct Pending {
    waiting: HashMap<RecordingId, Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    messages: Vec<TapMessage>,
    bytes: usize,
    lost: u64,
}

impl Pending {
    /// Keeps a message until the recording is opened.
    pub(super) fn keep(&mut self, recording: RecordingId, message: TapMessage) {
        if !self.waiting.contains_key(&recording) && self.waiting.len() >= RECORDINGS_MAX {
            return;
        }
        let waiting = self.waiting.entry(recording).or_default();
        if let TapMessage::Packets { packets, dropped, .. } = &message {
            let bytes = packets.iter().map(|packet| packet.bytes.len() + 64).sum::<usize>();
            if waiting.bytes + bytes > BYTES_MAX {
                waiting.lost += packets.len() as u64 + dropped;
                return;
            }
            waiting.bytes += bytes;
        }
        if waiting.messages.len() < MESSAGES_MAX {
            waiting.messages.push(message);
        } else if let TapMessage::Packets { packets, dropped, .. } = &message {
            waiting.lost += packets.len() as u64 + dropped;
        }
    }

    /// What was kept for a recording.
    pub(super) fn take(&mut self, recording: RecordingId) -> Vec<TapMessage> {
        let Some(mut waiting) = self.waiting.remove(&recording) else { return Vec::new() };
        if waiting.lost > 0 {
            let (packets, dropped) = (TapPackets::default(), waiting.lost);
            waiting.messages.push(TapMessage::Packets { recording, packets, dropped });
        }
        waiting.messages
    }
}

/// Recordings that were closed lately.
#[derive(Debug, Default)]
pub(super) struct Closed {
    recordings: VecDeque<RecordingId>,
}

impl Closed {
    /// Remembers one.
    pub(super) fn close(&mut self, recording: RecordingId) {
        if self.recordings.len() >= CLOSED_MAX {
            self.recordings.pop_front();
        }
        self.recordings.push_back(recording);
    }

    /// Forgets one.
    pub(super) fn reopen(&mut self, recording: RecordingId) {
        self.recordings.retain(|closed| *closed != recording);
    }

    /// Whether it was closed.
    pub(super) fn contains(&self, recording: RecordingId) -> bool {
        self.recordings.contains(&recording)
    }
}
