//! The media plane: takes a browser's offer, answers it, and forwards what the room allows from those
//! who publish to those who watch. One thread, one UDP port, no state but what can be told again.
//!
//! Reading order: [`config`], [`error`], [`node`] (the shell).

mod config;
mod error;
mod node;

pub use config::Config;
pub use error::Error;
pub use node::{Handle, Node};
