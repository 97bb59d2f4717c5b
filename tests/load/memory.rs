//! What a published camera and a receiving site cost in memory: the process's own pages, before and after
//! many of them came.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Identity;
use crate::client::Load;
use crate::client::offer::Media;
use crate::{fanout, process};

/// Cameras, receivers of one picture, and sites with this many lines.
const CAMERAS: usize = 40;
const RECEIVERS: usize = 100;
const SITES: usize = 40;
const SITE_LINES: usize = 12;

/// Until what is kept of the past is full: the node keeps up to 512 packets of a camera, 4.3 s.
const FILL: Duration = Duration::from_secs(6);
const SETTLE: Duration = Duration::from_secs(3);

pub fn measure(identity: &Arc<Identity>) -> Value {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let node = fanout::start_node(dir.path());
    let mut load = Load::new(identity, Some(node.http), true);
    let kib = || process::anonymous_kib(node.pid());
    // One of each, so that what is made once is not counted.
    load.publish("/whip/other/p", Media::Video, 0.0);
    load.receive("/whep/other/r", &[Media::Video]);
    load.connect();
    load.run(SETTLE);
    let idle = kib();
    for index in 0..CAMERAS {
        let phase = index as f64 / CAMERAS as f64;
        load.publish(&format!("/whip/memory/p{index}"), Media::Video, phase);
    }
    load.connect();
    load.run(FILL);
    let published = kib();
    for index in 0..RECEIVERS {
        load.receive(&format!("/whep/memory/r{index}"), &[Media::Video]);
    }
    load.connect();
    load.run(SETTLE);
    let received = kib();
    for index in 0..SITES {
        load.receive(&format!("/whep/memory/s{index}"), &[Media::Video; SITE_LINES]);
    }
    load.connect();
    load.run(SETTLE);
    let watched = kib();
    let each = |now: u64, before: u64, n: usize| (now as f64 - before as f64) / n as f64;
    json!({
        "idle_kib": idle,
        "camera_kib": each(published, idle, CAMERAS),
        "receiver_kib": each(received, published, RECEIVERS),
        "site_of_12_kib": each(watched, received, SITES),
    })
}
