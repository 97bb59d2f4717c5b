//! The database, and the only SQL of the product. One text per statement, `$1` placeholders, no type that
//! only SQLite has, so that the same texts can serve PostgreSQL; only the migrations are SQLite's own.
//!
//! Reading pool and writing connection are apart: SQLite has one writer, and waiting for it in our own
//! queue is fair where its busy handler is not.

pub(crate) mod accounts;
pub(crate) mod contacts;
pub(crate) mod custody;
pub(crate) mod delegates;
pub(crate) mod facts;
pub(crate) mod links;
pub(crate) mod meetings;
pub(crate) mod minutes;
pub(crate) mod nodes;
pub(crate) mod papers;
pub(crate) mod polls;
pub(crate) mod recordings;
pub(crate) mod registrations;
pub(crate) mod reviews;
pub(crate) mod seats;
pub(crate) mod units;

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use protocol::error::ErrorCode;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Row as _, SqliteConnection};

use crate::error::Error;

/// Migrations in order; the database's version is how many have been applied.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
    include_str!("migrations/0006.sql"),
    include_str!("migrations/0007.sql"),
    include_str!("migrations/0008.sql"),
];

/// Connections that read at the same time. More would only wait for two cores.
const READERS_MAX: u32 = 4;

/// The database's file in the data folder.
pub(crate) const FILE: &str = "diemcau.db";

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// No space is left.
    #[error("the disk is full")]
    DiskFull,
    /// A row is not what this program writes.
    #[error("a row of the database cannot be read: {0}")]
    Corrupt(String),
    /// Anything else that the database says.
    #[error(transparent)]
    Sqlx(sqlx::Error),
}

impl DbError {
    /// What a user is told.
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Self::DiskFull => ErrorCode::DiskFull,
            Self::Corrupt(_) | Self::Sqlx(_) => ErrorCode::Internal,
        }
    }
}

/// SQLite's primary result code for "no space" (sqlite.org/rescode.html#full).
const SQLITE_FULL: &str = "13";

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        let full = error
            .as_database_error()
            .and_then(|it| it.code())
            .is_some_and(|code| code == SQLITE_FULL);
        if full { Self::DiskFull } else { Self::Sqlx(error) }
    }
}

/// What every function here answers.
pub(crate) type Result<T> = std::result::Result<T, DbError>;

/// A writing transaction's connection, for functions that are part of a larger change.
type Writer = SqliteConnection;

/// The open database.
#[derive(Clone, Debug)]
pub(crate) struct Db {
    read: SqlitePool,
    write: SqlitePool,
}

impl Db {
    /// Opens or makes the database of a data folder and brings it to this program's version.
    pub(crate) async fn open(data: &Path) -> std::result::Result<Self, Error> {
        make_folder(data)?;
        let path = data.join(FILE);
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5));
        let damaged = |error: sqlx::Error| opening_failed(&path, error);
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options.clone())
            .await
            .map_err(damaged)?;
        assert_durable(&write).await.map_err(damaged)??;
        migrate(&write, &path).await?;
        let read = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .connect_with(options)
            .await
            .map_err(damaged)?;
        Ok(Self { read, write })
    }

    /// Opens an existing database to read it only, for `diemcau verify`.
    pub(crate) async fn open_read_only(data: &Path) -> std::result::Result<Self, Error> {
        let path = data.join(FILE);
        if !path.is_file() {
            return Err(Error::NoDatabase { path });
        }
        let options = SqliteConnectOptions::new().filename(&path).read_only(true);
        let read = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await
            .map_err(|error| opening_failed(&path, error))?;
        let found = version(&read).await.map_err(|error| opening_failed(&path, error))?;
        if found > known() {
            return Err(Error::DatabaseNewer { found, known: known() });
        }
        Ok(Self { write: read.clone(), read })
    }

    /// Writes a copy of one moment of the database to a new file.
    pub(crate) async fn copy_to(&self, file: &str) -> Result<()> {
        sqlx::query("vacuum into $1").bind(file).execute(&self.read).await?;
        Ok(())
    }

    /// Whether the database answers.
    pub(crate) async fn ping(&self) -> Result<()> {
        sqlx::query("select 1").execute(&self.read).await?;
        Ok(())
    }

    /// Writes everything out and closes the files.
    pub(crate) async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }

    /// Lets the file grow by `pages` more, to play a full disk; `None`: as it likes.
    #[cfg(test)]
    pub(crate) async fn limit_growth(&self, pages: Option<i64>) {
        let have: i64 =
            sqlx::query_scalar("pragma page_count").fetch_one(&self.write).await.unwrap();
        let max = pages.map_or(1_000_000_000, |more| have + more);
        let statement = format!("pragma max_page_count = {max}");
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&self.write).await.unwrap();
    }

    /// Does what somebody with another tool might do to the file.
    #[cfg(test)]
    pub(crate) async fn damage(&self, statement: &'static str) {
        sqlx::query(statement).execute(&self.write).await.unwrap();
    }
}

fn known() -> i64 {
    i64::try_from(MIGRATIONS.len()).expect("a handful")
}

fn make_folder(data: &Path) -> std::result::Result<(), Error> {
    use std::os::unix::fs::DirBuilderExt as _;
    let failed = |source| Error::DataNotWritable { path: data.to_owned(), source };
    std::fs::DirBuilder::new().recursive(true).mode(0o750).create(data).map_err(failed)?;
    // A folder that exists may still be read-only; find out now rather than at the first meeting.
    let probe = data.join(".writable");
    std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe)).map_err(failed)
}

fn opening_failed(path: &Path, error: sqlx::Error) -> Error {
    match DbError::from(error) {
        DbError::DiskFull => Error::DiskFull,
        DbError::Corrupt(reason) => Error::DatabaseDamaged { path: path.to_owned(), reason },
        DbError::Sqlx(error) => {
            Error::DatabaseDamaged { path: path.to_owned(), reason: error.to_string() }
        }
    }
}

/// Asks SQLite whether it took the settings: a file system without shared memory silently refuses WAL.
async fn assert_durable(pool: &SqlitePool) -> sqlx::Result<std::result::Result<(), Error>> {
    let journal: String = sqlx::query_scalar("pragma journal_mode").fetch_one(pool).await?;
    if journal != "wal" {
        return Ok(Err(Error::NotDurable { setting: "journal_mode=wal", found: journal }));
    }
    let synchronous: i64 = sqlx::query_scalar("pragma synchronous").fetch_one(pool).await?;
    if synchronous != 2 {
        return Ok(Err(Error::NotDurable {
            setting: "synchronous=full",
            found: synchronous.to_string(),
        }));
    }
    Ok(Ok(()))
}

async fn version(pool: &SqlitePool) -> sqlx::Result<i64> {
    sqlx::query_scalar("pragma user_version").fetch_one(pool).await
}

async fn migrate(pool: &SqlitePool, path: &Path) -> std::result::Result<(), Error> {
    let failed = |error| opening_failed(path, error);
    let found = version(pool).await.map_err(failed)?;
    if found > known() {
        return Err(Error::DatabaseNewer { found, known: known() });
    }
    for (index, text) in MIGRATIONS.iter().enumerate().skip(usize::try_from(found).unwrap_or(0)) {
        let mut tx = pool.begin().await.map_err(failed)?;
        sqlx::raw_sql(*text).execute(&mut *tx).await.map_err(failed)?;
        // `user_version` is part of the file's header, so it changes with the transaction.
        let statement = format!("pragma user_version = {}", index + 1);
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut *tx).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        tracing::info!(version = index + 1, "database migrated");
    }
    Ok(())
}

/// A column that holds an id or another word of ours.
fn parsed<T: FromStr>(row: &SqliteRow, column: &str) -> Result<T> {
    let text: String = row.try_get(column)?;
    text.parse().map_err(|_| DbError::Corrupt(format!("{column} is {text:?}")))
}

/// A column that holds an id, or null.
fn parsed_option<T: FromStr>(row: &SqliteRow, column: &str) -> Result<Option<T>> {
    let text: Option<String> = row.try_get(column)?;
    text.map(|text| text.parse().map_err(|_| DbError::Corrupt(format!("{column} is {text:?}"))))
        .transpose()
}

/// A column that holds an enum of the protocol, in its serde form.
fn word<T: serde::de::DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<T> {
    let text: String = row.try_get(column)?;
    from_word(&text).ok_or_else(|| DbError::Corrupt(format!("{column} is {text:?}")))
}

fn from_word<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).ok()
}

/// The serde form of an enum of the protocol, without quotes.
fn to_word<T: serde::Serialize>(value: T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        other => unreachable!("a field-less enum is a string, not {other:?}"),
    }
}

/// A column that holds JSON.
fn json<T: serde::de::DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<T> {
    let text: String = row.try_get(column)?;
    serde_json::from_str(&text).map_err(|error| DbError::Corrupt(format!("{column}: {error}")))
}

/// A number of ours that SQLite keeps signed.
fn unsigned(row: &SqliteRow, column: &str) -> Result<u64> {
    let value: i64 = row.try_get(column)?;
    u64::try_from(value).map_err(|_| DbError::Corrupt(format!("{column} is {value}")))
}

/// The other way: 2^63 is out of reach of everything that is counted here.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_database_of_a_newer_program_is_refused() {
        let data = tempfile::tempdir().unwrap();
        let db = Db::open(data.path()).await.unwrap();
        sqlx::query("pragma user_version = 99").execute(&db.write).await.unwrap();
        db.close().await;
        let error = Db::open(data.path()).await.unwrap_err();
        assert!(matches!(error, Error::DatabaseNewer { found: 99, known: 8 }), "{error}");
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_refused_and_kept() {
        let data = tempfile::tempdir().unwrap();
        std::fs::write(data.path().join(FILE), vec![b'x'; 8_192]).unwrap();
        let error = Db::open(data.path()).await.unwrap_err();
        assert!(matches!(error, Error::DatabaseDamaged { .. }), "{error}");
        assert_eq!(std::fs::read(data.path().join(FILE)).unwrap()[0], b'x');
    }

    #[tokio::test]
    async fn a_data_folder_that_cannot_be_made_is_refused() {
        let data = tempfile::tempdir().unwrap();
        std::fs::write(data.path().join("file"), b"").unwrap();
        let error = Db::open(&data.path().join("file/below")).await.unwrap_err();
        assert!(matches!(error, Error::DataNotWritable { .. }), "{error}");
    }

    #[tokio::test]
    async fn opening_twice_migrates_once() {
        let data = tempfile::tempdir().unwrap();
        Db::open(data.path()).await.unwrap().close().await;
        let db = Db::open(data.path()).await.unwrap();
        assert_eq!(version(&db.read).await.unwrap(), known());
    }
}
