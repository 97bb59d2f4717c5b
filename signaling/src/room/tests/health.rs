//! Signs and checks: told to those who run the meeting alone, once a second, and never a right.

use protocol::client::{ClientMessage, Command, ServerMessage};
use protocol::desk::{DeskCommand, DeskFact};
use protocol::error::ErrorCode;
use protocol::fact::Fact;
use protocol::health::{CameraSign, LEVEL_MAX, MicrophoneSign, SelfCheck, Signs, SiteHealth};
use protocol::id::SiteId;

use super::{Act, CHAIR, DESK, Input, OBSERVER, OTHER, SECRETARY, SITE, Stage, seat};

fn signs(camera: CameraSign, level: u8) -> Signs {
    Signs { camera, microphone: MicrophoneSign::Live, level }
}

fn full() -> Stage {
    let mut stage = Stage::open();
    for n in [CHAIR, DESK, SECRETARY, SITE, OTHER, OBSERVER] {
        stage.arrive(n);
    }
    stage
}

/// What a connection was told of the sites' health, message by message.
fn health(stage: &Stage, connection: u64) -> Vec<Vec<SiteHealth>> {
    let told = stage.sent.iter().filter(|(to, _)| *to == connection || *to == 0);
    told.filter_map(|(_, message)| match message {
        ServerMessage::Health { sites } => Some(sites.clone()),
        _ => None,
    })
    .collect()
}

#[test]
fn what_a_site_says_of_itself_is_told_once_a_second_to_those_who_run_the_meeting() {
    let mut stage = full();
    let facts = stage.log.len();
    for level in 0..5 {
        stage.say(SITE, ClientMessage::Signs(signs(CameraSign::Black, level)));
        stage.say(OTHER, ClientMessage::Signs(signs(CameraSign::Live, 200)));
    }
    assert!(health(&stage, DESK).is_empty(), "not at every word");
    stage.pass(1_000);
    for n in [CHAIR, DESK, SECRETARY] {
        let told = health(&stage, n);
        assert_eq!(told.len(), 1, "{n}");
        let of = |n| told[0].iter().find(|it| it.participant == seat(n)).and_then(|it| it.signs);
        assert_eq!(of(SITE), Some(signs(CameraSign::Black, 4)));
        assert_eq!(of(OTHER), Some(signs(CameraSign::Live, LEVEL_MAX)));
    }
    for n in [SITE, OTHER, OBSERVER] {
        assert!(health(&stage, n).is_empty(), "{n} is told what is not for it");
    }
    stage.say(SITE, ClientMessage::Signs(signs(CameraSign::Black, 4)));
    stage.say(OBSERVER, ClientMessage::Signs(signs(CameraSign::Black, 4)));
    stage.pass(5_000);
    assert_eq!(health(&stage, DESK).len(), 1, "the same again is no news");
    assert_eq!(stage.log.len(), facts, "and nothing of it is a fact");
}

#[test]
fn a_site_is_asked_to_check_itself_and_only_its_own_answer_to_a_question_counts() {
    let mut stage = full();
    let again = |n| Command::Desk(DeskCommand::CheckAgain { participant: seat(n) });
    let found = SelfCheck {
        signs: signs(CameraSign::Live, 3),
        sound_plays: true,
        media_connected: true,
        lost_permille: 5_000,
        rtt_ms: 30,
    };
    stage.say(SITE, ClientMessage::Checked(found));
    assert_eq!(stage.command(SITE, again(OTHER)), Err(ErrorCode::Forbidden));
    assert_eq!(stage.command(DESK, again(OBSERVER)), Err(ErrorCode::Forbidden));
    assert_eq!(stage.command(DESK, again(77)), Err(ErrorCode::NotInRoom));
    stage.command(DESK, again(SITE)).unwrap();
    let asked: Vec<_> = stage
        .sent
        .iter()
        .filter(|(_, it)| matches!(it, ServerMessage::CheckAsked))
        .map(|(to, _)| *to)
        .collect();
    assert_eq!(asked, [SITE], "nobody else is asked");
    stage.pass(1_000);
    let check = |stage: &Stage| health(stage, DESK).last().unwrap()[0].check.unwrap();
    assert_eq!(check(&stage).found, None, "an answer that nobody asked for was dropped");
    stage.say(SITE, ClientMessage::Checked(found));
    stage.say(SITE, ClientMessage::Checked(SelfCheck { rtt_ms: 9, ..found }));
    stage.pass(1_000);
    assert_eq!(check(&stage).found, Some(SelfCheck { lost_permille: 1_000, ..found }));
    stage.put(Input::Disconnect(SITE));
    stage.pass(60_000);
    assert_eq!(health(&stage, DESK).last().unwrap()[0].signs, None, "who is gone shows no signs");
}

#[test]
fn a_call_is_a_fact_and_sites_are_not_told_who_was_called() {
    let mut stage = full();
    let sites = vec![SiteId::from_parts(1, 1), SiteId::from_parts(1, 2)];
    let call = |by| Act::Call { by: seat(by), sites: sites.clone(), reached: 1 };
    stage.put(Input::Office(1, call(DESK)));
    stage.put(Input::Office(2, call(SITE)));
    assert_eq!(stage.answers, [(1, Ok(())), (2, Err(ErrorCode::Forbidden))]);
    let fact = Fact::Desk(DeskFact::Called { sites: sites.clone(), reached: 1 });
    assert_eq!(stage.count(&fact), 1);
    let told = |n: u64| {
        let mut facts = stage.sent.iter().filter(|(to, _)| *to == n);
        facts.find_map(|(_, it)| match it {
            ServerMessage::Fact(record) => match &record.fact {
                Fact::Desk(DeskFact::Called { sites, reached }) => {
                    Some((sites.len(), *reached, record.by))
                }
                _ => None,
            },
            _ => None,
        })
    };
    assert_eq!(told(SECRETARY), Some((2, 1, Some(seat(DESK)))));
    assert_eq!(told(SITE), Some((0, 0, None)));
}
