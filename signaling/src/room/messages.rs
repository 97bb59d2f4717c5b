//! The last messages of a room. Older ones are in the log of facts, and decisions in the minutes.

use std::collections::VecDeque;

use protocol::id::{MessageId, ParticipantId};
use protocol::room::Message;
use protocol::time::Timestamp;

/// Messages that a newcomer gets.
const MESSAGES_MAX: usize = 500;

/// The last messages, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Messages {
    kept: VecDeque<Message>,
}

impl Messages {
    pub(crate) fn add(
        &mut self,
        id: MessageId,
        at: Timestamp,
        by: Option<ParticipantId>,
        text: &str,
    ) {
        if self.kept.len() == MESSAGES_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back(Message { id, at, by, text: text.to_owned(), decision: false });
    }

    pub(crate) fn mark(&mut self, id: MessageId, decision: bool) {
        if let Some(message) = self.kept.iter_mut().find(|it| it.id == id) {
            message.decision = decision;
        }
    }

    pub(crate) fn get(&self, id: MessageId) -> Option<&Message> {
        self.kept.iter().find(|it| it.id == id)
    }

    pub(crate) fn to_vec(&self) -> Vec<Message> {
        self.kept.iter().cloned().collect()
    }
}
