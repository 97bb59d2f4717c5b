//! `manifest.json`: what a recording is and how far it has come. Replaced as a whole (written beside,
//! synced, renamed), so at any moment there is exactly one whole manifest.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use protocol::control::RecordingFile;
use protocol::id::{MeetingId, RecordingId};
use protocol::tap::TapTrackInfo;
use protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::MANIFEST;
use crate::error::Error;

/// Version of this form.
pub const VERSION: u32 = 1;

/// A recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`VERSION`] of the writer.
    pub version: u32,
    /// Which recording.
    pub recording: RecordingId,
    /// Of which meeting.
    pub meeting: MeetingId,
    /// The meeting's title.
    pub title: String,
    /// When recording was ordered: the zero of the composed video's time.
    pub started_at: Timestamp,
    /// When it was stopped.
    pub stopped_at: Option<Timestamp>,
    /// How far it has come.
    pub state: State,
    /// Runs of the process that wrote it, in order.
    pub parts: Vec<Part>,
    /// Logs of packets.
    pub tracks: Vec<Track>,
    /// What can be downloaded, once composed.
    pub files: Vec<RecordingFile>,
    /// Length of the composed video, ms; 0 while not composed.
    pub composed_ms: u64,
}

/// How far a recording has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Being written, or a crash interrupted it.
    Recording,
    /// Stopped, waiting to be composed.
    Stopped,
    /// Being composed, or a crash interrupted that.
    Composing,
    /// Composed.
    Composed,
    /// Composition failed; the archive is whole.
    Failed,
}

/// One run of the process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// From 1.
    pub number: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was closed in order; none after a crash.
    pub ended_at: Option<Timestamp>,
}

/// One log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Track {
    /// Path below the recording's folder.
    pub path: String,
    /// Written by which part.
    pub part: u32,
    /// What it holds.
    pub info: TapTrackInfo,
    /// Of archives of earlier versions: its packets are kept, but its codec could not be composed then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_archived: bool,
    /// Its whole bytes, known once composed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<RecordingFile>,
}

impl Manifest {
    /// A recording that begins.
    pub fn begin(
        recording: RecordingId,
        meeting: MeetingId,
        title: String,
        started_at: Timestamp,
    ) -> Self {
        Self {
            version: VERSION,
            recording,
            meeting,
            title,
            started_at,
            stopped_at: None,
            state: State::Recording,
            parts: Vec::new(),
            tracks: Vec::new(),
            files: Vec::new(),
            composed_ms: 0,
        }
    }

    /// Reads the manifest of a recording's folder.
    pub fn read(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(MANIFEST);
        let text = std::fs::read(&path).map_err(Error::archive(&path))?;
        let manifest: Self = serde_json::from_slice(&text)
            .map_err(|error| Error::Manifest { path: path.clone(), reason: error.to_string() })?;
        if manifest.version > VERSION {
            let reason = format!("version {} is newer than {VERSION}", manifest.version);
            return Err(Error::Manifest { path, reason });
        }
        Ok(manifest)
    }

    /// Replaces the manifest of a recording's folder.
    pub fn write(&self, dir: &Path) -> Result<(), Error> {
        let text = serde_json::to_vec_pretty(self).expect("a manifest is plain data");
        replace(&dir.join(MANIFEST), &text)
    }
}

/// Replaces a file as a whole: whoever reads it sees the old or the new bytes, also after a power cut.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let beside = path.with_extension("tmp");
    let write = || -> std::io::Result<()> {
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)?;
        sync_dir(path)
    };
    write().map_err(Error::archive(path))
}

/// Makes a rename last through a power cut.
pub fn sync_dir(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_comes_back_as_it_was_written() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut manifest = Manifest::begin(
            RecordingId::from_parts(1, 2),
            MeetingId::from_parts(3, 4),
            "Họp giao ban".into(),
            Timestamp(5),
        );
        manifest.write(dir.path()).expect("written");
        manifest.state = State::Composed;
        manifest.write(dir.path()).expect("written again");
        assert_eq!(Manifest::read(dir.path()).expect("read"), manifest);
    }

    #[test]
    fn a_manifest_of_a_newer_version_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut manifest = Manifest::begin(
            RecordingId::from_parts(1, 2),
            MeetingId::from_parts(3, 4),
            String::new(),
            Timestamp(5),
        );
        manifest.version = VERSION + 1;
        manifest.write(dir.path()).expect("written");
        assert!(matches!(Manifest::read(dir.path()), Err(Error::Manifest { .. })));
    }
}
