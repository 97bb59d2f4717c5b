//! What goes into the machine of a room and what comes out of it.

use protocol::client::{ClientMessage, ServerMessage};
use protocol::control::{MediaCommand, MediaEvent, RecorderCommand, SessionKind};
use protocol::error::ErrorCode;
use protocol::id::{
    AccountId, ParticipantId, RecordingId, RequestId, RollId, SessionId, SiteId, VoteId,
};
use protocol::paper::PaperEntry;
use protocol::roll::{RollRules, RollSite};
use protocol::time::Timestamp;
use protocol::vote::{Tally, VoteRules};

use crate::db::facts::Entry;
use crate::db::seats::SeatRow;

/// The moment of an input, read by the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Now {
    /// Wall-clock time, for facts.
    pub(crate) at: Timestamp,
    /// Monotonic time, ms: for deadlines, so that setting the clock ends nobody's session.
    pub(crate) tick: u64,
    /// Random bits for the ids that this input may need.
    pub(crate) entropy: u128,
}

impl Now {
    /// Wall-clock time as ids want it.
    pub(crate) fn unix_ms(self) -> u64 {
        u64::try_from(self.at.0).unwrap_or(0)
    }
}

/// A WebSocket connection. Never used twice by one process.
pub(crate) type ConnectionId = u64;

/// A question of the HTTP API to the room. Never used twice by one process.
pub(crate) type OfficeRequest = u64;

/// What the office does to a room from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Nothing; answered when everything before it is on disk.
    Wait,
    /// Ends the meeting.
    End,
    /// Shows a seat out: its link was revoked.
    Expel(ParticipantId),
    /// These are the documents that can be read.
    SyncPapers(Vec<PaperEntry>),
    /// Begins a roll-call of the invited sites.
    OpenRoll { by: ParticipantId, roll: RollId, rules: RollRules, sites: Vec<RollSite> },
    /// Opens a secret poll whose key was made.
    OpenPoll { by: ParticipantId, vote: VoteId, rules: VoteRules, public_key: String },
    /// Notes that a delegate gets its ballot.
    IssueBallot { vote: VoteId, participant: ParticipantId, blinded: String },
    /// Closes a poll that was counted.
    ClosePoll { by: ParticipantId, vote: VoteId, tally: Tally, ballots: String },
    /// Writes down that absent sites were called; so many pages rang.
    Call { by: ParticipantId, sites: Vec<SiteId>, reached: u32 },
    /// Writes down that an account has a publisher's packets traced.
    Trace { publisher: String, account: AccountId, seconds: u16 },
}

/// What the recorder says of a room's running recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecorderSays {
    /// It is there (again) and knows nothing.
    Ready,
    /// It is gone.
    Gone,
    /// It writes.
    Writing(RecordingId),
    /// It fails, and goes on trying.
    Failing(RecordingId, ErrorCode),
}

/// A WHIP or WHEP offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ingest {
    pub(crate) request: RequestId,
    pub(crate) session: SessionId,
    /// The `{id}` of the path; empty for the programme.
    pub(crate) name: String,
    pub(crate) kind: SessionKind,
    pub(crate) sdp: String,
}

/// What happens to a room.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// A page said hello with a valid seat secret that was given at `given_at`.
    Connect {
        connection: ConnectionId,
        seat: Box<SeatRow>,
        given_at: Timestamp,
        resume_after: Option<u64>,
    },
    /// A connection is gone.
    Disconnect(ConnectionId),
    /// A page said something.
    Client(ConnectionId, Box<ClientMessage>),
    /// The HTTP API asks something.
    Office(OfficeRequest, Act),
    /// A WHIP or WHEP offer came in.
    Ingest(Box<Ingest>),
    /// A WHIP or WHEP session was ended by its owner.
    CloseIngest(SessionId),
    /// The media node says something.
    Media(Box<MediaEvent>),
    /// The link to the media node was full: what it was told may be lost.
    MediaResync,
    /// The recorder says something.
    Recorder(RecorderSays),
    /// The facts of the last `Persist` are on disk.
    Persisted,
    /// They are not, and never will be.
    PersistFailed(ErrorCode),
}

/// What a room wants done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Output {
    /// Write these facts; answer with `Persisted` or `PersistFailed`. Never two at a time.
    Persist(Vec<Entry>),
    /// Say this to one page.
    Send(ConnectionId, Box<ServerMessage>),
    /// Say this to every page.
    Broadcast(Box<ServerMessage>),
    /// Close a connection; with a code, the page is told and does not come back.
    Close(ConnectionId, Option<ErrorCode>),
    /// Tell the media node.
    Media(Box<MediaCommand>),
    /// Tell the recorder.
    Recorder(RecorderCommand),
    /// Answer the HTTP API.
    Answer(OfficeRequest, Result<(), ErrorCode>),
    /// Answer a WHIP or WHEP offer with the SDP.
    Ingested(RequestId, Result<String, ErrorCode>),
    /// The meeting is over; no further input is needed.
    Over,
}
