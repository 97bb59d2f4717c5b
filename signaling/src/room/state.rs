//! What a room is: the fold of its facts. The same `apply` runs while the meeting is live and when the
//! server comes up again, so the two cannot differ.

use std::collections::{HashMap, HashSet, VecDeque};

use protocol::agenda::Agenda;
use protocol::breakout::Breakout;
use protocol::conduct::Conduct;
use protocol::fact::Fact;
use protocol::id::{CommandId, MeetingId, ParticipantId};
use protocol::media::{Source, TrackKey};
use protocol::role::RoomRole;
use protocol::room::{MainPicture, RecordingState, RoomSnapshot};
use protocol::time::Timestamp;

use super::agenda;
use super::breakout;
use super::conduct;
use super::desk::Desk;
use super::floor::Floor;
use super::messages::Messages;
use super::paper::Papers;
use super::roll::{self, Roll};
use super::roster::{Roster, Seat};
use super::scene::Scenes;
use super::vote::{self, Vote};
use crate::db::facts::Entry;

/// Commands remembered of each participant. A page that was away for a minute sends a handful again.
const COMMANDS_MAX: usize = 1_000;

/// Everything that follows from a room's facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) meeting: MeetingId,
    pub(crate) title: String,
    pub(crate) opened_at: Timestamp,
    pub(crate) ended: bool,
    pub(crate) seq: u64,
    pub(crate) roster: Roster,
    pub(crate) floor: Floor,
    pub(crate) main: MainPicture,
    pub(crate) recording: Option<RecordingState>,
    pub(crate) messages: Messages,
    pub(crate) agenda: Agenda,
    pub(crate) conduct: Conduct,
    /// The roll that is open, or the last one.
    pub(crate) roll: Option<Roll>,
    /// The vote that is open, or the last one.
    pub(crate) vote: Option<Vote>,
    pub(crate) desk: Desk,
    pub(crate) scenes: Scenes,
    pub(crate) papers: Papers,
    pub(crate) breakout: Option<Breakout>,
    commands: HashMap<ParticipantId, Commands>,
}

/// The main picture when nothing else was ordered: the chair's camera.
pub(crate) const CHAIRS_CAMERA: MainPicture =
    MainPicture { participant: None, source: Source::Camera };

impl State {
    pub(crate) fn new(meeting: MeetingId) -> Self {
        Self {
            meeting,
            title: String::new(),
            opened_at: Timestamp(0),
            ended: false,
            seq: 0,
            roster: Roster::new(meeting),
            floor: Floor::default(),
            main: CHAIRS_CAMERA,
            recording: None,
            messages: Messages::default(),
            agenda: Agenda::default(),
            conduct: Conduct::default(),
            roll: None,
            vote: None,
            desk: Desk::default(),
            scenes: Scenes::default(),
            papers: Papers::default(),
            breakout: None,
            commands: HashMap::new(),
        }
    }

    /// Takes in one fact.
    pub(crate) fn apply(&mut self, entry: &Entry) {
        let record = &entry.record;
        debug_assert_eq!(record.seq, self.seq + 1, "facts come without gaps");
        self.seq = record.seq;
        if let (Some(by), Some(command)) = (record.by, entry.command) {
            self.commands.entry(by).or_default().remember(command);
        }
        let holder = self.floor.holder_id();
        self.roster.apply(&record.fact, record.at, holder);
        self.floor.apply(&record.fact, record.at);
        conduct::apply(&mut self.conduct, &record.fact);
        roll::apply(&mut self.roll, record, &self.roster);
        match &record.fact {
            Fact::Opened { title } => {
                self.title.clone_from(title);
                self.opened_at = record.at;
            }
            Fact::MainPicture { participant, source } => {
                self.main = MainPicture { participant: *participant, source: *source };
            }
            Fact::MessageSent { message, text } => {
                self.messages.add(*message, record.at, record.by, text);
            }
            Fact::DecisionMarked { message, decision } => self.messages.mark(*message, *decision),
            Fact::RecordingStarted { recording } => self.recording_started(*recording, record.at),
            Fact::RecordingFailed { recording, .. } => {
                if let Some(running) =
                    self.recording.as_mut().filter(|it| it.recording == *recording)
                {
                    running.healthy = false;
                }
            }
            Fact::RecordingStopped { recording } => {
                self.recording.take_if(|it| it.recording == *recording);
            }
            Fact::Ended => self.ended = true,
            Fact::Seated { .. }
            | Fact::Joined { .. }
            | Fact::Left { .. }
            | Fact::Declared { .. }
            | Fact::Published { .. }
            | Fact::Unpublished { .. }
            | Fact::MicrophoneGranted { .. }
            | Fact::SelfMuted { .. }
            | Fact::HandRaised { .. }
            | Fact::FloorGranted { .. }
            | Fact::FloorReleased { .. }
            | Fact::Spoke { .. }
            | Fact::AllMuted
            | Fact::PacketsTraced { .. }
            | Fact::Conduct(_)
            | Fact::Roll(_)
            | Fact::Resumed => {}
            Fact::Agenda(fact) => agenda::apply(&mut self.agenda, fact, record.at),
            Fact::Vote(fact) => vote::apply(&mut self.vote, fact, record.at),
            Fact::Desk(fact) => self.desk.apply(fact, record),
            Fact::Scene(fact) => self.scenes.apply(fact),
            Fact::Paper(fact) => self.papers.apply(fact, record.by),
            Fact::Breakout(fact) => {
                let (roster, regime) = (&mut self.roster, self.conduct.regime);
                breakout::apply(&mut self.breakout, roster, regime, fact, record.at);
            }
        }
    }

    /// Said again of a running recording, it means that the recorder writes again after a failure.
    fn recording_started(&mut self, recording: protocol::id::RecordingId, at: Timestamp) {
        match &mut self.recording {
            Some(running) if running.recording == recording => running.healthy = true,
            Some(_) | None => {
                self.recording = Some(RecordingState { recording, since: at, healthy: true });
            }
        }
    }

    /// The room as a newcomer sees it.
    pub(crate) fn snapshot(&self, viewer: ParticipantId) -> RoomSnapshot {
        RoomSnapshot {
            meeting: self.meeting,
            title: self.title.clone(),
            opened_at: self.opened_at,
            ended: self.ended,
            seq: self.seq,
            participants: self.roster.iter().map(Seat::to_participant).collect(),
            floor: self.floor.holder().cloned(),
            queue: self.floor.queue().to_vec(),
            registered: self.floor.registered().to_vec(),
            main: self.main,
            recording: self.recording.clone(),
            messages: self.messages.to_vec(),
            agenda: self.agenda.clone(),
            conduct: self.conduct,
            roll: self.roll.as_ref().map(Roll::view),
            vote: self.vote.as_ref().map(|it| it.view(Some(viewer))),
            desk: self.desk.view(self.roster.get(viewer)),
            scenes: self.scenes.view(),
            papers: self.papers.view(self.roster.get(viewer)),
            breakout: self.breakout.clone(),
        }
    }

    /// Whether this command was carried out before.
    pub(crate) fn knows_command(&self, by: ParticipantId, command: CommandId) -> bool {
        self.commands.get(&by).is_some_and(|it| it.known.contains(&command))
    }

    /// The chair whose camera is shown when nothing else is ordered: the first who is connected.
    pub(crate) fn chair(&self) -> Option<&Seat> {
        self.roster.iter().find(|it| it.role == RoomRole::Chair && it.connected)
    }

    /// The track that is the main picture, if there is anybody to show.
    pub(crate) fn main_track(&self) -> Option<TrackKey> {
        let seat = match self.main.participant {
            Some(id) => self.roster.get(id),
            None => self.chair(),
        }?;
        Some(TrackKey { publisher: seat.publisher.clone(), source: self.main.source })
    }

    /// The publisher who holds the floor.
    pub(crate) fn floor_publisher(&self) -> Option<String> {
        let seat = self.roster.get(self.floor.holder_id()?)?;
        Some(seat.publisher.clone())
    }
}

/// The last commands of one participant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Commands {
    order: VecDeque<CommandId>,
    known: HashSet<CommandId>,
}

impl Commands {
    fn remember(&mut self, command: CommandId) {
        if !self.known.insert(command) {
            return; // A command that caused several facts comes with each of them.
        }
        self.order.push_back(command);
        if self.order.len() > COMMANDS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}
