//! Documents of a meeting on the screens. Pages are turned by messages of a few bytes; the pictures of the pages are
//! fetched over HTTP, once, by each page that shows them.

use serde::{Deserialize, Serialize};

use crate::error::ErrorCode;
use crate::id::{PaperId, ParticipantId};
use crate::time::Timestamp;

/// Longest name of a document, in characters.
pub const PAPER_NAME_CHARS_MAX: usize = 200;

/// Most pages of a document.
pub const PAPER_PAGES_MAX: u32 = 1_000;

/// Documents of one meeting.
pub const PAPERS_MAX: usize = 100;

/// What a file is, by its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum PaperKind {
    /// PDF.
    Pdf,
    /// Word, from 2007 on.
    Docx,
    /// PowerPoint, from 2007 on.
    Pptx,
    /// Excel, from 2007 on.
    Xlsx,
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
}

/// Who may read a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum PaperAudience {
    /// Everyone in the meeting.
    #[default]
    All,
    /// Chair and secretary.
    Leaders,
}

/// How far a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum PaperPhase {
    /// Its pages are being drawn, or wait for it.
    Drawing,
    /// It can be read and shown.
    Ready,
    /// Its pages cannot be drawn.
    Failed,
}

/// A document as the API tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Paper {
    /// Which.
    #[cfg_attr(test, ts(type = "string"))]
    pub id: PaperId,
    /// 1 to [`PAPER_NAME_CHARS_MAX`] characters.
    pub name: String,
    /// What it is.
    pub kind: PaperKind,
    /// Bytes of the file.
    #[cfg_attr(test, ts(type = "number"))]
    pub bytes: u64,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Pages; 0 until it is known.
    pub pages: u32,
    /// Pages that are drawn.
    pub drawn: u32,
    /// How far it is.
    pub phase: PaperPhase,
    /// Why it failed.
    pub problem: Option<ErrorCode>,
    /// Who may read it.
    pub audience: PaperAudience,
    /// From when on; none: at once.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub open_from: Option<Timestamp>,
    /// Until when; none: for good.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub open_until: Option<Timestamp>,
    /// When it was uploaded.
    #[cfg_attr(test, ts(type = "number"))]
    pub added_at: Timestamp,
}

/// `PATCH /api/meetings/{id}/papers/{paper}`: who may read it, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct PaperChange {
    /// 1 to [`PAPER_NAME_CHARS_MAX`] characters.
    pub name: String,
    /// Who.
    pub audience: PaperAudience,
    /// From when on.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub open_from: Option<Timestamp>,
    /// Until when, after `open_from`.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub open_until: Option<Timestamp>,
}

/// A document that is ready, as a live room knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PaperEntry {
    /// Which.
    #[cfg_attr(test, ts(type = "string"))]
    pub paper: PaperId,
    /// Its name; empty for those who may not read it.
    pub name: String,
    /// Pages, at least 1.
    pub pages: u32,
    /// Who may read it.
    pub audience: PaperAudience,
    /// From when on.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub open_from: Option<Timestamp>,
    /// Until when.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub open_until: Option<Timestamp>,
}

impl PaperEntry {
    /// Whether everyone in the meeting may read it at this moment.
    pub fn is_open_to_all(&self, now: Timestamp) -> bool {
        self.audience == PaperAudience::All
            && self.open_from.is_none_or(|from| from <= now)
            && self.open_until.is_none_or(|until| now < until)
    }
}

/// Something happened to the documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum PaperFact {
    /// One can be read from here on; again when it was changed.
    Added {
        /// What it is.
        entry: PaperEntry,
    },
    /// One was removed.
    Removed {
        /// Which.
        #[cfg_attr(test, ts(type = "string"))]
        paper: PaperId,
    },
    /// From here on every screen shows this page.
    Shown {
        /// Of which.
        #[cfg_attr(test, ts(type = "string"))]
        paper: PaperId,
        /// 1 first.
        page: u32,
    },
    /// Another page of the document that is shown.
    Turned {
        /// 1 first.
        page: u32,
    },
    /// No document is shown any more.
    Ended,
}

/// Acts with documents: chair, desk, secretary, and the site that has the floor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum PaperCommand {
    /// Shows a document on every screen. Refused if not everyone may read it now.
    Show {
        /// Which.
        #[cfg_attr(test, ts(type = "string"))]
        paper: PaperId,
        /// 1 first.
        page: u32,
    },
    /// Turns to a page of the document that is shown.
    Turn {
        /// 1 first.
        page: u32,
    },
    /// Ends the showing.
    End {},
}

/// The documents as a page knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PaperView {
    /// Those that the viewer may read, as they were added.
    pub papers: Vec<PaperEntry>,
    /// What is shown.
    pub on_air: Option<PaperOnAir>,
}

/// A document on the screens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PaperOnAir {
    /// Which.
    #[cfg_attr(test, ts(type = "string"))]
    pub paper: PaperId,
    /// 1 first.
    pub page: u32,
    /// Who showed it.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub by: Option<ParticipantId>,
}
