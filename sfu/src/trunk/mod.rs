//! Trunks between media nodes (ADR 0011): what is said on one ([`frame`]), how its two ends know that the other lives
//! ([`link`]), which packets it carries ([`relay`]), how those that were lost come again ([`repair`]), where it leads
//! (`parent`), the connection ([`shell`]), who is who ([`key`]), and the thread that carries all of a node's ([`carrier`]). What crosses
//! between that thread and the shards is in `exchange`.

pub(crate) mod again;
pub mod carrier;
pub(crate) mod exchange;
pub(crate) mod figures;
pub mod frame;
pub mod key;
pub mod link;
mod meet;
pub(crate) mod parent;
pub mod relay;
pub mod repair;
pub mod shell;

/// Version of what is said on trunks. Both ends speak the same or they part.
pub const TRUNK_VERSION: u32 = 1;

/// A trunk says something at least this often.
pub const BEAT: std::time::Duration =
    std::time::Duration::from_millis(protocol::node::HEARTBEAT_MS);

/// Whoever has said nothing for so long is dead: three beats.
pub const DEAD_AFTER: std::time::Duration = std::time::Duration::from_millis(
    protocol::node::HEARTBEAT_MS * protocol::node::HEARTBEATS_MISSED_MAX,
);

/// A set of layers, one bit each, the lowest first.
pub type LayerSet = u8;

/// Every layer.
pub const LAYERS_ALL: LayerSet = 0b111;

/// Layers of one track.
pub const LAYERS_MAX: usize = 3;

/// Trunks of one node.
pub const TRUNKS_MAX: usize = 64;

/// Trunks that a track may have crossed: more means a circle.
pub const HOPS_MAX: u8 = 8;

#[cfg(test)]
mod tests;
