//! Who may speak next and who speaks: the queue of raised hands and the holder of the floor.
//! The law: at most one holder, and the holder is never in the queue; whoever registered before the meeting is.

use protocol::conduct::{ConductFact, Registered};
use protocol::fact::Fact;
use protocol::id::ParticipantId;
use protocol::room::FloorHolder;
use protocol::time::Timestamp;

/// The floor of a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Floor {
    holder: Option<FloorHolder>,
    /// In the order in which hands were raised.
    queue: Vec<ParticipantId>,
    /// Those of the queue who had asked before the meeting opened.
    registered: Vec<Registered>,
}

impl Floor {
    pub(crate) fn holder(&self) -> Option<&FloorHolder> {
        self.holder.as_ref()
    }

    pub(crate) fn holder_id(&self) -> Option<ParticipantId> {
        self.holder.as_ref().map(|it| it.participant)
    }

    pub(crate) fn queue(&self) -> &[ParticipantId] {
        &self.queue
    }

    pub(crate) fn registered(&self) -> &[Registered] {
        &self.registered
    }

    /// A hand is no longer waiting.
    fn remove(&mut self, id: ParticipantId) {
        self.queue.retain(|it| *it != id);
        self.registered.retain(|it| it.participant != id);
    }

    /// Takes in what a fact says about the floor.
    pub(crate) fn apply(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::HandRaised { participant, raised } => {
                self.remove(*participant);
                if *raised && self.holder_id() != Some(*participant) {
                    self.queue.push(*participant);
                }
            }
            Fact::FloorGranted { participant } => {
                self.remove(*participant);
                let participant = *participant;
                self.holder = Some(FloorHolder { participant, since: at, speaker: None });
            }
            Fact::Conduct(ConductFact::Speaks { participant, delegate }) => {
                self.remove(*delegate);
                if let Some(holder) =
                    self.holder.as_mut().filter(|it| it.participant == *participant)
                {
                    holder.speaker = Some(*delegate);
                }
            }
            Fact::Conduct(ConductFact::Registered(registered)) => {
                self.remove(registered.participant);
                if self.holder_id() != Some(registered.participant) {
                    self.queue.push(registered.participant);
                    self.registered.push(registered.clone());
                }
            }
            Fact::FloorReleased { participant, .. } => {
                if self.holder_id() == Some(*participant) {
                    self.holder = None;
                }
            }
            Fact::Opened { .. }
            | Fact::Seated { .. }
            | Fact::Joined { .. }
            | Fact::Left { .. }
            | Fact::Declared { .. }
            | Fact::Published { .. }
            | Fact::Unpublished { .. }
            | Fact::MicrophoneGranted { .. }
            | Fact::SelfMuted { .. }
            | Fact::Spoke { .. }
            | Fact::MainPicture { .. }
            | Fact::AllMuted
            | Fact::PacketsTraced { .. }
            | Fact::MessageSent { .. }
            | Fact::DecisionMarked { .. }
            | Fact::RecordingStarted { .. }
            | Fact::RecordingFailed { .. }
            | Fact::RecordingStopped { .. }
            | Fact::Agenda(_)
            | Fact::Conduct(_)
            | Fact::Roll(_)
            | Fact::Vote(_)
            | Fact::Desk(_)
            | Fact::Scene(_)
            | Fact::Paper(_)
            | Fact::Breakout(_)
            | Fact::Resumed
            | Fact::Ended => {}
        }
        debug_assert!(self.registered.iter().all(|it| self.queue.contains(&it.participant)));
        debug_assert!(self.holder_id().is_none_or(|holder| !self.queue.contains(&holder)));
    }
}
