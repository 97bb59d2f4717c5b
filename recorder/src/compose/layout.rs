//! Who is seen where: a pure function of the scene and of the pictures that exist at a moment. As the desk had laid
//! out every screen; else one main picture to the left, up to five others in a column beside it. A line with title
//! and time below.

use std::collections::HashSet;

use protocol::media::{Source, TrackKey};
use protocol::scene::SceneLayout;

use super::canvas::Rect;
use super::scene::Scene;

/// Width of the composed picture.
pub const WIDTH: usize = 1_280;
/// Height of the composed picture.
pub const HEIGHT: usize = 720;
/// The line at the bottom.
pub const BAR: Rect = Rect::new(0, 682, WIDTH, 38);
/// Most pictures beside the main one: more would be too small to know a face.
pub const SIDES_MAX: usize = 5;

const GAP: usize = 8;
const MAIN: Rect = Rect::new(8, 50, 1_032, 580);
const MAIN_ALONE: Rect = Rect::new(56, 8, 1_168, 656);
const SIDE_X: usize = 1_048;
const SIDE_WIDTH: usize = 224;
const SIDE_HEIGHT: usize = 126;

/// One picture of the composition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// What it shows.
    pub track: TrackKey,
    /// Where.
    pub rect: Rect,
    /// The large one.
    pub is_main: bool,
    /// Its publisher holds the floor.
    pub has_floor: bool,
    /// The name on its strip.
    pub name: String,
}

/// The cells of a moment, the main one first. `live` are the picture tracks that exist at this moment, in
/// the order in which they began; `heard` the publishers whose sound does; `senders` those who send
/// anything in the whole recording: a secretary's page without camera and microphone takes no place.
pub fn layout(
    scene: &Scene,
    live: &[TrackKey],
    heard: &[String],
    senders: &HashSet<String>,
) -> Vec<Cell> {
    let mut publishers: Vec<&str> =
        scene.present().filter(|publisher| senders.contains(*publisher)).collect();
    let known = live.iter().map(|track| track.publisher.as_str());
    for publisher in known.chain(heard.iter().map(String::as_str)) {
        if scene.is_here(publisher).is_none() && !publishers.contains(&publisher) {
            publishers.push(publisher);
        }
    }
    let Some(main) = main_track(scene, live, &publishers) else { return Vec::new() };
    match scene.on_air.as_ref().map(|it| it.layout) {
        Some(SceneLayout::Recess) => Vec::new(),
        Some(SceneLayout::Main) => vec![cell(scene, &main, MAIN_ALONE, true)],
        Some(SceneLayout::Document) => document(scene, live, &main),
        Some(
            it @ (SceneLayout::Grid4
            | SceneLayout::Grid9
            | SceneLayout::Grid16
            | SceneLayout::Grid25),
        ) => grid(scene, live, &publishers, &main, it.n_places()),
        Some(SceneLayout::Sides) | None => {
            let sides = others(scene, live, &publishers, &main);
            beside(scene, &main, &sides[..sides.len().min(SIDES_MAX)])
        }
    }
}

fn cell(scene: &Scene, track: &TrackKey, rect: Rect, is_main: bool) -> Cell {
    Cell {
        has_floor: scene.floor.as_deref() == Some(track.publisher.as_str()),
        name: scene.name(&track.publisher).to_owned(),
        track: track.clone(),
        rect,
        is_main,
    }
}

/// The main picture with others in a column.
fn beside(scene: &Scene, main: &TrackKey, sides: &[TrackKey]) -> Vec<Cell> {
    let mut cells = vec![cell(scene, main, if sides.is_empty() { MAIN_ALONE } else { MAIN }, true)];
    // In line with the main picture, unless the column is higher than it.
    let column = sides.len() * (SIDE_HEIGHT + GAP);
    let top = MAIN.y.min((BAR.y + GAP).saturating_sub(column) / 2);
    for (n, track) in sides.iter().enumerate() {
        let rect = Rect::new(SIDE_X, top + n * (SIDE_HEIGHT + GAP), SIDE_WIDTH, SIDE_HEIGHT);
        cells.push(cell(scene, track, rect, false));
    }
    cells
}

/// A shared screen with who speaks beside it, so that no line of it is hidden; without a screen, the main picture.
fn document(scene: &Scene, live: &[TrackKey], main: &TrackKey) -> Vec<Cell> {
    let is_screen = |it: &&TrackKey| it.source == Source::Screen;
    let of_main = live.iter().filter(is_screen).find(|it| it.publisher == main.publisher);
    let Some(screen) = of_main.or_else(|| live.iter().find(is_screen)) else {
        return beside(scene, main, &[]);
    };
    let publisher = scene.floor.clone().unwrap_or_else(|| main.publisher.clone());
    beside(scene, screen, &[TrackKey { publisher, source: Source::Camera }])
}

/// As many pictures of one size as the scene has places: who was put there, then the main picture, then the rest.
fn grid(
    scene: &Scene,
    live: &[TrackKey],
    publishers: &[&str],
    main: &TrackKey,
    n_places: usize,
) -> Vec<Cell> {
    let by_hand = scene.on_air.iter().flat_map(|it| &it.places);
    let by_hand = by_hand.filter(|it| publishers.contains(&it.as_str()));
    let by_hand = by_hand.map(|it| TrackKey { publisher: it.clone(), source: Source::Camera });
    let mut tracks: Vec<TrackKey> = Vec::new();
    let rest = others(scene, live, publishers, main);
    for track in by_hand.chain(std::iter::once(main.clone())).chain(rest) {
        if !tracks.contains(&track) {
            tracks.push(track);
        }
    }
    tracks.truncate(n_places);
    let columns = n_places.isqrt().max(1);
    let (width, height) = (WIDTH - GAP, BAR.y - GAP);
    let (across, down) = (width / columns - GAP, height / columns - GAP);
    // Cameras are 16:9.
    let (w, h) =
        if across * 9 <= down * 16 { (across, across * 9 / 16) } else { (down * 16 / 9, down) };
    let left = (WIDTH + GAP - columns * (w + GAP)) / 2;
    let top = (BAR.y + GAP - columns * (h + GAP)) / 2;
    let place = |n: usize| {
        let (row, column) = (n / columns, n % columns);
        Rect::new(left + column * (w + GAP), top + row * (h + GAP), w, h)
    };
    tracks.iter().enumerate().map(|(n, track)| cell(scene, track, place(n), false)).collect()
}

/// What the room chose, if its publisher is here; else the floor holder; else who came first.
fn main_track(scene: &Scene, live: &[TrackKey], publishers: &[&str]) -> Option<TrackKey> {
    if let Some(chosen) = &scene.main
        && publishers.contains(&chosen.publisher.as_str())
    {
        let is_live = live.contains(chosen);
        let source = if is_live { chosen.source } else { Source::Camera };
        return Some(TrackKey { publisher: chosen.publisher.clone(), source });
    }
    let floor = scene.floor.as_deref().filter(|publisher| publishers.contains(publisher));
    let seen = publishers.iter().copied().find(|publisher| has_camera(live, publisher));
    let publisher = floor.or(seen).or_else(|| publishers.first().copied())?;
    Some(TrackKey { publisher: publisher.to_owned(), source: Source::Camera })
}

/// Screens that are shared beside the main picture, then those who spoke last, then who has a camera, then
/// the rest; each in the order in which they came.
fn others(scene: &Scene, live: &[TrackKey], publishers: &[&str], main: &TrackKey) -> Vec<TrackKey> {
    let screens = live.iter().filter(|track| track.source == Source::Screen).cloned();
    let mut cameras: Vec<&str> = publishers.to_vec();
    cameras.sort_by_key(|publisher| {
        let has_floor = scene.floor.as_deref() == Some(*publisher);
        (!has_floor, scene.spoke_rank(publisher), !has_camera(live, publisher))
    });
    let cameras = cameras
        .into_iter()
        .map(|publisher| TrackKey { publisher: publisher.to_owned(), source: Source::Camera });
    screens.chain(cameras).filter(|track| track != main).collect()
}

fn has_camera(live: &[TrackKey], publisher: &str) -> bool {
    live.iter().any(|track| track.publisher == publisher && track.source == Source::Camera)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use protocol::control::{JournalNote, SceneNote};

    use super::*;

    fn camera(publisher: &str) -> TrackKey {
        TrackKey { publisher: publisher.into(), source: Source::Camera }
    }

    fn scene(notes: &[JournalNote]) -> Scene {
        let mut scene = Scene::default();
        notes.iter().for_each(|note| scene.apply(note));
        scene
    }

    fn here(publisher: &str) -> JournalNote {
        JournalNote::Present { publisher: publisher.into(), present: true }
    }

    fn floor(publisher: &str) -> JournalNote {
        JournalNote::Floor { publisher: Some(publisher.into()) }
    }

    fn lay(scene: &Scene, live: &[TrackKey], heard: &[String]) -> Vec<Cell> {
        let senders = (0..12).map(|n| format!("s{n}"));
        let senders = senders.chain(["a", "b", "c", "d"].map(str::to_owned)).collect();
        layout(scene, live, heard, &senders)
    }

    fn shown(cells: &[Cell]) -> Vec<&str> {
        cells.iter().map(|cell| cell.track.publisher.as_str()).collect()
    }

    #[test]
    fn the_main_picture_is_the_rooms_choice_then_the_floor_holder_then_who_came_first() {
        let live = [camera("a"), camera("b"), camera("c")];
        let mut notes = vec![here("a"), here("b"), here("c")];
        assert_eq!(shown(&lay(&scene(&notes), &live, &[])), ["a", "b", "c"]);
        notes.push(floor("b"));
        assert_eq!(shown(&lay(&scene(&notes), &live, &[])), ["b", "a", "c"]);
        notes.push(JournalNote::MainPicture { track: Some(camera("c")) });
        let cells = lay(&scene(&notes), &live, &[]);
        assert_eq!(shown(&cells), ["c", "b", "a"]);
        assert!(cells[1].has_floor && !cells[0].has_floor);
        notes.push(JournalNote::Present { publisher: "c".into(), present: false });
        assert_eq!(shown(&lay(&scene(&notes), &live, &[])), ["b", "a"]);
    }

    #[test]
    fn who_spoke_last_is_first_beside_the_main_picture_and_a_site_without_camera_is_last() {
        let live = [camera("a"), camera("b"), camera("d")];
        let notes =
            [here("c"), here("a"), here("b"), here("d"), floor("a"), floor("d"), floor("b")];
        let mut scene = scene(&notes);
        scene.apply(&JournalNote::MainPicture { track: Some(camera("b")) });
        scene.apply(&JournalNote::Floor { publisher: None });
        assert_eq!(shown(&lay(&scene, &live, &[])), ["b", "d", "a", "c"]);
    }

    #[test]
    fn a_shared_screen_as_main_picture_leaves_its_publishers_camera_beside() {
        let screen = TrackKey { publisher: "a".into(), source: Source::Screen };
        let live = [camera("a"), screen.clone()];
        let mut scene = scene(&[here("a")]);
        scene.apply(&JournalNote::MainPicture { track: Some(screen.clone()) });
        let cells = lay(&scene, &live, &[]);
        assert_eq!(cells.iter().map(|cell| &cell.track).collect::<Vec<_>>(), [&screen, &live[0]]);
        assert_eq!(shown(&lay(&scene, &live[..1], &[])), ["a"]);
    }

    #[test]
    fn publishers_that_the_room_never_named_are_shown_while_they_send() {
        let cells = lay(&Scene::default(), &[camera("whip")], &["radio".into()]);
        assert_eq!(shown(&cells), ["whip", "radio"]);
        assert!(lay(&Scene::default(), &[], &[]).is_empty());
    }

    fn on_air(layout: SceneLayout, places: &[&str]) -> SceneNote {
        let places = places.iter().map(|it| (*it).to_owned()).collect();
        SceneNote { layout, places, text: String::new() }
    }

    fn any_scene() -> impl Strategy<Value = Option<SceneNote>> {
        let layouts = [
            SceneLayout::Main,
            SceneLayout::Sides,
            SceneLayout::Grid4,
            SceneLayout::Grid9,
            SceneLayout::Grid16,
            SceneLayout::Grid25,
            SceneLayout::Document,
            SceneLayout::Recess,
        ];
        let layout = prop::sample::select(layouts.to_vec());
        let places = prop::collection::vec((0_u8..14).prop_map(|n| format!("s{n}")), 0..6);
        let scene = (layout, places);
        prop::option::of(scene.prop_map(|(layout, places)| SceneNote {
            layout,
            places,
            text: String::new(),
        }))
    }

    #[test]
    fn the_composed_picture_follows_the_scene_that_was_on_every_screen() {
        let screen = TrackKey { publisher: "c".into(), source: Source::Screen };
        let live = [camera("a"), camera("b"), camera("c"), camera("d"), screen.clone()];
        let mut scene = scene(&[here("a"), here("b"), here("c"), here("d"), floor("b")]);
        scene.apply(&JournalNote::MainPicture { track: Some(camera("a")) });
        let show = |scene: &mut Scene, note: Option<SceneNote>| {
            scene.apply(&JournalNote::Scene { on_air: note });
            lay(scene, &live, &[])
        };
        let cells = show(&mut scene, Some(on_air(SceneLayout::Grid4, &["d", "gone"])));
        assert_eq!(
            shown(&cells),
            ["d", "a", "c", "b"],
            "who was put there, the main one, a screen, the speaker"
        );
        assert_eq!(cells[2].track, screen);
        assert!(cells.iter().all(|it| it.rect.width == cells[0].rect.width && !it.is_main));
        let cells = show(&mut scene, Some(on_air(SceneLayout::Document, &[])));
        assert_eq!((shown(&cells), &cells[0].track), (vec!["c", "b"], &screen));
        assert_eq!(shown(&show(&mut scene, Some(on_air(SceneLayout::Main, &[])))), ["a"]);
        assert!(show(&mut scene, Some(on_air(SceneLayout::Recess, &[]))).is_empty());
        assert!(scene.is_recess());
        assert_eq!(shown(&show(&mut scene, None))[0], "a");
    }

    #[test]
    fn a_page_that_never_sends_anything_takes_no_place() {
        let scene = scene(&[here("secretary"), here("a")]);
        assert_eq!(shown(&lay(&scene, &[camera("a")], &[])), ["a"]);
    }

    proptest! {
        #[test]
        fn cells_lie_on_the_canvas_above_the_bar_and_apart_and_nobody_is_shown_twice(
            sites in prop::collection::vec((0_u8..12, any::<bool>(), any::<bool>()), 0..20),
            main in 0_u8..14, holder in 0_u8..14, on_air in any_scene(),
        ) {
            let name = |n: u8| format!("s{n}");
            let mut scene = Scene::default();
            let mut live = Vec::new();
            for (n, is_here, has_camera) in &sites {
                scene.apply(&JournalNote::Present { publisher: name(*n), present: *is_here });
                if *has_camera && !live.contains(&camera(&name(*n))) { live.push(camera(&name(*n))); }
            }
            scene.apply(&JournalNote::MainPicture { track: Some(camera(&name(main))) });
            scene.apply(&floor(&name(holder)));
            let is_grid = on_air.as_ref().is_some_and(|it| it.layout.n_places() != 5 && it.layout.n_places() != 0);
            let n_max = on_air.as_ref().map_or(0, |it| it.layout.n_places()).max(1 + SIDES_MAX);
            scene.apply(&JournalNote::Scene { on_air });
            let cells = lay(&scene, &live, &[]);
            prop_assert!(cells.len() <= n_max);
            let n_main = if is_grid { 0 } else { cells.len().min(1) };
            prop_assert_eq!(cells.iter().filter(|cell| cell.is_main).count(), n_main);
            for (n, cell) in cells.iter().enumerate() {
                let r = cell.rect;
                prop_assert!(r.x + r.width <= WIDTH && r.y + r.height <= BAR.y);
                for other in &cells[n + 1..] {
                    let o = other.rect;
                    prop_assert!(cell.track != other.track);
                    prop_assert!(r.x + r.width <= o.x || o.x + o.width <= r.x
                        || r.y + r.height <= o.y || o.y + o.height <= r.y);
                }
            }
        }
    }
}
