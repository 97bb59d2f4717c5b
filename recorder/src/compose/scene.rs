//! What the journal says of a moment: names, main picture, floor, who is here, who spoke last.

use std::collections::HashMap;

use protocol::control::{JournalNote, SceneNote};
use protocol::media::TrackKey;
use protocol::scene::SceneLayout;

/// Most names, and most publishers remembered: a province's sites and more.
const PUBLISHERS_MAX: usize = 10_000;

/// See the file.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    names: HashMap<String, String>,
    /// The main picture that the room chose.
    pub main: Option<TrackKey>,
    /// Who holds the floor.
    pub floor: Option<String>,
    /// How every screen was laid out, if the desk had laid it out.
    pub on_air: Option<SceneNote>,
    /// Who came, in that order, and whether they are still here.
    here: Vec<(String, bool)>,
    /// Who held the floor, the latest first.
    spoke: Vec<String>,
}

impl Scene {
    /// Goes on to the next line of the journal.
    pub fn apply(&mut self, note: &JournalNote) {
        match note {
            JournalNote::Name { publisher, name } => {
                if self.names.len() < PUBLISHERS_MAX {
                    self.names.insert(publisher.clone(), name.clone());
                }
            }
            JournalNote::MainPicture { track } => self.main.clone_from(track),
            JournalNote::Scene { on_air } => self.on_air.clone_from(on_air),
            JournalNote::Floor { publisher } => {
                self.floor.clone_from(publisher);
                if let Some(publisher) = publisher {
                    self.spoke.retain(|other| other != publisher);
                    self.spoke.insert(0, publisher.clone());
                    self.spoke.truncate(PUBLISHERS_MAX);
                }
            }
            JournalNote::Present { publisher, present } => {
                let known = self.here.iter_mut().find(|(other, _)| other == publisher);
                if let Some((_, is_here)) = known {
                    *is_here = *present;
                } else if self.here.len() < PUBLISHERS_MAX {
                    self.here.push((publisher.clone(), *present));
                }
            }
        }
    }

    /// Whether every screen showed words alone.
    pub fn is_recess(&self) -> bool {
        self.on_air.as_ref().is_some_and(|it| it.layout == SceneLayout::Recess)
    }

    /// What stood on every screen besides pictures.
    pub fn words(&self) -> &str {
        self.on_air.as_ref().map_or("", |it| it.text.as_str())
    }

    /// The name on a publisher's strip: its own word for itself if the room gave none.
    pub fn name<'a>(&'a self, publisher: &'a str) -> &'a str {
        self.names.get(publisher).map_or(publisher, String::as_str)
    }

    /// Whether a publisher is here; none if the room never said.
    pub fn is_here(&self, publisher: &str) -> Option<bool> {
        self.here.iter().find(|(other, _)| other == publisher).map(|(_, is_here)| *is_here)
    }

    /// Who is here, in the order in which they came.
    pub fn present(&self) -> impl Iterator<Item = &str> {
        self.here.iter().filter(|(_, is_here)| *is_here).map(|(publisher, _)| publisher.as_str())
    }

    /// How lately a publisher held the floor: 0 is the last to do so.
    pub fn spoke_rank(&self, publisher: &str) -> usize {
        self.spoke.iter().position(|other| other == publisher).unwrap_or(usize::MAX)
    }
}
