//! The laws of group discussion: nobody is in two groups, the node is told who is where, and the clock brings
//! everybody back.

use proptest::prelude::*;
use protocol::breakout::{BreakoutCommand, BreakoutFact, Group};
use protocol::client::Command;
use protocol::conduct::{ConductCommand, Regime};
use protocol::control::RoomMedia;
use protocol::error::ErrorCode;
use protocol::fact::Fact;
use protocol::media::Source;

use super::{CHAIR, DELEGATE, DESK, Input, OBSERVER, OTHER, SECRETARY, SITE, Stage, seat};
use crate::room::media;

const THIRD: u64 = 7;

fn group(name: &str, members: &[u64]) -> Group {
    Group { name: name.into(), members: members.iter().map(|it| seat(*it)).collect() }
}

fn open(groups: &[Group], seconds: u32) -> Command {
    Command::Breakout(BreakoutCommand::Open { groups: groups.to_vec(), seconds })
}

fn go(n: u64, group: Option<u8>) -> Command {
    Command::Breakout(BreakoutCommand::Move { participant: seat(n), group })
}

impl Stage {
    fn split() -> Self {
        let mut stage = Self::open();
        for n in [CHAIR, DESK, SECRETARY, SITE, OTHER, THIRD] {
            stage.arrive(n);
        }
        stage
    }

    fn told(&self) -> RoomMedia {
        media::wanted(self.state(), "demo")
    }

    fn is_heard(&self, n: u64) -> bool {
        self.told().grants.iter().any(|it| it.publisher == seat(n).to_string() && it.audio)
    }

    fn is_muted(&self, n: u64) -> bool {
        self.state().roster.get(seat(n)).expect("it sits here").self_muted
    }
}

#[test]
fn groups_begin_with_closed_buttons_and_come_back_by_the_clock() {
    let mut stage = Stage::split();
    stage.command(CHAIR, Command::Invite { participant: seat(SITE) }).unwrap();
    stage
        .command(DESK, open(&[group("Tổ 1", &[SITE, OTHER]), group("Tổ 2", &[THIRD])], 600))
        .unwrap();
    assert_eq!(stage.holder(), None, "the floor is back in the hall");
    assert_eq!(stage.state().main.participant, None);
    assert!(stage.is_heard(SITE) && stage.is_heard(OTHER) && stage.is_muted(SITE));
    let id = |n| seat(n).to_string();
    assert_eq!(stage.told().groups, [(id(SITE), 1), (id(OTHER), 1), (id(THIRD), 2)]);
    assert_eq!(stage.told().oversees, [id(CHAIR), id(DESK), id(SECRETARY)]);
    let invite = Command::Invite { participant: seat(SITE) };
    assert_eq!(stage.command(CHAIR, invite), Err(ErrorCode::InGroup));
    let main = Command::SetMainPicture { participant: Some(seat(SITE)), source: Source::Camera };
    assert_eq!(stage.command(DESK, main), Err(ErrorCode::InGroup));
    stage.pass(300_000);
    stage.command(CHAIR, Command::Breakout(BreakoutCommand::Extend { seconds: 600 })).unwrap();
    // The server stops in the middle: the groups are as they were.
    stage.restart();
    assert_eq!(stage.told().groups.len(), 3);
    for n in [CHAIR, SITE] {
        stage.arrive(n);
    }
    stage.pass(599_000);
    assert!(stage.state().breakout.is_some());
    stage.pass(1_000);
    assert_eq!(stage.state().breakout, None);
    let closed = stage.log.iter().find(|it| it.record.fact == Fact::Breakout(BreakoutFact::Closed));
    let closed = &closed.expect("it is a fact").record;
    assert_eq!((closed.by, closed.at.0), (None, 900_000));
    assert!(!stage.is_heard(SITE) && !stage.is_muted(SITE), "as its regime has it");
    assert_eq!(stage.told().groups, []);
    stage.check_law();
}

#[test]
fn the_chair_visits_and_the_desk_moves_people() {
    let mut stage = Stage::split();
    stage.command(CHAIR, open(&[group("Tổ 1", &[SITE]), group("Tổ 2", &[OTHER])], 600)).unwrap();
    stage.command(CHAIR, go(CHAIR, Some(1))).unwrap();
    stage.command(DESK, go(THIRD, Some(1))).unwrap();
    stage.command(DESK, go(THIRD, Some(0))).unwrap();
    let members = |stage: &Stage, n: usize| {
        let running = stage.state().breakout.clone().unwrap();
        running.groups[n].members.clone()
    };
    assert_eq!(members(&stage, 0), [seat(SITE), seat(THIRD)]);
    assert_eq!(members(&stage, 1), [seat(OTHER), seat(CHAIR)]);
    assert!(!stage.is_muted(CHAIR), "the chair's button is its own");
    stage.command(DESK, go(THIRD, None)).unwrap();
    assert!(!stage.is_heard(THIRD) && !stage.is_muted(THIRD));
    stage.command(CHAIR, Command::Breakout(BreakoutCommand::Close)).unwrap();
    assert_eq!(stage.command(CHAIR, go(SITE, None)), Err(ErrorCode::BreakoutNotRunning));
    stage.check_law();
}

#[test]
fn what_cannot_be_is_refused_with_its_code() {
    let mut stage = Stage::split();
    stage.arrive(OBSERVER);
    let one = [group("Tổ 1", &[SITE])];
    assert_eq!(stage.command(SITE, open(&one, 60)), Err(ErrorCode::Forbidden));
    assert_eq!(stage.command(SECRETARY, open(&one, 60)), Err(ErrorCode::Forbidden));
    for wrong in [
        open(&[], 60),
        open(&one, 0),
        open(&one, 4 * 3_600 + 1),
        open(&[group(" ", &[SITE])], 60),
        open(&[group("Tổ 1", &[])], 60),
        open(&[group("Tổ 1", &[SITE]), group("Tổ 2", &[SITE])], 60),
        open(&[group("Tổ 1", &[OBSERVER])], 60),
        open(&vec![one[0].clone(); 25], 60),
    ] {
        assert_eq!(stage.command(CHAIR, wrong), Err(ErrorCode::InvalidInput));
    }
    let nobody = open(&[group("Tổ 1", &[DELEGATE])], 60);
    assert_eq!(stage.command(CHAIR, nobody), Err(ErrorCode::NotInRoom));
    stage.command(CHAIR, open(&one, 60)).unwrap();
    assert_eq!(stage.command(DESK, open(&one, 60)), Err(ErrorCode::BreakoutRunning));
    assert_eq!(stage.command(DESK, go(OTHER, Some(1))), Err(ErrorCode::InvalidInput));
}

#[derive(Clone, Debug)]
enum Step {
    Open(u64, Vec<u64>),
    Go(u64, u64, Option<u8>),
    Invite(u64),
    Regime(Regime),
    Close(u64),
    Drop(u64),
    Arrive(u64),
    Pass(u64),
    Restart,
    DiskFull(bool),
}

fn any_step() -> impl Strategy<Value = Step> {
    let who = || prop_oneof![Just(CHAIR), Just(DESK), Just(SITE), Just(OTHER), Just(THIRD)];
    let regime =
        prop_oneof![Just(Regime::Discussion), Just(Regime::Conducted), Just(Regime::Lecture)];
    prop_oneof![
        3 => (who(), proptest::collection::vec(who(), 1..4)).prop_map(|(n, all)| Step::Open(n, all)),
        4 => (who(), who(), proptest::option::of(0..3_u8)).prop_map(|(n, it, to)| Step::Go(n, it, to)),
        2 => who().prop_map(Step::Invite),
        1 => regime.prop_map(Step::Regime),
        1 => who().prop_map(Step::Close),
        1 => who().prop_map(Step::Drop),
        2 => who().prop_map(Step::Arrive),
        2 => prop_oneof![Just(1_000_u64), Just(40_000)].prop_map(Step::Pass),
        1 => Just(Step::Restart),
        1 => any::<bool>().prop_map(Step::DiskFull),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_in_two_groups_nor_holds_the_floor_from_one(
        steps in proptest::collection::vec(any_step(), 1..50),
    ) {
        let mut stage = Stage::split();
        for (index, step) in steps.into_iter().enumerate() {
            let speaks = |stage: &Stage, n: u64| stage.room.observed.by_seat.get(&seat(n)).copied();
            let act = |stage: &mut Stage, n: u64, command: Command| {
                if let Some(connection) = speaks(stage, n) {
                    // Refusals are part of the script.
                    let _ = stage.command(connection, command);
                }
            };
            match step {
                Step::Open(n, members) => {
                    let half = members.len() / 2;
                    let mut groups = vec![group("Tổ 1", &members[half..])];
                    if half > 0 {
                        groups.push(group("Tổ 2", &members[..half]));
                    }
                    act(&mut stage, n, open(&groups, 60));
                }
                Step::Go(n, who, to) => act(&mut stage, n, go(who, to)),
                Step::Invite(n) => {
                    act(&mut stage, CHAIR, Command::Invite { participant: seat(n) });
                }
                Step::Regime(regime) => {
                    let regime = Command::Conduct(ConductCommand::Regime { regime });
                    act(&mut stage, CHAIR, regime);
                }
                Step::Close(n) => act(&mut stage, n, Command::Breakout(BreakoutCommand::Close)),
                Step::Drop(n) => {
                    if let Some(connection) = speaks(&stage, n) {
                        stage.put(Input::Disconnect(connection));
                    }
                }
                Step::Arrive(n) => stage.arrive_on(200 + index as u64, n, None),
                Step::Pass(ms) => stage.pass(ms),
                Step::Restart => stage.restart(),
                Step::DiskFull(full) => stage.disk_full = full,
            }
            let told = stage.told().groups;
            let mut names: Vec<_> = told.iter().map(|it| &it.0).collect();
            names.sort_unstable();
            names.dedup();
            prop_assert_eq!(names.len(), told.len());
            let holder = stage.holder().map(|it| it.to_string());
            prop_assert!(told.iter().all(|it| Some(&it.0) != holder.as_ref()));
            if let Some(running) = &stage.state().breakout {
                let late = stage.tick > u64::try_from(running.ends_at.0).unwrap();
                prop_assert!(!late || stage.disk_full || stage.room.retry_at.is_some());
            }
        }
    }
}
