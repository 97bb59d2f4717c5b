//! The load generator of `make bench` against the real node: what it publishes arrives whole, and what
//! it measures can be trusted.

use std::time::{Duration, Instant};

use crate::client::offer::Media;
use crate::client::rtcp::{Arrivals, Heard, read, write_nack, write_pli, write_report};
use crate::client::rtp::{Mark, PAYLOAD_BYTES_MIN, Sequence};
use crate::client::system::CpuClock;
use crate::client::{Identity, Load};
use crate::support::Node;

#[test]
fn load_what_is_published_arrives_whole_and_is_what_was_sent() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), &["--open-rooms"]);
    let mut load = Load::new(&Identity::new(), Some(node.http), true);
    load.publish("/whip/load/camera", Media::Video, 0.0);
    load.publish("/whip/load/voice", Media::Audio, 0.5);
    load.connect();
    for index in 0..3 {
        load.receive(&format!("/whep/load/r{index}"), &[Media::Audio, Media::Video]);
    }
    load.connect();
    load.run_until("first packets", |load| load.live_streams() == 6);
    let window = load.measure(Duration::from_secs(3), CpuClock::of_process(node.pid()));
    let tally = window.tally;
    assert!(tally.received > 3 * 3 * 120, "{tally:?}");
    assert_eq!((tally.broken, tally.strange), (0, 0), "{tally:?}");
    assert!(tally.checked > 10 && tally.expected - tally.received < 10, "{tally:?}");
    assert!(!window.cpu.is_zero() && !window.delays_us.is_empty());
    assert!(load.so_far().key_frames >= 1, "a newcomer gets a key frame");
}

/// Reads feedback as the draft has it: number and delta in quarters of a millisecond of each packet.
fn read_feedback(bytes: &[u8]) -> Vec<(u16, Option<i64>)> {
    let padding = if bytes[0] & 0x20 != 0 { usize::from(*bytes.last().unwrap()) } else { 0 };
    let bytes = &bytes[..bytes.len() - padding];
    let base = u16::from_be_bytes([bytes[12], bytes[13]]);
    let n = usize::from(u16::from_be_bytes([bytes[14], bytes[15]]));
    let (chunks, mut deltas) = bytes[20..].split_at(2 * n.div_ceil(7));
    let mut found = Vec::new();
    for at in 0..n {
        let chunk = u16::from_be_bytes([chunks[at / 7 * 2], chunks[at / 7 * 2 + 1]]);
        assert_eq!(chunk >> 14, 0b11, "a vector of two-bit symbols");
        let delta = match chunk >> (12 - 2 * (at % 7)) & 3 {
            0 => None,
            1 => {
                let (first, rest) = deltas.split_first().unwrap();
                deltas = rest;
                Some(i64::from(*first))
            }
            _ => {
                let (high, low) = deltas.split_at(2);
                deltas = low;
                Some(i64::from(i16::from_be_bytes([high[0], high[1]])))
            }
        };
        found.push((base.wrapping_add(at as u16), delta));
    }
    assert!(deltas.is_empty(), "nothing is left over");
    found
}

#[test]
fn load_arrivals_are_told_with_their_gaps_and_deltas() {
    let began = Instant::now();
    let ms = |ms: u64| began + Duration::from_millis(ms);
    let mut arrivals = Arrivals::new(began);
    for (seq, at) in [(65_534, 10), (65_535, 11), (2, 200), (1, 100)] {
        arrivals.note(seq, ms(at));
    }
    let mut out = Vec::new();
    arrivals.write(&mut out, 7, 8);
    assert_eq!(out.len() % 4, 0);
    assert_eq!(usize::from(u16::from_be_bytes([out[2], out[3]])), out.len() / 4 - 1);
    let told = [(65_534, Some(40)), (65_535, Some(4)), (0, None), (1, Some(356)), (2, Some(400))];
    assert_eq!(read_feedback(&out), told);
    assert_eq!(arrivals.gaps, 1);
    assert!(!arrivals.is_due(), "said once");
}

#[test]
fn load_what_is_missing_is_read_as_it_was_written() {
    let missing = [5_u64, 6, 21, 22, 65_536 + 3];
    let mut out = Vec::new();
    write_report(&mut out, 1, &[[9, 0, 0, 0, 0, 0]]);
    write_nack(&mut out, 1, 9, &missing);
    write_pli(&mut out, 1, 9);
    let mut heard = Vec::new();
    read(&out, |it| heard.push(it));
    let mut wanted: Vec<Heard> =
        missing.iter().map(|seq| Heard::Missing { ssrc: 9, seq: *seq as u16 }).collect();
    wanted.push(Heard::KeyFrameWanted { ssrc: 9 });
    assert_eq!(heard, wanted);
}

#[test]
fn load_a_stream_counts_each_packet_once_and_names_what_is_missing() {
    let mut sequence = Sequence::default();
    let mut missing = Vec::new();
    for seq in [65_533, 65_534, 1, 65_535, 1, 2] {
        let index = sequence.extend(seq);
        missing.extend(sequence.note(index));
    }
    assert_eq!(missing, [65_535, 65_536]);
    assert_eq!((sequence.received, sequence.expected()), (5, 6));
}

#[test]
fn load_one_changed_byte_is_seen() {
    let mark = Mark { source: 3, frame: 9, sent_ns: 77 };
    let mut payload = vec![0; 100];
    mark.write(&mut payload);
    assert_eq!(Mark::read(&payload), Some(mark));
    payload[99] ^= 1;
    assert_eq!(Mark::read(&payload), None);
    assert_eq!(Mark::read(&payload[..PAYLOAD_BYTES_MIN - 1]), None);
}
