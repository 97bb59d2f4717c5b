//! The machine's addresses.

use std::net::IpAddr;

/// The addresses of this machine's interfaces that are up, loopback last, without link-local ones.
pub(crate) fn own_addresses() -> Vec<IpAddr> {
    let mut list: *mut libc::ifaddrs = std::ptr::null_mut();
    let mut found = Vec::new();
    // SAFETY: on success `list` is a linked list that stays valid until `freeifaddrs`; each address is
    // null or as long as its family says, and only IPv4 and IPv6 are read.
    unsafe {
        if libc::getifaddrs(&raw mut list) != 0 {
            return found;
        }
        let mut entry = list;
        while let Some(interface) = entry.as_ref() {
            entry = interface.ifa_next;
            let is_up = interface.ifa_flags & libc::IFF_UP as libc::c_uint != 0;
            let Some(address) = interface.ifa_addr.as_ref().filter(|_| is_up) else { continue };
            match libc::c_int::from(address.sa_family) {
                libc::AF_INET => {
                    let raw = interface.ifa_addr.cast::<libc::sockaddr_in>().read_unaligned();
                    found.push(IpAddr::from(raw.sin_addr.s_addr.to_ne_bytes()));
                }
                libc::AF_INET6 => {
                    let raw = interface.ifa_addr.cast::<libc::sockaddr_in6>().read_unaligned();
                    found.push(IpAddr::from(raw.sin6_addr.s6_addr));
                }
                _ => {}
            }
        }
        libc::freeifaddrs(list);
    }
    found.retain(|ip| match ip {
        IpAddr::V4(ip) => !ip.is_link_local(),
        IpAddr::V6(ip) => !ip.is_unicast_link_local(),
    });
    found.sort_by_key(IpAddr::is_loopback);
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_addresses_and_loopback_is_the_last() {
        let found = own_addresses();
        assert!(found.last().is_some_and(IpAddr::is_loopback), "{found:?}");
    }
}
