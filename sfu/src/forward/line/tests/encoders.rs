//! Streams made by real encoders, and cut into packets as browsers do.

use super::ffmpeg;
use crate::codec::Codec;

pub(super) const VP8: Codec = Codec::Vp8;
pub(super) const H264: Codec = Codec::H264;

/// Frames of a test stream; every 32nd is a key frame.
pub(super) const FRAMES: usize = 192;
const KEY_EVERY: usize = 32;

/// Payload bytes of a packet, small so that frames have several.
const PACKET_BYTES: usize = 500;

/// Temporal layers of VP8 as the encoder is told, and whether a frame of it needs of the lower layers the
/// base only.
const PATTERN: [(u8, bool); 4] = [(0, false), (2, true), (1, true), (2, false)];

/// One coded frame and its packets' payloads.
pub(super) struct Coded {
    pub(super) bytes: Vec<u8>,
    pub(super) payloads: Vec<Vec<u8>>,
}

/// A moving picture of this size.
pub(super) fn encode(codec: Codec, (width, height): (u32, u32)) -> Vec<Coded> {
    let input = format!(
        "-f lavfi -i testsrc2=size={width}x{height}:rate=30 -frames:v {FRAMES} -pix_fmt yuv420p \
         -threads 1 -g {KEY_EVERY} -keyint_min {KEY_EVERY} -b:v {}k",
        width * height / 300,
    );
    match codec {
        Codec::Vp8 => {
            let file = ffmpeg::run(
                &format!(
                    "{input} -c:v libvpx -deadline realtime -cpu-used 8 -lag-in-frames 0 -error-resilient default -ts-parameters \
                     ts_number_layers=3:ts_target_bitrate=100,150,200:ts_rate_decimator=4,2,1:\
                     ts_periodicity=4:ts_layer_id=0,2,1,2:ts_layering_mode=3 -f ivf pipe:1"
                ),
                &[],
            );
            let frames = ffmpeg::frames_of_ivf(&file);
            assert_eq!(frames.len(), FRAMES, "the encoder drops nothing");
            let start = width as usize;
            frames.into_iter().enumerate().map(|(n, it)| vp8(start, n, it)).collect()
        }
        Codec::H264 => {
            let file = ffmpeg::run(
                &format!(
                    "{input} -c:v libx264 -profile:v baseline -preset ultrafast -tune zerolatency \
                     -x264-params keyint={KEY_EVERY}:min-keyint={KEY_EVERY}:scenecut=0:\
                     repeat-headers=1:slices=1:sliced-threads=0 -f h264 pipe:1"
                ),
                &[],
            );
            let frames = access_units(&file);
            assert_eq!(frames.len(), FRAMES, "the encoder drops nothing");
            frames.into_iter().map(h264).collect()
        }
        Codec::Opus | Codec::Vp9 | Codec::Av1 => panic!("recorded from a browser instead"),
    }
}

fn vp8(start: usize, n: usize, bytes: Vec<u8>) -> Coded {
    let (temporal, is_in_step) = PATTERN[n % PATTERN.len()];
    let picture = (start + n) as u16 & 0x7fff;
    let tl0 = (start + n / PATTERN.len()) as u8;
    let key_index = (n / KEY_EVERY) as u8 & 0x1f;
    let layer = temporal << 6 | u8::from(is_in_step) << 5 | key_index;
    let [high, low] = (picture | 0x8000).to_be_bytes();
    let payloads = bytes.chunks(PACKET_BYTES).enumerate().map(|(part, chunk)| {
        let first = if part == 0 { 0x90 } else { 0x80 };
        [&[first, 0xf0, high, low, tl0, layer], chunk].concat()
    });
    Coded { payloads: payloads.collect(), bytes }
}

const START: [u8; 4] = [0, 0, 0, 1];

/// The units of a byte stream.
fn units(stream: &[u8]) -> Vec<&[u8]> {
    let is_start = |at: usize| stream[at..].starts_with(&START[1..]);
    let starts: Vec<usize> = (0..stream.len()).filter(|at| is_start(*at)).collect();
    let ends = starts.iter().skip(1).copied().chain([stream.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| {
            let unit = &stream[start + 3..end];
            &unit[..unit.len() - unit.iter().rev().take_while(|byte| **byte == 0).count()]
        })
        .collect()
}

/// Byte streams of one picture each.
fn access_units(stream: &[u8]) -> Vec<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = Vec::new();
    let mut is_open = false;
    for unit in units(stream) {
        let is_slice = matches!(unit[0] & 31, 1 | 5);
        if !is_open {
            found.push(Vec::new());
        }
        is_open = !is_slice;
        let last = found.last_mut().unwrap();
        last.extend_from_slice(&START);
        last.extend_from_slice(unit);
    }
    found
}

/// Parameter sets together, slices in fragments (RFC 6184).
fn h264(bytes: Vec<u8>) -> Coded {
    let mut payloads = Vec::new();
    let (sets, slices): (Vec<&[u8]>, Vec<&[u8]>) =
        units(&bytes).into_iter().partition(|unit| !matches!(unit[0] & 31, 1 | 5));
    if !sets.is_empty() {
        let mut together = vec![0x78];
        for unit in sets {
            together.extend_from_slice(&(unit.len() as u16).to_be_bytes());
            together.extend_from_slice(unit);
        }
        payloads.push(together);
    }
    for unit in slices {
        if unit.len() <= PACKET_BYTES {
            payloads.push(unit.to_vec());
            continue;
        }
        let n = unit[1..].chunks(PACKET_BYTES).count();
        for (part, chunk) in unit[1..].chunks(PACKET_BYTES).enumerate() {
            let ends = u8::from(part == 0) << 7 | u8::from(part + 1 == n) << 6;
            payloads.push([&[unit[0] & 0xe0 | 28, ends | unit[0] & 31], chunk].concat());
        }
    }
    Coded { bytes, payloads }
}

/// Puts a unit back together: appends what a payload holds to a byte stream.
pub(super) fn unpack_h264(payload: &[u8], stream: &mut Vec<u8>) {
    match payload[0] & 31 {
        24 => {
            let mut rest = &payload[1..];
            while let Some((len, tail)) = rest.split_first_chunk::<2>() {
                let len = usize::from(u16::from_be_bytes(*len));
                stream.extend_from_slice(&START);
                stream.extend_from_slice(&tail[..len]);
                rest = &tail[len..];
            }
        }
        28 => {
            if payload[1] & 0x80 != 0 {
                stream.extend_from_slice(&START);
                stream.push(payload[0] & 0xe0 | payload[1] & 31);
            }
            stream.extend_from_slice(&payload[2..]);
        }
        _ => {
            stream.extend_from_slice(&START);
            stream.extend_from_slice(payload);
        }
    }
}
