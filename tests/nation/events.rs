//! What happens to the country: everything starts at once, one node dies, or many come and go. Times are in
//! microseconds. What is measured is said where it is used; the lines' round trips are the dice's.

use signaling::tree::SILENT_MS;

use crate::country::{Country, Dice, joining};

/// Processor time of a node for one join, µs: a site with 16 lines (docs/performance.md).
const JOIN_US: u64 = 1_686;

/// Round trips from "offer" to the first packet: offer and answer, connectivity check, DTLS (two).
const JOIN_ROUND_TRIPS: u64 = 4;

/// Round trips until a node belongs to the tree: TCP, WebSocket, hello.
const HELLO_ROUND_TRIPS: u64 = 3;

/// Round trips until a trunk carries packets: QUIC's handshake, and the wants.
const TRUNK_ROUND_TRIPS: u64 = 2;

/// A refused node or page tries again after this, µs.
const RETRY_US: u64 = 500_000;

/// A camera answers a request for a key frame with its next frame, µs.
const FRAME_US: u64 = 33_333;

/// Machines and pages need up to this long after the power is back, µs: nodes, then pages.
const NODES_START_US: u64 = 3_000_000;
const PAGES_START_US: u64 = 10_000_000;

/// The middle, and the last; all 0 where nobody was hit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) median_us: u64,
    pub(crate) p99_us: u64,
    pub(crate) last_us: u64,
}

impl Spread {
    fn of(mut times: Vec<u64>) -> Self {
        times.sort_unstable();
        let at = |permille: usize| {
            times.get(times.len().saturating_sub(1) * permille / 1_000).copied().unwrap_or(0)
        };
        Self { median_us: at(500), p99_us: at(990), last_us: at(1_000) }
    }
}

/// Each node does one join after the other.
struct Queues(Vec<u64>);

impl Queues {
    fn join(&mut self, country: &Country, node: usize, site: usize, from: u64) -> u64 {
        let done = self.0[node].max(from) + JOIN_US;
        self.0[node] = done;
        // A layer that nobody had wanted here is asked for up the line, a key frame comes down it.
        let line: u64 = country.line(node).iter().map(|it| country.nodes[*it].rtt_us).sum();
        done + country.sites[site].rtt_us * JOIN_ROUND_TRIPS + line + FRAME_US
    }
}

/// The power comes back everywhere: how long after its page was ready does each site have its picture?
pub(crate) fn start_up(country: &mut Country, dice: &mut Dice) -> Spread {
    let n = country.nodes.len();
    let mut attached = vec![0_u64; n];
    // A parent stands before its children in the list, so its time is known.
    for at in 1..n {
        let ready = dice.between(0, NODES_START_US);
        let parent = country.nodes[at].parent.clone().map_or(0, |it| country.index(&it));
        let waited = attached[parent].saturating_sub(ready).div_ceil(RETRY_US) * RETRY_US;
        let trips = (HELLO_ROUND_TRIPS + TRUNK_ROUND_TRIPS) * country.nodes[at].rtt_us;
        attached[at] = ready + waited + trips;
    }
    let ready: Vec<u64> = country.sites.iter().map(|_| dice.between(0, PAGES_START_US)).collect();
    let mut arrivals: Vec<(u64, usize)> = ready.iter().copied().zip(0..).collect();
    let mut queues = Queues(vec![0; n]);
    let mut times = Vec::with_capacity(arrivals.len());
    while !arrivals.is_empty() {
        arrivals.sort_unstable();
        let mut again = Vec::new();
        for (at, site) in arrivals {
            for (node, up_at) in country.nodes.iter_mut().zip(&attached) {
                node.is_up = *up_at <= at;
            }
            match country.place(site) {
                Some(node) => times.push(queues.join(country, node, site, at) - ready[site]),
                None => again.push((at + RETRY_US, site)),
            }
        }
        arrivals = again;
    }
    for node in &mut country.nodes {
        node.is_up = true;
    }
    Spread::of(times)
}

/// A node dies without a word: when does each of its sites, and each site below it, have its picture again?
pub(crate) fn lose(country: &mut Country, lost: usize, now_ms: u64, dice: &mut Dice) -> Spread {
    let name = country.nodes[lost].name.clone();
    let below: Vec<usize> =
        (1..country.nodes.len()).filter(|it| country.line(*it).get(1) == Some(&lost)).collect();
    let own = country.sites_at(lost);
    let under: Vec<(usize, usize)> = below
        .iter()
        .flat_map(|it| country.sites_at(*it).into_iter().map(|site| (*it, site)))
        .collect();
    country.nodes[lost].is_up = false;
    country.tree.gone(&name);
    let mut times = Vec::new();
    let mut reattached = vec![0; country.nodes.len()];
    for child in below {
        let found = SILENT_MS * 1_000 + dice.between(0, 250_000);
        let child_name = country.nodes[child].name.clone();
        country.tree.parent_lost(&child_name, &name, now_ms);
        let next = country.tree.parents(&child_name, now_ms).into_iter().find(|it| it.name != name);
        country.tree.attached(&child_name, &next.expect("the root is always there").name);
        reattached[child] = found + TRUNK_ROUND_TRIPS * country.nodes[child].rtt_us;
    }
    for (child, site) in under {
        let line: u64 = country.line(child).iter().map(|it| country.nodes[*it].rtt_us).sum();
        times.push(reattached[child] + line + country.sites[site].rtt_us + FRAME_US);
    }
    let mut queues = Queues(vec![0; country.nodes.len()]);
    let found = SILENT_MS * 1_000 + dice.between(0, 250_000);
    for site in own {
        let told = found + country.sites[site].rtt_us / 2;
        let to = country.place(site).expect("one node's sites fit elsewhere");
        times.push(queues.join(country, to, site, told));
    }
    Spread::of(times)
}

/// A node that died comes back, and its sites stay where they are.
pub(crate) fn bring_back(country: &mut Country, node: usize, now_ms: u64) {
    let it = country.nodes[node].clone();
    let parent = it.parent.clone().expect("the root does not come and go here");
    country.nodes[node].is_up = true;
    country.tree.join(joining(&it), now_ms).expect("its name is free again");
    // A parent that is away itself is passed over, as the list says.
    let list = country.tree.parents(&it.name, now_ms);
    let to = list.iter().find(|at| at.name == parent).or_else(|| list.first());
    country.tree.attached(&it.name, &to.expect("the root is always there").name);
}

/// Nodes and sites come and go in a random order; at the end everything is back.
pub(crate) fn shuffle(country: &mut Country, steps: u32, dice: &mut Dice) {
    let mut now_ms = 1_000_000;
    let mut away: Vec<usize> = Vec::new();
    for _ in 0..steps {
        now_ms += dice.between(1, 90_000);
        let node = pick(dice, 1, country.nodes.len());
        match dice.between(0, 4) {
            // Losing two nodes of one province at a time is more than the plan allows for.
            0 | 1 if away.iter().all(|it| !are_near(country, *it, node)) => {
                lose(country, node, now_ms, dice);
                away.push(node);
            }
            2 if !away.is_empty() => {
                let back = away.swap_remove(pick(dice, 0, away.len()));
                bring_back(country, back, now_ms);
            }
            _ => {
                let site = pick(dice, 0, country.sites.len());
                country.leave(site);
                country.place(site).expect("there is room for one that was there");
            }
        }
        country.check();
    }
    for node in away {
        bring_back(country, node, now_ms);
    }
    country.check();
}

fn pick(dice: &mut Dice, low: usize, high: usize) -> usize {
    usize::try_from(dice.between(low as u64, high as u64)).expect("it was one")
}

/// Whether two nodes are of one province, by their names (`t07`, `t07-c1`).
fn are_near(country: &Country, a: usize, b: usize) -> bool {
    country.nodes[a].name.get(..3) == country.nodes[b].name.get(..3)
}
