//! The law of rewriting: whatever the sources do, the outgoing stream looks like one stream.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::codec::vp8::PictureId;

fn numbers(seq: u64, timestamp: u32, picture: u16, tl0: u8) -> Numbers {
    let picture_id = Some(PictureId { at: 2, value: picture & 0x7fff, is_long: true });
    let vp8 = Descriptor { starts_key_frame: true, picture_id, tl0: Some((4, tl0)) };
    Numbers { seq, timestamp, vp8: Some(vp8) }
}

fn picture_out(rewriter: &Rewriter, packet: &Numbers) -> u16 {
    let shift = rewriter.shift().unwrap();
    packet.vp8.unwrap().picture_id.unwrap().value.wrapping_add(shift.picture_id) & 0x7fff
}

#[test]
fn a_switch_continues_where_the_last_source_stopped() {
    let start = Instant::now_for_tests();
    let mut rewriter = Rewriter::new(90_000, 100, 5_000);
    let first = numbers(70_000, 1, 32_767, 255);
    rewriter.switch(1, &first, start);
    assert_eq!(rewriter.map(&first, start), Some(100));
    assert_eq!(picture_out(&rewriter, &first), 101);
    let later = start + Duration::from_millis(33);
    let other = numbers(65_540, 4_000_000_000, 3, 7);
    rewriter.switch(2, &other, later);
    assert_eq!(rewriter.map(&other, later), Some(101));
    assert_eq!(picture_out(&rewriter, &other), 102);
    let shift = rewriter.shift().unwrap();
    assert_eq!(4_000_000_000u32.wrapping_add(shift.timestamp), 5_001 + 2_970);
    assert_eq!(rewriter.original(100).unwrap().0, 70_000);
    assert_eq!(rewriter.original(101).unwrap().0, 65_540);
}

#[test]
fn packets_from_before_the_switch_are_not_sent() {
    let start = Instant::now_for_tests();
    let mut rewriter = Rewriter::new(90_000, 1, 0);
    rewriter.switch(1, &numbers(500, 0, 0, 0), start);
    assert_eq!(rewriter.map(&numbers(499, 0, 0, 0), start), None);
}

trait ForTests {
    fn now_for_tests() -> Instant;
}

impl ForTests for Instant {
    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
    fn now_for_tests() -> Instant {
        Self::now()
    }
}

/// What happens next at the source: packets to skip (lost), whether the next two change places, and
/// whether the receiver is switched to another source.
fn happenings() -> impl Strategy<Value = Vec<(u64, bool, bool)>> {
    proptest::collection::vec((0u64..3, any::<bool>(), prop::bool::weighted(0.1)), 1..200)
}

proptest! {
    #[test]
    fn any_mix_of_layers_loss_and_reordering_gives_one_stream(
        story in happenings(), first: u16, starts in proptest::collection::vec(0u64..1 << 20, 3),
    ) {
        let now = Instant::now_for_tests();
        let mut rewriter = Rewriter::new(90_000, first, 0);
        let mut seqs = starts;
        let mut sent: HashMap<u64, (Origin, u64)> = HashMap::new();
        let (mut source, mut skipped, mut highest) = (0usize, 0u64, None::<u64>);
        for (step, (lost, swapped, switch)) in story.into_iter().enumerate() {
            let switches = switch || step == 0;
            if switches {
                source = (source + 1) % seqs.len();
            } else {
                seqs[source] += lost;
                skipped += lost;
            }
            let base = seqs[source];
            seqs[source] += 2;
            let order = if swapped && !switches { [base + 1, base] } else { [base, base + 1] };
            if switches {
                rewriter.switch(source as Origin, &numbers(order[0], base as u32, base as u16, 0), now);
            }
            for seq in order {
                let out = rewriter.map(&numbers(seq, seq as u32, seq as u16, 0), now).unwrap();
                prop_assert!(sent.insert(out, (source as Origin, seq)).is_none(), "sent twice");
                highest = highest.max(Some(out));
                // A receiver can ask for anything recent and gets exactly that packet.
                let (original, shift, extended) = rewriter.original(out as u16).unwrap();
                prop_assert_eq!((shift.origin, original, extended), (source as Origin, seq, out));
            }
        }
        // No gap but for what the sources themselves lost.
        let begin = u64::from(first & 0x7fff);
        let span = highest.unwrap() + 1 - begin;
        prop_assert_eq!(span, sent.len() as u64 + skipped);
    }
}
