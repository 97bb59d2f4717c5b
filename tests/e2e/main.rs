//! End to end: the real executable on loopback addresses, and the rules of the house that no lint can
//! express. One binary, so that it links once.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail loudly, and it waits by the real clock"
)]

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "the benchmark uses the rest")]
mod support;

// The load's well-behaved peers, beside whom others misbehave.
#[path = "../load/peer.rs"]
#[allow(dead_code, reason = "the benchmark uses the rest")]
mod peer;
#[path = "../load/publisher.rs"]
#[allow(dead_code, reason = "the benchmark uses the rest")]
mod publisher;

mod bad_input;
mod bad_media;
mod doctor;
mod full_disk;
mod puppet;
mod startup;
mod tidy;
