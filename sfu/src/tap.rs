//! What goes to the recorder: packets collected per room, and what has to be said about tracks. Its memory
//! comes back from the recorder, so after warm-up a recorded room allocates nothing for its packets.

use protocol::id::RecordingId;
use protocol::tap::{TAP_BATCH_MAX, TapKind, TapMessage, TapPackets, TapPool, TapTrack};

/// Packets of one room on their way to the recorder.
#[derive(Debug, Default)]
pub(crate) struct TapBatch {
    recording: Option<RecordingId>,
    packets: TapPackets,
    /// Of a room that has been recorded; most never are.
    pool: Option<TapPool>,
}

impl TapBatch {
    /// For which recording packets are collected.
    pub(crate) fn recording(&self) -> Option<RecordingId> {
        self.recording
    }

    /// For which recording packets are collected; a change throws away what was collected for another.
    pub(crate) fn set_recording(&mut self, recording: Option<RecordingId>) {
        if self.recording != recording {
            self.pool = recording.map(|_| TapPool::default());
            self.packets = self.pool.as_ref().map_or_else(TapPackets::default, TapPool::take);
            self.recording = recording;
        }
    }

    /// Adds a copy of a packet. Returns a message when there are enough for one.
    pub(crate) fn push(
        &mut self,
        track: TapTrack,
        arrival_us: i64,
        kind: TapKind,
        bytes: &[u8],
    ) -> Option<TapMessage> {
        self.push_with(track, arrival_us, kind, |out| out.extend_from_slice(bytes))
    }

    /// Adds a packet, whose bytes `write` appends. Returns a message when there are enough for one.
    pub(crate) fn push_with(
        &mut self,
        track: TapTrack,
        arrival_us: i64,
        kind: TapKind,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Option<TapMessage> {
        self.recording?;
        self.packets.push_with(track, arrival_us, kind, write);
        if self.packets.len() < TAP_BATCH_MAX { None } else { self.flush() }
    }

    /// What was collected since the last message.
    pub(crate) fn flush(&mut self) -> Option<TapMessage> {
        let (recording, pool) = (self.recording?, self.pool.as_ref()?);
        if self.packets.is_empty() {
            return None;
        }
        let packets = std::mem::replace(&mut self.packets, pool.take());
        // The shell counts what a full queue costs.
        Some(TapMessage::Packets { recording, packets, dropped: 0 })
    }
}
