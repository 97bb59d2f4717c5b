//! Rules of the house that no lint can express: who may name which vendor, which folders do no I/O, how
//! long a file may be, and what never stands in a tracked file.

use std::path::Path;
use std::process::Command;

use crate::support::root;

/// A vendor's name in code, and the only folders that may use it.
const VENDORS: &[(&[&str], &[&str])] = &[
    (
        &["rtc_", "rtc::", "webrtc::"],
        &["sfu/src/peer/", "sfu/tests/", "recorder/src/", "tests/load/"],
    ),
    (&["ffmpeg_next", "ffmpeg::"], &["recorder/src/media/"]),
    (&["sqlx::", "use sqlx"], &["signaling/src/db/"]),
    (&["axum::", "use axum"], &["signaling/src/http/", "signaling/src/ws/"]),
];

/// Folders and files whose code does no I/O and reads no clock, and the words that would betray it.
const PURE: &[&str] = &[
    "protocol/src/",
    "sfu/src/forward/",
    "sfu/src/codec/",
    "sfu/src/bandwidth/",
    "signaling/src/room/",
    "recorder/src/timeline/",
];
const IMPURE: &[&str] = &["tokio::", "async fn", "std::net::Udp", "::now()", "rand::rng"];

/// Shells that live beside their machine, each with its reason.
const SHELLS: &[&str] = &[
    // Owns the clock and the queues of one room.
    "signaling/src/room/actor.rs",
    // Opens and closes the actors.
    "signaling/src/room/registry.rs",
    // Writes a file in a test.
    "protocol/src/ts.rs",
];

/// Lines of a file; the style asks for 500 and this is where patience ends.
const LINES_MAX: usize = 600;

/// Spelt in halves, so that this file does not find itself.
const NEVER: &[(&str, &str)] = &[
    ("/wo", "rk/main"),
    ("/tmp/tar", "get"),
    ("registry.npm", "js.org"),
    ("static.crat", "es.io"),
    ("index.crat", "es.io"),
    ("files.python", "hosted.org"),
];

/// Tracked files and those about to be, that exist.
fn files() -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).expect("names are UTF-8");
    let names: Vec<_> = names.lines().filter(|name| root().join(name).is_file()).collect();
    assert!(names.len() > 20, "git lists too few files: {names:?}");
    names.into_iter().map(str::to_owned).collect()
}

/// Rust sources with their code: comments and doc comments taken out.
fn rust() -> Vec<(String, String)> {
    files()
        .into_iter()
        .filter(|name| name.ends_with(".rs"))
        .map(|name| {
            let text = read(&name);
            let code = text
                .lines()
                .map(|line| line.split_once("//").map_or(line, |(code, _)| code))
                .collect::<Vec<_>>()
                .join("\n");
            (name, code)
        })
        .collect()
}

fn read(name: &str) -> String {
    let bytes = std::fs::read(root().join(name)).expect("listed, so it is there");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The part before the tests of the file.
fn without_tests(code: &str) -> &str {
    code.split_once("#[cfg(test)]").map_or(code, |(code, _)| code)
}

fn is_test_file(name: &str) -> bool {
    name.ends_with("/tests.rs") || name.contains("/tests/") || name.starts_with("tests/")
}

fn assert_none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

/// Whether `word` stands in `code` at the beginning of a name, so that `rtc_` is not found in `webrtc_`.
fn names(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && c != '_')
    })
}

#[test]
fn tidy_each_vendor_is_named_in_its_own_folder_only() {
    let mut found = Vec::new();
    for (name, code) in rust().iter().filter(|(name, _)| !name.starts_with("tests/e2e/")) {
        for (words, folders) in VENDORS {
            let home = folders.iter().any(|folder| name.starts_with(folder));
            let code = if home { continue } else { without_tests(code) };
            if !is_test_file(name) && words.iter().any(|word| names(code, word)) {
                found.push(format!("{name} names {}", words[0]));
            }
        }
    }
    assert_none(&found, "a vendor outside its folder");
}

#[test]
fn tidy_machines_do_no_input_or_output() {
    let mut found = Vec::new();
    for (name, code) in rust() {
        let pure = PURE.iter().any(|folder| name.starts_with(folder));
        if !pure || SHELLS.contains(&name.as_str()) || is_test_file(&name) {
            continue;
        }
        for word in IMPURE.iter().filter(|word| without_tests(&code).contains(**word)) {
            found.push(format!("{name} contains {word}"));
        }
    }
    assert_none(&found, "a machine without I/O reaches out");
}

#[test]
fn tidy_files_are_short_and_say_what_they_are() {
    let mut found = Vec::new();
    for (name, _) in rust() {
        let text = read(&name);
        let lines = text.lines().count();
        if lines > LINES_MAX {
            found.push(format!("{name} has {lines} lines, at most {LINES_MAX} are allowed"));
        }
        if !text.starts_with("//!") {
            found.push(format!("{name} does not begin by saying what it is (//!)"));
        }
    }
    let web = files().into_iter().filter(|name| {
        name.starts_with("web/src/") && (name.ends_with(".ts") || name.ends_with(".svelte"))
    });
    for name in web.filter(|name| !name.contains("/protocol/")) {
        let lines = read(&name).lines().count();
        if lines > LINES_MAX {
            found.push(format!("{name} has {lines} lines, at most {LINES_MAX} are allowed"));
        }
    }
    assert_none(&found, "a file that is too long or does not say what it is");
}

#[test]
fn tidy_nothing_is_left_for_later_in_silence() {
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
        concat!("unimple", "mented!"),
    ];
    let mut found = Vec::new();
    for name in files().iter().filter(|name| is_source(name)) {
        for word in words.iter().filter(|word| read(name).contains(**word)) {
            found.push(format!("{name} contains {word}"));
        }
    }
    assert_none(&found, "something left for later");
}

#[test]
fn tidy_no_tracked_file_names_a_machine_or_a_registry() {
    let mut found = Vec::new();
    for name in files().iter().filter(|name| is_text(name)) {
        let text = read(name);
        for (front, back) in NEVER {
            let word = format!("{front}{back}");
            // Cargo.lock names its registry by a fixed address that every checkout has.
            if name != "Cargo.lock" && text.contains(&word) {
                found.push(format!("{name} contains {word}"));
            }
        }
    }
    assert_none(&found, "a name that belongs to one machine");
}

fn is_source(name: &str) -> bool {
    let kinds = ["rs", "ts", "svelte", "css", "mjs", "sh", "sql"];
    Path::new(name).extension().and_then(|e| e.to_str()).is_some_and(|e| kinds.contains(&e))
}

fn is_text(name: &str) -> bool {
    let kinds = ["ttf", "otf", "woff2", "png", "ico", "gz", "mp4", "wav", "webp"];
    !Path::new(name).extension().and_then(|e| e.to_str()).is_some_and(|e| kinds.contains(&e))
}
