//! The agenda in motion.

use protocol::agenda::{AgendaCommand, AgendaItem, CONCLUSION_CHARS_MAX};
use protocol::client::Command;
use protocol::error::ErrorCode;
use protocol::id::SiteId;

use super::{CHAIR, DESK, OTHER, SECRETARY, SITE, Stage, invite, seat};
use crate::room::Input;

fn item(title: &str, minutes: u32, site: Option<u64>) -> AgendaItem {
    let site = site.map(|it| SiteId::from_parts(it, 0));
    AgendaItem { title: title.into(), minutes, site, regime: None, scene: None, paper: None }
}

fn begin(index: u32) -> Command {
    Command::Agenda(AgendaCommand::Begin { index })
}

#[test]
fn beginning_an_item_moves_floor_picture_and_clock_in_one_act() {
    let mut stage = Stage::open();
    for n in [CHAIR, DESK, SITE, OTHER] {
        stage.arrive(n);
    }
    let items = vec![
        item("Khai mạc", 10, None),
        item("Tham luận", 15, Some(SITE)),
        item("Kết luận", 5, None),
    ];
    let set = |items: Vec<AgendaItem>| Command::Agenda(AgendaCommand::Set { items });
    assert_eq!(stage.command(SITE, set(items.clone())), Err(ErrorCode::Forbidden));
    assert_eq!(stage.command(CHAIR, set(vec![item(" ", 1, None)])), Err(ErrorCode::InvalidInput));
    assert_eq!(
        stage.command(CHAIR, set(vec![item("x", 1_441, None)])),
        Err(ErrorCode::InvalidInput)
    );
    stage.command(CHAIR, set(items)).unwrap();
    assert_eq!(stage.command(CHAIR, begin(3)), Err(ErrorCode::NotInRoom));
    stage.command(CHAIR, invite(OTHER)).unwrap();
    stage.command(CHAIR, begin(0)).unwrap();
    assert_eq!((stage.holder(), stage.state().main.participant), (None, None));
    stage.pass(600_000);
    stage.command(CHAIR, begin(1)).unwrap();
    assert_eq!(
        (stage.holder(), stage.state().main.participant),
        (Some(seat(SITE)), Some(seat(SITE)))
    );
    let n = stage.log.len();
    stage.command(DESK, begin(1)).unwrap();
    assert_eq!(stage.log.len(), n, "the desk pressed it in the same instant: it is done once");
    let agenda = stage.state().agenda.clone();
    assert_eq!(
        (agenda.current, agenda.since.unwrap().0 - agenda.began_at.unwrap().0),
        (Some(1), 600_000)
    );
    stage.command(DESK, begin(2)).unwrap();
    assert_eq!((stage.holder(), stage.state().main.participant), (None, None));
    // A presenter who is away does not stop it.
    stage.put(Input::Disconnect(SITE));
    stage.pass(6_000);
    stage.command(CHAIR, begin(1)).unwrap();
    assert_eq!((stage.state().agenda.current, stage.holder()), (Some(1), None));
    stage.check_law();
}

#[test]
fn chair_and_secretary_conclude_and_the_last_words_count() {
    let mut stage = Stage::open();
    for n in [CHAIR, DESK, SECRETARY, SITE] {
        stage.arrive(n);
    }
    let items = vec![item("Khai mạc", 10, None), item("Tham luận", 15, None)];
    stage.command(CHAIR, Command::Agenda(AgendaCommand::Set { items })).unwrap();
    let conclude = |index, text: &str| {
        Command::Agenda(AgendaCommand::Conclude { index, text: text.to_owned() })
    };
    for refused in [SITE, DESK] {
        assert_eq!(stage.command(refused, conclude(Some(1), "x")), Err(ErrorCode::Forbidden));
    }
    let long = "ả".repeat(CONCLUSION_CHARS_MAX + 1);
    for (index, text) in [(Some(2), "x"), (Some(1), long.as_str())] {
        assert_eq!(stage.command(CHAIR, conclude(index, text)), Err(ErrorCode::InvalidInput));
    }
    stage.command(CHAIR, conclude(Some(1), " Giao các xã. ")).unwrap();
    stage.command(SECRETARY, conclude(Some(1), "Giao các xã, phường.")).unwrap();
    stage.command(SECRETARY, conclude(None, "Hội nghị thống nhất.")).unwrap();
    let n = stage.log.len();
    stage.command(CHAIR, conclude(None, "Hội nghị thống nhất.")).unwrap();
    assert_eq!(stage.log.len(), n, "the same words are no new fact");
    // The agenda is set anew without the item: what was concluded on it stays.
    let items = vec![item("Khai mạc", 10, None)];
    stage.command(CHAIR, Command::Agenda(AgendaCommand::Set { items })).unwrap();
    let said = |stage: &Stage| {
        let conclusions = &stage.state().agenda.conclusions;
        conclusions.iter().map(|it| (it.title.clone(), it.text.clone())).collect::<Vec<_>>()
    };
    let kept = ("Tham luận".to_owned(), "Giao các xã, phường.".to_owned());
    assert_eq!(said(&stage), [kept.clone(), (String::new(), "Hội nghị thống nhất.".to_owned())]);
    stage.command(CHAIR, conclude(None, "")).unwrap();
    assert_eq!(said(&stage), [kept]);
    stage.check_law();
}
