//! What a publisher sends: VP8 that a forwarder finds right (descriptor, picture ids, key frames), about
//! 1 Mbit/s, and 50 packets of sound a second.

use std::time::{Duration, Instant};

use bytes::Bytes;
use rtc::rtp;

use crate::peer::Peer;

/// 30 frames a second.
pub const FRAME: Duration = Duration::from_nanos(33_333_333);

/// Packets of a frame: 4 × 1,100 bytes × 30 = 1.06 Mbit/s.
pub const BURST: usize = 4;

/// Payload of a packet, descriptor included.
pub const PACKET_BYTES: usize = 1_100;

/// A key frame at least so often, in frames: 2 s. The library hands a publisher no key-frame requests, so
/// a receiver waits for the next of these.
const KEY_INTERVAL: u64 = 60;

/// Every third frame has sound with it twice, the others once or twice: 50 a second.
const SOUND: Duration = Duration::from_millis(20);

/// Payload of a packet of sound: 32 kbit/s.
const SOUND_BYTES: usize = 80;

pub struct Publisher {
    peer: Peer,
    frame: u64,
    sequence: u16,
    sound: u16,
    sound_due: Instant,
    with_sound: bool,
}

impl Publisher {
    pub fn new(peer: Peer, with_sound: bool) -> Self {
        Self { peer, frame: 0, sequence: 1, sound: 1, sound_due: Instant::now(), with_sound }
    }

    /// Publishes until `until`; gives the number of video packets.
    pub async fn run(mut self, until: Instant) -> u64 {
        let mut next = Instant::now();
        let mut packets = 0;
        while Instant::now() < until {
            self.picture();
            packets += BURST as u64;
            while self.with_sound && self.sound_due <= Instant::now() {
                self.sound();
            }
            next += FRAME;
            loop {
                self.peer.turn(next).await;
                if Instant::now() >= next {
                    break;
                }
            }
        }
        packets
    }

    fn picture(&mut self) {
        let key = self.frame.is_multiple_of(KEY_INTERVAL)
            || std::mem::take(&mut self.peer.keyframe_wanted);
        let id = (self.frame & 0x7FFF) as u16;
        for part in 0..BURST {
            let mut payload = vec![0x2A; PACKET_BYTES];
            // RFC 7741 §4.2: X, S on the first packet; I; 15 bits of picture id.
            payload[0] = if part == 0 { 0x90 } else { 0x80 };
            payload[1] = 0x80;
            payload[2] = 0x80 | (id >> 8) as u8;
            payload[3] = (id & 0xFF) as u8;
            if part == 0 {
                // RFC 6386 §9.1: frame tag (bit 0 clear: key frame), start code, 1280×720.
                payload[4] = if key { 0x10 } else { 0x11 };
                if key {
                    payload[7..14].copy_from_slice(&[0x9D, 0x01, 0x2A, 0x00, 0x05, 0xD0, 0x02]);
                }
            }
            let packet = self.packet(part == BURST - 1, payload);
            self.peer.send_video(packet);
        }
        self.frame += 1;
    }

    fn packet(&mut self, marker: bool, payload: Vec<u8>) -> rtp::Packet {
        let header = rtp::header::Header {
            version: 2,
            marker,
            sequence_number: self.sequence,
            timestamp: (self.frame.wrapping_mul(3_000) & 0xFFFF_FFFF) as u32,
            ..Default::default()
        };
        self.sequence = self.sequence.wrapping_add(1);
        rtp::Packet { header, payload: Bytes::from(payload) }
    }

    fn sound(&mut self) {
        let header = rtp::header::Header {
            version: 2,
            sequence_number: self.sound,
            timestamp: u32::from(self.sound) * 960,
            ..Default::default()
        };
        self.sound = self.sound.wrapping_add(1);
        self.sound_due += SOUND;
        self.peer.send_audio(rtp::Packet { header, payload: Bytes::from(vec![0x78; SOUND_BYTES]) });
    }
}
