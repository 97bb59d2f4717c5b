//! Meetings and their invitations. That one opened or ended comes with its fact.

use protocol::api::{Meeting, MeetingState};
use protocol::id::{AccountId, LinkId, MeetingId, SiteId};
use protocol::time::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Db, Result, links, parsed, word};
use crate::text::fold;

/// Most meetings in one list.
const LIST_MAX: i64 = 1_000;

/// `n_connected` is left 0: only the live room knows.
const COLUMNS: &str = "select meeting_id, code, title, venue, scheduled_at, state, opened_at, ended_at, \
     (select count(*) from invitation where invitation.meeting_id = meeting.meeting_id) as n_sites, \
     (select count(*) from recording where recording.meeting_id = meeting.meeting_id) as n_recordings, \
     exists (select 1 from minutes where minutes.meeting_id = meeting.meeting_id) as has_minutes \
     from meeting ";

/// An invited site and the link that is made for it.
pub(crate) struct NewLink {
    pub(crate) id: LinkId,
    pub(crate) site: SiteId,
    pub(crate) token: String,
}

/// A meeting to be added.
pub(crate) struct NewRow {
    pub(crate) id: MeetingId,
    pub(crate) code: String,
    pub(crate) title: String,
    pub(crate) venue: String,
    pub(crate) scheduled_at: Timestamp,
    pub(crate) created_by: Option<AccountId>,
    pub(crate) links: Vec<NewLink>,
    pub(crate) links_expire_at: Timestamp,
}

/// Adds a meeting, its invitations and their links, all or none.
pub(crate) async fn insert(db: &Db, meeting: &NewRow, now: Timestamp) -> Result<()> {
    let mut tx = db.write.begin().await?;
    sqlx::query(
        "insert into meeting (meeting_id, code, title, folded, venue, scheduled_at, state, created_by, created_at) \
         values ($1, $2, $3, $4, $5, $6, 'scheduled', $7, $8)",
    )
    .bind(meeting.id.to_string())
    .bind(&meeting.code)
    .bind(&meeting.title)
    .bind(fold(&meeting.title))
    .bind(&meeting.venue)
    .bind(meeting.scheduled_at.0)
    .bind(meeting.created_by.map(|it| it.to_string()))
    .bind(now.0)
    .execute(&mut *tx)
    .await?;
    for link in &meeting.links {
        sqlx::query("insert into invitation (meeting_id, site_id) values ($1, $2)")
            .bind(meeting.id.to_string())
            .bind(link.site.to_string())
            .execute(&mut *tx)
            .await?;
        let expires_at = meeting.links_expire_at;
        links::insert(&mut tx, link.id, meeting.id, link.site, &link.token, expires_at).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// All meetings, newest first.
pub(crate) async fn list(db: &Db) -> Result<Vec<Meeting>> {
    let text = format!("{COLUMNS} order by scheduled_at desc, meeting_id desc limit $1");
    let rows = sqlx::query(sqlx::AssertSqlSafe(text)).bind(LIST_MAX).fetch_all(&db.read).await?;
    rows.iter().map(meeting).collect()
}

/// The meetings whose rooms are open.
pub(crate) async fn list_open(db: &Db) -> Result<Vec<Meeting>> {
    let text = format!("{COLUMNS} where state = 'open' order by meeting_id");
    let rows = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_all(&db.read).await?;
    rows.iter().map(meeting).collect()
}

/// One meeting.
pub(crate) async fn find(db: &Db, id: MeetingId) -> Result<Option<Meeting>> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} where meeting_id = $1")))
        .bind(id.to_string())
        .fetch_optional(&db.read)
        .await?;
    row.map(|row| meeting(&row)).transpose()
}

/// The meeting with this code.
pub(crate) async fn find_by_code(db: &Db, code: &str) -> Result<Option<Meeting>> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} where code = $1")))
        .bind(code)
        .fetch_optional(&db.read)
        .await?;
    row.map(|row| meeting(&row)).transpose()
}

/// Gives a meeting another code.
pub(crate) async fn set_code(db: &Db, id: MeetingId, code: &str) -> Result<()> {
    sqlx::query("update meeting set code = $1 where meeting_id = $2")
        .bind(code)
        .bind(id.to_string())
        .execute(&db.write)
        .await?;
    Ok(())
}

fn meeting(row: &SqliteRow) -> Result<Meeting> {
    let opened_at: Option<i64> = row.try_get("opened_at")?;
    let ended_at: Option<i64> = row.try_get("ended_at")?;
    Ok(Meeting {
        id: parsed(row, "meeting_id")?,
        code: row.try_get("code")?,
        title: row.try_get("title")?,
        venue: row.try_get("venue")?,
        scheduled_at: Timestamp(row.try_get("scheduled_at")?),
        state: word::<MeetingState>(row, "state")?,
        opened_at: opened_at.map(Timestamp),
        ended_at: ended_at.map(Timestamp),
        n_sites: row.try_get("n_sites")?,
        n_connected: 0,
        n_recordings: row.try_get("n_recordings")?,
        has_minutes: row.try_get::<i64, _>("has_minutes")? != 0,
    })
}
