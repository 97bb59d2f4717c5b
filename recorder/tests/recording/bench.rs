//! `cargo test --release -p recorder --test recording -- bench`: what writing and composing cost.

use std::path::Path;
use std::time::Instant;

use protocol::tap::{TAP_BATCH_MAX, TapKind, TapMessage, TapPacket};
use recorder::archive::disk::LocalDisk;
use recorder::archive::manifest::{Manifest, Part, State};
use recorder::archive::recording_dir;
use recorder::archive::writer::{Command, Writer};

use super::*;

/// Prints both figures.
pub(crate) fn run() {
    let dir = tempfile::tempdir().expect("a folder");
    write_100_tracks(dir.path());
    compose_five_sites(dir.path());
}

/// Processor time of this process so far, seconds.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
    let ticks: f64 = fields[11..15].iter().map(|field| field.parse::<f64>().expect("ticks")).sum();
    ticks / 100.0
}

/// 100 tracks (50 of 400 kbit/s, 50 of 32 kbit/s) for 60 s of meeting, a flush every 200 ms, a sync every
/// second, as fast as it goes.
fn write_100_tracks(dir: &Path) {
    let folder = recording_dir(dir, meeting(), recording());
    let mut writer = Writer::new(Box::new(LocalDisk)).expect("a thread");
    writer.handle(Command::Open { recording: recording(), dir: folder, part: 1 });
    for n in 0..50 {
        let clip = Clip::empty();
        let site = Site::new(n, &format!("s{n}"), &clip, recording(), (0, 0, 0), 0);
        site.begin().into_iter().for_each(|message| writer.handle(Command::Tap(message)));
    }
    let (before, began, mut bytes) = (cpu_seconds(), now_instant(), 0_usize);
    for step in 0..6_000_i64 {
        let mut packets = Vec::new();
        for n in 0..50_u32 {
            let packet = |track: u32, size: usize| TapPacket {
                track,
                arrival_us: step * 10_000,
                kind: TapKind::Rtp,
                bytes: vec![0x80; size],
            };
            // Ten milliseconds: half a packet of sound, half a packet of picture of 1,000 bytes.
            if step % 2 == 0 {
                packets.push(packet(n * 2, 1_000));
                packets.push(packet(n * 2 + 1, 80));
            }
        }
        bytes += packets.iter().map(|packet| packet.bytes.len()).sum::<usize>();
        for packets in packets.chunks(TAP_BATCH_MAX) {
            let (recording, packets) = (recording(), packets.to_vec().into());
            writer.handle(Command::Tap(TapMessage::Packets { recording, packets, dropped: 0 }));
        }
        if step % 20 == 0 {
            writer.flush();
        }
        if step % 100 == 0 {
            writer.sync();
        }
    }
    writer.flush();
    let cpu = cpu_seconds() - before;
    println!(
        "archive: 100 tracks, 60 s of meeting, {} MB: {cpu:.2} s of processor = {:.1} % of a core \
         (wall {:.1} s)",
        bytes / 1_000_000,
        cpu / 60.0 * 100.0,
        began.elapsed().as_secs_f64()
    );
}

/// Main picture of 720p and four sites of 180p, 60 s.
fn compose_five_sites(dir: &Path) {
    let seconds = 60_i64;
    let looks =
        [("a", "1280x720"), ("b", "320x180"), ("c", "320x180"), ("d", "320x180"), ("e", "320x180")];
    let clips: Vec<Clip> = looks
        .iter()
        .enumerate()
        .map(|(n, (name, size))| Clip::make(dir, name, size, 300 + 100 * n as u32))
        .collect();
    let archive = dir.join("compose");
    let folder = recording_dir(&archive, meeting(), recording());
    let start_us = now_us();
    let title = "Hội nghị trực tuyến phòng, chống bão số 12 năm 2026".into();
    let started_at = Timestamp(start_us / 1_000);
    let mut manifest = Manifest::begin(recording(), meeting(), title, started_at);
    let ended_at = Some(Timestamp(start_us / 1_000 + seconds * 1_000));
    manifest.parts.push(Part { number: 1, started_at, ended_at });
    manifest.state = State::Stopped;
    manifest.write(&folder).expect("written");

    let mut writer = Writer::new(Box::new(LocalDisk)).expect("a thread");
    writer.handle(Command::Open { recording: recording(), dir: folder.clone(), part: 1 });
    for (n, (name, _)) in looks.iter().enumerate() {
        let clocks = (1_000_000 * n as i64, 0, 5_000);
        let mut site = Site::new(n as u32, name, &clips[n], recording(), clocks, start_us);
        site.begin().into_iter().for_each(|message| writer.handle(Command::Tap(message)));
        for second in 1..=seconds {
            let (recording, dropped) = (recording(), 0);
            let packets = site.packets(start_us + second * 1_000_000).into();
            writer.handle(Command::Tap(TapMessage::Packets { recording, packets, dropped }));
            writer.flush();
        }
    }
    let (before, began) = (cpu_seconds(), now_instant());
    let made = recorder::compose::compose(&folder, &mut |_| {}).expect("composed");
    let (cpu, wall) = (cpu_seconds() - before, began.elapsed().as_secs_f64());
    println!(
        "composition: main 720p + 4 sites, {} ms: {cpu:.1} s of processor = {:.2} cores for real time; \
         wall {wall:.1} s = {:.1} x real time; {} files; peak memory {}",
        made.ms,
        cpu / seconds as f64,
        seconds as f64 / wall,
        made.files.len(),
        peak_memory()
    );
    if let Some(keep) = std::env::var_os("DIEMCAU_TEST_KEEP") {
        std::fs::copy(folder.join("composed.mp4"), keep).expect("kept");
    }
}

fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(String::new, |line| line.trim().to_owned())
}

#[allow(clippy::disallowed_methods, reason = "a test program is a shell")]
fn now_instant() -> Instant {
    Instant::now()
}
