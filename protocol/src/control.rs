//! Role to role. A link is two bounded queues of these values. A full queue is a lost link: it is
//! opened again and the whole state is sent, so every command here either carries a whole state or
//! can be sent twice without harm.

use serde::{Deserialize, Serialize};

use crate::error::ErrorCode;
use crate::id::{MeetingId, RecordingId, RequestId, SessionId};
use crate::insight::RoomRoutes;
use crate::media::{Grant, Layer, Slot, SlotLimit, Source, TrackKey, Want};
use crate::minutes::MinutesDocument;
use crate::scene::SceneLayout;
use crate::table::{TableDocument, TableFormat};
use crate::time::Timestamp;

/// What the control plane tells a media node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum MediaCommand {
    /// The whole wanted state of a room; replaces what was said before. Creates the room.
    SetRoom(RoomMedia),
    /// The room is over: its sessions end.
    CloseRoom {
        /// Which.
        room: String,
    },
    /// The meeting is about to end: tell the speeches that are still going on, then `SpeechFlushed`.
    FlushSpeech {
        /// Which.
        room: String,
    },
    /// A browser's, WHIP's or WHEP's offer. Answered with the same `request`.
    Offer(Box<MediaOffer>),
    /// What a session watches, most important first. For sessions of kind `Room`.
    SetWants {
        /// Which.
        session: SessionId,
        /// Video tracks.
        wants: Vec<Want>,
    },
    /// Ends a session.
    CloseSession {
        /// Which.
        session: SessionId,
    },
    /// How do the lines of a room go? Answered by `Inspected` with the same `request`.
    Inspect {
        /// Ties the answer to it.
        request: RequestId,
        /// The room's name.
        room: String,
        /// Only this publisher's sessions, with their tracks and lines.
        of: Option<String>,
    },
    /// How do the room's cameras look? Answered by `Snapshots` with the same `request`. While this is asked every
    /// few seconds, every camera is asked for a key frame now and then.
    TakeSnapshots {
        /// Ties the answer to it.
        request: RequestId,
        /// The room's name.
        room: String,
        /// Only pictures that came after this.
        newer_than: Timestamp,
    },
    /// Write down what a publisher's newest session sends and gets. Answered by `Traced` with the same `request` when
    /// it is over.
    Trace {
        /// Ties the answer to it.
        request: RequestId,
        /// The room's name.
        room: String,
        /// Whose session.
        publisher: String,
        /// For how long; the node has a limit of its own, [`TRACE_SECONDS`].
        seconds: u16,
    },
}

/// How long a trace is.
pub const TRACE_SECONDS: u16 = 60;

/// A single picture of a camera, of its lowest layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CameraPicture {
    /// When it came.
    pub at: Timestamp,
    /// Pixels.
    pub width: u16,
    /// Pixels.
    pub height: u16,
    /// The picture (RFC 9649).
    pub webp: Vec<u8>,
}

/// The wanted state of a room at a media node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomMedia {
    /// The room's name: the meeting's code.
    pub room: String,
    /// Forward what is not named in `grants` (benchmarks), or drop it.
    pub open: bool,
    /// Who may be heard and seen.
    pub grants: Vec<Grant>,
    /// Publishers whose voice is always among those forwarded: the chair, the floor holder.
    pub pinned: Vec<String>,
    /// Who is in which group, 1 and up; the rest are in the hall, group 0. A group hears and sees itself alone,
    /// and is not recorded.
    pub groups: Vec<(String, u8)>,
    /// Who sees the pictures of all groups: those who run the meeting. Empty while there is no group.
    pub oversees: Vec<String>,
    /// The main picture, for WHEP programme sessions and for the recorder.
    pub main: Option<TrackKey>,
    /// What the recorder is to get.
    pub tap: Option<Tap>,
}

/// The order to copy a room's tracks to the recorder: all sound that is granted, the main picture and
/// screens at their highest layer, other cameras at their lowest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tap {
    /// For which recording.
    pub recording: RecordingId,
}

/// An offer and what its session is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaOffer {
    /// Ties the answer to it.
    pub request: RequestId,
    /// The session to create.
    pub session: SessionId,
    /// The room's name. Unknown rooms are refused unless `SetRoom` came before.
    pub room: String,
    /// The publisher's name, and the name that keeps a receiver from getting its own tracks back.
    pub publisher: String,
    /// What the session does.
    pub kind: SessionKind,
    /// The SDP offer.
    pub sdp: String,
}

/// What a session does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SessionKind {
    /// A browser in a room: sends the named lines, receives what it wants.
    Room {
        /// Pairs of `mid` and source for each sending line.
        sends: Vec<(String, Source)>,
    },
    /// WHIP: the first sending audio line is the microphone, the first video line the camera.
    Publish,
    /// WHEP: every receiving line is a slot, filled with the room's publishers in the order in which
    /// they came, or with those named.
    Receive {
        /// `?of=a,b`; empty: all.
        of: Vec<String>,
    },
    /// WHEP of the programme: main picture and the floor's sound.
    Programme,
}

/// What a media node tells the control plane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum MediaEvent {
    /// The node (re)started or the link was renewed: it has no rooms; send them.
    Ready,
    /// An offer was accepted.
    Answer {
        /// Of which offer.
        request: RequestId,
        /// The SDP answer.
        sdp: String,
    },
    /// An offer was refused.
    Refused {
        /// Of which offer.
        request: RequestId,
        /// Why.
        code: ErrorCode,
    },
    /// ICE and DTLS are through.
    SessionConnected {
        /// Which.
        session: SessionId,
    },
    /// A session is gone.
    SessionClosed {
        /// Which.
        session: SessionId,
    },
    /// The first authentic packet of a track arrived, whether or not it may be forwarded.
    TrackStarted {
        /// The room's name.
        room: String,
        /// Which.
        track: TrackKey,
    },
    /// The publisher said goodbye to all of its streams (RTCP BYE; told within 200 ms), or no packet
    /// came for 5 s, or the session closed. A muted page still sends (silence); one that paused its camera
    /// does not.
    TrackStopped {
        /// The room's name.
        room: String,
        /// Which.
        track: TrackKey,
    },
    /// What a session's receiving lines carry now.
    Slots {
        /// Which.
        session: SessionId,
        /// The whole list, in the order of the offer.
        slots: Vec<Slot>,
    },
    /// What limits a session's pictures now; the whole list, at most once a second and only when it changed.
    Limits {
        /// Which.
        session: SessionId,
        /// Lines that are limited; empty: none.
        limits: Vec<SlotLimit>,
    },
    /// Which layers of a session's camera somebody looks at or records: the others need not be sent. The
    /// lowest is always among them. Until it is told, all are.
    Demand {
        /// The publisher's.
        session: SessionId,
        /// Which of its tracks.
        source: Source,
        /// What to send, lowest first.
        layers: Vec<Layer>,
        /// Somebody looks; else the lowest layer need only be at hand, at a low frame rate.
        is_watched: bool,
    },
    /// Who is heard now, loudest first; at most 5 times a second and only when it changed.
    Speakers {
        /// The room's name.
        room: String,
        /// Publishers.
        publishers: Vec<String>,
    },
    /// A stretch of speech that ended: heard (and forwarded) for at least 1 s, pauses under 2 s bridged.
    /// A long speech is told in pieces of 30 s, so that a crash loses no more of it.
    Spoke {
        /// The room's name.
        room: String,
        /// Who.
        publisher: String,
        /// When it began.
        from: Timestamp,
        /// How long, ms.
        ms: u64,
    },
    /// The speeches that were open when `FlushSpeech` came have been told.
    SpeechFlushed {
        /// The room's name.
        room: String,
    },
    /// How the lines of a room go; no sessions if the room is unknown.
    Inspected {
        /// Of which request.
        request: RequestId,
        /// The answer.
        routes: Box<RoomRoutes>,
    },
    /// The cameras of a room.
    Snapshots {
        /// Of which request.
        request: RequestId,
        /// Every camera that sends, by its publisher, with its picture if there is a new one.
        cameras: Vec<(String, Option<CameraPicture>)>,
    },
    /// A trace is over.
    Traced {
        /// Of which request.
        request: RequestId,
        /// The capture (pcapng), headers and reports only; empty if there is no such session, or too many traces
        /// are running.
        file: Vec<u8>,
    },
}

/// What the control plane tells a recorder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RecorderCommand {
    /// Record, or go on recording after a restart. The media node's tap brings the packets.
    Start {
        /// Which.
        recording: RecordingId,
        /// Of which meeting.
        meeting: MeetingId,
        /// Title, for the composed file.
        title: String,
        /// When recording was ordered (the first time).
        started_at: Timestamp,
    },
    /// Something that the composed picture depends on, written beside the packets.
    Note {
        /// Which.
        recording: RecordingId,
        /// When.
        at: Timestamp,
        /// What.
        note: JournalNote,
    },
    /// Stop, then compose.
    Stop {
        /// Which.
        recording: RecordingId,
        /// When it was ordered.
        at: Timestamp,
    },
    /// Compose (again).
    Compose {
        /// Which.
        recording: RecordingId,
        /// Of which meeting.
        meeting: MeetingId,
    },
    /// Delete everything of a recording; answered by `Destroyed`, also if nothing was there.
    Destroy {
        /// Which.
        recording: RecordingId,
    },
    /// Print a table; answered like minutes.
    RenderTable {
        /// Ties the answer to it.
        request: RequestId,
        /// What.
        table: Box<TableDocument>,
        /// As what.
        format: TableFormat,
    },
    /// Print minutes.
    RenderMinutes {
        /// Ties the answer to it.
        request: RequestId,
        /// What.
        document: Box<MinutesDocument>,
        /// As what.
        format: DocumentFormat,
    },
}

/// A line of a recording's journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum JournalNote {
    /// The name to burn in for a publisher.
    Name {
        /// Whose.
        publisher: String,
        /// Name on the strip.
        name: String,
    },
    /// The main picture from now on; none: nobody's.
    MainPicture {
        /// Whose, and which.
        track: Option<TrackKey>,
    },
    /// Who holds the floor from now on.
    Floor {
        /// Whose.
        publisher: Option<String>,
    },
    /// A publisher came or went.
    Present {
        /// Who.
        publisher: String,
        /// Came.
        present: bool,
    },
    /// What every screen was laid out as; none: as each page does by itself.
    Scene {
        /// The scene on air for everyone.
        on_air: Option<SceneNote>,
    },
}

/// A scene as far as the composed picture follows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SceneNote {
    /// How the pictures lie.
    pub layout: SceneLayout,
    /// Publishers that were put on places, first place first.
    pub places: Vec<String>,
    /// Words on the screen, may be empty.
    pub text: String,
}

/// What minutes are printed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentFormat {
    /// PDF/A-2b.
    Pdf,
    /// Office Open XML (ISO/IEC 29500).
    Docx,
}

/// What a recorder tells the control plane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RecorderEvent {
    /// The recorder (re)started: tell it what is being recorded. Names the recordings in its archive that
    /// a crash left unfinished; those that no meeting still records are to be stopped.
    Ready {
        /// Recording and its meeting.
        unfinished: Vec<(RecordingId, MeetingId)>,
    },
    /// Writing; sent once when the first packet is on disk, and every 5 s.
    Recording {
        /// Which.
        recording: RecordingId,
        /// Written so far.
        bytes: u64,
        /// Recorded so far, ms of meeting time.
        ms: u64,
    },
    /// Recording or composing failed.
    Failed {
        /// Which.
        recording: RecordingId,
        /// Why.
        code: ErrorCode,
    },
    /// Composition goes on.
    Composing {
        /// Which.
        recording: RecordingId,
        /// Done, thousandths.
        permille: u16,
        /// About this much longer, ms.
        remaining_ms: u64,
    },
    /// Composition is done.
    Composed {
        /// Which.
        recording: RecordingId,
        /// Length of the composed video, ms.
        ms: u64,
        /// What can be downloaded: paths below the recording's folder.
        files: Vec<RecordingFile>,
    },
    /// A recording is gone.
    Destroyed {
        /// Which.
        recording: RecordingId,
    },
    /// The document, or why not.
    Rendered {
        /// Of which request.
        request: RequestId,
        /// The file's bytes.
        #[serde(with = "rendered")]
        document: Result<Vec<u8>, ErrorCode>,
    },
}

/// A file of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RecordingFile {
    /// Path below the recording's folder, for example `composed.mp4`.
    pub path: String,
    /// Size.
    #[cfg_attr(test, ts(type = "number"))]
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// `Result` has no stable serde form of its own in every format; this one is `{"Ok":…}`/`{"Err":…}`.
mod rendered {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::error::ErrorCode;

    pub(super) fn serialize<S: Serializer>(
        document: &Result<Vec<u8>, ErrorCode>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        document.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Result<Vec<u8>, ErrorCode>, D::Error> {
        Result::deserialize(from)
    }
}
