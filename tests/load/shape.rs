//! The shapes under which the node is measured: who publishes, who watches whom.

use crate::client::offer::Media;
use crate::client::source::{BURST, FRAME, SOUND};

/// `rooms` times `publishers`, each watched by `receivers`.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// As `ONLY` selects it.
    pub key: &'static str,
    pub name: &'static str,
    pub rooms: usize,
    pub publishers: usize,
    pub receivers: usize,
    pub media: Media,
    /// Everybody publishes and watches all others.
    pub is_meeting: bool,
    /// Receivers take bursts whole, as a network card with segmentation offload takes them from the sender.
    /// Without it the sender's kernel cuts every burst and pays for it.
    pub offload: bool,
}

const ONE_ROOM: Shape = Shape {
    key: "",
    name: "",
    rooms: 1,
    publishers: 1,
    receivers: 1,
    media: Media::Video,
    is_meeting: false,
    offload: true,
};

/// What `make bench` measures, in this order.
pub const SHAPES: [Shape; 6] = [
    Shape { key: "1x150", name: "1 × 150", receivers: 150, ..ONE_ROOM },
    Shape { key: "10x100", name: "10 × 100", publishers: 10, receivers: 100, ..ONE_ROOM },
    Shape {
        key: "10x100cut",
        name: "10 × 100, kernel segments",
        publishers: 10,
        receivers: 100,
        offload: false,
        ..ONE_ROOM
    },
    Shape { key: "40x10", name: "40 × 10", publishers: 40, receivers: 10, ..ONE_ROOM },
    Shape {
        key: "3x100",
        name: "3 × 100 audio",
        publishers: 3,
        receivers: 100,
        media: Media::Audio,
        ..ONE_ROOM
    },
    Shape {
        key: "rooms",
        name: "20 rooms of 3",
        rooms: 20,
        publishers: 3,
        receivers: 3,
        is_meeting: true,
        ..ONE_ROOM
    },
];

impl Shape {
    /// Streams of a receiver.
    pub fn lines(&self) -> usize {
        self.publishers - usize::from(self.is_meeting)
    }

    /// Streams in all.
    pub fn streams(&self) -> usize {
        self.rooms * self.receivers * self.lines()
    }

    /// Packets of one stream per second, without key frames.
    pub fn packets_per_second(&self) -> f64 {
        match self.media {
            Media::Video => BURST as f64 / FRAME.as_secs_f64(),
            Media::Audio => 1.0 / SOUND.as_secs_f64(),
        }
    }

    /// Place of a publisher within the frame's interval: all are spread evenly.
    pub fn phase(&self, room: usize, publisher: usize) -> f64 {
        let n = self.rooms * self.publishers;
        (room * self.publishers + publisher) as f64 / n as f64
    }
}
