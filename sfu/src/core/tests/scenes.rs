//! What happens in a room, scene by scene.

use super::*;
use crate::rtcp::{self, Report};
use crate::rtp::Header;

/// Two sites that may be heard and seen, `a` wanted by `b`.
fn two_sites(room: RoomMedia) -> World {
    let mut world = World::new(room);
    world.join("a", in_room(), &SITE);
    world.join("b", in_room(), &SITE);
    world.want(1, &[("a", Layer::High)]);
    world
}

pub(super) fn asked_for_key_frame(world: &World, n: usize) -> usize {
    let mut found = 0;
    for report in &world.browsers[n].reports {
        rtcp::read(report, |it| found += usize::from(matches!(it, Report::KeyFrameWanted { .. })));
    }
    found
}

#[test]
fn what_one_site_sends_the_other_gets_beginning_with_a_key_frame() {
    let mut world = two_sites(open_room());
    world.show(0, 'h', 1, false);
    assert!(world.pictures(1).is_empty(), "a decoder cannot start here");
    assert_eq!(asked_for_key_frame(&world, 0), 1);
    (2..12).for_each(|seq| world.show(0, 'h', seq, seq == 2));
    let got = world.pictures(1);
    assert_eq!(got.len(), 10);
    assert_eq!(got[0].payload[7..], [7, 7, 7]);
    assert!(got.windows(2).all(|it| it[1].header.seq == it[0].header.seq.wrapping_add(1)));
    assert!(world.pictures(0).is_empty(), "nobody gets himself back");
    (1..11).for_each(|seq| world.say(0, seq, 30));
    assert_eq!(world.sounds(1), 10);
}

#[test]
fn of_a_muted_site_not_one_packet_gets_through_whatever_it_sends() {
    let tap = Some(Tap { recording: RecordingId::from_parts(3, 3) });
    let mut room = RoomMedia { open: false, tap, ..open_room() };
    room.grants = vec![grant("a", false), grant("b", true)];
    let mut world = two_sites(room.clone());
    for seq in 1..50 {
        world.show(0, 'h', seq, seq % 10 == 1);
        world.say(0, seq, 10);
        world.pass(20);
    }
    assert!(world.browsers[1].packets.is_empty());
    assert!(world.tapped().is_empty());
    assert_eq!(world.core.counters.forwarded_packets, 0);
    assert_eq!(world.core.counters.dropped_grant, 98);
    let spoke =
        |it: &MediaEvent| matches!(it, MediaEvent::Speakers { .. } | MediaEvent::Spoke { .. });
    assert!(!world.events.iter().any(spoke));
    room.grants = vec![grant("a", true), grant("b", true)];
    world.command(MediaCommand::SetRoom(room.clone()));
    (50..60).for_each(|seq| world.show(0, 'h', seq, seq == 50));
    assert_eq!(world.pictures(1).len(), 10);
    room.grants = vec![grant("a", false)];
    world.command(MediaCommand::SetRoom(room));
    (60..70).for_each(|seq| world.show(0, 'h', seq, seq == 60));
    assert_eq!(world.pictures(1).len(), 10, "the very next packet stops here");
}

#[test]
fn a_group_hears_and_sees_itself_alone_and_is_not_recorded() {
    let tap = Some(Tap { recording: RecordingId::from_parts(3, 3) });
    let mut room = RoomMedia { tap, main: Some(key("a", Source::Camera)), ..open_room() };
    let mut world = World::new(room.clone());
    for name in ["a", "b", "c", "d"] {
        world.join(name, in_room(), &SITE);
    }
    let watched = [("a", Layer::High), ("b", Layer::High), ("c", Layer::High), ("d", Layer::High)];
    (0..4).for_each(|n| world.want(n, &watched));
    let mut seq = 0;
    // What each of the four gets while all four send: pictures, sounds.
    let mut round = |world: &mut World| -> Vec<(usize, usize)> {
        let before: Vec<_> = (0..4).map(|n| (world.pictures(n).len(), world.sounds(n))).collect();
        for step in 0..10 {
            seq += 1;
            for n in 0..4 {
                world.show(n, 'h', seq, step == 0);
                world.say(n, seq, 30);
            }
            world.pass(20);
        }
        let got = (0..4).map(|n| (world.pictures(n).len(), world.sounds(n)));
        got.zip(before).map(|(now, was)| (now.0 - was.0, now.1 - was.1)).collect()
    };
    round(&mut world);
    let together = round(&mut world);
    assert_eq!(together, [(20, 20); 4], "a page of this test has two lines of each kind");
    // a and b discuss apart; c is left in the hall with d, who runs the meeting.
    room.groups = vec![("a".to_owned(), 1), ("b".to_owned(), 1)];
    room.oversees = vec!["d".to_owned()];
    world.command(MediaCommand::SetRoom(room.clone()));
    round(&mut world);
    let n_tapped = world.tapped().len();
    let apart = round(&mut world);
    let pictures: Vec<_> = apart.iter().map(|it| it.0).collect();
    assert_eq!(pictures, [10, 10, 10, 20], "who runs the meeting sees every group");
    assert!(apart.iter().all(|it| (9..=10).contains(&it.1)), "one voice each: {apart:?}");
    let tapped: std::collections::BTreeSet<_> =
        world.tapped()[n_tapped..].iter().map(|it| it.track).collect();
    assert_eq!(tapped.len(), 4, "two cameras and two microphones of the hall");
    // The clock has run out.
    (room.groups, room.oversees) = (Vec::new(), Vec::new());
    world.command(MediaCommand::SetRoom(room));
    round(&mut world);
    let back = round(&mut world);
    assert_eq!(back, [(20, 20); 4]);
}

#[test]
fn layers_are_switched_without_a_seam() {
    let mut world = two_sites(open_room());
    let mut seq = 100;
    for (layer, rid) in
        [(Layer::High, 'h'), (Layer::Low, 'l'), (Layer::Mid, 'm'), (Layer::High, 'h')]
    {
        world.want(1, &[("a", layer)]);
        for step in 0..30 {
            seq += 1;
            for other in ['l', 'm', 'h'] {
                // Each layer has numbers of its own; key frames come every ten.
                let offset = u64::from(u32::from(other)) * 100;
                world.show(0, other, seq + offset, step % 10 == 5);
            }
            world.pass(33);
        }
        let last = world.pictures(1).last().unwrap().payload.clone();
        let wanted = seq + u64::from(u32::from(rid)) * 100;
        // The index of the base layer is shifted, the frame's own bytes are not: find it by count.
        assert_eq!(last.len(), frame(wanted as u16, false).len());
    }
    let got = world.pictures(1);
    assert!(got.len() > 100, "{}", got.len());
    let pictures: Vec<u16> =
        got.iter().map(|it| u16::from_be_bytes([it.payload[2], it.payload[3]]) & 0x7fff).collect();
    for (n, pair) in got.windows(2).enumerate() {
        assert_eq!(pair[1].header.seq, pair[0].header.seq.wrapping_add(1));
        assert_eq!(pictures[n + 1], (pictures[n] + 1) & 0x7fff);
        let step = pair[1].header.timestamp.wrapping_sub(pair[0].header.timestamp);
        assert!((1..20_000).contains(&step), "timestamps go on: {step}");
    }
}

#[test]
fn a_lost_packet_is_fetched_from_the_publisher_and_given_to_the_receiver() {
    let mut world = two_sites(open_room());
    for seq in (1..20).filter(|seq| *seq != 10) {
        world.show(0, 'h', seq, seq == 1);
    }
    world.pass(60);
    let mut asked = Vec::new();
    for report in &world.browsers[0].reports {
        rtcp::read(report, |it| {
            if let Report::Nack { lost, .. } = it {
                asked.extend(rtcp::lost_packets(lost));
            }
        });
    }
    assert_eq!(asked.first(), Some(&10));
    // The publisher repeats it as RFC 4588 says.
    let mut payload = vec![0, 10];
    payload.extend_from_slice(&frame(10, false));
    let rtx = Sent { payload_type: 97, ssrc: 999, is_rtx: true, ..video(0, 'h', 5, &payload) };
    let rtx = Sent { timestamp: 30_000, ..rtx };
    world.send(0, 1, Some('h'), rtx);
    let got = world.pictures(1);
    assert_eq!(got.len(), 19);
    let mut seqs: Vec<u16> = got.iter().map(|it| it.header.seq).collect();
    seqs.sort_unstable();
    assert!(seqs.windows(2).all(|it| it[1] == it[0] + 1), "the hole is filled: {seqs:?}");
    // The receiver in turn lost one of its own.
    let (ssrc, seq) = (got[4].header.ssrc, got[4].header.seq);
    let lost = got[4].payload.clone();
    let mut compound = Vec::new();
    rtcp::write_receiver_report(&mut compound, 1, &[]);
    rtcp::write_nack(&mut compound, 1, ssrc, &[seq]);
    let report = world.browsers[1].report(&compound);
    let from = world.browsers[1].address;
    world.put(from, report);
    let again = world.browsers[1].packets.last().unwrap();
    assert_eq!(again.header.payload_type, 97);
    assert_eq!(again.payload[..2], seq.to_be_bytes());
    assert_eq!(again.payload[2..], lost);
}

#[test]
fn nobody_but_the_validated_address_is_listened_to() {
    let mut world = two_sites(open_room());
    world.show(0, 'h', 1, true);
    let stranger = "198.51.100.9:1".parse().unwrap();
    let before = world.core.counters.received_packets;
    let payload = frame(2, false);
    let packet = world.browsers[0].packet(1, Some('h'), video(0, 'h', 2, &payload));
    world.put(stranger, packet.clone());
    world.put(stranger, vec![22, 254, 253, 0, 0, 0, 0]);
    assert_eq!(world.core.counters.dropped_address, 2);
    assert_eq!(world.core.counters.received_packets, before);
    let forged = world.browsers[0].forged_request();
    world.put(stranger, forged);
    world.put(stranger, packet.clone());
    assert_eq!(world.core.counters.dropped_address, 3, "a wrong password opens nothing");
    let from = world.browsers[0].address;
    world.put(from, packet.clone());
    assert_eq!(world.core.counters.received_packets, before + 1);
    world.put(from, packet);
    assert_eq!(world.core.counters.dropped_authentication, 1, "a replay");
}

#[test]
fn a_browser_that_changes_its_network_takes_its_session_along() {
    let mut world = two_sites(open_room());
    let request = world.browsers[1].binding_request();
    world.browsers[1].address = "203.0.113.5:77".parse().unwrap();
    world.put("203.0.113.5:77".parse().unwrap(), request);
    world.show(0, 'h', 1, true);
    assert_eq!(world.pictures(1).len(), 1, "sent to the new address");
}

#[test]
fn a_certificate_that_the_offer_did_not_name_is_refused_in_both_roles() {
    for setup in ["actpass", "passive"] {
        let mut world = World::new(open_room());
        let honest = world.enter("a", in_room(), &SITE, setup, None);
        assert!(world.browsers[honest].srtp.is_some(), "{setup} works");
        let n = world.browsers.len();
        let mut browser = Browser::new(6_000);
        let sdp = browser.offer(&SITE, setup);
        let mine = sdp.lines().find(|it| it.starts_with("a=fingerprint")).unwrap().to_owned();
        let other = format!("a=fingerprint:sha-256 {}", ["AA"; 32].join(":"));
        let answer = world.offer(n, "b", in_room(), sdp.replace(&mine, &other)).unwrap();
        browser.answered(&answer, None);
        let knocks = browser.knock(world.now().at);
        let from = browser.address;
        world.browsers.push(browser);
        knocks.into_iter().for_each(|knock| world.put(from, knock));
        world.pass(3_000);
        let connected = MediaEvent::SessionConnected { session: session(n) };
        assert!(!world.events.contains(&connected), "{setup}");
        let third = world.enter("c", in_room(), &SITE, setup, Some([7; 32]));
        assert!(world.browsers[third].srtp.is_none(), "we are not who they think: {setup}");
    }
}

#[test]
fn whep_lines_are_filled_in_the_order_of_arrival_and_the_rest_waits() {
    let mut world = World::new(open_room());
    let publish = [Wish::SendAudio, Wish::SendVideo];
    for publisher in ["x", "y", "z"] {
        let n = world.join(publisher, SessionKind::Publish, &publish);
        let payload = frame(1, true);
        world.send(n, 1, None, video(n, 'h', 1, &payload));
        world.say(n, 1, 50);
    }
    let lines = [Wish::ReceiveVideo, Wish::ReceiveVideo, Wish::ReceiveAudio];
    let all = SessionKind::Receive { of: Vec::new() };
    let n = world.join("w", all.clone(), &lines);
    let names = |slots: Vec<Option<String>>| -> Vec<String> {
        slots.into_iter().map(Option::unwrap_or_default).collect()
    };
    assert_eq!(names(world.slots(n)), ["x Camera", "y Camera", "x Microphone"]);
    let own = world.join("x", all, &lines);
    assert_eq!(names(world.slots(own)), ["y Camera", "z Camera", "y Microphone"]);
    let of = SessionKind::Receive { of: vec!["z".to_owned()] };
    let one = world.join("v", of, &lines);
    assert_eq!(names(world.slots(one)), ["z Camera", "", "z Microphone"]);
    world.command(MediaCommand::CloseSession { session: session(0) });
    assert_eq!(names(world.slots(n)), ["z Camera", "y Camera", "y Microphone"]);
}

#[test]
fn the_programme_shows_the_main_picture() {
    let mut room = open_room();
    room.main = Some(key("b", Source::Camera));
    let mut world = two_sites(room.clone());
    world.show(0, 'h', 1, true);
    world.show(1, 'h', 1, true);
    let lines = [Wish::ReceiveVideo, Wish::ReceiveAudio];
    let n = world.join("tv", SessionKind::Programme, &lines);
    assert_eq!(world.slots(n)[0].as_deref(), Some("b Camera"));
    room.main = Some(key("a", Source::Camera));
    world.command(MediaCommand::SetRoom(room));
    assert_eq!(world.slots(n)[0].as_deref(), Some("a Camera"));
}

#[test]
fn the_loudest_are_heard_and_the_chair_always() {
    let mut room = open_room();
    room.pinned = vec!["chair".to_owned()];
    let mut world = World::new(room);
    for publisher in ["a", "b", "c", "chair", "ear"] {
        world.join(publisher, in_room(), &SITE);
    }
    for seq in 1..150 {
        for (n, level) in [(0, 60), (1, 60), (2, 25), (3, 127)] {
            world.say(n, seq, level);
        }
        world.pass(20);
    }
    let heard: Vec<_> = world.slots(4)[..2].iter().flatten().cloned().collect();
    assert!(heard.contains(&"chair Microphone".to_owned()), "{heard:?}");
    assert!(heard.contains(&"c Microphone".to_owned()), "{heard:?}");
    let told = world.events.iter().rev().find_map(|event| match event {
        MediaEvent::Speakers { publishers, .. } => Some(publishers.clone()),
        _ => None,
    });
    assert_eq!(told.unwrap(), ["c"]);
    world.pass(3_000);
    let spoke = world.events.iter().find_map(|event| match event {
        MediaEvent::Spoke { publisher, ms, .. } => Some((publisher.clone(), *ms)),
        _ => None,
    });
    let (publisher, ms) = spoke.unwrap();
    assert_eq!(publisher, "c");
    assert!((2_900..3_000).contains(&ms), "{ms}");
}

#[test]
fn the_recorder_gets_original_packets_and_clocks_after_the_track_is_announced() {
    let mut room = open_room();
    room.tap = Some(Tap { recording: RecordingId::from_parts(3, 3) });
    room.main = Some(key("a", Source::Camera));
    let mut world = two_sites(room.clone());
    for seq in 1..30 {
        ['l', 'h'].into_iter().for_each(|rid| world.show(0, rid, seq, seq == 1));
        world.say(0, seq, 40);
        world.pass(20);
    }
    let mut compound = Vec::new();
    let report = rtcp::SenderReport { ssrc: 10_000, ntp: 0xe000_0000_0000_0000, rtp: 5 };
    rtcp::write_sender_report(&mut compound, &report, 1, 1);
    let sealed = world.browsers[0].report(&compound);
    let from = world.browsers[0].address;
    world.put(from, sealed);
    world.pass(60);
    let mut known = Vec::new();
    for message in &world.tap {
        match message {
            TapMessage::TrackStarted(info) => known.push(info.clone()),
            TapMessage::Packets { packets, .. } => {
                assert!(packets.iter().all(|it| known.iter().any(|info| info.track == it.track)));
            }
            TapMessage::TrackEnded { .. } => {}
        }
    }
    let camera: Vec<_> = known.iter().filter(|it| it.key.source == Source::Camera).collect();
    let last = camera.last().unwrap();
    assert_eq!((last.layer, last.clock_rate), (Layer::High, 90_000), "the main picture is sharp");
    let packets = world.tapped();
    let of_camera: Vec<_> = packets.iter().filter(|it| it.track == last.track).collect();
    let header = crate::rtp::parse(&of_camera[0].bytes).unwrap();
    assert_eq!((header.ssrc, header.payload_type), (last.ssrc, 96));
    assert!(of_camera.len() >= 25, "{}", of_camera.len());
    let clocks = packets.iter().filter(|it| it.kind == protocol::tap::TapKind::SenderReport);
    assert_eq!(clocks.count(), 1);
    // Another main picture: this camera is recorded at its lowest layer from now on.
    room.main = None;
    world.command(MediaCommand::SetRoom(room.clone()));
    let started = world.tap.iter().rev().find_map(|message| match message {
        TapMessage::TrackStarted(info) => Some(info.layer),
        _ => None,
    });
    assert_eq!(started, Some(Layer::Low));
    room.tap = None;
    world.command(MediaCommand::SetRoom(room));
    let n_ended = world.tap.iter().filter(|it| matches!(it, TapMessage::TrackEnded { .. })).count();
    let n_started = world.tap.iter().filter(|it| matches!(it, TapMessage::TrackStarted(_))).count();
    assert_eq!(n_ended, n_started);
}

#[test]
fn clocks_are_told_so_that_lips_and_voice_agree() {
    let mut world = two_sites(open_room());
    world.show(0, 'h', 1, true);
    world.say(0, 1, 40);
    let ntp = crate::clock::ntp_of_unix_us(1_000_000_000_000_000);
    for (ssrc, rtp) in [(10_000, 1_000), (20_000 + u32::from('h'), 500_000)] {
        let mut compound = Vec::new();
        rtcp::write_sender_report(&mut compound, &rtcp::SenderReport { ssrc, ntp, rtp }, 1, 1);
        let sealed = world.browsers[0].report(&compound);
        let from = world.browsers[0].address;
        world.put(from, sealed);
    }
    world.pass(1_500);
    let mut told = Vec::new();
    for report in &world.browsers[1].reports {
        rtcp::read(report, |it| {
            if let Report::Sender(report, _) = it {
                told.push(report);
            }
        });
    }
    let out = |payload_type: u8| {
        let packets = &world.browsers[1].packets;
        packets.iter().find(|it| it.header.payload_type == payload_type).unwrap().header
    };
    // The publisher's instant `ntp` must be the same instant in both outgoing streams.
    let instant = |header: Header, original: u32, at_ntp: u32, rate: i64| {
        let report = told.iter().rev().find(|it| it.ssrc == header.ssrc).unwrap();
        let shift = header.timestamp.wrapping_sub(original);
        let units = i64::from(report.rtp.wrapping_sub(at_ntp.wrapping_add(shift)) as i32);
        crate::clock::unix_us_of_ntp(report.ntp) - units * 1_000_000 / rate
    };
    let voice = instant(out(111), 960, 1_000, 48_000);
    let picture = instant(out(96), 3_000, 500_000, 90_000);
    assert!((voice - picture).abs() < 1_000, "{voice} {picture}");
}

#[test]
fn key_frame_requests_of_many_receivers_are_two_a_second() {
    let mut world = two_sites(open_room());
    (2..7).for_each(|_| {
        let n = world.join("more", in_room(), &SITE);
        world.want(n, &[("a", Layer::High)]);
    });
    world.show(0, 'h', 1, false);
    for seq in 2..40 {
        world.show(0, 'h', seq, false);
        world.pass(10);
    }
    assert_eq!(asked_for_key_frame(&world, 0), 2, "asked again, for the first may be lost");
    world.pass(500);
    assert_eq!(asked_for_key_frame(&world, 0), 2);
    world.pass(200);
    assert_eq!(asked_for_key_frame(&world, 0), 3);
}

#[test]
fn a_silent_track_stops_and_a_silent_browser_is_gone() {
    let mut world = two_sites(open_room());
    world.say(0, 1, 40);
    world.pass(6_000);
    let stopped =
        MediaEvent::TrackStopped { room: "r".to_owned(), track: key("a", Source::Microphone) };
    assert_eq!(world.events.iter().filter(|it| **it == stopped).count(), 1);
    world.say(0, 2, 40);
    let started =
        MediaEvent::TrackStarted { room: "r".to_owned(), track: key("a", Source::Microphone) };
    assert_eq!(world.events.iter().filter(|it| **it == started).count(), 2);
    world.pass(25_000);
    assert!(!world.events.contains(&MediaEvent::SessionClosed { session: session(0) }));
    assert!(world.events.contains(&MediaEvent::SessionClosed { session: session(1) }));
    world.pass(6_000);
    assert!(world.events.contains(&MediaEvent::SessionClosed { session: session(0) }));
}

#[test]
fn what_cannot_be_is_refused_with_a_code() {
    let mut world = World::new(open_room());
    let browser = Browser::new(1);
    let good = browser.offer(&SITE, "actpass");
    assert_eq!(world.offer(1, "a", in_room(), "v=0".to_owned()), Err(ErrorCode::InvalidSdp));
    let foreign = good.replace("VP8", "H264").replace("opus", "G722");
    assert_eq!(world.offer(2, "a", in_room(), foreign), Err(ErrorCode::UnsupportedMedia));
    assert!(world.offer(3, "a", in_room(), good.clone()).is_ok());
    world.command(MediaCommand::CloseRoom { room: "r".to_owned() });
    assert!(world.events.contains(&MediaEvent::SessionClosed { session: session(3) }));
    assert_eq!(world.offer(4, "a", in_room(), good), Err(ErrorCode::NotFound));
}

#[test]
fn a_publisher_that_comes_in_anew_replaces_its_former_self() {
    let mut world = two_sites(open_room());
    world.show(0, 'h', 1, true);
    let n = world.join("a", in_room(), &SITE);
    world.show(n, 'h', 1, true);
    world.show(0, 'h', 2, true);
    world.show(n, 'h', 2, false);
    assert!(world.pictures(1).len() >= 2);
    assert_eq!(world.slots(1)[2].as_deref(), Some("a Camera"));
}

#[test]
fn a_newcomer_sees_a_screen_on_which_nothing_moves() {
    let mut world = World::new(open_room());
    let n = world.join("a", SessionKind::Publish, &[Wish::SendAudio, Wish::SendVideo]);
    let payload = frame(1, true);
    world.send(n, 1, None, video(n, 'h', 1, &payload));
    world.pass(2_000);
    world.join("w", SessionKind::Receive { of: Vec::new() }, &[Wish::ReceiveVideo]);
    world.pass(100);
    assert_eq!(asked_for_key_frame(&world, n), 1);
    let payload = frame(2, true);
    world.send(n, 1, None, video(n, 'h', 2, &payload));
    assert_eq!(world.pictures(1).len(), 1);
}

#[test]
fn a_panic_ends_one_session_and_no_other() {
    let mut world = two_sites(open_room());
    let now = world.now();
    world.core.isolated(0, now, |_| panic!("meant"));
    world.deliver();
    assert!(world.events.contains(&MediaEvent::SessionClosed { session: session(0) }));
    assert_eq!((world.core.counters.panics, world.core.counters.participants), (1, 1));
    let n = world.join("c", in_room(), &SITE);
    world.want(1, &[("c", Layer::High)]);
    world.show(n, 'h', 1, true);
    assert_eq!(world.pictures(1).len(), 1);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
    #[test]
    fn no_datagram_from_a_validated_browser_hurts_the_others(
        noise in proptest::collection::vec(proptest::collection::vec(proptest::prelude::any::<u8>(), 1..80), 1..60),
    ) {
        let mut world = two_sites(open_room());
        let from = world.browsers[0].address;
        for bytes in noise {
            // Sealed noise: authentic, and still nonsense.
            if bytes.len() >= 12 {
                let mut report = bytes.clone();
                report[0] = 0x80 | (report[0] & 0x3f);
                report[1] = 200 + report[1] % 8;
                if world.browsers[0].srtp.as_mut().unwrap().local.seal_rtcp(&mut report, 0).is_some() {
                    world.put(from, report);
                }
                let seq = u64::from(bytes[3]);
                world.send(0, 1, Some('h'), Sent { payload_type: bytes[1] & 127, ..video(0, 'h', seq, &bytes) });
            }
            world.put(from, bytes);
        }
        proptest::prop_assert_eq!(world.core.counters.panics, 0);
        let n = world.join("c", in_room(), &SITE);
        world.want(1, &[("c", Layer::High)]);
        world.show(n, 'h', 1, true);
        proptest::prop_assert!(!world.pictures(1).is_empty());
    }
}

#[test]
fn who_still_speaks_when_the_meeting_ends_is_counted_to_the_end() {
    let mut world = two_sites(open_room());
    for seq in 1..200 {
        world.say(0, seq, 30);
        world.pass(20);
    }
    let n_before = world.events.len();
    world.command(MediaCommand::FlushSpeech { room: "r".to_owned() });
    let [MediaEvent::Spoke { publisher, ms, .. }, MediaEvent::SpeechFlushed { room }] =
        &world.events[n_before..]
    else {
        panic!("the speech, then the end: {:?}", &world.events[n_before..]);
    };
    assert_eq!((publisher.as_str(), room.as_str()), ("a", "r"));
    assert!((3_900..4_000).contains(ms), "{ms}");
}

#[test]
fn an_encoder_that_publishes_alone_is_asked_for_key_frames_too() {
    let mut world = World::new(open_room());
    world.join("camera", SessionKind::Publish, &[Wish::SendAudio, Wish::SendVideo]);
    let whole = SessionKind::Receive { of: Vec::new() };
    let payload = frame(1, false);
    world.send(0, 1, None, video(0, 'h', 1, &payload));
    world.join("viewer", whole, &[Wish::ReceiveAudio, Wish::ReceiveVideo]);
    let payload = frame(2, false);
    world.send(0, 1, None, video(0, 'h', 2, &payload));
    world.pass(300);
    assert!(asked_for_key_frame(&world, 0) >= 1);
}

#[test]
fn a_silent_microphone_costs_its_receivers_nothing_and_comes_back_without_a_seam() {
    let mut world = two_sites(open_room());
    let mut seq = 0;
    let mut speak = |world: &mut World, n: u64, level: u8| {
        for _ in 0..n {
            seq += 1;
            world.say(0, seq, level);
            world.pass(20);
        }
    };
    speak(&mut world, 10, 30);
    speak(&mut world, 300, 100);
    let heard = world.sounds(1);
    assert!((100..=112).contains(&heard), "two seconds of silence are forwarded: {heard}");
    speak(&mut world, 10, 30);
    assert_eq!(world.sounds(1), heard + 10);
    let got: Vec<&Header> = world.browsers[1]
        .packets
        .iter()
        .map(|it| &it.header)
        .filter(|it| it.payload_type == 111)
        .collect();
    assert!(got.windows(2).all(|it| it[1].seq == it[0].seq.wrapping_add(1)), "no hole");
    let pause = got[heard].timestamp.wrapping_sub(got[heard - 1].timestamp);
    assert!((180_000..200_000).contains(&pause), "but the time has passed: {pause}");
}
