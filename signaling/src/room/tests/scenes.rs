//! The law of scenes: what is on air is a version that was kept, and it is the same for whoever comes late.

use proptest::prelude::*;
use protocol::client::{Command, ServerMessage};
use protocol::control::{JournalNote, RecorderCommand, SceneNote};
use protocol::error::ErrorCode;
use protocol::fact::Fact;
use protocol::id::SceneId;
use protocol::scene::{
    COUNTDOWN_S_MAX, Scene, SceneAudience, SceneCommand, SceneFact, SceneLayout,
};
use protocol::time::Timestamp;

use super::{CHAIR, DELEGATE, DESK, Input, OTHER, SECRETARY, SITE, Stage, seat};
use crate::room::RecorderSays;

fn scene(layout: SceneLayout, places: &[u64]) -> Scene {
    Scene {
        name: "Toàn cảnh".into(),
        layout,
        places: places.iter().map(|it| seat(*it)).collect(),
        text: String::new(),
        paper: None,
        countdown_s: 0,
    }
}

fn save(scene: Option<SceneId>, version: u32, content: Scene) -> Command {
    Command::Scene(SceneCommand::Save { scene, version, content })
}

fn show(audience: SceneAudience, scene: Option<SceneId>, version: u32) -> Command {
    Command::Scene(SceneCommand::Show { audience, scene, version })
}

impl Stage {
    fn last_scene(&self) -> SceneId {
        self.state().scenes.view().kept.last().unwrap().scene
    }

    fn with_sites() -> Self {
        let mut stage = Self::open();
        for n in [CHAIR, DESK, SECRETARY, SITE, OTHER] {
            stage.arrive(n);
        }
        stage
    }
}

#[test]
fn a_scene_is_shown_to_all_at_once_and_to_who_comes_late() {
    let mut stage = Stage::with_sites();
    let content = Scene { countdown_s: 600, ..scene(SceneLayout::Grid4, &[SITE, OTHER]) };
    stage.command(DESK, save(None, 0, content.clone())).unwrap();
    let id = stage.last_scene();
    stage.tick = 5_000;
    stage.command(CHAIR, show(SceneAudience::All, Some(id), 1)).unwrap();
    let on_air = stage.state().scenes.view().all.unwrap();
    assert_eq!((&on_air.content, on_air.until), (&content, Some(Timestamp(605_000))));
    stage.sent.clear();
    stage.arrive(7);
    let late = stage.sent.iter().find_map(|(to, message)| match message {
        ServerMessage::Welcome { snapshot, .. } if *to == 7 => snapshot.clone(),
        _ => None,
    });
    assert_eq!(late.unwrap().scenes.all.as_ref(), Some(&on_air));
    // A new version waits until it is shown.
    stage.command(DESK, save(Some(id), 1, scene(SceneLayout::Recess, &[]))).unwrap();
    assert_eq!(stage.state().scenes.view().all.as_ref(), Some(&on_air));
    assert_eq!(
        stage.command(DESK, show(SceneAudience::All, Some(id), 1)),
        Err(ErrorCode::Conflict)
    );
    stage.command(DESK, show(SceneAudience::Chair, Some(id), 2)).unwrap();
    let view = stage.state().scenes.view();
    assert_eq!(
        (view.all, view.chair.unwrap().version),
        (Some(on_air), 2),
        "the chair sees another"
    );
    stage.command(DESK, Command::Scene(SceneCommand::Drop { scene: id })).unwrap();
    assert!(stage.state().scenes.view().all.is_some(), "what is on air stays");
    stage.command(DESK, show(SceneAudience::All, None, 0)).unwrap();
    assert_eq!(stage.state().scenes.view().all, None);
    stage.check_law();
}

#[test]
fn the_recorder_follows_what_is_on_every_screen_and_finds_it_when_it_begins() {
    let mut stage = Stage::with_sites();
    stage.put(Input::Recorder(RecorderSays::Ready));
    let told = |stage: &Stage| -> Vec<Option<SceneNote>> {
        let scene = |it: &RecorderCommand| match it {
            RecorderCommand::Note { note: JournalNote::Scene { on_air }, .. } => {
                Some(on_air.clone())
            }
            _ => None,
        };
        stage.recorder.iter().filter_map(scene).collect()
    };
    let content = Scene { text: "Biểu quyết".into(), ..scene(SceneLayout::Grid4, &[OTHER]) };
    stage.command(DESK, save(None, 0, content)).unwrap();
    let id = stage.last_scene();
    stage.command(CHAIR, show(SceneAudience::All, Some(id), 1)).unwrap();
    assert!(told(&stage).is_empty(), "nothing is recorded yet");
    stage.command(CHAIR, Command::StartRecording).unwrap();
    stage.command(CHAIR, show(SceneAudience::Chair, None, 0)).unwrap();
    stage.command(CHAIR, show(SceneAudience::All, None, 0)).unwrap();
    let note = SceneNote {
        layout: SceneLayout::Grid4,
        places: vec![seat(OTHER).to_string()],
        text: "Biểu quyết".into(),
    };
    assert_eq!(told(&stage), [Some(note), None]);
}

#[test]
fn a_scene_that_cannot_be_is_refused_with_its_code() {
    let mut stage = Stage::with_sites();
    let mut refused = |by, command| stage.command(by, command).unwrap_err();
    for n in [SITE, SECRETARY] {
        assert_eq!(refused(n, save(None, 0, scene(SceneLayout::Main, &[]))), ErrorCode::Forbidden);
        assert_eq!(refused(n, show(SceneAudience::All, None, 0)), ErrorCode::Forbidden);
    }
    let unknown = ErrorCode::SceneUnknownSite;
    assert_eq!(refused(DESK, save(None, 0, scene(SceneLayout::Grid4, &[SITE, 99]))), unknown);
    // A delegate is known, but has no picture.
    assert_eq!(refused(DESK, save(None, 0, scene(SceneLayout::Grid4, &[DELEGATE]))), unknown);
    let invalid = ErrorCode::InvalidInput;
    assert_eq!(refused(DESK, save(None, 0, scene(SceneLayout::Grid4, &[SITE, SITE]))), invalid);
    assert_eq!(refused(DESK, save(None, 0, scene(SceneLayout::Main, &[SITE]))), invalid);
    assert_eq!(refused(DESK, save(None, 3, scene(SceneLayout::Main, &[]))), invalid);
    for wrong in [
        Scene { name: " ".into(), ..scene(SceneLayout::Main, &[]) },
        Scene { text: "x".repeat(201), ..scene(SceneLayout::Main, &[]) },
        Scene { countdown_s: COUNTDOWN_S_MAX + 1, ..scene(SceneLayout::Main, &[]) },
    ] {
        assert_eq!(refused(DESK, save(None, 0, wrong)), invalid);
    }
    let never = SceneId::from_parts(9, 9);
    assert_eq!(refused(DESK, show(SceneAudience::All, Some(never), 1)), ErrorCode::NotFound);
    assert_eq!(
        refused(DESK, save(Some(never), 1, scene(SceneLayout::Main, &[]))),
        ErrorCode::NotFound
    );
}

#[test]
fn a_scene_whose_site_was_shown_out_is_not_shown() {
    let mut stage = Stage::with_sites();
    stage.command(DESK, save(None, 0, scene(SceneLayout::Grid4, &[OTHER]))).unwrap();
    stage.command(DESK, Command::Remove { participant: seat(OTHER) }).unwrap();
    let id = stage.last_scene();
    let shown = stage.command(DESK, show(SceneAudience::All, Some(id), 1));
    assert_eq!(shown, Err(ErrorCode::SceneUnknownSite));
}

#[test]
fn of_two_desks_that_change_a_scene_in_the_same_instant_the_second_is_told() {
    let mut stage = Stage::with_sites();
    stage.command(DESK, save(None, 0, scene(SceneLayout::Main, &[]))).unwrap();
    let id = stage.last_scene();
    stage.command(DESK, save(Some(id), 1, scene(SceneLayout::Sides, &[]))).unwrap();
    let second = stage.command(CHAIR, save(Some(id), 1, scene(SceneLayout::Grid9, &[])));
    assert_eq!(second, Err(ErrorCode::Conflict));
}

#[test]
fn there_is_an_end_of_scenes() {
    let mut stage = Stage::with_sites();
    for _ in 0..40 {
        stage.command(DESK, save(None, 0, scene(SceneLayout::Main, &[]))).unwrap();
    }
    let more = stage.command(DESK, save(None, 0, scene(SceneLayout::Main, &[])));
    assert_eq!(more, Err(ErrorCode::TooLarge));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, ..ProptestConfig::default() })]

    #[test]
    fn what_is_on_air_is_a_version_that_was_kept(
        script in proptest::collection::vec((0_u8..4, 0_usize..3, 0_u32..4, 0_u64..8, any::<bool>()), 1..50),
    ) {
        let mut stage = Stage::with_sites();
        for (act, which, version, place, chair) in script {
            let known = stage.state().scenes.view().kept;
            let id = known.get(which).map(|it| it.scene);
            let audience = if chair { SceneAudience::Chair } else { SceneAudience::All };
            let command = match act {
                0 => save(None, 0, scene(SceneLayout::Grid9, &[place])),
                1 => save(id, version, scene(SceneLayout::Sides, &[place])),
                2 => show(audience, id, version),
                _ => Command::Scene(SceneCommand::Drop { scene: id.unwrap_or(SceneId::from_parts(0, 0)) }),
            };
            // Refusals are part of the script.
            let _ = stage.command(if chair { CHAIR } else { DESK }, command);
            let view = stage.state().scenes.view();
            for on_air in view.all.iter().chain(&view.chair) {
                let was_kept = stage.facts().iter().any(|it| matches!(it,
                    Fact::Scene(SceneFact::Saved { scene, version, content })
                        if (*scene, *version, content) == (on_air.scene, on_air.version, &on_air.content)));
                prop_assert!(was_kept);
            }
        }
        stage.check_law();
    }
}
