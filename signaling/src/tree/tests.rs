//! The tree's laws: no circle, nobody without a way to the root, no flapping; refusals by name.

use proptest::prelude::*;

use super::*;

fn joining(name: &str, parent: Option<&str>) -> Joining {
    Joining {
        name: name.into(),
        parent: parent.map(Into::into),
        addresses: vec!["127.0.0.1:8190".into()],
        program: "0.1.0".into(),
    }
}

/// Province, two clusters, two leaves each.
fn province() -> Tree {
    let mut tree = Tree::new("tinh", vec!["127.0.0.1:1".into()], "0.1.0");
    let nodes = [
        ("bac", "tinh"),
        ("nam", "tinh"),
        ("b1", "bac"),
        ("b2", "bac"),
        ("n1", "nam"),
        ("n2", "nam"),
    ];
    for (name, parent) in nodes {
        tree.join(joining(name, Some(parent)), 0).expect("a good node");
    }
    tree
}

fn names(list: &[ParentNode]) -> Vec<&str> {
    list.iter().map(|it| it.name.as_str()).collect()
}

#[test]
fn what_cannot_join_is_refused_by_name() {
    let mut tree = province();
    let refused = |tree: &mut Tree, it: Joining| tree.join(it, 1).expect_err("refused");
    assert_eq!(refused(&mut tree, joining("bac", None)), NodeRefusal::NameTaken);
    assert_eq!(refused(&mut tree, joining("tinh", None)), NodeRefusal::NameTaken);
    assert_eq!(refused(&mut tree, joining("a b", None)), NodeRefusal::NameInvalid);
    assert_eq!(refused(&mut tree, joining("x", Some("y"))), NodeRefusal::ParentUnknown);
    assert_eq!(refused(&mut tree, joining("x", Some("x"))), NodeRefusal::ParentCircle);
    tree.gone("bac");
    assert_eq!(refused(&mut tree, joining("bac", Some("b1"))), NodeRefusal::ParentCircle);
    let nowhere = Joining { addresses: vec!["localhost".into()], ..joining("x", None) };
    assert_eq!(refused(&mut tree, nowhere), NodeRefusal::AddressInvalid);
    assert_eq!(tree.join(joining("bac", Some("tinh")), 2), Ok(()), "a dead node comes back");
}

#[test]
fn the_tree_has_a_limit() {
    let mut tree = Tree::new("tinh", Vec::new(), "0.1.0");
    for i in 1..NODES_MAX {
        tree.join(joining(&format!("n{i}"), None), 0).expect("there is room");
    }
    assert_eq!(tree.join(joining("one-more", None), 0), Err(NodeRefusal::TreeFull));
    tree.gone("n1");
    assert_eq!(tree.join(joining("n1", None), 0), Ok(()), "who was there may come back");
}

#[test]
fn a_node_is_told_parent_grandparent_and_a_sibling_of_a_smaller_name() {
    let tree = province();
    assert_eq!(names(&tree.parents("b2", 0)), ["bac", "tinh", "b1"]);
    assert_eq!(names(&tree.parents("b1", 0)), ["bac", "tinh"]);
    assert_eq!(names(&tree.parents("nam", 0)), ["tinh", "bac"]);
}

#[test]
fn a_lost_parent_comes_back_into_favour_later_each_time() {
    let mut tree = province();
    tree.attached("b2", "bac");
    tree.parent_lost("b2", "bac", 1_000);
    assert_eq!(names(&tree.parents("b2", 1_001)), ["tinh", "b1", "bac"]);
    assert_eq!(names(&tree.parents("b2", 1_000 + AVOIDED_MS))[0], "bac");
    tree.parent_lost("b2", "bac", 60_000);
    assert_eq!(names(&tree.parents("b2", 60_000 + AVOIDED_MS))[0], "tinh");
    assert_eq!(names(&tree.parents("b2", 60_000 + 2 * AVOIDED_MS))[0], "bac");
}

#[test]
fn a_node_hears_of_its_parents_only_when_something_changed() {
    let mut tree = province();
    assert_eq!(tree.orders(0).len(), 6, "each hears its first list");
    assert!(tree.orders(1).is_empty());
    tree.attached("b1", "bac");
    tree.gone("bac");
    let told = tree.orders(2);
    // `b1` still hangs on it by its trunk, so nothing changes there: only the trunk's own ends know whether it is dead.
    let changed: Vec<_> = told.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(changed, ["b2", "nam"]);
}

#[test]
fn a_silent_node_is_dead_after_three_heartbeats_and_the_root_never() {
    let mut tree = province();
    for name in ["nam", "b1", "b2", "n1", "n2"] {
        tree.heard(name, 500);
    }
    assert!(tree.dead(SILENT_MS).is_empty());
    assert_eq!(tree.dead(SILENT_MS + 1), ["bac"]);
    tree.gone("bac");
    assert_eq!(tree.state("bac"), NodeState::Gone);
    assert!(tree.dead(SILENT_MS + 1).is_empty(), "it is told once");
    assert!(!tree.forget("bac"), "others are meant to be under it");
    tree.gone("b1");
    assert!(tree.forget("b1"));
}

/// What may happen to a tree.
#[derive(Clone, Debug)]
enum Event {
    Join(usize, usize),
    Gone(usize),
    /// The node's trunk dies and it takes the `n`th of its list.
    Cut(usize, usize),
    Wait(u64),
    Drain(usize, bool),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0..9_usize, 0..9_usize).prop_map(|(a, b)| Event::Join(a, b)),
        (0..9_usize).prop_map(Event::Gone),
        (0..9_usize, 0..4_usize).prop_map(|(a, n)| Event::Cut(a, n)),
        (1..700_000_u64).prop_map(Event::Wait),
        (0..9_usize, any::<bool>()).prop_map(|(a, on)| Event::Drain(a, on)),
    ]
}

fn apply(tree: &mut Tree, event: &Event, now: &mut u64) {
    let name = |i: usize| if i == 0 { "tinh".to_owned() } else { format!("n{i}") };
    match event {
        // A refusal changes nothing, which the laws below see.
        Event::Join(a, b) => drop(tree.join(joining(&name(*a), Some(&name(*b))), *now)),
        Event::Gone(a) => tree.gone(&name(*a)),
        Event::Cut(a, nth) => {
            let it = name(*a);
            if let Some(parent) = tree.member(&it).and_then(|it| it.attached.clone()) {
                tree.parent_lost(&it, &parent, *now);
            }
            let list = tree.parents(&it, *now);
            if tree.member(&it).is_some_and(|it| it.is_up)
                && let Some(next) = list.get(nth % list.len().max(1))
            {
                tree.attached(&it, &next.name);
            }
        }
        Event::Wait(ms) => *now += ms,
        Event::Drain(a, on) => drop(tree.drain(&name(*a), *on)),
    }
}

proptest! {
    #[test]
    fn whatever_happens_every_living_node_has_a_way_to_the_root_and_no_circle_closes(
        events in proptest::collection::vec(event(), 0..60),
    ) {
        let mut tree = Tree::new("tinh", vec!["127.0.0.1:1".into()], "0.1.0");
        let mut now = 0;
        for event in &events {
            apply(&mut tree, event, &mut now);
            for (name, member) in tree.members() {
                let mut at = name;
                let mut steps = 0;
                while let Some(up) = tree.parent_of(at) {
                    at = up;
                    steps += 1;
                    prop_assert!(steps <= tree.members().count(), "{name} is in a circle");
                }
                prop_assert_eq!(at, "tinh");
                if member.is_up && name != "tinh" {
                    let list = tree.parents(name, now);
                    prop_assert!(list.iter().any(|it| it.name == "tinh"), "{} has no way", name);
                    prop_assert!(list.len() <= PARENTS_MAX);
                }
            }
        }
    }
}
