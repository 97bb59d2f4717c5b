//! 20 publishers and 20 receivers for as long as `SOAK` says: memory has to be flat after a minute.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::peer::Peer;
use crate::process;
use crate::publisher::Publisher;
use crate::support::Node;

/// Publishers, and as many receivers.
const PEERS: usize = 20;

/// Each receiver has lines for so many pictures and voices.
const VIDEOS: usize = 2;
const AUDIOS: usize = 1;

/// How often memory is read.
const SAMPLE: Duration = Duration::from_secs(10);

/// What a longer run must not be longer than: a bench stops by itself.
const SECONDS_MAX: u64 = 3_600;

/// `SOAK` seconds, 60 if it says nothing.
pub fn seconds() -> u64 {
    std::env::var("SOAK").ok().and_then(|text| text.parse().ok()).unwrap_or(60).min(SECONDS_MAX)
}

pub fn measure(seconds: u64) -> Value {
    println!("soak: {PEERS} publishers and {PEERS} receivers for {seconds} s");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(dir.path(), &["--open-rooms"]);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, run(&node, Duration::from_secs(seconds)))
}

async fn run(node: &Node, length: Duration) -> Value {
    let end = Instant::now() + length + Duration::from_secs(15);
    let mut tasks = Vec::new();
    for index in 0..PEERS {
        let ssrc = 10_000 + u32::try_from(index).expect("small") * 10;
        let mut peer = Peer::publish(node.http, &format!("/whip/soak/p{index}"), ssrc).await;
        peer.connect().await;
        tasks.push(tokio::task::spawn_local(async move {
            Publisher::new(peer, true).run(end).await;
            (0, 0)
        }));
    }
    for index in 0..PEERS {
        // Each one watches two others.
        let of = format!("p{},p{}", (index + 1) % PEERS, (index + 2) % PEERS);
        let path = format!("/whep/soak/r{index}?of={of}");
        let mut peer = Peer::receive(node.http, &path, VIDEOS, AUDIOS).await;
        peer.connect().await;
        tasks.push(tokio::task::spawn_local(async move {
            while Instant::now() < end {
                peer.turn(end).await;
            }
            peer.totals()
        }));
    }
    let mut samples = Vec::new();
    let began = Instant::now();
    while began.elapsed() < length {
        tokio::time::sleep(SAMPLE.min(length)).await;
        let (at, rss) = (began.elapsed().as_secs(), process::rss_kib(node.pid()));
        println!("  after {at:>4} s               {rss:>8} KiB");
        samples.push((at, rss));
    }
    let (mut received, mut lost) = (0, 0);
    for task in tasks {
        let (packets, missing) = task.await.expect("a connection does not fail");
        received += packets;
        lost += missing;
    }
    let settled = samples.iter().find(|(at, _)| *at >= 60).or_else(|| samples.first());
    let growth = match (settled, samples.last()) {
        (Some(first), Some(last)) => last.1 as f64 / first.1 as f64 - 1.0,
        _ => 0.0,
    };
    println!("  growth since first minute {:>8.1} %", growth * 100.0);
    println!("  received                  {received:>8}\n  lost                      {lost:>8}");
    json!({"seconds": length.as_secs(), "rss_kib": samples, "growth": growth, "received": received, "lost": lost})
}
