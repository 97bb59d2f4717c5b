//! The media plane: takes a browser's offer, answers it, and forwards what the room allows from those
//! who publish to those who watch. One UDP port, threads that share nothing, no state but what can be told
//! again.
//!
//! Reading order: [`config`], [`error`], [`node`] (the shell), `shard` (what crosses between threads), `core`
//! (what it decides), `session` and `room` (what it knows), `forward` (the hot path), `receive` (what
//! publishers are told), `speaker` (who is heard), `insight` and `trace` (what technicians are told), `peer`
//! (the only folder that names webrtc-rs), [`trunk`] (what nodes say to each other). `system` is the only file with unsafe code.

mod answer;
mod bandwidth;
mod clock;
mod codec;
mod config;
mod core;
mod error;
mod forward;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod handle;
mod insight;
mod metrics;
mod node;
mod outbox;
mod outlet;
mod peer;
mod post;
mod receive;
mod room;
mod rtcp;
mod rtp;
mod session;
mod shard;
mod speaker;
mod system;
mod tap;
mod tcp;
mod trace;
pub mod trunk;

pub use config::Config;
pub use error::Error;
pub use handle::Handle;
pub use node::Node;
