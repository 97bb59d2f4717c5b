//! What happens to a recording after the meeting: who looked at it, who took a copy, whether it may be destroyed.
//! Kept for ever, also when the recording itself is gone.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Longest reason, characters.
pub const REASON_CHARS_MAX: usize = 300;

/// Entries that are shown, the newest.
pub const ENTRIES_SHOWN_MAX: usize = 200;

/// Something that happened to a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum CustodyEvent {
    /// The composed video was opened; once an hour for each person.
    Viewed,
    /// A file was taken.
    Downloaded {
        /// Its path below the recording's folder.
        path: String,
    },
    /// It must be kept, whatever the rules say (lưu giữ).
    Held {
        /// Why.
        reason: String,
    },
    /// It need not be kept any longer.
    Released {
        /// Why.
        reason: String,
    },
    /// Somebody proposes to destroy it.
    DestructionAsked {
        /// Why.
        reason: String,
    },
    /// The proposal was declined or withdrawn.
    DestructionDeclined,
    /// A second person approved: it was destroyed.
    Destroyed,
}

/// A line of a recording's custody log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct CustodyEntry {
    /// When.
    #[cfg_attr(test, ts(type = "number"))]
    pub at: Timestamp,
    /// The account's name.
    pub by: String,
    /// What.
    pub event: CustodyEvent,
}

/// A proposal to destroy a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct DestructionAsked {
    /// Whose.
    pub by: String,
    /// When.
    #[cfg_attr(test, ts(type = "number"))]
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// It is the reader's own: somebody else has to approve it.
    pub mine: bool,
}

/// How a recording is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Custody {
    /// Why it must be kept; none: nothing says so.
    pub held: Option<String>,
    /// The proposal that waits for a second person.
    pub asked: Option<DestructionAsked>,
    /// What the reader may do now.
    pub may: Vec<CustodyRight>,
    /// The log, newest first; at most [`ENTRIES_SHOWN_MAX`].
    pub entries: Vec<CustodyEntry>,
    /// How many entries there are.
    pub n_entries: u32,
}

/// What an account may do with a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum CustodyRight {
    /// Say that it must be kept.
    Hold,
    /// Say that it need not be kept any longer.
    Release,
    /// Propose to destroy it.
    AskDestruction,
    /// Decline or withdraw the proposal.
    DeclineDestruction,
    /// Approve the proposal: it is destroyed.
    ApproveDestruction,
}

/// What an account does with a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct CustodyAct {
    /// What.
    pub act: CustodyRight,
    /// Why: 1 to [`REASON_CHARS_MAX`] characters for holding, releasing and proposing; else empty.
    #[serde(default)]
    pub reason: String,
}

/// How full the archive is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct StorageReport {
    /// Recordings that are there.
    pub recordings: u32,
    /// What they take, bytes.
    #[cfg_attr(test, ts(type = "number"))]
    pub bytes: u64,
    /// Free for more, bytes.
    #[cfg_attr(test, ts(type = "number"))]
    pub free_bytes: u64,
    /// Days until the disk is full if recording goes on as in the last thirty days; none: nothing was recorded.
    pub days_left: Option<u32>,
}
