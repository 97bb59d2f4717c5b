//! The live room: a machine without I/O, clock or randomness. Inputs come with the moment ([`Now`]);
//! after each, `poll_output` is called until it has nothing more.
//!
//! A command becomes facts; the facts are staged, written (`Output::Persist`), and only when they are on
//! disk (`Input::Persisted`) are they part of the room, told to everybody, and the command is answered.
//! While one group of facts is being written the next one gathers. If writing fails, everything that was
//! staged is forgotten and its commands are refused; what was merely observed is written later.

mod agenda;
mod breakout;
mod command;
mod conduct;
mod desk;
mod ending;
mod health;
mod io;
mod journal;
mod media;
mod observed;
mod offers;
mod office;
mod opening;
mod paper;
mod relayed;
mod roll;
mod roster;
mod scene;
mod short;
mod state;
mod telling;
mod vote;

mod floor;
mod messages;

mod reality;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};

use protocol::client::{ClientMessage, Command, ServerMessage};
use protocol::control::{MediaCommand, RoomMedia};
use protocol::error::ErrorCode;
use protocol::fact::{Fact, FactRecord, LeaveReason};
use protocol::id::{CommandId, MeetingId, ParticipantId};
use protocol::role::RoomRole;
use protocol::time::Timestamp;

pub(crate) use self::agenda::concluded;
use self::ending::{Asked, Ending};
use self::health::Health;
pub(crate) use self::io::{
    Act, ConnectionId, Ingest, Input, Now, OfficeRequest, Output, RecorderSays,
};
use self::journal::Journal;
use self::observed::{GRACE_MS, LOST_MS, Observed};
use self::offers::Offers;
pub(crate) use self::opening::Ahead;
pub(crate) use self::paper::unnamed;
use self::relayed::Relayed;
pub(crate) use self::roll::report as roll_report;
pub(crate) use self::roster::whip_participant;
use self::state::State;
pub(crate) use self::state::State as RoomState;
pub(crate) use self::vote::{reports, told_all};
use crate::db::facts::Entry;
use crate::db::seats::SeatRow;

/// Facts that a page may have missed and still resume; more, and a snapshot is shorter.
const RESUME_FACTS_MAX: usize = 256;

/// Staged facts above which the shell takes no further input: the disk does not keep up.
const STAGED_MAX: usize = 4_096;

/// After a failed write, nothing is observed into the log for so long, ms.
const RETRY_MS: u64 = 1_000;

/// Line quality goes to chair and desk so often, ms.
const QUALITY_MS: u64 = 5_000;

/// Whom to answer once facts are on disk.
#[derive(Clone, Copy, Debug)]
enum ReplyTo {
    Command(ConnectionId, CommandId),
    Office(OfficeRequest),
}

/// Facts that are written together, and who waits for them.
#[derive(Debug, Default)]
struct Batch {
    entries: Vec<Entry>,
    replies: Vec<ReplyTo>,
}

/// See the file's head.
#[derive(Debug)]
pub(crate) struct Room {
    code: String,
    epoch: String,
    /// What is on disk.
    committed: State,
    /// What will be, when everything staged is on disk.
    staged: State,
    gathering: Batch,
    in_flight: Option<Batch>,
    /// The last facts, for pages that resume.
    recent: VecDeque<FactRecord>,
    observed: Observed,
    offers: Offers,
    relayed: Relayed,
    journal: Journal,
    recorder_ready: bool,
    /// What the media node was told last.
    media: Option<RoomMedia>,
    quality: HashMap<ParticipantId, protocol::client::LineQuality>,
    quality_at: Option<u64>,
    health: Health,
    retry_at: Option<u64>,
    /// When a group discussion is over, in ticks.
    breakout_at: Option<u64>,
    ending: Option<Ending>,
    /// The end that is being carried out has waited for the last words.
    may_end: bool,
    outputs: VecDeque<Output>,
}

impl Room {
    fn new(meeting: MeetingId, code: &str, epoch: &str) -> Self {
        Self {
            code: code.to_owned(),
            epoch: epoch.to_owned(),
            committed: State::new(meeting),
            staged: State::new(meeting),
            gathering: Batch::default(),
            in_flight: None,
            recent: VecDeque::new(),
            observed: Observed::default(),
            offers: Offers::default(),
            relayed: Relayed::default(),
            journal: Journal::default(),
            recorder_ready: false,
            media: None,
            quality: HashMap::new(),
            quality_at: None,
            health: Health::default(),
            retry_at: None,
            breakout_at: None,
            ending: None,
            may_end: false,
            outputs: VecDeque::new(),
        }
    }

    /// Brings a room back from its facts after the server stopped in the middle of the meeting. Whoever
    /// was connected has to return; floor and main picture wait for their owners.
    pub(crate) fn restore(
        meeting: MeetingId,
        code: &str,
        epoch: &str,
        facts: &[Entry],
        now: Now,
    ) -> Self {
        let mut room = Self::new(meeting, code, epoch);
        for entry in facts {
            room.committed.apply(entry);
            room.remember(entry.record.clone());
        }
        room.staged = room.committed.clone();
        room.stage(None, Fact::Resumed, None, now);
        let connected: Vec<_> =
            room.staged.roster.iter().filter(|it| it.connected).map(|it| it.id).collect();
        for id in connected {
            room.observed.gone(id, LeaveReason::Restarted, now.tick + GRACE_MS);
        }
        // Somebody may have been lost, and waited for, already before the server stopped.
        let waited_for = [room.staged.floor.holder_id(), room.staged.main.participant];
        for id in waited_for.into_iter().flatten() {
            room.observed.grace.entry(id).or_insert(now.tick + GRACE_MS);
        }
        room.reconcile(now);
        room.flush();
        room
    }

    /// Takes in one input.
    pub(crate) fn handle_input(&mut self, input: Input, now: Now) {
        match input {
            Input::Connect { connection, seat, given_at, resume_after } => {
                self.connect(connection, *seat, given_at, resume_after, now);
            }
            Input::Disconnect(connection) => {
                if let Some(id) = self.observed.unbind(connection) {
                    self.observed.lost.insert(id, now.tick + LOST_MS);
                    self.observed.grace.insert(id, now.tick + GRACE_MS);
                }
            }
            Input::Client(connection, message) => self.client(connection, *message, now),
            Input::Office(request, act) => self.office(request, &act, now),
            Input::Ingest(ingest) => self.ingest(*ingest, now),
            Input::CloseIngest(session) => self.close_ingest(session, now),
            Input::Media(event) => self.media_event(*event, now),
            Input::MediaResync => self.media = None,
            Input::Recorder(says) => self.recorder_says(says, now),
            Input::Persisted => self.persisted(),
            Input::PersistFailed(code) => self.persist_failed(code, now),
        }
        self.reconcile(now);
        self.flush();
    }

    /// Does what is due.
    pub(crate) fn handle_timeout(&mut self, now: Now) {
        self.lose(now);
        self.expire_offers(now);
        self.tell_quality(now);
        self.tell_health(now);
        self.expire_ending(now);
        if self.retry_at.is_some_and(|at| at <= now.tick) {
            self.retry_at = None;
        }
        self.reconcile(now);
        self.flush();
    }

    /// When something is due next, in ticks.
    pub(crate) fn poll_timeout(&self) -> Option<u64> {
        let retry = self.retry_at.unwrap_or(0);
        let grace = self.observed.grace.iter().filter(|(id, _)| self.waits_for(**id));
        let lost = self.observed.lost.values().copied();
        lost.chain(grace.map(|(_, at)| retry.max(*at)))
            .chain(self.offers.next_deadline())
            .chain(self.quality_at)
            .chain(self.breakout_at.map(|at| retry.max(at)))
            .chain(self.health.at)
            .chain(self.ending.as_ref().map(|it| it.until))
            .chain(self.retry_at)
            .min()
    }

    /// The next thing to do, until there is none.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Whether the shell should wait for the disk before it takes in more.
    pub(crate) fn is_congested(&self) -> bool {
        self.gathering.entries.len() > STAGED_MAX
    }

    /// Sites connected now; chair, secretary and desk are no sites.
    pub(crate) fn n_connected(&self) -> usize {
        self.committed.roster.iter().filter(|it| it.connected && it.role == RoomRole::Site).count()
    }

    fn output(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    fn send(&mut self, connection: ConnectionId, message: ServerMessage) {
        self.output(Output::Send(connection, Box::new(message)));
    }

    fn send_to(&mut self, id: ParticipantId, message: ServerMessage) {
        if let Some(connection) = self.observed.by_seat.get(&id) {
            self.send(*connection, message);
        }
    }

    fn connect(
        &mut self,
        connection: ConnectionId,
        seat: SeatRow,
        given_at: Timestamp,
        resume_after: Option<u64>,
        now: Now,
    ) {
        let id = seat.participant;
        if self.staged.ended {
            return self.output(Output::Close(connection, Some(ErrorCode::MeetingEnded)));
        }
        let removed_at = self.staged.roster.get(id).and_then(|it| it.removed_at);
        if removed_at.is_some_and(|at| given_at <= at) {
            return self.output(Output::Close(connection, Some(ErrorCode::SeatInvalid)));
        }
        if let Some(before) = self.observed.bind(connection, id) {
            self.output(Output::Close(before, Some(ErrorCode::SeatTaken)));
        }
        // A page that resumes kept its media connection; a fresh page has none yet, so what the former
        // one left behind at the node is closed.
        if resume_after.is_none() {
            self.close_media(id);
            if let Some(presence) = self.observed.presence.get_mut(&id).filter(|it| it.connected) {
                presence.replaced = true;
            }
        }
        self.observed.seats.insert(id, seat);
        self.observed.arrived(id);
        self.welcome(connection, id, resume_after, now);
        self.tell_all_health(connection, id);
        if resume_after.is_some() {
            let again = match self.offers.session_of(id) {
                Some(session) => self.relayed.again(id, session),
                None => vec![ServerMessage::MediaLost],
            };
            again.into_iter().for_each(|message| self.send(connection, message));
        }
    }

    fn client(&mut self, connection: ConnectionId, message: ClientMessage, now: Now) {
        // A connection that was replaced may still have had something to say.
        let Some(id) = self.observed.connections.get(&connection).copied() else { return };
        match message {
            ClientMessage::Command { id: command_id, command } => {
                self.command(connection, id, command_id, &command, now);
            }
            ClientMessage::Offer { sdp, sends, restarts } => {
                self.offer(id, sdp, (sends, restarts), now);
            }
            ClientMessage::Watch { wants } => {
                let wants = media::sane_wants(&self.committed, wants);
                let session = self.offers.set_wants(id, &wants);
                if let Some(session) = session {
                    self.output(Output::Media(Box::new(MediaCommand::SetWants { session, wants })));
                }
            }
            ClientMessage::Report { lost_permille, rtt_ms, received_bps } => {
                let line = protocol::client::LineQuality {
                    participant: id,
                    lost_permille: lost_permille.min(1_000),
                    rtt_ms,
                    received_bps,
                };
                self.quality.insert(id, line);
                self.quality_at.get_or_insert(now.tick + QUALITY_MS);
            }
            ClientMessage::Signs(signs) => self.signs(id, signs, now),
            ClientMessage::Checked(found) => self.checked(id, found, now),
            // The shell answers these; here they mean nothing.
            ClientMessage::Hello { .. } | ClientMessage::Ping => {}
        }
    }

    fn command(
        &mut self,
        connection: ConnectionId,
        by: ParticipantId,
        id: CommandId,
        command: &Command,
        now: Now,
    ) {
        let reply = ReplyTo::Command(connection, id);
        if self.staged.knows_command(by, id) {
            return self.gathering.replies.push(reply);
        }
        match command::facts_of(&self.staged, by, command, self.recorder_ready, now) {
            Ok(_)
                if *command == Command::End
                    && self.waits_for_last_words(Asked::Command(connection, by, id), now) => {}
            Ok(facts) => {
                for fact in facts {
                    self.stage(Some(by), fact, Some(id), now);
                }
                self.beside_facts(command, now);
                self.gathering.replies.push(reply);
            }
            Err(code) => {
                if let Some(fact) = vote::refusal(&self.staged, by, command, code) {
                    self.stage(Some(by), fact, None, now);
                }
                self.send(connection, ServerMessage::Refused { id, code });
            }
        }
    }

    /// Adds a fact to what is written next.
    fn stage(
        &mut self,
        by: Option<ParticipantId>,
        fact: Fact,
        command: Option<CommandId>,
        now: Now,
    ) {
        if let Fact::Left { participant, reason: LeaveReason::Left | LeaveReason::Removed } = fact {
            self.observed.leaving.insert(participant);
        }
        let record = FactRecord { seq: self.staged.seq + 1, at: now.at, by, fact };
        let entry = Entry { record, command };
        self.staged.apply(&entry);
        self.gathering.entries.push(entry);
    }

    /// Starts writing, if nothing is being written. Answers that wait for nothing go out at once.
    fn flush(&mut self) {
        if self.in_flight.is_some() {
            return;
        }
        if self.gathering.entries.is_empty() {
            for reply in std::mem::take(&mut self.gathering.replies) {
                self.reply(reply, Ok(()));
            }
        } else {
            let batch = std::mem::take(&mut self.gathering);
            self.output(Output::Persist(batch.entries.clone()));
            self.in_flight = Some(batch);
        }
        self.tell_media();
    }

    fn reply(&mut self, to: ReplyTo, result: Result<(), ErrorCode>) {
        match (to, result) {
            (ReplyTo::Command(connection, id), Ok(())) => {
                self.send(connection, ServerMessage::Done { id });
            }
            (ReplyTo::Command(connection, id), Err(code)) => {
                self.send(connection, ServerMessage::Refused { id, code });
            }
            (ReplyTo::Office(request), result) => self.output(Output::Answer(request, result)),
        }
    }

    fn persisted(&mut self) {
        let Some(batch) = self.in_flight.take() else { return };
        let mut to_recorder = Vec::new();
        let mut is_told = false;
        for (n, entry) in batch.entries.iter().enumerate() {
            self.committed.apply(entry);
            self.remember(entry.record.clone());
            self.journal.after(&self.committed, &entry.record, &mut to_recorder);
            if !std::mem::take(&mut is_told) {
                is_told = self.tell(&entry.record, batch.entries.get(n + 1).map(|it| &it.record));
            }
        }
        for reply in batch.replies {
            self.reply(reply, Ok(()));
        }
        self.outputs.extend(to_recorder.into_iter().map(Output::Recorder));
        for entry in batch.entries {
            self.consequences(&entry.record.fact);
        }
    }

    fn persist_failed(&mut self, code: ErrorCode, now: Now) {
        let written = self.in_flight.take().unwrap_or_default();
        let gathered = std::mem::take(&mut self.gathering);
        self.staged = self.committed.clone();
        self.observed.doubt_all();
        self.retry_at = Some(now.tick + RETRY_MS);
        for reply in written.replies.into_iter().chain(gathered.replies) {
            self.reply(reply, Err(code));
        }
    }

    /// What follows from a fact once it is on disk, besides telling it.
    fn consequences(&mut self, fact: &Fact) {
        match fact {
            Fact::Left { participant, reason } => match reason {
                LeaveReason::Left | LeaveReason::Removed => self.is_out(*participant, *reason),
                LeaveReason::Lost | LeaveReason::Replaced | LeaveReason::Restarted => {}
            },
            Fact::Ended => self.close_room(),
            _ => {}
        }
    }

    fn is_out(&mut self, id: ParticipantId, reason: LeaveReason) {
        self.observed.leaving.remove(&id);
        self.observed.gone(id, reason, 0);
        self.observed.seats.remove(&id);
        self.quality.remove(&id);
        self.close_media(id);
        if let Some(connection) = self.observed.by_seat.get(&id).copied() {
            self.observed.unbind(connection);
            let code = (reason == LeaveReason::Removed).then_some(ErrorCode::SeatInvalid);
            self.output(Output::Close(connection, code));
        }
    }

    fn close_room(&mut self) {
        let mut connections: Vec<_> = self.observed.connections.keys().copied().collect();
        connections.sort_unstable();
        for connection in connections {
            self.observed.unbind(connection);
            self.output(Output::Close(connection, Some(ErrorCode::MeetingEnded)));
        }
        let room = self.code.clone();
        self.output(Output::Media(Box::new(MediaCommand::CloseRoom { room })));
        self.output(Output::Over);
    }

    /// Tells the media node what it is to do, if that changed.
    fn tell_media(&mut self) {
        if self.committed.ended || self.committed.seq == 0 {
            return;
        }
        let wanted = media::wanted(&self.committed, &self.code);
        if self.media.as_ref() != Some(&wanted) {
            self.media = Some(wanted.clone());
            self.output(Output::Media(Box::new(MediaCommand::SetRoom(wanted))));
        }
    }
}
