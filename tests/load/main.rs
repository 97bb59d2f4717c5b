//! `make bench`: what a forwarded packet costs at several shapes beside the least that a forwarder must do,
//! how long it takes on its way, what one core carries, what a join costs, what memory is used, whether
//! it stays flat, how large the first page is. Server (and floor) on one core, load on the other, loopback
//! only; every loop is bounded in count and time. Prints a table and writes `target/bench.json`. It asserts
//! nothing of figures: those of a shared machine are for people to judge.
//!
//! `ONLY=10x100,join` selects (shapes by their keys, `capacity`, `capacitycut`, `join`, `memory`, `soak`, `size`);
//! `REALTIME=1` puts server and load before whatever else a shared machine does; `REPEAT=3` takes medians of
//! shapes; `SOAK=600` is the ten-minute run.

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

mod capacity;
mod client;
mod fanout;
mod floor;
mod join;
mod memory;
mod process;
mod report;
mod shape;
mod size;
mod soak;

use serde_json::{Map, Value, json};

use client::{Identity, system};

/// Core of the server and of the floor, and core of everything else.
pub const SERVER_CORE: usize = 0;
pub const LOAD_CORE: usize = 1;

/// Most repetitions of each shape.
const REPEAT_MAX: usize = 20;

fn main() {
    // `cargo bench` and `cargo test --benches` pass options that mean nothing here.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let only: Option<String> = std::env::var("ONLY").ok();
    let wanted =
        |name: &str| only.as_deref().is_none_or(|list| list.split(',').any(|it| it == name));
    let load_average = process::load_average();
    let has_precedence = std::env::var("REALTIME").is_ok_and(|it| it == "1");
    assert!(!has_precedence || system::take_precedence(), "REALTIME=1 is for root");
    println!(
        "== {} cores, one for the server, one for the load; load average before: {load_average}",
        process::cores()
    );
    process::pin(std::process::id(), LOAD_CORE);
    system::allow_many_sockets();
    let identity = Identity::new();
    let mut report = Map::new();
    report.insert("machine".into(), report::machine(load_average, has_precedence));
    let shapes = shapes(&identity, &wanted);
    if !shapes.is_empty() {
        report.insert("shapes".into(), Value::Object(shapes));
    }
    if wanted("capacity") {
        println!("\ncapacity: 10 publishers, more and more receivers");
        report.insert("capacity".into(), capacity::measure(&identity, true));
    }
    // Only where it is asked for: a minute more.
    if only.is_some() && wanted("capacitycut") {
        println!("\ncapacity, the sender's kernel segments");
        report.insert("capacitycut".into(), capacity::measure(&identity, false));
    }
    if wanted("join") {
        let join = join::measure(&identity);
        report::join(&join);
        report.insert("join".into(), join);
    }
    if wanted("memory") {
        let memory = memory::measure(&identity);
        report::memory(&memory);
        report.insert("memory".into(), memory);
    }
    if wanted("soak") {
        report.insert("soak".into(), soak::measure(&identity, soak::seconds()));
    }
    if wanted("size") {
        report.insert("script".into(), size::measure());
    }
    let report = Value::Object(report);
    if let Some(row) = report::history(&report) {
        println!("\nfor the history in docs/performance.md:\n{row}");
    }
    let file = support::root().join("target/bench.json");
    std::fs::create_dir_all(file.parent().expect("it has one")).expect("target can be made");
    std::fs::write(&file, serde_json::to_string_pretty(&report).expect("figures are JSON"))
        .expect("target can be written");
    println!("== target/bench.json has the same as JSON");
}

/// All shapes that are wanted, each as often as `REPEAT` says.
fn shapes(
    identity: &std::sync::Arc<Identity>,
    wanted: &impl Fn(&str) -> bool,
) -> Map<String, Value> {
    let repeat = std::env::var("REPEAT").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let mut found = Map::new();
    for shape in shape::SHAPES.iter().filter(|shape| wanted(shape.key)) {
        if found.is_empty() {
            report::head();
        }
        let runs: Vec<fanout::Figures> =
            (0..repeat.clamp(1, REPEAT_MAX)).map(|_| fanout::measure(shape, identity)).collect();
        let medians = report::medians(&runs);
        report::row(shape, &medians);
        found.insert(shape.key.to_owned(), json!({"median": medians, "runs": runs}));
    }
    found
}
