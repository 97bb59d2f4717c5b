//! Lives of recordings as transcripts.

use proptest::prelude::*;
use protocol::id::{MeetingId, RecordingId};

use super::*;

fn recording() -> RecordingId {
    RecordingId::from_parts(1, 1)
}

fn manifest() -> Manifest {
    Manifest::begin(recording(), MeetingId::from_parts(1, 2), "Giao ban".into(), Timestamp(0))
}

/// What came out, in short words.
fn drain(session: &mut Session) -> Vec<String> {
    std::iter::from_fn(|| session.poll_output())
        .map(|output| match output {
            Output::Open { part } => format!("open {part}"),
            Output::Journal(line) => format!("journal {}", line.at.0),
            Output::Close(_) => "close".into(),
            Output::Save(manifest) => format!("save {:?}", manifest.state),
            Output::Compose => "compose".into(),
            Output::Event(RecorderEvent::Recording { bytes, ms, .. }) => {
                format!("recording {bytes} {ms}")
            }
            Output::Event(RecorderEvent::Composing { permille, .. }) => {
                format!("composing {permille}")
            }
            Output::Event(RecorderEvent::Composed { ms, .. }) => format!("composed {ms}"),
            Output::Event(RecorderEvent::Failed { code, .. }) => format!("failed {code:?}"),
            Output::Event(
                RecorderEvent::Ready { .. }
                | RecorderEvent::Rendered { .. }
                | RecorderEvent::Destroyed { .. },
            ) => "not of one recording".into(),
        })
        .collect()
}

fn play(session: &mut Session, inputs: Vec<Input>) -> Vec<String> {
    let mut said = Vec::new();
    for (n, input) in inputs.into_iter().enumerate() {
        session.handle_input(input, Timestamp(n as i64));
        said.extend(drain(session));
    }
    said
}

fn written(last_us: i64) -> Input {
    Input::Written(Report::Written { recording: recording(), bytes: 100, last_us })
}

fn closed() -> Input {
    Input::Written(Report::Closed { recording: recording(), last_us: 9 })
}

fn done() -> Input {
    Input::Job(Job::Done { ms: 7, files: Vec::new(), logs: Vec::new() })
}

#[test]
fn a_recording_is_written_stopped_and_composed() {
    let mut session = Session::begin(manifest());
    let inputs = vec![
        Input::Start,
        written(1_000_000),
        written(2_000_000),
        written(6_000_000),
        Input::Stop,
        closed(),
        Input::Saved(State::Stopped),
        Input::Job(Job::Progress { permille: 500, remaining_ms: 1 }),
        done(),
    ];
    let said = play(&mut session, inputs);
    assert_eq!(
        said,
        [
            "save Recording",
            "open 1",
            "journal 0",
            "recording 100 1000",
            "recording 100 6000",
            "close",
            "save Stopped",
            "composing 0",
            "compose",
            "save Composing",
            "composing 500",
            "save Composed",
            "composed 7",
        ]
    );
}

#[test]
fn a_recording_that_a_crash_interrupted_goes_on_with_a_new_part() {
    let mut session = Session::begin(manifest());
    play(&mut session, vec![Input::Start]);
    let mut session = Session::restore(session.manifest().clone(), 1_000);
    let said = play(&mut session, vec![Input::Start, written(8_000_000)]);
    assert_eq!(said, ["save Recording", "open 2", "journal 0", "recording 1100 8000"]);
    assert_eq!(session.manifest().parts[0].ended_at, None);
}

#[test]
fn a_recording_that_a_crash_interrupted_is_finished_when_it_is_stopped() {
    let mut session = Session::begin(manifest());
    play(&mut session, vec![Input::Start]);
    let mut session = Session::restore(session.manifest().clone(), 0);
    let said = play(&mut session, vec![Input::Stop, Input::Saved(State::Stopped)]);
    assert_eq!(said, ["save Stopped", "composing 0", "compose"]);
}

#[test]
fn a_composition_that_a_crash_interrupted_is_done_again() {
    let mut interrupted = manifest();
    interrupted.state = State::Composing;
    let mut session = Session::restore(interrupted, 0);
    assert_eq!(drain(&mut session), ["composing 0", "compose"]);
}

#[test]
fn a_failed_composition_can_be_tried_again() {
    let mut failed = manifest();
    failed.state = State::Stopped;
    let mut session = Session::restore(failed, 0);
    drain(&mut session);
    let said = play(&mut session, vec![Input::Job(Job::Failed), Input::Compose]);
    assert_eq!(said, ["save Failed", "failed CompositionFailed", "save Stopped"]);
}

#[test]
fn an_order_that_comes_twice_does_nothing_twice() {
    let mut session = Session::begin(manifest());
    play(&mut session, vec![Input::Start]);
    assert!(play(&mut session, vec![Input::Start]).is_empty());
    play(&mut session, vec![Input::Stop]);
    assert!(play(&mut session, vec![Input::Stop]).is_empty());
    play(&mut session, vec![closed(), Input::Saved(State::Stopped)]);
    assert!(play(&mut session, vec![Input::Stop, Input::Compose]).is_empty());
    play(&mut session, vec![done()]);
    assert_eq!(play(&mut session, vec![Input::Stop]), ["composed 7"]);
}

fn any_input() -> impl Strategy<Value = u8> {
    0_u8..8
}

proptest! {
    #[test]
    fn parts_open_and_close_in_turn_and_nothing_is_composed_while_it_is_written(
        script in prop::collection::vec(any_input(), 0..60),
    ) {
        let mut session = Session::begin(manifest());
        let (mut n_open, mut last_saved) = (0_i32, State::Recording);
        for (n, step) in script.into_iter().enumerate() {
            let input = match step {
                0 => Input::Start,
                1 => Input::Stop,
                2 => Input::Compose,
                3 => closed(),
                4 => Input::Saved(last_saved),
                5 => Input::Job(Job::Failed),
                6 => done(),
                _ => written(n as i64 * 1_000_000),
            };
            // The writer only closes what it was told to close.
            if step == 3 && n_open != -1 { continue; }
            session.handle_input(input, Timestamp(n as i64));
            while let Some(output) = session.poll_output() {
                match output {
                    Output::Open { .. } => { prop_assert!(n_open != 1); n_open = 1; }
                    Output::Close(_) => { prop_assert_eq!(n_open, 1); n_open = -1; }
                    Output::Compose => prop_assert!(n_open != 1),
                    Output::Save(manifest) => last_saved = manifest.state,
                    Output::Journal(_) | Output::Event(_) => {}
                }
            }
            let numbers: Vec<u32> = session.manifest().parts.iter().map(|p| p.number).collect();
            let expected: Vec<u32> = (1..).take(numbers.len()).collect();
            prop_assert_eq!(numbers, expected);
        }
    }
}
