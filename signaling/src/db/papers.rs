//! Documents of meetings.

use protocol::error::ErrorCode;
use protocol::id::{MeetingId, PaperId};
use protocol::paper::{PAPERS_MAX, Paper, PaperChange};
use protocol::time::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Db, Result, from_word, parsed, signed, to_word, unsigned, word};

const COLUMNS: &str = "select paper_id, meeting_id, name, kind, bytes, sha256, pages, phase, problem, audience, \
     open_from, open_until, added_at from paper ";

/// Notes a document. False: the meeting has too many.
pub(crate) async fn insert(db: &Db, meeting: MeetingId, paper: &Paper) -> Result<bool> {
    let mut tx = db.write.begin().await?;
    let have: i64 = sqlx::query_scalar("select count(*) from paper where meeting_id = $1")
        .bind(meeting.to_string())
        .fetch_one(&mut *tx)
        .await?;
    if have >= i64::try_from(PAPERS_MAX).unwrap_or(i64::MAX) {
        return Ok(false);
    }
    sqlx::query(
        "insert into paper (paper_id, meeting_id, name, kind, bytes, sha256, pages, phase, audience, \
         open_from, open_until, added_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(paper.id.to_string())
    .bind(meeting.to_string())
    .bind(&paper.name)
    .bind(to_word(paper.kind))
    .bind(signed(paper.bytes))
    .bind(&paper.sha256)
    .bind(i64::from(paper.pages))
    .bind(to_word(paper.phase))
    .bind(to_word(paper.audience))
    .bind(paper.open_from.map(|it| it.0))
    .bind(paper.open_until.map(|it| it.0))
    .bind(paper.added_at.0)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(true)
}

/// The documents of a meeting, as they were added.
pub(crate) async fn list(db: &Db, meeting: MeetingId) -> Result<Vec<Paper>> {
    let text = format!("{COLUMNS} where meeting_id = $1 order by paper_id");
    let rows = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(meeting.to_string())
        .fetch_all(&db.read)
        .await?;
    rows.iter().map(paper).collect()
}

/// One of them.
pub(crate) async fn find(db: &Db, meeting: MeetingId, id: PaperId) -> Result<Option<Paper>> {
    let text = format!("{COLUMNS} where meeting_id = $1 and paper_id = $2");
    let row = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(meeting.to_string())
        .bind(id.to_string())
        .fetch_optional(&db.read)
        .await?;
    row.as_ref().map(paper).transpose()
}

/// Those whose pages are not drawn yet.
pub(crate) async fn unfinished(db: &Db) -> Result<Vec<(MeetingId, Paper)>> {
    let text = format!("{COLUMNS} where phase = 'drawing' order by paper_id");
    let rows = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_all(&db.read).await?;
    rows.iter().map(|row| Ok((parsed(row, "meeting_id")?, paper(row)?))).collect()
}

/// Notes that the pages are drawn, or why not.
pub(crate) async fn finish(
    db: &Db,
    id: PaperId,
    result: std::result::Result<u32, ErrorCode>,
) -> Result<()> {
    let (phase, pages, problem) = match result {
        Ok(pages) => ("ready", pages, None),
        Err(code) => ("failed", 0, Some(to_word(code))),
    };
    sqlx::query("update paper set phase = $2, pages = $3, problem = $4 where paper_id = $1")
        .bind(id.to_string())
        .bind(phase)
        .bind(i64::from(pages))
        .bind(problem)
        .execute(&db.write)
        .await?;
    Ok(())
}

/// Changes name, audience and times. False: there is no such document.
pub(crate) async fn change(
    db: &Db,
    meeting: MeetingId,
    id: PaperId,
    to: &PaperChange,
) -> Result<bool> {
    let done = sqlx::query(
        "update paper set name = $3, audience = $4, open_from = $5, open_until = $6 \
         where meeting_id = $1 and paper_id = $2",
    )
    .bind(meeting.to_string())
    .bind(id.to_string())
    .bind(&to.name)
    .bind(to_word(to.audience))
    .bind(to.open_from.map(|it| it.0))
    .bind(to.open_until.map(|it| it.0))
    .execute(&db.write)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Takes a document away.
pub(crate) async fn remove(db: &Db, id: PaperId) -> Result<()> {
    sqlx::query("delete from paper where paper_id = $1")
        .bind(id.to_string())
        .execute(&db.write)
        .await?;
    Ok(())
}

/// Whether any meeting has this file.
pub(crate) async fn is_used(db: &Db, sha256: &str) -> Result<bool> {
    let n: i64 = sqlx::query_scalar("select count(*) from paper where sha256 = $1")
        .bind(sha256)
        .fetch_one(&db.write)
        .await?;
    Ok(n > 0)
}

fn paper(row: &SqliteRow) -> Result<Paper> {
    let problem: Option<String> = row.try_get("problem")?;
    let moment =
        |column| Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(column)?.map(Timestamp));
    Ok(Paper {
        id: parsed(row, "paper_id")?,
        name: row.try_get("name")?,
        kind: word(row, "kind")?,
        bytes: unsigned(row, "bytes")?,
        sha256: row.try_get("sha256")?,
        pages: u32::try_from(unsigned(row, "pages")?).unwrap_or(0),
        drawn: 0,
        phase: word(row, "phase")?,
        problem: problem.and_then(|it| from_word(&it)),
        audience: word(row, "audience")?,
        open_from: moment("open_from")?,
        open_until: moment("open_until")?,
        added_at: Timestamp(row.try_get("added_at")?),
    })
}
