//! A whole recording: three sites with three clocks, `kill -9` in the middle, a second part, composition
//! in a child process, and FFmpeg's own programs as judges. This program is its own child: without a test
//! harness it can be the process that is killed, and the worker.

#![allow(
    missing_docs,
    clippy::panic,
    clippy::print_stdout,
    clippy::type_complexity,
    reason = "a test program without a harness: it prints what it measured and panics when it fails"
)]

mod bench;
mod look;
mod site;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use protocol::control::{JournalNote, RecorderCommand, RecorderEvent};
use protocol::id::{MeetingId, RecordingId};
use protocol::media::{Source, TrackKey};
use protocol::tap::{TAP_BATCH_MAX, TAP_QUEUE_MAX, TapMessage};
use protocol::time::Timestamp;
use tokio::sync::mpsc;

use recorder::archive::rtplog::LogReader;
use recorder::{Config, Node};
use site::{Clip, Site};

/// Sites: publisher, name on the strip, size, tone, and clocks (off by, drift in ppm, way), µs.
const SITES: [(&str, &str, &str, u32, (i64, i64, i64)); 3] = [
    ("tinh", "Hội trường UBND tỉnh Quảng Trị", "640x360", 1_000, (3_200_000, 250, 4_000)),
    ("le-thuy", "Điểm cầu xã Lệ Thủy", "320x180", 440, (-1_700_000, -300, 25_000)),
    ("huong-hoa", "Điểm cầu xã Hướng Phùng", "320x180", 660, (86_400_000_000, 0, 9_000)),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let words: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    match words.as_slice() {
        ["worker", "compose", dir] => return recorder::worker::compose(Path::new(dir)),
        ["capture", archive, clips, seconds] => {
            capture(archive.into(), Path::new(clips), seconds.parse().expect("seconds"));
        }
        ["bench"] => bench::run(),
        words if words.contains(&"--list") => {}
        _ => {
            println!("test a_recording_survives_kill_9_and_is_composed ...");
            a_recording_survives_kill_9_and_is_composed();
            println!("test result: ok. 1 passed");
        }
    }
    ExitCode::SUCCESS
}

fn recording() -> RecordingId {
    RecordingId::from_parts(1_795_000_000_000, 1)
}

fn meeting() -> MeetingId {
    MeetingId::from_parts(1_795_000_000_000, 2)
}

#[allow(clippy::disallowed_methods, reason = "a test program is a shell")]
fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_micros()).expect("before 292,277")
}

fn now() -> Timestamp {
    Timestamp(now_us() / 1_000)
}

fn clips(dir: &Path) -> Vec<Clip> {
    SITES.iter().map(|(name, _, size, hertz, _)| Clip::make(dir, name, size, *hertz)).collect()
}

/// The child: records in real time; says `fed MICROSECONDS` after each batch. With `seconds` it stops after
/// them, waits for the composition and says `composed JSON`.
fn capture(archive: PathBuf, clip_dir: &Path, seconds: i64) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let clips = clips(clip_dir);
    runtime.block_on(async {
        let worker = std::env::current_exe().expect("this program");
        let node = Node::open(Config { archive, worker }).expect("an archive");
        let (to_node, commands) = mpsc::channel(64);
        let (events_out, mut events) = mpsc::channel(64);
        let (tap, tapped) = mpsc::channel(TAP_QUEUE_MAX);
        tokio::spawn(node.run(commands, events_out, tapped, std::future::pending()));
        let Some(RecorderEvent::Ready { unfinished }) = events.recv().await else {
            panic!("Ready comes first")
        };
        println!("ready {}", unfinished.len());

        let start_us = now_us();
        let mut sites: Vec<Site<'_>> = Vec::new();
        for (n, (publisher, _, _, _, clocks)) in SITES.iter().enumerate() {
            let number = n as u32;
            let site = Site::new(number, publisher, &clips[n], recording(), *clocks, start_us);
            // The tap may be faster than the order to record.
            for message in site.begin() {
                tap.send(message).await.expect("the node lives");
            }
            sites.push(site);
        }
        let recording = recording();
        let (title, started_at) = ("Hội nghị trực tuyến phòng, chống bão số 12".into(), now());
        let start = RecorderCommand::Start { recording, meeting: meeting(), title, started_at };
        to_node.send(start).await.expect("the node lives");
        for note in notes() {
            let note = RecorderCommand::Note { recording, at: now(), note };
            to_node.send(note).await.expect("the node lives");
        }
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                println!("event {}", serde_json::to_string(&event).expect("plain data"));
            }
        });
        let mut out = std::io::stdout();
        while seconds == 0 || now_us() < start_us + seconds * 1_000_000 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let until_us = now_us();
            for site in &mut sites {
                for packets in site.packets(until_us).chunks(TAP_BATCH_MAX) {
                    let packets = packets.to_vec().into();
                    let message = TapMessage::Packets { recording, packets, dropped: 0 };
                    tap.send(message).await.expect("the node lives");
                }
            }
            writeln!(out, "fed {until_us}").expect("the parent listens");
        }
        let stop = RecorderCommand::Stop { recording, at: now() };
        to_node.send(stop).await.expect("the node lives");
        tokio::time::sleep(Duration::from_secs(300)).await;
    });
}

fn notes() -> Vec<JournalNote> {
    let names = SITES.iter().map(|(publisher, name, ..)| JournalNote::Name {
        publisher: (*publisher).into(),
        name: (*name).into(),
    });
    let present = SITES.iter().map(|(publisher, ..)| JournalNote::Present {
        publisher: (*publisher).into(),
        present: true,
    });
    let track = TrackKey { publisher: "tinh".into(), source: Source::Camera };
    let main = JournalNote::MainPicture { track: Some(track) };
    let floor = JournalNote::Floor { publisher: Some("le-thuy".into()) };
    names.chain(present).chain([main, floor]).collect()
}

/// Runs a child until `is_enough` says so of one of its lines, then kills it with SIGKILL.
fn run_child(arguments: &[&str], mut is_enough: impl FnMut(&str) -> bool) {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    for line in stdout.lines().map_while(Result::ok) {
        if is_enough(&line) {
            break;
        }
    }
    child.kill().expect("killed");
    child.wait().expect("gone");
}

fn a_recording_survives_kill_9_and_is_composed() {
    let dir = tempfile::tempdir().expect("a folder");
    let archive = dir.path().join("archive");
    let (archive_text, clips_text) =
        (archive.to_str().expect("UTF-8"), dir.path().to_str().expect("UTF-8"));
    let (mut first_fed, mut last_fed) = (0, 0);
    run_child(&["capture", archive_text, clips_text, "0"], |line| {
        if let Some(us) = line.strip_prefix("fed ") {
            last_fed = us.parse().expect("a time");
            first_fed = if first_fed == 0 { last_fed } else { first_fed };
        }
        first_fed > 0 && last_fed - first_fed > 6_000_000
    });
    let folder = archive.join(meeting().to_string()).join(recording().to_string());
    let lost_ms = (last_fed - last_arrival(&folder)) / 1_000;
    println!("kill -9 after {} ms cost {lost_ms} ms", (last_fed - first_fed) / 1_000);
    assert!(lost_ms <= 1_000, "at most one second is lost");

    std::thread::sleep(Duration::from_secs(2));
    let (mut composed, mut n_unfinished, mut n_progress) = (None, 0, 0);
    run_child(&["capture", archive_text, clips_text, "5"], |line| {
        if let Some(n) = line.strip_prefix("ready ") {
            n_unfinished = n.parse().expect("a number");
        }
        let Some(event) = line.strip_prefix("event ") else { return false };
        match serde_json::from_str(event).expect("an event") {
            RecorderEvent::Composed { ms, files, .. } => composed = Some((ms, files)),
            RecorderEvent::Composing { .. } => n_progress += 1,
            RecorderEvent::Failed { code, .. } => panic!("failed: {code:?}"),
            _ => {}
        }
        composed.is_some()
    });
    assert_eq!(n_unfinished, 1, "the interrupted recording is found");
    assert!(n_progress >= 2, "progress is told");
    let (ms, files) = composed.expect("composed");
    if let Some(keep) = std::env::var_os("DIEMCAU_TEST_KEEP") {
        std::fs::copy(folder.join("composed.mp4"), keep).expect("kept");
    }
    check_video(&folder.join("composed.mp4"), ms);
    let names: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(files.len(), 9, "one video with its review, and two files per site: {names:?}");
    check_review(&folder, ms);
    assert!(names.contains(&"tracks/diem-cau-xa-le-thuy-camera.webm"), "{names:?}");
    for file in
        files.iter().filter(|file| !file.path.ends_with(".json") && !file.path.ends_with(".jpg"))
    {
        look::decodes(&folder.join(&file.path));
        let (streams, seconds) = look::probe(&folder.join(&file.path));
        println!("{} {} bytes {seconds:.2} s {streams:?}", file.path, file.bytes);
        assert!(seconds > 10.0, "both parts are in {}", file.path);
    }
    let mut sums = Command::new("sha256sum");
    sums.args(["--check", "--quiet", "tracks/SHA256SUMS"]).current_dir(&folder);
    assert!(sums.status().expect("sha256sum").success(), "the sums fit");
}

/// Small pictures, and a waveform with a gap where nothing was recorded.
fn check_review(folder: &Path, ms: u64) {
    let text = std::fs::read(folder.join("review.json")).expect("a review");
    let review: protocol::review::Review = serde_json::from_slice(&text).expect("a review");
    let covered = review.waveform.len() as u64 * u64::from(review.step_ms);
    assert!(covered.abs_diff(ms) <= 200, "{covered} ms of {ms}");
    let loud = review.waveform.iter().filter(|value| **value > 25).count();
    let silent = review.waveform.iter().filter(|value| **value < 3).count();
    println!("waveform: {loud} loud and {silent} silent of {}", review.waveform.len());
    assert!(loud >= 8 && silent >= 19, "tones are seen, and so is the gap of two seconds");
    let thumbs = review.thumbs.expect("small pictures");
    assert_eq!(u64::from(thumbs.count), ms.div_ceil(thumbs.every_ms));
    let (streams, _) = look::probe(&folder.join("review.jpg"));
    let size =
        (thumbs.width * thumbs.columns, thumbs.height * thumbs.count.div_ceil(thumbs.columns));
    assert_eq!(streams, [format!("mjpeg,{},{},25/1", size.0, size.1)]);
    // Where nothing was recorded nobody spoke, whatever the detector makes of our tones.
    let loud = (0..review.waveform.len()).filter(|n| review.waveform[*n] >= 3).collect::<Vec<_>>();
    let gap = loud.windows(2).max_by_key(|pair| pair[1] - pair[0]).expect("a gap");
    let middle = (gap[0] + gap[1]) as u64 / 2 * u64::from(review.step_ms);
    let mut spans = review.lanes.iter().flat_map(|lane| &lane.spans);
    assert!(
        spans.all(|(from, to)| !(*from..*to).contains(&middle)),
        "{middle}: {:?}",
        review.lanes
    );
}

/// Length, streams, both parts with a gap between, names, pictures and sound together.
fn check_video(path: &Path, ms: u64) {
    let (streams, seconds) = look::probe(path);
    assert_eq!(streams, ["h264,1280,720,25/1", "aac,48000,0/0"]);
    assert!((seconds - ms as f64 / 1_000.0).abs() < 0.1, "{seconds} s, told {ms} ms");
    assert!((12.0..25.0).contains(&seconds), "{seconds} s");

    let main = look::brightness(path, "600:300:200:150");
    let side = look::brightness(path, "180:60:1070:65");
    let flashes = look::rises(main.iter().map(|value| f32::from(*value)), 25.0, 200.0);
    let side_flashes = look::rises(side.iter().map(|value| f32::from(*value)), 25.0, 200.0);
    let sound = look::samples(path);
    let tones = look::rises(sound.iter().map(|sample| sample.abs()), 48_000.0, 0.1);
    println!("flashes {flashes:?}\nbeside  {side_flashes:?}\ntones   {tones:?}");
    assert!(flashes.len() >= 8, "both parts have pictures");
    let offset = offsets(&flashes, &tones);
    let mean = offset.iter().sum::<f64>() / offset.len() as f64;
    let spread = offset.iter().map(|value| (value - mean).abs()).fold(0.0, f64::max);
    println!("sound after picture: mean {:.1} ms, spread {:.1} ms", mean * 1e3, spread * 1e3);
    // A picture is up to 20 ms off its place among 25 a second.
    assert!((-0.030..=0.030).contains(&mean) && spread < 0.045, "sound and picture are together");
    let apart = offsets(&flashes, &side_flashes);
    let apart = apart.iter().sum::<f64>() / apart.len() as f64;
    println!("sites apart: {:.1} ms", apart * 1e3);
    assert!(apart.abs() <= 0.085, "sites are within 50 ms, at 40 ms a picture");

    let gap = flashes.windows(2).find(|pair| pair[1] - pair[0] > 1.9).expect("a gap is shown");
    let middle = (gap[0] + gap[1]) / 2.0;
    assert!(look::peak(path, "600:70:340:270", middle) > 200, "the gap says what it is");
    assert!(look::peak(path, "600:40:20:586", gap[0] - 0.5) > 200, "the main picture has a name");
    assert!(look::peak(path, "1200:30:20:686", gap[0] - 0.5) > 200, "title and time");
    let from = (middle * 48_000.0) as usize;
    let loudest = sound[from..from + 4_800].iter().fold(0.0_f32, |most, it| most.max(it.abs()));
    assert!(loudest < 0.01, "a gap is silent");
}

/// For each of `these`, the nearest of `those`, if it is near at all: those − these.
fn offsets(these: &[f64], those: &[f64]) -> Vec<f64> {
    let nearest = |time: &f64| {
        let offsets = those.iter().map(|other| other - time);
        offsets.min_by(|a, b| a.abs().total_cmp(&b.abs()))
    };
    let found: Vec<f64> = these.iter().filter_map(nearest).filter(|off| off.abs() < 0.3).collect();
    assert!(found.len() + 2 >= these.len(), "{these:?} against {those:?}");
    found
}

/// Arrival of the latest packet that can be read, µs.
fn last_arrival(folder: &Path) -> i64 {
    let logs = std::fs::read_dir(folder.join("tracks")).expect("tracks");
    let mut last = 0;
    for log in logs {
        let path = log.expect("an entry").path();
        let mut reader = LogReader::new(std::fs::File::open(path).expect("a log"));
        while let Some(entry) = reader.next_entry().expect("readable") {
            last = last.max(entry.arrival_us);
        }
    }
    last
}
