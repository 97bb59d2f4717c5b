//! What is written can be read back with the library's own parser.

use proptest::prelude::*;
use rtc_shared::marshal::Unmarshal;
use rtcp::transport_feedbacks::transport_layer_cc::{PacketStatusChunk, TransportLayerCc};

use super::*;

/// The numbers that a feedback says were received, and how many it speaks of.
fn received(bytes: &[u8]) -> (Vec<u16>, u16, Vec<i64>) {
    let feedback = TransportLayerCc::unmarshal(&mut &bytes[..]).unwrap();
    let mut seqs = Vec::new();
    let mut seq = feedback.base_sequence_number;
    for chunk in &feedback.packet_chunks {
        let PacketStatusChunk::StatusVectorChunk(chunk) = chunk else { panic!("run length") };
        for symbol in &chunk.symbol_list {
            if *symbol as u16 != 0 {
                seqs.push(seq);
            }
            seq = seq.wrapping_add(1);
        }
    }
    let deltas = feedback.recv_deltas.iter().map(|delta| delta.delta / 250).collect();
    (seqs, feedback.packet_status_count, deltas)
}

proptest! {
    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
    fn feedback_tells_what_came_and_when(
        first: u16, steps in proptest::collection::vec((1u16..4, 0u64..90), 1..100),
    ) {
        let start = Instant::now();
        let mut feedback = TransportCc::new(start);
        let (mut seq, mut at, mut sent) = (first, 0, Vec::new());
        for (step, ms) in steps {
            seq = seq.wrapping_add(step);
            at += ms;
            feedback.packet(seq, start + Duration::from_millis(at));
            sent.push((seq, at));
        }
        let mut bytes = Vec::new();
        feedback.write(&mut bytes, 1, 2);
        prop_assert_eq!(bytes.len() % 4, 0);
        let (found, n_packets, deltas) = received(&bytes);
        let seqs: Vec<u16> = sent.iter().map(|it| it.0).collect();
        prop_assert_eq!(n_packets, seqs[seqs.len() - 1].wrapping_sub(seqs[0]) + 1);
        prop_assert_eq!(found, seqs);
        let told: i64 = deltas.iter().skip(1).sum();
        prop_assert_eq!(told, (sent[sent.len() - 1].1 - sent[0].1) as i64 * 4);
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
fn what_was_lost_between_two_feedbacks_is_told_by_the_second() {
    let start = Instant::now();
    let mut feedback = TransportCc::new(start);
    let mut bytes = Vec::new();
    feedback.packet(65_534, start);
    feedback.write(&mut bytes, 1, 2);
    bytes.clear();
    feedback.packet(1, start + Duration::from_millis(50));
    feedback.write(&mut bytes, 1, 2);
    let (found, n_packets, _) = received(&bytes);
    assert_eq!((found, n_packets), (vec![1], 3), "65,535 and 0 are lost");
}
