//! What a command does: who may give it, and the facts that follow. Pure functions of the state.

use protocol::client::{Command, TEXT_CHARS_MAX};
use protocol::conduct::{ConductFact, Regime};
use protocol::error::ErrorCode;
use protocol::fact::{Fact, LeaveReason};
use protocol::id::{MessageId, ParticipantId, RecordingId};
use protocol::media::Source;
use protocol::role::RoomRole;

use super::roster::Seat;
use super::state::{CHAIRS_CAMERA, State};
use super::{Now, agenda, breakout, conduct, desk, paper, roll, scene, vote};
use crate::text::nfc;

/// Most delegates a site may declare.
pub(crate) const HEADCOUNT_MAX: u32 = 10_000;

/// Longest local chair, in characters.
const LOCAL_CHAIR_CHARS_MAX: usize = 200;

/// The facts of a command, or why it is refused. No facts: it is as it should be already.
pub(crate) fn facts_of(
    state: &State,
    by: ParticipantId,
    command: &Command,
    recorder_ready: bool,
    now: Now,
) -> Result<Vec<Fact>, ErrorCode> {
    if state.ended {
        return Err(ErrorCode::MeetingEnded);
    }
    let seat = state.roster.get(by).ok_or(ErrorCode::SeatInvalid)?;
    match command {
        Command::Leave => Ok(leave(state, seat, LeaveReason::Left, now)),
        Command::Declare { headcount, local_chair } => declare(seat, *headcount, local_chair),
        Command::MuteSelf { muted } => mute_self(seat, *muted),
        Command::RaiseHand { raised } => raise_hand(state, seat, *raised),
        Command::SendMessage { text } => send_message(state, seat, text, now),
        Command::MarkDecision { message, decision } => {
            allowed(seat.role.decides())?;
            let kept = state.messages.get(*message).ok_or(ErrorCode::NotInRoom)?;
            let changed = kept.decision != *decision;
            Ok(when(changed, Fact::DecisionMarked { message: *message, decision: *decision }))
        }
        Command::StartRecording => start_recording(state, seat, recorder_ready, now),
        Command::StopRecording => {
            allowed(seat.role.records())?;
            let running = state.recording.as_ref().ok_or(ErrorCode::NotRecording)?;
            Ok(vec![Fact::RecordingStopped { recording: running.recording }])
        }
        Command::Mute { participant, muted } => {
            allowed(seat.role.conducts())?;
            mute(state, in_room(state, *participant)?, *muted, now)
        }
        Command::MuteAll => {
            allowed(seat.role.conducts())?;
            Ok(mute_all(state, now))
        }
        Command::LowerHand { participant } => {
            allowed(seat.role.conducts())?;
            let queued = state.floor.queue().contains(&in_room(state, *participant)?.id);
            Ok(when(queued, Fact::HandRaised { participant: *participant, raised: false }))
        }
        Command::Invite { participant } => {
            allowed(seat.role.conducts())?;
            invite(state, in_room(state, *participant)?, now)
        }
        Command::Thank => {
            allowed(seat.role.conducts() || state.floor.holder_id() == Some(by))?;
            Ok(release_floor(state, now))
        }
        Command::SetMainPicture { participant, source } => {
            allowed(seat.role.conducts())?;
            set_main(state, *participant, *source)
        }
        Command::Remove { participant } => {
            allowed(seat.role.conducts())?;
            let target = in_room(state, *participant)?;
            // The desk works for the chair, and nobody shows himself out: that is `Leave`.
            allowed(target.id != by && target.role != RoomRole::Chair)?;
            Ok(leave(state, target, LeaveReason::Removed, now))
        }
        Command::Agenda(command) => agenda::facts_of(state, seat, command, now),
        Command::Conduct(command) => conduct::facts_of(state, seat, command, now),
        Command::Roll(command) => roll::facts_of(state, seat, command, now),
        Command::Vote(command) => vote::facts_of(state, seat, command, now),
        Command::Desk(command) => desk::facts_of(state, seat, command, now),
        Command::Scene(command) => scene::facts_of(state, seat, command, now),
        Command::Paper(command) => paper::facts_of(state, seat, command, now),
        Command::Breakout(command) => breakout::facts_of(state, seat, command, now),
        Command::End => {
            allowed(seat.role.ends())?;
            Ok(end(state, now))
        }
    }
}

fn allowed(right: bool) -> Result<(), ErrorCode> {
    if right { Ok(()) } else { Err(ErrorCode::Forbidden) }
}

fn in_room(state: &State, id: ParticipantId) -> Result<&Seat, ErrorCode> {
    state.roster.get(id).filter(|it| it.removed_at.is_none()).ok_or(ErrorCode::NotInRoom)
}

fn when(changed: bool, fact: Fact) -> Vec<Fact> {
    if changed { vec![fact] } else { Vec::new() }
}

fn declare(seat: &Seat, headcount: u32, local_chair: &str) -> Result<Vec<Fact>, ErrorCode> {
    // The chair sits in the hall, which is no remote site but has delegates too.
    allowed(matches!(seat.role, RoomRole::Site | RoomRole::Chair))?;
    let local_chair = nfc(local_chair);
    if headcount > HEADCOUNT_MAX || local_chair.chars().count() > LOCAL_CHAIR_CHARS_MAX {
        return Err(ErrorCode::InvalidInput);
    }
    let changed = seat.headcount != headcount || seat.local_chair != local_chair;
    Ok(when(changed, Fact::Declared { participant: seat.id, headcount, local_chair }))
}

fn mute_self(seat: &Seat, muted: bool) -> Result<Vec<Fact>, ErrorCode> {
    allowed(seat.role.publishes())?;
    Ok(when(seat.self_muted != muted, Fact::SelfMuted { participant: seat.id, muted }))
}

fn raise_hand(state: &State, seat: &Seat, raised: bool) -> Result<Vec<Fact>, ErrorCode> {
    let speaks = seat.role == RoomRole::Delegate || seat.role.publishes();
    allowed(speaks && !seat.role.conducts())?;
    if raised && state.conduct.regime == Regime::Lecture {
        return Err(ErrorCode::FloorClosed);
    }
    let queued = state.floor.queue().contains(&seat.id);
    let holds = state.floor.holder_id() == Some(seat.id);
    Ok(when(queued != raised && !holds, Fact::HandRaised { participant: seat.id, raised }))
}

fn send_message(state: &State, seat: &Seat, text: &str, now: Now) -> Result<Vec<Fact>, ErrorCode> {
    // A delegate's telephone is for documents, hands and votes; whoever sits in a room writes as its site.
    allowed(!matches!(seat.role, RoomRole::Observer | RoomRole::Delegate))?;
    if !state.desk.may_chat(seat.role) {
        return Err(ErrorCode::ChatClosed);
    }
    let text = nfc(text);
    match text.chars().count() {
        0 => Err(ErrorCode::InvalidInput),
        1..=TEXT_CHARS_MAX => {
            let message = MessageId::from_parts(now.unix_ms(), now.entropy);
            Ok(vec![Fact::MessageSent { message, text }])
        }
        _ => Err(ErrorCode::TooLarge),
    }
}

fn start_recording(
    state: &State,
    seat: &Seat,
    recorder_ready: bool,
    now: Now,
) -> Result<Vec<Fact>, ErrorCode> {
    allowed(seat.role.records())?;
    if state.recording.is_some() {
        return Err(ErrorCode::AlreadyRecording);
    }
    if !recorder_ready {
        return Err(ErrorCode::RecorderUnavailable);
    }
    let recording = RecordingId::from_parts(now.unix_ms(), now.entropy);
    Ok(vec![Fact::RecordingStarted { recording }])
}

/// The chair is always heard (its own button is `MuteSelf`); closing the holder's microphone is taking
/// the floor back, since a holder is always heard too.
fn mute(state: &State, target: &Seat, muted: bool, now: Now) -> Result<Vec<Fact>, ErrorCode> {
    allowed(target.role.publishes())?;
    if target.role == RoomRole::Chair {
        return if muted { Err(ErrorCode::Forbidden) } else { Ok(Vec::new()) };
    }
    if muted && state.floor.holder_id() == Some(target.id) {
        let mut facts = release_floor(state, now);
        if state.conduct.regime == Regime::Discussion {
            facts.push(Fact::MicrophoneGranted { participant: target.id, granted: false });
        }
        return Ok(facts);
    }
    if !muted {
        conduct::may_be_heard(state, target)?;
    }
    let changed = target.microphone_granted == muted;
    Ok(when(changed, Fact::MicrophoneGranted { participant: target.id, granted: !muted }))
}

fn mute_all(state: &State, now: Now) -> Vec<Fact> {
    let mut facts = release_floor(state, now);
    let released = state.floor.holder_id();
    let open = state.roster.iter().filter(|it| {
        it.microphone_granted && it.role != RoomRole::Chair && Some(it.id) != released
    });
    facts.extend(open.map(|it| Fact::MicrophoneGranted { participant: it.id, granted: false }));
    facts.push(Fact::AllMuted);
    facts
}

pub(crate) fn invite(state: &State, invited: &Seat, now: Now) -> Result<Vec<Fact>, ErrorCode> {
    let target = conduct::speaks_at(state, invited.id)?;
    breakout::in_hall(state, target.id)?;
    let is_delegate = invited.id != target.id;
    if !is_delegate && state.floor.holder_id() == Some(target.id) {
        return Ok(Vec::new());
    }
    let mut facts = take_floor_back(state, now);
    let hands = [Some(target.id), is_delegate.then_some(invited.id)];
    for participant in hands.into_iter().flatten() {
        if state.floor.queue().contains(&participant) {
            facts.push(Fact::HandRaised { participant, raised: false });
        }
    }
    facts.push(Fact::FloorGranted { participant: target.id });
    if is_delegate {
        let (participant, delegate) = (target.id, invited.id);
        facts.push(Fact::Conduct(ConductFact::Speaks { participant, delegate }));
    }
    // Taking the floor back from the same site has closed its microphone.
    if !target.microphone_granted || state.floor.holder_id() == Some(target.id) {
        facts.push(Fact::MicrophoneGranted { participant: target.id, granted: true });
    }
    // The chair's own camera has one name only, so that it stays the main picture when another takes over.
    let participant = (target.role != RoomRole::Chair).then_some(target.id);
    if state.main.participant != participant || state.main.source != Source::Camera {
        facts.push(Fact::MainPicture { participant, source: Source::Camera });
    }
    Ok(facts)
}

/// The floor comes back, and with it the main picture if it is the holder's.
pub(crate) fn release_floor(state: &State, now: Now) -> Vec<Fact> {
    let mut facts = take_floor_back(state, now);
    let holder = state.floor.holder_id();
    if holder.is_some() && state.main.participant == holder {
        facts.push(main_back());
    }
    facts
}

fn take_floor_back(state: &State, now: Now) -> Vec<Fact> {
    let Some(holder) = state.floor.holder() else { return Vec::new() };
    let mut facts = vec![Fact::FloorReleased {
        participant: holder.participant,
        held_ms: now.at.ms_since(holder.since),
    }];
    let seat = state.roster.get(holder.participant);
    if seat.is_some_and(|it| it.microphone_granted && it.role != RoomRole::Chair) {
        // In a discussion whoever was invited goes on being one who may speak.
        let granted = state.conduct.regime == Regime::Discussion;
        facts.push(Fact::MicrophoneGranted { participant: holder.participant, granted });
    }
    // What a site presented goes with its floor; what the chair shows stays.
    if seat.is_some_and(|it| it.role == RoomRole::Site) {
        facts.extend(paper::end_of(state, holder.participant));
    }
    facts
}

/// The main picture goes back to the chair's camera.
pub(crate) fn main_back() -> Fact {
    Fact::MainPicture { participant: CHAIRS_CAMERA.participant, source: CHAIRS_CAMERA.source }
}

fn set_main(
    state: &State,
    participant: Option<ParticipantId>,
    source: Source,
) -> Result<Vec<Fact>, ErrorCode> {
    if source.is_audio() {
        return Err(ErrorCode::InvalidInput);
    }
    let seat = match participant {
        Some(id) => Some(in_room(state, id)?),
        None => state.chair(),
    };
    if let Some(id) = participant {
        breakout::in_hall(state, id)?;
    }
    match (seat, source) {
        (Some(seat), Source::Screen) => {
            allowed(seat.may_show_screen(state.floor.holder_id()))?;
            if !seat.sources.contains(&Source::Screen) {
                return Err(ErrorCode::NotInRoom);
            }
        }
        (Some(seat), _) => {
            allowed(seat.role.publishes())?;
            if !seat.connected {
                return Err(ErrorCode::NotInRoom);
            }
        }
        (None, Source::Camera) => {}
        (None, _) => return Err(ErrorCode::NotInRoom),
    }
    let changed = state.main.participant != participant || state.main.source != source;
    Ok(when(changed, Fact::MainPicture { participant, source }))
}

/// Somebody goes for good: floor, hand, microphone and main picture are given back first.
pub(crate) fn leave(state: &State, seat: &Seat, reason: LeaveReason, now: Now) -> Vec<Fact> {
    let participant = seat.id;
    let mut facts = Vec::new();
    if state.floor.holder_id() == Some(participant) {
        facts.extend(release_floor(state, now));
    } else {
        if seat.microphone_granted && seat.role != RoomRole::Chair {
            facts.push(Fact::MicrophoneGranted { participant, granted: false });
        }
        if state.main.participant == Some(participant) {
            facts.push(main_back());
        }
    }
    if state.floor.queue().contains(&participant) {
        facts.push(Fact::HandRaised { participant, raised: false });
    }
    if seat.connected || reason == LeaveReason::Removed {
        facts.push(Fact::Left { participant, reason });
    }
    facts
}

/// The meeting ends: an open vote is called off, the floor comes back, the recording stops.
pub(crate) fn end(state: &State, now: Now) -> Vec<Fact> {
    let mut facts: Vec<_> = vote::end(state).into_iter().collect();
    facts.extend(release_floor(state, now));
    facts.extend(
        state.recording.iter().map(|it| Fact::RecordingStopped { recording: it.recording }),
    );
    facts.push(Fact::Ended);
    facts
}
