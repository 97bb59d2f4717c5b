//! The end of a meeting. Whoever still speaks is counted to the end: the media node is asked for the speeches
//! that are not over, and the facts of the end follow when it has told them, or has not in time.

use protocol::client::Command;
use protocol::control::MediaCommand;
use protocol::id::{CommandId, ParticipantId};
use protocol::media::Source;

use super::Room;
use super::io::{Act, ConnectionId, Now, OfficeRequest, Output};

/// A media node that has not told the open speeches after so long will not, ms.
const LAST_WORDS_MS: u64 = 500;

/// Most who are waiting for the end at once; the chair's page and the office are two.
const ASKED_MAX: usize = 16;

/// Who wants the meeting to end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked {
    Command(ConnectionId, ParticipantId, CommandId),
    Office(OfficeRequest),
}

/// An end that waits for the last words.
#[derive(Debug)]
pub(super) struct Ending {
    asked: Vec<Asked>,
    /// Until when, in ticks.
    pub(super) until: u64,
}

impl Room {
    /// Whether the end has to wait for open speeches. It is then carried out by [`Self::end_heard`].
    pub(super) fn waits_for_last_words(&mut self, asked: Asked, now: Now) -> bool {
        if self.may_end || !self.observed.tracks.values().any(|it| it.contains(&Source::Microphone))
        {
            return false;
        }
        if let Some(ending) = &mut self.ending {
            if ending.asked.len() < ASKED_MAX {
                ending.asked.push(asked);
            }
            return true;
        }
        self.ending = Some(Ending { asked: vec![asked], until: now.tick + LAST_WORDS_MS });
        let room = self.code.clone();
        self.output(Output::Media(Box::new(MediaCommand::FlushSpeech { room })));
        true
    }

    /// The open speeches are told: the meeting ends for those who asked.
    pub(super) fn end_heard(&mut self, now: Now) {
        let Some(ending) = self.ending.take() else { return };
        // They come before the end in the log.
        self.reconcile(now);
        self.may_end = true;
        for asked in ending.asked {
            match asked {
                Asked::Command(connection, by, id) => {
                    self.command(connection, by, id, &Command::End, now);
                }
                Asked::Office(request) => self.office(request, &Act::End, now),
            }
        }
        self.may_end = false;
    }

    /// Ends without the last words when nobody tells them.
    pub(super) fn expire_ending(&mut self, now: Now) {
        if self.ending.as_ref().is_some_and(|it| it.until <= now.tick) {
            self.end_heard(now);
        }
    }
}
