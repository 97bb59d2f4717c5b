//! The law of the room, on scripts of people and on random ones.

mod agenda;
mod breakouts;
mod conduct;
mod desk;
mod ending;
mod health;
mod papers;
mod random;
mod registered;
mod rolls;
mod scenes;
mod votes;
mod welcome;

use protocol::client::{ClientMessage, Command, ServerMessage};
use protocol::conduct::{ConductFact, Regime};
use protocol::control::{MediaCommand, MediaEvent, RecorderCommand};
use protocol::error::ErrorCode;
use protocol::fact::{Fact, LeaveReason};
use protocol::id::{CommandId, MeetingId, ParticipantId, SiteId};
use protocol::media::{Source, TrackKey};
use protocol::role::RoomRole;
use protocol::time::Timestamp;

use super::state::State;
use super::{Act, Input, Now, Output, RecorderSays, Room};
use crate::db::facts::Entry;
use crate::db::seats::SeatRow;

const CHAIR: u64 = 1;
const DESK: u64 = 2;
const SECRETARY: u64 = 3;
const SITE: u64 = 4;
const OTHER: u64 = 5;
const OBSERVER: u64 = 6;
/// From here on: delegates.
const DELEGATE: u64 = 1_000;

fn meeting() -> MeetingId {
    MeetingId::from_parts(1, 1)
}

fn seat(n: u64) -> ParticipantId {
    ParticipantId::from_parts(n, 0)
}

fn role(n: u64) -> RoomRole {
    match n {
        CHAIR => RoomRole::Chair,
        DESK => RoomRole::Desk,
        SECRETARY => RoomRole::Secretary,
        OBSERVER => RoomRole::Observer,
        DELEGATE.. => RoomRole::Delegate,
        _ => RoomRole::Site,
    }
}

/// A room with its disk, its pages and a clock that moves when told.
struct Stage {
    room: Room,
    tick: u64,
    /// What is on the disk.
    log: Vec<Entry>,
    disk_full: bool,
    sent: Vec<(u64, ServerMessage)>,
    media: Vec<MediaCommand>,
    recorder: Vec<RecorderCommand>,
    closed: Vec<(u64, Option<ErrorCode>)>,
    /// To the office.
    answers: Vec<(u64, Result<(), ErrorCode>)>,
    n_commands: u128,
}

impl Stage {
    fn open() -> Self {
        let now = Now { at: Timestamp(0), tick: 0, entropy: 0 };
        Self::with(Room::open(meeting(), "demo", "e1", "Giao ban", Vec::new(), now), Vec::new(), 0)
    }

    fn with(room: Room, log: Vec<Entry>, tick: u64) -> Self {
        let mut stage = Self {
            room,
            tick,
            log,
            disk_full: false,
            sent: Vec::new(),
            media: Vec::new(),
            recorder: Vec::new(),
            closed: Vec::new(),
            answers: Vec::new(),
            n_commands: 0,
        };
        stage.drain();
        stage
    }

    /// The server stops without a word and comes up again.
    fn restart(&mut self) {
        let now = self.now();
        let room = Room::restore(meeting(), "demo", "e2", &self.log, now);
        let n_commands = self.n_commands;
        *self = Self::with(room, std::mem::take(&mut self.log), self.tick);
        // No page gives an id twice because the server has stopped.
        self.n_commands += n_commands;
    }

    fn now(&mut self) -> Now {
        self.n_commands += 1;
        let at = Timestamp(i64::try_from(self.tick).unwrap());
        Now { at, tick: self.tick, entropy: self.n_commands }
    }

    fn put(&mut self, input: Input) {
        let now = self.now();
        self.room.handle_input(input, now);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.room.poll_output() {
            match output {
                Output::Persist(entries) => {
                    let answer = if self.disk_full {
                        Input::PersistFailed(ErrorCode::DiskFull)
                    } else {
                        self.log.extend(entries);
                        Input::Persisted
                    };
                    let now = self.now();
                    self.room.handle_input(answer, now);
                }
                Output::Send(to, message) => self.sent.push((to, *message)),
                Output::Broadcast(message) => self.sent.push((0, *message)),
                Output::Close(connection, code) => self.closed.push((connection, code)),
                Output::Media(command) => self.media.push(*command),
                Output::Recorder(command) => self.recorder.push(command),
                Output::Answer(request, result) => self.answers.push((request, result)),
                Output::Ingested(..) | Output::Over => {}
            }
        }
    }

    /// Lets time pass, with everything that is due in it.
    fn pass(&mut self, ms: u64) {
        let end = self.tick + ms;
        for _ in 0..1_000 {
            match self.room.poll_timeout() {
                Some(at) if at <= end => {
                    self.tick = self.tick.max(at);
                    let now = self.now();
                    self.room.handle_timeout(now);
                    self.drain();
                }
                Some(_) | None => {
                    self.tick = end;
                    return;
                }
            }
        }
        panic!("the room asks to be woken for ever");
    }

    fn arrive_on(&mut self, connection: u64, n: u64, resume_after: Option<u64>) {
        let connects = self.connects(connection, n, resume_after);
        self.put(connects);
    }

    fn connects(&self, connection: u64, n: u64, resume_after: Option<u64>) -> Input {
        let row = SeatRow {
            participant: seat(n),
            meeting: meeting(),
            role: role(n),
            name: format!("Điểm cầu {n}"),
            site: (role(n) == RoomRole::Site).then(|| SiteId::from_parts(n, 0)),
            account: None,
            link: None,
            delegate: None,
            watcher: None,
        };
        let given_at = Timestamp(i64::try_from(self.tick).unwrap());
        Input::Connect { connection, seat: Box::new(row), given_at, resume_after }
    }

    fn arrive(&mut self, n: u64) {
        self.arrive_on(n, n, None);
    }

    fn say(&mut self, n: u64, message: ClientMessage) {
        self.put(Input::Client(n, Box::new(message)));
    }

    fn command(&mut self, n: u64, command: Command) -> Result<(), ErrorCode> {
        self.n_commands += 1;
        self.command_with(n, CommandId::from_parts(0, self.n_commands), command)
    }

    fn command_with(&mut self, n: u64, id: CommandId, command: Command) -> Result<(), ErrorCode> {
        let before = self.sent.len();
        self.say(n, ClientMessage::Command { id, command });
        let answers = self.sent[before..].iter().filter_map(|(to, message)| match message {
            ServerMessage::Done { id: it } if *it == id => Some((*to, Ok(()))),
            ServerMessage::Refused { id: it, code } if *it == id => Some((*to, Err(*code))),
            _ => None,
        });
        let answers: Vec<_> = answers.collect();
        assert_eq!(answers.len(), 1, "a command is answered once");
        assert_eq!(answers[0].0, n, "and to whom it came from");
        answers[0].1
    }

    fn track(&mut self, publisher: &str, source: Source, starts: bool) {
        let (room, track) = ("demo".to_owned(), TrackKey { publisher: publisher.into(), source });
        let event = if starts {
            MediaEvent::TrackStarted { room, track }
        } else {
            MediaEvent::TrackStopped { room, track }
        };
        self.put(Input::Media(Box::new(event)));
    }

    fn state(&self) -> &State {
        &self.room.committed
    }

    fn facts(&self) -> Vec<&Fact> {
        self.log.iter().map(|it| &it.record.fact).collect()
    }

    fn count(&self, fact: &Fact) -> usize {
        self.facts().iter().filter(|it| **it == fact).count()
    }

    fn holder(&self) -> Option<ParticipantId> {
        self.state().floor.holder_id()
    }

    fn check_law(&self) {
        let state = self.state();
        let mut replayed = State::new(meeting());
        for entry in &self.log {
            replayed.apply(entry);
        }
        assert_eq!(&replayed, state, "the room is the fold of its facts");
        let holder = self.holder();
        assert!(holder.is_none_or(|it| !state.floor.queue().contains(&it)));
        let opened = self.explicitly_open();
        for seat in state.roster.iter() {
            let granted = seat.role == RoomRole::Chair
                || holder == Some(seat.id)
                || opened.contains(&seat.id);
            assert_eq!(seat.microphone_granted, granted, "{seat:?}, holder {holder:?}");
        }
        if state.conduct.regime == Regime::Lecture {
            let heard = super::media::wanted(state, "demo").grants;
            let hall = |name: &str| {
                let id = state.roster.by_publisher(name);
                id.and_then(|it| state.roster.get(it)).is_some_and(|it| it.role.conducts())
            };
            assert!(heard.iter().all(|it| !it.audio || hall(&it.publisher)), "only the hall");
        }
        if let Some(MediaCommand::SetRoom(room)) =
            self.media.iter().rev().find(|it| matches!(it, MediaCommand::SetRoom(_)))
            && !state.ended
        {
            assert_eq!(room, &super::media::wanted(state, "demo"), "the node knows what is so");
        }
    }

    /// Microphones that were opened by hand and not closed since: read from the log alone.
    fn explicitly_open(&self) -> Vec<ParticipantId> {
        let mut open = Vec::new();
        let mut holder = None;
        let mut seated: Vec<(ParticipantId, RoomRole)> = Vec::new();
        for entry in &self.log {
            match &entry.record.fact {
                Fact::Seated { participant, role, .. } => seated.push((*participant, *role)),
                Fact::Conduct(ConductFact::Regime { regime: Regime::Discussion }) => {
                    let speaks = seated.iter().filter(|(_, role)| role.publishes());
                    open.extend(speaks.map(|(id, _)| *id));
                }
                Fact::FloorGranted { participant } => holder = Some(*participant),
                Fact::FloorReleased { participant, .. } => {
                    holder = None;
                    open.retain(|it| it != participant);
                }
                Fact::MicrophoneGranted { participant, granted: true } => open.push(*participant),
                Fact::MicrophoneGranted { participant, granted: false } => {
                    open.retain(|it| it != participant);
                }
                Fact::AllMuted | Fact::Conduct(ConductFact::Regime { .. }) => open.clear(),
                _ => {}
            }
        }
        open.retain(|it| Some(*it) != holder);
        open
    }
}

fn invite(n: u64) -> Command {
    Command::Invite { participant: seat(n) }
}

#[test]
fn inviting_another_takes_the_floor_from_the_holder() {
    let mut stage = Stage::open();
    for n in [CHAIR, SITE, OTHER] {
        stage.arrive(n);
    }
    stage.command(SITE, Command::RaiseHand { raised: true }).unwrap();
    stage.command(OTHER, Command::RaiseHand { raised: true }).unwrap();
    stage.command(CHAIR, invite(SITE)).unwrap();
    assert_eq!(stage.state().floor.queue(), [seat(OTHER)]);
    stage.pass(20_000);
    let before = stage.log.len();
    stage.command(CHAIR, invite(OTHER)).unwrap();
    let facts: Vec<_> = stage.facts()[before..].iter().map(|it| (*it).clone()).collect();
    assert_eq!(
        facts,
        [
            Fact::FloorReleased { participant: seat(SITE), held_ms: 20_000 },
            Fact::MicrophoneGranted { participant: seat(SITE), granted: false },
            Fact::HandRaised { participant: seat(OTHER), raised: false },
            Fact::FloorGranted { participant: seat(OTHER) },
            Fact::MicrophoneGranted { participant: seat(OTHER), granted: true },
            Fact::MainPicture { participant: Some(seat(OTHER)), source: Source::Camera },
        ]
    );
    stage.command(OTHER, Command::Thank).unwrap();
    assert_eq!(stage.holder(), None);
    assert_eq!(stage.state().main.participant, None);
    stage.check_law();
}

#[test]
fn rights_are_those_of_the_role() {
    let mut stage = Stage::open();
    for n in [CHAIR, DESK, SECRETARY, SITE, OTHER, OBSERVER] {
        stage.arrive(n);
    }
    stage.put(Input::Recorder(RecorderSays::Ready));
    let forbidden = Err(ErrorCode::Forbidden);
    for n in [SECRETARY, SITE, OBSERVER] {
        assert_eq!(stage.command(n, invite(OTHER)), forbidden);
        assert_eq!(stage.command(n, Command::MuteAll), forbidden);
        assert_eq!(stage.command(n, Command::End), forbidden);
    }
    assert_eq!(stage.command(DESK, Command::End), forbidden);
    for n in [SITE, DESK, OBSERVER] {
        assert_eq!(stage.command(n, Command::StartRecording), forbidden);
        assert_eq!(stage.command(n, Command::StopRecording), forbidden);
    }
    assert_eq!(stage.command(OBSERVER, Command::RaiseHand { raised: true }), forbidden);
    assert_eq!(stage.command(OBSERVER, Command::SendMessage { text: "x".into() }), forbidden);
    assert_eq!(stage.command(DESK, Command::Remove { participant: seat(CHAIR) }), forbidden);
    let mute_chair = Command::Mute { participant: seat(CHAIR), muted: true };
    assert_eq!(stage.command(DESK, mute_chair), forbidden);
    stage.command(SECRETARY, Command::StartRecording).unwrap();
    assert_eq!(stage.command(CHAIR, Command::StartRecording), Err(ErrorCode::AlreadyRecording));
    assert_eq!(stage.command(DESK, Command::StopRecording), forbidden);
    assert_eq!(stage.command(CHAIR, invite(99)), Err(ErrorCode::NotInRoom));
    stage.command(CHAIR, Command::End).unwrap();
    let told: Vec<_> = stage.closed.iter().map(|(_, code)| *code).collect();
    assert_eq!(told, [Some(ErrorCode::MeetingEnded); 6]);
}

#[test]
fn a_command_sent_again_is_carried_out_once_even_after_a_restart() {
    let mut stage = Stage::open();
    stage.arrive(SITE);
    let id = CommandId::from_parts(9, 9);
    let write = || Command::SendMessage { text: "Có mặt".into() };
    stage.command_with(SITE, id, write()).unwrap();
    stage.command_with(SITE, id, write()).unwrap();
    stage.restart();
    stage.arrive(SITE);
    stage.command_with(SITE, id, write()).unwrap();
    let n = stage.facts().iter().filter(|it| matches!(it, Fact::MessageSent { .. })).count();
    assert_eq!(n, 1);
    stage.check_law();
}

#[test]
fn a_full_disk_refuses_commands_and_what_was_observed_is_written_later() {
    let mut stage = Stage::open();
    stage.arrive(CHAIR);
    let before = stage.state().clone();
    stage.disk_full = true;
    stage.arrive(SITE);
    assert_eq!(stage.command(CHAIR, Command::MuteAll), Err(ErrorCode::DiskFull));
    stage.pass(5_000);
    assert_eq!(stage.state(), &before);
    stage.disk_full = false;
    stage.pass(1_000);
    assert_eq!(stage.count(&Fact::Joined { participant: seat(SITE) }), 1);
    stage.command(CHAIR, invite(SITE)).unwrap();
    stage.check_law();
}

#[test]
fn floor_and_main_picture_wait_half_a_minute_for_a_dropped_site() {
    let mut stage = Stage::open();
    stage.arrive(CHAIR);
    stage.arrive(SITE);
    stage.command(CHAIR, invite(SITE)).unwrap();
    stage.put(Input::Disconnect(SITE));
    stage.pass(4_999);
    assert!(stage.state().roster.get(seat(SITE)).unwrap().connected);
    stage.pass(1);
    let lost = Fact::Left { participant: seat(SITE), reason: LeaveReason::Lost };
    assert_eq!(stage.count(&lost), 1);
    stage.pass(24_999);
    assert_eq!(stage.holder(), Some(seat(SITE)));
    stage.pass(1);
    assert_eq!((stage.holder(), stage.state().main.participant), (None, None));
    assert_eq!(stage.room.poll_timeout(), None);
    stage.arrive(SITE);
    stage.command(CHAIR, invite(SITE)).unwrap();
    stage.put(Input::Disconnect(SITE));
    stage.pass(10_000);
    stage.arrive_on(40, SITE, Some(stage.state().seq));
    stage.pass(60_000);
    assert_eq!(stage.holder(), Some(seat(SITE)), "back in time");
    stage.check_law();
}

#[test]
fn after_a_restart_the_holder_has_half_a_minute_to_return() {
    let mut stage = Stage::open();
    stage.arrive(CHAIR);
    stage.arrive(SITE);
    stage.command(CHAIR, invite(SITE)).unwrap();
    stage.restart();
    let gone = Fact::Left { participant: seat(SITE), reason: LeaveReason::Restarted };
    assert_eq!((stage.count(&Fact::Resumed), stage.count(&gone)), (1, 1));
    stage.pass(29_999);
    assert_eq!(stage.holder(), Some(seat(SITE)));
    stage.pass(1);
    assert_eq!(stage.holder(), None);
    stage.check_law();
}

#[test]
fn a_page_that_resumes_gets_the_facts_it_missed() {
    let mut stage = Stage::open();
    stage.arrive(CHAIR);
    stage.arrive(SITE);
    let seen = stage.state().seq;
    stage.put(Input::Disconnect(SITE));
    stage.command(CHAIR, Command::MuteAll).unwrap();
    stage.sent.clear();
    stage.arrive_on(41, SITE, Some(seen));
    let to_it: Vec<_> = stage.sent.iter().filter(|(to, _)| *to == 41).map(|(_, it)| it).collect();
    assert!(matches!(to_it[0], ServerMessage::Welcome { snapshot: None, .. }), "{to_it:?}");
    assert!(matches!(to_it[1], ServerMessage::Fact(it) if it.fact == Fact::AllMuted));
    assert_eq!(to_it[2], &ServerMessage::MediaLost, "it had no media connection");
    stage.arrive(SITE);
    for _ in 0..150 {
        stage.command(SITE, Command::Leave).unwrap();
        stage.arrive(SITE);
    }
    stage.sent.clear();
    stage.arrive_on(42, SITE, Some(seen));
    let is_snapshot = |it: &(u64, ServerMessage)| {
        matches!(it, (42, ServerMessage::Welcome { snapshot: Some(_), .. }))
    };
    assert!(stage.sent.iter().any(is_snapshot), "too much was missed");
}

#[test]
fn whoever_is_shown_out_stays_out_until_a_newer_secret() {
    let mut stage = Stage::open();
    stage.arrive(CHAIR);
    stage.arrive(SITE);
    stage.pass(10);
    stage.command(CHAIR, Command::Remove { participant: seat(SITE) }).unwrap();
    assert_eq!(stage.closed, [(SITE, Some(ErrorCode::SeatInvalid))]);
    stage.arrive_on(43, SITE, None);
    assert_eq!(stage.closed.last(), Some(&(43, Some(ErrorCode::SeatInvalid))));
    stage.pass(10);
    stage.arrive_on(44, SITE, None);
    assert!(stage.state().roster.get(seat(SITE)).unwrap().connected);
    stage.check_law();
}

#[test]
fn a_shared_screen_is_shown_if_granted_and_gives_way_when_it_ends() {
    let mut stage = Stage::open();
    for n in [CHAIR, DESK, SITE] {
        stage.arrive(n);
    }
    let show =
        |n: u64| Command::SetMainPicture { participant: Some(seat(n)), source: Source::Screen };
    assert_eq!(stage.command(CHAIR, show(DESK)), Err(ErrorCode::NotInRoom));
    stage.track(&seat(DESK).to_string(), Source::Screen, true);
    stage.track(&seat(SITE).to_string(), Source::Screen, true);
    stage.command(CHAIR, show(DESK)).unwrap();
    assert_eq!(stage.command(CHAIR, show(SITE)), Err(ErrorCode::Forbidden));
    let main = stage.state().main_track().unwrap();
    assert_eq!((main.publisher, main.source), (seat(DESK).to_string(), Source::Screen));
    stage.track(&seat(DESK).to_string(), Source::Screen, false);
    assert_eq!(stage.state().main, super::state::CHAIRS_CAMERA);
    stage.command(CHAIR, invite(SITE)).unwrap();
    stage.command(CHAIR, show(SITE)).unwrap();
    stage.track(&seat(SITE).to_string(), Source::Screen, false);
    assert_eq!(stage.state().main.participant, Some(seat(SITE)), "the holder is shown");
    stage.check_law();
}

#[test]
fn the_recorder_is_told_names_first_then_every_change() {
    let mut stage = Stage::open();
    stage.arrive(CHAIR);
    assert_eq!(stage.command(CHAIR, Command::StartRecording), Err(ErrorCode::RecorderUnavailable));
    stage.put(Input::Recorder(RecorderSays::Ready));
    stage.command(CHAIR, Command::StartRecording).unwrap();
    assert!(matches!(stage.recorder[0], RecorderCommand::Start { .. }));
    stage.recorder.clear();
    stage.arrive(SITE);
    stage.command(CHAIR, invite(SITE)).unwrap();
    let text = format!("{:?}", stage.recorder);
    for word in ["Name", "Present", "MainPicture", "Floor"] {
        assert!(text.contains(word), "{word} in {text}");
    }
    let tapped = stage.media.iter().rev().find_map(|it| match it {
        MediaCommand::SetRoom(room) => Some(room.tap.is_some()),
        _ => None,
    });
    assert_eq!(tapped, Some(true));
    let id = stage.state().recording.as_ref().unwrap().recording;
    stage.put(Input::Recorder(RecorderSays::Failing(id, ErrorCode::DiskFull)));
    assert!(!stage.state().recording.as_ref().unwrap().healthy);
    stage.put(Input::Recorder(RecorderSays::Writing(id)));
    assert!(stage.state().recording.as_ref().unwrap().healthy);
    stage.restart();
    stage.put(Input::Recorder(RecorderSays::Ready));
    assert!(
        matches!(stage.recorder[0], RecorderCommand::Start { recording, .. } if recording == id)
    );
    stage.arrive(CHAIR);
    stage.command(CHAIR, Command::End).unwrap();
    assert!(stage.recorder.iter().any(|it| matches!(it, RecorderCommand::Stop { .. })));
    stage.check_law();
}
