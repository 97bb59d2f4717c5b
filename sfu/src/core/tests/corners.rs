//! Corners: connections that overlap, streams that contradict each other, numbers that run far ahead,
//! addresses that two sessions name.

use super::*;
use crate::rtcp;

fn started(world: &World, publisher: &str, source: Source) -> usize {
    let event = MediaEvent::TrackStarted { room: "r".to_owned(), track: key(publisher, source) };
    world.events.iter().filter(|it| **it == event).count()
}

fn stopped(world: &World, publisher: &str, source: Source) -> usize {
    let event = MediaEvent::TrackStopped { room: "r".to_owned(), track: key(publisher, source) };
    world.events.iter().filter(|it| **it == event).count()
}

#[test]
fn of_two_connections_of_one_publisher_the_newer_one_counts() {
    let mut world = World::new(open_room());
    world.join("a", in_room(), &SITE);
    let new = world.join("a", in_room(), &SITE);
    let viewer = world.join("b", in_room(), &SITE);
    world.want(viewer, &[("a", Layer::High)]);
    // Far beyond the first 65,536 packets, so that the rollover counter matters.
    let seq = |n: u64| if n < 60 { n * 30_000 } else { 60 * 30_000 + n };
    (0..70).for_each(|n| world.show(0, 'h', seq(n), n == 0));
    for n in 70..90 {
        world.show(new, 'h', n, n % 5 == 0);
        world.show(0, 'h', seq(n), n % 5 == 0);
    }
    assert_eq!(started(&world, "a", Source::Camera), 2, "no to and fro");
    assert_eq!(world.browsers[viewer].packets.len(), 90, "all of the newer one, nothing else");
    world.command(MediaCommand::CloseSession { session: session(new) });
    let before = world.browsers[viewer].packets.len();
    (90..95).for_each(|n| world.show(0, 'h', seq(n), n == 90));
    assert_eq!(world.browsers[viewer].packets.len(), before + 5, "the older one is still sound");
}

#[test]
fn a_packet_is_repaired_although_a_whole_key_frame_came_after_it() {
    let mut world = World::new(open_room());
    world.join("a", in_room(), &SITE);
    world.join("b", in_room(), &SITE);
    world.want(1, &[("a", Layer::High)]);
    (1..100).filter(|seq| *seq != 10).for_each(|seq| world.show(0, 'h', seq, seq == 1));
    let mut payload = vec![0, 10];
    payload.extend_from_slice(&frame(10, false));
    let rtx = Sent { payload_type: 97, ssrc: 999, is_rtx: true, ..video(0, 'h', 5, &payload) };
    world.send(0, 1, Some('h'), rtx);
    world.send(0, 1, Some('h'), Sent { seq: 6, ..rtx });
    assert_eq!(world.pictures(1).len(), 99, "once, however often it is repeated");
}

#[test]
fn two_streams_that_claim_one_layer_do_not_fight_over_it() {
    let tap = Some(Tap { recording: RecordingId::from_parts(3, 3) });
    let mut world = World::new(RoomMedia { tap, ..open_room() });
    let n = world.join("a", SessionKind::Publish, &[Wish::SendVideo]);
    let payload = frame(1, true);
    let packet = |ssrc, seq| Sent { ssrc, ..video(n, 'h', seq, &payload) };
    for seq in 1..20 {
        world.send(n, 0, None, packet(1, seq));
        world.send(n, 0, None, packet(2, seq));
    }
    world.pass(60);
    assert_eq!(world.tapped().len(), 18, "the first one stays, recorded from its second packet on");
    world.pass(1_000);
    world.send(n, 0, None, packet(2, 20));
    let told: Vec<u64> = world
        .tap
        .iter()
        .filter_map(|message| match message {
            TapMessage::TrackStarted(info) => Some(u64::from(info.track)),
            TapMessage::TrackEnded { track, .. } => Some(100 + u64::from(*track)),
            TapMessage::Packets { .. } => None,
        })
        .collect();
    assert_eq!(told, [1, 101, 2], "the first is over before the second begins");
}

#[test]
fn no_two_streams_of_a_session_have_one_ssrc() {
    let mut world = World::new(open_room());
    let mut n = 0;
    // Every number comes four times.
    world.core.random = Box::new(move || {
        n += 1;
        n / 4
    });
    let browser = Browser::new(1);
    let answer = world.offer(0, "a", in_room(), browser.offer(&SITE, "actpass")).unwrap();
    let cnames = answer.lines().filter(|line| line.contains(" cname:"));
    let mut ssrcs: Vec<&str> = cnames.filter_map(|line| line.split(' ').next()).collect();
    let n = ssrcs.len();
    ssrcs.sort_unstable();
    ssrcs.dedup();
    assert_eq!((n, ssrcs.len()), (6, 6), "{answer}");
}

#[test]
fn a_site_is_told_its_empty_lines_at_once() {
    let mut world = World::new(open_room());
    let n = world.join("a", in_room(), &SITE);
    assert_eq!(world.slots(n), [const { None::<String> }; 4]);
}

#[test]
fn an_address_in_use_cannot_be_taken_by_another_session() {
    let mut world = World::new(open_room());
    world.join("a", in_room(), &SITE);
    world.join("b", in_room(), &SITE);
    world.say(0, 1, 30);
    let (taken, request) = (world.browsers[0].address, world.browsers[1].binding_request());
    world.put(taken, request.clone());
    let before = world.core.counters.received_packets;
    world.say(0, 2, 30);
    assert_eq!(world.core.counters.received_packets, before + 1);
    // Who has been silent for a while may have left it to somebody else.
    world.pass(6_000);
    let answers = world.browsers[0].stun_answers;
    world.put(taken, request);
    assert_eq!(world.browsers[0].stun_answers, answers + 1);
}

#[test]
fn many_addresses_never_push_out_the_one_in_use() {
    let mut world = World::new(open_room());
    world.join("a", in_room(), &SITE);
    let request = world.browsers[0].unnominated_request();
    for n in 0..40 {
        world.put(SocketAddr::from(([198, 51, 100, n], 9)), request.clone());
    }
    world.say(0, 1, 30);
    assert_eq!(world.core.counters.received_packets, 1);
    assert!(world.core.by_address.len() <= crate::session::ADDRESSES_MAX);
}

#[test]
fn a_track_that_says_goodbye_stops_at_once() {
    let mut world = World::new(open_room());
    world.join("a", in_room(), &SITE);
    (1..5).for_each(|seq| world.show(0, 'l', seq, seq == 1));
    (1..5).for_each(|seq| world.show(0, 'h', seq, seq == 1));
    let ssrc = |rid: char| 20_000 + u32::from(rid);
    let from = world.browsers[0].address;
    for (rid, n_stopped) in [('h', 0), ('l', 1)] {
        let mut compound = Vec::new();
        rtcp::write_receiver_report(&mut compound, ssrc(rid), &[]);
        rtcp::write_bye(&mut compound, ssrc(rid));
        let report = world.browsers[0].report(&compound);
        world.put(from, report);
        world.pass(250);
        assert_eq!(stopped(&world, "a", Source::Camera), n_stopped);
    }
    world.show(0, 'h', 5, true);
    assert_eq!(started(&world, "a", Source::Camera), 2, "and comes back with its next packet");
}

#[test]
fn a_browser_that_only_knocks_is_given_up() {
    let mut world = World::new(open_room());
    let mut browser = Browser::new(7_000);
    let answer = world.offer(0, "a", in_room(), browser.offer(&SITE, "actpass")).unwrap();
    browser.answered(&answer, None);
    let (from, request) = (browser.address, browser.binding_request());
    for _ in 0..32 {
        world.put(from, request.clone());
        world.pass(1_000);
    }
    assert!(world.events.contains(&MediaEvent::SessionClosed { session: session(0) }));
}

#[test]
fn when_the_last_speaker_leaves_nobody_is_heard() {
    let mut world = World::new(open_room());
    world.join("a", in_room(), &SITE);
    for seq in 1..5 {
        world.say(0, seq, 20);
        world.pass(20);
    }
    world.command(MediaCommand::CloseSession { session: session(0) });
    world.pass(1_000);
    let speakers = |event: &MediaEvent| match event {
        MediaEvent::Speakers { publishers, .. } => Some(publishers.clone()),
        _ => None,
    };
    let told: Vec<Vec<String>> = world.events.iter().filter_map(speakers).collect();
    assert_eq!(told, [vec!["a".to_owned()], Vec::new()]);
}

#[test]
fn a_layer_name_on_a_line_without_layers_does_no_harm() {
    let mut world = World::new(open_room());
    let n = world.join("a", SessionKind::Publish, &[Wish::SendVideo]);
    let payload = frame(1, true);
    world.send(n, 0, Some('x'), video(n, 'h', 1, &payload));
    assert_eq!(world.core.counters.dropped_stream, 0);
    assert_eq!(started(&world, "a", Source::Camera), 1);
}

#[test]
fn a_voice_takes_the_line_that_is_played_in_step_with_its_picture() {
    let mut world = World::new(open_room());
    let (a, b) = (world.join("a", in_room(), &SITE), world.join("b", in_room(), &SITE));
    let viewer = world.join("v", in_room(), &SITE);
    world.want(viewer, &[("a", Layer::High), ("b", Layer::High)]);
    world.show(a, 'h', 1, true);
    world.show(b, 'h', 1, true);
    world.say(b, 1, 30);
    world.say(a, 1, 30);
    let slots: Vec<String> = world.slots(viewer).into_iter().flatten().collect();
    assert_eq!(slots, ["a Microphone", "b Microphone", "a Camera", "b Camera"]);
}
