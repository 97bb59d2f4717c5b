//! What the review page shows beside a recording's picture: who spoke when, how loud it was, small pictures
//! along the way. The recorder derives it when it composes (`review.json`), and can derive it again.

use serde::{Deserialize, Serialize};

use crate::id::ReviewNoteId;
use crate::time::Timestamp;

/// Small pictures are taken at most so often.
pub const THUMBS_MAX: u32 = 200;
/// Values of a waveform at most: one per pixel of the widest screen.
pub const WAVEFORM_MAX: usize = 4_000;
/// Longest note, letters.
pub const NOTE_CHARS_MAX: usize = 1_000;
/// Notes of one recording at most.
pub const NOTES_MAX: usize = 1_000;

/// `GET /api/recordings/{id}/files/review.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Review {
    /// Time that one value of the waveform stands for, ms.
    pub step_ms: u32,
    /// Loudest sample of each step, 0 to 255, of all voices together.
    pub waveform: Vec<u8>,
    /// Microphones that were heard speaking, in the order in which they first spoke.
    pub lanes: Vec<SpeakerLane>,
    /// Small pictures; none if this FFmpeg makes no JPEG.
    pub thumbs: Option<Thumbs>,
}

/// When one microphone spoke.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SpeakerLane {
    /// Whose, as the media node names it.
    pub publisher: String,
    /// What the room called it.
    pub name: String,
    /// Speech altogether, ms.
    #[cfg_attr(test, ts(type = "number"))]
    pub speech_ms: u64,
    /// Beginning and end of each stretch of speech from the video's start, ms, in order and apart.
    #[cfg_attr(test, ts(type = "Array<[number, number]>"))]
    pub spans: Vec<(u64, u64)>,
}

/// One JPEG (`review.jpg`) of equal pictures, row by row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Thumbs {
    /// From one picture to the next, ms; the first is of the middle of the first such stretch.
    #[cfg_attr(test, ts(type = "number"))]
    pub every_ms: u64,
    /// Pictures, 1 to [`THUMBS_MAX`].
    pub count: u32,
    /// Pictures a row.
    pub columns: u32,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// `GET /api/recordings/{id}/notes`: what whoever reviews a recording wrote at its moments, for all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ReviewNote {
    /// The note.
    #[cfg_attr(test, ts(type = "string"))]
    pub id: ReviewNoteId,
    /// Where in the video, ms.
    #[cfg_attr(test, ts(type = "number"))]
    pub ms: u64,
    /// What; empty: a bookmark.
    pub text: String,
    /// Who wrote it.
    pub author: String,
    /// The reader may change and remove it.
    pub mine: bool,
    /// When it was written or last changed.
    #[cfg_attr(test, ts(type = "number"))]
    pub at: Timestamp,
}

/// `POST /api/recordings/{id}/notes`, `PUT /api/recordings/{id}/notes/{note}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct NewReviewNote {
    /// Where in the video, ms.
    #[cfg_attr(test, ts(type = "number"))]
    pub ms: u64,
    /// What; empty: a bookmark.
    pub text: String,
}
