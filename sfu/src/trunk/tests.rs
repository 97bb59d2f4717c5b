//! Frames that are written and read, ends that live and die, and trees of nodes that say everything to each other in
//! bytes.

mod tree;

use std::time::{Duration, Instant};

use proptest::prelude::*;
use protocol::media::{Source, TrackKey};

use crate::trunk::frame::{
    About, FRAME_BYTES_MAX, Frame, FrameError, LOST_MAX, Reader, TRACK_NUMBER_MAX, Why, read_flow,
    write_flow,
};
use crate::trunk::link::{End, Heard, Link};
use crate::trunk::repair::Repair;
use crate::trunk::{BEAT, DEAD_AFTER, HOPS_MAX, LAYERS_ALL, TRUNK_VERSION};

#[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
fn start() -> Instant {
    Instant::now()
}

fn about(publisher: &str, source: Source) -> About {
    About {
        key: TrackKey { publisher: publisher.to_owned(), source },
        codec: 1,
        payload_type: 96,
        red: None,
        layers: LAYERS_ALL,
        level_id: 1,
        dependency_id: 0,
        hops: 1,
    }
}

fn any_name() -> impl Strategy<Value = String> {
    "[A-Za-z0-9_-]{1,64}"
}

fn any_about() -> impl Strategy<Value = About> {
    let bytes = (0u8..5, 0u8..128, proptest::option::of(0u8..128), 1u8..8, any::<u8>());
    (any_name(), 0usize..4, bytes, any::<u8>(), 1..=HOPS_MAX).prop_map(
        |(publisher, source, bytes, dependency_id, hops)| {
            let (codec, payload_type, red, layers, level_id) = bytes;
            let key = TrackKey { publisher, source: Source::ALL[source] };
            About { key, codec, payload_type, red, layers, level_id, dependency_id, hops }
        },
    )
}

fn any_frame() -> impl Strategy<Value = Frame> {
    let (track, layer, layers) = (0..=TRACK_NUMBER_MAX, 0u8..3, 0u8..8);
    let seqs = proptest::collection::vec(any::<u16>(), 1..=LOST_MAX);
    prop_oneof![
        (any::<u32>(), any_name()).prop_map(|(version, name)| Frame::Hello { version, name }),
        (any::<u32>(), any_name()).prop_map(|(room, name)| Frame::Room { room, name }),
        any::<u32>().prop_map(|room| Frame::RoomGone { room }),
        (any::<u32>(), track.clone(), any_about()).prop_map(|(room, track, about)| {
            Frame::Track { room, track, about: Box::new(about) }
        }),
        track.clone().prop_map(|track| Frame::TrackGone { track }),
        (track.clone(), layers).prop_map(|(track, layers)| Frame::Want { track, layers }),
        (track.clone(), layer.clone()).prop_map(|(track, layer)| Frame::KeyFrame { track, layer }),
        (track.clone(), layer.clone(), seqs).prop_map(|(track, layer, seqs)| Frame::Lost {
            track,
            layer,
            seqs
        }),
        (track, layer, any::<u32>(), any::<i64>())
            .prop_map(|(track, layer, rtp, unix_us)| Frame::Clock { track, layer, rtp, unix_us }),
        (any::<u32>(), any::<u32>(), any::<u32>())
            .prop_map(|(number, echo, held_us)| Frame::Beat { number, echo, held_us }),
    ]
}

proptest! {
    #[test]
    fn frames_are_read_as_they_were_written_however_the_stream_is_cut(
        frames in proptest::collection::vec(any_frame(), 1..8), cut in 1usize..400,
    ) {
        let mut bytes = Vec::new();
        frames.iter().for_each(|it| it.write(&mut bytes));
        let (mut reader, mut read) = (Reader::default(), Vec::new());
        for piece in bytes.chunks(cut) {
            reader.push(piece);
            while let Some(frame) = reader.poll().unwrap() {
                read.push(frame);
            }
        }
        prop_assert_eq!(read, frames);
    }

    #[test]
    fn a_frame_that_was_cut_short_or_has_more_than_its_fields_is_refused(frame in any_frame()) {
        let mut bytes = Vec::new();
        frame.write(&mut bytes);
        let bytes = &bytes[2..];
        // Of a list of packets a shorter one is a list too.
        let is_list = matches!(frame, Frame::Lost { .. });
        for end in 0..bytes.len() {
            let read = Frame::read(&bytes[..end]);
            prop_assert!(read.is_err() || is_list, "{end} of {} bytes: {read:?}", bytes.len());
        }
        let read = Frame::read(&[bytes, &[0]].concat());
        prop_assert_eq!(read, Err(FrameError::Surplus));
    }

    #[test]
    fn whatever_comes_is_read_or_refused(pieces: Vec<Vec<u8>>) {
        crate::fuzzing::trunk(&pieces.concat());
    }

    #[test]
    fn a_datagram_gives_back_its_flow(track in 0..=TRACK_NUMBER_MAX, layer in 0u8..3, rtp: Vec<u8>) {
        let mut datagram = Vec::new();
        write_flow(&mut datagram, track, layer);
        prop_assert!(datagram.len() <= 4);
        datagram.extend_from_slice(&rtp);
        prop_assert_eq!(read_flow(&datagram), Ok((track, layer, &rtp[..])));
    }
}

#[test]
fn what_is_too_long_is_refused_before_it_has_come() {
    let mut reader = Reader::default();
    reader.push(&[0x40 | (FRAME_BYTES_MAX >> 8) as u8, 1]);
    assert_eq!(reader.poll(), Err(FrameError::TooLong));
    assert_eq!(Frame::read(&[99]), Err(FrameError::Kind));
    assert_eq!(read_flow(&[3, 0]), Err(FrameError::Range), "there is no fourth layer");
    let name = [1, 1, 3, b'a', b'/', b'b'];
    assert_eq!(Frame::read(&name), Err(FrameError::Name));
}

#[test]
fn an_end_is_up_with_the_right_hello_and_says_why_with_a_wrong_one() {
    let hello = |version, name: &str| Frame::Hello { version, name: name.to_owned() };
    let first = |frame| Link::new("hue", start()).handle(frame, start());
    let refused = |why| Heard::Over(End::Refused(why));
    assert_eq!(first(Link::hello("hue")), Heard::Up);
    assert_eq!(first(hello(TRUNK_VERSION + 1, "hue")), refused(Why::Version));
    assert_eq!(first(hello(TRUNK_VERSION, "vinh")), refused(Why::Name));
    assert_eq!(first(Frame::TrackGone { track: 1 }), refused(Why::Frame), "before the hello");
    assert_eq!(Why::of_code(u64::from(Why::Full.code())), Why::Full);
}

#[test]
fn a_silent_end_is_dead_after_three_beats_and_a_talking_one_lives_and_is_measured() {
    let start = start();
    let at = |ms| start + Duration::from_millis(ms);
    let (mut one, mut other) = (Link::new("b", start), Link::new("a", start));
    one.handle(Link::hello("b"), start);
    other.handle(Link::hello("a"), start);
    // What one says at a millisecond arrives 20 ms later.
    let mut on_its_way: Vec<(u64, bool, Frame)> = Vec::new();
    for ms in 0..3_000 {
        let due: Vec<_> = on_its_way.extract_if(.., |it| it.0 == ms).collect();
        for (_, is_to_one, frame) in due {
            let to = if is_to_one { &mut one } else { &mut other };
            assert_eq!(to.handle(frame, at(ms)), Heard::Nothing);
        }
        on_its_way.extend(one.handle_timeout(at(ms)).unwrap().map(|it| (ms + 20, false, it)));
        on_its_way.extend(other.handle_timeout(at(ms)).unwrap().map(|it| (ms + 20, true, it)));
    }
    assert_eq!(one.rtt(), Some(Duration::from_millis(40)));
    let last = at(2_770);
    assert!(one.handle_timeout(last + DEAD_AFTER - Duration::from_millis(1)).is_ok());
    assert_eq!(one.handle_timeout(last + DEAD_AFTER), Err(End::Silent));
    assert_eq!(DEAD_AFTER, 3 * BEAT);
}

#[test]
fn lost_packets_are_asked_for_and_a_hole_that_is_too_wide_for_a_key_frame() {
    let start = start();
    let at = |ms| start + Duration::from_millis(ms);
    let mut repair = Repair::default();
    let said = |repair: &mut Repair, ms| {
        let mut said = Vec::new();
        repair.due(at(ms), &mut |it| said.push(it));
        said
    };
    let first = repair.packet(5, 2, 65_534, at(0)).unwrap();
    assert_eq!(repair.packet(5, 2, 1, at(1)), Some(first + 3), "the numbers begin again");
    assert!(said(&mut repair, 5).is_empty(), "they may be only late");
    let lost = Frame::Lost { track: 5, layer: 2, seqs: vec![65_535, 0] };
    assert_eq!(said(&mut repair, 12), [lost]);
    assert_eq!(repair.packet(5, 2, 65_535, at(20)), Some(first + 1));
    let lost = Frame::Lost { track: 5, layer: 2, seqs: vec![0] };
    assert_eq!(said(&mut repair, 80), [lost]);
    repair.packet(5, 2, 0, at(90));
    assert!(said(&mut repair, 160).is_empty());
    repair.packet(5, 2, 400, at(200));
    assert_eq!(said(&mut repair, 220), [Frame::KeyFrame { track: 5, layer: 2 }]);
    assert_eq!(repair.n_lost(), 3);
}
