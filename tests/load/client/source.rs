//! What a publisher sends: a camera (VP8 in bursts as Chromium's packetizer and pacer make them) or a
//! microphone (Opus), with the header extensions of browsers; key frames and repairs on request.

use std::collections::VecDeque;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use super::offer::{ABS_SEND_TIME, AUDIO_LEVEL, MID, Media, OPUS, RTX, TRANSPORT_CC, VP8};
use super::rtcp::{self, Heard};
use super::rtp::{HEADER_BYTES, Mark};
use super::srtp::{Keys, TAG_BYTES};
use super::system::{Run, Sender, realtime_ns};

/// 30 pictures a second.
pub const FRAME: Duration = Duration::from_nanos(33_333_333);

/// 50 packets of sound a second.
pub const SOUND: Duration = Duration::from_millis(20);

/// Packets of a picture; talking heads at 1.25 Mbit/s have 4.8 on average (`1,200 × 4 × 30` is 1.15).
pub const BURST: usize = 4;

/// Packets of a key frame: 15 kB is a talking head at 720p.
const KEY_BURST: usize = 13;

/// A datagram of video, tag included.
pub const VIDEO_BYTES: usize = 1_200;

/// Payload of a packet of sound: 32 kbit/s.
const SOUND_BYTES: usize = 80;

/// Fixed header and extensions: 12, 4, then 12 bytes of elements in either kind of stream.
pub const SENT_HEADER_BYTES: usize = HEADER_BYTES + 16;

/// Packets that can be repaired: 2 s.
const HISTORY_MAX: usize = 256;

/// A source that is later than this has been held up; it goes on from now instead of catching up.
const LATE_MAX: Duration = Duration::from_millis(250);

/// Where a packet stood in its stream, enough to make it again.
#[derive(Clone, Copy)]
struct Past {
    seq: u64,
    frame: u32,
    part: usize,
    parts: usize,
    sent_ns: u64,
}

/// One published stream.
pub struct Source {
    pub media: Media,
    pub ssrc: u32,
    rtx: u32,
    mid: u8,
    seq: u64,
    rtx_seq: u64,
    transport_seq: u16,
    frame: u32,
    /// Pictures since the last key frame.
    since_key: u32,
    wants_key: bool,
    history: VecDeque<Past>,
    pub due: Instant,
    /// Packets sent, repairs not counted.
    pub sent: u64,
    pub repaired: u64,
    pub key_frames: u64,
    octets: u32,
    buffer: Vec<u8>,
    runs: Vec<Run>,
}

impl Source {
    pub fn new(media: Media, ssrc: u32, due: Instant) -> Self {
        Self {
            media,
            ssrc,
            rtx: ssrc + 1,
            mid: b'0',
            seq: u64::from(ssrc % 20_000),
            rtx_seq: 1,
            transport_seq: 1,
            frame: 0,
            since_key: 0,
            wants_key: true,
            history: VecDeque::with_capacity(HISTORY_MAX),
            due,
            sent: 0,
            repaired: 0,
            key_frames: 0,
            octets: 0,
            buffer: Vec::new(),
            runs: Vec::new(),
        }
    }

    /// SSRCs for the offer.
    pub fn ssrcs(&self) -> [u32; 2] {
        [self.ssrc, self.rtx]
    }

    /// Between two sendings.
    pub fn interval(&self) -> Duration {
        if self.media == Media::Audio { SOUND } else { FRAME }
    }

    /// Sends the picture or sound that is due; by how much it is late. Call when `due` has come.
    pub fn send(
        &mut self,
        socket: &UdpSocket,
        keys: &Keys,
        sender: &mut Sender,
        now: Instant,
    ) -> Duration {
        let late = now.saturating_duration_since(self.due);
        self.due += self.interval();
        if late > LATE_MAX {
            self.due = now + self.interval();
        }
        let is_key = std::mem::take(&mut self.wants_key) && self.media == Media::Video;
        self.since_key = if is_key { 0 } else { self.since_key + 1 };
        self.key_frames += u64::from(is_key);
        let parts = match (self.media, is_key) {
            (Media::Audio, _) => 1,
            (Media::Video, true) => KEY_BURST,
            (Media::Video, false) => BURST,
        };
        self.buffer.clear();
        self.runs.clear();
        let sent_ns = realtime_ns();
        for part in 0..parts {
            let past = Past { seq: self.seq, frame: self.frame, part, parts, sent_ns };
            self.packet(&past, keys, None);
            if self.history.len() == HISTORY_MAX {
                self.history.pop_front();
            }
            self.history.push_back(past);
            self.seq += 1;
        }
        self.sent += parts as u64;
        self.frame += 1;
        sender.send(socket, &self.buffer, &self.runs);
        late
    }

    /// Appends one sealed packet: as it is, or as a repair under `rtx`.
    fn packet(&mut self, past: &Past, keys: &Keys, rtx: Option<u64>) {
        let start = self.buffer.len();
        let payload_len = match self.media {
            Media::Audio => SOUND_BYTES,
            // Chromium cuts a frame into about equal parts: the last ones are a byte longer.
            Media::Video => {
                let longer = past.frame as usize % past.parts;
                VIDEO_BYTES
                    - TAG_BYTES
                    - SENT_HEADER_BYTES
                    - usize::from(past.part + longer < past.parts)
            }
        };
        let (ssrc, seq) = rtx.map_or((self.ssrc, past.seq), |seq| (self.rtx, seq));
        self.header(past, ssrc, seq, rtx.is_some());
        if rtx.is_some() {
            self.buffer.extend_from_slice(&(past.seq as u16).to_be_bytes());
        }
        let at = self.buffer.len();
        self.buffer.resize(at + payload_len + TAG_BYTES, 0);
        let payload = &mut self.buffer[at..at + payload_len];
        let is_key = past.parts == KEY_BURST;
        match self.media {
            Media::Audio => payload[0] = 0x78,
            Media::Video => write_vp8(payload, past, is_key),
        }
        Mark { source: self.ssrc, frame: past.frame, sent_ns: past.sent_ns }.write(payload);
        self.octets = self.octets.wrapping_add(payload_len as u32);
        keys.seal(&mut self.buffer[start..], SENT_HEADER_BYTES, ssrc, seq);
        self.join_run(start);
    }

    fn header(&mut self, past: &Past, ssrc: u32, seq: u64, is_rtx: bool) {
        let (payload_type, clock) = match (self.media, is_rtx) {
            (Media::Audio, _) => (OPUS, 960),
            (Media::Video, true) => (RTX, 3_000),
            (Media::Video, false) => (VP8, 3_000),
        };
        let is_last = self.media == Media::Video && past.part + 1 == past.parts;
        let out = &mut self.buffer;
        out.extend_from_slice(&[0x90, u8::from(is_last) << 7 | payload_type]);
        out.extend_from_slice(&(seq as u16).to_be_bytes());
        out.extend_from_slice(&past.frame.wrapping_mul(clock).to_be_bytes());
        out.extend_from_slice(&ssrc.to_be_bytes());
        out.extend_from_slice(&[0xbe, 0xde, 0, 3]);
        // 24 bits of seconds in 6.18 fixed point.
        let seconds = ((past.sent_ns as u128) << 18) / 1_000_000_000;
        let [.., a, b, c] = (seconds as u32).to_be_bytes();
        let [high, low] = self.transport_seq.to_be_bytes();
        self.transport_seq = self.transport_seq.wrapping_add(1);
        out.extend_from_slice(&[ABS_SEND_TIME << 4 | 2, a, b, c, TRANSPORT_CC << 4 | 1, high, low]);
        out.extend_from_slice(&[MID << 4, self.mid]);
        match self.media {
            // Speech, 30 dB below the loudest; all publishers alike.
            Media::Audio => out.extend_from_slice(&[AUDIO_LEVEL << 4, 0x80 | 30, 0]),
            Media::Video => out.extend_from_slice(&[0; 3]),
        }
    }

    /// Packets of equal length leave together, as they arrive together behind a network card with GRO.
    fn join_run(&mut self, start: usize) {
        let end = self.buffer.len();
        match self.runs.last_mut() {
            Some(run) if run.segment == end - start => run.end = end,
            _ => self.runs.push(Run { to: None, start, end, segment: end - start }),
        }
    }

    /// Takes what the node says; answers repairs at once.
    pub fn heard(&mut self, heard: &[Heard], socket: &UdpSocket, keys: &Keys, sender: &mut Sender) {
        self.buffer.clear();
        self.runs.clear();
        for heard in heard {
            match *heard {
                Heard::KeyFrameWanted { ssrc } => self.wants_key |= ssrc == self.ssrc,
                Heard::Missing { ssrc, seq } if ssrc == self.ssrc => {
                    let past = self.history.iter().find(|it| it.seq as u16 == seq).copied();
                    if let Some(past) = past.filter(|_| self.media == Media::Video) {
                        let index = self.rtx_seq;
                        self.rtx_seq += 1;
                        self.repaired += 1;
                        self.packet(&past, keys, Some(index));
                    }
                }
                Heard::Missing { .. } | Heard::SenderReport { .. } => {}
            }
        }
        sender.send(socket, &self.buffer, &self.runs);
    }

    /// Whether a second is over.
    pub fn is_report_due(&self) -> bool {
        let per_second = if self.media == Media::Audio { 50 } else { 30 };
        self.frame % per_second == 1
    }

    /// The report of every second.
    pub fn report(&self, out: &mut Vec<u8>) {
        // NTP counts from 1900.
        let ns = realtime_ns();
        let fraction = ((ns % 1_000_000_000) << 32) / 1_000_000_000;
        let ntp = (ns / 1_000_000_000 + 2_208_988_800) << 32 | fraction;
        let clock = if self.media == Media::Audio { 960 } else { 3_000 };
        let rest = [self.frame.wrapping_mul(clock), self.sent as u32, self.octets];
        rtcp::write_sender_report(out, self.ssrc, ntp, rest);
    }
}

/// RFC 7741 §4.2: X, S on the first packet; I, L, T; 15 bits of picture id, TL0PICIDX, TID. Then RFC 6386
/// §9.1: the frame tag (bit 0 clear: key frame), start code, 1280×720.
fn write_vp8(payload: &mut [u8], past: &Past, is_key: bool) {
    let id = (past.frame as u16 & 0x7fff) | 0x8000;
    let [high, low] = id.to_be_bytes();
    let first = if past.part == 0 { 0x90 } else { 0x80 };
    payload[..6].copy_from_slice(&[first, 0xe0, high, low, past.frame as u8, 0x20]);
    if past.part == 0 {
        payload[6] = if is_key { 0x10 } else { 0x11 };
        if is_key {
            payload[9..16].copy_from_slice(&[0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02]);
        }
    }
}
