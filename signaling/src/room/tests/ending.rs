//! How a meeting ends while somebody speaks.

use super::*;

fn spoke(stage: &mut Stage, ms: u64) {
    let from = Timestamp(1_000);
    let spoke =
        MediaEvent::Spoke { room: "demo".to_owned(), publisher: seat(SITE).to_string(), from, ms };
    stage.put(Input::Media(Box::new(spoke)));
}

fn speaking() -> Stage {
    let mut stage = Stage::open();
    stage.arrive(CHAIR);
    stage.arrive(SITE);
    stage.track(&seat(SITE).to_string(), Source::Microphone, true);
    stage.say(
        CHAIR,
        ClientMessage::Command { id: CommandId::from_parts(7, 7), command: Command::End },
    );
    assert!(stage.media.contains(&MediaCommand::FlushSpeech { room: "demo".to_owned() }));
    assert_eq!(stage.count(&Fact::Ended), 0, "the last words are not told yet");
    stage
}

#[test]
fn the_last_words_are_in_the_log_before_the_end() {
    let mut stage = speaking();
    spoke(&mut stage, 4_000);
    let flushed = MediaEvent::SpeechFlushed { room: "demo".to_owned() };
    stage.put(Input::Media(Box::new(flushed)));
    let last: Vec<_> = stage.facts().into_iter().rev().take(2).rev().cloned().collect();
    let spoke = Fact::Spoke { participant: seat(SITE), from: Timestamp(1_000), ms: 4_000 };
    assert_eq!(last, [spoke, Fact::Ended]);
    let done = ServerMessage::Done { id: CommandId::from_parts(7, 7) };
    assert!(stage.sent.contains(&(CHAIR, done)));
}

#[test]
fn a_media_node_that_does_not_answer_holds_up_no_end() {
    let mut stage = speaking();
    stage.put(Input::Office(3, Act::End));
    stage.pass(499);
    assert_eq!(stage.count(&Fact::Ended), 0);
    stage.pass(1);
    assert_eq!(stage.count(&Fact::Ended), 1, "for both who asked, once");
    stage.check_law();
}
