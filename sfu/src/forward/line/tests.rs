//! Lines seen from the decoder: real encoded streams go through a line with switches, loss and
//! reordering; what comes out is put together again and given to FFmpeg, which must decode every frame to
//! exactly the picture that the untouched stream gives.

mod browsers;
mod encoders;
mod ffmpeg;
mod receiver;

use encoders::{H264, VP8, encode};
use ffmpeg::decode;
use receiver::{Play, Receiver, Source, Stirred};

use super::*;

/// Every frame that comes out must be decoded to the picture that it is in its own stream.
fn check(receiver: &Receiver, sources: &[Source], at_least: usize) {
    let frames = receiver.frames();
    let decoded = decode(receiver.codec, &frames);
    assert_eq!(decoded.len(), frames.len(), "one picture for each frame");
    assert!(frames.len() >= at_least, "{} frames", frames.len());
    for (n, (frame, picture)) in frames.iter().zip(&decoded).enumerate() {
        let expected = sources.iter().find_map(|it| it.picture_of(frame));
        assert_eq!(Some(picture), expected, "frame {n} of {}", frames.len());
    }
    receiver.is_one_stream();
}

fn simulcast(codec: Codec) -> Vec<Source> {
    let sizes = [(160, 90), (320, 180), (640, 360)];
    let streams = sizes.map(|size| encode(codec, size));
    streams.into_iter().enumerate().map(|(n, it)| Source::new(n, codec, it)).collect()
}

#[test]
fn vp8_simulcast_with_temporal_layers_decodes_whatever_is_switched() {
    let sources = simulcast(VP8);
    for temporal in [0, 1, 2] {
        let mut receiver = Receiver::new(VP8);
        let play = Play { layers: &[0, 2, 1, 0, 2], temporal: &[temporal], ..Play::default() };
        receiver.watch(&sources, &play);
        check(&receiver, &sources, encoders::FRAMES / [4, 2, 1][usize::from(temporal)] - 16);
    }
    let mut receiver = Receiver::new(VP8);
    let play = Play { layers: &[1], temporal: &[2, 0, 1, 2, 1, 0, 2], ..Play::default() };
    receiver.watch(&sources, &play);
    check(&receiver, &sources, encoders::FRAMES / 2);
    receiver.has_no_hole_of_pictures();
}

#[test]
fn vp8_survives_reordering_and_late_repairs() {
    let sources = simulcast(VP8);
    for seed in 1..6 {
        let mut receiver = Receiver::new(VP8);
        let play = Play {
            layers: &[2, 0, 1],
            temporal: &[2, 1, 0, 2],
            stirred: Some(Stirred { seed, late: 12 }),
            ..Play::default()
        };
        receiver.watch(&sources, &play);
        // What came in another order is in order again, and nothing was lost.
        check(&receiver, &sources, encoders::FRAMES / 3);
    }
}

#[test]
fn vp8_without_what_was_lost_decodes_up_to_the_loss_and_again_from_the_next_key_frame() {
    let sources = simulcast(VP8);
    let mut receiver = Receiver::new(VP8);
    let play = Play { layers: &[1, 0], temporal: &[1], lost: &[40, 41, 150], ..Play::default() };
    receiver.watch(&sources, &play);
    let holes = receiver.holes();
    assert!(!holes.is_empty() && holes.len() <= 3, "only what was lost is missing: {holes:?}");
    let frames = receiver.decodable_frames();
    let decoded = decode(VP8, &frames);
    assert_eq!(decoded.len(), frames.len());
    for (frame, picture) in frames.iter().zip(&decoded) {
        assert_eq!(Some(picture), sources.iter().find_map(|it| it.picture_of(frame)));
    }
}

#[test]
fn h264_simulcast_decodes_whatever_is_switched() {
    let sources = simulcast(H264);
    let mut receiver = Receiver::new(H264);
    receiver.watch(&sources, &Play { layers: &[2, 0, 1, 2], ..Play::default() });
    check(&receiver, &sources, encoders::FRAMES - 64);
    let mut receiver = Receiver::new(H264);
    let stirred = Some(Stirred { seed: 7, late: 9 });
    receiver.watch(&sources, &Play { layers: &[0, 1], stirred, ..Play::default() });
    check(&receiver, &sources, encoders::FRAMES - 64);
}

#[test]
fn what_was_sent_can_be_sent_again_bit_by_bit() {
    let sources = simulcast(VP8);
    let mut receiver = Receiver::new(VP8);
    let play = Play { layers: &[0, 1], temporal: &[1, 2], ..Play::default() };
    receiver.watch(&sources, &play);
    let n = receiver.ask_again(&sources);
    assert!(n > 30, "{n} of the last packets");
}

#[test]
fn every_vp9_layer_of_a_browser_decodes_whatever_is_switched() {
    browsers::check_recording(Codec::Vp9, include_bytes!("tests/vp9_svc_key.rtp"));
}

#[test]
fn every_av1_layer_of_a_browser_decodes_whatever_is_switched() {
    browsers::check_recording(Codec::Av1, include_bytes!("tests/av1_svc.rtp"));
}
