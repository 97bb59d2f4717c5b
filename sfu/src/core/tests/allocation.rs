//! The packet path allocates nothing once its buffers have grown: counted, not believed.
#![expect(unsafe_code, reason = "an allocator is an unsafe trait; this one counts and passes on")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use protocol::tap::TapKind;

use super::*;
use crate::bandwidth::feedback::Feedback;
use crate::outbox::Outbox;
use crate::rtcp;
use crate::tap::TapBatch;

const RECEIVERS: usize = 20;
const FRAMES: u64 = 400;
const WARM_UP: u64 = 200;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    // A thread that is ending has no counter any more, and no packet path either.
    let _ = ALLOCATIONS.try_with(|it| it.set(it.get() + 1));
}

// SAFETY: every call is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// One frame of four packets and one packet of sound, sealed.
fn burst(world: &mut World, frame_number: u64, seq: &mut u64) -> Vec<Vec<u8>> {
    let mut datagrams = Vec::new();
    for part in 0..4_u64 {
        let is_key = part == 0 && frame_number.is_multiple_of(100);
        let mut payload = frame(frame_number as u16, is_key);
        // Parts of one frame differ by a byte, as browsers cut them.
        payload.resize(1_100 + usize::from(part == 3), 9);
        *seq += 1;
        let sent = Sent {
            timestamp: (frame_number as u32).wrapping_mul(3_000),
            ..video(0, 'h', *seq, &payload)
        };
        datagrams.push(world.browsers[0].packet(1, Some('h'), sent));
    }
    let voice = Sent {
        payload_type: 111,
        ssrc: 10_000,
        seq: frame_number,
        timestamp: frame_number as u32 * 960,
        level: 30,
        is_rtx: false,
        payload: &[7; 80],
    };
    datagrams.push(world.browsers[0].packet(0, None, voice));
    datagrams
}

/// What a receiver says of a frame: all six numbers from `base` on came, a millisecond apart, and of one packet too little.
fn report(ssrc: u32, base: u16, n: u8) -> Vec<u8> {
    let mut report = vec![0x80, 201, 0, 1, 0, 0, 0, 1, 0x8f, 205, 0, 6, 0, 0, 0, 1];
    report.extend_from_slice(&ssrc.to_be_bytes());
    report.extend_from_slice(&base.to_be_bytes());
    // Six in one run of small distances, from 64 ms on.
    report.extend_from_slice(&[0, 6, 0, 0, n, n, 0x20, 6, 4, 4, 4, 4, 4, 4]);
    report.extend_from_slice(&[0x81, 205, 0, 3, 0, 0, 0, 1]);
    report.extend_from_slice(&ssrc.to_be_bytes());
    report.extend_from_slice(&[0xff, 0xff, 0, 0]);
    report
}

#[test]
fn the_report_that_is_counted_with_is_one() {
    let report = report(7, 1, 2);
    let mut found = Vec::new();
    rtcp::read(&report, |it| {
        found.push(match it {
            rtcp::Report::Arrivals(body) => Feedback::parse(body).is_some(),
            it => matches!(it, rtcp::Report::Nack { ssrc: 7, lost: [0xff, 0xff, 0, 0] }),
        });
    });
    assert_eq!(found, [true, true]);
}

#[test]
fn forwarding_allocates_nothing_after_warm_up() {
    let n_tapped = forward(open_room());
    assert_eq!(n_tapped, 0);
}

#[test]
fn a_recorded_room_allocates_nothing_after_warm_up_either() {
    let tap = Some(Tap { recording: RecordingId::from_parts(1, 1) });
    let main = Some(key("a", Source::Camera));
    let n_tapped = forward(RoomMedia { tap, main, ..open_room() });
    let wanted = (FRAMES - WARM_UP) * 5;
    // What was collected when the warm-up ended comes on top.
    assert!((wanted..=wanted + 5).contains(&n_tapped), "{n_tapped}: picture and sound, all of it");
}

#[test]
fn messages_to_the_recorder_are_made_of_the_memory_of_former_ones() {
    let mut batch = TapBatch::default();
    batch.set_recording(Some(RecordingId::from_parts(1, 1)));
    let mut allocations = 0;
    // The recorder holds each message until two more have come.
    let mut held = std::collections::VecDeque::with_capacity(4);
    for turn in 0..100 {
        let before = ALLOCATIONS.get();
        for n in 0..50 {
            assert!(batch.push(1, n, TapKind::Rtp, &[7; 1_100]).is_none());
        }
        held.push_back(batch.flush().unwrap());
        if held.len() > 2 {
            drop(held.pop_front());
        }
        allocations += if turn >= 10 { ALLOCATIONS.get() - before } else { 0 };
    }
    assert_eq!(allocations, 0);
}

/// Forwards for a while and counts. Returns how many packets the recorder got after the warm-up.
fn forward(room: RoomMedia) -> u64 {
    let (mut world, mut n_tapped) = (World::new(room), 0);
    world.join("a", in_room(), &SITE);
    for receiver in 0..RECEIVERS {
        world.join(&format!("r{receiver}"), in_room(), &SITE);
        world.want(receiver + 1, &[("a", Layer::High)]);
    }
    let from = world.browsers[0].address;
    let (mut seq, mut allocations, mut n_datagrams, mut n_runs) = (0, 0, 0_u64, 0_u64);
    for frame_number in 0..FRAMES {
        let mut datagrams = burst(&mut world, frame_number, &mut seq);
        world.ms += 20;
        let now = world.now();
        let forwarded = world.core.counters.forwarded_packets;
        let mut reports: Vec<_> = (1..=RECEIVERS)
            .map(|it| {
                let browser = &mut world.browsers[it];
                let report = report(1, (6 * frame_number) as u16, frame_number as u8);
                (browser.address, browser.report(&report))
            })
            .collect();
        let n_refused = world.core.counters.dropped_authentication;
        let before = ALLOCATIONS.get();
        for (from, report) in &mut reports {
            world.core.handle_datagram(*from, report, now);
        }
        for datagram in &mut datagrams {
            world.core.handle_datagram(from, datagram, now);
        }
        world.core.settle(now, &mut |out| {
            n_runs += out.runs.len() as u64;
            out.clear();
        });
        assert_eq!(world.core.counters.dropped_authentication, n_refused);
        if frame_number >= WARM_UP {
            allocations += ALLOCATIONS.get() - before;
            n_datagrams += world.core.counters.forwarded_packets - forwarded;
        } else {
            n_runs = 0;
        }
        world.core.events.clear();
        // The clock's work is not the packets' work, but for what it gives to the recorder.
        world.core.handle_timeout(now);
        world.core.settle(now, &mut Outbox::clear);
        for message in world.core.tap.drain(..) {
            let TapMessage::Packets { packets, .. } = message else { continue };
            n_tapped += if frame_number >= WARM_UP { packets.len() as u64 } else { 0 };
            let before = ALLOCATIONS.get();
            drop(packets);
            allocations += if frame_number >= WARM_UP { ALLOCATIONS.get() - before } else { 0 };
        }
    }
    assert_eq!(n_datagrams, (FRAMES - WARM_UP) * RECEIVERS as u64 * 5, "all of it was forwarded");
    assert_eq!(allocations, 0);
    assert_eq!(
        n_runs,
        (FRAMES - WARM_UP) * RECEIVERS as u64,
        "a frame and the sound leave as one run"
    );
    n_tapped
}
