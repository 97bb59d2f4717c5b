//! How the floor is conducted: the regime, the time limit, in which order hands are shown, who is next.

use serde::{Deserialize, Serialize};

use crate::id::{DelegateId, ParticipantId, SiteId};
use crate::time::Timestamp;

/// Longest time limit and grace, seconds: two hours.
pub const LIMIT_SECONDS_MAX: u32 = 7_200;

/// Longest subject of whoever asks to speak before the meeting, characters.
pub const SUBJECT_CHARS_MAX: usize = 200;

/// Who may speak. Enforced at the media node: whose microphone is not granted is not forwarded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Regime {
    /// Thảo luận: all may; each opens its own microphone.
    Discussion,
    /// Điều hành: one holds the floor, the chair may open more.
    #[default]
    Conducted,
    /// Quán triệt: the hall only.
    Lecture,
}

/// In which order hands are shown. The chair may always choose another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum QueueOrder {
    /// First come, first.
    #[default]
    Arrival,
    /// Who has spoken least, first; among equals first come.
    LeastSpoken,
    /// Cluster by cluster (sites of one unit above them together), in the order of each one's first hand.
    ByUnit,
}

/// How long one may speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct TimeLimit {
    /// So long, 1 to [`LIMIT_SECONDS_MAX`] seconds.
    pub seconds: u32,
    /// Over time begins so much later, at most [`LIMIT_SECONDS_MAX`] seconds.
    pub grace_seconds: u32,
}

/// How the floor is conducted now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Conduct {
    /// Who may speak.
    pub regime: Regime,
    /// How long.
    pub limit: Option<TimeLimit>,
    /// How hands are ordered.
    pub order: QueueOrder,
    /// Who prepares to speak next.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub next: Option<ParticipantId>,
}

/// A hand that was raised before the meeting opened (đăng ký trước), while it waits in the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Registered {
    /// Whose.
    #[cfg_attr(test, ts(type = "string"))]
    pub participant: ParticipantId,
    /// On what, at most [`SUBJECT_CHARS_MAX`] characters; may be empty.
    pub subject: String,
    /// When it asked.
    #[cfg_attr(test, ts(type = "number"))]
    pub asked_at: Timestamp,
}

/// `PUT /api/join/{token}/registration`: asks to speak when the meeting opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct NewRegistration {
    /// On what, at most [`SUBJECT_CHARS_MAX`] characters; may be empty.
    pub subject: String,
}

/// `GET /api/meetings/{id}/registrations`: who asked to speak before the meeting opened, first come first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Registration {
    /// At which site; none: in the hall.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub site: Option<SiteId>,
    /// That site's name; empty: the hall.
    pub site_name: String,
    /// The delegate who asked; none: the site itself.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub delegate: Option<DelegateId>,
    /// That delegate's name and office; empty: the site itself.
    pub delegate_name: String,
    /// On what; may be empty.
    pub subject: String,
    /// When it first asked.
    #[cfg_attr(test, ts(type = "number"))]
    pub asked_at: Timestamp,
}

/// What happened to the conduct of the floor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum ConductFact {
    /// The regime changed. Discussion opens every site's microphone (each closed by itself until its
    /// technician opens it); the others close all but the chair's and, if conducted, the holder's.
    Regime {
        /// To what.
        regime: Regime,
    },
    /// The time limit changed.
    Limit {
        /// To what.
        limit: Option<TimeLimit>,
    },
    /// Hands are shown in another order.
    Order {
        /// In which.
        order: QueueOrder,
    },
    /// Somebody was asked to prepare; none: nobody is.
    Prepared {
        /// Who.
        #[cfg_attr(test, ts(type = "string | null"))]
        participant: Option<ParticipantId>,
    },
    /// Somebody had asked to speak before the meeting opened: a raised hand from its first moment on.
    Registered(Registered),
    /// The floor that was just given is a delegate's, who speaks at the microphone of its site.
    Speaks {
        /// The holder.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
        /// Who speaks there.
        #[cfg_attr(test, ts(type = "string"))]
        delegate: ParticipantId,
    },
}

/// Acts on the conduct of the floor: chair and desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum ConductCommand {
    /// Changes the regime.
    Regime {
        /// To what.
        regime: Regime,
    },
    /// Changes the time limit, for whoever speaks now as well.
    Limit {
        /// To what.
        limit: Option<TimeLimit>,
    },
    /// Changes the order of hands.
    Order {
        /// To which.
        order: QueueOrder,
    },
    /// Asks somebody to prepare.
    Prepare {
        /// Who.
        #[cfg_attr(test, ts(type = "string | null"))]
        participant: Option<ParticipantId>,
    },
}
