//! The agenda in motion: what is planned, and at which item the meeting is.

use serde::{Deserialize, Serialize};

use crate::conduct::Regime;
use crate::id::{PaperId, SceneId, SiteId};
use crate::time::Timestamp;

/// Most items of an agenda.
pub const AGENDA_ITEMS_MAX: usize = 100;

/// Longest title of an item, in characters.
pub const ITEM_TITLE_CHARS_MAX: usize = 300;

/// Longest item, minutes: one day.
pub const ITEM_MINUTES_MAX: u32 = 1_440;

/// Longest conclusion on an item, in characters.
pub const CONCLUSION_CHARS_MAX: usize = 4_000;

/// An item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct AgendaItem {
    /// What is dealt with.
    pub title: String,
    /// Planned for so long, minutes; 0: as long as it takes.
    pub minutes: u32,
    /// The site that presents it; none: the hall.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub site: Option<SiteId>,
    /// The regime that it begins; none: as it is.
    #[serde(default)]
    pub regime: Option<Regime>,
    /// The scene that every screen shows; none: as it is.
    #[serde(default)]
    #[cfg_attr(test, ts(type = "string | null"))]
    pub scene: Option<SceneId>,
    /// The document that every screen shows; none: one that is shown ends.
    #[serde(default)]
    #[cfg_attr(test, ts(type = "string | null"))]
    pub paper: Option<PaperId>,
}

/// What happened to the agenda.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum AgendaFact {
    /// It was set, or changed: the whole of it. The item that is being dealt with keeps its place.
    Set {
        /// In order.
        items: Vec<AgendaItem>,
    },
    /// An item began.
    Began {
        /// Its place, 0 first.
        index: u32,
    },
    /// What was concluded on an item (kết luận), as it reads from here on.
    Concluded(Conclusion),
}

/// The chair's conclusion on one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Conclusion {
    /// Title of the item; empty: of the meeting as a whole. An item keeps its conclusion when the agenda is set anew.
    pub title: String,
    /// What was concluded; empty: it was taken back.
    pub text: String,
}

/// Acts on the agenda: chair, secretary, desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum AgendaCommand {
    /// Sets the agenda.
    Set {
        /// At most [`AGENDA_ITEMS_MAX`], in order.
        items: Vec<AgendaItem>,
    },
    /// Begins an item: regime, floor, main picture, scene, document and clock go with it. Said twice, it is done once.
    Begin {
        /// Its place, 0 first.
        index: u32,
    },
    /// Writes what is concluded on an item, or writes it anew; not for the desk.
    Conclude {
        /// Its place, 0 first; none: the meeting as a whole.
        index: Option<u32>,
        /// At most [`CONCLUSION_CHARS_MAX`] characters; empty: nothing was concluded.
        text: String,
    },
}

/// The agenda as pages see it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Agenda {
    /// In order.
    pub items: Vec<AgendaItem>,
    /// The item that is being dealt with.
    pub current: Option<u32>,
    /// Since when.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub since: Option<Timestamp>,
    /// When the first item began: what is planned is counted from here.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub began_at: Option<Timestamp>,
    /// What was concluded, in the order in which it was first written.
    pub conclusions: Vec<Conclusion>,
}
