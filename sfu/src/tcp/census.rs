//! How many connections there are, in all and from each network.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::system;

/// Connections of a node. Fewer where the system allows few descriptors: half of them stay free.
const CONNECTIONS_MAX: usize = 4_096;

/// Connections from one network: a hall behind one address.
const PER_NETWORK_MAX: usize = 256;

/// Counts connections.
#[derive(Debug)]
pub(crate) struct Census {
    max: usize,
    /// Entries go when they are 0, so there are no more of them than connections.
    by_network: Mutex<HashMap<IpAddr, usize>>,
}

/// One connection's place; given back when dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    census: Arc<Census>,
    network: IpAddr,
}

/// An IPv4 address, or the 64 bits of IPv6 that one household has.
pub(crate) fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::from((u128::from(ip) >> 64 << 64).to_be_bytes()),
        ip @ IpAddr::V4(_) => ip,
    }
}

impl Census {
    /// Nobody yet.
    pub(crate) fn new() -> Arc<Self> {
        let max = system::descriptors_max().map_or(CONNECTIONS_MAX, |it| it / 2);
        let by_network = Mutex::default();
        Arc::new(Self { max: max.min(CONNECTIONS_MAX), by_network })
    }

    /// A place for a connection from `ip`; `None` if there are too many.
    pub(crate) fn admit(self: &Arc<Self>, ip: IpAddr) -> Option<Ticket> {
        let network = network(ip);
        // A count is right whatever panicked while it was held.
        let mut counts = self.by_network.lock().unwrap_or_else(PoisonError::into_inner);
        let n = counts.get(&network).copied().unwrap_or_default();
        if n >= PER_NETWORK_MAX || counts.values().sum::<usize>() >= self.max {
            return None;
        }
        counts.insert(network, n + 1);
        Some(Ticket { census: Arc::clone(self), network })
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut counts = self.census.by_network.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(n) = counts.get_mut(&self.network) {
            *n -= 1;
            if *n == 0 {
                counts.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_cannot_take_every_place_and_gives_back_what_it_leaves() {
        let census = Census::new();
        let one: Vec<IpAddr> =
            (0..300).map(|n| format!("2001:db8::{n:x}").parse().unwrap()).collect();
        let mut tickets: Vec<Ticket> = one.iter().filter_map(|ip| census.admit(*ip)).collect();
        assert_eq!(tickets.len(), PER_NETWORK_MAX.min(census.max));
        assert!(census.admit("2001:db8:0:1::1".parse().unwrap()).is_some(), "another network");
        tickets.pop();
        assert!(census.admit(one[0]).is_some());
        drop(tickets);
        assert!(census.by_network.lock().unwrap().is_empty());
    }
}
