//! `make bench`: what a forwarded packet costs beside the cheapest way to send it, whether anything is
//! lost, how long a join takes, whether memory stays flat, how large the first page is. Server on one
//! core, load on the other, loopback only; every loop is bounded in count and time. Prints a table and
//! writes `target/bench.json`. It asserts nothing: figures of a shared machine are for people to judge.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "a benchmark may fail loudly, prints its figures and measures by the real clock"
)]

#[path = "../support/mod.rs"]
mod support;

mod fanout;
mod floor;
mod join;
mod peer;
mod process;
mod publisher;
mod size;
mod soak;

use serde_json::json;

/// Core of the server, and core of everything else.
pub const SERVER_CORE: usize = 0;
pub const LOAD_CORE: usize = 1;

fn main() {
    // `cargo bench` and `cargo test --benches` pass options that mean nothing here.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let only: Option<String> = std::env::var("ONLY").ok();
    let wanted =
        |name: &str| only.as_deref().is_none_or(|list| list.split(',').any(|it| it == name));
    let mut report = serde_json::Map::new();
    println!("== {} cores, one for the server, one for the load", process::cores());
    process::pin(std::process::id(), LOAD_CORE);
    if wanted("fanout") {
        let floor = floor::measure();
        println!("{floor}");
        let fanout = fanout::measure();
        println!("{fanout}");
        let ratio = fanout.cpu_us_per_packet / floor.best_us();
        println!("  product / floor           {ratio:>8.2}");
        report.insert("floor".into(), floor.to_json());
        report.insert("fanout".into(), fanout.to_json());
        report.insert("ratio".into(), json!(ratio));
    }
    if wanted("join") {
        report.insert("join".into(), join::measure());
    }
    if wanted("soak") {
        report.insert("soak".into(), soak::measure(soak::seconds()));
    }
    if wanted("size") {
        report.insert("script".into(), size::measure());
    }
    let file = support::root().join("target/bench.json");
    std::fs::create_dir_all(file.parent().expect("it has one")).expect("target can be made");
    std::fs::write(&file, serde_json::to_string_pretty(&report).expect("figures are JSON"))
        .expect("target can be written");
    println!("== target/bench.json has the same as JSON");
}
