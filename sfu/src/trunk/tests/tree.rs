//! Trees of nodes without sockets: who takes what comes to hear of it, and every packet crosses every trunk at most
//! once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use protocol::media::Source;

use super::{about, start};
use crate::trunk::frame::{About, Frame, Why};
use crate::trunk::relay::{Output, Relay};
use crate::trunk::{HOPS_MAX, LAYERS_ALL, LayerSet};

/// The node at the other end of a trunk, and the trunk's place there.
type Far = (usize, usize);

#[derive(Default)]
struct Node {
    relay: Relay,
    rooms_here: BTreeSet<String>,
    trunks: Vec<Option<Far>>,
    /// Tracks that came over trunks, by number.
    known: BTreeMap<u32, (String, About)>,
    /// Tracks published here, by number.
    published: BTreeMap<u32, (String, About)>,
    watched: BTreeMap<u32, LayerSet>,
    /// What is said to be wanted by others.
    wanted: BTreeMap<u32, LayerSet>,
    n_key_frames: usize,
}

struct Tree {
    nodes: Vec<Node>,
    parents: Vec<usize>,
    now: Instant,
    /// Frames that crossed.
    n_frames: usize,
}

impl Tree {
    /// Node 0 is the root; node n + 1 is below `parents[n]`.
    fn new(parents: &[usize]) -> Self {
        let nodes = (0..=parents.len()).map(|_| Node::default()).collect();
        let parents: Vec<usize> = [&[0], parents].concat();
        let mut tree = Self { nodes, parents, now: start(), n_frames: 0 };
        (1..tree.nodes.len()).for_each(|child| tree.attach(child));
        tree
    }

    fn attach(&mut self, child: usize) {
        let parent = self.parents[child];
        let above = self.nodes[child].relay.attach(true).unwrap();
        let below = self.nodes[parent].relay.attach(false).unwrap();
        for (node, trunk, far) in [(child, above, (parent, below)), (parent, below, (child, above))]
        {
            let trunks = &mut self.nodes[node].trunks;
            trunks.resize(trunks.len().max(trunk + 1), None);
            trunks[trunk] = Some(far);
        }
        self.deliver();
    }

    fn detach(&mut self, child: usize) {
        let parent = self.parents[child];
        let above =
            self.nodes[child].trunks.iter().position(|it| it.is_some_and(|it| it.0 == parent));
        let Some(above) = above else { return };
        let Some((_, below)) = self.nodes[child].trunks[above].take() else { return };
        self.nodes[parent].trunks[below] = None;
        self.nodes[child].relay.detach(above, self.now);
        self.nodes[parent].relay.detach(below, self.now);
        self.deliver();
    }

    fn pass(&mut self, ms: u64) {
        for _ in 0..ms / 100 {
            self.now += Duration::from_millis(100);
            self.nodes.iter_mut().for_each(|it| it.relay.handle_timeout(self.now));
            self.deliver();
        }
    }

    /// Until nobody says anything more.
    fn deliver(&mut self) {
        let mut crossing: VecDeque<(usize, usize, Vec<u8>)> = VecDeque::new();
        loop {
            for node in &mut self.nodes {
                while let Some(output) = node.relay.poll() {
                    if let Some((to, trunk, frame)) = node.take(output) {
                        let mut bytes = Vec::new();
                        frame.write(&mut bytes);
                        crossing.push_back((to, trunk, bytes));
                    }
                }
            }
            let Some((to, trunk, bytes)) = crossing.pop_front() else { return };
            self.n_frames += 1;
            assert!(self.n_frames < 1_000_000, "they never stop talking");
            let frame = Frame::read(&bytes[2..]).unwrap();
            self.nodes[to].relay.handle(trunk, frame, self.now).unwrap();
        }
    }

    /// Sends one packet of a track published at a node. Returns how often it came to each node.
    fn packet(&self, node: usize, track: u32, layer: u8) -> BTreeMap<usize, usize> {
        let mut came: BTreeMap<usize, usize> = BTreeMap::new();
        let mut crossing = vec![(node, track)];
        while let Some((node, track)) = crossing.pop() {
            let takers = self.nodes[node].relay.takers(track, layer);
            for trunk in (0..64).filter(|trunk| takers >> trunk & 1 == 1) {
                let (to, place) = self.nodes[node].trunks[trunk].unwrap();
                *came.entry(to).or_default() += 1;
                assert!(came[&to] < 9, "a circle");
                crossing.extend(self.nodes[to].relay.track_of(place, track).map(|it| (to, it)));
            }
        }
        came
    }

    /// The way up as far as it is attached, the node itself first.
    fn way_up(&self, node: usize) -> Vec<usize> {
        let mut way = vec![node];
        loop {
            let at = way[way.len() - 1];
            let parent = self.parents[at];
            let is_attached = |it: &Option<Far>| it.is_some_and(|it| it.0 == parent);
            if at == 0 || !self.nodes[at].trunks.iter().any(is_attached) {
                return way;
            }
            way.push(parent);
        }
    }

    /// The nodes between one and another, the other included; `None` if they are not connected.
    fn path(&self, from: usize, to: usize) -> Option<BTreeSet<usize>> {
        let (up, down) = (self.way_up(from), self.way_up(to));
        let meeting = up.iter().find(|it| down.contains(it))?;
        let before = |it: &&usize| *it != meeting;
        let way = up.iter().take_while(before).chain(down.iter().take_while(before));
        Some(way.chain([meeting]).copied().filter(|it| *it != from).collect())
    }

    /// Whoever is in a room knows all of it, and packets go exactly where they are watched.
    fn check(&self) {
        for (at, node) in self.nodes.iter().enumerate() {
            for (track, (room, about)) in &node.published {
                let mut expected: [BTreeSet<usize>; 3] = Default::default();
                for (to, other) in self.nodes.iter().enumerate().filter(|(to, _)| *to != at) {
                    let same = |it: &(String, About)| it.0 == *room && it.1.key == about.key;
                    let known = other.known.iter().find(|(_, it)| same(it)).map(|it| *it.0);
                    let Some(path) = self.path(at, to) else {
                        assert_eq!(known, None, "{to} cannot know {about:?} of {at}");
                        continue;
                    };
                    let is_here = other.is_here(room);
                    assert_eq!(known.is_some(), is_here, "{to} of {:?} of {at}", about.key);
                    let layers = known.and_then(|it| other.watched.get(&it)).copied().unwrap_or(0);
                    for (layer, expected) in expected.iter_mut().enumerate() {
                        expected.extend(path.iter().filter(|_| layers >> layer & 1 == 1));
                    }
                }
                for (layer, expected) in expected.iter().enumerate() {
                    let came = self.packet(at, *track, layer as u8);
                    assert!(came.values().all(|it| *it == 1), "twice over one trunk: {came:?}");
                    assert_eq!(came.keys().copied().collect::<BTreeSet<_>>(), *expected);
                    let wanted = node.wanted.get(track).is_some_and(|it| it >> layer & 1 == 1);
                    assert_eq!(wanted, !expected.is_empty(), "what its publisher was told");
                }
            }
        }
    }
}

impl Node {
    fn is_here(&self, room: &str) -> bool {
        self.rooms_here.contains(room)
    }

    /// Does what the relay asks for; what is to be said crosses.
    fn take(&mut self, output: Output) -> Option<(usize, usize, Frame)> {
        match output {
            Output::Say(trunk, frame) => {
                let (to, place) = self.trunks.get(trunk).copied().flatten()?;
                return Some((to, place, frame));
            }
            Output::Began { room, track, about } => {
                self.known.insert(track, (room, *about));
            }
            Output::Ended { track } => {
                self.known.remove(&track);
                self.published.remove(&track);
                self.watched.remove(&track);
            }
            Output::Wanted { track, layers } => {
                self.wanted.insert(track, layers);
            }
            Output::KeyFrame { .. } => self.n_key_frames += 1,
            Output::Again { .. } | Output::Clock { .. } => {}
        }
        None
    }
}

impl Tree {
    fn set_here(&mut self, node: usize, room: &str, is_here: bool) {
        let it = &mut self.nodes[node];
        assert!(it.relay.set_here(room, is_here, self.now));
        if is_here {
            it.rooms_here.insert(room.to_owned());
        } else {
            it.rooms_here.remove(room);
            let gone: Vec<u32> =
                it.known.iter().filter(|(_, about)| about.0 == room).map(|it| *it.0).collect();
            gone.iter().for_each(|track| {
                it.known.remove(track);
                it.watched.remove(track);
            });
        }
        self.deliver();
    }

    fn publish(&mut self, node: usize, room: &str, about: About) -> Option<u32> {
        let it = &mut self.nodes[node];
        let track = it.relay.publish(room, about.clone(), self.now)?;
        it.published.insert(track, (room.to_owned(), about));
        self.deliver();
        Some(track)
    }

    fn watch(&mut self, node: usize, track: u32, layers: LayerSet) {
        self.nodes[node].watched.insert(track, layers);
        self.nodes[node].relay.watch(track, layers, self.now);
        self.deliver();
    }

    /// Does what `op` says: what, where, which.
    fn act(&mut self, (what, at, which): (u8, usize, u8)) {
        let at = at % self.nodes.len();
        let room = ["giao-ban", "hop-xa"][usize::from(which) % 2];
        match what {
            0 | 1 => self.set_here(at, room, true),
            2 => self.set_here(at, room, false),
            3 | 4 => {
                let source = Source::ALL[usize::from(which / 2) % 4];
                self.publish(at, room, about(&format!("p{at}"), source));
            }
            5 => {
                let track = self.nodes[at].published.keys().next().copied();
                if let Some(track) = track {
                    self.nodes[at].relay.unpublish(track);
                    self.deliver();
                }
            }
            6 if at > 0 => {
                self.detach(at);
                if which.is_multiple_of(2) {
                    self.parents[at] = self.parents[self.parents[at]];
                    self.attach(at);
                }
            }
            7 if at > 0 && self.way_up(at).len() == 1 => self.attach(at),
            _ => {
                let n = self.nodes[at].known.len().max(1);
                let track = self.nodes[at].known.keys().nth(usize::from(which) % n).copied();
                if let Some(track) = track {
                    self.watch(at, track, which >> 3 & LAYERS_ALL);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn whatever_happens_packets_go_exactly_where_they_are_watched_and_once_over_each_trunk(
        shape in proptest::collection::vec(any::<usize>(), 1..7),
        ops in proptest::collection::vec((0u8..12, any::<usize>(), any::<u8>()), 1..60),
    ) {
        let parents: Vec<usize> = shape.iter().enumerate().map(|(n, it)| it % (n + 1)).collect();
        let mut tree = Tree::new(&parents);
        for op in ops {
            tree.act(op);
            tree.pass(100);
        }
        tree.pass(3_000);
        tree.check();
    }
}

/// A province, a cluster below it, a commune below that; all in one room.
fn chain() -> Tree {
    let mut tree = Tree::new(&[0, 1]);
    (0..3).for_each(|node| tree.set_here(node, "giao-ban", true));
    tree
}

#[test]
fn a_layer_is_asked_for_over_three_levels_once_however_many_watch_it() {
    let mut tree = chain();
    let track = tree.publish(0, "giao-ban", about("tinh", Source::Camera)).unwrap();
    let here = *tree.nodes[2].known.keys().next().unwrap();
    assert_eq!(tree.nodes[2].known[&here].1.hops, 2);
    assert_eq!(tree.nodes[0].wanted.get(&track), None, "nobody beyond wants it");
    let before = tree.n_frames;
    tree.watch(2, here, 0b100);
    (0..75).for_each(|_| tree.watch(2, here, 0b100));
    assert_eq!(tree.n_frames - before, 2, "once over each of two trunks");
    assert_eq!(tree.nodes[0].wanted[&track], 0b100);
    tree.watch(2, here, 0);
    assert_eq!(tree.nodes[0].wanted[&track], 0b100, "to and fro");
    tree.pass(1_800);
    assert_eq!(tree.nodes[0].wanted[&track], 0b100);
    tree.pass(300);
    assert_eq!(tree.nodes[0].wanted[&track], 0, "and not once more at every level");
}

#[test]
fn a_hundred_requests_for_a_key_frame_reach_the_publisher_twice_a_second() {
    let mut tree = chain();
    tree.publish(0, "giao-ban", about("tinh", Source::Camera)).unwrap();
    let here = *tree.nodes[2].known.keys().next().unwrap();
    tree.watch(2, here, 0b100);
    for _ in 0..50 {
        (0..10).for_each(|_| tree.nodes[2].relay.want_key_frame(here, 2, tree.now));
        tree.deliver();
        tree.pass(100);
    }
    assert!((9..=11).contains(&tree.nodes[0].n_key_frames), "{}", tree.nodes[0].n_key_frames);
}

#[test]
fn a_commune_whose_cluster_dies_has_all_again_over_the_province() {
    let mut tree = chain();
    let track = tree.publish(0, "giao-ban", about("tinh", Source::Camera)).unwrap();
    let mine = tree.publish(2, "giao-ban", about("xa", Source::Camera)).unwrap();
    tree.detach(1);
    tree.detach(2);
    assert!(tree.nodes[2].known.is_empty() && tree.nodes[0].known.is_empty());
    tree.parents[2] = 0;
    tree.attach(2);
    let (here, there) =
        (*tree.nodes[2].known.keys().next().unwrap(), *tree.nodes[0].known.keys().next().unwrap());
    tree.watch(2, here, 0b001);
    tree.watch(0, there, 0b010);
    assert_eq!(tree.packet(0, track, 0), BTreeMap::from([(2, 1)]));
    assert_eq!(tree.packet(2, mine, 1), BTreeMap::from([(0, 1)]));
}

#[test]
fn who_comes_in_elsewhere_is_there_and_no_longer_here() {
    let mut tree = Tree::new(&[0, 0]);
    (0..3).for_each(|node| tree.set_here(node, "giao-ban", true));
    tree.publish(1, "giao-ban", about("xa", Source::Camera)).unwrap();
    tree.publish(2, "giao-ban", about("xa", Source::Camera)).unwrap();
    assert!(tree.nodes[1].published.is_empty() && tree.nodes[2].known.is_empty());
    assert_eq!((tree.nodes[0].known.len(), tree.nodes[1].known.len()), (1, 1));
}

#[test]
fn a_peer_that_says_what_it_may_not_is_parted_from() {
    let mut relay = Relay::default();
    let now = start();
    let (above, below) = (relay.attach(true).unwrap(), relay.attach(false).unwrap());
    assert_eq!(relay.attach(true), None, "one parent");
    let room = |room| Frame::Room { room, name: "r".to_owned() };
    assert_eq!(relay.handle(above, room(1), now), Err(Why::Frame), "rooms come from below");
    assert_eq!(relay.handle(below, room(1), now), Ok(()));
    assert_eq!(relay.handle(below, room(2), now), Err(Why::Frame), "the same room again");
    let hops = About { hops: HOPS_MAX, ..about("a", Source::Camera) };
    let circle = Frame::Track { room: 1, track: 1, about: Box::new(hops) };
    assert_eq!(relay.handle(below, circle, now), Err(Why::Frame));
    while relay.poll().is_some() {}
    for frame in [
        Frame::Want { track: 77, layers: LAYERS_ALL },
        Frame::KeyFrame { track: 77, layer: 0 },
        Frame::Lost { track: 77, layer: 0, seqs: vec![1] },
        Frame::TrackGone { track: 77 },
        Frame::RoomGone { room: 77 },
    ] {
        assert_eq!(relay.handle(below, frame, now), Ok(()), "it may have crossed our word");
    }
    assert_eq!(relay.poll(), None);
}
