//! The disk as the writer sees it: files that are written at a place and synced. A trait, so that tests
//! can have one that is full.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// A file open for writing.
pub trait DiskFile: Send + Sync {
    /// Writes all of `bytes` at `offset`. After an error, some of them may be there.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Waits until what was written survives a power cut.
    fn sync(&self) -> io::Result<()>;
}

/// Where files are opened.
pub trait Disk: Send {
    /// Makes a new file, and its folder if needed.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// The folder of a file, to be synced: a new file survives a power cut only with its name.
    fn folder(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
}

/// The real one.
#[derive(Debug)]
pub struct LocalDisk;

impl Disk for LocalDisk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        Ok(Arc::new(file))
    }

    fn folder(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let folder = path.parent().ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(File::open(folder)?))
    }
}

impl DiskFile for File {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}
