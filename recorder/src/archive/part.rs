//! One part of one recording while it is written: its open logs and its journal.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use protocol::error::ErrorCode;
use protocol::id::RecordingId;
use protocol::tap::{TapPacket, TapTrack, TapTrackInfo};
use protocol::time::Timestamp;

use super::disk::{Disk, DiskFile};
use super::journal::{self, Event, Line};
use super::rtplog::{BlockBuilder, EntryKind};
use super::writer::Report;
use super::{JOURNAL, track_path};

/// Most logs open at once in one part; a track beyond is not written, and that is said.
pub(super) const TRACKS_MAX: usize = 4_096;
/// Most journal bytes waiting for a full disk; notes beyond are lost, and that is said.
const JOURNAL_WAITING_MAX: usize = 4 * 1024 * 1024;

/// See the file.
pub(super) struct Part {
    recording: RecordingId,
    dir: PathBuf,
    number: u32,
    logs: HashMap<TapTrack, Log>,
    journal: Journal,
    /// What is missing since the disk began to refuse.
    gap: Option<Gap>,
    bytes: u64,
    last_us: i64,
    is_reported: bool,
    block: Vec<u8>,
    /// Logs that ended, and the folder of new ones, until they are synced.
    unsynced: Vec<Arc<dyn DiskFile>>,
}

struct Log {
    builder: BlockBuilder,
    path: PathBuf,
    file: Option<Arc<dyn DiskFile>>,
    offset: u64,
    is_unsynced: bool,
}

struct Gap {
    from_us: i64,
    packets: u64,
}

impl Part {
    /// Opens the journal of a recording's folder.
    pub(super) fn open(recording: RecordingId, dir: PathBuf, number: u32) -> Self {
        let journal = Journal::open(dir.join(JOURNAL));
        Self {
            recording,
            dir,
            number,
            logs: HashMap::new(),
            journal,
            gap: None,
            bytes: 0,
            last_us: 0,
            is_reported: false,
            block: Vec::new(),
            unsynced: Vec::new(),
        }
    }

    /// Begins a log.
    pub(super) fn start_track(&mut self, info: TapTrackInfo, reports: &mut VecDeque<Report>) {
        if self.logs.contains_key(&info.track) {
            return;
        }
        if self.logs.len() >= TRACKS_MAX {
            tracing::error!(recording = %self.recording, TRACKS_MAX, "too many tracks: one is not recorded");
            return;
        }
        let path = track_path(self.number, info.track);
        let log = Log {
            builder: BlockBuilder::begin(&info, 0),
            path: self.dir.join(&path),
            file: None,
            offset: 0,
            is_unsynced: false,
        };
        self.logs.insert(info.track, log);
        reports.push_back(Report::TrackOpened { recording: self.recording, path, info });
    }

    /// Ends a log in order.
    pub(super) fn end_track(
        &mut self,
        track: TapTrack,
        disk: &dyn Disk,
        reports: &mut VecDeque<Report>,
    ) {
        if let Some(log) = self.logs.get_mut(&track) {
            log.builder.push(EntryKind::End, self.last_us, &[]);
        }
        self.write_block(track, disk, reports);
        let file = self.logs.remove(&track).and_then(|log| log.file);
        self.unsynced.extend(file);
    }

    /// Adds a packet to its log.
    pub(super) fn write(
        &mut self,
        packet: &TapPacket,
        disk: &dyn Disk,
        reports: &mut VecDeque<Report>,
    ) {
        let Some(log) = self.logs.get_mut(&packet.track) else {
            return self.lost(1);
        };
        if !log.builder.push(packet.kind.into(), packet.arrival_us, &packet.bytes) {
            return self.lost(1);
        }
        let is_full = log.builder.is_full();
        self.last_us = self.last_us.max(packet.arrival_us);
        if is_full {
            self.write_block(packet.track, disk, reports);
        }
    }

    /// Notes in the journal that packets are missing.
    pub(super) fn lost(&mut self, packets: u64) {
        let line = Line { at: self.now(), event: Event::Lost { packets } };
        self.journal.append(&line);
    }

    /// Appends to the journal.
    pub(super) fn note(&mut self, line: &Line) {
        self.journal.append(line);
    }

    /// Gives what waits to the operating system.
    pub(super) fn flush(&mut self, disk: &dyn Disk, reports: &mut VecDeque<Report>) {
        let waiting: Vec<TapTrack> = self
            .logs
            .iter()
            .filter(|(_, log)| !log.builder.is_empty())
            .map(|(track, _)| *track)
            .collect();
        let mut all_written = true;
        for track in waiting {
            all_written &= self.write_block(track, disk, reports);
        }
        if let Err(error) = self.journal.flush() {
            all_written = false;
            self.refuse(&error, 0, self.last_us, reports);
        }
        if all_written {
            self.recover(reports);
        }
        if !self.is_reported && self.bytes > 0 {
            self.report(reports);
        }
    }

    /// Writes a log's block; on failure its packets are gone and counted.
    fn write_block(
        &mut self,
        track: TapTrack,
        disk: &dyn Disk,
        reports: &mut VecDeque<Report>,
    ) -> bool {
        let Some(log) = self.logs.get_mut(&track) else { return true };
        if log.builder.is_empty() {
            return true;
        }
        let chain = log.builder.block(&mut self.block);
        let is_new = log.file.is_none();
        match log.write(&self.block, disk) {
            Ok(()) => {
                if is_new && let Ok(folder) = disk.folder(&log.path) {
                    self.unsynced.push(folder);
                }
                log.builder.written(chain);
                self.bytes += self.block.len() as u64;
                true
            }
            Err(error) => {
                let lost = log.builder.discard();
                self.refuse(&error, lost, self.last_us, reports);
                false
            }
        }
    }

    fn refuse(
        &mut self,
        error: &io::Error,
        packets: u64,
        at_us: i64,
        reports: &mut VecDeque<Report>,
    ) {
        if let Some(gap) = &mut self.gap {
            gap.packets += packets;
            return;
        }
        tracing::error!(recording = %self.recording, %error, "the archive cannot be written; trying on");
        self.gap = Some(Gap { from_us: at_us, packets });
        reports.push_back(Report::Failed { recording: self.recording, code: code_of(error) });
    }

    fn recover(&mut self, reports: &mut VecDeque<Report>) {
        let Some(gap) = self.gap.take() else { return };
        let from = Timestamp(gap.from_us / 1_000);
        let event = Event::Gap { from, packets: gap.packets };
        self.journal.append(&Line { at: self.now(), event });
        tracing::warn!(recording = %self.recording, packets = gap.packets, "the archive is written again");
        reports.push_back(Report::Recovered { recording: self.recording });
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.last_us / 1_000)
    }

    /// Files that changed since they were last synced.
    pub(super) fn take_unsynced(&mut self) -> Vec<Arc<dyn DiskFile>> {
        let mut files = std::mem::take(&mut self.unsynced);
        for log in self.logs.values_mut().filter(|log| log.is_unsynced) {
            log.is_unsynced = false;
            files.extend(log.file.clone());
        }
        if let Some(file) = self.journal.take_unsynced() {
            files.push(file);
        }
        files
    }

    /// Says how much is written.
    pub(super) fn report(&mut self, reports: &mut VecDeque<Report>) {
        if self.gap.is_some() || self.bytes == 0 {
            return;
        }
        self.is_reported = true;
        let (recording, bytes, last_us) = (self.recording, self.bytes, self.last_us);
        reports.push_back(Report::Written { recording, bytes, last_us });
    }

    /// Writes and syncs everything; returns the arrival of the latest packet, µs.
    pub(super) fn close(
        &mut self,
        line: &Line,
        disk: &dyn Disk,
        reports: &mut VecDeque<Report>,
    ) -> i64 {
        self.flush(disk, reports);
        self.journal.append(line);
        if let Err(error) = self.journal.flush() {
            self.refuse(&error, 0, self.last_us, reports);
        }
        for file in self.take_unsynced() {
            if let Err(error) = file.sync() {
                tracing::error!(%error, "the archive cannot be synced");
            }
        }
        self.last_us
    }
}

impl Log {
    fn write(&mut self, block: &[u8], disk: &dyn Disk) -> io::Result<()> {
        let file = match &self.file {
            Some(file) => file,
            None => self.file.insert(disk.create(&self.path)?),
        };
        // At its place rather than at the end: what a full disk left of the former block is overwritten.
        file.write_at(block, self.offset)?;
        self.offset += block.len() as u64;
        self.is_unsynced = true;
        Ok(())
    }
}

/// The journal of a part. Lines wait here while the disk is full.
struct Journal {
    path: PathBuf,
    file: Option<Arc<std::fs::File>>,
    offset: u64,
    waiting: Vec<u8>,
    is_unsynced: bool,
}

impl Journal {
    fn open(path: PathBuf) -> Self {
        Self { path, file: None, offset: 0, waiting: Vec::new(), is_unsynced: false }
    }

    fn append(&mut self, line: &Line) {
        if self.waiting.len() >= JOURNAL_WAITING_MAX {
            tracing::error!(path = %self.path.display(), "the journal cannot be written: a note is lost");
            return;
        }
        self.waiting.extend_from_slice(&journal::encode(line));
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let file = match &self.file {
            Some(file) => file,
            None => {
                let file = open_journal(&self.path)?;
                self.offset = file.metadata()?.len();
                self.file.insert(Arc::new(file))
            }
        };
        file.write_all_at(&self.waiting, self.offset)?;
        self.offset += self.waiting.len() as u64;
        self.waiting.clear();
        self.is_unsynced = true;
        Ok(())
    }

    fn take_unsynced(&mut self) -> Option<Arc<dyn DiskFile>> {
        if !std::mem::take(&mut self.is_unsynced) {
            return None;
        }
        self.file.clone().map(|file| file as Arc<dyn DiskFile>)
    }
}

fn open_journal(path: &Path) -> io::Result<std::fs::File> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    journal::open(path).map_err(|error| match error {
        crate::error::Error::Archive { source, .. } => source,
        other => io::Error::other(other),
    })
}

fn code_of(error: &io::Error) -> ErrorCode {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            ErrorCode::DiskFull
        }
        _ => ErrorCode::Internal,
    }
}
