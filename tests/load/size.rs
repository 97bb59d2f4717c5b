//! The script that a browser must have before the first page works, compressed.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::root;

/// What the design allows, in bytes.
const BUDGET: usize = 100 * 1024;

pub fn measure() -> Value {
    let dist = root().join("web/dist");
    let page =
        std::fs::read_to_string(dist.join("index.html")).expect("make bench builds the pages");
    let mut bytes = 0;
    // The scripts that the page itself names: its entry and what is preloaded with it.
    for name in page.split('"').filter(|text| text.ends_with(".js")) {
        let script = std::fs::read(dist.join(name.trim_start_matches('/'))).expect("it was built");
        bytes += gzipped(&script);
    }
    println!(
        "first page: {:.1} kB of compressed script (at most {} kB)",
        bytes as f64 / 1000.0,
        BUDGET / 1024
    );
    json!({"gzip_bytes": bytes, "budget_bytes": BUDGET})
}

fn gzipped(bytes: &[u8]) -> usize {
    let mut child = Command::new("gzip")
        .args(["-9", "-c"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("gzip runs");
    let mut input = child.stdin.take().expect("piped");
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let output = child.wait_with_output().expect("gzip ends");
    writer.join().expect("the writer ends").expect("gzip reads");
    output.stdout.len()
}
