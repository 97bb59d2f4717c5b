//! How the floor is conducted. The law of the regimes: in a lecture nobody but the hall is granted a microphone,
//! and outside of a discussion nobody but the chair, the holder and whom the chair opened.

use protocol::conduct::{
    Conduct, ConductCommand, ConductFact, LIMIT_SECONDS_MAX, Regime, TimeLimit,
};
use protocol::error::ErrorCode;
use protocol::fact::Fact;
use protocol::id::ParticipantId;
use protocol::role::RoomRole;

use super::Now;
use super::command;
use super::roster::Seat;
use super::state::State;

/// Takes in what a fact says of the conduct.
pub(crate) fn apply(conduct: &mut Conduct, fact: &Fact) {
    match fact {
        Fact::Conduct(ConductFact::Regime { regime }) => conduct.regime = *regime,
        Fact::Conduct(ConductFact::Limit { limit }) => conduct.limit = *limit,
        Fact::Conduct(ConductFact::Order { order }) => conduct.order = *order,
        Fact::Conduct(ConductFact::Prepared { participant }) => conduct.next = *participant,
        Fact::FloorGranted { participant } if conduct.next == Some(*participant) => {
            conduct.next = None;
        }
        Fact::Left { participant, .. } if conduct.next == Some(*participant) => conduct.next = None,
        _ => {}
    }
}

/// The facts of a command, or why it is refused.
pub(crate) fn facts_of(
    state: &State,
    seat: &Seat,
    command: &ConductCommand,
    now: Now,
) -> Result<Vec<Fact>, ErrorCode> {
    if !seat.role.conducts() {
        return Err(ErrorCode::Forbidden);
    }
    let conduct = &state.conduct;
    let (changed, fact) = match command {
        ConductCommand::Regime { regime } => return Ok(regime_facts(state, *regime, now)),
        ConductCommand::Limit { limit } => {
            if limit.is_some_and(|it| !is_sane(it)) {
                return Err(ErrorCode::InvalidInput);
            }
            (conduct.limit != *limit, ConductFact::Limit { limit: *limit })
        }
        ConductCommand::Order { order } => {
            (conduct.order != *order, ConductFact::Order { order: *order })
        }
        ConductCommand::Prepare { participant } => {
            if let Some(id) = participant {
                speaks_at(state, *id)?;
            }
            let fact = ConductFact::Prepared { participant: *participant };
            (conduct.next != *participant, fact)
        }
    };
    Ok(if changed { vec![Fact::Conduct(fact)] } else { Vec::new() })
}

fn is_sane(limit: TimeLimit) -> bool {
    (1..=LIMIT_SECONDS_MAX).contains(&limit.seconds) && limit.grace_seconds <= LIMIT_SECONDS_MAX
}

/// A lecture takes the floor back from a site and asks nobody to prepare.
pub(crate) fn regime_facts(state: &State, regime: Regime, now: Now) -> Vec<Fact> {
    if state.conduct.regime == regime {
        return Vec::new();
    }
    let mut facts = Vec::new();
    if regime == Regime::Lecture {
        facts.extend(command::release_floor(state, now));
        if state.conduct.next.is_some() {
            facts.push(Fact::Conduct(ConductFact::Prepared { participant: None }));
        }
    }
    facts.push(Fact::Conduct(ConductFact::Regime { regime }));
    facts
}

/// At whose microphone somebody speaks: its own, or, for a delegate, its site's (the chair's, in the hall).
/// Refused where the regime lets nobody speak or the microphone is not there.
pub(crate) fn speaks_at(state: &State, id: ParticipantId) -> Result<&Seat, ErrorCode> {
    let seat = state.roster.get(id).filter(|it| it.removed_at.is_none());
    let seat = seat.ok_or(ErrorCode::NotInRoom)?;
    let at = match (seat.role, seat.site) {
        (RoomRole::Delegate, Some(site)) => {
            let sits = |it: &&Seat| it.role == RoomRole::Site && it.site == Some(site);
            state.roster.iter().find(sits).ok_or(ErrorCode::NotInRoom)?
        }
        (RoomRole::Delegate, None) => state.chair().ok_or(ErrorCode::NotInRoom)?,
        _ => seat,
    };
    if !at.role.publishes() {
        return Err(ErrorCode::Forbidden);
    }
    may_be_heard(state, at)?;
    if at.connected { Ok(at) } else { Err(ErrorCode::NotInRoom) }
}

/// Whether the regime lets this seat be heard at all.
pub(crate) fn may_be_heard(state: &State, seat: &Seat) -> Result<(), ErrorCode> {
    if state.conduct.regime == Regime::Lecture && !seat.role.conducts() {
        return Err(ErrorCode::FloorClosed);
    }
    Ok(())
}
