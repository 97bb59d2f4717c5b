//! The laws of the roll: closed it never changes, and what it says is what the facts before it say.

use proptest::prelude::*;
use protocol::client::Command;
use protocol::error::ErrorCode;
use protocol::fact::Fact;
use protocol::id::{RollId, SiteId, UnitId};
use protocol::roll::{
    RollCommand, RollFact, RollMark, RollRow, RollRules, RollSite, RollState, RollTotals,
};
use protocol::vote::Share;

use super::{CHAIR, DESK, Input, OTHER, SECRETARY, SITE, Stage, seat};
use crate::room::{Act, roll_report};

/// A site that is invited and never comes.
const NEVER: u64 = 9;

fn site(n: u64) -> SiteId {
    SiteId::from_parts(n, 0)
}

fn mark(roll: RollId, n: u64, state: RollState, headcount: u32, reason: &str) -> Command {
    let mark = RollMark { site: site(n), state, headcount, reason: reason.into() };
    Command::Roll(RollCommand::Mark { roll, mark })
}

fn close(roll: RollId) -> Command {
    Command::Roll(RollCommand::Close { roll })
}

impl Stage {
    fn roll_call(&mut self, by: u64) -> Result<RollId, ErrorCode> {
        let roll = RollId::from_parts(1, u128::from(self.tick) + self.n_commands);
        let sites = [SITE, OTHER, NEVER].map(|n| RollSite {
            site: site(n),
            name: format!("Điểm cầu {n}"),
            unit: UnitId::from_parts(n, 0),
        });
        let rules = RollRules { quorum: Some(Share::TwoThirds), summoned: 0 };
        self.answers.clear();
        let act = Act::OpenRoll { by: seat(by), roll, rules, sites: sites.to_vec() };
        self.put(Input::Office(1, act));
        self.answers.pop().expect("the office is answered").1.map(|()| roll)
    }

    fn closed_rows(&self) -> Vec<(RollId, Vec<RollRow>)> {
        let closed = self.facts().into_iter().filter_map(|fact| match fact {
            Fact::Roll(RollFact::Closed { roll, rows, .. }) => Some((*roll, rows.clone())),
            _ => None,
        });
        closed.collect()
    }
}

#[test]
fn a_roll_is_taken_corrected_closed_and_frozen() {
    let mut stage = Stage::open();
    for n in [CHAIR, DESK, SECRETARY, SITE] {
        stage.arrive(n);
    }
    stage.command(SITE, Command::Declare { headcount: 31, local_chair: "Bí thư".into() }).unwrap();
    stage.command(CHAIR, Command::Declare { headcount: 45, local_chair: String::new() }).unwrap();
    assert_eq!(stage.roll_call(DESK), Err(ErrorCode::Forbidden));
    let roll = stage.roll_call(SECRETARY).unwrap();
    assert_eq!(stage.roll_call(CHAIR), Err(ErrorCode::RollRunning));
    stage.arrive(OTHER); // Late, and it counts.
    stage.put(Input::Disconnect(OTHER));
    stage.pass(60_000);
    assert_eq!(
        stage.command(CHAIR, close(roll)),
        Err(ErrorCode::RollIncomplete),
        "one was never here"
    );
    let absent = |reason| mark(roll, NEVER, RollState::Absent, 0, reason);
    assert_eq!(stage.command(SECRETARY, absent(" ")), Err(ErrorCode::InvalidInput));
    assert_eq!(stage.command(SITE, absent("Bão")), Err(ErrorCode::Forbidden));
    assert_eq!(
        stage.command(SECRETARY, mark(roll, 77, RollState::Absent, 0, "x")),
        Err(ErrorCode::NotInRoom)
    );
    stage.command(SECRETARY, absent("Mất điện do bão")).unwrap();
    stage.command(CHAIR, close(roll)).unwrap();
    let (_, rows) = stage.closed_rows().pop().unwrap();
    let told: Vec<_> = rows.iter().map(|it| (it.state, it.headcount, it.reason.as_str())).collect();
    assert_eq!(
        told,
        [
            (RollState::Online, 31, ""),
            (RollState::Online, 0, ""),
            (RollState::Absent, 0, "Mất điện do bão"),
        ]
    );
    let totals = RollTotals::of(&rows);
    assert_eq!(totals, RollTotals { n_sites: 3, n_present: 2, headcount: 31 });
    stage.command(CHAIR, Command::Declare { headcount: 46, local_chair: String::new() }).unwrap();
    let (view, _) = roll_report(stage.state()).unwrap();
    assert_eq!(
        (view.hall, totals.with_hall(view.hall).headcount),
        (45, 76),
        "the hall is frozen too"
    );
    // Whatever is said afterwards stands beside it.
    stage.command(SITE, Command::Declare { headcount: 99, local_chair: String::new() }).unwrap();
    stage.command(SECRETARY, mark(roll, OTHER, RollState::Online, 12, "Báo muộn")).unwrap();
    stage.command(SECRETARY, mark(roll, OTHER, RollState::Online, 13, "Đếm lại")).unwrap();
    assert_eq!(stage.command(CHAIR, close(roll)), Err(ErrorCode::RollNotRunning));
    let view = stage.state().snapshot(seat(CHAIR)).roll.unwrap();
    assert_eq!(view.rows, rows);
    let before: Vec<_> =
        view.amendments.iter().map(|it| (it.before.headcount, it.mark.headcount)).collect();
    assert_eq!(before, [(0, 12), (12, 13)], "each keeps what stood there");
    assert_eq!(view.amendments[0].by, Some(seat(SECRETARY)));
    stage.check_law();
}

#[test]
fn a_walking_roll_call_brings_each_site_on_screen_and_thanks_the_last() {
    let mut stage = Stage::open();
    for n in [CHAIR, SECRETARY, SITE, OTHER] {
        stage.arrive(n);
    }
    let roll = stage.roll_call(SECRETARY).unwrap();
    let call = |n| Command::Roll(RollCommand::Call { roll, participant: seat(n) });
    assert_eq!(stage.command(SITE, call(SITE)), Err(ErrorCode::Forbidden));
    stage.command(SECRETARY, call(SITE)).unwrap();
    assert_eq!(
        (stage.holder(), stage.state().main.participant),
        (Some(seat(SITE)), Some(seat(SITE)))
    );
    stage.command(SECRETARY, call(OTHER)).unwrap();
    assert_eq!(stage.holder(), Some(seat(OTHER)));
    assert!(!stage.state().roster.get(seat(SITE)).unwrap().microphone_granted);
    assert_eq!(stage.command(SECRETARY, call(CHAIR)), Err(ErrorCode::NotInRoom));
    stage
        .command(SECRETARY, mark(roll, NEVER, RollState::Absent, 0, "Không liên lạc được"))
        .unwrap();
    stage.command(SECRETARY, close(roll)).unwrap();
    assert_eq!((stage.holder(), stage.state().main.participant), (None, None));
    stage.check_law();
}

#[derive(Clone, Debug)]
enum Step {
    Open(u64),
    Close(u64),
    Mark(u64, u64, u8, u32, bool),
    Declare(u64, u32),
    Arrive(u64),
    Drop(u64),
    Restart,
}

fn any_step() -> impl Strategy<Value = Step> {
    let who = || prop_oneof![Just(CHAIR), Just(SECRETARY), Just(SITE), Just(OTHER)];
    let place = prop_oneof![Just(SITE), Just(OTHER), Just(NEVER)];
    prop_oneof![
        2 => who().prop_map(Step::Open),
        3 => who().prop_map(Step::Close),
        8 => (who(), place, 0..4_u8, 0..50_u32, any::<bool>())
            .prop_map(|(n, at, state, count, why)| Step::Mark(n, at, state, count, why)),
        3 => (who(), 0..50_u32).prop_map(|(n, count)| Step::Declare(n, count)),
        4 => who().prop_map(Step::Arrive),
        1 => who().prop_map(Step::Drop),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_frozen_roll_never_changes(steps in proptest::collection::vec(any_step(), 1..80)) {
        const STATES: [RollState; 4] =
            [RollState::InPerson, RollState::Online, RollState::Absent, RollState::Unchecked];
        let mut stage = Stage::open();
        let mut frozen: Vec<(RollId, Vec<RollRow>)> = Vec::new();
        for (index, step) in steps.into_iter().enumerate() {
            let connection = 100 + index as u64;
            let act = |stage: &mut Stage, n: u64, command: Command| {
                if let Some(connection) = stage.room.observed.by_seat.get(&seat(n)).copied() {
                    // Refusals are part of the script.
                    let _ = stage.command(connection, command);
                }
            };
            let roll = stage.state().snapshot(seat(CHAIR)).roll.map_or(RollId::from_parts(0, 0), |it| it.roll);
            match step {
                Step::Open(n) => {
                    let _ = stage.roll_call(n);
                }
                Step::Close(n) => act(&mut stage, n, close(roll)),
                Step::Mark(n, at, state, count, why) => {
                    let reason = if why { "Lý do" } else { "" };
                    let state = STATES[usize::from(state)];
                    act(&mut stage, n, mark(roll, at, state, count, reason));
                }
                Step::Declare(n, headcount) => {
                    act(&mut stage, n, Command::Declare { headcount, local_chair: String::new() });
                }
                Step::Arrive(n) => stage.arrive_on(connection, n, None),
                Step::Drop(n) => {
                    if let Some(connection) = stage.room.observed.by_seat.get(&seat(n)).copied() {
                        stage.put(Input::Disconnect(connection));
                    }
                }
                Step::Restart => stage.restart(),
            }
            stage.check_law();
            let closed = stage.closed_rows();
            prop_assert_eq!(&closed[..frozen.len()], &frozen[..], "what was closed stays");
            if let Some(view) = stage.state().snapshot(seat(CHAIR)).roll.filter(|it| it.closed_at.is_some()) {
                let (_, rows) = closed.iter().find(|(id, _)| *id == view.roll).expect("it is in the log");
                prop_assert_eq!(rows, &view.rows);
                let fine = |it: &RollRow| it.state.is_present() || !it.reason.is_empty();
                prop_assert!(rows.iter().all(fine), "nobody is absent without a reason");
            }
            frozen = closed;
        }
    }
}
