//! What is told of a room's lines is what happened on them.

use protocol::insight::{LineReason, RoomRoutes, RouteCipher, RouteKind, RoutePath};

use super::*;
use crate::rtcp::{self, ReportBlock};

fn inspect(world: &mut World, room: &str, of: Option<&str>) -> RoomRoutes {
    let request = RequestId::from_parts(7, u128::from(world.ms));
    let of = of.map(str::to_owned);
    world.command(MediaCommand::Inspect { request, room: room.to_owned(), of });
    let answer = world.events.pop();
    let Some(MediaEvent::Inspected { request: to, routes }) = answer else { panic!("{answer:?}") };
    assert_eq!(to, request);
    *routes
}

/// The receiver says how its first picture arrives.
fn complain(world: &mut World, n: usize, fraction_lost: u8) {
    let ssrc = world.pictures(n).first().unwrap().header.ssrc;
    let mut report = Vec::new();
    let block = ReportBlock { ssrc, fraction_lost, jitter: 900, ..ReportBlock::default() };
    rtcp::write_receiver_report(&mut report, 1, &[block]);
    let sealed = world.browsers[n].report(&report);
    let from = world.browsers[n].address;
    world.put(from, sealed);
}

#[test]
fn a_weak_line_is_told_from_the_publishers_and_from_the_receivers_side() {
    let mut world = World::new(open_room());
    world.join("a", in_room(), &SITE);
    world.join("b", in_room(), &SITE);
    world.want(1, &[("a", Layer::High)]);
    for seq in 1..400 {
        // One packet in five is lost on the way up, and never repaired.
        if seq % 5 != 3 {
            world.show(0, 'm', seq, seq == 1);
        }
        world.pass(20);
        if seq % 50 == 0 {
            // The receiver misses those, and one in four of its own.
            complain(&mut world, 1, 115);
        }
    }
    let told = inspect(&mut world, "r", None);
    assert_eq!(told.sessions.len(), 2);
    let (a, b) = (&told.sessions[0], &told.sessions[1]);
    assert_eq!(
        (a.publisher.as_str(), a.kind, a.path),
        ("a", RouteKind::Room, Some(RoutePath::Udp4))
    );
    assert_eq!(a.cipher, Some(RouteCipher::Gcm));
    assert!(a.detail.is_none(), "nobody asked for it");
    assert!((150..=230).contains(&a.up.lost_permille), "{:?}", a.up);
    assert!(a.up.bps > 0 && a.up.n_streams == 1 && a.up.n_nacked > 0);
    assert!(b.up.n_streams == 0 && b.down.bps > 0);
    assert!(
        (100..=300).contains(&b.down.lost_permille),
        "without those of the publisher's line: {:?}",
        b.down
    );
    assert_eq!(b.down.jitter_ms, 10);
    let weak = world.core.counters.up_weak;
    assert!(weak >= 2, "the operators' counters say so too: {weak}");
    assert!(world.core.counters.lines_mid >= 2);

    let told = inspect(&mut world, "r", Some("b"));
    let [b] = &told.sessions[..] else { panic!("{told:?}") };
    let line = &b.detail.as_ref().unwrap().lines[0];
    assert_eq!((line.layer, line.layer_max), (Some(Layer::Mid), Layer::High));
    assert_eq!(line.reason, Some(LineReason::Uplink), "no sharper layer comes");
    let told = inspect(&mut world, "r", Some("a"));
    let layers = &told.sessions[0].detail.as_ref().unwrap().tracks[0].layers;
    assert_eq!((layers.len(), layers[0].layer, layers[0].n_key_frames), (1, Layer::Mid, 1));
    assert!(inspect(&mut world, "elsewhere", None).sessions.is_empty());
}

#[test]
fn a_line_that_waits_for_a_key_frame_says_so_and_the_round_trip_is_measured() {
    let mut world = World::new(open_room());
    world.join("a", in_room(), &SITE);
    world.join("b", in_room(), &SITE);
    world.want(1, &[("a", Layer::High)]);
    world.show(0, 'h', 1, false);
    let told = inspect(&mut world, "r", Some("b"));
    let detail = told.sessions[0].detail.clone().unwrap();
    assert_eq!(detail.lines[0].reason, Some(LineReason::KeyFrame));
    assert_eq!(detail.lines[0].layer, None);
    assert_eq!(told.sessions[0].rtt_ms, None);
    (2..30).for_each(|seq| world.show(0, 'h', seq, seq == 2));
    // A report on a sender report of 40 ms ago, which the browser held for 10 ms.
    let last_sr = (crate::clock::ntp_of_unix_us(world.now().unix_us) >> 16) as u32;
    world.pass(40);
    let ssrc = world.pictures(1).first().unwrap().header.ssrc;
    let block = ReportBlock { ssrc, last_sr, delay_since_sr: 655, ..ReportBlock::default() };
    let mut report = Vec::new();
    rtcp::write_receiver_report(&mut report, 1, &[block]);
    let sealed = world.browsers[1].report(&report);
    let from = world.browsers[1].address;
    world.put(from, sealed);
    let told = inspect(&mut world, "r", Some("b"));
    assert!((29..=30).contains(&told.sessions[0].rtt_ms.unwrap()), "{told:?}");
    assert_eq!(told.sessions[0].detail.as_ref().unwrap().lines[0].reason, None);
}

/// A key frame of 320 by 180 in `n` packets.
fn show_picture(world: &mut World, first: u64, n: u64, skipped: Option<u64>) {
    for part in 0..n {
        let mut payload = frame(first as u16, true);
        payload.truncate(6);
        if part == 0 {
            payload.extend_from_slice(&[0x10, 2, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00]);
        } else {
            payload[0] &= !0x10;
            payload.extend_from_slice(&[part as u8; 100]);
        }
        let sent = Sent { timestamp: first as u32, ..video(0, 'l', first + part, &payload) };
        let mut packet = sent;
        packet.payload_type |= if part + 1 == n { 0x80 } else { 0 };
        if skipped != Some(part) {
            world.send(0, 1, Some('l'), packet);
        }
    }
}

#[test]
fn every_camera_gives_a_picture_now_and_then_even_one_that_is_not_on_air() {
    let mut world = World::new(RoomMedia { open: false, ..open_room() });
    world.join("a", in_room(), &SITE);
    let take = |world: &mut World, newer_than: i64| {
        let request = RequestId::from_parts(8, u128::from(world.ms));
        let newer_than = protocol::time::Timestamp(newer_than);
        let room = "r".to_owned();
        world.command(MediaCommand::TakeSnapshots { request, room, newer_than });
        let answer = world.events.pop();
        let Some(MediaEvent::Snapshots { cameras, .. }) = answer else { panic!("{answer:?}") };
        cameras
    };
    assert!(take(&mut world, 0).is_empty());
    world.show(0, 'l', 1, false);
    assert_eq!(take(&mut world, 0), [("a".to_owned(), None)]);
    assert_eq!(world.core.counters.key_frame_requests, 1, "it is asked for one");
    show_picture(&mut world, 2, 3, Some(2));
    assert_eq!(take(&mut world, 0)[0].1, None, "half a picture is none");
    show_picture(&mut world, 4, 3, None);
    let taken = take(&mut world, 0);
    let picture = taken[0].1.clone().unwrap();
    assert_eq!((picture.width, picture.height), (320, 180));
    assert_eq!(picture.webp.len(), 20 + 10 + 200);
    assert_eq!(take(&mut world, picture.at.0)[0].1, None, "no newer one");
    assert_eq!(world.core.counters.key_frame_requests, 1, "this one is new");
    for seq in 7..527 {
        world.show(0, 'l', seq, false);
        world.pass(20);
    }
    take(&mut world, 0);
    assert_eq!(world.core.counters.key_frame_requests, 2, "this one is old");
    assert_eq!(world.core.counters.forwarded_packets, 0);
}

#[test]
fn a_trace_has_the_headers_of_one_session_and_nothing_of_its_pictures() {
    let mut world = World::new(open_room());
    world.join("a", in_room(), &SITE);
    world.join("b", in_room(), &SITE);
    world.want(1, &[("a", Layer::High)]);
    let request = RequestId::from_parts(9, 9);
    let trace = |publisher: &str, seconds| {
        let (room, publisher) = ("r".to_owned(), publisher.to_owned());
        MediaCommand::Trace { request, room, publisher, seconds }
    };
    world.command(trace("nobody", 5));
    assert_eq!(world.events.pop(), Some(MediaEvent::Traced { request, file: Vec::new() }));
    world.command(trace("b", 1));
    let secret = [0xa5; 64];
    for seq in 1..80 {
        let mut payload = frame(seq as u16, seq == 1);
        payload.extend_from_slice(&secret);
        world.send(0, 1, Some('h'), video(0, 'h', seq, &payload));
        world.say(1, seq, 40);
        world.pass(20);
    }
    let file = world.events.iter().find_map(|it| match it {
        MediaEvent::Traced { file, .. } if !file.is_empty() => Some(file.clone()),
        _ => None,
    });
    let file = file.expect("a second is over");
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    let (mut at, mut up, mut down) = (0, 0, 0);
    while at < file.len() {
        if word(at) == 6 {
            let udp = &file[at + 28 + 20..];
            let is_ours = udp[..2] == 7_882_u16.to_be_bytes();
            let payload_type = udp[9] & 0x7f;
            up += usize::from(!is_ours && payload_type == 111);
            down += usize::from(is_ours && payload_type == 96);
        }
        at += word(at + 4) as usize;
    }
    assert!((45..=52).contains(&up) && (45..=52).contains(&down), "{up} up, {down} down");
    assert!(!file.windows(24).any(|it| it == &secret[..24]), "no content");
    assert!(world.core.traces.is_empty());
}
