//! One publisher, 50 receivers, about 1 Mbit/s each, the server alone on one core.

use std::fmt;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::peer::Peer;
use crate::publisher::Publisher;
use crate::support::Node;
use crate::{SERVER_CORE, process};

/// Receivers of the one publisher.
pub const RECEIVERS: usize = 50;

/// Before anything is counted: connections, first key frames.
const WARM_UP: Duration = Duration::from_secs(3);

/// All receivers have to be connected by then.
const GATHER_MAX: Duration = Duration::from_secs(30);

/// What is counted.
const RUN: Duration = Duration::from_secs(20);

/// Packets on their way when the run ends are still received.
const TAIL: Duration = Duration::from_millis(500);

pub struct Fanout {
    pub cpu_us_per_packet: f64,
    pub forwarded: u64,
    pub received: u64,
    pub lost: u64,
    /// Packets that the publisher sent, per second: 120 if the load kept its pace.
    pub published_per_s: f64,
    pub core_share: f64,
    pub rss_kib: u64,
}

impl Fanout {
    pub fn to_json(&self) -> Value {
        json!({
            "receivers": RECEIVERS,
            "cpu_us_per_packet": self.cpu_us_per_packet,
            "forwarded": self.forwarded,
            "received": self.received,
            "lost": self.lost,
            "published_per_s": self.published_per_s,
            "core_share": self.core_share,
            "rss_kib": self.rss_kib,
        })
    }
}

impl fmt::Display for Fanout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "product: one publisher to {RECEIVERS} receivers for {} s", RUN.as_secs())?;
        writeln!(f, "  processor time            {:>8.2} µs per packet", self.cpu_us_per_packet)?;
        writeln!(f, "  of one core               {:>8.1} %", self.core_share * 100.0)?;
        writeln!(f, "  published                 {:>8.0} packets/s of 120", self.published_per_s)?;
        writeln!(f, "  forwarded                 {:>8}", self.forwarded)?;
        writeln!(f, "  received, whole run       {:>8}", self.received)?;
        writeln!(f, "  lost                      {:>8}", self.lost)?;
        write!(f, "  memory                    {:>8} KiB", self.rss_kib)
    }
}

pub fn measure() -> Fanout {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(dir.path(), &["--open-rooms"]);
    process::pin(node.pid(), SERVER_CORE);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, run(&node))
}

async fn run(node: &Node) -> Fanout {
    let mut publisher = Peer::publish(node.http, "/whip/bench/source", 1_000).await;
    publisher.connect().await;
    let began = Instant::now();
    let end = began + GATHER_MAX + WARM_UP + RUN;
    let publishing = tokio::task::spawn_local(Publisher::new(publisher, false).run(end));
    let mut receiving = Vec::new();
    for index in 0..RECEIVERS {
        let mut peer = Peer::receive(node.http, &format!("/whep/bench/r{index}"), 1, 0).await;
        peer.connect().await;
        receiving.push(tokio::task::spawn_local(async move {
            while Instant::now() < end + TAIL {
                peer.turn(end + TAIL).await;
            }
            peer.totals()
        }));
    }
    assert!(began.elapsed() < GATHER_MAX, "the receivers took too long to connect");
    tokio::time::sleep(WARM_UP).await;
    let (cpu, forwarded, at) =
        (process::cpu_seconds(node.pid()), forwarded(node).await, Instant::now());
    tokio::time::sleep(RUN).await;
    let cpu = process::cpu_seconds(node.pid()) - cpu;
    let (now_forwarded, elapsed) = (self::forwarded(node).await, at.elapsed());
    let rss_kib = process::rss_kib(node.pid());
    let published = publishing.await.expect("the publisher does not fail");
    let published_per_s = published as f64 / (end - began).as_secs_f64();
    let (mut received, mut lost) = (0, 0);
    for task in receiving {
        let (packets, missing) = task.await.expect("a receiver does not fail");
        assert!(packets > 0, "a receiver got nothing");
        received += packets;
        lost += missing;
    }
    let forwarded = now_forwarded - forwarded;
    assert!(forwarded > 0, "the node counted no forwarded packet");
    Fanout {
        cpu_us_per_packet: cpu * 1e6 / forwarded as f64,
        forwarded,
        received,
        lost,
        published_per_s,
        core_share: cpu / elapsed.as_secs_f64(),
        rss_kib,
    }
}

/// The node's own counter. Asked on a thread of its own: the receivers go on meanwhile.
async fn forwarded(node: &Node) -> u64 {
    metric(node.metrics().await.as_str(), "diemcau_forwarded_packets_total")
}

/// The sum of a metric over its labels.
pub fn metric(text: &str, name: &str) -> u64 {
    text.lines()
        .filter(|line| line.starts_with(name) && !line.starts_with('#'))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .map(|value| value as u64)
        .sum()
}
