//! Recorder: writes a meeting's packets as they arrive, per track, so that a crash costs less than a
//! second; afterwards composes one video from them, as often as wanted; prints minutes.
//!
//! Reading order: [`archive`] (what is on disk), [`session`] (the life of one recording), [`node`]
//! (the shell that owns clocks and tasks), [`worker`] (what runs in a child process).

pub mod archive;
pub mod compose;
pub mod error;
pub mod jobs;
pub mod media;
pub mod minutes;
pub mod node;
pub mod rtp;
pub mod session;
pub mod tables;
pub mod timeline;
pub mod worker;

pub use error::Error;
pub use node::{Config, Node};
