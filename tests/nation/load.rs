//! What a conference of the whole country costs each trunk and each node: every layer crosses a trunk once and only
//! if somebody beyond it wants it, and every packet costs what `make bench` has measured.

use std::collections::HashSet;

use crate::country::Country;

/// A camera's full picture: 30 frames a second of four packets of 1,200 bytes, as in `make bench`.
const HIGH: Stream = Stream { packets: 120, bytes: 1_200, ns: 3_395 };

/// A camera's lowest layer: 15 frames a second of one packet.
const LOW: Stream = Stream { packets: 15, bytes: 1_000, ns: 3_395 };

/// A voice: Opus, 20 ms.
const VOICE: Stream = Stream { packets: 50, bytes: 160, ns: 6_791 };

/// Voices that are heard at one time.
const VOICES: usize = 3;

/// Tiles of a monitor wall.
const TILES: u32 = 25;

/// Packets a second, bytes each with all headers, and what forwarding one to one receiver costs a node: the dearest
/// figure of a quiet machine in docs/performance.md (1 × 150 for pictures, 3 × 100 for voices), reception included.
#[derive(Clone, Copy, Debug)]
struct Stream {
    packets: u64,
    bytes: u64,
    ns: u64,
}

impl Stream {
    fn bps(self) -> u64 {
        self.packets * self.bytes * 8
    }

    fn load(self) -> u64 {
        self.packets * self.ns
    }
}

/// Who is published, by the number of its site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Layer {
    High(usize),
    Low(usize),
    Voice(usize),
}

impl Layer {
    fn stream(self) -> Stream {
        match self {
            Self::High(_) => HIGH,
            Self::Low(_) => LOW,
            Self::Voice(_) => VOICE,
        }
    }

    fn site(self) -> usize {
        match self {
            Self::High(it) | Self::Low(it) | Self::Voice(it) => it,
        }
    }
}

/// What was computed of one node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Load {
    /// To the parent, bit/s.
    pub(crate) up_bps: u64,
    /// From the parent, bit/s.
    pub(crate) down_bps: u64,
    /// To its sites, bit/s.
    pub(crate) sites_bps: u64,
    /// Thousandths of one core.
    pub(crate) permille: u64,
}

/// The load of every node while `speaker` is the main picture and `voices` are heard. Every hall sees the main picture
/// and hears the voices; every province's desk has a wall of its own communes, the root's one of the provinces.
pub(crate) fn of(country: &Country, speaker: usize) -> Vec<Load> {
    let mut crossing: HashSet<(usize, usize, Layer)> = HashSet::new();
    let mut loads = vec![Load::default(); country.nodes.len()];
    let voices: Vec<usize> =
        (0..VOICES).map(|it| (speaker + it * 997) % country.sites.len()).collect();
    let mut give = |to: usize, layer: Layer, own: usize, loads: &mut Vec<Load>| {
        if layer.site() == own {
            return;
        }
        let stream = layer.stream();
        loads[to].sites_bps += stream.bps();
        loads[to].permille += stream.load();
        let from = country.sites[layer.site()].at.expect("every site is served");
        cross(country, from, to, layer, &mut crossing);
    };
    for (number, site) in country.sites.iter().enumerate() {
        let at = site.at.expect("every site is served");
        give(at, Layer::High(speaker), number, &mut loads);
        for voice in &voices {
            give(at, Layer::Voice(*voice), number, &mut loads);
        }
    }
    for (number, site) in country.sites.iter().enumerate() {
        let is_on_wall = site.in_province < TILES;
        let hall = country.index(&format!("t{:02}", site.province));
        if is_on_wall && country.nodes[hall].is_up {
            give(hall, Layer::Low(number), usize::MAX, &mut loads);
        }
        if site.in_province == 0 {
            give(0, Layer::Low(number), usize::MAX, &mut loads);
        }
    }
    for (from, to, layer) in crossing {
        let stream = layer.stream();
        // A trunk's packet costs its sender what a receiver's costs.
        loads[from].permille += stream.load();
        let is_up = country.line(from).get(1) == Some(&to);
        let of = if is_up { &mut loads[from].up_bps } else { &mut loads[to].down_bps };
        *of += stream.bps();
    }
    for load in &mut loads {
        load.permille /= 1_000_000;
    }
    loads
}

/// Notes each trunk on the way of a layer, once.
fn cross(
    country: &Country,
    from: usize,
    to: usize,
    layer: Layer,
    crossing: &mut HashSet<(usize, usize, Layer)>,
) {
    let (up, down) = (country.line(from), country.line(to));
    let meets = up.iter().position(|it| down.contains(it)).expect("both lines end at the root");
    let turn = up[meets];
    let climb = up[..=meets].windows(2).map(|it| (it[0], it[1]));
    let fall_from = down.iter().position(|it| *it == turn).expect("it is on both");
    let fall = down[..=fall_from].windows(2).map(|it| (it[1], it[0]));
    crossing.extend(climb.chain(fall).map(|(a, b)| (a, b, layer)));
}
