//! Sizes and SHA-256 of files.

use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;

use protocol::control::RecordingFile;
use sha2::{Digest, Sha256};

use crate::error::Error;

/// Reads a file below `dir` (its first `bytes` if given) and describes it.
pub(super) fn describe(dir: &Path, path: &str, bytes: Option<u64>) -> Result<RecordingFile, Error> {
    let full = dir.join(path);
    let file = std::fs::File::open(&full).map_err(Error::archive(&full))?;
    let mut file = file.take(bytes.unwrap_or(u64::MAX));
    let (mut hash, mut total, mut buffer) = (Sha256::new(), 0, vec![0_u8; 256 * 1024]);
    loop {
        let got = file.read(&mut buffer).map_err(Error::archive(&full))?;
        if got == 0 {
            break;
        }
        hash.update(&buffer[..got]);
        total += got as u64;
    }
    let mut sha256 = String::with_capacity(64);
    for byte in hash.finalize() {
        let _ = write!(sha256, "{byte:02x}");
    }
    Ok(RecordingFile { path: path.to_owned(), bytes: total, sha256 })
}

/// The form that `sha256sum --check` reads, for paths below the recording's folder.
pub(super) fn sums<'a>(files: impl Iterator<Item = &'a RecordingFile>) -> String {
    files.fold(String::new(), |mut text, file| {
        let _ = writeln!(text, "{}  {}", file.sha256, file.path);
        text
    })
}
