//! `make simulate-nation`: the machines that place sites and re-parent nodes, run for the whole country without a
//! network. Prints what it found and fails if a site is left alone or a node is asked for more than the guide allows.

#![expect(clippy::panic, reason = "a law that does not hold ends the simulation, and says where")]

mod country;
mod events;
mod load;

use std::io::Write as _;

use country::{Country, Dice, ROOT, SITES_MAX};
use events::Spread;

/// The same on every machine, unless `SEED` says another.
const SEED: u64 = 44;

/// Half a core: the other half is for the hour when everything happens at once.
const PERMILLE_MAX: u64 = 500;

/// A black-holed node is repaired within this, µs (the figure for a parent).
const RECOVERY_US_MAX: u64 = 2_500_000;

/// Random histories, and events in each.
const HISTORIES: u64 = 8;
const STEPS: u32 = 80;

fn main() {
    let seed = std::env::var("SEED").ok().and_then(|it| it.parse().ok()).unwrap_or(SEED);
    let mut dice = Dice(seed);
    let mut country = Country::new(&mut dice);
    let (n_nodes, n_sites) = (country.nodes.len(), country.sites.len());
    say(&format!(
        "Seed {seed}: 34 provinces, {} communes, {n_sites} sites, {n_nodes} nodes of at most {SITES_MAX} sites",
        n_sites - 34
    ));
    assert_eq!(n_sites, 3_321 + 34, "every commune and every provincial hall");

    let start = events::start_up(&mut country, &mut dice);
    country.check();
    say(&format!(
        "Power returns everywhere (nodes within 3 s, pages within 10 s): picture after {}",
        times(start)
    ));
    assert!(start.last_us < 6_000_000, "the last site waits {} µs", start.last_us);
    resettle(&mut country);
    loads(&country);
    losses(&mut country, &mut dice);

    for history in 0..HISTORIES {
        let mut dice = Dice(seed ^ (history + 1));
        let mut country = Country::new(&mut dice);
        resettle(&mut country);
        events::shuffle(&mut country, STEPS, &mut dice);
    }
    say(&format!(
        "{HISTORIES} histories of {STEPS} losses, returns and moves: every site served once after each step"
    ));
}

/// Every site where it belongs, as after a night.
fn resettle(country: &mut Country) {
    for site in 0..country.sites.len() {
        country.leave(site);
    }
    for site in 0..country.sites.len() {
        country.place(site).expect("the plan has room for everybody");
    }
    country.check();
}

fn loads(country: &Country) {
    let speakers = [0, country.sites.len() / 2, country.sites.len() - 1];
    say(
        "While one speaks, three are heard, every hall sees one picture and each province's desk has a wall of 25:",
    );
    say(
        "  speaker  trunk down max / trunk up max, Mbit/s   to sites max, Mbit/s   busiest node, % of a core",
    );
    for speaker in speakers {
        let loads = load::of(country, speaker);
        let most = |of: fn(&load::Load) -> u64| loads.iter().map(of).max().unwrap_or(0);
        let (down, up, sites) =
            (most(|it| it.down_bps), most(|it| it.up_bps), most(|it| it.sites_bps));
        let permille = most(|it| it.permille);
        let mbps = |bps: u64| bps as f64 / 1e6;
        let (down, up, sites, share) = (mbps(down), mbps(up), mbps(sites), permille as f64 / 10.0);
        say(&format!("  {speaker:>7}  {down:>10.2} / {up:<10.2} {sites:>30.1} {share:>26.1}"));
        assert!(permille <= PERMILLE_MAX, "a node needs {permille} thousandths of a core");
    }
}

/// Loses each node but the root, one at a time.
fn losses(country: &mut Country, dice: &mut Dice) {
    let mut worst: Option<(String, Spread)> = None;
    let mut busiest = 0;
    for node in 1..country.nodes.len() {
        let now_ms = 10_000_000 + node as u64 * 1_000_000;
        let spread = events::lose(country, node, now_ms, dice);
        country.check();
        busiest = busiest.max(country.nodes.iter().map(|it| it.n_sites).max().unwrap_or(0));
        let load = load::of(country, 0);
        let permille = load.iter().map(|it| it.permille).max().unwrap_or(0);
        assert!(
            permille <= PERMILLE_MAX,
            "without {} a node needs {permille}",
            country.nodes[node].name
        );
        if worst.as_ref().is_none_or(|it| it.1.last_us < spread.last_us) {
            worst = Some((country.nodes[node].name.clone(), spread));
        }
        events::bring_back(country, node, now_ms + 500_000);
        settle_trunks(country);
        resettle(country);
    }
    let (name, spread) = worst.expect("there is more than the root");
    say(&format!(
        "Each of {} nodes lost in turn, black-holed: all sites served, at most {busiest} at one node; slowest was {name}: picture back after {}",
        country.nodes.len() - 1,
        times(spread)
    ));
    say(&format!("Not simulated: losing {ROOT}, which is the control plane itself."));
    assert!(spread.last_us < RECOVERY_US_MAX, "{name} took {} µs", spread.last_us);
}

/// Time passes and every node goes back to its own parent.
fn settle_trunks(country: &mut Country) {
    for node in country.nodes.clone().into_iter().skip(1) {
        let parent = node.parent.expect("only the root has none");
        country.tree.attached(&node.name, &parent);
    }
}

fn times(it: Spread) -> String {
    let seconds = |us: u64| us as f64 / 1e6;
    format!(
        "{:.2} s (median), {:.2} s (99th percentile), {:.2} s (last)",
        seconds(it.median_us),
        seconds(it.p99_us),
        seconds(it.last_us)
    )
}

fn say(line: &str) {
    // A closed pipe ends the printing, not the check.
    let _ = writeln!(std::io::stdout(), "{line}");
}
