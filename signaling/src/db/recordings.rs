//! Recordings: what the recorder says of them. That one was started or stopped comes with its fact.

use protocol::api::{Recording, RecordingPhase};
use protocol::control::RecordingFile;
use protocol::error::ErrorCode;
use protocol::id::{MeetingId, RecordingId};
use protocol::time::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Db, DbError, Result, from_word, json, parsed, signed, to_word, unsigned, word};

const COLUMNS: &str = "select recording_id, recording.meeting_id, title, started_at, stopped_at, phase, permille, \
     remaining_ms, ms, bytes, files, failure from recording \
     join meeting on meeting.meeting_id = recording.meeting_id ";

/// All recordings, or those of a meeting; newest first. Chapters are left empty: they come from facts.
pub(crate) async fn list(db: &Db, meeting: Option<MeetingId>) -> Result<Vec<Recording>> {
    let text = format!(
        "{COLUMNS} where $1 is null or recording.meeting_id = $1 order by started_at desc, recording_id desc"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(meeting.map(|it| it.to_string()))
        .fetch_all(&db.read)
        .await?;
    rows.iter().map(recording).collect()
}

/// One recording.
pub(crate) async fn find(db: &Db, id: RecordingId) -> Result<Option<Recording>> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} where recording_id = $1")))
        .bind(id.to_string())
        .fetch_optional(&db.read)
        .await?;
    row.map(|row| recording(&row)).transpose()
}

fn recording(row: &SqliteRow) -> Result<Recording> {
    let failure: Option<String> = row.try_get("failure")?;
    let stopped_at: Option<i64> = row.try_get("stopped_at")?;
    Ok(Recording {
        id: parsed(row, "recording_id")?,
        meeting: parsed(row, "meeting_id")?,
        title: row.try_get("title")?,
        started_at: Timestamp(row.try_get("started_at")?),
        stopped_at: stopped_at.map(Timestamp),
        phase: word::<RecordingPhase>(row, "phase")?,
        permille: u16::try_from(unsigned(row, "permille")?).unwrap_or(1_000),
        remaining_ms: unsigned(row, "remaining_ms")?,
        ms: unsigned(row, "ms")?,
        bytes: unsigned(row, "bytes")?,
        files: json::<Vec<RecordingFile>>(row, "files")?,
        failure: failure.as_deref().and_then(from_word),
        chapters: Vec::new(),
    })
}

/// The recorder writes: so much is there.
pub(crate) async fn set_progress(db: &Db, id: RecordingId, bytes: u64, ms: u64) -> Result<()> {
    sqlx::query(
        "update recording set bytes = $1, ms = $2, failure = null \
         where recording_id = $3 and phase = 'recording'",
    )
    .bind(signed(bytes))
    .bind(signed(ms))
    .bind(id.to_string())
    .execute(&db.write)
    .await?;
    Ok(())
}

/// Composition goes on.
pub(crate) async fn set_composing(
    db: &Db,
    id: RecordingId,
    permille: u16,
    remaining_ms: u64,
) -> Result<()> {
    sqlx::query(
        "update recording set phase = 'composing', permille = $1, remaining_ms = $2, failure = null \
         where recording_id = $3",
    )
    .bind(i64::from(permille))
    .bind(signed(remaining_ms))
    .bind(id.to_string())
    .execute(&db.write)
    .await?;
    Ok(())
}

/// Composition is done.
pub(crate) async fn set_composed(
    db: &Db,
    id: RecordingId,
    ms: u64,
    files: &[RecordingFile],
) -> Result<()> {
    let files = serde_json::to_string(files)
        .map_err(|error| DbError::Corrupt(format!("files: {error}")))?;
    sqlx::query(
        "update recording set phase = 'ready', permille = 1000, remaining_ms = 0, ms = $1, files = $2, \
         failure = null where recording_id = $3",
    )
    .bind(signed(ms))
    .bind(files)
    .bind(id.to_string())
    .execute(&db.write)
    .await?;
    Ok(())
}

/// It is gone.
pub(crate) async fn set_destroyed(db: &Db, id: RecordingId) -> Result<()> {
    sqlx::query(
        "update recording set phase = 'destroyed', bytes = 0, files = '[]', failure = null \
         where recording_id = $1",
    )
    .bind(id.to_string())
    .execute(&db.write)
    .await?;
    Ok(())
}

/// It failed. A running recording goes on trying, so only a stopped one is `failed`.
pub(crate) async fn set_failed(db: &Db, id: RecordingId, code: ErrorCode) -> Result<()> {
    sqlx::query(
        "update recording set failure = $1, \
         phase = case when stopped_at is null then phase else 'failed' end where recording_id = $2",
    )
    .bind(to_word(code))
    .bind(id.to_string())
    .execute(&db.write)
    .await?;
    Ok(())
}
