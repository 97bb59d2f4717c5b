//! Minutes (biên bản) as a document: what the secretary edits and what is printed. Drafted from facts;
//! texts are the secretary's, figures come from the log and are shown with it.

use serde::{Deserialize, Serialize};

use crate::id::{RecordingId, SiteId};
use crate::time::Timestamp;
use crate::vote::{VoteOutcome, VoteRules};

/// Most rows of one kind in a document.
pub const ROWS_MAX: usize = 2_000;

/// Longest free text in a document, in characters.
pub const TEXT_CHARS_MAX: usize = 100_000;

/// Minutes of one meeting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct MinutesDocument {
    /// Which administrative form it is printed in.
    pub form: MinutesForm,
    /// The superior body, top line left, for example "TỈNH ỦY QUẢNG TRỊ"; may be empty.
    pub parent_body: String,
    /// The issuing body, for example "VĂN PHÒNG".
    pub issuing_body: String,
    /// Number and symbol, for example "07/BB-VP"; may be empty until the clerk gives one.
    pub number: String,
    /// Place of the date line, for example "Quảng Trị".
    pub place: String,
    /// Date of the document.
    #[cfg_attr(test, ts(type = "number"))]
    pub dated: Timestamp,
    /// What the minutes are about (trích yếu): the meeting's title.
    pub title: String,
    /// When the meeting began.
    #[cfg_attr(test, ts(type = "number"))]
    pub started_at: Timestamp,
    /// When it ended.
    #[cfg_attr(test, ts(type = "number"))]
    pub ended_at: Timestamp,
    /// Where: the hall, and "trực tuyến" to how many sites.
    pub venue: String,
    /// Name and office of the chair.
    pub chair: String,
    /// Name and office of the secretary.
    pub secretary: String,
    /// Sites, in protocol order.
    pub attendance: Vec<AttendanceRow>,
    /// Purpose, agenda, opening: free text, paragraphs parted by an empty line.
    pub opening: String,
    /// Who spoke, in order.
    pub speeches: Vec<SpeechRow>,
    /// Messages marked as decisions, in order.
    pub decisions: Vec<DecisionRow>,
    /// Votes, in order.
    #[serde(default)]
    pub votes: Vec<VoteRow>,
    /// The chair's conclusion: free text.
    pub conclusion: String,
    /// Recordings of the meeting.
    pub recordings: Vec<RecordingRow>,
    /// Documents of the meeting, in the order in which they were given out.
    #[serde(default)]
    pub papers: Vec<PaperRow>,
    /// "Nơi nhận": one recipient a line.
    pub recipients: Vec<String>,
    /// SHA-256 (hexadecimal) of the last fact of the meeting: ties the document to the log.
    pub log_hash: String,
}

/// The administrative form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum MinutesForm {
    /// State bodies: Nghị định 30/2020/NĐ-CP, Phụ lục III, Mẫu 1.9.
    State,
    /// Party bodies: Hướng dẫn 05-HD/VPTW of 27/5/2026.
    Party,
}

/// One site's attendance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct AttendanceRow {
    /// The site.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub site: Option<SiteId>,
    /// Its name.
    pub name: String,
    /// It was connected at some time.
    pub present: bool,
    /// Delegates, as declared.
    pub headcount: u32,
    /// Local chair, as declared.
    pub local_chair: String,
    /// First connected.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub joined_at: Option<Timestamp>,
    /// Last seen.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub left_at: Option<Timestamp>,
    /// Connected altogether, ms.
    #[cfg_attr(test, ts(type = "number"))]
    pub connected_ms: u64,
    /// The secretary's remark, for example the reason of absence.
    pub remark: String,
}

/// One speech.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SpeechRow {
    /// When the floor was given.
    #[cfg_attr(test, ts(type = "number"))]
    pub at: Timestamp,
    /// Site or seat, for example "Điểm cầu xã Lệ Thủy".
    pub name: String,
    /// Who spoke, name and office; the secretary fills it in.
    pub speaker: String,
    /// The floor was held, ms.
    #[cfg_attr(test, ts(type = "number"))]
    pub held_ms: u64,
    /// Heard speaking, ms, measured from audio.
    #[cfg_attr(test, ts(type = "number"))]
    pub spoken_ms: u64,
    /// What was said; the secretary fills it in.
    pub summary: String,
}

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct DecisionRow {
    /// When it was written.
    #[cfg_attr(test, ts(type = "number"))]
    pub at: Timestamp,
    /// Who wrote it.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// One vote that was closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct VoteRow {
    /// When it opened.
    #[cfg_attr(test, ts(type = "number"))]
    pub at: Timestamp,
    /// Its rules.
    pub rules: VoteRules,
    /// Its result, by the log.
    pub outcome: VoteOutcome,
    /// The secretary's remark.
    pub remark: String,
}

/// One document, by the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PaperRow {
    /// Its name.
    pub name: String,
    /// Pages altogether.
    pub pages: u32,
    /// Pages that were on every screen, first and last of each run, in order: 1 to 3 and 7.
    pub shown: Vec<(u32, u32)>,
}

/// One recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RecordingRow {
    /// Which.
    #[cfg_attr(test, ts(type = "string"))]
    pub recording: RecordingId,
    /// When it began.
    #[cfg_attr(test, ts(type = "number"))]
    pub started_at: Timestamp,
    /// Its length, ms; 0 while not composed.
    #[cfg_attr(test, ts(type = "number"))]
    pub ms: u64,
    /// SHA-256 of the composed video in hexadecimal; empty while not composed.
    pub sha256: String,
}
