//! Roll-call (điểm danh): who is present, by site. The system sees who is connected, the site says how many
//! sit there, the secretary corrects both with a reason. Closed, a roll is frozen.

use serde::{Deserialize, Serialize};

use crate::id::{ParticipantId, RollId, SiteId, UnitId};
use crate::time::Timestamp;
use crate::vote::Share;

/// Longest reason of a correction, in characters.
pub const ROLL_REASON_CHARS_MAX: usize = 300;

/// How a site is present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum RollState {
    /// Có mặt trực tiếp: its delegates came to the hall.
    InPerson,
    /// Có mặt trực tuyến.
    Online,
    /// Vắng mặt; the reason is told.
    Absent,
    /// Chưa điểm danh.
    Unchecked,
}

impl RollState {
    /// Counts as present.
    pub fn is_present(self) -> bool {
        matches!(self, Self::InPerson | Self::Online)
    }
}

/// A site that is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RollSite {
    /// Which.
    #[cfg_attr(test, ts(type = "string"))]
    pub site: SiteId,
    /// Its name.
    pub name: String,
    /// Its unit in the tree.
    #[cfg_attr(test, ts(type = "string"))]
    pub unit: UnitId,
}

/// A correction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct RollMark {
    /// Of which site.
    #[cfg_attr(test, ts(type = "string"))]
    pub site: SiteId,
    /// What it is.
    pub state: RollState,
    /// Delegates, 0 to 10,000.
    pub headcount: u32,
    /// Why, 1 to [`ROLL_REASON_CHARS_MAX`] characters.
    pub reason: String,
}

/// A site's row of a roll.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RollRow {
    /// Which.
    #[cfg_attr(test, ts(type = "string"))]
    pub site: SiteId,
    /// Its name.
    pub name: String,
    /// Its unit.
    #[cfg_attr(test, ts(type = "string"))]
    pub unit: UnitId,
    /// How it is present.
    pub state: RollState,
    /// Delegates.
    pub headcount: u32,
    /// Local chair, as declared.
    pub local_chair: String,
    /// Why it was corrected; empty: it was not.
    pub reason: String,
}

/// Sums of a roll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RollTotals {
    /// Sites called.
    pub n_sites: u32,
    /// Sites present.
    pub n_present: u32,
    /// Delegates present.
    pub headcount: u32,
}

impl RollTotals {
    /// With the delegates in the chair's own hall.
    #[must_use]
    pub fn with_hall(self, hall: u32) -> Self {
        Self { headcount: self.headcount.saturating_add(hall), ..self }
    }

    /// The sums of some rows.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a RollRow>) -> Self {
        rows.into_iter().fold(Self::default(), |sum, row| Self {
            n_sites: sum.n_sites + 1,
            n_present: sum.n_present + u32::from(row.state.is_present()),
            headcount: sum.headcount + if row.state.is_present() { row.headcount } else { 0 },
        })
    }
}

/// How a roll is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct RollRules {
    /// What must be present; none: it is only counted.
    pub quorum: Option<Share>,
    /// Delegates summoned altogether; 0: not known, and the quorum is one of sites.
    pub summoned: u32,
}

impl RollRules {
    /// Whether enough are present.
    pub fn is_met(&self, totals: RollTotals) -> Option<bool> {
        let (part, whole) = if self.summoned > 0 {
            (totals.headcount, self.summoned)
        } else {
            (totals.n_present, totals.n_sites)
        };
        self.quorum.map(|share| share.is_met(part.into(), whole.into()))
    }
}

/// What happened in a roll-call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum RollFact {
    /// It began.
    Opened {
        /// Which.
        #[cfg_attr(test, ts(type = "string"))]
        roll: RollId,
        /// How it is taken.
        rules: RollRules,
        /// Who is called, in protocol order.
        sites: Vec<RollSite>,
    },
    /// A site was called and brought on every screen.
    Called {
        /// In which roll.
        #[cfg_attr(test, ts(type = "string"))]
        roll: RollId,
        /// Its seat.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
    },
    /// The secretary corrected a row. What it was before stands in the facts before.
    Marked {
        /// In which roll.
        #[cfg_attr(test, ts(type = "string"))]
        roll: RollId,
        /// What to.
        mark: RollMark,
    },
    /// It was closed: from here on its rows are frozen.
    Closed {
        /// Which.
        #[cfg_attr(test, ts(type = "string"))]
        roll: RollId,
        /// The rows, in protocol order.
        rows: Vec<RollRow>,
        /// Delegates in the chair's own hall, which is no site; 0 in logs before it was counted.
        #[serde(default)]
        hall: u32,
        /// Whether enough were present.
        quorum_met: Option<bool>,
    },
    /// Something was put right afterwards; the frozen rows stay as they are, this stands beside them.
    Amended {
        /// Which.
        #[cfg_attr(test, ts(type = "string"))]
        roll: RollId,
        /// The row as it was frozen, or as it was amended last.
        before: RollRow,
        /// What is right.
        mark: RollMark,
    },
}

/// Acts in a roll-call. It is opened over HTTP, because the room does not know who is invited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum RollCommand {
    /// Chair, secretary, desk: call a site and bring it on every screen.
    Call {
        /// In which roll.
        #[cfg_attr(test, ts(type = "string"))]
        roll: RollId,
        /// Its seat.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
    },
    /// Chair, secretary: correct a row; of a closed roll, beside it.
    Mark {
        /// In which roll.
        #[cfg_attr(test, ts(type = "string"))]
        roll: RollId,
        /// What to.
        mark: RollMark,
    },
    /// Chair, secretary: close. Every absent site needs its reason, none may be unchecked.
    Close {
        /// Which.
        #[cfg_attr(test, ts(type = "string"))]
        roll: RollId,
    },
}

/// A roll as pages see it. While it is open, `rows` are computed from what is known now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RollView {
    /// Which.
    #[cfg_attr(test, ts(type = "string"))]
    pub roll: RollId,
    /// How it is taken.
    pub rules: RollRules,
    /// When it began.
    #[cfg_attr(test, ts(type = "number"))]
    pub opened_at: Timestamp,
    /// Who is called, in protocol order.
    pub sites: Vec<RollSite>,
    /// Sites that were connected at some time since.
    #[cfg_attr(test, ts(type = "string[]"))]
    pub seen: Vec<SiteId>,
    /// Corrections, the last of each site.
    pub marks: Vec<RollMark>,
    /// Who was called last.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub called: Option<ParticipantId>,
    /// When it was closed.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub closed_at: Option<Timestamp>,
    /// The frozen rows; empty while it is open.
    pub rows: Vec<RollRow>,
    /// Delegates in the chair's own hall when it was closed; 0 while it is open.
    pub hall: u32,
    /// What was put right afterwards.
    pub amendments: Vec<Amendment>,
}

/// Something that was put right in a closed roll.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Amendment {
    /// When.
    #[cfg_attr(test, ts(type = "number"))]
    pub at: Timestamp,
    /// Who.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub by: Option<ParticipantId>,
    /// What stood there.
    pub before: RollRow,
    /// What is right.
    pub mark: RollMark,
}

/// `POST /api/meetings/{id}/roll`: begins a roll-call of the invited sites.
pub type NewRoll = RollRules;
