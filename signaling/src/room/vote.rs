//! The vote of a room: the one that is open, or the last one. Who may vote is written when it opens, and who
//! is let in later; what is cast stands, and the result is a count of what was cast. The law: the outcome equals a recount from the
//! facts, and no elector is in it twice.

use std::collections::{HashMap, HashSet};

use protocol::client::Command;
use protocol::error::ErrorCode;
use protocol::fact::{Fact, FactRecord};
use protocol::id::{ParticipantId, SiteId, VoteId};
use protocol::role::RoomRole;
use protocol::time::Timestamp;
use protocol::vote::{
    CastView, Elector, REASON_CHARS_MAX, ShareOf, SiteTally, Tally, VOTE_TITLE_CHARS_MAX,
    VoteCommand, VoteFact, VoteMethod, VoteOutcome, VoteReport, VoteRules, VoteView,
};

use super::Now;
use super::roster::{Roster, Seat};
use super::state::State;
use crate::text::nfc;

/// Refusals of one elector that are written down in one vote; more say nothing new.
const REFUSALS_MAX: u8 = 3;

/// The vote of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Vote {
    pub(crate) id: VoteId,
    pub(crate) rules: VoteRules,
    opened_at: Timestamp,
    electors: Vec<Elector>,
    votes: HashMap<ParticipantId, u32>,
    /// In the order in which they came. Of a poll: who was given a ballot, without what became of it.
    casts: Vec<CastView>,
    has_cast: HashSet<ParticipantId>,
    /// Of a poll: what each ballot was asked for with.
    issued: HashMap<ParticipantId, String>,
    refused: HashMap<ParticipantId, u8>,
    public_key: Option<String>,
    closed_at: Option<Timestamp>,
    outcome: Option<VoteOutcome>,
}

/// Takes in what a fact says of votes.
pub(crate) fn apply(vote: &mut Option<Vote>, fact: &VoteFact, at: Timestamp) {
    if let VoteFact::Opened { vote: id, rules, electors, public_key } = fact {
        *vote = Some(Vote {
            id: *id,
            rules: rules.clone(),
            opened_at: at,
            electors: electors.clone(),
            votes: electors.iter().map(|it| (it.participant, it.votes)).collect(),
            casts: Vec::new(),
            has_cast: HashSet::new(),
            issued: HashMap::new(),
            refused: HashMap::new(),
            public_key: public_key.clone(),
            closed_at: None,
            outcome: None,
        });
        return;
    }
    let Some(vote) = vote.as_mut().filter(|it| it.id == vote_of(fact)) else { return };
    match fact {
        VoteFact::Opened { .. } => {}
        VoteFact::Admitted { elector, .. } => {
            if vote.votes.insert(elector.participant, elector.votes).is_none() {
                vote.electors.push(*elector);
            }
        }
        VoteFact::Cast { participant, tally, .. } => {
            if vote.has_cast.insert(*participant) {
                vote.casts.push(CastView { participant: *participant, tally: *tally });
            }
        }
        VoteFact::Refused { participant, .. } => {
            *vote.refused.entry(*participant).or_default() += 1;
        }
        VoteFact::BallotIssued { participant, blinded, .. } => {
            if vote.has_cast.insert(*participant) {
                vote.casts.push(CastView { participant: *participant, tally: None });
            }
            vote.issued.insert(*participant, blinded.clone());
        }
        VoteFact::Closed { outcome, .. } => {
            vote.closed_at = Some(at);
            vote.outcome = Some(outcome.clone());
        }
        VoteFact::Cancelled { .. } => vote.closed_at = Some(at),
    }
}

/// Of which vote a fact tells.
fn vote_of(fact: &VoteFact) -> VoteId {
    match fact {
        VoteFact::Opened { vote, .. }
        | VoteFact::Admitted { vote, .. }
        | VoteFact::Cast { vote, .. }
        | VoteFact::Refused { vote, .. }
        | VoteFact::BallotIssued { vote, .. }
        | VoteFact::Closed { vote, .. }
        | VoteFact::Cancelled { vote, .. } => *vote,
    }
}

/// The facts of a command, or why it is refused.
pub(crate) fn facts_of(
    state: &State,
    seat: &Seat,
    command: &VoteCommand,
    now: Now,
) -> Result<Vec<Fact>, ErrorCode> {
    match command {
        VoteCommand::Open { rules } => {
            if rules.method == VoteMethod::Poll {
                return Err(ErrorCode::InvalidInput);
            }
            let vote = VoteId::from_parts(now.unix_ms(), now.entropy);
            open(state, seat.role, vote, rules, None)
        }
        VoteCommand::Admit { vote, participant } => admit(state, seat.role, *vote, *participant),
        VoteCommand::Cast { vote, participant, tally } => {
            cast(state, seat, *vote, participant.unwrap_or(seat.id), *tally)
        }
        VoteCommand::Close { vote } => {
            may_count(seat.role)?;
            let running = running(state, *vote)?;
            if running.rules.method == VoteMethod::Poll {
                return Err(ErrorCode::InvalidInput); // Its ballots are not in this machine.
            }
            let outcome = running.count(&state.roster);
            Ok(vec![Fact::Vote(VoteFact::Closed { vote: *vote, outcome })])
        }
        VoteCommand::Cancel { vote, reason } => {
            may_count(seat.role)?;
            running(state, *vote)?;
            let reason = nfc(reason);
            if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
                return Err(ErrorCode::InvalidInput);
            }
            Ok(vec![Fact::Vote(VoteFact::Cancelled { vote: *vote, reason })])
        }
    }
}

fn may_count(role: RoomRole) -> Result<(), ErrorCode> {
    if role.counts() { Ok(()) } else { Err(ErrorCode::Forbidden) }
}

fn running(state: &State, vote: VoteId) -> Result<&Vote, ErrorCode> {
    let current = state.vote.as_ref().filter(|it| it.id == vote && it.is_open());
    current.ok_or(ErrorCode::VoteNotRunning)
}

/// Opens a vote; `public_key` is a poll's.
pub(crate) fn open(
    state: &State,
    role: RoomRole,
    vote: VoteId,
    rules: &VoteRules,
    public_key: Option<String>,
) -> Result<Vec<Fact>, ErrorCode> {
    may_count(role)?;
    let mut rules = rules.clone();
    rules.title = nfc(&rules.title);
    check(&rules)?;
    if state.vote.as_ref().is_some_and(Vote::is_open) {
        return Err(ErrorCode::VoteRunning);
    }
    let electors = electors(&state.roster, rules.method);
    if electors.is_empty() {
        return Err(ErrorCode::NoElectors);
    }
    Ok(vec![Fact::Vote(VoteFact::Opened { vote, rules, electors, public_key })])
}

/// What is adopted by objection or not at all has no threshold, and a poll shows nothing before its end.
pub(crate) fn check(rules: &VoteRules) -> Result<(), ErrorCode> {
    let fits = match rules.method {
        VoteMethod::Cards | VoteMethod::Delegates => true,
        VoteMethod::Consensus => rules.threshold.is_none() && rules.quorum.is_none(),
        VoteMethod::Poll => rules.threshold.is_none() && rules.quorum.is_none() && rules.held_back,
    };
    let named = (1..=VOTE_TITLE_CHARS_MAX).contains(&rules.title.chars().count());
    if fits && named { Ok(()) } else { Err(ErrorCode::InvalidInput) }
}

/// Who may vote: sites that have declared their hall (and the chair's own hall), or delegates who came in.
pub(super) fn electors(roster: &Roster, method: VoteMethod) -> Vec<Elector> {
    let seats = roster.iter().filter(|it| it.removed_at.is_none());
    seats.filter_map(|seat| elector(seat, method)).collect()
}

fn elector(seat: &Seat, method: VoteMethod) -> Option<Elector> {
    let votes = match (method, seat.role) {
        (VoteMethod::Cards, RoomRole::Site | RoomRole::Chair) => seat.headcount,
        (VoteMethod::Delegates | VoteMethod::Poll, RoomRole::Delegate) => u32::from(seat.came),
        (VoteMethod::Consensus, RoomRole::Site) => u32::from(seat.connected),
        _ => 0,
    };
    (votes > 0).then_some(Elector { participant: seat.id, votes })
}

/// Lets somebody in to a vote that is open. It adds to those who may vote and changes nobody's votes: a
/// hall that declares another headcount meanwhile votes with the one it had.
fn admit(
    state: &State,
    role: RoomRole,
    vote: VoteId,
    participant: ParticipantId,
) -> Result<Vec<Fact>, ErrorCode> {
    may_count(role)?;
    let running = running(state, vote)?;
    if running.votes.contains_key(&participant) {
        return Ok(Vec::new());
    }
    let seat = state.roster.get(participant).filter(|it| it.removed_at.is_none());
    let elector = elector(seat.ok_or(ErrorCode::NotInRoom)?, running.rules.method);
    let elector = elector.ok_or(ErrorCode::NotElector)?;
    Ok(vec![Fact::Vote(VoteFact::Admitted { vote, elector })])
}

/// The meeting ends while a vote is open: nothing follows from it, and the log says so.
pub(crate) fn end(state: &State) -> Option<Fact> {
    let open = state.vote.as_ref().filter(|it| it.is_open())?;
    Some(Fact::Vote(VoteFact::Cancelled { vote: open.id, reason: String::new() }))
}

fn cast(
    state: &State,
    seat: &Seat,
    vote: VoteId,
    elector: ParticipantId,
    tally: Tally,
) -> Result<Vec<Fact>, ErrorCode> {
    let running = running(state, vote)?;
    let by_telephone = running.rules.method == VoteMethod::Cards && seat.role.counts();
    if elector != seat.id && !by_telephone {
        return Err(ErrorCode::Forbidden);
    }
    let votes = *running.votes.get(&elector).ok_or(ErrorCode::NotElector)?;
    if running.has_cast.contains(&elector) {
        return Err(ErrorCode::AlreadyCast);
    }
    let fits = match running.rules.method {
        VoteMethod::Cards | VoteMethod::Delegates => tally.total() == u64::from(votes),
        VoteMethod::Consensus => tally == Tally { disagree: 1, ..Tally::default() },
        VoteMethod::Poll => return Err(ErrorCode::Forbidden),
    };
    if !fits {
        return Err(ErrorCode::TallyMismatch);
    }
    Ok(vec![Fact::Vote(VoteFact::Cast { vote, participant: elector, tally: Some(tally) })])
}

/// The fact of a refusal that matters: somebody tried to vote twice, or with more than sit there.
pub(crate) fn refusal(
    state: &State,
    by: ParticipantId,
    command: &Command,
    code: ErrorCode,
) -> Option<Fact> {
    let Command::Vote(VoteCommand::Cast { vote, participant, .. }) = command else { return None };
    if !matches!(code, ErrorCode::AlreadyCast | ErrorCode::TallyMismatch) {
        return None;
    }
    let participant = participant.unwrap_or(by);
    let current = state.vote.as_ref().filter(|it| it.id == *vote)?;
    let n = current.refused.get(&participant).copied().unwrap_or(0);
    let fact = VoteFact::Refused { vote: *vote, participant, code };
    (n < REFUSALS_MAX).then_some(Fact::Vote(fact))
}

/// A delegate asks for its ballot: once, or again with the same blinded message.
pub(crate) fn issue(
    state: &State,
    vote: VoteId,
    participant: ParticipantId,
    blinded: &str,
) -> Result<Vec<Fact>, ErrorCode> {
    let running = running(state, vote)?;
    if running.rules.method != VoteMethod::Poll {
        return Err(ErrorCode::VoteNotRunning);
    }
    if !running.votes.contains_key(&participant) {
        return Err(ErrorCode::NotElector);
    }
    match running.issued.get(&participant) {
        Some(before) if before == blinded => Ok(Vec::new()),
        Some(_) => Err(ErrorCode::AlreadyCast),
        None => {
            let blinded = blinded.to_owned();
            Ok(vec![Fact::Vote(VoteFact::BallotIssued { vote, participant, blinded })])
        }
    }
}

/// Closes a poll with the count of its ballots. More ballots than were issued is a forgery of whoever
/// holds the key: nothing is counted.
pub(crate) fn close_poll(
    state: &State,
    role: RoomRole,
    vote: VoteId,
    tally: Tally,
    ballots: &str,
) -> Result<Vec<Fact>, ErrorCode> {
    may_count(role)?;
    let running = running(state, vote)?;
    if running.rules.method != VoteMethod::Poll || tally.total() > running.issued.len() as u64 {
        return Err(ErrorCode::Conflict);
    }
    let outcome = VoteOutcome {
        tally,
        eligible: running.eligible(),
        quorum_met: None,
        adopted: None,
        by_site: Vec::new(),
        ballots: Some(ballots.to_owned()),
    };
    Ok(vec![Fact::Vote(VoteFact::Closed { vote, outcome })])
}

impl Vote {
    pub(crate) fn is_open(&self) -> bool {
        self.closed_at.is_none()
    }

    fn eligible(&self) -> u32 {
        self.electors.iter().fold(0, |sum, it| sum.saturating_add(it.votes))
    }

    fn count(&self, roster: &Roster) -> VoteOutcome {
        let tally = self.casts.iter().filter_map(|it| it.tally).fold(Tally::default(), Tally::plus);
        let eligible = self.eligible();
        let (quorum_met, adopted) = judge(&self.rules, tally, eligible);
        let by_site = self.by_site(roster);
        VoteOutcome { tally, eligible, quorum_met, adopted, by_site, ballots: None }
    }

    fn by_site(&self, roster: &Roster) -> Vec<SiteTally> {
        let cast: HashMap<_, _> = self.casts.iter().map(|it| (it.participant, it.tally)).collect();
        let mut rows: Vec<SiteTally> = Vec::new();
        let mut place: HashMap<Option<SiteId>, usize> = HashMap::new();
        let of_sites = self.rules.method != VoteMethod::Delegates;
        for elector in &self.electors {
            let seat = roster.get(elector.participant);
            let site = seat.and_then(|it| it.site);
            let known = if of_sites { None } else { place.get(&site).copied() };
            let index = known.unwrap_or_else(|| {
                place.insert(site, rows.len());
                let name = seat.map(|it| name_of(it, of_sites, roster)).unwrap_or_default();
                rows.push(SiteTally { site, name, eligible: 0, tally: Tally::default() });
                rows.len() - 1
            });
            let row = &mut rows[index];
            row.eligible = row.eligible.saturating_add(elector.votes);
            let came = cast.get(&elector.participant).copied().flatten();
            row.tally = row.tally.plus(came.unwrap_or_default());
        }
        rows
    }

    /// As `viewer` may see it.
    pub(crate) fn view(&self, viewer: Option<ParticipantId>) -> VoteView {
        let hides = self.hides();
        let seen = |cast: &CastView| CastView {
            participant: cast.participant,
            tally: cast.tally.filter(|_| !hides || Some(cast.participant) == viewer),
        };
        VoteView {
            vote: self.id,
            rules: self.rules.clone(),
            opened_at: self.opened_at,
            electors: self.electors.clone(),
            casts: self.casts.iter().map(seen).collect(),
            public_key: self.public_key.clone(),
            closed_at: self.closed_at,
            outcome: self.outcome.clone(),
        }
    }

    fn hides(&self) -> bool {
        self.rules.held_back && self.is_open()
    }

    /// Whether a fact says what nobody is to know yet.
    fn hides_cast(&self, fact: &Fact) -> bool {
        matches!(fact, Fact::Vote(VoteFact::Cast { vote, .. }) if *vote == self.id) && self.hides()
    }
}

/// A fact as it is told: while a result is held back, without how was voted.
pub(crate) fn told(vote: Option<&Vote>, record: &FactRecord) -> FactRecord {
    let mut record = record.clone();
    if vote.is_some_and(|it| it.hides_cast(&record.fact))
        && let Fact::Vote(VoteFact::Cast { tally, .. }) = &mut record.fact
    {
        *tally = None;
    }
    record
}

/// A delegate's row is called after its site.
fn name_of(seat: &Seat, of_sites: bool, roster: &Roster) -> String {
    let site = if of_sites { None } else { seat.site };
    let sits = |it: &&Seat| it.role == RoomRole::Site && it.site == site;
    let named = site.and_then(|_| roster.iter().find(sits));
    named.map_or_else(
        || if of_sites { seat.name.clone() } else { String::new() },
        |it| it.name.clone(),
    )
}

/// Whether enough voted, and whether it is adopted.
pub(crate) fn judge(
    rules: &VoteRules,
    tally: Tally,
    eligible: u32,
) -> (Option<bool>, Option<bool>) {
    let (eligible, voted) = (u64::from(eligible), tally.total());
    let quorum_met = rules.quorum.map(|share| share.is_met(voted, eligible));
    let adopted = match rules.method {
        VoteMethod::Consensus => Some(tally.disagree == 0),
        VoteMethod::Poll => None,
        VoteMethod::Cards | VoteMethod::Delegates => rules.threshold.map(|share| {
            let whole = match rules.threshold_of {
                ShareOf::Eligible => eligible,
                ShareOf::Voted => voted,
            };
            quorum_met != Some(false) && share.is_met(tally.agree.into(), whole)
        }),
    };
    (quorum_met, adopted)
}

/// Every vote of a meeting, read from its facts; what is held back is not in it.
pub(crate) fn reports<'a>(facts: impl IntoIterator<Item = &'a FactRecord>) -> Vec<VoteReport> {
    let mut votes: Vec<(Option<Vote>, Option<String>)> = Vec::new();
    for record in facts {
        let Fact::Vote(fact) = &record.fact else { continue };
        if matches!(fact, VoteFact::Opened { .. }) {
            votes.push((None, None));
        }
        let Some((vote, cancelled)) = votes.last_mut() else { continue };
        apply(vote, fact, record.at);
        if let VoteFact::Cancelled { reason, .. } = fact {
            *cancelled = Some(reason.clone());
        }
    }
    let report = |(vote, cancelled): (Option<Vote>, Option<String>)| {
        Some(VoteReport { view: vote?.view(None), cancelled, n_ballots: 0 })
    };
    votes.into_iter().filter_map(report).collect()
}

/// A meeting's facts as they are told: what a vote that is still open holds back is not in them.
pub(crate) fn told_all(mut facts: Vec<FactRecord>) -> Vec<FactRecord> {
    let mut vote = None;
    for record in &facts {
        if let Fact::Vote(fact) = &record.fact {
            apply(&mut vote, fact, record.at);
        }
    }
    if vote.as_ref().is_some_and(Vote::hides) {
        for record in &mut facts {
            *record = told(vote.as_ref(), record);
        }
    }
    facts
}
