//! One room over several media nodes: real processes, joined by real trunks on the loopback.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::client::offer::Media;
use crate::client::system::CpuClock;
use crate::client::{Identity, Load, quantile};
use crate::support::{BINARY, MediaNode, Node, PATIENCE, media, node_token, run_to_end};

/// The province with a cluster below it and a commune below that.
struct Tree {
    province: Node,
    cluster: Option<MediaNode>,
    _commune: MediaNode,
    load: Load,
    data: tempfile::TempDir,
}

fn tree() -> Tree {
    let data = tempfile::tempdir().unwrap();
    let province = Node::start(data.path(), &["--open-rooms"]);
    let token = node_token(data.path());
    let cluster = MediaNode::start(province.http, &token, "cum-1", None);
    let commune = MediaNode::start(province.http, &token, "xa-1", Some("cum-1"));
    let load = Load::new(&Identity::new(), Some(province.http), true);
    Tree { province, cluster: Some(cluster), _commune: commune, load, data }
}

/// What `diemcau topology` prints.
fn topology(data: &Path, province: &Node) -> String {
    let mut command = Command::new(BINARY);
    command.arg("topology").arg("--data").arg(data);
    command.args(["--http", &province.http.to_string()]);
    let output = run_to_end(command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

impl Tree {
    fn topology(&self) -> String {
        topology(self.data.path(), &self.province)
    }

    /// A figure of the province's trunk to the cluster.
    fn trunk_bytes(&self, direction: &str) -> u64 {
        let text = self.province.get("/metrics", "").text();
        let name = format!("diemcau_trunk_{direction}_bytes_total{{trunk=\"cum-1\"}} ");
        let line = text.lines().find_map(|it| it.strip_prefix(&name));
        line.map_or(0, |it| it.parse().expect("a number"))
    }

    /// Bytes a second from the province to the cluster, between two moments at which they were counted.
    fn trunk_rate(&mut self, length: Duration) -> f64 {
        let counted = |tree: &mut Self| {
            let (before, deadline) = (tree.trunk_bytes("sent"), Instant::now() + PATIENCE);
            loop {
                tree.load.run(Duration::from_millis(10));
                let bytes = tree.trunk_bytes("sent");
                if bytes != before {
                    return (bytes, Instant::now());
                }
                assert!(Instant::now() < deadline, "nothing crosses the trunk");
            }
        };
        let (before, began) = counted(self);
        self.load.run(length);
        let (after, ended) = counted(self);
        (after - before) as f64 / (ended - began).as_secs_f64()
    }

    /// The longest time in which a receiver got nothing, while the load runs for so long.
    fn longest_gap(&mut self, receiver: usize, length: Duration) -> Duration {
        let (began, mut last) = (Instant::now(), Instant::now());
        let (mut n, mut longest) = (self.load.received(receiver), Duration::ZERO);
        while began.elapsed() < length {
            self.load.run(Duration::from_millis(5));
            let now = self.load.received(receiver);
            if now != n {
                (n, last) = (now, Instant::now());
            }
            longest = longest.max(last.elapsed());
        }
        longest
    }
}

#[test]
fn a_stream_reaches_every_level_of_the_tree_from_every_other() {
    let mut tree = tree();
    let load = &mut tree.load;
    load.publish("/whip/r/tinh?node=root", Media::Video, 0.0);
    load.publish("/whip/r/xa?node=xa-1", Media::Video, 0.3);
    load.publish("/whip/r/giong?node=xa-1", Media::Audio, 0.6);
    load.connect();
    for node in ["root", "cum-1", "xa-1"] {
        let path = format!("/whep/r/nhan-{node}?of=tinh,xa,giong&node={node}");
        load.receive(&path, &[Media::Audio, Media::Video, Media::Video]);
    }
    load.connect();
    load.run_until("all streams at all levels", |load| load.live_streams() == 9);
    let window = load.measure(Duration::from_secs(3), CpuClock::of_process(tree.province.pid()));
    let tally = window.tally;
    eprintln!(
        "delay through up to three nodes: median {} us, 99th percentile {} us",
        quantile(&window.delays_us, 0.5),
        quantile(&window.delays_us, 0.99)
    );
    assert_eq!((tally.broken, tally.strange), (0, 0), "{tally:?}");
    assert!(tally.checked > 10 && tally.expected - tally.received < 10, "{tally:?}");
    assert!(tree.trunk_bytes("sent") > 100_000 && tree.trunk_bytes("received") > 100_000);
}

#[test]
fn what_nobody_beyond_wants_does_not_cross_and_receivers_do_not_count() {
    let mut tree = tree();
    tree.load.publish("/whip/r/tinh?node=root", Media::Video, 0.0);
    tree.load.connect();
    tree.load.run(Duration::from_secs(2));
    let idle = tree.trunk_bytes("sent");
    tree.load.run(Duration::from_secs(3));
    let unwanted = tree.trunk_bytes("sent") - idle;
    assert!(unwanted < 10_000, "{unwanted} bytes of a stream that nobody watches");
    tree.load.receive("/whep/r/r0?of=tinh&node=xa-1", &[Media::Video]);
    tree.load.connect();
    tree.load.run_until("one receiver", |load| load.live_streams() == 1);
    let one = tree.trunk_rate(Duration::from_secs(5));
    for n in 1..75 {
        tree.load.receive(&format!("/whep/r/r{n}?of=tinh&node=xa-1"), &[Media::Video]);
    }
    tree.load.connect();
    tree.load.run_until("all receivers", |load| load.live_streams() == 75);
    let many = tree.trunk_rate(Duration::from_secs(5));
    let ratio = many / one;
    eprintln!(
        "trunk with 1 receiver below: {one:.0} B/s; with 75: {many:.0} B/s; ratio {ratio:.4}"
    );
    assert!((0.95..1.05).contains(&ratio), "{ratio}");
}

/// A tree with a picture from the province to the commune, and its receiver.
fn watching() -> (Tree, usize) {
    let mut tree = tree();
    tree.load.publish("/whip/r/tinh?node=root", Media::Video, 0.0);
    tree.load.connect();
    let receiver = tree.load.receive("/whep/r/r0?of=tinh&node=xa-1", &[Media::Video]);
    tree.load.connect();
    tree.load.run_until("the picture", |load| load.live_streams() == 1);
    tree.load.run(Duration::from_secs(1));
    (tree, receiver)
}

#[test]
fn a_commune_whose_cluster_is_killed_goes_to_the_province_by_itself() {
    let (mut tree, receiver) = watching();
    tree.cluster.take().unwrap().kill();
    let gap = tree.longest_gap(receiver, Duration::from_secs(5));
    eprintln!("the picture was away for {} ms", gap.as_millis());
    assert!(gap < Duration::from_secs(3), "{gap:?}");
    let before = tree.load.received(receiver);
    tree.load.run(Duration::from_secs(1));
    assert!(tree.load.received(receiver)[0] > before[0] + 20, "it goes on");
}

#[test]
fn a_black_hole_is_found_and_left_and_what_comes_back_is_taken_in_again() {
    let (mut tree, receiver) = watching();
    // Its sockets stay open and nothing comes out of them.
    tree.cluster.as_ref().unwrap().signal("STOP");
    let gap = tree.longest_gap(receiver, Duration::from_secs(5));
    eprintln!("the picture was away for {} ms", gap.as_millis());
    assert!(gap < Duration::from_millis(2_500), "{gap:?}");
    tree.cluster.as_ref().unwrap().signal("CONT");
    let deadline = Instant::now() + PATIENCE;
    while !tree.topology().contains("cum-1  up") {
        assert!(Instant::now() < deadline, "{}", tree.topology());
        tree.load.run(Duration::from_millis(100));
    }
    tree.load.receive("/whep/r/r1?of=tinh&node=cum-1", &[Media::Video]);
    tree.load.connect();
    tree.load.run_until("the picture at the node that came back", |load| load.live_streams() == 2);
}

/// `cargo test --test e2e cascade_figures -- --ignored --nocapture --test-threads 1`
#[test]
#[ignore = "figures for docs/performance.md: ten minutes"]
fn cascade_figures_of_a_hundred_kills() {
    let mut gaps: Vec<u32> = (0..100)
        .map(|_| {
            let (mut tree, receiver) = watching();
            tree.cluster.take().unwrap().kill();
            tree.longest_gap(receiver, Duration::from_secs(4)).as_millis() as u32
        })
        .collect();
    gaps.sort_unstable();
    eprintln!("ms without a picture, ascending: {gaps:?}");
    assert!(quantile(&gaps, 0.5) <= 1_000 && quantile(&gaps, 0.99) <= 3_000);
}

/// As above.
#[test]
#[ignore = "figures for docs/performance.md"]
fn cascade_figures_of_each_level() {
    for node in ["root", "cum-1", "xa-1"] {
        let mut tree = tree();
        tree.load.publish("/whip/r/tinh?node=root", Media::Video, 0.0);
        tree.load.connect();
        let asked = Instant::now();
        let receiver =
            tree.load.receive(&format!("/whep/r/r0?of=tinh&node={node}"), &[Media::Video]);
        tree.load.connect();
        tree.load.run_until("the picture", |load| load.live_streams() == 1);
        let [_, connected, first] = tree.load.join_times(receiver);
        eprintln!(
            "{node}: asked, connected, first picture: {:?} {connected:?} {first:?}",
            asked.elapsed()
        );
        tree.load.run(Duration::from_secs(2));
        let watched = CpuClock::of_process(tree.province.pid());
        let window = tree.load.measure(Duration::from_secs(10), watched);
        let us = |share| quantile(&window.delays_us, share);
        eprintln!("{node}: delay median {} us, 99th percentile {} us", us(0.5), us(0.99));
        eprintln!("{node}: the generator was late by {:?} us", quantile(&window.late_us, 0.99));
    }
}

#[test]
fn a_node_that_may_not_join_is_told_why_and_the_tree_is_shown() {
    let data = tempfile::tempdir().unwrap();
    let province = Node::start(data.path(), &[]);
    let token = node_token(data.path());
    let refused = |token: &str, name: &str, parent: Option<&str>| {
        let output = run_to_end(media(province.http, token, name, parent));
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused("wrong", "cum-1", None).contains("the token is wrong"));
    assert!(refused(&token, "cum 1", None).contains("its name is not"));
    assert!(refused(&token, "root", None).contains("has this name"));
    assert!(refused(&token, "cum-1", Some("cum-9")).contains("no node of the name"));
    let topology = || topology(data.path(), &province);
    assert!(topology().starts_with("root  up  0 of 150 sites"));
    let living = MediaNode::start(province.http, &token, "cum-1", None);
    assert!(topology().contains("└─ cum-1  up"), "{}", topology());
    assert!(refused(&token, "cum-1", None).contains("has this name"));
    living.kill();
    MediaNode::start(province.http, &token, "cum-1", None);
}
