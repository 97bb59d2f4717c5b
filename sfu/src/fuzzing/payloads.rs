//! The parsers behind the decryption: payloads of every codec, redundant sound, dependency descriptors,
//! transport-wide feedback; the cutting of a TCP stream, which comes before all else; and what other
//! nodes say on trunks.

use crate::bandwidth::feedback::Feedback;
use crate::codec::dependency::{self, BYTES_MAX};
use crate::codec::{self, Codec, Info, Moves};
use crate::tcp;
use crate::trunk::frame::{Frame, Reader, read_flow, write_flow};
use crate::trunk::link::{Heard, Link};
use crate::trunk::relay::Relay;

/// Every codec's payload: whatever is read, moving its counters changes nothing else.
pub fn codecs(data: &[u8]) {
    let Some((moved, payload)) = data.split_first() else { return };
    let moves =
        Moves { picture_id: u16::from(*moved) << 7 | 1, tl0: *moved, key_index: moved >> 3 };
    for codec in [Codec::Opus, Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1] {
        let before = codec::read(codec, payload);
        let mut copy = payload.to_vec();
        codec::rewrite(&mut copy, &before, moves);
        let after = codec::read(codec, &copy);
        assert_eq!(copy.len(), payload.len());
        let (picture_id, tl0, key_index) = (before.picture_id, before.tl0, before.key_index);
        assert_eq!(Info { picture_id, tl0, key_index, ..after }, before, "{codec:?}");
    }
}

/// Redundant sound: another payload type changes no sound.
pub fn red(data: &[u8]) {
    let before = codec::red::newest(data);
    assert!(before.is_none_or(|it| it.len() < data.len()));
    let mut retyped = data.to_vec();
    codec::red::retype(&mut retyped, 111);
    assert_eq!(codec::red::newest(&retyped), before);
}

/// Descriptors of one stream, each behind its length: what is written again says the same.
pub fn dependency(data: &[u8]) {
    let mut kept = None;
    let mut rest = data;
    while let Some((&len, after)) = rest.split_first() {
        let (value, tail) = after.split_at(usize::from(len).min(after.len()));
        rest = tail;
        let Some(found) = dependency::parse(value, &mut kept) else { continue };
        let Some(structure) = kept.as_deref() else { continue };
        let target = structure.target(value.len() as u8 % 4, value.len() as u8 % 8);
        assert!(structure.is_within(target, target), "a target is not within itself");
        for within in [None, Some(structure.within(target))] {
            let mut out = [0; BYTES_MAX];
            let Some(len) = dependency::rewrite(value, &found, 9, within, &mut out) else {
                continue;
            };
            let again = dependency::parse(&out[..len], &mut kept.clone());
            let is_same = again.is_some_and(|it| {
                it.frame == found.frame.wrapping_add(9)
                    && (it.spatial, it.temporal) == (found.spatial, found.temporal)
                    && it.references == found.references
            });
            assert!(is_same, "it says something else");
        }
    }
}

/// A receiver's transport-wide feedback, as what follows the SSRCs.
pub fn feedback(data: &[u8]) {
    let Some(report) = Feedback::parse(data) else { return };
    let mut n = 0_usize;
    let reference = report.read(None, |_, _| n += 1);
    assert!(n <= usize::from(u16::MAX));
    report.read(Some(reference), |_, _| n += 1);
    report.read(Some(i64::MAX / 2), |_, _| n += 1);
    report.read(Some(i64::MIN / 2), |_, _| n += 1);
}

/// A TCP stream, cut at once and in two parts: the same datagrams come out.
pub fn framing(data: &[u8]) {
    let Some((&split, stream)) = data.split_first() else { return };
    let whole = tcp::datagrams(stream);
    let (first, _) = stream.split_at(usize::from(split).min(stream.len()));
    match (whole, tcp::datagrams(first)) {
        (Some((all, used)), Some((some, used_first))) => {
            assert!(used <= stream.len() && used_first <= used);
            assert_eq!(some[..], all[..some.len()]);
            let then = tcp::datagrams(&stream[used_first..]);
            assert_eq!(then.map(|it| it.0), Some(all[some.len()..].to_vec()));
        }
        (Some(_), None) => panic_on("a part is refused of which the whole is taken"),
        (None, _) => {}
    }
}

#[expect(clippy::panic, reason = "a fuzz target finds panics")]
fn panic_on(what: &str) {
    panic!("{what}");
}

/// What a node says on a trunk: a stream of frames, first read, then, after a hello, handled by a parent and by a child;
/// and the same bytes as a datagram. What was read is written as it was read.
pub fn trunk(data: &[u8]) {
    let now = super::start();
    if let Ok((track, layer, rtp)) = read_flow(data) {
        let mut out = Vec::new();
        write_flow(&mut out, track, layer);
        out.extend_from_slice(rtp);
        assert_eq!(read_flow(&out), Ok((track, layer, rtp)));
    }
    let (mut reader, mut link) = (Reader::default(), Link::new("n", now));
    link.handle(Link::hello("n"), now);
    let mut relay = Relay::default();
    let ends = [relay.attach(true), relay.attach(false)].map(Option::unwrap_or_default);
    relay.set_here("r", true, now);
    reader.push(data);
    while let Ok(Some(frame)) = reader.poll() {
        let mut out = Vec::new();
        frame.write(&mut out);
        assert_eq!(Frame::read(&out[2..]).as_ref(), Ok(&frame));
        for end in ends {
            if let Heard::Pass(frame) = link.handle(frame.clone(), now) {
                let _ = relay.handle(end, frame, now);
            }
        }
        while relay.poll().is_some() {}
    }
}
