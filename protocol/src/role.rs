//! Roles: what an account may do in the house, and what a participant may do in a room.

use serde::{Deserialize, Serialize};

/// What an account may do outside rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum AccountRole {
    /// Runs the system: accounts, units, sites.
    Admin,
    /// The office that schedules meetings and invites sites.
    Host,
    /// Leads meetings (chủ trì).
    Chair,
    /// Reviews recordings and writes minutes (thư ký).
    Secretary,
    /// Runs the control desk (kỹ thuật viên điều khiển).
    Desk,
}

/// What a participant may do in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum RoomRole {
    /// Leads: gives and takes the floor, records, ends. May always speak.
    Chair,
    /// Records, marks decisions, writes messages. Not heard unless invited.
    Secretary,
    /// Does what the chair does with pictures, sound and floor, but does not end the meeting.
    Desk,
    /// A site (điểm cầu): is seen, asks for the floor, speaks when invited.
    Site,
    /// A delegate (đại biểu) with a device of its own: reads, asks for the floor of its site, votes.
    Delegate,
    /// Sees and hears only.
    Observer,
}

impl RoomRole {
    /// May give and take the floor, mute others and set the main picture.
    pub fn conducts(self) -> bool {
        matches!(self, Self::Chair | Self::Desk)
    }

    /// May start and stop the recording (QĐ 45/2018: by the chair's decision).
    pub fn records(self) -> bool {
        matches!(self, Self::Chair | Self::Secretary)
    }

    /// May mark a message as a decision.
    pub fn decides(self) -> bool {
        matches!(self, Self::Chair | Self::Secretary)
    }

    /// May end the meeting for everyone.
    pub fn ends(self) -> bool {
        matches!(self, Self::Chair)
    }

    /// Publishes a camera and a microphone at all. A delegate sits in a room that does.
    pub fn publishes(self) -> bool {
        !matches!(self, Self::Observer | Self::Delegate)
    }

    /// May open, close and call off votes and the roll, on the chair's word.
    pub fn counts(self) -> bool {
        matches!(self, Self::Chair | Self::Secretary)
    }
}
