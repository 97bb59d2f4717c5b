//! Hostile peers: nothing panics, nothing grows, and honest peers lose nothing (docs/security-media.md says
//! which test stands against which attack).

use super::*;
use crate::peer::stun;
use crate::rtcp;

const ATTACKER: &str = "203.0.113.66:6666";

fn attacker() -> SocketAddr {
    ATTACKER.parse().unwrap()
}

/// Two honest sites, of which the second watches the first.
fn pair(room: RoomMedia) -> World {
    let mut world = World::new(room);
    world.join("a", in_room(), &SITE);
    world.join("b", in_room(), &SITE);
    world.want(1, &[("a", Layer::High)]);
    world
}

/// Noise with a first byte of each protocol.
fn noise(n: u64) -> Vec<u8> {
    let mut seed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let len = n as usize * 7 % 1_300;
    let mut bytes: Vec<u8> = (0..len)
        .map(|_| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed as u8
        })
        .collect();
    if let Some(first) = bytes.first_mut() {
        *first = [0, 1, 20, 22, 23, 63, 64, 127, 128, 144, 191, 255][n as usize % 12];
    }
    bytes
}

#[test]
fn a_handshake_from_another_address_changes_nothing_before_during_and_after_the_honest_one() {
    for moment in 0..3 {
        let mut world = World::new(open_room());
        let mut thief = Browser::new(1);
        let mut honest = Browser::new(5_000);
        let answer = world.offer(0, "a", in_room(), honest.offer(&SITE, "actpass")).unwrap();
        honest.answered(&answer, None);
        thief.answered(&answer, None);
        let hellos: Vec<Vec<u8>> = thief.knock(world.now().at).split_off(1);
        assert!(!hellos.is_empty());
        let race = |world: &mut World| {
            for n in 0..200 {
                let from = SocketAddr::from(([203, 0, 113, 66], 1_000 + n));
                hellos.iter().for_each(|hello| world.put(from, hello.clone()));
            }
        };
        let knocks = honest.knock(world.now().at);
        let from = honest.address;
        world.browsers.push(honest);
        if moment == 0 {
            race(&mut world);
        }
        for knock in knocks {
            world.put(from, knock);
            if moment == 1 {
                race(&mut world);
            }
        }
        world.pass(5);
        if moment == 2 {
            race(&mut world);
        }
        assert!(world.browsers[0].srtp.is_some(), "moment {moment}");
        assert_eq!((world.astray, world.core.counters.dropped_address > 0), (0, true));
        world.say(0, 1, 30);
        assert_eq!(world.core.counters.received_packets, 1);
    }
}

#[test]
fn noise_from_everywhere_is_not_answered_and_leaves_nothing_behind() {
    let mut world = pair(open_room());
    let before = world.core.by_address.len();
    for n in 0..20_000_u64 {
        let from =
            SocketAddr::from(((n as u32).wrapping_mul(2_654_435_761).to_be_bytes(), n as u16));
        world.put(from, noise(n));
        if n.is_multiple_of(100) {
            world.show(0, 'h', 1 + n / 100, n == 0);
        }
    }
    assert_eq!(world.astray, 0, "not one byte");
    assert_eq!(world.core.by_address.len(), before);
    assert_eq!(world.pictures(1).len(), 200);
}

#[test]
fn noise_under_the_address_of_an_honest_site_costs_it_nothing() {
    let mut world = pair(open_room());
    let victim = world.browsers[0].address;
    for n in 0..3_000_u64 {
        world.put(victim, noise(n));
        if n.is_multiple_of(10) {
            world.show(0, 'h', 1 + n / 10, n == 0);
        }
        if n.is_multiple_of(3) {
            world.pass(1);
        }
    }
    assert_eq!(world.pictures(1).len(), 300);
    let is_closed = |event: &MediaEvent| matches!(event, MediaEvent::SessionClosed { .. });
    assert!(!world.events.iter().any(is_closed));
}

#[test]
fn an_authentic_flood_of_twenty_times_the_budget_hurts_only_itself() {
    let mut world = pair(open_room());
    let flooder = world.join("c", in_room(), &SITE);
    let (before, mut seq) = (world.core.counters.received_packets, 1);
    for ms in 0..500_u64 {
        // 120,000 packets a second, of which 6,000 are allowed.
        for _ in 0..120 {
            world.say(flooder, seq, 100);
            seq += 1;
        }
        if ms.is_multiple_of(10) {
            world.show(0, 'h', 1 + ms / 10, ms == 0);
            world.say(0, 1 + ms / 10, 30);
        }
        world.pass(1);
    }
    assert_eq!(world.pictures(1).len(), 50);
    assert!(world.core.counters.dropped_budget > 50_000);
    let taken = world.core.counters.received_packets - before;
    assert!(taken < 6_000 + 3_000 + 200, "{taken}");
}

#[test]
fn ten_thousand_lines_are_refused_and_take_no_session() {
    let mut world = pair(open_room());
    let sdp = Browser::new(1).offer(&SITE, "actpass");
    let (head, lines) = sdp.split_once("m=").unwrap();
    let many = format!("{head}{}", format!("m={lines}").repeat(10_000 / SITE.len() + 1));
    let attributes = format!("{sdp}{}", "a=ssrc:1 cname:x\r\n".repeat(10_000));
    let rids =
        sdp.replace("a=simulcast:send l;m;h", &format!("a=simulcast:send {}", "l;".repeat(5_000)));
    #[expect(clippy::disallowed_methods, reason = "a test measures how long a refusal takes")]
    let start = Instant::now();
    assert_eq!(world.offer(9, "x", in_room(), many), Err(ErrorCode::InvalidSdp));
    assert_eq!(world.offer(9, "x", in_room(), attributes), Err(ErrorCode::InvalidSdp));
    let answer = world.offer(9, "x", in_room(), rids);
    assert!(answer.is_err() || answer.is_ok_and(|it| it.len() < 64_000));
    assert!(start.elapsed() < Duration::from_secs(2));
    world.show(0, 'h', 1, true);
    assert_eq!(world.pictures(1).len(), 1);
}

#[test]
fn replayed_packets_and_reports_change_nothing() {
    let mut world = pair(open_room());
    let (from, payload) = (world.browsers[0].address, frame(1, true));
    let packet = world.browsers[0].packet(1, Some('h'), video(0, 'h', 1, &payload));
    let mut goodbye = Vec::new();
    rtcp::write_receiver_report(&mut goodbye, 1, &[]);
    let report = world.browsers[0].report(&goodbye);
    for _ in 0..100 {
        world.put(from, packet.clone());
        world.put(from, report.clone());
        world.put(attacker(), packet.clone());
        world.put(attacker(), report.clone());
    }
    assert_eq!(world.pictures(1).len(), 1);
    assert_eq!(world.core.counters.received_packets, 1);
    assert!(world.core.counters.dropped_authentication >= 198, "99 of each");
    assert_eq!(world.astray, 0);
}

#[test]
fn the_stream_numbers_of_another_session_are_one_s_own_affair() {
    let mut world = pair(open_room());
    let thief = world.join("c", in_room(), &SITE);
    for seq in 1..100 {
        world.show(0, 'h', seq, seq == 1);
        // The thief sends, under its own key, what carries the victim's SSRC and the victim's numbers.
        let payload = frame(seq as u16, true);
        let stolen = Sent { seq: seq + 1, ..video(0, 'h', seq, &payload) };
        world.send(thief, 1, Some('h'), stolen);
        let mut goodbye = Vec::new();
        rtcp::write_receiver_report(&mut goodbye, stolen.ssrc, &[]);
        rtcp::write_bye(&mut goodbye, stolen.ssrc);
        let report = world.browsers[thief].report(&goodbye);
        let from = world.browsers[thief].address;
        world.put(from, report);
    }
    let of_a = world.pictures(1);
    assert_eq!(of_a.len(), 99, "the wanted camera, whole, and nothing of the thief's in it");
    let ssrc = of_a[0].header.ssrc;
    assert!(of_a.windows(2).all(
        |it| it[1].header.ssrc == ssrc && it[1].header.seq == it[0].header.seq.wrapping_add(1)
    ));
}

#[test]
fn no_reply_is_larger_than_its_request_and_guesses_get_none() {
    let mut world = pair(open_room());
    let request = world.browsers[0].binding_request();
    for n in 0..50 {
        let from = SocketAddr::from(([203, 0, 113, n], 9));
        let before = world.astray;
        world.put(from, request.clone());
        assert!(world.astray - before <= request.len());
        let six = SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(n)], 9));
        let before = world.astray;
        world.put(six, request.clone());
        assert!(world.astray - before <= request.len());
    }
    let before = world.astray;
    let forged = world.browsers[0].forged_request();
    let unknown = stun::request_of_a_browser("Anobody", "x");
    for _ in 0..10_000 {
        world.put(attacker(), forged.clone());
        world.put(attacker(), unknown.clone());
    }
    assert_eq!(world.astray, before, "not one byte");
    // Who guesses is not listened to for a while, others are; and so is the guesser, a second later.
    let right = world.browsers[0].binding_request();
    world.put(attacker(), right.clone());
    assert_eq!(world.astray, before);
    world.put("198.51.100.1:9".parse().unwrap(), right.clone());
    assert!(world.astray > before);
    let before = world.astray;
    world.pass(1_000);
    world.put(attacker(), right);
    assert!(world.astray > before);
}

#[test]
fn guesses_from_the_honest_site_s_network_do_not_shut_it_out() {
    let mut world = pair(open_room());
    let forged = world.browsers[0].forged_request();
    for port in 0..2_000 {
        world.put(SocketAddr::from(([192, 0, 2, 1], 10_000 + port)), forged.clone());
    }
    let (from, request) = (world.browsers[0].address, world.browsers[0].binding_request());
    let before = world.browsers[0].stun_answers;
    world.put(from, request);
    assert_eq!(world.browsers[0].stun_answers, before + 1, "a known address is always heard");
}

#[test]
fn a_restart_keeps_the_old_path_until_the_new_one_is_nominated() {
    let mut world = pair(open_room());
    let old = world.browsers[1].binding_request();
    let sdp = world.browsers[1].offer(&SITE, "actpass");
    let again = sdp.replace("ice-ufrag:browser", "ice-ufrag:again");
    let former = world.offer(1, "b", in_room(), sdp.clone()).unwrap();
    let answer = world.offer(1, "b", in_room(), again).unwrap();
    let of = |text: &str, key: &str| -> Vec<String> {
        text.lines().filter(|it| it.starts_with(key)).map(str::to_owned).collect()
    };
    assert_ne!(of(&former, "a=ice-ufrag"), of(&answer, "a=ice-ufrag"));
    for key in ["a=ssrc", "a=mid", "m=", "a=setup", "a=fingerprint", "a=sendonly", "a=recvonly"] {
        assert_eq!(of(&former, key), of(&answer, key), "{key}");
    }
    let is_closed = |event: &MediaEvent| matches!(event, MediaEvent::SessionClosed { .. });
    assert!(!world.events.iter().any(is_closed));
    world.show(0, 'h', 1, true);
    assert_eq!(world.pictures(1).len(), 1, "the old path still carries");
    let (before, from) = (world.browsers[1].stun_answers, world.browsers[1].address);
    world.put(from, old.clone());
    assert_eq!(world.browsers[1].stun_answers, before + 1, "and is still checked");
    world.browsers[1].restarted(&answer);
    let new = world.browsers[1].binding_request();
    world.browsers[1].address = "198.51.100.7:7".parse().unwrap();
    world.put("198.51.100.7:7".parse().unwrap(), new);
    world.show(0, 'h', 2, false);
    assert_eq!(world.pictures(1).len(), 2, "the new path, at once, under the same keys");
    let before = world.astray;
    world.put(from, old);
    assert_eq!(world.astray, before, "the old credentials are worth nothing now");
    assert_eq!(world.core.by_ufrag.len(), 2);
}

#[test]
fn a_new_connection_of_the_same_session_begins_anew() {
    let mut world = pair(open_room());
    let sdp = Browser::new(9).offer(&SITE, "actpass");
    world.offer(1, "b", in_room(), sdp).unwrap();
    assert!(world.events.contains(&MediaEvent::SessionClosed { session: session(1) }));
}

#[test]
fn checks_keep_a_silent_receiver_and_thirty_seconds_without_them_end_it() {
    let mut world = pair(open_room());
    let (from, check) = (world.browsers[1].address, world.browsers[1].unnominated_request());
    let closed = MediaEvent::SessionClosed { session: session(1) };
    for _ in 0..12 {
        world.pass(5_000);
        world.put(from, check.clone());
    }
    assert!(!world.events.contains(&closed));
    world.pass(29_000);
    assert!(!world.events.contains(&closed));
    world.pass(2_000);
    assert!(world.events.contains(&closed));
}
