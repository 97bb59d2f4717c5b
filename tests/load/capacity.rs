//! How many streams of about 1 Mbit/s one core carries: ten publishers, more and more receivers, until
//! packets are lost or the core is full.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::offer::Media;
use crate::client::{Identity, Load};
use crate::fanout::{self, DELIVERED_MIN, Figures};
use crate::shape::{SHAPES, Shape};
use crate::support::Node;

/// Publishers, each watched by all receivers.
const PUBLISHERS: usize = 10;

/// Where the search begins, and where it ends even if nothing is lost.
const RECEIVERS_MIN: usize = 100;
const RECEIVERS_MAX: usize = 1_000;

/// Steps of the search.
const STEPS_MAX: usize = 12;

/// A step that fails is tried again: on a shared machine somebody else may have had the core.
const ATTEMPTS_MAX: usize = 3;

/// More than this is loss.
const LOSS_MAX: f64 = 0.001;

/// A core of which this much is used is full.
const CORE_MAX: f64 = 0.97;

/// Packets that take longer, µs: a queue grows, which is loss a little later.
const DELAY_MAX: f64 = 100_000.0;

/// The generator is no measure of the node beyond this share of its own core.
const BUSY_MAX: f64 = 0.9;

/// What is counted of each step, after things have settled.
const STEP: Duration = Duration::from_secs(3);
const SETTLE: Duration = Duration::from_millis(1_500);

/// Without loss, but without room for more.
const FULL: &str = "the core is full";

/// Measures what there is.
fn step(load: &mut Load, shape: &Shape, node: &Node) -> Figures {
    load.run(SETTLE);
    let mut figures = Figures::new();
    let window = fanout::watch(load, STEP, node, &mut figures);
    fanout::describe(&mut figures, &window, shape);
    figures.insert("streams", shape.streams() as f64);
    figures.insert("node_ns", fanout::ns_per_packet(&window));
    println!(
        "  {:>5} streams: core {:>3.0} % (others {:>2.0} %), lost {:.3} %, p50 / p99 {:>5} / {:>6} µs, \
         generator {:>3.0} %",
        shape.streams(),
        figures["node_core"] * 100.0,
        figures["others_core"] * 100.0,
        figures["loss"] * 100.0,
        figures["p50_us"],
        figures["p99_us"],
        figures["load_busy"] * 100.0,
    );
    figures
}

/// Why the search ended.
fn verdict(figures: &Figures) -> Option<&'static str> {
    let is_lossy = figures["loss"] > LOSS_MAX || figures["delivered"] < DELIVERED_MIN;
    if figures["load_drops"] > 0.0 || figures["load_busy"] > BUSY_MAX {
        Some("the generator was the limit")
    } else if is_lossy && figures["pace"] < DELIVERED_MIN {
        Some("the generator did not keep its pace")
    } else if is_lossy {
        Some("loss")
    } else if figures["p99_us"] > DELAY_MAX {
        Some("a queue grew")
    } else if figures["node_core"] > CORE_MAX {
        Some(FULL)
    } else {
        None
    }
}

/// Searches once, with receivers that take bursts whole (`offload`) or not.
pub fn measure(identity: &Arc<Identity>, offload: bool) -> Value {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let node = fanout::start_node(dir.path());
    let mut load = Load::new(identity, Some(node.http), offload);
    for publisher in 0..PUBLISHERS {
        let phase = publisher as f64 / PUBLISHERS as f64;
        load.publish(&format!("/whip/room/p{publisher}"), Media::Video, phase);
    }
    load.connect();
    let (mut receivers, mut wanted) = (0, RECEIVERS_MIN);
    let (mut best, mut steps, mut why) = (None, Vec::new(), "the search is over");
    'search: for _ in 0..STEPS_MAX {
        while receivers < wanted {
            load.receive(&format!("/whep/room/r{receivers}"), &[Media::Video; PUBLISHERS]);
            receivers += 1;
        }
        if !load.try_connect() {
            why = "no more connections came up";
            break;
        }
        let shape = Shape { publishers: PUBLISHERS, receivers, ..SHAPES[1] };
        for attempt in 1..=ATTEMPTS_MAX {
            let figures = step(&mut load, &shape, &node);
            steps.push(json!(figures));
            match verdict(&figures) {
                None => {
                    // Towards a full core, but never far beyond what was seen.
                    let growth = (0.85 / figures["node_core"]).clamp(1.06, 2.0);
                    wanted = ((receivers as f64 * growth) as usize).min(RECEIVERS_MAX);
                    best = Some(figures);
                    break;
                }
                Some(verdict) if attempt == ATTEMPTS_MAX || verdict == FULL => {
                    why = verdict;
                    best = if verdict == FULL { Some(figures) } else { best };
                    break 'search;
                }
                Some(_) => {}
            }
        }
        if receivers == wanted {
            break;
        }
    }
    let streams = best.as_ref().map_or(0.0, |it| it["streams"]);
    println!("  streams of one core without loss: {streams}; beyond: {why}");
    json!({"streams": streams, "ended_by": why, "at": best, "steps": steps})
}
