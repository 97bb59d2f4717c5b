//! Those who asked to speak before the meeting opened.

use protocol::client::Command;
use protocol::conduct::{ConductFact, Registered};
use protocol::error::ErrorCode;
use protocol::fact::Fact;
use protocol::id::SiteId;
use protocol::role::RoomRole;
use protocol::time::Timestamp;

use super::{CHAIR, DELEGATE, OTHER, SITE, Stage, invite, meeting, role, seat};
use crate::db::seats::SeatRow;
use crate::room::{Ahead, Now, Room};

fn ahead(n: u64, subject: &str) -> Ahead {
    let name = format!("Điểm cầu {n}");
    let site = (role(n) == RoomRole::Site).then(|| SiteId::from_parts(n, 0));
    let (account, link, delegate, watcher) = (None, None, None, None);
    let row = SeatRow {
        participant: seat(n),
        meeting: meeting(),
        role: role(n),
        name,
        site,
        account,
        link,
        delegate,
        watcher,
    };
    Ahead { seat: row, subject: subject.to_owned(), asked_at: Timestamp(i64::from(n == SITE)) }
}

fn opened(ahead: Vec<Ahead>) -> Stage {
    let now = Now { at: Timestamp(5), tick: 0, entropy: 0 };
    Stage::with(Room::open(meeting(), "demo", "e1", "Giao ban", ahead, now), Vec::new(), 0)
}

#[test]
fn the_queue_begins_with_those_who_asked_before_and_a_hand_comes_after_them() {
    let mut stage = opened(vec![ahead(OTHER, "Thủy lợi"), ahead(SITE, "")]);
    assert_eq!(stage.state().floor.queue(), [seat(OTHER), seat(SITE)]);
    assert!(stage.facts().contains(&&Fact::Conduct(ConductFact::Registered(Registered {
        participant: seat(OTHER),
        subject: "Thủy lợi".into(),
        asked_at: Timestamp(0),
    }))));
    stage.arrive(CHAIR);
    assert_eq!(stage.command(CHAIR, invite(OTHER)), Err(ErrorCode::NotInRoom), "it has not come");
    stage.arrive(7);
    stage.command(7, Command::RaiseHand { raised: true }).unwrap();
    stage.arrive(SITE);
    stage.arrive(OTHER);
    assert_eq!(stage.state().floor.queue(), [seat(OTHER), seat(SITE), seat(7)]);
    let seated = stage
        .facts()
        .into_iter()
        .filter(|it| matches!(it, Fact::Seated { participant, .. } if *participant == seat(OTHER)));
    assert_eq!(seated.count(), 1, "coming tells nothing that is not known");
    stage.command(CHAIR, invite(OTHER)).unwrap();
    let left: Vec<_> = stage.state().floor.registered().iter().map(|it| it.participant).collect();
    assert_eq!(left, [seat(SITE)]);
    stage.command(SITE, Command::RaiseHand { raised: false }).unwrap();
    assert_eq!(stage.state().snapshot(seat(CHAIR)).registered, []);
}

#[test]
fn a_restart_keeps_the_queue_and_its_subjects() {
    let mut stage = opened(vec![ahead(SITE, "Phòng, chống bão")]);
    stage.restart();
    assert_eq!(stage.state().floor.queue(), [seat(SITE)]);
    assert_eq!(stage.state().floor.registered()[0].subject, "Phòng, chống bão");
}

#[test]
fn whoever_asked_and_never_came_has_no_vote() {
    let mut stage = opened(vec![ahead(DELEGATE, "")]);
    stage.arrive(CHAIR);
    let came = |stage: &Stage| stage.state().roster.get(seat(DELEGATE)).unwrap().came;
    assert!(!came(&stage));
    assert_eq!(stage.electors(), 0);
    stage.arrive(DELEGATE);
    assert!(came(&stage));
    assert_eq!(stage.electors(), 1);
}

impl Stage {
    /// Delegates who may vote now.
    fn electors(&self) -> usize {
        crate::room::vote::electors(&self.state().roster, protocol::vote::VoteMethod::Delegates)
            .len()
    }
}
