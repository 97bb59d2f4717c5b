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

#[path = "../load/client/mod.rs"]
#[allow(dead_code, reason = "the benchmark uses the rest")]
mod client;

// Well-behaved peers of another make, beside whom others misbehave.
#[allow(dead_code, reason = "a peer can do more than these tests ask of it")]
mod peer;
#[allow(dead_code, reason = "as above")]
mod publisher;

mod backup;
mod bad_input;
mod bad_media;
mod cascade;
mod doctor;
mod flood;
mod full_disk;

mod gstreamer;
mod invite;
mod load;
mod puppet;
mod startup;
mod tidy;
