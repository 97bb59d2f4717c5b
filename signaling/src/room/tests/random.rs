//! Random scripts: whatever people, disks and nodes do, the law holds after every step.

use proptest::prelude::*;
use protocol::client::Command;
use protocol::conduct::{ConductCommand, Regime};
use protocol::control::MediaEvent;
use protocol::media::Source;

use super::{Act, CHAIR, Input, OBSERVER, RecorderSays, Stage, seat};

#[derive(Clone, Debug)]
enum Step {
    Arrive(u64),
    Resume(u64),
    Drop(u64),
    Command(u64, Command),
    Track(u64, Source, bool),
    Whip(bool),
    Pass(u64),
    DiskFull(bool),
    Restart,
    NodeReady,
    Expel(u64),
}

fn any_command() -> impl Strategy<Value = Command> {
    let who = || (CHAIR..=OBSERVER).prop_map(seat);
    prop_oneof![
        Just(Command::Leave),
        Just(Command::MuteAll),
        Just(Command::Thank),
        Just(Command::StartRecording),
        Just(Command::StopRecording),
        any_regime().prop_map(|regime| Command::Conduct(ConductCommand::Regime { regime })),
        proptest::option::of(who())
            .prop_map(|participant| { Command::Conduct(ConductCommand::Prepare { participant }) }),
        Just(Command::SendMessage { text: "x".into() }),
        any::<bool>().prop_map(|raised| Command::RaiseHand { raised }),
        any::<bool>().prop_map(|muted| Command::MuteSelf { muted }),
        (who(), any::<bool>())
            .prop_map(|(participant, muted)| Command::Mute { participant, muted }),
        who().prop_map(|participant| Command::Invite { participant }),
        who().prop_map(|participant| Command::Invite { participant }),
        who().prop_map(|participant| Command::LowerHand { participant }),
        who().prop_map(|participant| Command::Remove { participant }),
        (proptest::option::of(who()), any::<bool>()).prop_map(|(participant, screen)| {
            let source = if screen { Source::Screen } else { Source::Camera };
            Command::SetMainPicture { participant, source }
        }),
    ]
}

fn any_regime() -> impl Strategy<Value = Regime> {
    prop_oneof![Just(Regime::Discussion), Just(Regime::Conducted), Just(Regime::Lecture)]
}

fn any_step() -> impl Strategy<Value = Step> {
    let who = || CHAIR..=OBSERVER;
    let source = prop_oneof![Just(Source::Camera), Just(Source::Screen), Just(Source::Microphone)];
    prop_oneof![
        4 => who().prop_map(Step::Arrive),
        1 => who().prop_map(Step::Resume),
        2 => who().prop_map(Step::Drop),
        8 => (who(), any_command()).prop_map(|(n, command)| Step::Command(n, command)),
        2 => (who(), source, any::<bool>()).prop_map(|(n, source, on)| Step::Track(n, source, on)),
        1 => any::<bool>().prop_map(Step::Whip),
        3 => prop_oneof![Just(10_u64), Just(1_000), Just(6_000), Just(31_000)].prop_map(Step::Pass),
        1 => any::<bool>().prop_map(Step::DiskFull),
        1 => Just(Step::Restart),
        1 => Just(Step::NodeReady),
        1 => who().prop_map(Step::Expel),
    ]
}

fn play(stage: &mut Stage, steps: Vec<Step>) {
    stage.put(Input::Recorder(RecorderSays::Ready));
    for (index, step) in steps.into_iter().enumerate() {
        // Every connection has a number of its own; the newest of a seat speaks for it.
        let connection = 100 + index as u64;
        let speaks = |stage: &Stage, n: u64| stage.room.observed.by_seat.get(&seat(n)).copied();
        match step {
            Step::Arrive(n) => stage.arrive_on(connection, n, None),
            Step::Resume(n) => stage.arrive_on(connection, n, Some(stage.state().seq)),
            Step::Drop(n) => {
                if let Some(connection) = speaks(stage, n) {
                    stage.put(Input::Disconnect(connection));
                }
            }
            Step::Command(n, command) => {
                if let Some(connection) = speaks(stage, n) {
                    // Refusals are part of the script.
                    let _ = stage.command(connection, command);
                }
            }
            Step::Track(n, source, on) => stage.track(&seat(n).to_string(), source, on),
            Step::Whip(on) => stage.track("codec-1", Source::Camera, on),
            Step::Pass(ms) => stage.pass(ms),
            Step::DiskFull(full) => stage.disk_full = full,
            Step::Restart => {
                stage.restart();
                stage.put(Input::Recorder(RecorderSays::Ready));
            }
            Step::NodeReady => stage.put(Input::Media(Box::new(MediaEvent::Ready))),
            Step::Expel(n) => stage.put(Input::Office(index as u64, Act::Expel(seat(n)))),
        }
        if !stage.log.is_empty() {
            stage.check_law();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_room_is_the_fold_of_its_facts(
        steps in proptest::collection::vec(any_step(), 1..60),
    ) {
        let mut stage = Stage::open();
        play(&mut stage, steps);
        stage.disk_full = false;
        // In the end the log says what is observed.
        stage.pass(40_000);
        stage.check_law();
        for n in CHAIR..=OBSERVER {
            let here = stage.room.observed.by_seat.contains_key(&seat(n));
            let logged = stage.state().roster.get(seat(n)).is_some_and(|it| it.connected);
            prop_assert_eq!(here, logged, "seat {}", n);
        }
    }
}
