//! What a receiver gets of a layered stream, law by law.

use super::*;
use crate::codec::dependency::{self, tests as descriptors};

fn vp8(seq: u64, temporal: u8, up_switch: UpSwitch) -> (u64, Info) {
    let starts_key_frame = seq == 0;
    (seq, Info { starts_frame: true, starts_key_frame, temporal, up_switch, ..Info::default() })
}

fn candidate(codec: Codec, (seq, info): &(u64, Info)) -> Candidate<'_> {
    let timestamp = *seq as u32;
    Candidate { codec, seq: *seq, timestamp, info, dependency: None, structure: None }
}

fn sends(selection: &mut Selection, codec: Codec, packet: &(u64, Info), wanted: Depth) -> bool {
    selection.judge(&candidate(codec, packet), true, wanted) != Verdict::Drop
}

fn temporal(temporal: u8) -> Depth {
    Depth { spatial: u8::MAX, temporal }
}

#[test]
fn vp8_gets_more_only_where_a_layer_is_in_step_and_one_layer_at_a_time() {
    let mut selection = Selection::new(0, temporal(0));
    let mut sent = |packet: (u64, Info), wanted| sends(&mut selection, Codec::Vp8, &packet, wanted);
    assert!(sent(vp8(0, 0, UpSwitch::No), temporal(0)));
    assert!(!sent(vp8(1, 2, UpSwitch::Here), temporal(0)));
    assert!(!sent(vp8(2, 1, UpSwitch::No), temporal(2)), "it may need one that was not sent");
    assert!(!sent(vp8(3, 2, UpSwitch::Here), temporal(2)), "the layer between would come unasked");
    assert!(sent(vp8(4, 1, UpSwitch::Here), temporal(2)));
    assert!(!sent(vp8(5, 2, UpSwitch::No), temporal(2)));
    assert!(sent(vp8(6, 2, UpSwitch::Here), temporal(2)));
    assert!(!sent(vp8(7, 1, UpSwitch::Here), temporal(0)), "less at once");
    assert!(sent(vp8(8, 0, UpSwitch::No), temporal(0)));
}

#[test]
fn a_packet_that_comes_late_is_judged_like_its_neighbours() {
    let mut selection = Selection::new(0, temporal(2));
    assert!(sends(&mut selection, Codec::Vp8, &vp8(0, 0, UpSwitch::No), temporal(2)));
    assert!(!sends(&mut selection, Codec::Vp8, &vp8(4, 2, UpSwitch::No), temporal(1)));
    let late = vp8(3, 2, UpSwitch::No);
    let judged = selection.judge(&candidate(Codec::Vp8, &late), false, temporal(1));
    assert_ne!(judged, Verdict::Drop, "it lies before the change");
}

#[test]
fn a_picture_of_several_packets_is_never_cut() {
    let mut selection = Selection::new(0, temporal(2));
    let first = vp8(1, 2, UpSwitch::No);
    assert!(sends(&mut selection, Codec::Vp8, &first, temporal(2)));
    let rest = (2, Info { starts_frame: false, ..first.1 });
    let rest = Candidate { timestamp: 1, ..candidate(Codec::Vp8, &rest) };
    assert_ne!(selection.judge(&rest, true, temporal(0)), Verdict::Drop);
    assert!(!sends(&mut selection, Codec::Vp8, &vp8(3, 2, UpSwitch::No), temporal(0)));
}

#[test]
fn vp9_ends_a_picture_at_its_highest_layer_that_is_sent() {
    let wanted = Depth { spatial: 1, temporal: 7 };
    let layer = |seq, spatial, starts_key_frame| {
        (
            seq,
            Info {
                starts_frame: true,
                ends_frame: true,
                spatial,
                starts_key_frame,
                ..Info::default()
            },
        )
    };
    let mut selection = Selection::new(0, wanted);
    let mut judge = |packet: (u64, Info), picture: u32, wanted| {
        let it = Candidate { timestamp: picture, ..candidate(Codec::Vp9, &packet) };
        selection.judge(&it, true, wanted)
    };
    let send = |ends_picture| Verdict::Send { ends_picture, target: None };
    assert_eq!(judge(layer(0, 0, true), 1, wanted), send(false));
    assert_eq!(judge(layer(1, 1, false), 1, wanted), send(true));
    assert_eq!(judge(layer(2, 2, false), 1, wanted), Verdict::Drop);
    let less = Depth { spatial: 0, ..wanted };
    assert_eq!(judge(layer(3, 0, false), 2, less), send(true));
    assert_eq!(
        judge(layer(4, 0, false), 3, Depth::ALL),
        send(true),
        "no key frame, no upper layer"
    );
    assert_eq!(judge(layer(5, 1, false), 3, Depth::ALL), Verdict::Drop);
    assert_eq!(judge(layer(6, 0, true), 4, Depth::ALL), send(false));
    assert_eq!(
        judge(layer(7, 2, false), 4, Depth::ALL),
        send(false),
        "the sender's own marker counts"
    );
}

#[test]
fn decode_targets_are_followed_where_the_decoder_can() {
    let mut kept = None;
    let all = Depth::ALL;
    let low = Depth { spatial: 0, temporal: 0 };
    let key = descriptors::structure(0, &descriptors::L2T2);
    let mut seq = 0;
    let mut selection = Selection::new(0, low);
    let mut judge = |value: &[u8], picture: u32, wanted| {
        let found = dependency::parse(value, &mut kept).unwrap();
        let info = Info::default();
        let it = Candidate {
            codec: Codec::Av1,
            seq,
            timestamp: picture,
            info: &info,
            dependency: Some(&found),
            structure: kept.as_deref(),
        };
        seq += 1;
        selection.judge(&it, true, wanted)
    };
    let plain = descriptors::plain;
    let send = |target| Verdict::Send { ends_picture: true, target: Some(target) };
    assert_eq!(judge(&key, 0, low), send(0));
    assert_eq!(judge(&plain(3, 1), 0, low), Verdict::Drop, "the upper layer of the key picture");
    assert_eq!(judge(&plain(2, 2), 1, low), Verdict::Drop);
    // The base picture of template 1 is no switch for the upper layers, but for its own two targets.
    assert_eq!(judge(&plain(1, 4), 2, all), send(0), "the upper layer needs a key frame");
    let two = Depth { spatial: 0, temporal: 1 };
    assert_eq!(judge(&plain(1, 8), 3, two), send(1));
    assert_eq!(judge(&plain(2, 10), 4, two), send(1));
    assert_eq!(judge(&plain(1, 12), 5, low), send(0), "less at any picture");
    assert_eq!(judge(&plain(2, 14), 6, low), Verdict::Drop);
    assert_eq!(judge(&key, 7, all), Verdict::Send { ends_picture: false, target: Some(3) });
}
