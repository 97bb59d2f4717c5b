//! Group discussion. The laws: nobody is in two groups, whoever is in one is heard and seen there and nowhere
//! else, and everybody is back when its time is over.

use std::collections::HashSet;

use protocol::breakout::{
    BREAKOUT_SECONDS_MAX, Breakout, BreakoutCommand, BreakoutFact, GROUP_NAME_CHARS_MAX,
    GROUPS_MAX, Group,
};
use protocol::conduct::Regime;
use protocol::error::ErrorCode;
use protocol::fact::Fact;
use protocol::id::ParticipantId;
use protocol::time::Timestamp;

use super::Now;
use super::command;
use super::roster::{Roster, Seat};
use super::state::State;
use crate::text::nfc;

/// Takes in what a fact says. No room is heard in its group before its own technician opens the microphone; back
/// in the hall it is as its regime has it.
pub(crate) fn apply(
    breakout: &mut Option<Breakout>,
    roster: &mut Roster,
    regime: Regime,
    fact: &BreakoutFact,
    at: Timestamp,
) {
    let in_hall = regime == Regime::Discussion;
    match fact {
        BreakoutFact::Opened { groups, ends_at } => {
            for member in groups.iter().flat_map(|it| &it.members) {
                roster.mute_self(*member, true);
            }
            *breakout =
                Some(Breakout { groups: groups.clone(), started_at: at, ends_at: *ends_at });
        }
        BreakoutFact::Moved { participant, group } => {
            let Some(breakout) = breakout else { return };
            for it in &mut breakout.groups {
                it.members.retain(|member| member != participant);
            }
            let group = group.and_then(|it| breakout.groups.get_mut(usize::from(it)));
            roster.mute_self(*participant, group.is_some() || in_hall);
            if let Some(group) = group {
                group.members.push(*participant);
            }
        }
        BreakoutFact::Extended { ends_at } => {
            if let Some(breakout) = breakout {
                breakout.ends_at = *ends_at;
            }
        }
        BreakoutFact::Closed => {
            let Some(over) = breakout.take() else { return };
            for member in over.groups.iter().flat_map(|it| &it.members) {
                roster.mute_self(*member, in_hall);
            }
        }
    }
}

/// The facts of a command, or why it is refused.
pub(crate) fn facts_of(
    state: &State,
    seat: &Seat,
    command: &BreakoutCommand,
    now: Now,
) -> Result<Vec<Fact>, ErrorCode> {
    if !seat.role.conducts() {
        return Err(ErrorCode::Forbidden);
    }
    let running = state.breakout.as_ref().ok_or(ErrorCode::BreakoutNotRunning);
    match command {
        BreakoutCommand::Open { groups, seconds } => open(state, groups, *seconds, now),
        BreakoutCommand::Move { participant, group } => {
            let running = running?;
            may_join(state, *participant)?;
            let group_now = running.group_of(*participant);
            if group.is_some_and(|it| usize::from(it) >= running.groups.len()) {
                return Err(ErrorCode::InvalidInput);
            }
            if group_now == group.map(usize::from) {
                return Ok(Vec::new());
            }
            let mut facts =
                if group_now.is_none() { leave_hall(state, *participant, now) } else { Vec::new() };
            let (participant, group) = (*participant, *group);
            facts.push(Fact::Breakout(BreakoutFact::Moved { participant, group }));
            Ok(facts)
        }
        BreakoutCommand::Extend { seconds } => {
            running?;
            let ends_at = end_of(*seconds, now)?;
            Ok(vec![Fact::Breakout(BreakoutFact::Extended { ends_at })])
        }
        BreakoutCommand::Close => {
            running?;
            Ok(vec![Fact::Breakout(BreakoutFact::Closed)])
        }
    }
}

fn open(state: &State, groups: &[Group], seconds: u32, now: Now) -> Result<Vec<Fact>, ErrorCode> {
    if state.breakout.is_some() {
        return Err(ErrorCode::BreakoutRunning);
    }
    let ends_at = end_of(seconds, now)?;
    if !(1..=GROUPS_MAX).contains(&groups.len()) {
        return Err(ErrorCode::InvalidInput);
    }
    let mut seen = HashSet::new();
    let mut sane = Vec::with_capacity(groups.len());
    for group in groups {
        let name = nfc(&group.name);
        if !(1..=GROUP_NAME_CHARS_MAX).contains(&name.chars().count()) || group.members.is_empty() {
            return Err(ErrorCode::InvalidInput);
        }
        for member in &group.members {
            may_join(state, *member)?;
            if !seen.insert(*member) {
                return Err(ErrorCode::InvalidInput);
            }
        }
        sane.push(Group { name, members: group.members.clone() });
    }
    let mut facts = command::release_floor(state, now);
    if state.main.participant.is_some_and(|it| seen.contains(&it)) {
        facts.push(command::main_back());
    }
    facts.push(Fact::Breakout(BreakoutFact::Opened { groups: sane, ends_at }));
    Ok(facts)
}

fn end_of(seconds: u32, now: Now) -> Result<Timestamp, ErrorCode> {
    if (1..=BREAKOUT_SECONDS_MAX).contains(&seconds) {
        Ok(Timestamp(now.at.0 + i64::from(seconds) * 1_000))
    } else {
        Err(ErrorCode::InvalidInput)
    }
}

/// Whether somebody can be in a group at all: who has a camera and a microphone of its own.
fn may_join(state: &State, id: ParticipantId) -> Result<(), ErrorCode> {
    let seat = state.roster.get(id).filter(|it| it.removed_at.is_none());
    let seat = seat.ok_or(ErrorCode::NotInRoom)?;
    if seat.role.publishes() { Ok(()) } else { Err(ErrorCode::InvalidInput) }
}

/// Who goes into a group gives back what it has in the hall.
fn leave_hall(state: &State, id: ParticipantId, now: Now) -> Vec<Fact> {
    if state.floor.holder_id() == Some(id) {
        return command::release_floor(state, now);
    }
    let has_main = state.main.participant == Some(id);
    if has_main { vec![command::main_back()] } else { Vec::new() }
}

/// Refused for whoever is in a group: the hall does not see or hear it.
pub(crate) fn in_hall(state: &State, id: ParticipantId) -> Result<(), ErrorCode> {
    match state.breakout.as_ref().and_then(|it| it.group_of(id)) {
        Some(_) => Err(ErrorCode::InGroup),
        None => Ok(()),
    }
}

/// What the clock does: when it is due, everybody is back.
pub(crate) fn due(state: &State, now: Now) -> Option<Fact> {
    let running = state.breakout.as_ref()?;
    (running.ends_at <= now.at).then_some(Fact::Breakout(BreakoutFact::Closed))
}
