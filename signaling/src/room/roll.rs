//! The roll of a room: the one that is open, or the last one. The laws: a closed roll never changes, and its
//! rows are what the facts before it say.

use std::collections::{BTreeMap, BTreeSet};

use protocol::error::ErrorCode;
use protocol::fact::{Fact, FactRecord};
use protocol::id::{RollId, SiteId};
use protocol::role::RoomRole;
use protocol::roll::{
    Amendment, ROLL_REASON_CHARS_MAX, RollCommand, RollFact, RollMark, RollRow, RollRules,
    RollSite, RollState, RollTotals, RollView,
};

use super::Now;
use super::command::{self, HEADCOUNT_MAX};
use super::roster::{Roster, Seat};
use super::state::State;
use crate::text::nfc;

/// Amendments of one roll.
const AMENDMENTS_MAX: usize = 1_000;

/// The roll of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Roll {
    view: RollView,
    seen: BTreeSet<SiteId>,
    marks: BTreeMap<SiteId, RollMark>,
}

/// Takes in what a fact says of rolls. `roster` has taken it in already.
pub(crate) fn apply(roll: &mut Option<Roll>, record: &FactRecord, roster: &Roster) {
    if let Fact::Joined { participant } = &record.fact {
        let site = roster.get(*participant).filter(|it| it.role == RoomRole::Site);
        if let (Some(roll), Some(site)) =
            (roll.as_mut().filter(|it| it.is_open()), site.and_then(|it| it.site))
        {
            roll.seen.insert(site);
        }
        return;
    }
    let Fact::Roll(fact) = &record.fact else { return };
    if let RollFact::Opened { roll: id, rules, sites } = fact {
        let here = roster.iter().filter(|it| it.connected && it.role == RoomRole::Site);
        *roll = Some(Roll {
            view: RollView {
                roll: *id,
                rules: *rules,
                opened_at: record.at,
                sites: sites.clone(),
                seen: Vec::new(),
                marks: Vec::new(),
                called: None,
                closed_at: None,
                rows: Vec::new(),
                hall: 0,
                amendments: Vec::new(),
            },
            seen: here.filter_map(|it| it.site).collect(),
            marks: BTreeMap::new(),
        });
        return;
    }
    let Some(roll) = roll.as_mut().filter(|it| it.view.roll == roll_of(fact)) else { return };
    match fact {
        RollFact::Opened { .. } => {}
        RollFact::Called { participant, .. } => roll.view.called = Some(*participant),
        RollFact::Marked { mark, .. } => {
            roll.marks.insert(mark.site, mark.clone());
        }
        RollFact::Closed { rows, hall, .. } => {
            roll.view.rows.clone_from(rows);
            roll.view.hall = *hall;
            roll.view.closed_at = Some(record.at);
        }
        RollFact::Amended { before, mark, .. } => {
            let (at, by, before, mark) = (record.at, record.by, before.clone(), mark.clone());
            roll.view.amendments.push(Amendment { at, by, before, mark });
        }
    }
}

fn roll_of(fact: &RollFact) -> RollId {
    match fact {
        RollFact::Opened { roll, .. }
        | RollFact::Called { roll, .. }
        | RollFact::Marked { roll, .. }
        | RollFact::Closed { roll, .. }
        | RollFact::Amended { roll, .. } => *roll,
    }
}

/// Opens a roll.
pub(crate) fn open(
    state: &State,
    role: RoomRole,
    roll: RollId,
    rules: RollRules,
    sites: &[RollSite],
) -> Result<Vec<Fact>, ErrorCode> {
    allowed(role.counts())?;
    if state.roll.as_ref().is_some_and(Roll::is_open) {
        return Err(ErrorCode::RollRunning);
    }
    Ok(vec![Fact::Roll(RollFact::Opened { roll, rules, sites: sites.to_vec() })])
}

/// The facts of a command, or why it is refused.
pub(crate) fn facts_of(
    state: &State,
    seat: &Seat,
    command: &RollCommand,
    now: Now,
) -> Result<Vec<Fact>, ErrorCode> {
    match command {
        RollCommand::Call { roll, participant } => {
            allowed(seat.role.counts() || seat.role.conducts())?;
            running(state, *roll)?;
            let target = state.roster.get(*participant).filter(|it| it.removed_at.is_none());
            let target =
                target.filter(|it| it.role == RoomRole::Site).ok_or(ErrorCode::NotInRoom)?;
            let mut facts = command::invite(state, target, now)?;
            let called = RollFact::Called { roll: *roll, participant: *participant };
            facts.push(Fact::Roll(called));
            Ok(facts)
        }
        RollCommand::Mark { roll, mark } => {
            allowed(seat.role.counts())?;
            self::mark(state, *roll, mark)
        }
        RollCommand::Close { roll } => {
            allowed(seat.role.counts())?;
            close(state, *roll, now)
        }
    }
}

fn allowed(right: bool) -> Result<(), ErrorCode> {
    if right { Ok(()) } else { Err(ErrorCode::Forbidden) }
}

fn running(state: &State, roll: RollId) -> Result<&Roll, ErrorCode> {
    let current = state.roll.as_ref().filter(|it| it.view.roll == roll && it.is_open());
    current.ok_or(ErrorCode::RollNotRunning)
}

fn mark(state: &State, roll: RollId, mark: &RollMark) -> Result<Vec<Fact>, ErrorCode> {
    let current = state.roll.as_ref().filter(|it| it.view.roll == roll);
    let current = current.ok_or(ErrorCode::RollNotRunning)?;
    if !current.view.sites.iter().any(|it| it.site == mark.site) {
        return Err(ErrorCode::NotInRoom);
    }
    let reason = nfc(&mark.reason);
    if !(1..=ROLL_REASON_CHARS_MAX).contains(&reason.chars().count())
        || mark.headcount > HEADCOUNT_MAX
    {
        return Err(ErrorCode::InvalidInput);
    }
    let mark = RollMark { reason, ..mark.clone() };
    if current.is_open() {
        return Ok(vec![Fact::Roll(RollFact::Marked { roll, mark })]);
    }
    if current.view.amendments.len() >= AMENDMENTS_MAX {
        return Err(ErrorCode::TooManyRequests);
    }
    let before = current.latest(mark.site).ok_or(ErrorCode::NotInRoom)?;
    Ok(vec![Fact::Roll(RollFact::Amended { roll, before, mark })])
}

fn close(state: &State, roll: RollId, now: Now) -> Result<Vec<Fact>, ErrorCode> {
    let running = running(state, roll)?;
    let rows = running.rows(&state.roster);
    let is_complete = rows.iter().all(|it| match it.state {
        RollState::InPerson | RollState::Online => true,
        RollState::Absent => !it.reason.is_empty(),
        RollState::Unchecked => false,
    });
    if !is_complete {
        return Err(ErrorCode::RollIncomplete);
    }
    // Whoever was called last is thanked.
    let is_called = running.view.called.is_some() && state.floor.holder_id() == running.view.called;
    let mut facts = if is_called { command::release_floor(state, now) } else { Vec::new() };
    let hall = running.hall(&state.roster);
    let quorum_met = running.view.rules.is_met(RollTotals::of(&rows).with_hall(hall));
    facts.push(Fact::Roll(RollFact::Closed { roll, rows, hall, quorum_met }));
    Ok(facts)
}

impl Roll {
    pub(crate) fn is_open(&self) -> bool {
        self.view.closed_at.is_none()
    }

    /// The rows: frozen, or as they are now.
    pub(crate) fn rows(&self, roster: &Roster) -> Vec<RollRow> {
        if !self.is_open() {
            return self.view.rows.clone();
        }
        let seats: BTreeMap<SiteId, &Seat> = roster
            .iter()
            .filter(|it| it.role == RoomRole::Site)
            .filter_map(|it| Some((it.site?, it)))
            .collect();
        self.view.sites.iter().map(|site| self.row(site, seats.get(&site.site).copied())).collect()
    }

    /// Delegates in the chair's own hall: frozen, or as declared now.
    fn hall(&self, roster: &Roster) -> u32 {
        if !self.is_open() {
            return self.view.hall;
        }
        let chairs = roster.iter().filter(|it| it.role == RoomRole::Chair);
        chairs.fold(0, |sum, it| sum.saturating_add(it.headcount))
    }

    fn row(&self, site: &RollSite, seat: Option<&Seat>) -> RollRow {
        let here = self.seen.contains(&site.site);
        let row = RollRow {
            site: site.site,
            name: site.name.clone(),
            unit: site.unit,
            state: if here { RollState::Online } else { RollState::Unchecked },
            headcount: seat.map_or(0, |it| it.headcount),
            local_chair: seat.map(|it| it.local_chair.clone()).unwrap_or_default(),
            reason: String::new(),
        };
        match self.marks.get(&site.site) {
            Some(mark) => marked(row, mark),
            None => row,
        }
    }

    /// A row as it is right now, with what was amended.
    fn latest(&self, site: SiteId) -> Option<RollRow> {
        let row = self.view.rows.iter().find(|it| it.site == site)?.clone();
        let last = self.view.amendments.iter().rev().find(|it| it.mark.site == site);
        Some(match last {
            Some(amendment) => marked(row, &amendment.mark),
            None => row,
        })
    }

    pub(crate) fn view(&self) -> RollView {
        RollView {
            seen: self.seen.iter().copied().collect(),
            marks: self.marks.values().cloned().collect(),
            ..self.view.clone()
        }
    }
}

fn marked(row: RollRow, mark: &RollMark) -> RollRow {
    let (state, headcount, reason) = (mark.state, mark.headcount, mark.reason.clone());
    RollRow { state, headcount, reason, ..row }
}

/// The last roll of a meeting, read from its facts: its rows and its hall as they stand there.
pub(crate) fn report(state: &State) -> Option<(RollView, Vec<RollRow>)> {
    let roll = state.roll.as_ref()?;
    let view = RollView { hall: roll.hall(&state.roster), ..roll.view() };
    Some((view, roll.rows(&state.roster)))
}
