//! What can go wrong when the recorder starts, reads or writes its archive.

use std::path::PathBuf;

/// Why the recorder cannot go on with what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder of the archive cannot be read or written.
    #[error(
        "archive {path}: {source}. Check that the folder exists, is writable and has free space"
    )]
    Archive {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A manifest is not one of ours.
    #[error("manifest {path}: {reason}")]
    Manifest {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// FFmpeg refused.
    #[error("FFmpeg: {0}")]
    Media(String),
    /// A recording holds nothing that could be composed.
    #[error("the recording is empty")]
    Empty,
}

impl Error {
    /// Ties an I/O error to the path that it happened at.
    pub(crate) fn archive(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Archive { path, source }
    }
}
