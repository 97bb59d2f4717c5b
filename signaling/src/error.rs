//! Why the control plane cannot start or go on. Each sentence names the remedy: an operator reads it on
//! the terminal.

use std::path::PathBuf;

use crate::db::DbError;

/// Why the control plane stopped, or did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data folder cannot be made or written.
    #[error(
        "cannot write to the data folder {path}: {source}. Create it and give it to the account that runs diemcau, or choose another with --data"
    )]
    DataNotWritable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database was written by a newer program.
    #[error(
        "the database is of version {found}, this program knows versions up to {known}. Start the newer program, or restore a backup made by this one"
    )]
    DatabaseNewer {
        /// Version in the file.
        found: i64,
        /// Newest version this program knows.
        known: i64,
    },
    /// The file is not a database of ours, or it is damaged.
    #[error(
        "the database {path} is damaged or not a database: {reason}. Keep the file, and restore a backup"
    )]
    DatabaseDamaged {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        reason: String,
    },
    /// SQLite did not accept the settings that make commits survive a power cut.
    #[error(
        "the database does not keep {setting} (it says {found:?}); without it a power cut could lose what was acknowledged. Put the data folder on a local disk"
    )]
    NotDurable {
        /// The setting that was wanted.
        setting: &'static str,
        /// What it is.
        found: String,
    },
    /// The authority that names media nodes cannot be read.
    #[error(
        "node-authority.key or node-authority.pem in the data folder is damaged. Restore them from a backup, or delete both: a new authority is made, and every media node of another machine has to be started again"
    )]
    AuthorityDamaged,
    /// The disk is full.
    #[error("the disk of the data folder is full. Free some space, then start again")]
    DiskFull,
    /// There is no database where one should be read.
    #[error("there is no database at {path}. Name the data folder of a server that has run")]
    NoDatabase {
        /// Where it should be.
        path: PathBuf,
    },
    /// The account asked for cannot be.
    #[error("{0}")]
    InvalidAccount(&'static str),
    /// The media token asked for makes no sense.
    #[error("{0}")]
    InvalidToken(&'static str),
    /// The listening socket failed.
    #[error("the HTTP socket failed: {0}")]
    Listener(std::io::Error),
    /// The database failed while running.
    #[error("the database failed: {0}")]
    Database(#[from] DbError),
}
