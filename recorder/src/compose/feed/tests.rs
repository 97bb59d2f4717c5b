//! Layers, parts and losses of one camera, told as lists of frames.

use std::path::Path;

use protocol::id::RecordingId;
use protocol::media::{Source, TrackKey};
use protocol::tap::{Codec, TapTrackInfo};

use super::super::plan::{LogPlan, TrackPlan};
use super::*;
use crate::archive::rtplog::{BlockBuilder, EntryKind};
use crate::timeline::clocks;
use crate::timeline::survey::Survey;

/// A frame every 40 ms; `key` says which are key frames, `lost` which never came.
fn log(
    dir: &Path,
    number: u32,
    layer: Layer,
    ms: std::ops::Range<i64>,
    key: &[i64],
    lost: &[i64],
) -> LogPlan {
    let info = TapTrackInfo {
        recording: RecordingId::from_parts(1, 1),
        track: number,
        key: TrackKey { publisher: "a".into(), source: Source::Camera },
        layer,
        codec: Codec::Vp8,
        payload_type: 96,
        ssrc: number,
        clock_rate: 90_000,
    };
    let mut builder = BlockBuilder::begin(&info, 0);
    let mut survey = Survey::new(number, 96, 90_000);
    for at in ms.clone().step_by(40).filter(|at| !lost.contains(at)) {
        let mut bytes = vec![0x80, 0x80 | 96];
        bytes.extend_from_slice(&((at / 40) as u16).to_be_bytes());
        bytes.extend_from_slice(&((at * 90) as u32).to_be_bytes());
        bytes.extend_from_slice(&number.to_be_bytes());
        let inter = u8::from(!key.contains(&at));
        bytes.extend_from_slice(&[0x10, inter, number as u8]);
        builder.push(EntryKind::Rtp, at * 1_000, &bytes);
        let arrival_us = at * 1_000;
        let kind = EntryKind::Rtp;
        survey.push(&crate::archive::rtplog::Entry { kind, arrival_us, bytes });
    }
    let mut block = Vec::new();
    builder.block(&mut block);
    let full = dir.join(format!("{number}.rtplog"));
    std::fs::write(&full, &block).expect("written");
    LogPlan {
        path: String::new(),
        full,
        info,
        clock: clocks(&[("a", &survey)]).remove(0),
        origin_us: 0,
        first_us: ms.start * 1_000,
        whole_bytes: block.len() as u64,
    }
}

/// All frames as (ms, log), asked for in steps as rendering does, and all at once as copying does.
fn frames(logs: Vec<LogPlan>) -> Vec<(i64, u8)> {
    let key = TrackKey { publisher: "a".into(), source: Source::Camera };
    let track = TrackPlan { key, logs };
    let read = |step_us: i64, end_us: i64| {
        let (mut feed, mut frames, mut us) = (Feed::new(&track), Vec::new(), 0);
        while us <= end_us {
            while let Some(frame) = feed.next_until(us).expect("readable") {
                assert!(frame.us <= us);
                frames.push((frame.us / 1_000, frame.bytes[1]));
            }
            us = us.saturating_add(step_us);
            if us == i64::MAX {
                break;
            }
        }
        frames
    };
    let in_steps = read(40_000, 20_000_000);
    let mut feed = Feed::new(&track);
    let mut at_once = Vec::new();
    while let Some(frame) = feed.next_until(i64::MAX).expect("readable") {
        at_once.push((frame.us / 1_000, frame.bytes[1]));
    }
    assert!(feed.is_over());
    assert_eq!(in_steps, at_once);
    in_steps
}

fn every_40(ms: std::ops::Range<i64>, number: u8) -> Vec<(i64, u8)> {
    ms.step_by(40).map(|at| (at, number)).collect()
}

#[test]
// Two frames of one moment are both given: the picture of the layer that takes over is drawn last.
fn a_better_layer_takes_over_at_its_key_frame_and_gives_back_when_it_ends() {
    let dir = tempfile::tempdir().expect("a folder");
    let low = log(dir.path(), 1, Layer::Low, 0..4_000, &[0, 3_000], &[]);
    let high = log(dir.path(), 2, Layer::High, 1_000..2_000, &[1_200], &[]);
    let mut expected = every_40(0..1_201, 1);
    expected.extend(every_40(1_200..2_000, 2));
    expected.extend(every_40(3_000..4_000, 1));
    assert_eq!(frames(vec![low, high]), expected);
}

#[test]
fn after_a_lost_frame_nothing_is_shown_until_a_key_frame() {
    let dir = tempfile::tempdir().expect("a folder");
    let only = log(dir.path(), 1, Layer::High, 0..4_000, &[0, 2_000], &[1_000]);
    let mut expected = every_40(0..1_000, 1);
    expected.extend(every_40(2_000..4_000, 1));
    assert_eq!(frames(vec![only]), expected);
}

#[test]
fn a_new_connection_at_the_same_layer_takes_over_from_the_old_one() {
    let dir = tempfile::tempdir().expect("a folder");
    let old = log(dir.path(), 1, Layer::High, 0..3_000, &[0], &[]);
    let new = log(dir.path(), 2, Layer::High, 2_000..5_000, &[2_000], &[]);
    let mut expected = every_40(0..2_001, 1);
    expected.extend(every_40(2_000..5_000, 2));
    assert_eq!(frames(vec![old, new]), expected);
}

#[test]
fn parts_follow_one_another_over_a_gap() {
    let dir = tempfile::tempdir().expect("a folder");
    let first = log(dir.path(), 1, Layer::High, 0..1_000, &[0], &[]);
    let second = log(dir.path(), 2, Layer::High, 10_000..11_000, &[10_080], &[]);
    let mut expected = every_40(0..1_000, 1);
    expected.extend(every_40(10_080..11_000, 2));
    assert_eq!(frames(vec![first, second]), expected);
}
