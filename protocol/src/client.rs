//! The browser's WebSocket: JSON text messages, one value each, at most [`MESSAGE_BYTES_MAX`].

use serde::{Deserialize, Deserializer, Serialize};

use crate::agenda::AgendaCommand;
use crate::breakout::BreakoutCommand;
use crate::conduct::ConductCommand;
use crate::desk::DeskCommand;
use crate::error::ErrorCode;
use crate::fact::FactRecord;
use crate::health::{SelfCheck, Signs, SiteHealth};
use crate::id::{CommandId, MessageId, ParticipantId, SiteId};
use crate::media::{Layer, Slot, SlotLimit, Source, Want};
use crate::paper::PaperCommand;
use crate::roll::RollCommand;
use crate::room::RoomSnapshot;
use crate::scene::SceneCommand;
use crate::time::Timestamp;
use crate::vote::VoteCommand;

/// Version of this protocol. A browser with another one is told to reload.
pub const VERSION: u32 = 3;

/// Largest message in either direction that is not an SDP, in bytes; an SDP with 60 lines fits too.
pub const MESSAGE_BYTES_MAX: usize = 256 * 1024;

/// Longest text message, in characters.
pub const TEXT_CHARS_MAX: usize = 2_000;

/// Most tracks a browser may want at once.
pub const WANTS_MAX: usize = 64;

/// What the browser says. The first message is `Hello`, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientMessage {
    /// Opens the session.
    Hello {
        /// [`VERSION`] of the page.
        version: u32,
        /// The seat token that the HTTP API gave.
        token: String,
        /// The last fact that this page has seen, if it was here before: it gets the rest, or a
        /// snapshot when too much has happened.
        #[cfg_attr(test, ts(type = "number | null"))]
        resume_after: Option<u64>,
    },
    /// An act in the room. Answered by `Done` or `Refused` with the same id, after the facts.
    Command {
        /// Chosen by the browser; the same id is carried out once.
        #[cfg_attr(test, ts(type = "string"))]
        id: CommandId,
        /// What to do.
        command: Command,
    },
    /// A media offer (SDP, RFC 8829). Answered by `Answer` or `MediaRefused`. A new offer replaces the
    /// browser's former media connection.
    Offer {
        /// The SDP.
        sdp: String,
        /// For each sending line of the offer, what it carries.
        sends: Vec<SendLine>,
        /// The same connection looks for a new way (ICE restart, RFC 8839 §4.4.3): it keeps its keys and its pictures.
        /// Refused with `not_found` if it is not there any more.
        restarts: bool,
    },
    /// Which pictures the page shows, most important first. Replaces what was wanted before.
    Watch {
        /// At most [`WANTS_MAX`].
        wants: Vec<Want>,
    },
    /// How the page's reception goes, once every 5 s: for the desk's view of line quality.
    Report {
        /// Share of packets lost in the last interval, thousandths.
        lost_permille: u16,
        /// Round-trip time, ms.
        rtt_ms: u32,
        /// Received, bit/s.
        received_bps: u32,
    },
    /// How camera and microphone do, by the page's own look at what it sends: on change, at most every 2 s.
    Signs(Signs),
    /// The answer to `CheckAsked`.
    Checked(SelfCheck),
    /// Keeps the connection alive through proxies; answered by `Pong`.
    #[serde(deserialize_with = "nothing_more")]
    Ping,
}

/// A message without fields has none: serde itself would overlook what else stands beside its type.
fn nothing_more<'de, D: Deserializer<'de>>(fields: D) -> Result<(), D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}
    Nothing::deserialize(fields).map(|Nothing {}| ())
}

/// What a sending line of an offer carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct SendLine {
    /// The line's `mid`.
    pub mid: String,
    /// What it carries.
    pub source: Source,
}

/// An act in the room. Who may: see [`crate::role::RoomRole`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Leave the room for good (a lost connection needs no command).
    #[serde(deserialize_with = "nothing_more")]
    Leave,
    /// A site declares its headcount and local chair.
    Declare {
        /// 0 to 10,000.
        headcount: u32,
        /// Name and office, at most 200 characters, may be empty.
        local_chair: String,
    },
    /// Close or open one's own microphone, within what is granted.
    MuteSelf {
        /// Closed.
        muted: bool,
    },
    /// Chair, desk: close or open somebody's microphone at the node.
    Mute {
        /// Whose.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
        /// Closed.
        muted: bool,
    },
    /// Chair, desk: close every microphone but the chair's, and take the floor back.
    #[serde(deserialize_with = "nothing_more")]
    MuteAll,
    /// Raise or lower one's own hand.
    RaiseHand {
        /// Up.
        raised: bool,
    },
    /// Chair, desk: take somebody out of the queue.
    LowerHand {
        /// Whose.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
    },
    /// Chair, desk: give the floor. Opens the microphone, makes the main picture, thanks whoever had it.
    Invite {
        /// Whom.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
    },
    /// Chair, desk: take the floor back; or the holder gives it back. The main picture returns to the
    /// chair.
    #[serde(deserialize_with = "nothing_more")]
    Thank,
    /// Chair, desk: what every screen shows large; none for the chair's camera.
    SetMainPicture {
        /// Whose.
        #[cfg_attr(test, ts(type = "string | null"))]
        participant: Option<ParticipantId>,
        /// Camera or screen.
        source: Source,
    },
    /// Write to everyone.
    SendMessage {
        /// At most [`TEXT_CHARS_MAX`] characters.
        text: String,
    },
    /// Chair, secretary: mark a message as a decision, or not.
    MarkDecision {
        /// Which.
        #[cfg_attr(test, ts(type = "string"))]
        message: MessageId,
        /// Marked.
        decision: bool,
    },
    /// Chair, secretary: record.
    #[serde(deserialize_with = "nothing_more")]
    StartRecording,
    /// Chair, secretary: stop recording.
    #[serde(deserialize_with = "nothing_more")]
    StopRecording,
    /// Chair, desk: show somebody out; the seat's token stops working.
    Remove {
        /// Whom.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
    },
    /// The agenda.
    Agenda(AgendaCommand),
    /// Regime, time limit, order of hands, who prepares.
    Conduct(ConductCommand),
    /// Roll-call.
    Roll(RollCommand),
    /// Votes.
    Vote(VoteCommand),
    /// The control desk.
    Desk(DeskCommand),
    /// Scenes.
    Scene(SceneCommand),
    /// Documents on the screens.
    Paper(PaperCommand),
    /// Group discussion.
    Breakout(BreakoutCommand),
    /// Chair: end the meeting for everyone.
    #[serde(deserialize_with = "nothing_more")]
    End,
}

/// What the server says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// The session is open. Either `snapshot` holds the room, or `Fact` messages follow that bring the
    /// page from `resume_after` to now.
    Welcome {
        /// Who you are.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
        /// Changes when the server has restarted: media has to be offered again.
        epoch: String,
        /// The server's clock, for showing times.
        #[cfg_attr(test, ts(type = "number"))]
        now: Timestamp,
        /// The room, unless the session was resumed.
        snapshot: Option<Box<RoomSnapshot>>,
    },
    /// Something happened. Facts come in order, without gaps.
    Fact(FactRecord),
    /// A site came by its link for the first time: the next two facts, `seated` and `joined`, as short as they can be told to
    /// everybody whose line is bad. Neither account nor link nor who did it is named.
    Came {
        /// When, who, at which site, and its name.
        #[cfg_attr(test, ts(type = "[number, string, string, string]"))]
        who: (Timestamp, ParticipantId, SiteId, String),
    },
    /// The next fact, `published`, in short; it happened just now, by nobody.
    Sends {
        /// Which seat, by its place in the snapshot's list (who came later stands behind), and which source, by its
        /// place in [`Source`].
        what: (u32, u8),
    },
    /// A command was carried out; its facts came before.
    Done {
        /// Which.
        #[cfg_attr(test, ts(type = "string"))]
        id: CommandId,
    },
    /// A command was refused and changed nothing.
    Refused {
        /// Which.
        #[cfg_attr(test, ts(type = "string"))]
        id: CommandId,
        /// Why.
        code: ErrorCode,
    },
    /// The answer to an offer.
    Answer {
        /// The SDP.
        sdp: String,
    },
    /// An offer was refused.
    MediaRefused {
        /// Why.
        code: ErrorCode,
    },
    /// The media connection is gone at the node (it restarted, or consent was lost): offer again.
    MediaLost,
    /// What every receiving line carries now. Always the whole list.
    Slots {
        /// In the order of the offer's receiving lines.
        slots: Vec<Slot>,
    },
    /// What limits the pictures that this page receives. Always the whole list; at most once a second.
    Limits {
        /// Lines that are limited; empty: none.
        limits: Vec<SlotLimit>,
    },
    /// Which layers of this page's camera somebody looks at: the others are to be switched off.
    Demand {
        /// Which of the page's sources.
        source: Source,
        /// What to send, lowest first; never empty.
        layers: Vec<Layer>,
        /// Somebody looks; else the lowest layer may go at a low frame rate.
        is_watched: bool,
    },
    /// Who is heard now, loudest first. Not a fact: it comes several times a second and is not kept.
    Speakers {
        /// Publishers.
        publishers: Vec<String>,
    },
    /// Line quality of participants, for chair and desk. Not a fact.
    Quality {
        /// One for each participant that reported lately.
        lines: Vec<LineQuality>,
    },
    /// How sites do, for chair, desk, secretary and their monitor windows: what changed, at most once a second; all
    /// of it to who has just come. Not a fact.
    Health {
        /// Those that changed.
        sites: Vec<SiteHealth>,
    },
    /// The desk asks this page to check its devices and its line, and to answer `Checked`.
    CheckAsked,
    /// The answer to `Ping`.
    Pong,
    /// The session is over; the page shows why and does not reconnect.
    Closed {
        /// Why.
        code: ErrorCode,
    },
}

/// How a participant's line does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LineQuality {
    /// Whose.
    #[cfg_attr(test, ts(type = "string"))]
    pub participant: ParticipantId,
    /// Share of packets lost, thousandths.
    pub lost_permille: u16,
    /// Round-trip time, ms.
    pub rtt_ms: u32,
    /// Received, bit/s.
    pub received_bps: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_read(text: &str) -> bool {
        serde_json::from_str::<ClientMessage>(text).is_ok()
    }

    #[test]
    fn a_field_that_the_protocol_does_not_know_is_refused_wherever_it_stands() {
        let command = |fields: &str| {
            let id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
            format!("{{\"type\":\"command\",\"id\":\"{id}\",\"command\":{{{fields}}}}}")
        };
        let watch = |track: &str, want: &str| {
            format!(
                "{{\"type\":\"watch\",\"wants\":[{{\"track\":{{\"publisher\":\"a\",\
                 \"source\":\"camera\"{track}}},\"layer_max\":\"low\"{want}}}]}}"
            )
        };
        let mut right = vec!["{\"type\":\"ping\"}".to_owned(), watch("", "")];
        let mut wrong = vec![
            "{\"type\":\"ping\",\"x\":1}".to_owned(),
            "{\"x\":{\"type\":\"ping\"},\"type\":\"ping\"}".to_owned(),
            "{\"type\":\"watch\",\"wants\":[],\"x\":1}".to_owned(),
            watch(",\"x\":1", ""),
            watch("", ",\"x\":1"),
            command("\"type\":\"raise_hand\",\"raised\":true,\"x\":1"),
        ];
        for name in ["leave", "mute_all", "thank", "start_recording", "stop_recording", "end"] {
            right.push(command(&format!("\"type\":\"{name}\"")));
            wrong.push(command(&format!("\"type\":\"{name}\",\"x\":null")));
        }
        right.iter().for_each(|text| assert!(is_read(text), "{text}"));
        wrong.iter().for_each(|text| assert!(!is_read(text), "{text}"));
    }

    #[test]
    fn a_message_without_fields_is_written_as_its_type_alone() {
        let text = |message: &ClientMessage| serde_json::to_string(message).unwrap();
        assert_eq!(text(&ClientMessage::Ping), "{\"type\":\"ping\"}");
        let end = serde_json::to_string(&Command::End).unwrap();
        assert_eq!(end, "{\"type\":\"end\"}");
    }
}
