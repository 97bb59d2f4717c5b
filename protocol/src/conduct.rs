//! How the floor is conducted: the regime, the time limit, in which order hands are shown, who is next.

use serde::{Deserialize, Serialize};

use crate::id::ParticipantId;

/// Longest time limit and grace, seconds: two hours.
pub const LIMIT_SECONDS_MAX: u32 = 7_200;

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
