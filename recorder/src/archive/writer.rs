//! The one writer of all logs, on a thread of its own: batches packets into blocks, gives them to the
//! operating system every [`FLUSH_EVERY`], syncs all files together every [`SYNC_EVERY`]. When the disk
//! is full it goes on trying, and writes down how much is missing as soon as it can.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use protocol::error::ErrorCode;
use protocol::id::RecordingId;
use protocol::tap::{TapMessage, TapTrackInfo};
use tokio::sync::mpsc;

use super::ASIDE;
use super::disk::{Disk, DiskFile};
use super::journal::Line;
use super::manifest::{Manifest, State};
use super::part::Part;
use super::pending::{Closed, Pending};

/// Longest time that a packet waits in memory: what `kill -9` costs. Shorter means more, smaller blocks.
pub const FLUSH_EVERY: Duration = Duration::from_millis(200);
/// Time between syncs: what a power cut costs. A sync was measured at about 4 ms, so not per block.
pub const SYNC_EVERY: Duration = Duration::from_secs(1);
/// Most commands and tap messages waiting for the writer. Full means that the sender waits, and that the
/// tap before it fills and counts what it throws away.
pub const WRITER_QUEUE_MAX: usize = 256;
/// Most reports waiting for the node; more wait in the writer.
pub const REPORT_QUEUE_MAX: usize = 256;

/// What the writer is told.
#[derive(Debug)]
pub enum Command {
    /// Begin a part of a recording.
    Open {
        /// Which.
        recording: RecordingId,
        /// Its folder; exists.
        dir: PathBuf,
        /// The part's number.
        part: u32,
    },
    /// Append to a recording's journal.
    Journal {
        /// Which.
        recording: RecordingId,
        /// What.
        line: Line,
    },
    /// Replace a manifest.
    Save {
        /// The recording's folder.
        dir: PathBuf,
        /// With what.
        manifest: Box<Manifest>,
    },
    /// Put a recording's folder aside, to be deleted: after everything that was to be written into it.
    PutAside {
        /// Which.
        recording: RecordingId,
        /// Its folder.
        dir: PathBuf,
    },
    /// What the tap says.
    Tap(TapMessage),
    /// Write and sync everything of a recording, append `line`, and forget it.
    Close {
        /// Which.
        recording: RecordingId,
        /// The journal's last line of this part.
        line: Line,
    },
}

/// What the writer tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// A log begins.
    TrackOpened {
        /// Of which recording.
        recording: RecordingId,
        /// Path below its folder.
        path: String,
        /// What it holds.
        info: TapTrackInfo,
    },
    /// So much of this part is with the operating system. Once a second, and with the first block.
    Written {
        /// Which recording.
        recording: RecordingId,
        /// Bytes of this part.
        bytes: u64,
        /// Arrival of the latest packet, µs since 1970; 0 before the first.
        last_us: i64,
    },
    /// The disk refuses. Said once until [`Report::Recovered`].
    Failed {
        /// Which recording.
        recording: RecordingId,
        /// Why.
        code: ErrorCode,
    },
    /// The disk takes everything again; the gap is in the journal.
    Recovered {
        /// Which recording.
        recording: RecordingId,
    },
    /// A manifest is on disk.
    Saved {
        /// Of which recording.
        recording: RecordingId,
        /// In which state.
        state: State,
    },
    /// A recording's folder was put aside, and nothing will be written into it.
    PutAside {
        /// Of which recording.
        recording: RecordingId,
        /// Where it is now.
        to: PathBuf,
    },
    /// A part is closed.
    Closed {
        /// Which recording.
        recording: RecordingId,
        /// Arrival of its latest packet, µs since 1970; 0 if none came.
        last_us: i64,
    },
}

/// The writer's state. Does what it is told on the calling thread; [`run`] is its loop.
pub struct Writer {
    disk: Box<dyn Disk>,
    parts: HashMap<RecordingId, Part>,
    pending: Pending,
    closed: Closed,
    outbox: VecDeque<Report>,
    /// Manifests that the disk refused.
    unsaved: HashMap<PathBuf, Box<Manifest>>,
    syncer: SyncSender<Vec<Arc<dyn DiskFile>>>,
    /// Files that wait for the syncing thread.
    unsynced: Vec<Arc<dyn DiskFile>>,
}

impl Writer {
    /// A writer on a disk. Starts the thread that syncs.
    pub fn new(disk: Box<dyn Disk>) -> std::io::Result<Self> {
        let (syncer, files) = sync_channel::<Vec<Arc<dyn DiskFile>>>(1);
        std::thread::Builder::new().name("archive-sync".into()).spawn(move || {
            while let Ok(files) = files.recv() {
                for file in files {
                    if let Err(error) = file.sync() {
                        tracing::error!(%error, "the archive cannot be synced");
                    }
                }
            }
        })?;
        Ok(Self {
            disk,
            parts: HashMap::new(),
            pending: Pending::default(),
            closed: Closed::default(),
            outbox: VecDeque::new(),
            unsaved: HashMap::new(),
            syncer,
            unsynced: Vec::new(),
        })
    }

    /// Carries out one command.
    pub fn handle(&mut self, command: Command) {
        match command {
            Command::Open { recording, dir, part } => self.open(recording, dir, part),
            Command::Journal { recording, line } => {
                if let Some(part) = self.parts.get_mut(&recording) {
                    part.note(&line);
                }
            }
            Command::Save { dir, manifest } => self.save(dir, manifest),
            Command::PutAside { recording, dir } => self.put_aside(recording, dir),
            Command::Tap(message) => self.tap(message),
            Command::Close { recording, line } => self.close(recording, &line),
        }
    }

    /// Renames a recording's folder. Deleting it here would keep other recordings from being written.
    fn put_aside(&mut self, recording: RecordingId, dir: PathBuf) {
        self.unsaved.remove(&dir);
        let to = dir.with_extension(ASIDE);
        match std::fs::rename(&dir, &to) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                tracing::error!(%recording, %error, "a recording could not be put aside");
            }
            Ok(()) | Err(_) => self.outbox.push_back(Report::PutAside { recording, to }),
        }
    }

    /// Replaces a manifest; one that the disk refuses is tried again with every sync.
    fn save(&mut self, dir: PathBuf, manifest: Box<Manifest>) {
        let recording = manifest.recording;
        match manifest.write(&dir) {
            Ok(()) => {
                if self.unsaved.remove(&dir).is_some() {
                    self.outbox.push_back(Report::Recovered { recording });
                }
                self.outbox.push_back(Report::Saved { recording, state: manifest.state });
            }
            Err(error) => {
                if self.unsaved.insert(dir, manifest).is_none() {
                    tracing::error!(%error, "a manifest cannot be written; trying on");
                    let code = ErrorCode::DiskFull;
                    self.outbox.push_back(Report::Failed { recording, code });
                }
            }
        }
    }

    fn open(&mut self, recording: RecordingId, dir: PathBuf, part: u32) {
        if self.parts.contains_key(&recording) {
            return;
        }
        self.closed.reopen(recording);
        self.parts.insert(recording, Part::open(recording, dir, part));
        for message in self.pending.take(recording) {
            self.tap(message);
        }
    }

    fn tap(&mut self, message: TapMessage) {
        let recording = match &message {
            TapMessage::TrackStarted(info) => info.recording,
            TapMessage::Packets { recording, .. } | TapMessage::TrackEnded { recording, .. } => {
                *recording
            }
        };
        let Some(part) = self.parts.get_mut(&recording) else {
            // The tap may overtake the order to record; it does not outlive the order to stop.
            if !self.closed.contains(recording) {
                self.pending.keep(recording, message);
            }
            return;
        };
        match message {
            TapMessage::TrackStarted(info) => part.start_track(info, &mut self.outbox),
            TapMessage::TrackEnded { track, .. } => {
                part.end_track(track, &*self.disk, &mut self.outbox);
            }
            TapMessage::Packets { packets, dropped, .. } => {
                if dropped > 0 {
                    tracing::warn!(%recording, dropped, "packets were lost before the archive");
                    part.lost(dropped);
                }
                for packet in packets.iter() {
                    part.write(packet, &*self.disk, &mut self.outbox);
                }
            }
        }
    }

    /// Gives everything that waits to the operating system.
    pub fn flush(&mut self) {
        for part in self.parts.values_mut() {
            part.flush(&*self.disk, &mut self.outbox);
        }
    }

    /// Has everything synced, unless the former sync still runs, and says how much is written.
    pub fn sync(&mut self) {
        // Files that a slow disk did not take yet go first; no more are gathered until it has.
        if self.unsynced.is_empty() {
            self.unsynced.extend(self.parts.values_mut().flat_map(Part::take_unsynced));
        }
        if !self.unsynced.is_empty()
            && let Err(TrySendError::Full(files) | TrySendError::Disconnected(files)) =
                self.syncer.try_send(std::mem::take(&mut self.unsynced))
        {
            self.unsynced = files;
        }
        for part in self.parts.values_mut() {
            part.report(&mut self.outbox);
        }
        for (dir, manifest) in self.unsaved.clone() {
            self.save(dir, manifest);
        }
    }

    fn close(&mut self, recording: RecordingId, line: &Line) {
        let last_us = match self.parts.remove(&recording) {
            Some(mut part) => part.close(line, &*self.disk, &mut self.outbox),
            None => 0,
        };
        self.pending.take(recording);
        self.closed.close(recording);
        self.outbox.push_back(Report::Closed { recording, last_us });
    }

    /// The oldest report that was not taken yet.
    pub fn poll_report(&mut self) -> Option<Report> {
        self.outbox.pop_front()
    }
}

/// Serves until the command queue closes; then writes out what waits. Parts stay open on disk, as after a
/// crash, so that the next start goes on with them.
pub async fn run(
    mut writer: Writer,
    mut commands: mpsc::Receiver<Command>,
    reports: mpsc::Sender<Report>,
) {
    let mut flush = tokio::time::interval(FLUSH_EVERY);
    flush.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let flushes_per_sync = SYNC_EVERY.as_millis() / FLUSH_EVERY.as_millis();
    let mut n_flushes = 0_u128;
    loop {
        tokio::select! {
            biased;
            _ = flush.tick() => {
                writer.flush();
                n_flushes += 1;
                if n_flushes.is_multiple_of(flushes_per_sync) {
                    writer.sync();
                }
            }
            command = commands.recv() => match command {
                Some(command) => writer.handle(command),
                None => break,
            },
        }
        deliver(&mut writer, &reports);
    }
    writer.flush();
    writer.sync();
    deliver(&mut writer, &reports);
}

/// Hands over reports as long as there is room; the node is never waited for.
fn deliver(writer: &mut Writer, reports: &mpsc::Sender<Report>) {
    while let Ok(place) = reports.try_reserve() {
        match writer.poll_report() {
            Some(report) => place.send(report),
            None => return,
        }
    }
}

#[cfg(test)]
mod tests;
