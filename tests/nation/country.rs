//! The country as the simulation sees it: provinces, their communes, the nodes that the guide (`docs/sizing.md`) would
//! place, and how long each line takes. Everything that is random comes from one seed.

use signaling::tree::placement::{Candidate, Wanting, order};
use signaling::tree::{Joining, Tree};

/// Communes of each of the 34 provinces since 1 July 2025 (domain.md: 3,321 together), from north to south.
pub(crate) const COMMUNES: [u32; 34] = [
    124, 56, 38, 99, 92, 45, 65, 75, 148, 99, 54, 126, 114, 104, 129, 166, 130, 69, 78, 40, 94, 96,
    135, 102, 65, 124, 95, 96, 168, 102, 102, 124, 64, 103,
];

/// Sites that one node is meant for at most: `docs/sizing.md`.
pub(crate) const SITES_MAX: u32 = 150;

/// Sites that a cluster's node is planned for, so that its neighbours can take them when it dies.
const SITES_PLANNED: u32 = 60;

/// Name of the root.
pub(crate) const ROOT: &str = "trung-uong";

/// A generator of numbers from a seed (SplitMix64, Steele et al. 2014): the same on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From `low` up to, but not including, `high`.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low)
    }
}

/// A node and the line to its parent.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) parent: Option<String>,
    pub(crate) units: Vec<String>,
    /// Round trip to the parent, µs.
    pub(crate) rtt_us: u64,
    pub(crate) is_up: bool,
    pub(crate) n_sites: u32,
}

/// A site and where it is served now.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) units: Vec<String>,
    /// Its number among all sites of its province; the first is the provincial hall.
    pub(crate) in_province: u32,
    pub(crate) province: usize,
    /// Round trip to whatever node it is at, µs.
    pub(crate) rtt_us: u64,
    /// Index into the country's nodes.
    pub(crate) at: Option<usize>,
}

/// See the file's head.
#[derive(Debug)]
pub(crate) struct Country {
    pub(crate) tree: Tree,
    pub(crate) nodes: Vec<Node>,
    pub(crate) sites: Vec<Site>,
}

impl Country {
    /// All nodes up and attached, no site placed yet.
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let mut nodes = vec![node(ROOT.into(), None, Vec::new(), 0)];
        let mut sites = Vec::new();
        for (province, n_communes) in COMMUNES.into_iter().enumerate() {
            let name = format!("t{province:02}");
            nodes.push(node(
                name.clone(),
                Some(ROOT.into()),
                vec![name.clone()],
                dice.between(4_000, 30_000),
            ));
            let n_clusters = n_communes.div_ceil(SITES_PLANNED).max(2);
            for cluster in 0..n_clusters {
                let unit = format!("{name}-c{cluster}");
                let rtt = dice.between(2_000, 12_000);
                nodes.push(node(unit.clone(), Some(name.clone()), vec![unit], rtt));
            }
            for number in 0..=n_communes {
                let mut units = vec![format!("{name}-{number:03}")];
                if number > 0 {
                    units.push(format!("{name}-c{}", number % n_clusters));
                }
                units.push(name.clone());
                let rtt_us = dice.between(2_000, 40_000);
                sites.push(Site { units, in_province: number, province, rtt_us, at: None });
            }
        }
        let mut tree = Tree::new(ROOT, vec!["192.0.2.1:8190".into()], "simulated");
        for it in &nodes[1..] {
            tree.join(joining(it), 0).expect("the plan has no circle");
            tree.attached(&it.name, it.parent.as_deref().expect("only the root has none"));
        }
        Self { tree, nodes, sites }
    }

    /// What placement is asked with.
    fn candidates(&self) -> Vec<Candidate> {
        let candidate = |it: &Node| Candidate {
            name: it.name.clone(),
            parent: it.parent.clone(),
            is_open: it.is_up,
            n_sites: it.n_sites,
            capacity: SITES_MAX,
            units: it.units.clone(),
            networks: Vec::new(),
        };
        self.nodes.iter().map(candidate).collect()
    }

    /// Sends a site where placement says; the node's index. None: nobody can take it now.
    pub(crate) fn place(&mut self, site: usize) -> Option<usize> {
        let wanting = Wanting { units: self.sites[site].units.clone(), ..Wanting::default() };
        self.leave(site);
        let list = order(&self.candidates(), &wanting);
        let to = self.index(list.first()?);
        self.nodes[to].n_sites += 1;
        self.sites[site].at = Some(to);
        Some(to)
    }

    /// A site is nowhere.
    pub(crate) fn leave(&mut self, site: usize) {
        if let Some(from) = self.sites[site].at.take() {
            self.nodes[from].n_sites -= 1;
        }
    }

    /// The sites at a node.
    pub(crate) fn sites_at(&self, node: usize) -> Vec<usize> {
        (0..self.sites.len()).filter(|it| self.sites[*it].at == Some(node)).collect()
    }

    /// The index of a node.
    pub(crate) fn index(&self, name: &str) -> usize {
        self.nodes.iter().position(|it| it.name == name).expect("a node of this country")
    }

    /// The nodes from one up to the root, by the way that the trunks lead now.
    pub(crate) fn line(&self, from: usize) -> Vec<usize> {
        let mut line = vec![from];
        let mut at = self.nodes[from].name.as_str();
        while let Some(up) = self.tree.parent_of(at) {
            assert!(line.len() <= self.nodes.len(), "the trunks form a circle");
            line.push(self.index(up));
            at = up;
        }
        line
    }

    /// Every site is at exactly one living node, and no node has more than it is meant for.
    pub(crate) fn check(&self) {
        let mut counted = vec![0_u32; self.nodes.len()];
        for (number, site) in self.sites.iter().enumerate() {
            let at = site.at.unwrap_or_else(|| panic!("site {number} is served by nobody"));
            assert!(self.nodes[at].is_up, "site {number} is at a dead node");
            counted[at] += 1;
        }
        for (node, n) in self.nodes.iter().zip(counted) {
            assert_eq!(node.n_sites, n, "{} counts wrong", node.name);
            assert!(n <= SITES_MAX, "{} has {n} sites", node.name);
        }
        for at in (0..self.nodes.len()).filter(|it| self.nodes[*it].is_up) {
            let line = self.line(at);
            assert_eq!(
                line.last().copied(),
                Some(0),
                "{} has no way to the root",
                self.nodes[at].name
            );
            assert!(
                line.iter().all(|it| self.nodes[*it].is_up),
                "{} hangs on a dead node",
                self.nodes[at].name
            );
        }
    }
}

fn node(name: String, parent: Option<String>, units: Vec<String>, rtt_us: u64) -> Node {
    Node { name, parent, units, rtt_us, is_up: true, n_sites: 0 }
}

/// How a node presents itself.
pub(crate) fn joining(node: &Node) -> Joining {
    Joining {
        name: node.name.clone(),
        parent: node.parent.clone(),
        addresses: vec!["192.0.2.2:8190".into()],
        program: "simulated".into(),
    }
}
