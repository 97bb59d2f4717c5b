//! Facts: everything that happens in a room, in the order in which it happened. A fact is committed
//! to the hash-chained log before it is acknowledged to anyone; the room's state, the minutes and the
//! chapters of a recording are read from facts and from nothing else.

use serde::{Deserialize, Serialize};

use crate::agenda::AgendaFact;
use crate::breakout::BreakoutFact;
use crate::conduct::ConductFact;
use crate::desk::DeskFact;
use crate::error::ErrorCode;
use crate::id::{AccountId, LinkId, MessageId, ParticipantId, RecordingId, SiteId};
use crate::media::Source;
use crate::paper::PaperFact;
use crate::role::RoomRole;
use crate::roll::RollFact;
use crate::scene::SceneFact;
use crate::time::Timestamp;
use crate::vote::VoteFact;

/// A fact with its place in the log of one meeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct FactRecord {
    /// 1, 2, 3 … without gaps within a meeting.
    #[cfg_attr(test, ts(type = "number"))]
    pub seq: u64,
    /// When it happened, by the control node's clock.
    #[cfg_attr(test, ts(type = "number"))]
    pub at: Timestamp,
    /// Who did it; none for what the system saw by itself.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub by: Option<ParticipantId>,
    /// What happened.
    pub fact: Fact,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Fact {
    /// The room opened: the first fact of every meeting.
    Opened {
        /// Title of the meeting.
        title: String,
    },
    /// A seat was given: who this participant is. Comes before its first `Joined`; again when the
    /// name, role or headcount changed.
    Seated {
        /// The seat.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
        /// What it may do.
        role: RoomRole,
        /// Name on the strip, for example "Điểm cầu xã Lệ Thủy".
        name: String,
        /// The site, for those who sit at one.
        #[cfg_attr(test, ts(type = "string | null"))]
        site: Option<SiteId>,
        /// The account, for those who signed in.
        #[cfg_attr(test, ts(type = "string | null"))]
        account: Option<AccountId>,
        /// The link, for those who came by one.
        #[cfg_attr(test, ts(type = "string | null"))]
        link: Option<LinkId>,
    },
    /// A participant is connected.
    Joined {
        /// Who.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
    },
    /// A participant left, or its connection was lost.
    Left {
        /// Who.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
        /// Why.
        reason: LeaveReason,
    },
    /// A site said how many delegates sit there and who chairs locally.
    Declared {
        /// Which seat.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
        /// Delegates present, 0 to 10,000.
        headcount: u32,
        /// The local chair's name and office (chủ trì tại điểm cầu), may be empty.
        local_chair: String,
    },
    /// A track began to arrive at the media node.
    Published {
        /// Whose.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
        /// Which.
        source: Source,
    },
    /// A track stopped arriving.
    Unpublished {
        /// Whose.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
        /// Which.
        source: Source,
    },
    /// A microphone was opened or closed by the room. While closed, its packets stop at the node.
    MicrophoneGranted {
        /// Whose.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
        /// Open or closed.
        granted: bool,
    },
    /// The participant opened or closed its own microphone, within what is granted.
    SelfMuted {
        /// Whose.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
        /// Closed by itself.
        muted: bool,
    },
    /// A hand was raised (đăng ký phát biểu) or withdrawn. BFCP: FloorRequest Pending or Cancelled.
    HandRaised {
        /// Whose.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
        /// Up or down.
        raised: bool,
    },
    /// The floor was given (mời phát biểu). BFCP: Granted. It takes the floor from whoever had it.
    FloorGranted {
        /// To whom.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
    },
    /// The floor came back (cảm ơn, kết thúc phát biểu). BFCP: Released or Revoked.
    FloorReleased {
        /// From whom.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
        /// How long the floor was held, ms.
        #[cfg_attr(test, ts(type = "number"))]
        held_ms: u64,
    },
    /// Somebody was heard without a longer pause, measured from audio levels at the media node.
    Spoke {
        /// Who.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
        /// When it began.
        #[cfg_attr(test, ts(type = "number"))]
        from: Timestamp,
        /// How long, ms.
        #[cfg_attr(test, ts(type = "number"))]
        ms: u64,
    },
    /// The main picture of every screen changed.
    MainPicture {
        /// Whose; none: the chair's.
        #[cfg_attr(test, ts(type = "string | null"))]
        participant: Option<ParticipantId>,
        /// Camera or screen.
        source: Source,
    },
    /// Everybody but the chair was muted at once.
    AllMuted,
    /// An account had the packets of a site written down, headers only, to find out what is wrong with its line.
    PacketsTraced {
        /// Whose.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
        /// Who asked for it.
        #[cfg_attr(test, ts(type = "string"))]
        account: AccountId,
        /// For how long.
        seconds: u16,
    },
    /// A message was written.
    MessageSent {
        /// Which.
        #[cfg_attr(test, ts(type = "string"))]
        message: MessageId,
        /// Text, NFC, at most 2,000 characters.
        text: String,
    },
    /// A message was marked as a decision, or the mark was taken off.
    DecisionMarked {
        /// Which.
        #[cfg_attr(test, ts(type = "string"))]
        message: MessageId,
        /// On or off.
        decision: bool,
    },
    /// Recording was ordered. From here on every screen says so (Law 91/2025: notice).
    RecordingStarted {
        /// Which.
        #[cfg_attr(test, ts(type = "string"))]
        recording: RecordingId,
    },
    /// The recorder failed while recording; it goes on trying.
    RecordingFailed {
        /// Which.
        #[cfg_attr(test, ts(type = "string"))]
        recording: RecordingId,
        /// Why.
        code: ErrorCode,
    },
    /// Recording was stopped.
    RecordingStopped {
        /// Which.
        #[cfg_attr(test, ts(type = "string"))]
        recording: RecordingId,
    },
    /// The agenda was set, or went on.
    Agenda(AgendaFact),
    /// The floor is conducted in another way.
    Conduct(ConductFact),
    /// Something happened in a roll-call.
    Roll(RollFact),
    /// Something happened in a vote.
    Vote(VoteFact),
    /// Something of the control desk happened.
    Desk(DeskFact),
    /// Something of scenes happened.
    Scene(SceneFact),
    /// Something happened to the documents.
    Paper(PaperFact),
    /// Something of a group discussion happened.
    Breakout(BreakoutFact),
    /// The server came up again in the middle of this meeting; who was connected has to return.
    Resumed,
    /// The meeting ended for everyone: the last fact.
    Ended,
}

/// Why a participant is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// Pressed "rời phòng họp".
    Left,
    /// The connection was lost and did not come back in time.
    Lost,
    /// The same seat came in from another page.
    Replaced,
    /// The link was revoked or the chair removed it.
    Removed,
    /// The server stopped.
    Restarted,
}
