//! What a join costs and how long it takes. From the offer to the first packet of a picture, seen from a client
//! that waits for nothing. (What a person sees, up to the first decoded frame in a browser, is measured by
//! the browser tests and printed there.)

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::offer::Media;
use crate::client::system::CpuClock;
use crate::client::{Identity, Load};
use crate::fanout;

/// Joins whose time is taken, one after the other: each the first in its room, then all in one room, where the
/// node spares the camera that has just been asked for a key frame.
const TIMES: usize = 20;

/// Joins whose cost is taken, in an empty room.
const COSTS: usize = 60;

/// Lines of a site's page: twelve pictures, four voices.
const SITE: [Media; 16] = {
    let mut lines = [Media::Video; 16];
    let mut at = 0;
    while at < 4 {
        lines[at] = Media::Audio;
        at += 1;
    }
    lines
};

/// How long the idle server is watched, and settles after what was before.
const IDLE: Duration = Duration::from_secs(1);

pub fn measure(identity: &Arc<Identity>) -> Value {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let node = fanout::start_node(dir.path());
    let clock = CpuClock::of_process(node.pid());
    let mut load = Load::new(identity, Some(node.http), true);
    load.run(IDLE);
    let one_us = cost(&mut load, clock, "one", &[Media::Video]);
    let site_us = cost(&mut load, clock, "site", &SITE);
    for index in 0..TIMES {
        let phase = index as f64 / TIMES as f64;
        load.publish(&format!("/whip/join{index}/source"), Media::Video, phase);
    }
    load.connect();
    load.run(IDLE);
    let [answered, up, media] = times(&mut load, |index| format!("/whep/join{index}/r"));
    let [_, _, next] = times(&mut load, |index| format!("/whep/join0/r{index}"));
    json!({
        "cpu_us_one_line": one_us,
        "cpu_us_site": site_us,
        "offer_to_answer": answered,
        "offer_to_connection": up,
        "offer_to_first_packet": media,
        "offer_to_first_packet_in_a_row": next,
    })
}

/// From the offer to the answer, to the connection, and to the first packet of a picture.
fn times(load: &mut Load, path: impl Fn(usize) -> String) -> [Value; 3] {
    let mut times: [Vec<f64>; 3] = Default::default();
    for index in 0..TIMES {
        let client = load.receive(&path(index), &[Media::Video]);
        load.run_until("a first packet", |load| load.has_media(client));
        for (times, time) in times.iter_mut().zip(load.join_times(client)) {
            times.push(time.map_or(0.0, |it| it.as_secs_f64() * 1_000.0));
        }
    }
    times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        json!({"median_ms": times[TIMES / 2], "longest_ms": times[TIMES - 1]})
    })
}

/// Processor time of the server per join, in µs; what it uses by itself is taken off.
fn cost(load: &mut Load, clock: CpuClock, room: &str, lines: &[Media]) -> f64 {
    let idle = load.measure(IDLE, clock).cpu.as_secs_f64() / IDLE.as_secs_f64();
    let (before, began) = (clock.read(), Instant::now());
    for index in 0..COSTS {
        load.receive(&format!("/whep/{room}/r{index}"), lines);
        load.connect();
    }
    let own = (clock.read() - before).as_secs_f64() - idle * began.elapsed().as_secs_f64();
    own * 1e6 / COSTS as f64
}
