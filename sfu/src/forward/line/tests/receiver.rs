//! A track with its layers, a line, and the receiver behind it.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use protocol::media::{Source as Kind, TrackKey};

use super::encoders::{Coded, FRAMES, unpack_h264};
use super::ffmpeg;
use crate::bandwidth::demand::Demand;
use crate::bandwidth::meter::Meter;
use crate::codec::{Codec, vp8};
use crate::forward::cache::{Arrival, Cache};
use crate::forward::keyframe::KeyFrames;
use crate::forward::line::{Line, LineConfig, PayloadTypes};
use crate::forward::outgoing::Sealing;
use crate::forward::select::Depth;
use crate::insight::LayerSeen;
use crate::peer::dtls::Identity;
use crate::peer::srtp::{Direction, Profile};
use crate::receive::loss::Loss;
use crate::receive::statistics::Reception;
use crate::room::{Crossing, LayerIn, Track};
use crate::rtp::{self, Header};

/// Payload type of everything that comes in, and of everything that goes out.
const PT_IN: u8 = 45;
const PT_OUT: u8 = 101;

/// Number of the dependency descriptor's extension for the receiver.
const DEPENDENCY_OUT: u8 = 9;

/// One layer as its publisher sends it.
pub(super) struct Source {
    pub(super) packets: Vec<(u64, Vec<u8>)>,
    /// Of each packet, its frame's number.
    frame_of: Vec<usize>,
    /// What each frame is decoded to.
    pictures: HashMap<Vec<u8>, String>,
}

impl Source {
    pub(super) fn new(n: usize, codec: Codec, coded: Vec<Coded>) -> Self {
        let frames: Vec<Vec<u8>> = coded.iter().map(|it| it.bytes.clone()).collect();
        let decoded = ffmpeg::decode(codec, &frames);
        assert_eq!(decoded.len(), frames.len());
        let pictures = frames.into_iter().zip(decoded).collect();
        let (mut packets, mut frame_of) = (Vec::new(), Vec::new());
        let mut seq = 65_000 + 20_000 * n as u64;
        for (frame, it) in coded.iter().enumerate() {
            let n_parts = it.payloads.len();
            for (part, payload) in it.payloads.iter().enumerate() {
                let head = Header {
                    marker: part + 1 == n_parts,
                    payload_type: PT_IN,
                    seq: seq as u16,
                    timestamp: (frame as u32 * 3_000).wrapping_add(n as u32 * 2_000_000_000),
                    ssrc: n as u32 + 1,
                    ..rtp::parse(&[0x80; 12]).unwrap()
                };
                let mut bytes = Vec::new();
                rtp::write(&mut bytes, &head, &[]);
                bytes.extend_from_slice(payload);
                packets.push((seq, bytes));
                frame_of.push(frame);
                seq += 1;
            }
        }
        Self { packets, frame_of, pictures }
    }

    pub(super) fn picture_of(&self, frame: &[u8]) -> Option<&String> {
        self.pictures.get(frame)
    }
}

/// Packets that come late: some of them, by up to so many packets.
#[derive(Clone, Copy)]
pub(super) struct Stirred {
    pub(super) seed: u64,
    pub(super) late: u64,
}

/// What the receiver watches, each for an equal part of the time, and what happens to the packets.
pub(super) struct Play<'a> {
    pub(super) layers: &'a [usize],
    pub(super) temporal: &'a [u8],
    pub(super) stirred: Option<Stirred>,
    /// Packets of every layer that never come, by their place.
    pub(super) lost: &'a [usize],
}

impl Default for Play<'_> {
    fn default() -> Self {
        Self { layers: &[0], temporal: &[7], stirred: None, lost: &[] }
    }
}

/// Number of the last packet, coded bytes, whether it is a key frame.
type Frame = (u64, Vec<u8>, bool);

struct Got {
    header: Header,
    payload: Vec<u8>,
    dependency: Vec<u8>,
}

pub(super) struct Receiver {
    pub(super) codec: Codec,
    pub(super) line: Line,
    pub(super) track: Track,
    seal: Direction,
    open: Direction,
    transport_seq: u16,
    start: Instant,
    highest: Option<u64>,
    got: BTreeMap<u64, Got>,
}

fn config(codec: Codec) -> LineConfig {
    let mut payload_types = [None; Codec::COUNT];
    payload_types[codec as usize] = Some(PayloadTypes { media: PT_OUT, rtx: None });
    LineConfig {
        mid: "0".to_owned(),
        is_audio: false,
        payload_types,
        red: None,
        ssrc: 77,
        rtx_ssrc: None,
        dependency_id: if codec == Codec::Av1 { DEPENDENCY_OUT } else { 0 },
        clock_rate: 90_000,
        transport_cc: 0,
    }
}

impl Receiver {
    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
    pub(super) fn new(codec: Codec) -> Self {
        let provider = Identity::generate().unwrap().provider;
        let keys = (vec![3; 16], vec![4; 12]);
        let direction = || Direction::new(&*provider, Profile::Gcm128, &keys).unwrap();
        let start = Instant::now();
        let track = Track {
            key: TrackKey { publisher: "p".to_owned(), source: Kind::Camera },
            session: 0,
            order: 0,
            codec,
            payload_type: PT_IN,
            clock_rate: 90_000,
            repairs: true,
            group: 0,
            is_allowed: true,
            is_live: true,
            last_packet: start,
            layers: [None, None, None],
            red: None,
            level_id: 0,
            dependency_id: 0,
            crossing: Crossing::default(),
            receivers: Vec::new(),
            offered: 0b111,
            demand: Demand::new(start),
        };
        Self {
            codec,
            line: Line::new(config(codec), 0x1234_5678_9abc_7ff0),
            track,
            seal: direction(),
            open: direction(),
            transport_seq: 0,
            start,
            highest: None,
            got: BTreeMap::new(),
        }
    }

    /// One packet of a layer comes in and goes through the line.
    pub(super) fn packet(
        &mut self,
        layer: usize,
        (seq, bytes): &(u64, Vec<u8>),
        dependency_id: u8,
        at_ms: u64,
    ) {
        let now = self.start + Duration::from_millis(at_ms);
        let codec = self.codec;
        let header = rtp::parse(bytes).unwrap();
        let it = self.track.layers[layer].get_or_insert_with(|| {
            Box::new(LayerIn {
                origin: layer as u32 + 1,
                ssrc: header.ssrc,
                cache: Cache::new(codec),
                reception: Reception::new(header.ssrc, 90_000, *seq, now),
                loss: Loss::default(),
                key_frames: KeyFrames::default(),
                meter: Meter::new(now),
                seen: LayerSeen::default(),
                clock: None,
                last_packet: now,
                last_timestamp: header.timestamp,
                is_bursty: true,
                has_left: false,
                tap: None,
            })
        });
        let arrival = Arrival { dependency_id, is_red: false };
        it.cache.store(*seq, header, bytes, arrival, now).unwrap();
        let it = self.track.layers[layer].as_deref().unwrap();
        let packet = it.cache.get(*seq).unwrap();
        let mut out = Vec::new();
        let mut sealing =
            Sealing { srtp: &mut self.seal, out: &mut out, transport_seq: &mut self.transport_seq };
        if self.line.forward(layer, it, (packet, 0), &mut sealing, now) {
            self.take(out);
        }
    }

    fn take(&mut self, mut bytes: Vec<u8>) {
        let header = rtp::parse(&bytes).unwrap();
        let index = match self.highest {
            None => u64::from(header.seq),
            Some(highest) => {
                let step = header.seq.wrapping_sub(highest as u16) as i16;
                highest.checked_add_signed(i64::from(step)).unwrap()
            }
        };
        self.highest = self.highest.max(Some(index));
        let len = self.open.open(&mut bytes, header.len, header.ssrc, index).expect("authentic");
        assert_eq!((header.payload_type, header.ssrc), (PT_OUT, 77));
        let end = rtp::unpadded_len(&header, &bytes[..len]).unwrap();
        let dependency = header.extension(&bytes, DEPENDENCY_OUT).unwrap_or_default().to_vec();
        let payload = bytes[header.len..end].to_vec();
        assert_eq!(payload.is_empty(), header.is_padded, "only a filling is empty");
        let before = self.got.insert(index, Got { header, payload, dependency });
        assert!(before.is_none(), "a number twice");
    }

    /// Asks again for what is missing of the last second, as a browser does.
    fn ask_for_holes(&mut self, at_ms: u64) {
        let now = self.start + Duration::from_millis(at_ms);
        for hole in self.holes() {
            let mut out = Vec::new();
            let mut sealing = Sealing {
                srtp: &mut self.seal,
                out: &mut out,
                transport_seq: &mut self.transport_seq,
            };
            if self.line.resend(hole as u16, &self.track, &mut sealing, now) {
                self.take(out);
            }
        }
    }

    /// Asks for the last packets again; all must be what they were. Returns how many there were.
    pub(super) fn ask_again(&mut self, sources: &[Source]) -> usize {
        assert!(!sources.is_empty());
        let now = self.start + Duration::from_millis(FRAMES as u64 * 33);
        let mut n = 0;
        for (index, before) in &self.got {
            let mut out = Vec::new();
            let mut sealing = Sealing {
                srtp: &mut self.seal,
                out: &mut out,
                transport_seq: &mut self.transport_seq,
            };
            if self.line.resend(*index as u16, &self.track, &mut sealing, now) {
                let header = rtp::parse(&out).unwrap();
                let len = self.open.open(&mut out, header.len, header.ssrc, *index).unwrap();
                assert_eq!((header, &out[header.len..len]), (before.header, &before.payload[..]));
                n += 1;
            }
        }
        n
    }

    /// Watches the sources play side by side.
    pub(super) fn watch(&mut self, sources: &[Source], play: &Play<'_>) {
        let part = |n: usize, frame: usize| (frame * n / FRAMES).min(n - 1);
        let mut seed = play.stirred.map_or(1, |it| it.seed);
        let mut random = move || {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            seed >> 33
        };
        // In the order in which they come: by frame, and by their place within the layer plus a delay.
        let mut events: Vec<(u64, usize, usize)> = Vec::new();
        for (layer, source) in sources.iter().enumerate() {
            for place in (0..source.packets.len()).filter(|it| !play.lost.contains(it)) {
                let late = match play.stirred {
                    Some(it) if random() % 8 == 0 => random() % it.late,
                    Some(_) | None => 0,
                };
                let frame = source.frame_of[place];
                let first = source.frame_of.partition_point(|it| *it < frame);
                let key = frame as u64 * 1_000 + (place - first) as u64;
                // A delayed packet falls behind others of its layer, up to two frames.
                events.push((key + late * 170, layer, place));
            }
        }
        events.sort_unstable();
        let mut frame = 0;
        for (key, layer, place) in events {
            let now_frame = (key / 1_000) as usize;
            if now_frame > frame {
                frame = now_frame;
                self.ask_for_holes(frame as u64 * 33);
            }
            let of = frame.min(FRAMES - 1);
            self.line.target = Some(play.layers[part(play.layers.len(), of)]);
            self.line.depth =
                Depth { spatial: u8::MAX, temporal: play.temporal[part(play.temporal.len(), of)] };
            let packet = sources[layer].packets[place].clone();
            self.packet(layer, &packet, 0, frame as u64 * 33);
        }
        self.ask_for_holes(frame as u64 * 33 + 33);
    }

    /// Numbers that never came, between the first and the last.
    pub(super) fn holes(&self) -> Vec<u64> {
        let (Some(first), Some(last)) = (self.got.keys().next(), self.got.keys().last()) else {
            return Vec::new();
        };
        (*first..=*last).filter(|it| !self.got.contains_key(it)).collect()
    }

    /// One stream without holes, whose time goes on, each picture ended by one marker.
    pub(super) fn is_one_stream(&self) {
        assert!(self.holes().is_empty(), "holes: {:?}", self.holes());
        let packets: Vec<&Got> = self.got.values().filter(|it| !it.header.is_padded).collect();
        for pair in packets.windows(2) {
            let step = pair[1].header.timestamp.wrapping_sub(pair[0].header.timestamp);
            assert!(step < 1 << 20, "time goes back: {step}");
            let at = pair[0].header.seq;
            // A source is left at another one's key frame, be it in the middle of a picture.
            let is_key = crate::codec::read(self.codec, &pair[1].payload).starts_key_frame;
            assert_eq!(
                pair[0].header.marker || is_key,
                step != 0 || is_key,
                "a marker ends a picture: {at}"
            );
        }
    }

    /// VP8's picture ids go on by one, and the base layer's index with the base layer.
    pub(super) fn has_no_hole_of_pictures(&self) {
        let starts = self.got.values().map(|it| vp8::parse(&it.payload).unwrap());
        let starts: Vec<_> = starts.filter(|it| it.starts_frame).collect();
        for pair in starts.windows(2) {
            let id = |n: usize| pair[n].picture_id.unwrap().value;
            assert_eq!(id(1), (id(0) + 1) & 0x7fff);
            let tl0 = |n: usize| pair[n].tl0.unwrap().1;
            assert_eq!(tl0(1), tl0(0).wrapping_add(u8::from(pair[1].temporal == 0)));
        }
    }

    /// The coded frames of what came, all whole. A source may be left in the middle of a frame only if a
    /// key frame follows.
    pub(super) fn frames(&self) -> Vec<Vec<u8>> {
        let (frames, broken) = self.put_together();
        for n in broken {
            let key = frames.iter().find(|it| it.0 >= n);
            assert!(key.is_none_or(|it| it.2), "a broken frame, and no key frame after it");
        }
        frames.into_iter().map(|it| it.1).collect()
    }

    /// The frames that a decoder can use: after a broken one all wait for a key frame.
    pub(super) fn decodable_frames(&self) -> Vec<Vec<u8>> {
        let (frames, broken) = self.put_together();
        let mut last = 0;
        let mut waits = false;
        let mut usable = Vec::new();
        for (at, frame, is_key) in frames {
            waits |= broken.iter().any(|it| (last..=at).contains(it));
            waits &= !is_key;
            last = at + 1;
            if !waits {
                usable.push(frame);
            }
        }
        usable
    }

    /// Frames with the number of their last packet and whether they are key frames; and the numbers at which
    /// something was missing.
    fn put_together(&self) -> (Vec<Frame>, Vec<u64>) {
        let (mut frames, mut broken) = (Vec::new(), self.holes());
        let mut open: Option<(u32, Vec<u8>, bool)> = None;
        let mut next = None;
        for (index, got) in &self.got {
            let info = crate::codec::read(self.codec, &got.payload);
            let is_next = next.is_none_or(|it| it == *index);
            next = Some(index + 1);
            let fits = open.as_ref().is_some_and(|it| it.0 == got.header.timestamp);
            // A filling is in place of a packet of which the source was left.
            if open.is_some() && (!is_next || !fits || got.header.is_padded) {
                broken.push(*index);
                open = None;
            }
            if got.header.is_padded {
                continue;
            }
            if open.is_none() && info.starts_frame {
                open = Some((got.header.timestamp, Vec::new(), info.starts_key_frame));
            }
            let Some((_, bytes, _)) = &mut open else {
                broken.push(*index);
                continue;
            };
            match self.codec {
                Codec::Vp8 => bytes.extend_from_slice(&got.payload[6..]),
                Codec::H264 => unpack_h264(&got.payload, bytes),
                Codec::Vp9 | Codec::Av1 | Codec::Opus => panic!("put together elsewhere"),
            }
            if got.header.marker
                && let Some((_, bytes, is_key)) = open.take()
            {
                frames.push((*index, bytes, is_key));
            }
        }
        (frames, broken)
    }

    /// Everything that came, in order: header, payload, dependency descriptor.
    pub(super) fn packets(&self) -> impl Iterator<Item = (&Header, &[u8], &[u8])> {
        let all = self.got.values().filter(|it| !it.header.is_padded);
        all.map(|it| (&it.header, &it.payload[..], &it.dependency[..]))
    }
}
