//! 20 cameras, 20 microphones and 20 receivers for as long as `SOAK` says: memory has to be flat after a
//! minute, and nothing may be lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::offer::Media;
use crate::client::{Identity, Load};
use crate::{fanout, process};

/// Publishers, and as many receivers.
const PEERS: usize = 20;

/// How often memory is read.
const SAMPLE: Duration = Duration::from_secs(10);

/// What a longer run must not be longer than: a bench stops by itself.
const SECONDS_MAX: u64 = 3_600;

/// Growth is counted from here: until then caches fill.
const SETTLED: u64 = 60;

/// `SOAK` seconds, 60 if it says nothing.
pub fn seconds() -> u64 {
    std::env::var("SOAK").ok().and_then(|text| text.parse().ok()).unwrap_or(60).min(SECONDS_MAX)
}

pub fn measure(identity: &Arc<Identity>, seconds: u64) -> Value {
    println!("soak: {PEERS} cameras, {PEERS} microphones, {PEERS} receivers for {seconds} s");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let node = fanout::start_node(dir.path());
    let mut load = Load::new(identity, Some(node.http), true);
    for index in 0..PEERS {
        let phase = index as f64 / PEERS as f64;
        load.publish(&format!("/whip/soak/p{index}"), Media::Video, phase);
        load.publish(&format!("/whip/soak/v{index}"), Media::Audio, phase);
    }
    load.connect();
    for index in 0..PEERS {
        // Each one watches two others and hears one of them.
        let (one, other) = ((index + 1) % PEERS, (index + 2) % PEERS);
        let path = format!("/whep/soak/r{index}?of=p{one},p{other},v{one}");
        load.receive(&path, &[Media::Audio, Media::Video, Media::Video]);
    }
    load.connect();
    let (began, mut samples) = (Instant::now(), Vec::new());
    while began.elapsed() < Duration::from_secs(seconds) {
        let left = Duration::from_secs(seconds).saturating_sub(began.elapsed());
        load.run(SAMPLE.min(left));
        let (at, rss) = (began.elapsed().as_secs(), process::rss_kib(node.pid()));
        println!("  after {at:>4} s               {rss:>8} KiB");
        samples.push((at, rss));
    }
    let tally = load.so_far().tally;
    let lost = tally.expected.saturating_sub(tally.received);
    let settled = samples.iter().find(|(at, _)| *at >= SETTLED).or_else(|| samples.first());
    let growth = match (settled, samples.last()) {
        (Some(first), Some(last)) => last.1 as f64 / first.1 as f64 - 1.0,
        _ => 0.0,
    };
    println!("  growth since first minute {:>8.1} %", growth * 100.0);
    println!(
        "  received                  {:>8}\n  lost                      {lost:>8}",
        tally.received
    );
    json!({
        "seconds": seconds, "rss_kib": samples, "growth": growth,
        "received": tally.received, "lost": lost, "broken": tally.broken,
    })
}
