//! How each site does, as its own page measures it, and what the control desk does about it: calls, checks,
//! contacts. Nothing here gives or takes a right: a page may say what it likes of itself.

use serde::{Deserialize, Serialize};

use crate::id::{ParticipantId, SiteId, UnitId};
use crate::time::Timestamp;

/// Most sites of one call.
pub const CALL_SITES_MAX: usize = 1_000;

/// Loudest step of a microphone's level; 0 is silence. One step is about 8 dB.
pub const LEVEL_MAX: u8 = 5;

/// Longest name or telephone number of a contact, in characters.
pub const CONTACT_CHARS_MAX: usize = 80;

/// Most monitor windows of one account in one meeting.
pub const WINDOWS_MAX: u8 = 8;

/// What the camera's picture looks like where it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum CameraSign {
    /// It moves and has light.
    Live,
    /// All of it is (nearly) black: a cap, a cable, a camera that another program holds.
    Black,
    /// No new picture comes from the camera.
    Frozen,
    /// There is no camera, or it was switched off.
    Off,
}

/// What the microphone gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum MicrophoneSign {
    /// It is open and gives signal.
    Live,
    /// It is closed, by the room or by the site.
    Closed,
    /// It is open and gives nothing at all, not even noise: unplugged at the mixer, or muted in the system.
    Dead,
    /// There is none.
    Missing,
}

/// How a site does, by its own page. Told when it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Signs {
    /// The camera's picture.
    pub camera: CameraSign,
    /// The microphone.
    pub microphone: MicrophoneSign,
    /// How loud, 0 to [`LEVEL_MAX`].
    pub level: u8,
}

/// What a site's page found when it checked itself again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct SelfCheck {
    /// Camera and microphone.
    pub signs: Signs,
    /// The browser lets sound play.
    pub sound_plays: bool,
    /// The media connection stands.
    pub media_connected: bool,
    /// Share of packets lost on the way to the site, thousandths.
    pub lost_permille: u16,
    /// Round-trip time, ms.
    pub rtt_ms: u32,
}

/// A check that the desk asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct CheckView {
    /// When it was asked.
    #[cfg_attr(test, ts(type = "number"))]
    pub asked_at: Timestamp,
    /// When the page answered.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub done_at: Option<Timestamp>,
    /// What it found.
    pub found: Option<SelfCheck>,
}

/// How one site does, for those who watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SiteHealth {
    /// Whose.
    #[cfg_attr(test, ts(type = "string"))]
    pub participant: ParticipantId,
    /// By its own page; none: it is gone, or has not said.
    pub signs: Option<Signs>,
    /// The last check that was asked for.
    pub check: Option<CheckView>,
}

/// `PUT /api/sites/{id}/contact`: whom to telephone at a site.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// Name and office (cán bộ đầu mối), at most [`CONTACT_CHARS_MAX`] characters, may be empty.
    pub person: String,
    /// Digits, spaces, `+`, `-`, `.`, brackets; may be empty.
    pub phone: String,
}

/// `GET /api/meetings/{id}/desk`: an invited site as the desk needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct DeskSite {
    /// Which.
    #[cfg_attr(test, ts(type = "string"))]
    pub site: SiteId,
    /// Its unit.
    #[cfg_attr(test, ts(type = "string"))]
    pub unit: UnitId,
    /// Its name.
    pub name: String,
    /// Whom to telephone.
    pub contact: Contact,
}

/// `GET /api/meetings/{id}/waiting`: a site whose page is open but that has not entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct WaitingSite {
    /// Which.
    #[cfg_attr(test, ts(type = "string"))]
    pub site: SiteId,
    /// When it was called last.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub called_at: Option<Timestamp>,
}

/// `POST /api/join/{token}/waiting`: the answer to a page that says that it is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct WaitingAnswer {
    /// When the desk called this site last.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub called_at: Option<Timestamp>,
}

/// `POST /api/meetings/{id}/calls`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct NewCall {
    /// 1 to [`CALL_SITES_MAX`] invited sites.
    #[cfg_attr(test, ts(type = "string[]"))]
    pub sites: Vec<SiteId>,
}

/// Its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Called {
    /// Their page is open: it rings.
    #[cfg_attr(test, ts(type = "string[]"))]
    pub reached: Vec<SiteId>,
    /// No page is open: to be telephoned.
    #[cfg_attr(test, ts(type = "string[]"))]
    pub unreached: Vec<SiteId>,
}
