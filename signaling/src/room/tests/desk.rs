//! The law of notes: their text reaches who wrote them, whom they are for and who runs the meeting, and nobody else.

use proptest::prelude::*;
use protocol::client::{ClientMessage, Command, ServerMessage, TEXT_CHARS_MAX};
use protocol::desk::{BANNER_CHARS_MAX, DeskCommand, DeskFact};
use protocol::error::ErrorCode;
use protocol::fact::Fact;

use super::{CHAIR, DELEGATE, DESK, OBSERVER, OTHER, SECRETARY, SITE, Stage, seat};

fn note(to: Option<u64>, text: &str) -> Command {
    Command::Desk(DeskCommand::Note { to: to.map(seat), text: text.into() })
}

fn announce(text: &str) -> Command {
    Command::Desk(DeskCommand::Announce { text: text.into() })
}

fn full() -> Stage {
    let mut stage = Stage::open();
    for n in [CHAIR, DESK, SECRETARY, SITE, OTHER, OBSERVER, DELEGATE] {
        stage.arrive(n);
    }
    stage
}

/// The texts of notes that a connection was told, in facts and snapshots; the numbers of facts, in order.
fn told(stage: &Stage, connection: u64) -> (Vec<String>, Vec<u64>) {
    let (mut texts, mut seqs) = (Vec::new(), Vec::new());
    for (_, message) in stage.sent.iter().filter(|(to, _)| *to == connection || *to == 0) {
        match message {
            ServerMessage::Fact(record) => {
                seqs.push(record.seq);
                if let Fact::Desk(DeskFact::Noted { text, .. }) = &record.fact {
                    texts.push(text.clone());
                }
            }
            // What is told in short has its numbers by where it stands.
            ServerMessage::Came { .. } => {
                let next = seqs.last().map(|last| last + 1);
                seqs.extend(next.into_iter().flat_map(|next| [next, next + 1]));
            }
            ServerMessage::Sends { .. } => seqs.extend(seqs.last().map(|last| last + 1)),
            ServerMessage::Welcome { snapshot: Some(room), .. } => {
                texts.extend(room.desk.notes.iter().map(|it| it.text.clone()));
            }
            _ => {}
        }
    }
    texts.retain(|it| !it.is_empty());
    (texts, seqs)
}

#[test]
fn a_note_is_read_by_its_site_and_those_who_run_the_meeting_alone() {
    let mut stage = full();
    stage.command(SITE, note(None, "Micro bị rè")).unwrap();
    stage.command(DESK, note(Some(SITE), "Đang xử lý")).unwrap();
    let both = vec!["Micro bị rè".to_owned(), "Đang xử lý".to_owned()];
    for n in [CHAIR, DESK, SECRETARY, SITE] {
        assert_eq!(told(&stage, n).0, both, "{n}");
    }
    for n in [OTHER, OBSERVER, DELEGATE] {
        assert!(told(&stage, n).0.is_empty(), "{n} reads what is not for it");
        let (_, seqs) = told(&stage, n);
        assert!(seqs.windows(2).all(|it| it[1] == it[0] + 1), "and still misses no number");
    }
    // Nor by coming again, with a snapshot or from a number.
    stage.sent.clear();
    stage.arrive_on(50, OTHER, None);
    stage.arrive_on(51, OTHER, Some(1));
    assert!(told(&stage, 50).0.is_empty() && told(&stage, 51).0.is_empty());
    stage.arrive_on(52, SITE, None);
    assert_eq!(told(&stage, 52).0, both);
    stage.check_law();
}

#[test]
fn what_a_lower_role_may_not_say_is_refused() {
    let mut stage = full();
    let forbidden = Err(ErrorCode::Forbidden);
    for n in [SITE, SECRETARY, OBSERVER, DELEGATE] {
        assert_eq!(stage.command(n, note(Some(OTHER), "x")), forbidden);
        assert_eq!(stage.command(n, announce("x")), forbidden);
        let open = Command::Desk(DeskCommand::SetChat { open: false });
        assert_eq!(stage.command(n, open), forbidden);
    }
    assert_eq!(stage.command(OBSERVER, note(None, "x")), forbidden);
    assert_eq!(stage.command(DESK, note(Some(99), "x")), Err(ErrorCode::NotInRoom));
    assert_eq!(stage.command(DESK, note(Some(DESK), "x")), Err(ErrorCode::NotInRoom));
    assert_eq!(stage.command(SITE, note(None, "  ")), Err(ErrorCode::InvalidInput));
    let long = "x".repeat(TEXT_CHARS_MAX + 1);
    assert_eq!(stage.command(SITE, note(None, &long)), Err(ErrorCode::TooLarge));
    let long = "x".repeat(BANNER_CHARS_MAX + 1);
    assert_eq!(stage.command(DESK, announce(&long)), Err(ErrorCode::TooLarge));
}

#[test]
fn words_for_every_screen_are_there_for_who_comes_late() {
    let mut stage = full();
    stage.command(DESK, announce(" Hội nghị bắt đầu lúc 8 giờ ")).unwrap();
    stage.command(DESK, announce("Hội nghị bắt đầu lúc 8 giờ")).unwrap();
    assert_eq!(stage.state().desk.view(None).banner, "Hội nghị bắt đầu lúc 8 giờ");
    let said = |it: &&Fact| matches!(it, Fact::Desk(DeskFact::Announced { .. }));
    assert_eq!(stage.facts().into_iter().filter(said).count(), 1, "said once");
    stage.restart();
    assert_eq!(stage.state().desk.view(None).banner, "Hội nghị bắt đầu lúc 8 giờ");
    stage.arrive(DESK);
    stage.command(DESK, announce("")).unwrap();
    assert_eq!(stage.state().desk.view(None).banner, "");
}

#[test]
fn with_the_chat_closed_sites_reach_the_desk_only() {
    let mut stage = full();
    let write = || Command::SendMessage { text: "x".into() };
    stage.command(DESK, Command::Desk(DeskCommand::SetChat { open: false })).unwrap();
    for (n, code) in [(SITE, ErrorCode::ChatClosed), (DELEGATE, ErrorCode::Forbidden)] {
        assert_eq!(stage.command(n, write()), Err(code));
        stage.command(n, note(None, "x")).unwrap();
    }
    for n in [CHAIR, DESK, SECRETARY] {
        stage.command(n, write()).unwrap();
    }
    stage.command(CHAIR, Command::Desk(DeskCommand::SetChat { open: true })).unwrap();
    stage.command(SITE, write()).unwrap();
    assert_eq!(stage.command(DELEGATE, write()), Err(ErrorCode::Forbidden), "its page has no chat");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn nobody_ever_reads_a_note_between_others(
        script in proptest::collection::vec((1_u64..=6, proptest::option::of(1_u64..=6), any::<bool>()), 1..40),
    ) {
        let mut stage = full();
        let mut may_read: Vec<(String, Vec<u64>)> = Vec::new();
        for (index, (by, to, comes_again)) in script.into_iter().enumerate() {
            let text = format!("note {index}");
            if stage.command(by, note(to, &text)).is_ok() {
                let mut readers = vec![CHAIR, DESK, SECRETARY, by];
                readers.extend(to);
                may_read.push((text, readers));
            }
            if comes_again {
                // Whoever comes again speaks on the same connection.
                stage.put(super::Input::Disconnect(by));
                stage.arrive(by);
            }
            stage.say(by, ClientMessage::Ping);
        }
        for n in CHAIR..=OBSERVER {
            for text in told(&stage, n).0 {
                let of = may_read.iter().find(|(it, _)| *it == text).unwrap();
                prop_assert!(of.1.contains(&n), "{} reads {:?}", n, of);
            }
        }
        stage.check_law();
    }
}
