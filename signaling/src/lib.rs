//! Control plane: accounts, units and sites, meetings and links, live rooms, the log of facts, the HTTP
//! and WebSocket API, drafts of minutes. Knows nothing of RTP or of codecs.
//!
//! Reading order: [`control`] (what runs), `room` (the machine of a live room, no I/O), `live` (its
//! shell and what links it to media nodes and recorders), `db` (the only SQL), `http` and `ws` (the only
//! axum), `minutes` (drafts).

pub mod account;
mod blind;
mod clock;
mod config;
mod control;
mod custody;
mod db;
pub mod demo;
mod error;
mod http;
mod live;
mod minutes;
mod nodes;
pub mod papers;
mod room;
mod secret;
mod text;
pub mod token;
pub mod tree;
mod verify;
mod ws;

pub use config::{Asset, AssetSource, Config, MetricsSource, RootReport};
pub use control::Control;
pub use error::Error;
pub use nodes::token as node_token;
pub use verify::{Verified, copy_database, verify};
