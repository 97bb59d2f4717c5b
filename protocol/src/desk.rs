//! What the control desk says: private notes between it and a site, words on every screen, and whether the
//! sites may write to everyone.

use serde::{Deserialize, Serialize};

use crate::id::{MessageId, ParticipantId, SiteId};
use crate::time::Timestamp;

/// Longest words on every screen, in characters: two lines of a hall's screen.
pub const BANNER_CHARS_MAX: usize = 200;

/// Something of the desk happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum DeskFact {
    /// A private note. Pages of neither side are told it without its text.
    Noted {
        /// Which.
        #[cfg_attr(test, ts(type = "string"))]
        message: MessageId,
        /// The site that it is for; none: the desk.
        #[cfg_attr(test, ts(type = "string | null"))]
        to: Option<ParticipantId>,
        /// Text, NFC, at most [`crate::client::TEXT_CHARS_MAX`] characters.
        text: String,
    },
    /// Words on every screen; empty: they were taken off.
    Announced {
        /// At most [`BANNER_CHARS_MAX`] characters.
        text: String,
    },
    /// Whether sites and delegates may write to everyone.
    ChatSet {
        /// They may.
        open: bool,
    },
    /// Absent sites were called. Pages of those who do not run the meeting are told it without the sites.
    Called {
        /// Which.
        #[cfg_attr(test, ts(type = "string[]"))]
        sites: Vec<SiteId>,
        /// Of so many a page was open and rang.
        reached: u32,
    },
}

/// Acts of the desk, and a site's note to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum DeskCommand {
    /// Site, delegate, secretary: a note to the desk (`to` is none). Chair, desk: a note to one of them.
    Note {
        /// For whom; none: the desk.
        #[cfg_attr(test, ts(type = "string | null"))]
        to: Option<ParticipantId>,
        /// 1 to [`crate::client::TEXT_CHARS_MAX`] characters.
        text: String,
    },
    /// Chair, desk: words on every screen; empty takes them off.
    Announce {
        /// At most [`BANNER_CHARS_MAX`] characters.
        text: String,
    },
    /// Chair, desk: let sites write to everyone, or not.
    SetChat {
        /// They may.
        open: bool,
    },
    /// Chair, desk, secretary: have a connected site check its devices and its line again. No fact: the answer is
    /// told to those who watch ([`crate::client::ServerMessage::Health`]).
    CheckAgain {
        /// Whom.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
    },
}

/// What a page knows of the desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct DeskView {
    /// The last notes that this page may read, oldest first; at most 500 of the room.
    pub notes: Vec<Note>,
    /// Words on every screen; empty: none.
    pub banner: String,
    /// Sites and delegates may write to everyone.
    pub chat_open: bool,
}

/// A private note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Note {
    /// Which.
    #[cfg_attr(test, ts(type = "string"))]
    pub id: MessageId,
    /// When.
    #[cfg_attr(test, ts(type = "number"))]
    pub at: Timestamp,
    /// Who wrote it.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub by: Option<ParticipantId>,
    /// For whom; none: the desk.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub to: Option<ParticipantId>,
    /// Text.
    pub text: String,
}
