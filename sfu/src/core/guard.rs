//! Slows down those who ask much and prove nothing, by the network they claim to come from.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::tcp::network;

/// Networks that are remembered at once. One that falls on another's place takes it.
const NETWORKS_MAX: usize = 1_024;

/// Points that a network may spend in a second. A hall of 80 browsers behind one address spends 1,600 when
/// all come at once.
const POINTS_MAX: u32 = 4_000;

const WINDOW: Duration = Duration::from_secs(1);

/// A request that has to be handed to another shard.
pub(super) const HANDED: u32 = 1;

/// A request that was not authentic.
pub(super) const FORGED: u32 = 16;

#[derive(Clone, Copy, Debug)]
struct Place {
    network: IpAddr,
    since: Instant,
    points: u32,
}

/// Who spent how much.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    places: Vec<Option<Place>>,
}

impl Guard {
    fn place(&mut self, from: SocketAddr, now: Instant) -> &mut Place {
        let network = network(from.ip());
        let bits = match network {
            IpAddr::V4(ip) => u64::from(u32::from(ip)),
            IpAddr::V6(ip) => (u128::from(ip) >> 64) as u64,
        };
        // Fibonacci hashing: the top bits depend on all bits.
        let at = (bits.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize % NETWORKS_MAX;
        self.places.resize(NETWORKS_MAX, None);
        let fresh = Place { network, since: now, points: 0 };
        let place = self.places[at].get_or_insert(fresh);
        if place.network != network || now.saturating_duration_since(place.since) >= WINDOW {
            *place = fresh;
        }
        place
    }

    /// Whether the network has spent all it may.
    pub(super) fn is_spent(&mut self, from: SocketAddr, now: Instant) -> bool {
        self.place(from, now).points >= POINTS_MAX
    }

    /// Counts something against the network.
    pub(super) fn charge(&mut self, from: SocketAddr, points: u32, now: Instant) {
        let place = self.place(from, now);
        place.points = place.points.saturating_add(points);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
    fn a_network_that_guesses_waits_and_others_do_not() {
        let (mut guard, now) = (Guard::default(), Instant::now());
        let at = |text: &str| -> SocketAddr { text.parse().unwrap() };
        let n = (1..=60_000_u16)
            .take_while(|port| {
                let from = SocketAddr::from(([192, 0, 2, 1], *port));
                let may = !guard.is_spent(from, now);
                guard.charge(from, FORGED, now);
                may
            })
            .count();
        assert_eq!(n as u32, POINTS_MAX.div_ceil(FORGED));
        assert!(!guard.is_spent(at("192.0.2.2:1"), now));
        assert!(!guard.is_spent(at("192.0.2.1:1"), now + WINDOW), "for a second");
        (0..POINTS_MAX).for_each(|_| guard.charge(at("[2001:db8::1]:1"), HANDED, now));
        assert!(guard.is_spent(at("[2001:db8::ffff:2]:9"), now), "64 bits are one network");
        for n in 0..100_000_u32 {
            guard.charge(SocketAddr::from((n.to_be_bytes(), 1)), FORGED, now);
        }
        assert_eq!(guard.places.len(), NETWORKS_MAX);
    }
}
