//! Scenes: how every screen is laid out. The desk designs and keeps them; one that is shown is copied into its
//! fact, so that what is on air does not change when the kept one is edited.

use serde::{Deserialize, Serialize};

use crate::id::{PaperId, ParticipantId, SceneId};
use crate::time::Timestamp;

/// Longest name of a scene, in characters.
pub const SCENE_NAME_CHARS_MAX: usize = 80;

/// Longest words of a scene, in characters.
pub const SCENE_TEXT_CHARS_MAX: usize = 200;

/// Pictures of the largest grid.
pub const SCENE_PLACES_MAX: usize = 25;

/// Longest countdown, s.
pub const COUNTDOWN_S_MAX: u32 = 24 * 3_600;

/// How the pictures lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum SceneLayout {
    /// The main picture alone.
    Main,
    /// The main picture, others beside it.
    Sides,
    /// Two by two.
    Grid4,
    /// Three by three.
    Grid9,
    /// Four by four.
    Grid16,
    /// Five by five.
    Grid25,
    /// The shared screen large, who speaks in its corner.
    Document,
    /// No pictures: words and a clock (giải lao).
    Recess,
}

impl SceneLayout {
    /// How many places can be given to sites by hand.
    pub fn n_places(self) -> usize {
        match self {
            Self::Main | Self::Document | Self::Recess => 0,
            Self::Sides => 5,
            Self::Grid4 => 4,
            Self::Grid9 => 9,
            Self::Grid16 => 16,
            Self::Grid25 => SCENE_PLACES_MAX,
        }
    }
}

/// What a scene is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Scene {
    /// 1 to [`SCENE_NAME_CHARS_MAX`] characters.
    pub name: String,
    /// How the pictures lie.
    pub layout: SceneLayout,
    /// Who stands where, first place first; places that are left fill themselves.
    #[cfg_attr(test, ts(type = "string[]"))]
    pub places: Vec<ParticipantId>,
    /// Words on the screen, at most [`SCENE_TEXT_CHARS_MAX`] characters, may be empty.
    pub text: String,
    /// A document that is shown with it; none: one that is shown ends.
    #[serde(default)]
    #[cfg_attr(test, ts(type = "string | null"))]
    pub paper: Option<PaperId>,
    /// A countdown that begins when it is shown, s; 0: none.
    pub countdown_s: u32,
}

/// For whom a scene is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum SceneAudience {
    /// Everyone.
    All,
    /// The chair, in place of what all see.
    Chair,
}

/// Something of scenes happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum SceneFact {
    /// A scene was designed, or changed.
    Saved {
        /// Which.
        #[cfg_attr(test, ts(type = "string"))]
        scene: SceneId,
        /// 1, 2, 3 … for each scene.
        version: u32,
        /// What it is now.
        content: Scene,
    },
    /// A scene was thrown away. If it is on air it stays there.
    Dropped {
        /// Which.
        #[cfg_attr(test, ts(type = "string"))]
        scene: SceneId,
    },
    /// From here on every screen shows this.
    Shown {
        /// To whom.
        audience: SceneAudience,
        /// What; none: as every page likes, and the chair what all see.
        on_air: Option<OnAir>,
    },
}

/// A scene on the screens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct OnAir {
    /// Which.
    #[cfg_attr(test, ts(type = "string"))]
    pub scene: SceneId,
    /// Of which version.
    pub version: u32,
    /// What it was then.
    pub content: Scene,
    /// When its countdown ends.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub until: Option<Timestamp>,
}

/// Acts with scenes. For chair and desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum SceneCommand {
    /// Keep a new scene, or a new version of one.
    Save {
        /// Which; none: a new one.
        #[cfg_attr(test, ts(type = "string | null"))]
        scene: Option<SceneId>,
        /// The version that it was made from; 0 of a new one. Another than the last is refused with `conflict`.
        version: u32,
        /// What it is to be.
        content: Scene,
    },
    /// Throw a scene away.
    Drop {
        /// Which.
        #[cfg_attr(test, ts(type = "string"))]
        scene: SceneId,
    },
    /// Show a scene on every screen at once, or end it.
    Show {
        /// To whom.
        audience: SceneAudience,
        /// Which; none: end it.
        #[cfg_attr(test, ts(type = "string | null"))]
        scene: Option<SceneId>,
        /// The version that was looked at; another than the last is refused with `conflict`.
        version: u32,
    },
}

/// What a page knows of scenes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SceneView {
    /// Those kept, in the order in which they were made.
    pub kept: Vec<KeptScene>,
    /// What all see.
    pub all: Option<OnAir>,
    /// What the chair sees instead.
    pub chair: Option<OnAir>,
}

/// A scene that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct KeptScene {
    /// Which.
    #[cfg_attr(test, ts(type = "string"))]
    pub scene: SceneId,
    /// How often it was saved.
    pub version: u32,
    /// What it is.
    pub content: Scene,
}
