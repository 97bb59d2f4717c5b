//! The writer against a disk that can be full.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use protocol::control::JournalNote;
use protocol::media::{Layer, Source, TrackKey};
use protocol::tap::{Codec, TapKind, TapPacket};
use protocol::time::Timestamp;

use super::super::disk::LocalDisk;
use super::super::journal::{self, Event};
use super::super::rtplog::{EntryKind, LogReader};
use super::*;

struct FullDisk(Arc<AtomicBool>);
struct FullFile(Arc<AtomicBool>, Arc<dyn DiskFile>);

impl Disk for FullDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(FullFile(self.0.clone(), LocalDisk.create(path)?)))
    }

    fn folder(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        LocalDisk.folder(path)
    }
}

impl DiskFile for FullFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.0.load(Ordering::Relaxed) {
            self.1.write_at(&bytes[..bytes.len() / 2], offset)?;
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.1.write_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.1.sync()
    }
}

fn recording() -> RecordingId {
    RecordingId::from_parts(1, 1)
}

fn track(track: u32) -> TapMessage {
    TapMessage::TrackStarted(TapTrackInfo {
        recording: recording(),
        track,
        key: TrackKey { publisher: "le-thuy".into(), source: Source::Microphone },
        layer: Layer::High,
        codec: Codec::Opus,
        payload_type: 111,
        ssrc: 7,
        clock_rate: 48_000,
    })
}

fn packet(track: u32, ms: i64, dropped: u64) -> TapMessage {
    let bytes = vec![u8::try_from(ms % 256).expect("a byte"); 50];
    let packet = TapPacket { track, arrival_us: ms * 1_000, kind: TapKind::Rtp, bytes };
    TapMessage::Packets { recording: recording(), packets: vec![packet].into(), dropped }
}

fn packets_of(path: &Path) -> Vec<i64> {
    let mut reader = LogReader::new(std::fs::File::open(path).expect("a log"));
    let mut found = Vec::new();
    while let Some(entry) = reader.next_entry().expect("readable") {
        if entry.kind == EntryKind::Rtp {
            found.push(entry.arrival_us / 1_000);
        }
    }
    found
}

fn reports(writer: &mut Writer) -> Vec<Report> {
    std::iter::from_fn(|| writer.poll_report()).collect()
}

#[test]
fn what_the_tap_said_before_the_order_to_record_is_written_too() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut writer = Writer::new(Box::new(LocalDisk)).expect("a thread");
    writer.handle(Command::Tap(track(5)));
    writer.handle(Command::Tap(packet(5, 10, 0)));
    let open = Command::Open { recording: recording(), dir: dir.path().into(), part: 1 };
    writer.handle(open);
    writer.handle(Command::Tap(packet(5, 30, 0)));
    writer.flush();
    assert_eq!(packets_of(&dir.path().join("tracks/p1-t5.rtplog")), vec![10, 30]);
    let line = Line { at: Timestamp(40), event: Event::PartEnded { part: 1 } };
    writer.handle(Command::Close { recording: recording(), line });
    writer.handle(Command::Tap(packet(5, 50, 0)));
    assert_eq!(packets_of(&dir.path().join("tracks/p1-t5.rtplog")), vec![10, 30]);
    let closed = Report::Closed { recording: recording(), last_us: 30_000 };
    assert_eq!(reports(&mut writer).last(), Some(&closed));
}

#[test]
fn a_full_disk_is_told_once_and_the_gap_is_marked_when_it_has_room_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let full = Arc::new(AtomicBool::new(false));
    let mut writer = Writer::new(Box::new(FullDisk(full.clone()))).expect("a thread");
    writer.handle(Command::Open { recording: recording(), dir: dir.path().into(), part: 1 });
    writer.handle(Command::Tap(track(5)));
    writer.handle(Command::Tap(packet(5, 1_000, 0)));
    writer.flush();
    full.store(true, Ordering::Relaxed);
    for ms in [2_000, 3_000, 4_000] {
        writer.handle(Command::Tap(packet(5, ms, 0)));
        writer.flush();
        writer.sync();
    }
    full.store(false, Ordering::Relaxed);
    writer.handle(Command::Tap(packet(5, 5_000, 0)));
    writer.flush();
    writer.flush();

    assert_eq!(packets_of(&dir.path().join("tracks/p1-t5.rtplog")), vec![1_000, 5_000]);
    let told = reports(&mut writer);
    let failed = Report::Failed { recording: recording(), code: ErrorCode::DiskFull };
    assert_eq!(told.iter().filter(|report| **report == failed).count(), 1);
    assert!(told.contains(&Report::Recovered { recording: recording() }));
    let (lines, _) = journal::read(&dir.path().join("journal.jsonl")).expect("a journal");
    let gap = Event::Gap { from: Timestamp(2_000), packets: 3 };
    assert_eq!(lines, vec![Line { at: Timestamp(5_000), event: gap }]);
}

#[test]
fn packets_that_the_tap_lost_are_noted_in_the_journal() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut writer = Writer::new(Box::new(LocalDisk)).expect("a thread");
    writer.handle(Command::Open { recording: recording(), dir: dir.path().into(), part: 1 });
    writer.handle(Command::Tap(track(5)));
    writer.handle(Command::Tap(packet(5, 1_000, 17)));
    let note = JournalNote::Floor { publisher: None };
    let line = Line { at: Timestamp(1_200), event: Event::Note { note } };
    writer.handle(Command::Journal { recording: recording(), line: line.clone() });
    writer.flush();
    let (lines, _) = journal::read(&dir.path().join("journal.jsonl")).expect("a journal");
    assert_eq!(lines[0].event, Event::Lost { packets: 17 });
    assert_eq!(lines[1], line);
}
