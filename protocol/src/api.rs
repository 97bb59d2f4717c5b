//! Bodies of the HTTP API. Every error answers with [`Problem`]. Paths are in `docs/protocol.md`.

use serde::{Deserialize, Serialize};

use crate::control::RecordingFile;
use crate::error::ErrorCode;
use crate::id::{
    AccountId, DelegateId, LinkId, MeetingId, ParticipantId, RecordingId, RequestId, SiteId, UnitId,
};
use crate::minutes::MinutesDocument;
use crate::role::{AccountRole, RoomRole};
use crate::time::Timestamp;

/// The body of every answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Problem {
    /// Why.
    pub code: ErrorCode,
    /// The field that is wrong, where there is one.
    pub field: Option<String>,
}

/// `POST /api/session`.
#[derive(Clone, Deserialize, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// Sign-in name.
    pub username: String,
    /// Password.
    pub password: String,
}

/// `GET /api/session`: who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Account {
    /// The account.
    #[cfg_attr(test, ts(type = "string"))]
    pub id: AccountId,
    /// Sign-in name.
    pub username: String,
    /// Name and office, as shown.
    pub name: String,
    /// Role.
    pub role: AccountRole,
}

/// `GET /api/units`: one unit of the tree, in protocol order, parents before children.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Unit {
    /// The unit.
    #[cfg_attr(test, ts(type = "string"))]
    pub id: UnitId,
    /// The unit above it.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub parent: Option<UnitId>,
    /// Official code, five digits for a commune, two for a province.
    pub code: String,
    /// Official name, for example "Xã Lệ Thủy".
    pub name: String,
    /// Its sites.
    pub sites: Vec<Site>,
}

/// A site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Site {
    /// The site.
    #[cfg_attr(test, ts(type = "string"))]
    pub id: SiteId,
    /// Its unit.
    #[cfg_attr(test, ts(type = "string"))]
    pub unit: UnitId,
    /// Its name, for example "Điểm cầu xã Lệ Thủy".
    pub name: String,
}

/// Where a meeting stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum MeetingState {
    /// Planned.
    Scheduled,
    /// The room is open.
    Open,
    /// Over.
    Ended,
}

/// `GET /api/meetings`, `GET /api/meetings/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Meeting {
    /// The meeting.
    #[cfg_attr(test, ts(type = "string"))]
    pub id: MeetingId,
    /// Short name, also the room's name for WHIP and WHEP: `demo`.
    pub code: String,
    /// Title.
    pub title: String,
    /// Where the hall is, for example "Hội trường UBND tỉnh".
    pub venue: String,
    /// When it is planned to begin.
    #[cfg_attr(test, ts(type = "number"))]
    pub scheduled_at: Timestamp,
    /// Where it stands.
    pub state: MeetingState,
    /// When the room opened.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub opened_at: Option<Timestamp>,
    /// When it ended.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub ended_at: Option<Timestamp>,
    /// Sites invited.
    pub n_sites: u32,
    /// Sites connected now, 0 unless open.
    pub n_connected: u32,
    /// Recordings made.
    pub n_recordings: u32,
    /// Whether minutes exist.
    pub has_minutes: bool,
}

/// `POST /api/meetings`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct NewMeeting {
    /// Title, 1 to 300 characters.
    pub title: String,
    /// Hall, at most 200 characters.
    pub venue: String,
    /// When it is planned to begin.
    #[cfg_attr(test, ts(type = "number"))]
    pub scheduled_at: Timestamp,
    /// The sites to invite; each gets a join link.
    #[cfg_attr(test, ts(type = "string[]"))]
    pub sites: Vec<SiteId>,
}

/// `GET /api/meetings/{id}/links`: a join link of a site. The URL is shown to the host only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct JoinLink {
    /// The link.
    #[cfg_attr(test, ts(type = "string"))]
    pub id: LinkId,
    /// The site it is bound to.
    #[cfg_attr(test, ts(type = "string"))]
    pub site: SiteId,
    /// The site's name.
    pub site_name: String,
    /// Path of the page, `/vao/…`, ending in 128 random bits.
    pub path: String,
    /// When it stops working.
    #[cfg_attr(test, ts(type = "number"))]
    pub expires_at: Timestamp,
    /// Revoked.
    pub revoked: bool,
    /// When it was first used.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub used_at: Option<Timestamp>,
}

/// `GET /api/join/{token}`: what a link leads to, before entering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct JoinInfo {
    /// Title of the meeting.
    pub title: String,
    /// When it is planned to begin.
    #[cfg_attr(test, ts(type = "number"))]
    pub scheduled_at: Timestamp,
    /// Where it stands.
    pub state: MeetingState,
    /// Name of the site that the link is bound to.
    pub site_name: String,
    /// Name of the delegate whose link it is; none: the site's own.
    pub delegate: Option<String>,
}

/// A delegate who was named for a meeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Delegate {
    /// Who.
    #[cfg_attr(test, ts(type = "string"))]
    pub id: DelegateId,
    /// Where it sits; none: in the hall.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub site: Option<SiteId>,
    /// Name.
    pub name: String,
    /// Office.
    pub title: String,
    /// Votes (đại biểu chính thức); else it sits in (dự thính).
    pub votes: bool,
    /// Path of the page, `/vao/…`, ending in 128 random bits.
    pub path: String,
    /// When it first came in.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub came_at: Option<Timestamp>,
}

/// A delegate to be named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct NewDelegate {
    /// Name, 1 to 120 characters.
    pub name: String,
    /// Office, at most 200 characters, may be empty.
    pub title: String,
    /// Votes.
    pub votes: bool,
}

/// `POST /api/meetings/{id}/delegates`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct NewDelegates {
    /// Where they sit; none: in the hall.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub site: Option<SiteId>,
    /// At most 500 at once.
    pub delegates: Vec<NewDelegate>,
}

/// `POST /api/join/{token}` and `POST /api/meetings/{id}/seat`: a seat, to be used in
/// [`crate::client::ClientMessage::Hello`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Seat {
    /// The seat.
    #[cfg_attr(test, ts(type = "string"))]
    pub participant: ParticipantId,
    /// The meeting.
    #[cfg_attr(test, ts(type = "string"))]
    pub meeting: MeetingId,
    /// Title of the meeting.
    pub title: String,
    /// Name on the strip.
    pub name: String,
    /// What the seat may do.
    pub role: RoomRole,
    /// Secret; proves the seat.
    pub token: String,
}

/// How far a recording is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum RecordingPhase {
    /// Being recorded.
    Recording,
    /// Being composed.
    Composing,
    /// Ready to play.
    Ready,
    /// Composition failed; the archive is kept and can be composed again.
    Failed,
    /// Destroyed with a second person's approval; only its custody log is left.
    Destroyed,
}

/// `GET /api/recordings`, `GET /api/recordings/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Recording {
    /// The recording.
    #[cfg_attr(test, ts(type = "string"))]
    pub id: RecordingId,
    /// Of which meeting.
    #[cfg_attr(test, ts(type = "string"))]
    pub meeting: MeetingId,
    /// Title of the meeting.
    pub title: String,
    /// When recording was ordered.
    #[cfg_attr(test, ts(type = "number"))]
    pub started_at: Timestamp,
    /// When it was stopped.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub stopped_at: Option<Timestamp>,
    /// How far it is.
    pub phase: RecordingPhase,
    /// Composition done, thousandths.
    pub permille: u16,
    /// Composition will take about this much longer, ms.
    #[cfg_attr(test, ts(type = "number"))]
    pub remaining_ms: u64,
    /// Length: of the composed video if ready, else recorded so far, ms.
    #[cfg_attr(test, ts(type = "number"))]
    pub ms: u64,
    /// Bytes in the archive so far.
    #[cfg_attr(test, ts(type = "number"))]
    pub bytes: u64,
    /// What can be downloaded from `/api/recordings/{id}/files/{path}`.
    pub files: Vec<RecordingFile>,
    /// Why it failed.
    pub failure: Option<ErrorCode>,
    /// Places to jump to, from the facts.
    pub chapters: Vec<Chapter>,
}

/// A place in a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Chapter {
    /// From the start of the composed video, ms.
    #[cfg_attr(test, ts(type = "number"))]
    pub ms: u64,
    /// What begins there.
    pub kind: ChapterKind,
    /// Name of the site, text of the decision, name and page of the document.
    pub text: String,
}

/// What begins at a chapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum ChapterKind {
    /// Somebody was given the floor.
    Speech,
    /// A message that was marked as a decision was written.
    Decision,
    /// The server came up again: what lies before is a gap.
    Gap,
    /// A page of a document was shown: its name, a line feed, the page.
    Page,
}

/// `GET` and `PUT /api/meetings/{id}/minutes`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Minutes {
    /// Counts changes; a `PUT` names the one it was made from and is refused with `conflict` if another
    /// came first.
    pub version: u32,
    /// When it was last changed.
    #[cfg_attr(test, ts(type = "number"))]
    pub changed_at: Timestamp,
    /// The document.
    pub document: MinutesDocument,
}

/// `POST /api/meetings/{id}/traces`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct NewTrace {
    /// Whose packets: the publisher's name at the media node.
    pub publisher: String,
}

/// A trace that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct TraceStarted {
    /// To be fetched by this from `GET /api/meetings/{id}/traces/{trace}`.
    #[cfg_attr(test, ts(type = "string"))]
    pub trace: RequestId,
    /// How long it takes.
    pub seconds: u16,
}
