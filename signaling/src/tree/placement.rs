//! Which node a site is sent to, as an ordered list: the administrator's word, else the network it comes from, else
//! its unit's subtree, else the root. Where that node cannot take it, the nodes nearest in the tree follow.

use std::net::IpAddr;

/// Nodes that a site is told.
pub const NODES_TOLD_MAX: usize = 4;

/// A network in CIDR form (RFC 4632).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Reads `10.3.0.0/16` or `fd00::/8`.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let (address, bits) = (address.parse::<IpAddr>().ok()?, bits.parse().ok()?);
        (bits <= width(address)).then_some(Self { address, bits })
    }

    /// How many bits of the network an address shares, if it lies in it.
    fn holds(self, address: IpAddr) -> Option<u8> {
        let address = address.to_canonical();
        if width(address) != width(self.address) {
            return None;
        }
        let shift = u32::from(128 - self.bits);
        let same = left(address) ^ left(self.address);
        (same.checked_shr(shift).unwrap_or(0) == 0).then_some(self.bits)
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The address in the highest bits.
fn left(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(it) => u128::from(it.to_bits()) << 96,
        IpAddr::V6(it) => it.to_bits(),
    }
}

/// A node that may take sites.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its name.
    pub name: String,
    /// None for the root.
    pub parent: Option<String>,
    /// There, attached, and not draining.
    pub is_open: bool,
    /// Sites there now.
    pub n_sites: u32,
    /// Sites at most.
    pub capacity: u32,
    /// Units whose sites come here, with all below them: codes.
    pub units: Vec<String>,
    /// Networks whose sites come here.
    pub networks: Vec<Network>,
}

impl Candidate {
    fn has_room(&self) -> bool {
        self.is_open && self.n_sites < self.capacity
    }
}

/// Where a site belongs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanting {
    /// The node that an administrator named.
    pub word: Option<String>,
    /// Where the site's page comes from.
    pub address: Option<IpAddr>,
    /// Codes of its unit and of all above it, nearest first.
    pub units: Vec<String>,
}

/// The nodes for a site, most wanted first; at most [`NODES_TOLD_MAX`], and as long as the root has room it is one of
/// them. A root without other nodes takes sites beyond its size rather than nobody. With others it does not: when the
/// power comes back, a whole country would fall on it before the clusters are up. Then the list is empty for a moment
/// and the page tries again.
pub fn order(nodes: &[Candidate], site: &Wanting) -> Vec<String> {
    let Some(root) = nodes.iter().find(|it| it.parent.is_none()) else { return Vec::new() };
    let meant = by_word(nodes, site)
        .or_else(|| by_network(nodes, site))
        .or_else(|| by_unit(nodes, site))
        .unwrap_or(root);
    let mut order: Vec<&Candidate> = Vec::new();
    let mut at = Some(meant);
    // Outward from where the site belongs: the node, its siblings by how empty they are, then the same one level up.
    while let Some(node) = at {
        push(&mut order, node);
        let mut siblings: Vec<_> =
            nodes.iter().filter(|it| it.parent.is_some() && it.parent == node.parent).collect();
        siblings.sort_by_key(|it| (fullness(it), it.name.as_str()));
        siblings.into_iter().for_each(|it| push(&mut order, it));
        at = node.parent.as_ref().and_then(|up| nodes.iter().find(|it| it.name == *up));
        if order.len() > nodes.len() {
            break;
        }
    }
    push(&mut order, root);
    let is_alone = nodes.len() == 1;
    order.retain(|it| it.has_room() || is_alone);
    if order.len() > NODES_TOLD_MAX {
        let has_root = order.iter().any(|it| it.name == root.name);
        order.truncate(NODES_TOLD_MAX);
        if has_root && !order.iter().any(|it| it.name == root.name) {
            order.pop();
            order.push(root);
        }
    }
    order.into_iter().map(|it| it.name.clone()).collect()
}

fn push<'a>(order: &mut Vec<&'a Candidate>, node: &'a Candidate) {
    if !order.iter().any(|it| it.name == node.name) {
        order.push(node);
    }
}

/// Thousandths of a node's places that are taken.
fn fullness(node: &Candidate) -> u64 {
    u64::from(node.n_sites) * 1_000 / u64::from(node.capacity.max(1))
}

fn by_word<'a>(nodes: &'a [Candidate], site: &Wanting) -> Option<&'a Candidate> {
    let word = site.word.as_deref()?;
    nodes.iter().find(|it| it.name == word)
}

/// The longest prefix wins; of two equal ones the emptier node.
fn by_network<'a>(nodes: &'a [Candidate], site: &Wanting) -> Option<&'a Candidate> {
    let address = site.address?;
    let bits = |it: &Candidate| it.networks.iter().filter_map(|net| net.holds(address)).max();
    let holding = nodes.iter().filter_map(|it| Some((bits(it)?, it)));
    let best = holding.max_by_key(|(bits, it)| {
        (*bits, std::cmp::Reverse(fullness(it)), std::cmp::Reverse(it.name.as_str()))
    });
    best.map(|(_, it)| it)
}

/// The nearest unit wins; of two nodes for one unit the emptier.
fn by_unit<'a>(nodes: &'a [Candidate], site: &Wanting) -> Option<&'a Candidate> {
    site.units.iter().find_map(|unit| {
        let serving = nodes.iter().filter(|it| it.units.contains(unit));
        serving.min_by_key(|it| (!it.has_room(), fullness(it), it.name.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, parent: Option<&str>, units: &[&str], networks: &[&str]) -> Candidate {
        Candidate {
            name: name.into(),
            parent: parent.map(Into::into),
            is_open: true,
            n_sites: 0,
            capacity: 50,
            units: units.iter().map(|it| (*it).to_owned()).collect(),
            networks: networks.iter().map(|it| Network::parse(it).expect("CIDR")).collect(),
        }
    }

    fn nodes() -> Vec<Candidate> {
        vec![
            node("tinh", None, &[], &[]),
            node("bac", Some("tinh"), &["44-bac"], &["10.1.0.0/16"]),
            node("nam", Some("tinh"), &["44-nam"], &["10.2.0.0/16", "10.2.7.0/24"]),
            node("dao", Some("nam"), &["19000"], &[]),
        ]
    }

    fn of_units(units: &[&str]) -> Wanting {
        Wanting { units: units.iter().map(|it| (*it).to_owned()).collect(), ..Wanting::default() }
    }

    #[test]
    fn a_site_goes_to_the_node_of_the_nearest_unit_above_it() {
        let order_of = |units: &[&str]| order(&nodes(), &of_units(units));
        assert_eq!(order_of(&["19001", "44-bac", "44"]), ["bac", "nam", "tinh"]);
        assert_eq!(order_of(&["19000", "44-nam", "44"]), ["dao", "nam", "bac", "tinh"]);
        assert_eq!(order_of(&["99999", "99"]), ["tinh"]);
    }

    #[test]
    fn the_network_wins_over_the_unit_and_the_word_over_both() {
        let mut site = of_units(&["19001", "44-bac"]);
        site.address = "10.2.7.9".parse().ok();
        assert_eq!(order(&nodes(), &site)[0], "nam");
        site.address = "::ffff:10.2.7.9".parse().ok();
        assert_eq!(order(&nodes(), &site)[0], "nam", "an IPv4 address in IPv6 clothes");
        site.word = Some("dao".into());
        assert_eq!(order(&nodes(), &site)[0], "dao");
        site.word = Some("not there any more".into());
        assert_eq!(order(&nodes(), &site)[0], "nam");
    }

    #[test]
    fn a_full_or_closed_node_passes_its_sites_on() {
        let mut all = nodes();
        let site = of_units(&["44-bac"]);
        all[1].n_sites = 50;
        assert_eq!(order(&all, &site), ["nam", "tinh"]);
        all[2].is_open = false;
        assert_eq!(order(&all, &site), ["tinh"]);
        all[0].n_sites = 50;
        assert!(order(&all, &site).is_empty(), "there are other nodes; they will be back");
        all.truncate(1);
        assert_eq!(order(&all, &site), ["tinh"], "the only node takes everybody");
    }

    #[test]
    fn a_long_list_keeps_a_place_for_the_root() {
        let mut all = nodes();
        all.extend((0..6).map(|i| node(&format!("c{i}"), Some("tinh"), &[], &[])));
        let list = order(&all, &of_units(&["44-bac"]));
        assert_eq!(list.len(), NODES_TOLD_MAX);
        assert_eq!(list[0], "bac");
        assert_eq!(list.last().map(String::as_str), Some("tinh"));
    }

    #[test]
    fn a_network_is_read_and_compared_by_its_bits() {
        let holds = |net: &str, address: &str| {
            Network::parse(net).expect("CIDR").holds(address.parse().expect("an address")).is_some()
        };
        assert!(holds("0.0.0.0/0", "203.0.113.9"));
        assert!(holds("10.3.128.0/17", "10.3.200.1") && !holds("10.3.128.0/17", "10.3.127.1"));
        assert!(holds("fd00:3::/32", "fd00:3:9::1") && !holds("fd00:3::/32", "fd00:4::1"));
        assert!(!holds("0.0.0.0/0", "fd00::1"));
        assert!(holds("10.0.0.7/32", "10.0.0.7") && !holds("10.0.0.7/32", "10.0.0.6"));
        assert!(Network::parse("10.0.0.0/33").is_none() && Network::parse("10.0.0.0").is_none());
    }
}
