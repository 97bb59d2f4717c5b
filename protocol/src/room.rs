//! What a room looks like now. Everything here can be rebuilt from the facts; a snapshot only spares
//! a newcomer from reading them all.

use serde::{Deserialize, Serialize};

use crate::agenda::Agenda;
use crate::breakout::Breakout;
use crate::conduct::{Conduct, Registered};
use crate::desk::DeskView;
use crate::id::{MeetingId, MessageId, ParticipantId, RecordingId, SiteId};
use crate::media::Source;
use crate::paper::PaperView;
use crate::role::RoomRole;
use crate::roll::RollView;
use crate::scene::SceneView;
use crate::time::Timestamp;
use crate::vote::VoteView;

/// A whole room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RoomSnapshot {
    /// The meeting.
    #[cfg_attr(test, ts(type = "string"))]
    pub meeting: MeetingId,
    /// Its title.
    pub title: String,
    /// When the room opened.
    #[cfg_attr(test, ts(type = "number"))]
    pub opened_at: Timestamp,
    /// Whether it has ended.
    pub ended: bool,
    /// Number of the last fact that this snapshot contains.
    #[cfg_attr(test, ts(type = "number"))]
    pub seq: u64,
    /// Everybody who ever had a seat, in the order in which seats were given.
    pub participants: Vec<Participant>,
    /// Who holds the floor, and since when.
    pub floor: Option<FloorHolder>,
    /// Raised hands, first come first.
    #[cfg_attr(test, ts(type = "string[]"))]
    pub queue: Vec<ParticipantId>,
    /// Those of the queue who had asked before the meeting opened.
    pub registered: Vec<Registered>,
    /// The main picture.
    pub main: MainPicture,
    /// The running recording.
    pub recording: Option<RecordingState>,
    /// The last messages, oldest first; at most 500.
    pub messages: Vec<Message>,
    /// The agenda.
    pub agenda: Agenda,
    /// How the floor is conducted.
    pub conduct: Conduct,
    /// The roll that is open, or the last one.
    pub roll: Option<RollView>,
    /// The vote that is open, or the last one.
    pub vote: Option<VoteView>,
    /// Notes, words on every screen, chat.
    pub desk: DeskView,
    /// Scenes.
    pub scenes: SceneView,
    /// Documents.
    pub papers: PaperView,
    /// The group discussion that is going on.
    pub breakout: Option<Breakout>,
}

/// One seat of a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Participant {
    /// The seat.
    #[cfg_attr(test, ts(type = "string"))]
    pub id: ParticipantId,
    /// Its name at the media node ([`crate::media::TrackKey::publisher`]): its id as text for a browser,
    /// the `{id}` of the path for a WHIP publisher.
    pub publisher: String,
    /// What it may do.
    pub role: RoomRole,
    /// Name on the strip.
    pub name: String,
    /// The site it sits at.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub site: Option<SiteId>,
    /// Connected now.
    pub connected: bool,
    /// Delegates present, as the site declared.
    pub headcount: u32,
    /// Local chair, as the site declared.
    pub local_chair: String,
    /// Tracks that arrive at the media node.
    pub sources: Vec<Source>,
    /// Whether the room lets its microphone through.
    pub microphone_granted: bool,
    /// Whether it closed its own microphone.
    pub self_muted: bool,
    /// Heard speaking so far, ms, measured from audio.
    #[cfg_attr(test, ts(type = "number"))]
    pub spoken_ms: u64,
}

/// The floor and its holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct FloorHolder {
    /// Who.
    #[cfg_attr(test, ts(type = "string"))]
    pub participant: ParticipantId,
    /// Since when.
    #[cfg_attr(test, ts(type = "number"))]
    pub since: Timestamp,
    /// The delegate who speaks there, where one was invited.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub speaker: Option<ParticipantId>,
}

/// What every screen shows large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct MainPicture {
    /// Whose; none: the chair's camera.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub participant: Option<ParticipantId>,
    /// Camera or screen.
    pub source: Source,
}

/// A running recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RecordingState {
    /// Which.
    #[cfg_attr(test, ts(type = "string"))]
    pub recording: RecordingId,
    /// Since when.
    #[cfg_attr(test, ts(type = "number"))]
    pub since: Timestamp,
    /// The recorder writes; false while it is failing.
    pub healthy: bool,
}

/// A message in the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Message {
    /// Which.
    #[cfg_attr(test, ts(type = "string"))]
    pub id: MessageId,
    /// When.
    #[cfg_attr(test, ts(type = "number"))]
    pub at: Timestamp,
    /// Who wrote it.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub by: Option<ParticipantId>,
    /// Text.
    pub text: String,
    /// Marked as a decision.
    pub decision: bool,
}
