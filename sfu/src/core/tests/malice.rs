//! Hostile peers beside many honest ones: nonsense under the right keys, requests without end, and ten
//! thousand forged senders. The honest lose nothing, and the node does no more than its budgets allow.

use proptest::prelude::any;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::*;
use crate::rtcp;

const HONEST: usize = 20;

/// One site shows, the others watch and hear it, and the last to come is a peer like they are.
fn hall() -> World {
    let mut world = World::new(open_room());
    world.join("a", in_room(), &SITE);
    for n in 1..HONEST {
        world.join(&format!("r{n}"), in_room(), &SITE);
        world.want(n, &[("a", Layer::High)]);
    }
    world
}

/// 20 ms of the honest site.
fn honest(world: &mut World, seq: u64) {
    world.show(0, 'h', seq, seq == 1);
    world.say(0, seq, 30);
}

fn assert_all_got(world: &World, n: usize) {
    for receiver in 1..HONEST {
        assert_eq!(world.pictures(receiver).len(), n, "pictures of receiver {receiver}");
    }
    let is_closed = |event: &MediaEvent| matches!(event, MediaEvent::SessionClosed { .. });
    assert!(!world.events.iter().any(is_closed));
}

/// A report of a known kind with a body that means nothing.
fn nonsense(bytes: &[u8], n: usize) -> Vec<u8> {
    let kind = [200, 201, 202, 203, 204, 205, 205, 205, 206, 206, 206, 207][n % 12];
    let mut report = vec![0x80 | bytes.first().unwrap_or(&0) & 0x1f, kind];
    // Sometimes the length is right, sometimes it is not.
    let words = if n.is_multiple_of(3) { 0xff } else { bytes.len() as u16 / 4 };
    report.extend_from_slice(&words.to_be_bytes());
    report.extend_from_slice(&bytes[..bytes.len() / 4 * 4]);
    report
}

/// Rounds of 100 sealed datagrams, after which what was received is counted and forgotten.
const ROUNDS: u64 = 200;

#[test]
fn twenty_honest_sites_lose_nothing_beside_one_that_seals_nonsense() {
    nonsense_beside_honest_sites(1);
}

/// `SEALED=10000000 cargo test --release -p sfu --lib ten_million -- --ignored --nocapture`
#[test]
#[ignore = "minutes of a release build"]
fn ten_million_sealed_packets_of_nonsense_cost_twenty_honest_sites_nothing() {
    let wanted = std::env::var("SEALED").ok().and_then(|it| it.parse().ok());
    nonsense_beside_honest_sites(wanted.unwrap_or(10_000_000_u64).div_ceil(100 * ROUNDS));
}

fn nonsense_beside_honest_sites(n_batches: u64) {
    let mut world = hall();
    let offender = world.join("z", in_room(), &SITE);
    let mut runner = TestRunner::deterministic();
    for batch in 0..n_batches {
        for round in batch * ROUNDS..(batch + 1) * ROUNDS {
            honest(&mut world, 1 + round);
            seal_nonsense(&mut world, offender, round, &mut runner);
            world.pass(20);
            // Browsers ask whether the path is still there.
            if round.is_multiple_of(250) {
                for n in 0..world.browsers.len() {
                    let (from, now) = (world.browsers[n].address, world.now().at);
                    let knocks = world.browsers[n].knock(now);
                    knocks.into_iter().for_each(|knock| world.put(from, knock));
                }
            }
        }
        assert_all_got(&world, ROUNDS as usize);
        world.browsers.iter_mut().for_each(|it| it.packets.clear());
        world.browsers.iter_mut().for_each(|it| it.reports.clear());
        world.events.clear();
        world.tap.clear();
    }
    assert_eq!(world.core.counters.panics, 0);
    let tracks = world.core.rooms[0].as_ref().unwrap().tracks().count();
    assert!(tracks <= 2 * (HONEST + 1), "{tracks} tracks");
    let streams = world.core.sessions.iter().flatten().map(|it| it.incoming.len()).max().unwrap();
    assert!(streams <= 48, "{streams} streams of one session");
    println!("{} sealed datagrams of nonsense", n_batches * ROUNDS * 100);
}

/// 50 packets and 50 reports under the right keys.
fn seal_nonsense(world: &mut World, offender: usize, round: u64, runner: &mut TestRunner) {
    let from = world.browsers[offender].address;
    let bodies = proptest::collection::vec(any::<u8>(), 4..300);
    for n in 0..50 {
        let body = bodies.new_tree(runner).unwrap().current();
        let seq = round * 50 + n + u64::from(*body.first().unwrap_or(&0));
        let rid = [None, Some('h'), Some('x')][n as usize % 3];
        let sent = Sent {
            payload_type: [96, 97, 111, 63, 127, 0][n as usize % 6],
            is_rtx: n.is_multiple_of(6),
            // Its own streams, the honest site's, and ever new ones.
            ssrc: [10_000, 20_104, 30_000 + round as u32][n as usize % 3],
            ..video(offender, 'h', seq, &body)
        };
        let packet = world.browsers[offender].packet(n as usize % 2, rid, sent);
        world.put(from, packet);
        let report = nonsense(&body, n as usize);
        let sealed = world.browsers[offender].report(&report);
        world.put(from, sealed);
    }
}

#[test]
fn packets_that_are_asked_for_again_without_end_are_sent_within_a_budget() {
    let mut world = hall();
    (1..=50).for_each(|seq| honest(&mut world, seq));
    let (ssrc, last) = {
        let pictures = world.pictures(1);
        (pictures[0].header.ssrc, pictures.last().unwrap().header.seq)
    };
    let before = world.browsers[1].packets.len();
    let others = world.browsers[2].packets.len();
    let all: Vec<u16> = (0..50).map(|n| last.wrapping_sub(n)).collect();
    // 100,000 requests in a second; Chromium would send a few hundred.
    for _ in 0..200 {
        for _ in 0..10 {
            let mut report = Vec::new();
            rtcp::write_nack(&mut report, 1, ssrc, &all);
            let (from, sealed) = (world.browsers[1].address, world.browsers[1].report(&report));
            world.put(from, sealed);
        }
        world.pass(5);
    }
    let again = world.browsers[1].packets.len() - before;
    assert!((50..=1_100).contains(&again), "{again} packets in a second");
    assert_eq!(world.browsers[2].packets.len(), others, "nobody else gets any of it");
}

#[test]
fn ten_thousand_forged_senders_are_not_answered_and_change_nothing() {
    let mut world = hall();
    let thief = {
        let mut thief = Browser::new(1);
        let answer = world.offer(90, "t", in_room(), thief.offer(&SITE, "actpass")).unwrap();
        thief.answered(&answer, None);
        thief
    };
    let hello = { thief }.knock(world.now().at).pop().unwrap();
    let packet = world.browsers[0].packet(1, Some('h'), video(0, 'h', 500, &frame(500, true)));
    let mut goodbye = Vec::new();
    rtcp::write_receiver_report(&mut goodbye, 20_104, &[]);
    rtcp::write_bye(&mut goodbye, 20_104);
    let goodbye = world.browsers[0].report(&goodbye);
    let guess = world.browsers[0].forged_request();
    let known = world.core.by_address.len();
    let received = world.core.counters.received_packets;
    for n in 0..10_000_u32 {
        let [_, b, c, d] = n.wrapping_mul(2_654_435_761).to_be_bytes();
        let from = SocketAddr::from(([203, b, c, d], 1_024 + (n % 60_000) as u16));
        for datagram in [&hello, &packet, &goodbye, &guess] {
            world.put(from, datagram.clone());
        }
        if n.is_multiple_of(100) {
            honest(&mut world, 1 + u64::from(n) / 100);
        }
    }
    assert_eq!(world.astray, 0, "not one byte goes to a forged address");
    assert_eq!(world.core.by_address.len(), known);
    assert_eq!(world.core.counters.received_packets - received, 200);
    assert_all_got(&world, 100);
}
