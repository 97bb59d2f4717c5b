//! What goes to the recorder: packets collected per room, and what has to be said about tracks.

use protocol::id::RecordingId;
use protocol::tap::{TAP_BATCH_MAX, TapKind, TapMessage, TapPacket, TapTrack};

/// Packets of one room on their way to the recorder.
#[derive(Debug, Default)]
pub(crate) struct TapBatch {
    recording: Option<RecordingId>,
    packets: Vec<TapPacket>,
}

impl TapBatch {
    /// For which recording packets are collected.
    pub(crate) fn recording(&self) -> Option<RecordingId> {
        self.recording
    }

    /// For which recording packets are collected; a change throws away what was collected for another.
    pub(crate) fn set_recording(&mut self, recording: Option<RecordingId>) {
        if self.recording != recording {
            self.packets.clear();
            self.recording = recording;
        }
    }

    /// Adds a packet. Returns a message when there are enough for one.
    pub(crate) fn push(
        &mut self,
        track: TapTrack,
        arrival_us: i64,
        kind: TapKind,
        bytes: &[u8],
    ) -> Option<TapMessage> {
        self.recording?;
        self.packets.push(TapPacket { track, arrival_us, kind, bytes: bytes.to_vec() });
        if self.packets.len() < TAP_BATCH_MAX { None } else { self.flush() }
    }

    /// What was collected since the last message.
    pub(crate) fn flush(&mut self) -> Option<TapMessage> {
        let recording = self.recording?;
        if self.packets.is_empty() {
            return None;
        }
        let packets = std::mem::take(&mut self.packets);
        // The shell counts what a full queue costs.
        Some(TapMessage::Packets { recording, packets, dropped: 0 })
    }
}
