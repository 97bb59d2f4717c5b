//! What a media node is told at start, and the limits it keeps.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Where the node listens and how it calls itself.
#[derive(Clone, Debug)]
pub struct Config {
    /// The UDP address of all media. Port 0 takes a free one.
    pub media: SocketAddr,
    /// The addresses named to browsers as candidates; empty: every address of this machine, loopback
    /// included.
    pub candidates: Vec<IpAddr>,
    /// Threads that forward media, 1 to 64. Each takes rooms of its own.
    pub shards: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            media: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8443)),
            candidates: Vec::new(),
            shards: 1,
        }
    }
}
