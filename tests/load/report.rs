//! The figures as people read them, and where and when they were taken.

use std::process::Command;

use serde_json::{Value, json};

use crate::fanout::Figures;
use crate::process;
use crate::shape::Shape;

/// The median of each figure over several runs.
pub fn medians(runs: &[Figures]) -> Figures {
    let Some(first) = runs.first() else { return Figures::new() };
    let median = |name: &&'static str| {
        let mut values: Vec<f64> = runs.iter().map(|run| run[name]).collect();
        values.sort_by(f64::total_cmp);
        (*name, f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2]))
    };
    first.keys().map(median).collect()
}

/// Where and when, and how busy the machine was before the bench began.
pub fn machine(load_average: f64, has_precedence: bool) -> Value {
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok();
        let text = output.filter(|it| it.status.success()).map(|it| it.stdout);
        text.map(|text| String::from_utf8_lossy(&text).trim().to_owned()).unwrap_or_default()
    };
    json!({
        "commit": said("git", &["describe", "--always", "--dirty"]),
        "date": said("date", &["-u", "+%F %R"]),
        "processor": process::processor(),
        "cores": process::cores(),
        "kernel": process::kernel(),
        "load_average_before": load_average,
        "realtime": has_precedence,
    })
}

/// Head of the table of shapes.
pub fn head() {
    println!(
        "\n| shape | streams | floor, ns | sends only, ns | node, ns | node / floor | / sends only | \
         core | p50 / p99, µs | floor's p50 / p99 | lost | generator |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|"
    );
}

/// One row of it.
pub fn row(shape: &Shape, it: &Figures) {
    println!(
        "| {} | {} | {:.0} | {:.0} | {:.0} | {:.2} | {:.2} | {:.0} % | {:.0} / {:.0} | {:.0} / {:.0} | \
         {:.3} % | {:.0} % |",
        shape.name,
        it["streams"],
        it["floor_ns"],
        it["send_only_ns"],
        it["node_ns"],
        it["ratio"],
        it["ratio_send_only"],
        it["node_core"] * 100.0,
        it["p50_us"],
        it["p99_us"],
        it["floor_p50_us"],
        it["floor_p99_us"],
        it["loss"] * 100.0,
        it["load_busy"] * 100.0,
    );
    for doubt in doubts(it) {
        println!("  {}: {doubt}", shape.key);
    }
}

/// What makes a run a poor measure.
fn doubts(it: &Figures) -> Vec<String> {
    let mut doubts = Vec::new();
    let mut note = |is_so: bool, text: String| doubts.extend(is_so.then_some(text));
    let (before, after) = (it["floor_before_ns"], it["floor_after_ns"]);
    note(
        (before / after - 1.0).abs() > 0.1,
        format!("the floor was {before:.0} ns before and {after:.0} ns after: a restless machine"),
    );
    note(
        it["others_core"] > 0.1,
        format!("others used {:.0} % of its core", it["others_core"] * 100.0),
    );
    note(it["load_busy"] > 0.9, "the generator had no time left".to_owned());
    note(it["load_drops"] > 0.0, format!("the generator's sockets lost {}", it["load_drops"]));
    note(it["node_drops"] > 0.0, format!("the node's socket lost {}", it["node_drops"]));
    note(it["pace"] < 0.99, format!("published at {:.1} % of the pace", it["pace"] * 100.0));
    note(
        it["late_p99_us"] > 2_000.0,
        format!("bursts went out late: p99 {} µs", it["late_p99_us"]),
    );
    note(it["delivered"] < 0.99, format!("only {:.1} % arrived", it["delivered"] * 100.0));
    note(it["floor_delivered"] < 0.99, "the floor lost packets".to_owned());
    note(it["broken"] > 0.0, format!("{} packets were not as they were sent", it["broken"]));
    note(it["strange"] > 0.0, format!("{} packets of no announced stream", it["strange"]));
    doubts
}

/// Join and memory.
pub fn join(it: &Value) {
    println!("\njoin                                   median   longest, ms");
    for (name, key) in [
        ("offer to answer", "offer_to_answer"),
        ("offer to connection", "offer_to_connection"),
        ("offer to first packet", "offer_to_first_packet"),
        ("the same, joins in a row", "offer_to_first_packet_in_a_row"),
    ] {
        let (median, longest) = (&it[key]["median_ms"], &it[key]["longest_ms"]);
        println!("  {name:<34} {:>8.1} {:>8.1}", number(median), number(longest));
    }
    println!("  server's processor time, one line   {:>7.0} µs", number(&it["cpu_us_one_line"]));
    println!("  the same, a site with 16 lines      {:>7.0} µs", number(&it["cpu_us_site"]));
}

pub fn memory(it: &Value) {
    println!("\nmemory, KiB");
    for (name, key) in [
        ("published camera", "camera_kib"),
        ("receiver of one picture", "receiver_kib"),
        ("receiver of twelve pictures", "site_of_12_kib"),
    ] {
        println!("  {name:<34} {:>8.0}", number(&it[key]));
    }
}

/// The row for the history in docs/performance.md, once everything in it was measured.
pub fn history(report: &Value) -> Option<String> {
    let machine = |key: &str| report["machine"][key].as_str();
    let of = |shape: &str, figure: &str| report["shapes"][shape]["median"][figure].as_f64();
    let both =
        |shape: &str| Some(format!("{:.0} ({:.2})", of(shape, "node_ns")?, of(shape, "ratio")?));
    let late =
        |shape: &str| Some(format!("{:.0} / {:.0}", of(shape, "p50_us")?, of(shape, "p99_us")?));
    let memory = |key: &str| report["memory"][key].as_f64();
    let join = &report["join"];
    let cells = [
        format!("{}, {}", machine("date")?, machine("commit")?),
        format!("{} × {}", report["machine"]["cores"], machine("processor")?),
        both("10x100")?,
        both("10x100cut")?,
        both("1x150")?,
        both("40x10")?,
        both("3x100")?,
        both("rooms")?,
        late("10x100")?,
        late("40x10")?,
        format!("{}", report["capacity"]["streams"].as_f64()?),
        format!("{:.0}", join["cpu_us_site"].as_f64()?),
        format!("{:.0}", join["offer_to_first_packet"]["median_ms"].as_f64()?),
        format!("{:.0} / {:.0}", memory("receiver_kib")?, memory("camera_kib")?),
    ];
    Some(format!("| {} |", cells.join(" | ")))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}
