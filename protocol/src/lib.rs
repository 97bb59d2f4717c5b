//! The values that roles and browsers exchange: ids, messages, error codes. Nothing here does I/O,
//! reads a clock or draws a random number, so a value means the same on every machine.
//!
//! Reading order: [`id`], [`time`], [`role`], [`media`] (what is published and watched), [`fact`]
//! (what happened, the source of every other record), [`room`] (what a room looks like now),
//! [`client`] (the browser's WebSocket), [`control`] (role to role), [`tap`] (media to recorder),
//! [`node`] (other machines of the tree), [`minutes`] (the document), [`agenda`] (what is dealt with), [`conduct`] (regimes, limits), [`vote`] (votes), [`roll`] (roll-call), [`breakout`] (group discussion), [`paper`] (documents on the screens), [`table`] (tables to be printed), [`insight`] (how the lines go), [`health`] (how the sites do), [`custody`] (what happens to recordings), [`api`] (bodies of the HTTP API), [`error`] (codes a user can see).

pub mod agenda;
pub mod api;
pub mod breakout;
pub mod client;
pub mod conduct;
pub mod control;
pub mod custody;
pub mod desk;
pub mod error;
pub mod fact;
pub mod health;
pub mod id;
pub mod insight;
pub mod media;
pub mod minutes;
pub mod node;
pub mod paper;
pub mod review;
pub mod role;
pub mod roll;
pub mod room;
pub mod scene;
pub mod table;
pub mod tap;
pub mod time;
pub mod vote;

#[cfg(test)]
mod ts;
