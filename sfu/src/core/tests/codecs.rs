//! Sites and encoders that speak different codecs.

use protocol::media::LimitCause;

use super::*;

/// Turns every picture line into one of H.264 alone.
fn h264_only(sdp: String) -> String {
    sdp.replace(
        "a=rtpmap:96 VP8/90000\r\n",
        "a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;profile-level-id=42e01f\r\n",
    )
}

/// Adds H.264 after VP8 to every picture line.
fn h264_too(sdp: String) -> String {
    sdp.replace("SAVPF 96 97\r\n", "SAVPF 96 97 102 103\r\n").replace(
        "a=rtpmap:96 VP8/90000\r\n",
        "a=rtpmap:96 VP8/90000\r\na=rtpmap:102 H264/90000\r\na=rtcp-fb:102 nack\r\n\
         a=fmtp:102 packetization-mode=1;profile-level-id=42e01f\r\n\
         a=rtpmap:103 rtx/90000\r\na=fmtp:103 apt=102\r\n",
    )
}

/// Adds redundant sound to every sound line, and moves Opus to another number.
fn red_too(sdp: String) -> String {
    sdp.replace("SAVPF 111\r\n", "SAVPF 109 63\r\n").replace(
        "a=rtpmap:111 opus/48000/2\r\n",
        "a=rtpmap:109 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 109/109\r\n",
    )
}

const IDR: [u8; 5] = [0x65, 0x88, 1, 2, 3];
const SLICE: [u8; 5] = [0x41, 0x9a, 1, 2, 3];

fn publish_h264(world: &mut World) -> usize {
    let n = world.join_with(
        "encoder",
        SessionKind::Publish,
        &[Wish::SendAudio, Wish::SendVideo],
        h264_only,
    );
    for seq in 1..10 {
        let payload = if seq == 2 { IDR } else { SLICE };
        world.send(n, 1, None, video(n, 'h', seq, &payload));
    }
    n
}

#[test]
fn an_encoder_that_has_only_h264_is_seen_by_browsers_that_take_it() {
    let mut world = World::new(open_room());
    let all = SessionKind::Receive { of: Vec::new() };
    let lines = [Wish::ReceiveVideo, Wish::ReceiveAudio];
    let viewer = world.join_with("viewer", all, &lines, h264_too);
    let encoder = publish_h264(&mut world);
    let got = &world.browsers[viewer].packets;
    assert_eq!(got.len(), 8, "from the key frame on");
    assert!(got.iter().all(|it| it.header.payload_type == 102));
    assert_eq!(got[0].payload, IDR);
    assert!(got.windows(2).all(|it| it[1].header.seq == it[0].header.seq.wrapping_add(1)));
    // The same line carries VP8 when its turn comes.
    let publisher = world.join("site", SessionKind::Publish, &[Wish::SendAudio, Wish::SendVideo]);
    world.command(MediaCommand::CloseSession { session: session(encoder) });
    let payload = frame(1, true);
    world.send(publisher, 1, None, video(publisher, 'h', 1, &payload));
    let last = world.browsers[viewer].packets.last().unwrap();
    assert_eq!(
        (last.header.payload_type, last.header.ssrc),
        (96, world.browsers[viewer].packets[0].header.ssrc)
    );
}

#[test]
fn a_receiver_that_cannot_take_the_codec_gets_nothing_of_it_and_this_is_counted() {
    let mut world = World::new(open_room());
    let all = SessionKind::Receive { of: Vec::new() };
    let viewer = world.join("viewer", all, &[Wish::ReceiveVideo, Wish::ReceiveAudio]);
    publish_h264(&mut world);
    assert!(world.browsers[viewer].packets.is_empty());
    assert_eq!(world.core.counters.dropped_codec, 9);
    assert!(world.core.session(viewer).unwrap().lines[0].lacks_codec);
    assert_eq!(world.slots(viewer)[0].as_deref(), Some("encoder Camera"));
    world.pass(1_000);
    let asked = world.browsers[1].reports.iter().filter(|it| {
        let mut asks = false;
        crate::rtcp::read(it, |it| {
            asks |= matches!(it, crate::rtcp::Report::KeyFrameWanted { .. });
        });
        asks
    });
    assert_eq!(asked.count(), 0, "no key frame is asked for in vain");
}

#[test]
fn a_page_whose_browser_does_not_take_the_codec_is_told_so() {
    let mut world = World::new(open_room());
    let page = world.join("page", in_room(), &SITE);
    let other = world.join_with("other", in_room(), &SITE, h264_too);
    for viewer in [page, other] {
        world.want(viewer, &[("encoder", Layer::High)]);
    }
    publish_h264(&mut world);
    world.pass(2_500);
    let told = |world: &World, n: usize| {
        world.events.iter().rev().find_map(|event| match event {
            MediaEvent::Limits { session: to, limits } if *to == session(n) => Some(limits.clone()),
            _ => None,
        })
    };
    let limits = told(&world, page).expect("told");
    assert_eq!(limits.len(), 1);
    assert_eq!((limits[0].cause, limits[0].is_paused), (LimitCause::Codec, true));
    let ask = MediaCommand::Inspect {
        request: RequestId::from_parts(7, 7),
        room: "r".to_owned(),
        of: Some("page".to_owned()),
    };
    world.command(ask);
    let told_reason = world.events.iter().rev().find_map(|event| match event {
        MediaEvent::Inspected { routes, .. } => {
            routes.sessions[0].detail.as_ref()?.lines.iter().find_map(|line| line.reason)
        }
        _ => None,
    });
    assert_eq!(told_reason, Some(protocol::insight::LineReason::Codec));
    let of_codec = |it: &protocol::media::SlotLimit| it.cause == LimitCause::Codec;
    assert!(!told(&world, other).unwrap_or_default().iter().any(of_codec), "it takes H.264");
}

#[test]
fn of_several_codecs_a_publisher_is_told_the_one_it_put_first() {
    let mut world = World::new(open_room());
    let browser = Browser::new(1);
    let offered = h264_too(browser.offer(&[Wish::SendVideo, Wish::ReceiveVideo], "actpass"));
    let answer = world.offer(0, "a", in_room_camera(), offered.clone()).unwrap();
    let formats: Vec<&str> = answer.lines().filter(|it| it.starts_with("m=")).collect();
    assert_eq!(
        formats,
        ["m=video 9 UDP/TLS/RTP/SAVPF 96 97", "m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103"]
    );
    let other = offered.replacen("SAVPF 96 97 102 103", "SAVPF 102 103 96 97", 1);
    let answer = world.offer(1, "b", in_room_camera(), other).unwrap();
    assert!(answer.contains("m=video 9 UDP/TLS/RTP/SAVPF 102 103\r\n"), "{answer}");
}

fn in_room_camera() -> SessionKind {
    SessionKind::Room { sends: vec![("0".to_owned(), Source::Camera)] }
}

#[test]
fn redundant_sound_reaches_everybody_in_the_form_that_each_takes() {
    let tap = Some(Tap { recording: RecordingId::from_parts(3, 3) });
    let mut world = World::new(RoomMedia { tap, ..open_room() });
    let sends = [Wish::SendAudio, Wish::SendVideo];
    let n = world.join_with("a", SessionKind::Publish, &sends, red_too);
    let lines = [Wish::ReceiveAudio];
    let all = SessionKind::Receive { of: Vec::new() };
    let plain = world.join("plain", all.clone(), &lines);
    let other = |sdp: String| red_too(sdp).replace("109", "120");
    let doubled = world.join_with("doubled", all, &lines, other);
    // One older frame of two bytes, then the newest.
    let payload = [0x80 | 109, 0x0f, 0, 2, 109, 7, 7, 8, 9];
    for seq in 1..4 {
        let sent = Sent { payload_type: 63, ssrc: 1, level: 20, ..video(n, 'h', seq, &payload) };
        world.send(n, 0, None, sent);
    }
    let got = &world.browsers[plain].packets;
    assert_eq!((got[1].header.payload_type, &got[1].payload[..]), (111, &[8, 9][..]));
    let got = &world.browsers[doubled].packets;
    assert_eq!(got[1].header.payload_type, 63);
    assert_eq!(got[1].payload, [0x80 | 120, 0x0f, 0, 2, 120, 7, 7, 8, 9]);
    world.pass(60);
    let tapped = world.tapped();
    let header = crate::rtp::parse(&tapped[1].bytes).unwrap();
    assert_eq!((header.payload_type, &tapped[1].bytes[header.len..]), (109, &[8, 9][..]));
}
