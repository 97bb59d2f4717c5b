//! The control plane as a whole: a real server on a random port, spoken to over HTTP and WebSocket. At
//! the other end of its links stand a media node and a recorder that only say what a test wants.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail like tests do")]

mod custody;
mod desk;
mod faults;
mod health;
mod insight;
mod nodes;
mod reviews;
mod support;
mod votes;
