//! From the offer to ICE and DTLS being through, ten times. (What a person sees, up to the first
//! decoded frame in a browser, is measured by the browser tests and printed there.)

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::peer::{CONNECT_MAX, Peer};
use crate::publisher::Publisher;
use crate::support::Node;

/// Joins.
const TIMES: usize = 10;

/// The library is asked again at least so often: it starts its checks only when it is.
const TICK: Duration = Duration::from_millis(5);

pub fn measure() -> Value {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let node = Node::start(dir.path(), &["--open-rooms"]);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut times = tokio::task::LocalSet::new().block_on(&runtime, run(&node));
    times.sort_unstable();
    let median = times[TIMES / 2];
    let longest = times[TIMES - 1];
    println!("join: offer to connection, {TIMES} times");
    println!(
        "  median                    {median:>8} ms\n  longest                   {longest:>8} ms"
    );
    json!({"median_ms": median, "longest_ms": longest, "times": TIMES})
}

async fn run(node: &Node) -> Vec<u64> {
    let mut publisher = Peer::publish(node.http, "/whip/join/source", 1_000).await;
    publisher.connect().await;
    let end = Instant::now() + Duration::from_secs(60);
    let publishing = tokio::task::spawn_local(Publisher::new(publisher, false).run(end));
    let mut times = Vec::new();
    for index in 0..TIMES {
        let began = Instant::now();
        let mut peer = Peer::receive(node.http, &format!("/whep/join/r{index}"), 1, 0).await;
        while !peer.connected {
            assert!(began.elapsed() < CONNECT_MAX, "no connection came");
            peer.turn(Instant::now() + TICK).await;
        }
        times.push(u64::try_from(began.elapsed().as_millis()).expect("a short time"));
    }
    publishing.abort();
    times
}
