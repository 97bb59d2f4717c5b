//! Scenes: those that the desk keeps, and what is on air. The laws: what is shown is a version that was kept, and
//! at that moment every site in it was in the room; a scene on air changes only when it is shown again.

use protocol::error::ErrorCode;
use protocol::fact::Fact;
use protocol::id::SceneId;
use protocol::scene::{
    COUNTDOWN_S_MAX, KeptScene, OnAir, SCENE_NAME_CHARS_MAX, SCENE_TEXT_CHARS_MAX, Scene,
    SceneAudience, SceneCommand, SceneFact, SceneView,
};
use protocol::time::Timestamp;

use super::Now;
use super::paper;
use super::roster::Seat;
use super::state::State;
use crate::text::nfc;

/// Scenes of one meeting.
const SCENES_MAX: usize = 40;

/// The scenes of a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scenes {
    view: SceneView,
}

impl Scenes {
    /// Takes in what a fact says.
    pub(crate) fn apply(&mut self, fact: &SceneFact) {
        match fact {
            SceneFact::Saved { scene, version, content } => {
                let kept = KeptScene { scene: *scene, version: *version, content: content.clone() };
                match self.view.kept.iter_mut().find(|it| it.scene == *scene) {
                    Some(before) => *before = kept,
                    None => self.view.kept.push(kept),
                }
            }
            SceneFact::Dropped { scene } => self.view.kept.retain(|it| it.scene != *scene),
            SceneFact::Shown { audience, on_air } => match audience {
                SceneAudience::All => self.view.all.clone_from(on_air),
                SceneAudience::Chair => self.view.chair.clone_from(on_air),
            },
        }
    }

    /// What a newcomer is shown.
    pub(crate) fn view(&self) -> SceneView {
        self.view.clone()
    }

    /// Whether there is such a scene.
    pub(crate) fn knows(&self, scene: SceneId) -> bool {
        self.find(scene).is_ok()
    }

    /// What everybody sees, as it was when it was shown.
    pub(crate) fn on_air_for_all(&self) -> Option<&Scene> {
        self.view.all.as_ref().map(|it| &it.content)
    }

    fn find(&self, scene: SceneId) -> Result<&KeptScene, ErrorCode> {
        self.view.kept.iter().find(|it| it.scene == scene).ok_or(ErrorCode::NotFound)
    }

    fn on_air(&self, audience: SceneAudience) -> Option<&OnAir> {
        match audience {
            SceneAudience::All => self.view.all.as_ref(),
            SceneAudience::Chair => self.view.chair.as_ref(),
        }
    }
}

/// The facts of a command, or why it is refused.
pub(crate) fn facts_of(
    state: &State,
    seat: &Seat,
    command: &SceneCommand,
    now: Now,
) -> Result<Vec<Fact>, ErrorCode> {
    if !seat.role.conducts() {
        return Err(ErrorCode::Forbidden);
    }
    let fact = match command {
        SceneCommand::Save { scene, version, content } => {
            save(state, *scene, *version, content, now)?
        }
        SceneCommand::Drop { scene } => {
            state.scenes.find(*scene)?;
            Some(SceneFact::Dropped { scene: *scene })
        }
        SceneCommand::Show { audience, scene: None, .. } => {
            let is_shown = state.scenes.on_air(*audience).is_some();
            is_shown.then_some(SceneFact::Shown { audience: *audience, on_air: None })
        }
        SceneCommand::Show { audience, scene: Some(scene), version } => {
            let kept = state.scenes.find(*scene)?;
            if kept.version != *version {
                return Err(ErrorCode::Conflict);
            }
            return show(state, *audience, kept, now);
        }
    };
    Ok(fact.into_iter().map(Fact::Scene).collect())
}

/// Shows a kept scene, on every screen with its document.
fn show(
    state: &State,
    audience: SceneAudience,
    kept: &KeptScene,
    now: Now,
) -> Result<Vec<Fact>, ErrorCode> {
    are_known(state, &kept.content)?;
    let until = (kept.content.countdown_s > 0)
        .then(|| Timestamp(now.at.0 + i64::from(kept.content.countdown_s) * 1_000));
    let (version, content) = (kept.version, kept.content.clone());
    let on_air = Some(OnAir { scene: kept.scene, version, content, until });
    let mut facts = vec![Fact::Scene(SceneFact::Shown { audience, on_air })];
    match (audience, kept.content.paper) {
        (SceneAudience::All, Some(paper)) => facts.extend(paper::go_to(state, paper, now)?),
        (SceneAudience::All, None) => facts.extend(paper::end(state)),
        (SceneAudience::Chair, _) => {}
    }
    Ok(facts)
}

/// Shows a scene to all as it is kept now; nothing if it was thrown away.
pub(crate) fn show_kept(state: &State, scene: SceneId, now: Now) -> Result<Vec<Fact>, ErrorCode> {
    match state.scenes.find(scene) {
        Ok(kept) => show(state, SceneAudience::All, kept, now),
        Err(_) => Ok(Vec::new()),
    }
}

fn save(
    state: &State,
    scene: Option<SceneId>,
    version: u32,
    content: &Scene,
    now: Now,
) -> Result<Option<SceneFact>, ErrorCode> {
    let content = sane(state, content)?;
    let Some(scene) = scene else {
        if version != 0 {
            return Err(ErrorCode::InvalidInput);
        }
        if state.scenes.view.kept.len() >= SCENES_MAX {
            return Err(ErrorCode::TooLarge);
        }
        let scene = SceneId::from_parts(now.unix_ms(), now.entropy);
        return Ok(Some(SceneFact::Saved { scene, version: 1, content }));
    };
    let kept = state.scenes.find(scene)?;
    if kept.version != version {
        return Err(ErrorCode::Conflict);
    }
    let saved = SceneFact::Saved { scene, version: version.saturating_add(1), content };
    Ok((!matches!(&saved, SceneFact::Saved { content, .. } if *content == kept.content))
        .then_some(saved))
}

/// The scene as it is kept, or what is wrong with it.
fn sane(state: &State, content: &Scene) -> Result<Scene, ErrorCode> {
    let (name, text) = (nfc(&content.name).trim().to_owned(), nfc(&content.text).trim().to_owned());
    let is_named = (1..=SCENE_NAME_CHARS_MAX).contains(&name.chars().count());
    let twice = content
        .places
        .iter()
        .enumerate()
        .any(|(n, it)| content.places.iter().take(n).any(|x| x == it));
    if !is_named
        || text.chars().count() > SCENE_TEXT_CHARS_MAX
        || content.countdown_s > COUNTDOWN_S_MAX
        || content.places.len() > content.layout.n_places()
        || twice
    {
        return Err(ErrorCode::InvalidInput);
    }
    are_known(state, content)?;
    Ok(Scene { name, text, ..content.clone() })
}

/// Every place names somebody who is in the room and sends a picture, connected or not; the document is there.
fn are_known(state: &State, content: &Scene) -> Result<(), ErrorCode> {
    let is_known = |id| {
        let seat = state.roster.get(id);
        seat.is_some_and(|it| it.removed_at.is_none() && it.role.publishes())
    };
    if !content.places.iter().all(|it| is_known(*it)) {
        return Err(ErrorCode::SceneUnknownSite);
    }
    if content.paper.is_some_and(|it| !state.papers.knows(it)) {
        return Err(ErrorCode::PaperUnknown);
    }
    Ok(())
}
