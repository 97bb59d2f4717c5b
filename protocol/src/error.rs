//! The closed list of codes that a user can meet. The server sends codes, never sentences; the page
//! turns them into Vietnamese.

use serde::{Deserialize, Serialize};

/// Why something was refused or failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// Nobody is signed in, or the session has expired.
    NotSignedIn,
    /// Wrong name or password.
    WrongPassword,
    /// Too many wrong passwords; wait.
    AccountLocked,
    /// The role does not allow it.
    Forbidden,
    /// No such thing, or not for you.
    NotFound,
    /// The join link is unknown, revoked, or of another meeting.
    LinkInvalid,
    /// The join link has expired.
    LinkExpired,
    /// The seat token is unknown or revoked.
    SeatInvalid,
    /// The meeting has not been opened yet.
    MeetingNotOpen,
    /// The meeting is open already: what was asked belongs to the time before.
    MeetingOpened,
    /// The meeting has ended.
    MeetingEnded,
    /// The same seat came in from another page; this one is closed.
    SeatTaken,
    /// A field is missing, too long or malformed.
    InvalidInput,
    /// A body, message or file is larger than allowed.
    TooLarge,
    /// Requests come too fast.
    TooManyRequests,
    /// Somebody else changed the document since it was read.
    Conflict,
    /// The browser speaks another version of the protocol; reload the page.
    VersionMismatch,
    /// The message is not one of the protocol's.
    UnknownMessage,
    /// The SDP cannot be read or lacks what is needed.
    InvalidSdp,
    /// The offer has nothing that this node can carry (codec, DTLS, ICE).
    UnsupportedMedia,
    /// The media node is full or away.
    MediaUnavailable,
    /// The recorder is away.
    RecorderUnavailable,
    /// A recording is already running.
    AlreadyRecording,
    /// No recording is running.
    NotRecording,
    /// The disk is full.
    DiskFull,
    /// FFmpeg could not compose the recording.
    CompositionFailed,
    /// The document could not be printed.
    RenderFailed,
    /// The main picture, speaker or message meant is not in the room.
    NotInRoom,
    /// A vote is open already.
    VoteRunning,
    /// This vote is not open (any more).
    VoteNotRunning,
    /// A vote was cast for this elector; it stands.
    AlreadyCast,
    /// Not one of those who may vote here.
    NotElector,
    /// The three counts do not add up to the headcount.
    TallyMismatch,
    /// Nobody may vote: no site has declared its headcount, or no delegate has come in.
    NoElectors,
    /// A roll-call is open already.
    RollRunning,
    /// This roll is not open (any more).
    RollNotRunning,
    /// A site is not checked yet, or absent without a reason.
    RollIncomplete,
    /// In this regime only the hall speaks.
    FloorClosed,
    /// The desk has closed the chat: only it, the chair and the secretary write to everyone.
    ChatClosed,
    /// A scene names a site that is not in the room.
    SceneUnknownSite,
    /// No such document in this meeting (any more).
    PaperUnknown,
    /// The document has no such page.
    PaperPageUnknown,
    /// No document is shown.
    PaperNotShown,
    /// Not everyone may read this document now, so it cannot be put on every screen.
    PaperNotForAll,
    /// The file is not of a kind that is taken, whatever its name says.
    PaperKindUnknown,
    /// The file would unpack to far more than it may.
    PaperBomb,
    /// The file is damaged, or locked by a password.
    PaperUnreadable,
    /// Documents of Word, PowerPoint and Excel need LibreOffice on the server.
    PaperOfficeMissing,
    /// A group discussion is going on already.
    BreakoutRunning,
    /// No group discussion is going on (any more).
    BreakoutNotRunning,
    /// It is in a group, where the hall does not see or hear it.
    InGroup,
    /// The server failed; the log tells why.
    Internal,
}
