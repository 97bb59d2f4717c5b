//! Finds the recordings of an archive: two levels of folders named by ids, with a manifest in each.

use std::path::{Path, PathBuf};

use protocol::id::{MeetingId, RecordingId};

use super::ASIDE;
use super::manifest::Manifest;
use crate::error::Error;

/// Every recording that can be read, oldest first. One that cannot be read is left alone and logged.
pub fn recordings(archive: &Path) -> Result<Vec<(PathBuf, Manifest)>, Error> {
    let mut found = Vec::new();
    for meeting in folders::<MeetingId>(archive)? {
        for dir in folders::<RecordingId>(&meeting)? {
            match Manifest::read(&dir) {
                Ok(manifest) => found.push((dir, manifest)),
                Err(error) => tracing::error!(%error, "a recording cannot be read"),
            }
        }
    }
    found.sort_by_key(|(_, manifest)| manifest.recording);
    Ok(found)
}

/// Deletes what a crash kept from being deleted.
pub(crate) fn sweep(archive: &Path) -> Result<(), Error> {
    for meeting in folders::<MeetingId>(archive)? {
        for entry in std::fs::read_dir(&meeting).map_err(Error::archive(&meeting))? {
            let path = entry.map_err(Error::archive(&meeting))?.path();
            if path.extension().is_some_and(|it| it == ASIDE) {
                std::fs::remove_dir_all(&path).map_err(Error::archive(&path))?;
            }
        }
    }
    Ok(())
}

/// Folders below `dir` whose name is an id.
fn folders<Id: std::str::FromStr>(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(Error::archive(dir))? {
        let entry = entry.map_err(Error::archive(dir))?;
        let is_id = entry.file_name().to_str().is_some_and(|name| name.parse::<Id>().is_ok());
        if is_id && entry.path().is_dir() {
            found.push(entry.path());
        }
    }
    Ok(found)
}
