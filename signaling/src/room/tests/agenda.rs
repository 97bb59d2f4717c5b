//! The agenda in motion.

use protocol::agenda::{AgendaCommand, AgendaItem};
use protocol::client::Command;
use protocol::error::ErrorCode;
use protocol::id::SiteId;

use super::{CHAIR, DESK, OTHER, SITE, Stage, invite, seat};
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
