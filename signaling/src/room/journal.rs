//! What the recorder is told while a room is recorded: everything that the composed picture depends on,
//! each time with the moment of its fact.

use protocol::control::{JournalNote, RecorderCommand, SceneNote};
use protocol::fact::{Fact, FactRecord};
use protocol::id::RecordingId;
use protocol::media::TrackKey;
use protocol::time::Timestamp;

use super::state::State;

/// What the recorder was told last.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    recording: Option<RecordingId>,
    main: Option<TrackKey>,
    floor: Option<String>,
    on_air: Option<SceneNote>,
}

impl Journal {
    /// What a committed fact means for the recorder; `state` has taken it in already.
    pub(crate) fn after(
        &mut self,
        state: &State,
        record: &FactRecord,
        out: &mut Vec<RecorderCommand>,
    ) {
        match &record.fact {
            Fact::RecordingStarted { recording } if self.recording != Some(*recording) => {
                self.restart(state, record.at, out);
                return;
            }
            Fact::RecordingStopped { recording } => {
                self.recording = None;
                out.push(RecorderCommand::Stop { recording: *recording, at: record.at });
                return;
            }
            Fact::Seated { participant, .. } => {
                if let Some(seat) = state.roster.get(*participant) {
                    let (publisher, name) = (seat.publisher.clone(), seat.name.clone());
                    self.note(record.at, JournalNote::Name { publisher, name }, out);
                }
            }
            Fact::Joined { participant } | Fact::Left { participant, .. } => {
                if let Some(seat) = state.roster.get(*participant) {
                    let present = matches!(record.fact, Fact::Joined { .. });
                    let publisher = seat.publisher.clone();
                    self.note(record.at, JournalNote::Present { publisher, present }, out);
                }
            }
            Fact::Opened { .. }
            | Fact::Declared { .. }
            | Fact::Published { .. }
            | Fact::Unpublished { .. }
            | Fact::MicrophoneGranted { .. }
            | Fact::SelfMuted { .. }
            | Fact::HandRaised { .. }
            | Fact::FloorGranted { .. }
            | Fact::FloorReleased { .. }
            | Fact::Spoke { .. }
            | Fact::MainPicture { .. }
            | Fact::AllMuted
            | Fact::PacketsTraced { .. }
            | Fact::MessageSent { .. }
            | Fact::DecisionMarked { .. }
            | Fact::RecordingStarted { .. }
            | Fact::RecordingFailed { .. }
            | Fact::Conduct(_)
            | Fact::Agenda(_)
            | Fact::Roll(_)
            | Fact::Vote(_)
            | Fact::Desk(_)
            | Fact::Scene(_)
            | Fact::Paper(_)
            | Fact::Breakout(_)
            | Fact::Resumed
            | Fact::Ended => {}
        }
        self.changes(state, record.at, out);
    }

    /// Says everything again: recording was ordered, or the recorder came up.
    pub(crate) fn restart(&mut self, state: &State, at: Timestamp, out: &mut Vec<RecorderCommand>) {
        let Some(running) = &state.recording else { return };
        self.recording = Some(running.recording);
        out.push(RecorderCommand::Start {
            recording: running.recording,
            meeting: state.meeting,
            title: state.title.clone(),
            started_at: running.since,
        });
        for seat in state.roster.iter() {
            let (publisher, name) = (seat.publisher.clone(), seat.name.clone());
            self.note(at, JournalNote::Name { publisher: publisher.clone(), name }, out);
            self.note(at, JournalNote::Present { publisher, present: seat.connected }, out);
        }
        (self.main, self.floor) = (state.main_track(), state.floor_publisher());
        self.on_air = on_air(state);
        self.note(at, JournalNote::Scene { on_air: self.on_air.clone() }, out);
        self.note(at, JournalNote::MainPicture { track: self.main.clone() }, out);
        self.note(at, JournalNote::Floor { publisher: self.floor.clone() }, out);
    }

    fn changes(&mut self, state: &State, at: Timestamp, out: &mut Vec<RecorderCommand>) {
        let main = state.main_track();
        if self.main != main {
            self.main.clone_from(&main);
            self.note(at, JournalNote::MainPicture { track: main }, out);
        }
        let floor = state.floor_publisher();
        if self.floor != floor {
            self.floor.clone_from(&floor);
            self.note(at, JournalNote::Floor { publisher: floor }, out);
        }
        let on_air = on_air(state);
        if self.on_air != on_air {
            self.on_air.clone_from(&on_air);
            self.note(at, JournalNote::Scene { on_air }, out);
        }
    }

    fn note(&self, at: Timestamp, note: JournalNote, out: &mut Vec<RecorderCommand>) {
        if let Some(recording) = self.recording {
            out.push(RecorderCommand::Note { recording, at, note });
        }
    }
}

/// The scene that everybody sees, with its sites as the recorder knows them.
fn on_air(state: &State) -> Option<SceneNote> {
    let content = state.scenes.on_air_for_all()?;
    let publisher = |id| state.roster.get(id).map(|it| it.publisher.clone());
    let places = content.places.iter().filter_map(|it| publisher(*it)).collect();
    Some(SceneNote { layout: content.layout, places, text: content.text.clone() })
}
