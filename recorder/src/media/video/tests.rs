//! Streams of FFmpeg's encoders, cut into packets, put together again and decoded: every picture comes out,
//! and after a lost packet again from the next key picture on.

use std::process::Command;

use rtc_rtp::codec::av1::Av1Payloader;
use rtc_rtp::codec::h264::H264Payloader;
use rtc_rtp::packetizer::Payloader;

use super::*;
use crate::rtp::depacketize::{Depacketizer, Frame};
use crate::rtp::reorder::Ordered;

const PICTURES: usize = 60;
const KEY_EVERY: usize = 20;
const PACKET_BYTES: usize = 400;

fn ffmpeg(arguments: &str) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    let said = command.args(["-v", "error"]).args(arguments.split_whitespace()).output();
    let said = said.expect("ffmpeg runs");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    said.stdout
}

fn encode(size: &str, key_every: usize, how: &str) -> Vec<u8> {
    ffmpeg(&format!(
        "-f lavfi -i testsrc2=size={size}:rate=25 -frames:v {PICTURES} -pix_fmt yuv420p -threads 1 \
         -g {key_every} -b:v 400k {how} pipe:1"
    ))
}

/// Frames of an IVF file: 32 bytes, then each behind 12 bytes that begin with its length.
fn ivf(file: &[u8]) -> Vec<Vec<u8>> {
    let (mut rest, mut frames) = (&file[32..], Vec::new());
    while let Some((head, after)) = rest.split_first_chunk::<12>() {
        let len = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        frames.push(after[..len].to_vec());
        rest = &after[len..];
    }
    frames
}

/// A byte stream of H.264 as pictures: a delimiter begins each.
fn pictures_of_h264(stream: &[u8]) -> Vec<Vec<u8>> {
    let is_start = |at: &usize| stream[*at..].starts_with(&[0, 0, 0, 1, 9]);
    let starts: Vec<usize> = (0..stream.len()).filter(is_start).collect();
    let ends = starts.iter().skip(1).copied().chain([stream.len()]);
    starts.iter().zip(ends).map(|(start, end)| stream[*start..end].to_vec()).collect()
}

fn vp9_payloads(layers: &[&[u8]], is_key: bool) -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    for (spatial, frame) in layers.iter().enumerate() {
        let n = frame.len().div_ceil(PACKET_BYTES);
        for (part, chunk) in frame.chunks(PACKET_BYTES).enumerate() {
            // I, L, not flexible; P but in key pictures; B and E where they belong.
            let flags = 0xa0
                | u8::from(!is_key) << 6
                | u8::from(part == 0) << 3
                | u8::from(part + 1 == n) << 2;
            let head = [flags, 0x81, 0x02, (spatial as u8) << 1, 7];
            payloads.push([&head[..], chunk].concat());
        }
    }
    payloads
}

fn packets(pictures: Vec<Vec<Vec<u8>>>) -> Vec<Ordered> {
    let mut packets = Vec::new();
    for (picture, payloads) in pictures.into_iter().enumerate() {
        let n = payloads.len();
        for (part, payload) in payloads.into_iter().enumerate() {
            let ticks = picture as i64 * 3_600;
            let (arrival_us, marker) = (ticks, part + 1 == n);
            packets.push(Ordered { after_gap: false, ticks, arrival_us, marker, payload });
        }
    }
    packets
}

fn h264() -> Vec<Ordered> {
    let how = "-c:v libx264 -profile:v baseline -preset ultrafast -tune zerolatency -x264-params \
        repeat-headers=1:aud=1:scenecut=0:slices=2 -f h264";
    let pictures = pictures_of_h264(&encode("320x180", KEY_EVERY, how));
    let mut payloader = H264Payloader::default();
    let mut cut = |picture: Vec<u8>| {
        let payloads = payloader.payload(PACKET_BYTES, &picture.into()).expect("payloads");
        payloads.into_iter().map(|it| it.to_vec()).collect()
    };
    packets(pictures.into_iter().map(&mut cut).collect())
}

fn vp9() -> Vec<Ordered> {
    let how = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -lag-in-frames 0 -f ivf";
    let frames = ivf(&encode("320x180", KEY_EVERY, how));
    let cut = |(n, frame): (usize, &Vec<u8>)| vp9_payloads(&[frame], n % KEY_EVERY == 0);
    packets(frames.iter().enumerate().map(cut).collect())
}

fn av1() -> Vec<Ordered> {
    let how = "-c:v libaom-av1 -usage realtime -cpu-used 8 -lag-in-frames 0 -f ivf";
    let frames = ivf(&encode("320x180", KEY_EVERY, how));
    let mut payloader = Av1Payloader::default();
    let mut cut = |frame: Vec<u8>| {
        let payloads = payloader.payload(PACKET_BYTES, &frame.into()).expect("payloads");
        payloads.into_iter().map(|it| it.to_vec()).collect()
    };
    packets(frames.into_iter().map(&mut cut).collect())
}

fn frames(codec: Codec, packets: &[Ordered]) -> Vec<Frame> {
    let mut depacketizer = Depacketizer::new(codec);
    packets.iter().filter_map(|packet| depacketizer.push(packet)).collect()
}

fn every_picture_is_decoded(codec: Codec, sent: &[Ordered]) {
    assert!(sent.len() > 2 * PICTURES, "several packets to a picture: {}", sent.len());
    let frames = frames(codec, sent);
    assert_eq!(frames.len(), PICTURES);
    let mut decoder = VideoDecoder::new(codec).expect("a decoder");
    for (n, frame) in frames.iter().enumerate() {
        assert_eq!(frame.is_key, n % KEY_EVERY == 0, "picture {n} of {codec:?}");
        assert!(!frame.after_gap && decoder.decode(&frame.bytes), "picture {n} of {codec:?}");
    }
    assert_eq!(decoder.size(), Some((320, 180)));
}

/// Each packet of the second and third picture is lost in turn: that picture is left out, the next one
/// says so, and all others are whole.
fn a_lost_packet_costs_its_picture_only(codec: Codec, sent: &[Ordered]) {
    let whole = frames(codec, sent);
    let at = |n: usize| sent.iter().position(|it| it.ticks == n as i64 * 3_600).expect("sent");
    for lost in at(1)..at(3) {
        let mut left = sent.to_vec();
        left.remove(lost);
        left[lost].after_gap = true;
        let damaged = sent[lost].ticks;
        let got = frames(codec, &left);
        // Of AV1 one cannot see whether the first packet after a gap begins a unit.
        let may_lack = |frame: &Frame| {
            frame.ticks == damaged || (codec == Codec::Av1 && frame.ticks == damaged + 3_600)
        };
        for frame in &whole {
            let found = got.iter().find(|it| it.ticks == frame.ticks);
            match found {
                Some(found) => assert_eq!(found.bytes, frame.bytes, "{codec:?}, {lost} lost"),
                None => assert!(may_lack(frame), "{codec:?}, {lost} lost: {}", frame.ticks),
            }
        }
        assert!(!got.iter().any(|it| it.ticks == damaged), "{codec:?}, {lost} lost");
        let next = got.iter().find(|it| it.ticks > damaged).expect("it goes on");
        assert!(next.after_gap, "{codec:?}, {lost} lost");
    }
}

#[test]
fn h264_of_a_real_encoder_is_put_together_and_decoded() {
    let sent = h264();
    every_picture_is_decoded(Codec::H264, &sent);
    a_lost_packet_costs_its_picture_only(Codec::H264, &sent);
}

#[test]
fn vp9_of_a_real_encoder_is_put_together_and_decoded() {
    let sent = vp9();
    every_picture_is_decoded(Codec::Vp9, &sent);
    a_lost_packet_costs_its_picture_only(Codec::Vp9, &sent);
}

#[test]
fn av1_of_a_real_encoder_is_put_together_and_decoded() {
    let sent = av1();
    every_picture_is_decoded(Codec::Av1, &sent);
    a_lost_packet_costs_its_picture_only(Codec::Av1, &sent);
}

#[test]
fn of_vp9_with_spatial_layers_the_highest_is_shown() {
    let how = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -lag-in-frames 0 -f ivf";
    let (low, high) = (ivf(&encode("160x90", 1, how)), ivf(&encode("320x180", 1, how)));
    let pictures = low.iter().zip(&high).map(|(low, high)| vp9_payloads(&[low, high], true));
    let frames = frames(Codec::Vp9, &packets(pictures.collect()));
    assert_eq!(frames.len(), PICTURES);
    let mut decoder = VideoDecoder::new(Codec::Vp9).expect("a decoder");
    for frame in frames {
        assert!(frame.is_key && decoder.decode(&frame.bytes));
        assert_eq!(decoder.size(), Some((320, 180)));
    }
}

#[test]
fn a_picture_that_claims_to_be_huge_is_not_decoded() {
    // A key frame of VP8 of 16,383 × 16,383.
    let bytes = [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0xff, 0x3f, 0xff, 0x3f, 0, 0, 0, 0, 0, 0];
    let mut decoder = VideoDecoder::new(Codec::Vp8).expect("a decoder");
    assert!(!decoder.decode(&bytes));
    assert_eq!(decoder.size(), None);
}
