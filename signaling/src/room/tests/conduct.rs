//! Regimes, delegates at the microphone of their site, time limits.

use protocol::client::Command;
use protocol::conduct::{ConductCommand, Regime, TimeLimit};
use protocol::error::ErrorCode;
use protocol::id::SiteId;
use protocol::media::Source;

use super::{CHAIR, DELEGATE, DESK, OTHER, SITE, Stage, invite, seat};
use crate::room::Input;

fn regime(regime: Regime) -> Command {
    Command::Conduct(ConductCommand::Regime { regime })
}

impl Stage {
    /// Whom the media node lets through.
    fn heard(&self) -> Vec<u64> {
        let grants = crate::room::media::wanted(self.state(), "demo").grants;
        let audible =
            |n: &u64| grants.iter().any(|it| it.audio && it.publisher == seat(*n).to_string());
        [CHAIR, DESK, SITE, OTHER].into_iter().filter(audible).collect()
    }

    /// A delegate of a site.
    fn delegate_of(&mut self, n: u64, site: u64) {
        let row = crate::db::seats::SeatRow {
            participant: seat(n),
            meeting: super::meeting(),
            role: protocol::role::RoomRole::Delegate,
            name: "Nguyễn Văn An".into(),
            site: Some(SiteId::from_parts(site, 0)),
            account: None,
            link: None,
            delegate: None,
            watcher: None,
        };
        let given_at = protocol::time::Timestamp(0);
        let seat = Box::new(row);
        self.put(Input::Connect { connection: n, seat, given_at, resume_after: None });
    }
}

#[test]
fn the_three_regimes_decide_who_is_heard_at_the_node() {
    let mut stage = Stage::open();
    for n in [CHAIR, DESK, SITE] {
        stage.arrive(n);
    }
    assert_eq!(stage.heard(), [CHAIR]);
    assert_eq!(stage.command(SITE, regime(Regime::Discussion)), Err(ErrorCode::Forbidden));
    stage.command(DESK, regime(Regime::Discussion)).unwrap();
    stage.arrive(OTHER);
    assert_eq!(stage.heard(), [CHAIR, DESK, SITE, OTHER], "all may, newcomers too");
    let closed = |stage: &Stage, n| stage.state().roster.get(seat(n)).unwrap().self_muted;
    assert!(closed(&stage, SITE) && closed(&stage, OTHER), "and nobody is heard by surprise");
    stage.command(CHAIR, invite(SITE)).unwrap();
    stage.command(CHAIR, Command::Thank).unwrap();
    assert_eq!(stage.heard(), [CHAIR, DESK, SITE, OTHER]);
    stage.command(CHAIR, invite(SITE)).unwrap();
    stage.command(CHAIR, regime(Regime::Conducted)).unwrap();
    assert_eq!(stage.heard(), [CHAIR, SITE], "who holds the floor goes on");
    stage.command(CHAIR, regime(Regime::Lecture)).unwrap();
    assert_eq!((stage.heard(), stage.holder()), (vec![CHAIR], None));
    let closed = Err(ErrorCode::FloorClosed);
    assert_eq!(stage.command(CHAIR, invite(SITE)), closed);
    assert_eq!(
        stage.command(DESK, Command::Mute { participant: seat(SITE), muted: false }),
        closed
    );
    assert_eq!(stage.command(SITE, Command::RaiseHand { raised: true }), closed);
    stage.check_law();
    stage.restart();
    assert_eq!(stage.state().conduct.regime, Regime::Lecture, "a restart changes nothing");
}

#[test]
fn a_delegate_is_invited_to_the_microphone_of_its_site() {
    let mut stage = Stage::open();
    stage.arrive(CHAIR);
    stage.delegate_of(DELEGATE, SITE);
    stage.command(DELEGATE, Command::RaiseHand { raised: true }).unwrap();
    assert_eq!(
        stage.command(CHAIR, invite(DELEGATE)),
        Err(ErrorCode::NotInRoom),
        "the site is away"
    );
    stage.arrive(SITE);
    let prepare = ConductCommand::Prepare { participant: Some(seat(DELEGATE)) };
    stage.command(CHAIR, Command::Conduct(prepare)).unwrap();
    stage.command(CHAIR, invite(DELEGATE)).unwrap();
    let holder = stage.state().floor.holder().cloned().unwrap();
    assert_eq!((holder.participant, holder.speaker), (seat(SITE), Some(seat(DELEGATE))));
    assert!(stage.state().floor.queue().is_empty());
    assert_eq!(stage.heard(), [CHAIR, SITE]);
    assert_eq!(stage.state().main.participant, Some(seat(SITE)));
    stage.track(&seat(DELEGATE).to_string(), Source::Microphone, true);
    assert!(stage.state().roster.get(seat(DELEGATE)).unwrap().sources.is_empty());
    stage.delegate_of(DELEGATE + 1, SITE);
    stage.command(CHAIR, invite(DELEGATE + 1)).unwrap();
    assert_eq!(stage.state().floor.holder().unwrap().speaker, Some(seat(DELEGATE + 1)));
    assert_eq!(stage.heard(), [CHAIR, SITE]);
    stage.command(CHAIR, Command::Thank).unwrap();
    assert_eq!(stage.heard(), [CHAIR]);
    stage.check_law();
}

#[test]
fn a_time_limit_is_sane_or_refused() {
    let mut stage = Stage::open();
    stage.arrive(CHAIR);
    let limit = |seconds, grace_seconds| {
        let limit = Some(TimeLimit { seconds, grace_seconds });
        Command::Conduct(ConductCommand::Limit { limit })
    };
    for (seconds, grace) in [(0, 0), (7_201, 0), (60, 7_201)] {
        assert_eq!(stage.command(CHAIR, limit(seconds, grace)), Err(ErrorCode::InvalidInput));
    }
    stage.command(CHAIR, limit(300, 30)).unwrap();
    assert_eq!(stage.state().conduct.limit.unwrap().seconds, 300);
}
