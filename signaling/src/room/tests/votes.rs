//! The law of votes: what is cast stands, nothing is lost or counted twice, and the result is a recount of
//! the facts.

use std::collections::HashMap;

use proptest::prelude::*;
use protocol::client::{ClientMessage, Command, ServerMessage};
use protocol::error::ErrorCode;
use protocol::fact::Fact;
use protocol::id::{CommandId, ParticipantId, VoteId};
use protocol::vote::{
    Choice, Share, ShareOf, Tally, VoteCommand, VoteFact, VoteMethod, VoteOutcome, VoteRules,
};

use super::{CHAIR, DELEGATE, DESK, Input, OBSERVER, OTHER, SECRETARY, SITE, Stage, seat};
use crate::room::{Act, reports, told_all};

pub(super) fn rules(method: VoteMethod) -> VoteRules {
    let counted = matches!(method, VoteMethod::Cards | VoteMethod::Delegates);
    VoteRules {
        title: "Thông qua dự thảo nghị quyết".into(),
        method,
        threshold: counted.then_some(Share::OverHalf),
        threshold_of: ShareOf::Eligible,
        quorum: counted.then_some(Share::TwoThirds),
        held_back: method == VoteMethod::Poll,
    }
}

fn open(method: VoteMethod) -> Command {
    Command::Vote(VoteCommand::Open { rules: rules(method) })
}

fn cast(vote: VoteId, agree: u32, disagree: u32, blank: u32) -> Command {
    let tally = Tally { agree, disagree, blank };
    Command::Vote(VoteCommand::Cast { vote, participant: None, tally })
}

fn close(vote: VoteId) -> Command {
    Command::Vote(VoteCommand::Close { vote })
}

fn declare(headcount: u32) -> Command {
    Command::Declare { headcount, local_chair: String::new() }
}

impl Stage {
    fn vote(&self) -> VoteId {
        self.state().vote.as_ref().expect("one was opened").id
    }

    fn outcome(&self) -> VoteOutcome {
        let view = self.state().snapshot(seat(CHAIR)).vote.expect("one was opened");
        view.outcome.expect("it was closed")
    }

    /// Chair, desk, secretary, and two sites of 30 and 12.
    fn hall() -> Self {
        let mut stage = Self::open();
        for n in [CHAIR, DESK, SECRETARY, SITE, OTHER] {
            stage.arrive(n);
        }
        stage.command(SITE, declare(30)).unwrap();
        stage.command(OTHER, declare(12)).unwrap();
        stage
    }
}

/// Counts every closed vote again, from the facts alone and not by the machine's code.
fn recount(facts: &[&Fact]) {
    let mut casts: HashMap<VoteId, HashMap<ParticipantId, Tally>> = HashMap::new();
    for fact in facts {
        match fact {
            Fact::Vote(VoteFact::Cast { vote, participant, tally }) => {
                let tally = tally.expect("the log has every cast");
                let before = casts.entry(*vote).or_default().insert(*participant, tally);
                assert_eq!(before, None, "a cast stands");
            }
            Fact::Vote(VoteFact::Closed { vote, outcome }) => {
                let mut sum = [0_u32; 3];
                for tally in casts.entry(*vote).or_default().values() {
                    sum[0] += tally.agree;
                    sum[1] += tally.disagree;
                    sum[2] += tally.blank;
                }
                let told = outcome.tally;
                assert_eq!([told.agree, told.disagree, told.blank], sum);
                let by_site = outcome.by_site.iter().map(|it| it.tally);
                assert_eq!(by_site.fold(Tally::default(), Tally::plus), told);
                assert!(told.total() <= u64::from(outcome.eligible));
            }
            _ => {}
        }
    }
}

#[test]
fn a_show_of_cards_adds_up_to_the_headcount_and_is_cast_once() {
    let mut stage = Stage::hall();
    stage.command(CHAIR, open(VoteMethod::Cards)).unwrap();
    let vote = stage.vote();
    assert_eq!(stage.command(SITE, cast(vote, 30, 1, 0)), Err(ErrorCode::TallyMismatch));
    assert_eq!(stage.command(SITE, cast(vote, 29, 0, 0)), Err(ErrorCode::TallyMismatch));
    assert_eq!(
        stage.command(SITE, cast(vote, u32::MAX, u32::MAX, u32::MAX)),
        Err(ErrorCode::TallyMismatch)
    );
    stage.command(SITE, cast(vote, 25, 3, 2)).unwrap();
    assert_eq!(stage.command(SITE, cast(vote, 30, 0, 0)), Err(ErrorCode::AlreadyCast));
    // The other drops and comes back: it may still vote, once.
    stage.put(Input::Disconnect(OTHER));
    stage.pass(20_000);
    stage.arrive(OTHER);
    stage.command(OTHER, cast(vote, 12, 0, 0)).unwrap();
    assert_eq!(stage.command(DESK, close(vote)), Err(ErrorCode::Forbidden));
    stage.command(CHAIR, close(vote)).unwrap();
    assert_eq!(stage.command(CHAIR, close(vote)), Err(ErrorCode::VoteNotRunning));
    assert_eq!(stage.command(OTHER, cast(vote, 12, 0, 0)), Err(ErrorCode::VoteNotRunning));
    let outcome = stage.outcome();
    assert_eq!(outcome.tally, Tally { agree: 37, disagree: 3, blank: 2 });
    assert_eq!(
        (outcome.eligible, outcome.quorum_met, outcome.adopted),
        (42, Some(true), Some(true))
    );
    let rows: Vec<_> =
        outcome.by_site.iter().map(|it| (it.name.as_str(), it.eligible, it.tally.agree)).collect();
    assert_eq!(rows, [("Điểm cầu 4", 30, 25), ("Điểm cầu 5", 12, 12)]);
    let refused = |code| {
        let is = |fact: &&&Fact| matches!(fact, Fact::Vote(VoteFact::Refused { code: it, .. }) if *it == code);
        stage.facts().iter().filter(is).count()
    };
    // The first three refusals of an elector are facts.
    assert_eq!((refused(ErrorCode::TallyMismatch), refused(ErrorCode::AlreadyCast)), (3, 0));
    recount(&stage.facts());
    stage.check_law();
}

#[test]
fn who_comes_after_the_opening_votes_when_let_in_and_only_then() {
    let mut stage = Stage::hall();
    stage.command(CHAIR, open(VoteMethod::Cards)).unwrap();
    let vote = stage.vote();
    let late = OTHER + 5;
    let admit = |n| Command::Vote(VoteCommand::Admit { vote, participant: seat(n) });
    assert_eq!(stage.command(CHAIR, admit(late)), Err(ErrorCode::NotInRoom));
    stage.arrive(late);
    assert_eq!(stage.command(CHAIR, admit(late)), Err(ErrorCode::NotElector), "no hall declared");
    stage.command(late, declare(9)).unwrap();
    assert_eq!(stage.command(late, cast(vote, 9, 0, 0)), Err(ErrorCode::NotElector));
    assert_eq!(stage.command(DESK, admit(late)), Err(ErrorCode::Forbidden));
    stage.command(SECRETARY, admit(late)).unwrap();
    let admitted = |stage: &Stage| {
        let is = |it: &&&Fact| matches!(it, Fact::Vote(VoteFact::Admitted { .. }));
        stage.facts().iter().filter(is).count()
    };
    // A hall that grows meanwhile votes with what it had.
    stage.command(SITE, declare(31)).unwrap();
    stage.command(CHAIR, admit(SITE)).unwrap();
    stage.command(CHAIR, admit(late)).unwrap();
    assert_eq!(admitted(&stage), 1, "who may vote already is not let in again");
    stage.restart();
    for n in [CHAIR, SITE, late] {
        stage.arrive(n);
    }
    stage.command(late, cast(vote, 9, 0, 0)).unwrap();
    stage.command(SITE, cast(vote, 30, 0, 0)).unwrap();
    stage.command(CHAIR, close(vote)).unwrap();
    assert_eq!((stage.outcome().eligible, stage.outcome().tally.agree), (51, 39));
    assert_eq!(stage.command(CHAIR, admit(OBSERVER)), Err(ErrorCode::VoteNotRunning));
    recount(&stage.facts());
    stage.check_law();
}

#[test]
fn a_meeting_that_ends_calls_off_the_vote_that_is_open() {
    let mut stage = Stage::hall();
    stage.command(CHAIR, open(VoteMethod::Cards)).unwrap();
    let vote = stage.vote();
    stage.command(SITE, cast(vote, 30, 0, 0)).unwrap();
    stage.command(CHAIR, Command::End).unwrap();
    let facts = stage.facts();
    let called_off = Fact::Vote(VoteFact::Cancelled { vote, reason: String::new() });
    assert_eq!(facts[facts.len() - 2..], [&called_off, &Fact::Ended]);
    let told = reports(stage.log.iter().map(|it| &it.record)).pop().unwrap();
    assert_eq!((told.cancelled.as_deref(), told.view.outcome), (Some(""), None));
}

#[test]
fn only_who_may_opens_and_only_one_at_a_time() {
    let mut stage = Stage::hall();
    for n in [SITE, DESK] {
        assert_eq!(stage.command(n, open(VoteMethod::Cards)), Err(ErrorCode::Forbidden));
    }
    assert_eq!(stage.command(CHAIR, open(VoteMethod::Delegates)), Err(ErrorCode::NoElectors));
    assert_eq!(stage.command(CHAIR, open(VoteMethod::Poll)), Err(ErrorCode::InvalidInput));
    let nameless = VoteRules { title: "  ".into(), ..rules(VoteMethod::Cards) };
    let nameless = Command::Vote(VoteCommand::Open { rules: nameless });
    assert_eq!(stage.command(CHAIR, nameless), Err(ErrorCode::InvalidInput));
    // Chair and secretary in the same instant: the first is carried out, the second is told.
    stage.command(SECRETARY, open(VoteMethod::Cards)).unwrap();
    assert_eq!(stage.command(CHAIR, open(VoteMethod::Cards)), Err(ErrorCode::VoteRunning));
    let first = stage.vote();
    let off =
        |reason: &str| Command::Vote(VoteCommand::Cancel { vote: first, reason: reason.into() });
    assert_eq!(stage.command(CHAIR, off(" ")), Err(ErrorCode::InvalidInput));
    stage.command(CHAIR, off("Nhầm nội dung")).unwrap();
    stage.command(CHAIR, open(VoteMethod::Cards)).unwrap();
    // A late word about the first vote does not touch the second.
    assert_eq!(stage.command(CHAIR, close(first)), Err(ErrorCode::VoteNotRunning));
    assert_eq!(stage.command(SITE, cast(first, 30, 0, 0)), Err(ErrorCode::VoteNotRunning));
    let second = stage.vote();
    let telephone = VoteCommand::Cast {
        vote: second,
        participant: Some(seat(OTHER)),
        tally: Tally { agree: 12, ..Tally::default() },
    };
    assert_eq!(stage.command(SITE, Command::Vote(telephone.clone())), Err(ErrorCode::Forbidden));
    stage.command(SECRETARY, Command::Vote(telephone)).unwrap();
    assert_eq!(
        stage.log.last().unwrap().record.by,
        Some(seat(SECRETARY)),
        "the log tells who entered it"
    );
    assert_eq!(stage.command(DESK, cast(second, 1, 0, 0)), Err(ErrorCode::NotElector));
}

#[test]
fn consensus_holds_until_one_site_has_another_opinion() {
    let mut stage = Stage::hall();
    stage.command(CHAIR, open(VoteMethod::Consensus)).unwrap();
    let vote = stage.vote();
    stage.command(CHAIR, close(vote)).unwrap();
    assert_eq!(stage.outcome().adopted, Some(true));
    stage.command(CHAIR, open(VoteMethod::Consensus)).unwrap();
    let vote = stage.vote();
    assert_eq!(stage.command(SITE, cast(vote, 1, 0, 0)), Err(ErrorCode::TallyMismatch));
    stage.command(SITE, cast(vote, 0, 1, 0)).unwrap();
    stage.command(CHAIR, close(vote)).unwrap();
    assert_eq!((stage.outcome().adopted, stage.outcome().tally.disagree), (Some(false), 1));
}

#[test]
fn a_result_that_is_held_back_is_told_to_nobody_before_the_end() {
    let mut stage = Stage::hall();
    let held = VoteRules { held_back: true, ..rules(VoteMethod::Cards) };
    stage.command(CHAIR, Command::Vote(VoteCommand::Open { rules: held })).unwrap();
    let vote = stage.vote();
    let before = stage.state().seq;
    stage.sent.clear();
    stage.command(SITE, cast(vote, 11, 10, 9)).unwrap();
    stage.arrive_on(50, OTHER, Some(before));
    stage.arrive_on(51, CHAIR, None);
    let shows =
        |message: &ServerMessage| serde_json::to_string(message).unwrap().contains("\"agree\":11");
    assert!(!stage.sent.iter().any(|(_, it)| shows(it)), "{:?}", stage.sent);
    let records: Vec<_> = stage.log.iter().map(|it| it.record.clone()).collect();
    let shown = |it: &Vec<_>| serde_json::to_string(it).unwrap().contains("\"agree\":11");
    assert!(shown(&records), "the log has it");
    assert!(!shown(&told_all(records.clone())), "the office is not told");
    assert!(!serde_json::to_string(&reports(&records)).unwrap().contains("\"agree\":11"));
    // Whoever cast it knows it, after a reload too.
    stage.sent.clear();
    stage.arrive_on(52, SITE, None);
    assert!(stage.sent.iter().any(|(to, it)| *to == 52 && shows(it)));
    stage.command(52, cast(vote, 30, 0, 0)).unwrap_err();
    stage.command(51, close(vote)).unwrap();
    assert!(stage.sent.iter().any(|(_, it)| shows(it)), "now everybody is");
    assert_eq!(reports(&records).len(), 1);
}

#[test]
fn a_poll_gives_each_delegate_one_ballot_and_counts_no_more_than_it_gave() {
    let mut stage = Stage::open();
    stage.arrive(CHAIR);
    stage.arrive(DELEGATE);
    stage.arrive(DELEGATE + 1);
    let vote = VoteId::from_parts(7, 7);
    let answers = |stage: &mut Stage, act: Act| {
        stage.answers.clear();
        stage.put(Input::Office(1, act));
        stage.answers.pop().expect("the office is answered").1
    };
    let poll = |by| Act::OpenPoll {
        by: seat(by),
        vote,
        rules: rules(VoteMethod::Poll),
        public_key: "key".into(),
    };
    assert_eq!(answers(&mut stage, poll(DELEGATE)), Err(ErrorCode::Forbidden));
    assert_eq!(answers(&mut stage, poll(CHAIR)), Ok(()));
    let issue = |n: u64, blinded: &str| Act::IssueBallot {
        vote,
        participant: seat(n),
        blinded: blinded.into(),
    };
    assert_eq!(answers(&mut stage, issue(DELEGATE, "a")), Ok(()));
    assert_eq!(answers(&mut stage, issue(DELEGATE, "a")), Ok(()), "a retry");
    assert_eq!(answers(&mut stage, issue(DELEGATE, "b")), Err(ErrorCode::AlreadyCast));
    assert_eq!(answers(&mut stage, issue(CHAIR, "c")), Err(ErrorCode::NotElector));
    assert_eq!(stage.command(DELEGATE, cast(vote, 1, 0, 0)), Err(ErrorCode::AlreadyCast));
    assert_eq!(stage.command(DELEGATE + 1, cast(vote, 1, 0, 0)), Err(ErrorCode::Forbidden));
    let close = |agree| Act::ClosePoll {
        by: seat(CHAIR),
        vote,
        tally: Tally { agree, ..Tally::default() },
        ballots: "digest".into(),
    };
    assert_eq!(answers(&mut stage, close(2)), Err(ErrorCode::Conflict), "one was forged");
    assert_eq!(answers(&mut stage, close(1)), Ok(()));
    assert_eq!(answers(&mut stage, issue(DELEGATE + 1, "d")), Err(ErrorCode::VoteNotRunning));
    let outcome = stage.outcome();
    assert_eq!((outcome.tally.agree, outcome.eligible, outcome.adopted), (1, 2, None));
    // Nothing in the log says how anybody voted.
    let casts =
        stage.facts().iter().filter(|it| matches!(it, Fact::Vote(VoteFact::Cast { .. }))).count();
    assert_eq!(casts, 0);
}

/// A delegate's page on a bad line: it sends its vote again until it is answered.
struct Voter {
    n: u64,
    connection: Option<u64>,
    command: CommandId,
    choice: Choice,
    is_answered: bool,
}

/// A small generator of our own: the same run every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
fn of_10_000_votes_by_500_voters_none_is_lost_and_none_counts_twice() {
    const VOTERS: u64 = 500;
    const VOTES: u64 = 20;
    let mut stage = Stage::open();
    let mut dice = Dice(2026);
    stage.arrive(CHAIR);
    let mut connection = 100_000;
    for n in 0..VOTERS {
        stage.arrive(DELEGATE + n);
    }
    let (mut n_sent, mut n_lost, mut n_restarts, mut counted) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut chair = CHAIR;
    for round in 0..VOTES {
        stage.command(chair, open(VoteMethod::Delegates)).unwrap();
        let vote = stage.vote();
        let mut meant = Tally::default();
        let mut voters: Vec<_> = (0..VOTERS)
            .map(|n| {
                let choice =
                    [Choice::Agree, Choice::Disagree, Choice::Blank][dice.roll(3) as usize];
                meant = meant.plus(choice.one());
                let command = CommandId::from_parts(1 + round, u128::from(n) + 1);
                Voter { n: DELEGATE + n, connection: None, command, choice, is_answered: false }
            })
            .collect();
        for _ in 0..400 {
            let waiting: Vec<_> = (0..voters.len()).filter(|it| !voters[*it].is_answered).collect();
            if waiting.is_empty() {
                break;
            }
            // In any order: what was sent first may come last.
            for _ in 0..waiting.len() {
                let voter = &mut voters[waiting[dice.roll(waiting.len() as u64) as usize]];
                if voter.is_answered {
                    continue;
                }
                let current = *voter.connection.get_or_insert_with(|| {
                    connection += 1;
                    stage.arrive_on(connection, voter.n, None);
                    connection
                });
                if dice.roll(5) == 0 {
                    n_lost += 1; // Lost on the way there.
                    continue;
                }
                let message = ClientMessage::Command {
                    id: voter.command,
                    command: Command::Vote(VoteCommand::Cast {
                        vote,
                        participant: None,
                        tally: voter.choice.one(),
                    }),
                };
                for _ in 0..1 + u64::from(dice.roll(4) == 0) {
                    n_sent += 1; // Some come twice.
                    stage.sent.clear();
                    stage.say(current, message.clone());
                }
                if dice.roll(5) == 0 {
                    n_lost += 1; // The answer is lost, and the line with it.
                    stage.put(Input::Disconnect(current));
                    voter.connection = None;
                    continue;
                }
                voter.is_answered = stage.sent.iter().any(|(to, it)| {
                    *to == current && *it == ServerMessage::Done { id: voter.command }
                });
                assert!(voter.is_answered);
            }
            if dice.roll(3) == 0 {
                n_restarts += 1;
                stage.restart();
                for voter in &mut voters {
                    voter.connection = None;
                }
                connection += 1;
                chair = connection;
                stage.arrive_on(chair, CHAIR, None);
            }
        }
        assert!(voters.iter().all(|it| it.is_answered), "everybody got through");
        stage.command(chair, close(vote)).unwrap();
        let outcome = stage.outcome();
        assert_eq!(outcome.tally, meant, "round {round}");
        counted += outcome.tally.total();
    }
    assert_eq!(counted, VOTERS * VOTES);
    assert!(
        n_restarts > 10 && n_lost > 2_000 && n_sent > counted,
        "{n_restarts} {n_lost} {n_sent}"
    );
    recount(&stage.facts());
}

#[derive(Clone, Debug)]
enum Step {
    Open(u64, VoteMethod, bool),
    Cast(u64, u32, u32, u32),
    Close(u64),
    Cancel(u64),
    Admit(u64, u64),
    Declare(u64, u32),
    Drop(u64),
    Arrive(u64),
    Restart,
    DiskFull(bool),
}

fn any_step() -> impl Strategy<Value = Step> {
    let who = || prop_oneof![Just(CHAIR), Just(SECRETARY), Just(SITE), Just(OTHER), Just(DELEGATE)];
    let method = prop_oneof![
        Just(VoteMethod::Cards),
        Just(VoteMethod::Delegates),
        Just(VoteMethod::Consensus)
    ];
    prop_oneof![
        3 => (who(), method, any::<bool>()).prop_map(|(n, it, held)| Step::Open(n, it, held)),
        8 => (who(), 0..4_u32, 0..3_u32, 0..2_u32).prop_map(|(n, a, d, b)| Step::Cast(n, a, d, b)),
        2 => who().prop_map(Step::Close),
        1 => who().prop_map(Step::Cancel),
        2 => (who(), who()).prop_map(|(by, n)| Step::Admit(by, n)),
        3 => (who(), 0..4_u32).prop_map(|(n, count)| Step::Declare(n, count)),
        1 => who().prop_map(Step::Drop),
        2 => who().prop_map(Step::Arrive),
        1 => Just(Step::Restart),
        1 => any::<bool>().prop_map(Step::DiskFull),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_cast_the_result_is_a_recount_of_the_facts(
        steps in proptest::collection::vec(any_step(), 1..80),
    ) {
        let mut stage = Stage::open();
        for (index, step) in steps.into_iter().enumerate() {
            let connection = 100 + index as u64;
            let speaks = |stage: &Stage, n: u64| stage.room.observed.by_seat.get(&seat(n)).copied();
            let act = |stage: &mut Stage, n: u64, command: Command| {
                if let Some(connection) = speaks(stage, n) {
                    // Refusals are part of the script.
                    let _ = stage.command(connection, command);
                }
            };
            let vote = stage.state().vote.as_ref().map_or(VoteId::from_parts(0, 0), |it| it.id);
            match step {
                Step::Open(n, method, held_back) => {
                    let rules = VoteRules { held_back, ..rules(method) };
                    act(&mut stage, n, Command::Vote(VoteCommand::Open { rules }));
                }
                Step::Cast(n, a, d, b) => act(&mut stage, n, cast(vote, a, d, b)),
                Step::Close(n) => act(&mut stage, n, close(vote)),
                Step::Cancel(n) => {
                    let off = VoteCommand::Cancel { vote, reason: "Nhầm".into() };
                    act(&mut stage, n, Command::Vote(off));
                }
                Step::Admit(n, late) => {
                    let admit = VoteCommand::Admit { vote, participant: seat(late) };
                    act(&mut stage, n, Command::Vote(admit));
                }
                Step::Declare(n, count) => act(&mut stage, n, declare(count)),
                Step::Drop(n) => {
                    if let Some(connection) = speaks(&stage, n) {
                        stage.put(Input::Disconnect(connection));
                    }
                }
                Step::Arrive(n) => stage.arrive_on(connection, n, None),
                Step::Restart => stage.restart(),
                Step::DiskFull(full) => stage.disk_full = full,
            }
            if !stage.log.is_empty() {
                stage.check_law();
                recount(&stage.facts());
            }
        }
    }
}
