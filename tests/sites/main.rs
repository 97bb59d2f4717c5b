//! `make demo-cascade`: simulated sites at two nodes of a tree, until the process is stopped. Each sends its voice and
//! receives the province's picture; a few send pictures too. Wants `diemcau serve --open-rooms`.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    missing_docs,
    unreachable_pub,
    reason = "a tool of the tests"
)]

#[path = "../load/client/mod.rs"]
#[allow(dead_code, reason = "the benchmark uses the rest")]
mod client;

use std::time::{Duration, Instant};

use client::offer::Media;
use client::{Identity, Load};

/// One for each commune, ward and special zone of Quảng Trị.
const SITES: usize = 78;

/// So many of them send a picture.
const PICTURES: usize = 6;

/// Sites that come at the same time.
const AT_ONCE: usize = 13;

/// It ends by itself after this.
const LENGTH_MAX: Duration = Duration::from_secs(24 * 3_600);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [http, nodes @ ..] = &arguments[..] else {
        eprintln!("Usage: sites ADDRESS NODE…");
        std::process::exit(2);
    };
    assert!(!nodes.is_empty(), "name at least one node");
    let http = http.parse().expect("an address and a port");
    let mut load = Load::new(&Identity::new(), Some(http), true);
    load.publish("/whip/cascade/tinh-hinh?node=root", Media::Video, 0.0);
    load.publish("/whip/cascade/tinh-tieng?node=root", Media::Audio, 0.5);
    load.connect();
    for site in 0..SITES {
        let (node, phase) = (&nodes[site % nodes.len()], site as f64 / SITES as f64);
        let media = if site < PICTURES { Media::Video } else { Media::Audio };
        load.publish(&format!("/whip/cascade/xa-{site}?node={node}"), media, phase);
        let path = format!("/whep/cascade/xa-{site}-xem?of=tinh-hinh,tinh-tieng&node={node}");
        load.receive(&path, &[Media::Audio, Media::Video]);
        if (site + 1).is_multiple_of(AT_ONCE) {
            load.connect();
            eprintln!("{} of {SITES} sites are there", site + 1);
        }
    }
    let began = Instant::now();
    while began.elapsed() < LENGTH_MAX {
        load.run(Duration::from_secs(5));
    }
}
