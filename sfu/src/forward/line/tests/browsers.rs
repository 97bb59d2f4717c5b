//! Layered streams as a real browser sends them: packets recorded from Chromium (see
//! `core/tests/capture.rs`), each layer a frame of its own for the decoder.

use std::collections::{BTreeMap, HashMap};

use super::ffmpeg;
use super::receiver::Receiver;
use crate::codec::dependency::{self, Structure};
use crate::codec::{self, Codec};
use crate::forward::select::Depth;
use crate::rtp;

/// A recording: the number of the dependency descriptor's extension, then packets in the order in which
/// they came, each after its extended sequence number (8 bytes) and its length (2 bytes).
fn read(recording: &[u8]) -> (u8, Vec<(u64, Vec<u8>)>) {
    let (dependency_id, mut rest) = recording.split_first().unwrap();
    let mut packets = Vec::new();
    while let Some((head, tail)) = rest.split_first_chunk::<10>() {
        let seq = u64::from_be_bytes(*head.first_chunk().unwrap());
        let len = usize::from(u16::from_be_bytes([head[8], head[9]]));
        packets.push((seq, tail[..len].to_vec()));
        rest = &tail[len..];
    }
    (*dependency_id, packets)
}

/// A frame of one spatial layer: its picture's timestamp, its layer, its bytes.
type Frame = (u32, u8, Vec<u8>);

/// Puts frames together from packets in order.
struct Assembler {
    codec: Codec,
    structure: Option<Box<Structure>>,
    open: Option<Frame>,
    frames: Vec<Frame>,
    /// AV1: the sequence header, which every key frame needs and has.
    unit: Vec<u8>,
}

impl Assembler {
    fn new(codec: Codec) -> Self {
        Self { codec, structure: None, open: None, frames: Vec::new(), unit: Vec::new() }
    }

    fn push(&mut self, timestamp: u32, payload: &[u8], descriptor: &[u8]) {
        if payload.is_empty() {
            return;
        }
        let (starts, ends, spatial, bytes) = match self.codec {
            Codec::Vp9 => {
                let info = codec::read(Codec::Vp9, payload);
                let at = vp9_header_len(payload);
                (info.starts_frame, info.ends_frame, info.spatial, payload[at..].to_vec())
            }
            _ => {
                let it = dependency::parse(descriptor, &mut self.structure).expect("a descriptor");
                (it.starts_frame, it.ends_frame, it.spatial, Vec::new())
            }
        };
        if starts {
            assert!(self.open.is_none(), "the frame before is whole");
            self.open = Some((timestamp, spatial, Vec::new()));
        }
        let open = self.open.as_mut().expect("a frame begins with its first packet");
        assert_eq!((open.0, open.1), (timestamp, spatial));
        if self.codec == Codec::Vp9 {
            open.2.extend_from_slice(&bytes);
        } else {
            av1_elements(payload, &mut self.unit, &mut open.2);
        }
        if ends {
            self.frames.extend(self.open.take());
        }
    }
}

/// Length of a VP9 payload descriptor.
fn vp9_header_len(payload: &[u8]) -> usize {
    let first = payload[0];
    let mut at = 1;
    if first & 0x80 != 0 {
        at += if payload[at] & 0x80 != 0 { 2 } else { 1 };
    }
    if first & 0x20 != 0 {
        at += if first & 0x10 == 0 { 2 } else { 1 };
    }
    if first & 0x50 == 0x50 {
        while payload[at] & 1 != 0 {
            at += 1;
        }
        at += 1;
    }
    if first & 2 != 0 {
        let head = payload[at];
        at += 1 + if head & 0x10 != 0 { 4 * (usize::from(head >> 5) + 1) } else { 0 };
        if head & 8 != 0 {
            let n = payload[at];
            at += 1;
            for _ in 0..n {
                at += 1 + usize::from(payload[at] >> 2 & 3);
            }
        }
    }
    at
}

/// Takes the OBUs out of an AV1 payload; whole ones go to `frame` with their length.
fn av1_elements(payload: &[u8], unit: &mut Vec<u8>, frame: &mut Vec<u8>) {
    let (head, mut rest) = payload.split_first().unwrap();
    let (continues, goes_on, count) = (head & 0x80 != 0, head & 0x40 != 0, head >> 4 & 3);
    assert_eq!(continues, !unit.is_empty());
    let mut n = 0;
    while !rest.is_empty() {
        n += 1;
        let mut len = rest.len();
        if n != count {
            let (value, used) = leb128(rest);
            (len, rest) = (value, &rest[used..]);
        }
        unit.extend_from_slice(&rest[..len]);
        rest = &rest[len..];
        if rest.is_empty() && goes_on {
            return;
        }
        let header_len = if unit[0] & 4 != 0 { 2 } else { 1 };
        frame.push(unit[0] | 2);
        frame.extend_from_slice(&unit[1..header_len]);
        let mut size = unit.len() - header_len;
        while size >= 0x80 {
            frame.push(size as u8 | 0x80);
            size >>= 7;
        }
        frame.push(size as u8);
        frame.extend_from_slice(&unit[header_len..]);
        unit.clear();
    }
}

fn leb128(bytes: &[u8]) -> (usize, usize) {
    let used = bytes.iter().position(|it| it & 0x80 == 0).unwrap() + 1;
    let value = bytes[..used].iter().rev().fold(0, |value, it| value << 7 | usize::from(it & 0x7f));
    (value, used)
}

/// What the whole recording is decoded to, by picture and layer.
fn truth(
    codec: Codec,
    dependency_id: u8,
    packets: &[(u64, Vec<u8>)],
) -> (Vec<Frame>, HashMap<Vec<u8>, String>) {
    let ordered: BTreeMap<u64, &Vec<u8>> = packets.iter().map(|it| (it.0, &it.1)).collect();
    let mut assembler = Assembler::new(codec);
    for bytes in ordered.values() {
        let header = rtp::parse(bytes).unwrap();
        let descriptor = match dependency_id {
            0 => None,
            id => header.extension(bytes, id),
        };
        assembler.push(header.timestamp, &bytes[header.len..], descriptor.unwrap_or_default());
    }
    let frames = assembler.frames;
    let pictures = decode(codec, &frames);
    let known = frames.iter().map(|it| it.2.clone()).zip(pictures).collect();
    (frames, known)
}

/// The picture of every frame: all layers are shown.
fn decode(codec: Codec, frames: &[Frame]) -> Vec<String> {
    let bytes: Vec<Vec<u8>> = frames.iter().map(|it| it.2.clone()).collect();
    let pictures = match codec {
        Codec::Vp9 => ffmpeg::decode(codec, &bytes),
        _ => {
            // A temporal unit is what the decoder takes: a delimiter, then its layers.
            let mut units: Vec<(u32, Vec<u8>)> = Vec::new();
            for (timestamp, _, frame) in frames {
                match units.last_mut().filter(|it| it.0 == *timestamp) {
                    Some(unit) => unit.1.extend_from_slice(frame),
                    None => units.push((*timestamp, [&[0x12, 0], &frame[..]].concat())),
                }
            }
            ffmpeg::decode(codec, &units.into_iter().map(|it| it.1).collect::<Vec<_>>())
        }
    };
    assert_eq!(pictures.len(), frames.len(), "one picture for each layer of each frame");
    pictures
}

/// Watches a recording with these depths, each for an equal part of it.
fn watch(codec: Codec, recording: &[u8], depths: &[(u8, u8)], step_aside: bool) -> Receiver {
    let (dependency_id, mut packets) = read(recording);
    if step_aside {
        // Some neighbours change places.
        let n = packets.len();
        (20..n - 1).step_by(7).for_each(|at| packets.swap(at, at + 1));
    }
    let mut receiver = Receiver::new(codec);
    receiver.line.target = Some(2);
    let n = packets.len();
    for (place, packet) in packets.iter().enumerate() {
        let (spatial, temporal) = depths[place * depths.len() / n];
        receiver.line.depth = Depth { spatial, temporal };
        receiver.packet(2, packet, dependency_id, place as u64);
    }
    receiver
}

pub(super) fn check_recording(codec: Codec, recording: &[u8]) {
    let (dependency_id, packets) = read(recording);
    let (frames, known) = truth(codec, dependency_id, &packets);
    let n_spatial = frames.iter().map(|it| it.1).max().unwrap() + 1;
    let n_keys = packets.iter().filter(|it| starts_key(codec, dependency_id, &it.1)).count();
    println!("{codec:?}: {} frames, {n_spatial} spatial layers, {n_keys} key frames", frames.len());
    assert!(n_spatial >= 2 && n_keys >= 4, "a recording with layers and key frames to switch at");
    let plays: [&[(u8, u8)]; 7] = [
        &[(9, 9)],
        &[(0, 9)],
        &[(0, 0)],
        &[(1, 1)],
        &[(9, 9), (0, 0), (9, 9), (1, 0), (9, 1), (0, 9)],
        &[(9, 0), (9, 1), (9, 9), (9, 1), (9, 9), (9, 0), (9, 9)],
        &[(0, 0), (9, 9)],
    ];
    for depths in plays {
        for step_aside in [false, true] {
            let receiver = watch(codec, recording, depths, step_aside);
            let mut assembler = Assembler::new(codec);
            for (header, payload, descriptor) in receiver.packets() {
                assembler.push(header.timestamp, payload, descriptor);
            }
            let got = assembler.frames;
            let pictures = decode(codec, &got);
            for ((_, layer, bytes), picture) in got.iter().zip(&pictures) {
                assert_eq!(Some(picture), known.get(bytes), "layer {layer}, {depths:?}");
                assert!(depths.iter().any(|it| *layer <= it.0));
            }
            println!("{depths:?}: {} frames", got.len());
            receiver.is_one_stream();
            if depths == [(9, 9)] {
                assert_eq!(got.len(), frames.len(), "everything");
            } else if let [(spatial, _)] = depths {
                let top = got.iter().map(|it| it.1).max();
                assert_eq!(
                    top,
                    Some((*spatial).min(n_spatial - 1)),
                    "all layers that were asked for"
                );
            } else {
                let top = got.iter().map(|it| it.1).max().unwrap();
                assert_eq!(top, n_spatial - 1, "the upper layers come back: {depths:?}");
            }
        }
    }
}

fn starts_key(codec: Codec, dependency_id: u8, bytes: &[u8]) -> bool {
    let header = rtp::parse(bytes).unwrap();
    let value = if dependency_id == 0 { None } else { header.extension(bytes, dependency_id) };
    let by_descriptor = || {
        let found = dependency::parse(value?, &mut None)?;
        Some(found.is_key() && found.starts_frame && found.spatial == 0)
    };
    match codec {
        Codec::Av1 => by_descriptor().unwrap_or(false),
        _ => codec::read(codec, &bytes[header.len..]).starts_key_frame,
    }
}
