//! RTP as far as an archive has to understand it: headers, sender reports, order, and how packets make
//! frames. Pure; nothing here can panic on what a network sent.

mod av1;
pub mod depacketize;
mod h264;
pub mod packet;
pub mod reorder;
pub mod unwrap;
mod vp9;
