//! Group discussion (thảo luận tổ): the sites are split into groups that see and hear only themselves, and come
//! back together on a clock. What is said in a group is not recorded.

use serde::{Deserialize, Serialize};

use crate::id::ParticipantId;
use crate::time::Timestamp;

/// Most groups of one discussion.
pub const GROUPS_MAX: usize = 24;

/// Longest name of a group, in characters.
pub const GROUP_NAME_CHARS_MAX: usize = 80;

/// Longest discussion, in seconds.
pub const BREAKOUT_SECONDS_MAX: u32 = 4 * 3_600;

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its name, 1 to [`GROUP_NAME_CHARS_MAX`] characters.
    pub name: String,
    /// Who is in it. Nobody is in two.
    #[cfg_attr(test, ts(type = "string[]"))]
    pub members: Vec<ParticipantId>,
}

/// A group discussion that is going on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Breakout {
    /// The groups. Who is in none is in the hall.
    pub groups: Vec<Group>,
    /// When it began.
    #[cfg_attr(test, ts(type = "number"))]
    pub started_at: Timestamp,
    /// When everybody comes back.
    #[cfg_attr(test, ts(type = "number"))]
    pub ends_at: Timestamp,
}

impl Breakout {
    /// In which group somebody is; none: in the hall.
    pub fn group_of(&self, participant: ParticipantId) -> Option<usize> {
        self.groups.iter().position(|it| it.members.contains(&participant))
    }
}

/// What happened in a group discussion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum BreakoutFact {
    /// It began.
    Opened {
        /// The groups.
        groups: Vec<Group>,
        /// When everybody comes back.
        #[cfg_attr(test, ts(type = "number"))]
        ends_at: Timestamp,
    },
    /// Somebody went to another group, or visits one.
    Moved {
        /// Who.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
        /// Index of the group; none: back to the hall.
        group: Option<u8>,
    },
    /// There is more time, or less.
    Extended {
        /// When everybody comes back.
        #[cfg_attr(test, ts(type = "number"))]
        ends_at: Timestamp,
    },
    /// Everybody is back: by the clock where nobody did it.
    Closed,
}

/// Acts in a group discussion: of chair and desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum BreakoutCommand {
    /// Begin. The floor comes back to the hall first.
    Open {
        /// The groups, 1 to [`GROUPS_MAX`], each with somebody in it.
        groups: Vec<Group>,
        /// For how long, 1 to [`BREAKOUT_SECONDS_MAX`] seconds.
        seconds: u32,
    },
    /// Put somebody into another group. Chair and desk visit groups with it.
    Move {
        /// Whom.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
        /// Index of the group; none: back to the hall.
        group: Option<u8>,
    },
    /// From now on so much longer, 1 to [`BREAKOUT_SECONDS_MAX`] seconds.
    Extend {
        /// How long from now.
        seconds: u32,
    },
    /// Everybody comes back now.
    Close,
}
