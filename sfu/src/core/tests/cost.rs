//! What a forwarded packet costs the core, without system calls. Run by hand:
//! `cargo test --release -p sfu cost -- --ignored --nocapture`

use std::hint::black_box;

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::*;

const RECEIVERS: usize = 50;
const PAYLOAD_BYTES: usize = 1_100;
const BURST: u64 = 5;
const BURSTS: u64 = 400;
const RUNS: usize = 5;

/// Copying and sealing as many packets, and nothing else.
fn floor_ns() -> u128 {
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &[7; 16]).unwrap());
    let (header, payload) = ([0x80; 12], [1; PAYLOAD_BYTES]);
    let n = BURST * BURSTS * RECEIVERS as u64;
    let mut out: Vec<u8> = Vec::new();
    let began = elapsed_from();
    for number in 0..n {
        if out.len() > 256 * 1024 {
            out.clear();
        }
        let start = out.len();
        out.extend_from_slice(&header);
        out.extend_from_slice(&payload);
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&number.to_be_bytes());
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = key.seal_in_place_separate_tag(nonce, Aad::from(&header), &mut out[start + 12..]);
        out.extend_from_slice(tag.unwrap().as_ref());
        black_box(&out);
    }
    began.elapsed().as_nanos() / u128::from(n)
}

#[expect(clippy::disallowed_methods, reason = "a measurement needs a clock")]
fn elapsed_from() -> Instant {
    Instant::now()
}

#[test]
#[ignore = "a measurement, run by hand in release"]
fn cost_of_a_forwarded_packet() {
    let mut world = World::new(open_room());
    let n = world.join("a", SessionKind::Publish, &[Wish::SendVideo]);
    for receiver in 0..RECEIVERS {
        let kind = SessionKind::Receive { of: Vec::new() };
        world.join(&format!("r{receiver}"), kind, &[Wish::ReceiveVideo]);
    }
    let mut payload = frame(1, true);
    payload.resize(PAYLOAD_BYTES, 9);
    world.send(n, 0, None, video(n, 'h', 1, &payload));
    payload[6] |= 1;
    let from = world.browsers[n].address;
    let mut seq = 2;
    for _ in 0..RUNS {
        let before = world.core.counters.forwarded_packets;
        let mut spent = Duration::ZERO;
        for _ in 0..BURSTS {
            world.ms += 10;
            let mut burst: Vec<Vec<u8>> = Vec::new();
            for _ in 0..BURST {
                burst.push(world.browsers[n].packet(0, None, video(n, 'h', seq, &payload)));
                seq += 1;
            }
            let now = world.now();
            let began = elapsed_from();
            for datagram in &mut burst {
                world.core.handle_datagram(from, datagram, now);
            }
            world.core.settle(now, &mut |out| {
                black_box(&out.bytes);
                out.clear();
            });
            spent += began.elapsed();
        }
        let forwarded = world.core.counters.forwarded_packets - before;
        assert_eq!(forwarded, BURST * BURSTS * RECEIVERS as u64);
        let each = spent.as_nanos() / u128::from(forwarded);
        println!("{each} ns per forwarded packet; copying and sealing alone {} ns", floor_ns());
    }
}
