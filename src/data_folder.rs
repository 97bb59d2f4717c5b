//! The data folder before the roles open it: that it exists, can be written, has room, and is not
//! another process's.

use std::fs::{File, TryLockError};
use std::path::Path;

use anyhow::{Context, bail, ensure};

/// Below this the server does not start: the database needs room for its write-ahead log, and a meeting
/// that cannot be written down should not begin.
pub(crate) const FREE_BYTES_MIN: u64 = 16 * 1024 * 1024;

/// Keeps other processes out for as long as it lives; the system lets go of it on any kind of end.
pub(crate) struct Claim {
    _lock: File,
}

/// Creates the folder if need be and claims it.
pub(crate) fn claim(data: &Path) -> anyhow::Result<Claim> {
    let shown = data.display();
    std::fs::create_dir_all(data).with_context(|| {
        format!(
            "The data folder {shown} cannot be made. Give this user the right to write there, or name \
             another folder with --data"
        )
    })?;
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(data.join("diemcau.lock"))
        .with_context(|| {
            format!(
                "The data folder {shown} cannot be written. Give this user the right to write there, \
                 or name another folder with --data"
            )
        })?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => bail!(
            "Another diemcau is using the data folder {shown}. Stop it first, or name another folder \
             with --data."
        ),
        Err(TryLockError::Error(error)) => {
            return Err(error).context(format!("The data folder {shown} cannot be locked"));
        }
    }
    let free = free_bytes(data)?;
    ensure!(
        free >= FREE_BYTES_MIN,
        "The disk of the data folder {shown} is full ({} MiB are free, {} are needed). Free some space, \
         or name a folder on another disk with --data.",
        free / 1_048_576,
        FREE_BYTES_MIN / 1_048_576
    );
    Ok(Claim { _lock: lock })
}

/// What this user may still write on the disk of `folder`.
pub(crate) fn free_bytes(folder: &Path) -> anyhow::Result<u64> {
    let disk = rustix::fs::statvfs(folder)
        .with_context(|| format!("The free space of {} cannot be read", folder.display()))?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_claimed_once_and_free_again_after_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("new");
        let claimed = claim(&data).unwrap();
        let error = claim(&data).err().expect("it is taken").to_string();
        assert!(error.contains("Another diemcau"), "{error}");
        drop(claimed);
        assert!(claim(&data).is_ok());
    }

    #[test]
    fn a_file_in_the_place_of_the_folder_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(claim(&file).err().expect("not a folder").to_string().contains("cannot be made"));
    }
}
