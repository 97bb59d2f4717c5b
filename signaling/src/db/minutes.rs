//! Minutes, all their versions.

use protocol::api::Minutes;
use protocol::id::{AccountId, MeetingId};
use protocol::minutes::MinutesDocument;
use protocol::time::Timestamp;
use sqlx::Row as _;

use super::{Db, DbError, Result, json};

/// The newest version.
pub(crate) async fn find(db: &Db, meeting: MeetingId) -> Result<Option<Minutes>> {
    let row = sqlx::query(
        "select version, changed_at, document from minutes where meeting_id = $1 \
         order by version desc limit 1",
    )
    .bind(meeting.to_string())
    .fetch_optional(&db.read)
    .await?;
    row.map(|row| {
        Ok(Minutes {
            version: row.try_get("version")?,
            changed_at: Timestamp(row.try_get("changed_at")?),
            document: json(&row, "document")?,
        })
    })
    .transpose()
}

/// Adds the version after `before` (0: the first). False if another came first.
pub(crate) async fn insert(
    db: &Db,
    meeting: MeetingId,
    before: u32,
    document: &MinutesDocument,
    by: Option<AccountId>,
    now: Timestamp,
) -> Result<bool> {
    let text = serde_json::to_string(document)
        .map_err(|error| DbError::Corrupt(format!("minutes: {error}")))?;
    let mut tx = db.write.begin().await?;
    let newest: Option<i64> =
        sqlx::query_scalar("select max(version) from minutes where meeting_id = $1")
            .bind(meeting.to_string())
            .fetch_one(&mut *tx)
            .await?;
    if newest.unwrap_or(0) != i64::from(before) {
        return Ok(false);
    }
    sqlx::query(
        "insert into minutes (meeting_id, version, changed_at, changed_by, document) \
         values ($1, $2, $3, $4, $5)",
    )
    .bind(meeting.to_string())
    .bind(i64::from(before) + 1)
    .bind(now.0)
    .bind(by.map(|it| it.to_string()))
    .bind(text)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(true)
}
