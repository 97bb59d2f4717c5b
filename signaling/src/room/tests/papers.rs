//! The law of documents: what is on the screens is one that everyone may read, at a page that it has.

use proptest::prelude::*;
use protocol::agenda::{AgendaCommand, AgendaItem};
use protocol::client::{Command, ServerMessage};
use protocol::conduct::Regime;
use protocol::error::ErrorCode;
use protocol::fact::Fact;
use protocol::id::{PaperId, SceneId, SiteId};
use protocol::paper::{PaperAudience, PaperCommand, PaperEntry, PaperFact};
use protocol::scene::{Scene, SceneAudience, SceneCommand, SceneLayout};
use protocol::time::Timestamp;

use super::{CHAIR, DELEGATE, DESK, OTHER, SECRETARY, SITE, Stage, invite, seat};
use crate::room::{Act, Input};

fn paper(n: u64) -> PaperId {
    PaperId::from_parts(n, 0)
}

fn entry(n: u64, pages: u32) -> PaperEntry {
    PaperEntry {
        paper: paper(n),
        name: format!("Báo cáo {n}"),
        pages,
        audience: PaperAudience::All,
        open_from: None,
        open_until: None,
    }
}

fn show(n: u64, page: u32) -> Command {
    Command::Paper(PaperCommand::Show { paper: paper(n), page })
}

fn turn(page: u32) -> Command {
    Command::Paper(PaperCommand::Turn { page })
}

const END: Command = Command::Paper(PaperCommand::End {});

fn scene(paper: Option<PaperId>) -> Scene {
    Scene {
        name: "Tài liệu".into(),
        layout: SceneLayout::Document,
        places: Vec::new(),
        text: String::new(),
        paper,
        countdown_s: 0,
    }
}

impl Stage {
    fn with_papers(entries: Vec<PaperEntry>) -> Self {
        let mut stage = Self::open();
        for n in [CHAIR, DESK, SECRETARY, SITE, OTHER, DELEGATE] {
            stage.arrive(n);
        }
        stage.put(Input::Office(900, Act::SyncPapers(entries)));
        stage
    }

    fn shown(&self) -> Option<(PaperId, u32)> {
        self.state().papers.view(None).on_air.map(|it| (it.paper, it.page))
    }
}

#[test]
fn a_document_is_shown_and_turned_by_those_who_may() {
    let mut stage = Stage::with_papers(vec![entry(1, 3)]);
    for n in [SITE, DELEGATE] {
        assert_eq!(stage.command(n, show(1, 1)), Err(ErrorCode::Forbidden));
        assert_eq!(stage.command(n, turn(1)), Err(ErrorCode::Forbidden));
        assert_eq!(stage.command(n, END), Err(ErrorCode::Forbidden));
    }
    assert_eq!(stage.command(CHAIR, turn(2)), Err(ErrorCode::PaperNotShown));
    assert_eq!(stage.command(CHAIR, show(2, 1)), Err(ErrorCode::PaperUnknown));
    for page in [0, 4, u32::MAX] {
        assert_eq!(stage.command(CHAIR, show(1, page)), Err(ErrorCode::PaperPageUnknown));
    }
    stage.command(SECRETARY, show(1, 1)).unwrap();
    stage.command(DESK, turn(3)).unwrap();
    assert_eq!(stage.command(CHAIR, turn(4)), Err(ErrorCode::PaperPageUnknown));
    assert_eq!(stage.shown(), Some((paper(1), 3)));
    let n = stage.log.len();
    stage.command(CHAIR, turn(3)).unwrap();
    assert_eq!(stage.log.len(), n, "it is there already");
    stage.command(CHAIR, END).unwrap();
    assert_eq!(stage.shown(), None);
}

#[test]
fn the_site_that_has_the_floor_presents_and_its_document_goes_with_the_floor() {
    let mut stage = Stage::with_papers(vec![entry(1, 9)]);
    stage.command(CHAIR, invite(SITE)).unwrap();
    stage.command(SITE, show(1, 1)).unwrap();
    stage.command(SITE, turn(2)).unwrap();
    assert_eq!(stage.command(OTHER, turn(3)), Err(ErrorCode::Forbidden));
    stage.command(CHAIR, invite(OTHER)).unwrap();
    assert_eq!(stage.shown(), None);
    stage.command(CHAIR, show(1, 5)).unwrap();
    stage.command(OTHER, turn(6)).unwrap();
    stage.command(CHAIR, Command::Thank).unwrap();
    assert_eq!(stage.shown(), Some((paper(1), 6)), "what the chair showed stays");
}

#[test]
fn what_not_everyone_may_read_is_not_shown_and_not_named() {
    let mut leaders = entry(1, 2);
    leaders.audience = PaperAudience::Leaders;
    let mut later = entry(2, 2);
    later.open_from = Some(Timestamp(1_000_000));
    let mut stage = Stage::with_papers(vec![leaders, later]);
    assert_eq!(stage.command(CHAIR, show(1, 1)), Err(ErrorCode::PaperNotForAll));
    assert_eq!(stage.command(CHAIR, show(2, 1)), Err(ErrorCode::PaperNotForAll));
    let names = |stage: &Stage, n: u64| -> Vec<String> {
        let added = stage.sent.iter().filter(|(to, _)| *to == n).filter_map(|(_, it)| match it {
            ServerMessage::Fact(record) => match &record.fact {
                Fact::Paper(PaperFact::Added { entry }) => Some(entry.name.clone()),
                _ => None,
            },
            _ => None,
        });
        added.collect()
    };
    assert!(names(&stage, SECRETARY).contains(&"Báo cáo 1".to_owned()));
    assert!(!names(&stage, SITE).contains(&"Báo cáo 1".to_owned()));
    let of = |n| stage.state().papers.view(stage.state().roster.get(seat(n))).papers.len();
    assert_eq!((of(CHAIR), of(SECRETARY), of(DESK), of(SITE)), (2, 2, 1, 1));
    stage.tick = 1_000_000;
    stage.command(CHAIR, show(2, 1)).unwrap();
}

#[test]
fn a_removed_document_leaves_the_screens() {
    let mut stage = Stage::with_papers(vec![entry(1, 3), entry(2, 3)]);
    stage.command(CHAIR, show(1, 2)).unwrap();
    stage.put(Input::Office(901, Act::SyncPapers(vec![entry(2, 3)])));
    assert_eq!(stage.shown(), None);
    assert_eq!(stage.command(CHAIR, show(1, 1)), Err(ErrorCode::PaperUnknown));
    let n = stage.log.len();
    stage.put(Input::Office(902, Act::SyncPapers(vec![entry(2, 3)])));
    assert_eq!(stage.log.len(), n, "said again, nothing happens");
}

#[test]
fn a_scene_brings_its_document_and_another_takes_it_away() {
    let mut stage = Stage::with_papers(vec![entry(1, 3)]);
    let save = |content| Command::Scene(SceneCommand::Save { scene: None, version: 0, content });
    assert_eq!(stage.command(DESK, save(scene(Some(paper(7))))), Err(ErrorCode::PaperUnknown));
    stage.command(DESK, save(scene(Some(paper(1))))).unwrap();
    let mut main = scene(None);
    main.layout = SceneLayout::Main;
    stage.command(DESK, save(main)).unwrap();
    let kept: Vec<SceneId> = stage.state().scenes.view().kept.iter().map(|it| it.scene).collect();
    let air = |scene, audience| {
        Command::Scene(SceneCommand::Show { audience, scene: Some(scene), version: 1 })
    };
    stage.command(DESK, air(kept[0], SceneAudience::All)).unwrap();
    stage.command(DESK, turn(2)).unwrap();
    stage.command(DESK, air(kept[1], SceneAudience::Chair)).unwrap();
    assert_eq!(stage.shown(), Some((paper(1), 2)), "what the chair sees is another thing");
    stage.command(DESK, air(kept[1], SceneAudience::All)).unwrap();
    assert_eq!(stage.shown(), None);
    stage.put(Input::Office(903, Act::SyncPapers(Vec::new())));
    assert_eq!(stage.command(DESK, air(kept[0], SceneAudience::All)), Err(ErrorCode::PaperUnknown));
}

#[test]
fn the_next_item_moves_regime_floor_scene_document_and_clock_in_one_act() {
    let mut stage = Stage::with_papers(vec![entry(1, 3)]);
    let content = scene(None);
    let save = Command::Scene(SceneCommand::Save { scene: None, version: 0, content });
    stage.command(DESK, save).unwrap();
    let kept = stage.state().scenes.view().kept[0].scene;
    let item = |site: Option<u64>, regime, scene, paper| AgendaItem {
        title: "Mục".into(),
        minutes: 5,
        site: site.map(|it| SiteId::from_parts(it, 0)),
        regime,
        scene,
        paper,
    };
    let set = |items| Command::Agenda(AgendaCommand::Set { items });
    let unknown = item(None, None, None, Some(paper(9)));
    assert_eq!(stage.command(CHAIR, set(vec![unknown])), Err(ErrorCode::PaperUnknown));
    let unknown = item(None, None, Some(SceneId::from_parts(9, 9)), None);
    assert_eq!(stage.command(CHAIR, set(vec![unknown])), Err(ErrorCode::NotFound));
    let items = vec![
        item(None, Some(Regime::Lecture), None, None),
        item(Some(SITE), Some(Regime::Conducted), Some(kept), Some(paper(1))),
        item(None, None, None, None),
    ];
    stage.command(CHAIR, set(items)).unwrap();
    stage.command(CHAIR, Command::Agenda(AgendaCommand::Begin { index: 0 })).unwrap();
    assert_eq!(stage.state().conduct.regime, Regime::Lecture);
    let n = stage.log.len();
    stage.command(CHAIR, Command::Agenda(AgendaCommand::Begin { index: 1 })).unwrap();
    // In a lecture the site could not have been invited: the regime of the item comes first.
    assert_eq!(stage.holder(), Some(seat(SITE)));
    assert_eq!(stage.state().conduct.regime, Regime::Conducted);
    assert_eq!(stage.state().scenes.view().all.map(|it| it.scene), Some(kept));
    assert_eq!(stage.shown(), Some((paper(1), 1)));
    assert_eq!(stage.state().agenda.current, Some(1));
    let commands: std::collections::HashSet<_> =
        stage.log.iter().skip(n).map(|it| it.command).collect();
    assert_eq!(commands.len(), 1, "one command, one batch of facts");
    // The document is closed meanwhile: the agenda goes on all the same, and takes the old one off.
    stage.command(CHAIR, Command::Agenda(AgendaCommand::Begin { index: 2 })).unwrap();
    assert_eq!((stage.shown(), stage.holder()), (None, None));
    stage.put(Input::Office(904, Act::SyncPapers(Vec::new())));
    stage.command(CHAIR, Command::Agenda(AgendaCommand::Begin { index: 1 })).unwrap();
    assert_eq!((stage.shown(), stage.state().agenda.current), (None, Some(1)));
    stage.check_law();
}

#[derive(Clone, Debug)]
enum Step {
    Do(u64, Command),
    Sync(Vec<PaperEntry>),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = prop_oneof![Just(CHAIR), Just(DESK), Just(SECRETARY), Just(SITE), Just(DELEGATE)];
    let command = prop_oneof![
        (0_u64..4, 0_u32..5).prop_map(|(n, page)| show(n, page)),
        (0_u32..5).prop_map(turn),
        Just(END),
        Just(invite(SITE)),
        Just(Command::Thank),
    ];
    let entries = proptest::collection::vec((1_u64..4, 1_u32..4), 0..3);
    let step = prop_oneof![
        8 => (who, command).prop_map(|(n, command)| Step::Do(n, command)),
        2 => entries.prop_map(|all| {
            let mut entries: Vec<_> = all.into_iter().map(|(n, pages)| entry(n, pages)).collect();
            entries.sort_by_key(|it| it.paper);
            entries.dedup_by_key(|it| it.paper);
            Step::Sync(entries)
        }),
        1 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_shown_is_always_there_and_has_that_page(steps in steps()) {
        let mut stage = Stage::with_papers(vec![entry(1, 3), entry(2, 1)]);
        for (step, n) in steps.into_iter().zip(1_000..) {
            match step {
                Step::Do(who, command) => { let _ = stage.command(who, command); }
                Step::Sync(entries) => stage.put(Input::Office(n, Act::SyncPapers(entries))),
                Step::Restart => {
                    let before = stage.state().papers.clone();
                    stage.restart();
                    prop_assert_eq!(&before, &stage.state().papers);
                    for it in [CHAIR, DESK, SECRETARY, SITE, DELEGATE] { stage.arrive(it); }
                }
            }
            let view = stage.state().papers.view(None);
            if let Some(shown) = view.on_air {
                let entry = view.papers.iter().find(|it| it.paper == shown.paper);
                prop_assert!(entry.is_some_and(|it| (1..=it.pages).contains(&shown.page)));
            }
        }
    }
}
