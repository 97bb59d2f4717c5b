//! The law of rewriting: whatever the sources do, the outgoing stream looks like one stream.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;

use super::*;

fn numbers(seq: u64, timestamp: u32, picture: u16, tl0: u8) -> Numbers {
    Numbers {
        seq,
        timestamp,
        picture_id: Some(picture & 0x7fff),
        tl0: Some(tl0),
        closes_up: true,
        ..Numbers::default()
    }
}

#[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
fn some_instant() -> Instant {
    Instant::now()
}

fn send(rewriter: &mut Rewriter, packet: &Numbers, now: Instant) -> Mapped {
    rewriter.send(packet, Extra::default(), now).unwrap()
}

fn picture(packet: &Numbers, mapped: &Mapped) -> u16 {
    packet.picture_id.unwrap().wrapping_add(mapped.moves.picture_id) & 0x7fff
}

#[test]
fn a_switch_continues_where_the_last_source_stopped() {
    let start = some_instant();
    let mut rewriter = Rewriter::new(90_000, 100, 5_000);
    let first = numbers(70_000, 1, 32_767, 255);
    rewriter.switch(1, &first, start);
    let mapped = send(&mut rewriter, &first, start);
    assert_eq!((mapped.out, picture(&first, &mapped)), (100, 101));
    let later = start + Duration::from_millis(33);
    let other = numbers(65_540, 4_000_000_000, 3, 7);
    rewriter.switch(2, &other, later);
    let mapped = send(&mut rewriter, &other, later);
    assert_eq!((mapped.out, picture(&other, &mapped)), (101, 102));
    assert_eq!(7u8.wrapping_add(mapped.moves.tl0), 2);
    assert_eq!(4_000_000_000u32.wrapping_add(mapped.shift.timestamp), 5_001 + 2_970);
    assert_eq!(rewriter.original(100).unwrap().seq, 70_000);
    assert_eq!(rewriter.original(101).unwrap().seq, 65_540);
    assert_eq!(rewriter.original(102), None, "not sent yet");
}

#[test]
fn packets_from_before_the_switch_are_not_sent() {
    let start = some_instant();
    let mut rewriter = Rewriter::new(90_000, 1, 0);
    rewriter.switch(1, &numbers(500, 0, 0, 0), start);
    assert_eq!(rewriter.send(&numbers(499, 0, 0, 0), Extra::default(), start), None);
}

#[test]
fn what_is_left_out_leaves_no_hole_even_if_it_comes_late() {
    let now = some_instant();
    let mut rewriter = Rewriter::new(90_000, 10, 0);
    rewriter.switch(1, &numbers(100, 0, 50, 0), now);
    let first = send(&mut rewriter, &numbers(100, 0, 50, 0), now);
    assert_eq!(rewriter.leave_out(&numbers(101, 1, 51, 0), now), None);
    assert_eq!(rewriter.leave_out(&numbers(102, 1, 51, 0), now), None);
    let third = numbers(103, 2, 52, 0);
    let mapped = send(&mut rewriter, &third, now);
    assert_eq!((mapped.out, picture(&third, &mapped)), (11, 12), "after 11, without a hole");
    assert_eq!(first.out, 10);
    // 104 and 105 are late; one is to be sent, one not.
    assert_eq!(send(&mut rewriter, &numbers(106, 4, 54, 0), now).out, 14);
    assert!(rewriter.original(12).unwrap().is_open, "not there yet");
    assert_eq!(send(&mut rewriter, &numbers(105, 3, 53, 0), now).out, 13);
    let filling = rewriter.leave_out(&numbers(104, 3, 53, 0), now).unwrap();
    assert_eq!((filling.out, filling.is_filling), (12, true));
    assert_eq!(rewriter.leave_out(&numbers(104, 3, 53, 0), now), None, "filled once");
    assert!(rewriter.original(12).unwrap().is_filling);
}

#[test]
fn memory_follows_the_rate_and_has_a_limit() {
    let start = some_instant();
    for (per_second, len) in [(50u64, RING_MIN), (200, 256), (5_000, RING_MAX)] {
        let mut rewriter = Rewriter::new(90_000, 0, 0);
        rewriter.switch(1, &numbers(0, 0, 0, 0), start);
        for n in 0..5_000 {
            let now = start + Duration::from_micros(n * 1_000_000 / per_second);
            send(&mut rewriter, &numbers(n, 0, n as u16, 0), now);
        }
        assert_eq!(rewriter.ring.len(), len);
        let bytes = rewriter.ring.len() * size_of::<Entry>();
        assert!(bytes <= 4_096, "{bytes}");
    }
    assert_eq!(size_of::<Entry>(), 8);
}

#[test]
fn a_packet_that_comes_after_its_source_was_left_fills_its_place() {
    let now = some_instant();
    let mut rewriter = Rewriter::new(90_000, 10, 0);
    rewriter.switch(1, &numbers(100, 0, 50, 0), now);
    send(&mut rewriter, &numbers(100, 0, 50, 0), now);
    send(&mut rewriter, &numbers(102, 1, 52, 0), now);
    rewriter.switch(2, &numbers(7, 0, 0, 0), now);
    assert_eq!(rewriter.fill_former(1, 102), None, "it was sent");
    assert_eq!(rewriter.fill_former(1, 103), None, "it has no place");
    assert_eq!(rewriter.fill_former(3, 101), None, "another source");
    let filling = rewriter.fill_former(1, 101).unwrap();
    assert_eq!((filling.out, filling.is_filling), (11, true));
    assert_eq!(send(&mut rewriter, &numbers(7, 0, 0, 0), now).out, 13);
}

/// A packet of a source as it happens: lost or not, how late, and to be sent or not.
#[derive(Clone, Debug)]
struct Happening {
    is_lost: bool,
    late: u8,
    is_sent: bool,
    switches: bool,
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let one =
        (prop::bool::weighted(0.1), 0u8..6, prop::bool::weighted(0.6), prop::bool::weighted(0.03));
    let happening = one.prop_map(|(is_lost, late, is_sent, switches)| {
        let late = if late < 4 { 0 } else { late };
        Happening { is_lost, late, is_sent, switches }
    });
    proptest::collection::vec(happening, 1..400)
}

proptest! {
    #[test]
    fn any_mix_of_layers_loss_and_reordering_gives_one_stream(
        story in happenings(), first: u16, starts in proptest::collection::vec(0u64..1 << 34, 3),
    ) {
        let now = some_instant();
        let mut rewriter = Rewriter::new(90_000, first, 0);
        let begin = u64::from(first & 0x7fff);
        // Each packet is a picture; what is left out closes up.
        let mut at = 0;
        let (mut source, mut n_lost) = (0, 0);
        let mut sent: BTreeMap<u64, (Origin, u64, u16, bool)> = BTreeMap::new();
        while at < story.len() {
            source += 1;
            let end = (at + 1..story.len()).find(|n| story[*n].switches).unwrap_or(story.len());
            let base = starts[source % starts.len()];
            let numbers = |n: usize| numbers(base + n as u64, n as u32 * 3_000, n as u16, 0);
            let mut order: Vec<usize> = (at..end).filter(|n| *n == at || !story[*n].is_lost).collect();
            order.sort_by_key(|n| (n + if *n == at { 0 } else { usize::from(story[*n].late) }, *n));
            rewriter.switch(source as Origin, &numbers(at), now);
            let highest = *order.iter().max().unwrap();
            n_lost += (at + 1..highest).filter(|n| story[*n].is_lost).count();
            for n in order {
                let packet = numbers(n);
                let mapped = if n == at || story[n].is_sent {
                    Some(rewriter.send(&packet, Extra::default(), now).unwrap())
                } else {
                    rewriter.leave_out(&packet, now)
                };
                let Some(mapped) = mapped else { continue };
                prop_assert_eq!(mapped.seq, packet.seq);
                prop_assert_eq!(mapped.is_filling, !(n == at || story[n].is_sent));
                let entry = (source as Origin, packet.seq, picture(&packet, &mapped), mapped.is_filling);
                prop_assert!(sent.insert(mapped.out, entry).is_none(), "a number twice");
                // A receiver can ask for anything recent and gets exactly that packet.
                prop_assert_eq!(rewriter.original(mapped.out as u16), Some(mapped));
            }
            at = end;
        }
        // No hole but for what was lost on the way to us.
        let span = rewriter.next_out - begin;
        prop_assert_eq!(span, sent.len() as u64 + n_lost as u64);
        // Pictures never go back; between neighbours that are both here, the id goes on by one, or by the
        // number of pictures that came too late to be left out.
        let pictures: Vec<(&u64, u16)> =
            sent.iter().filter(|it| !it.1.3).map(|(out, it)| (out, it.2)).collect();
        for pair in pictures.windows(2) {
            let step = pair[1].1.wrapping_sub(pair[0].1) & 0x7fff;
            let numbers = pair[1].0 - pair[0].0;
            prop_assert!(step >= 1 && u64::from(step) <= numbers, "{step} over {numbers}");
        }
        let distinct: HashMap<(Origin, u64), u64> =
            sent.iter().map(|(out, it)| ((it.0, it.1), *out)).collect();
        prop_assert_eq!(distinct.len(), sent.len(), "nothing is sent twice");
    }
}
