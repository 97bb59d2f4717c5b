//! Notes at moments of recordings.

use protocol::api::Account;
use protocol::id::{AccountId, RecordingId, ReviewNoteId};
use protocol::review::{NOTES_MAX, NewReviewNote, ReviewNote};
use protocol::time::Timestamp;
use sqlx::Row as _;

use super::{Db, Result, parsed, signed, unsigned};

/// The notes of a recording in the video's order, as `reader` sees them.
pub(crate) async fn list(
    db: &Db,
    recording: RecordingId,
    reader: AccountId,
) -> Result<Vec<ReviewNote>> {
    let rows = sqlx::query(
        "select note_id, review_note.account_id, ms, text, at, name from review_note \
         join account on account.account_id = review_note.account_id \
         where recording_id = $1 order by ms, note_id",
    )
    .bind(recording.to_string())
    .fetch_all(&db.read)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(ReviewNote {
                id: parsed(row, "note_id")?,
                ms: unsigned(row, "ms")?,
                text: row.try_get("text")?,
                author: row.try_get("name")?,
                mine: parsed::<AccountId>(row, "account_id")? == reader,
                at: Timestamp(row.try_get("at")?),
            })
        })
        .collect()
}

/// Keeps a note. False: the recording has too many.
pub(crate) async fn insert(
    db: &Db,
    recording: RecordingId,
    author: &Account,
    note: &ReviewNote,
) -> Result<bool> {
    let mut tx = db.write.begin().await?;
    let have: i64 = sqlx::query_scalar("select count(*) from review_note where recording_id = $1")
        .bind(recording.to_string())
        .fetch_one(&mut *tx)
        .await?;
    if have >= i64::try_from(NOTES_MAX).unwrap_or(i64::MAX) {
        return Ok(false);
    }
    sqlx::query(
        "insert into review_note (note_id, recording_id, account_id, ms, text, at) \
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(note.id.to_string())
    .bind(recording.to_string())
    .bind(author.id.to_string())
    .bind(signed(note.ms))
    .bind(&note.text)
    .bind(note.at.0)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(true)
}

/// Changes a note of one's own. False: there is none.
pub(crate) async fn change(
    db: &Db,
    (recording, note): (RecordingId, ReviewNoteId),
    author: AccountId,
    new: &NewReviewNote,
    at: Timestamp,
) -> Result<bool> {
    let done = sqlx::query(
        "update review_note set ms = $1, text = $2, at = $3 \
         where note_id = $4 and recording_id = $5 and account_id = $6",
    )
    .bind(signed(new.ms))
    .bind(&new.text)
    .bind(at.0)
    .bind(note.to_string())
    .bind(recording.to_string())
    .bind(author.to_string())
    .execute(&db.write)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Removes a note of one's own. False: there is none.
pub(crate) async fn remove(
    db: &Db,
    (recording, note): (RecordingId, ReviewNoteId),
    author: AccountId,
) -> Result<bool> {
    let done = sqlx::query(
        "delete from review_note where note_id = $1 and recording_id = $2 and account_id = $3",
    )
    .bind(note.to_string())
    .bind(recording.to_string())
    .bind(author.to_string())
    .execute(&db.write)
    .await?;
    Ok(done.rows_affected() > 0)
}
