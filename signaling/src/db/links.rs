//! Join links: one for each invited site of a meeting.

use protocol::api::JoinLink;
use protocol::id::{LinkId, MeetingId, SiteId};
use protocol::time::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Db, Result, Writer, parsed};
use crate::secret;

/// Path of the page that a link opens, before the token.
pub(crate) const PATH: &str = "/vao/";

/// What a token leads to.
#[derive(Clone, Debug)]
pub(crate) struct FoundLink {
    pub(crate) id: LinkId,
    pub(crate) meeting: MeetingId,
    pub(crate) site: SiteId,
    pub(crate) site_name: String,
    pub(crate) expires_at: Timestamp,
    pub(crate) revoked: bool,
}

const COLUMNS: &str = "select link_id, link.meeting_id, link.site_id, site.name, token, expires_at, revoked, used_at \
     from link join site on site.site_id = link.site_id ";

/// Adds a link, as part of making a meeting.
pub(super) async fn insert(
    tx: &mut Writer,
    id: LinkId,
    meeting: MeetingId,
    site: SiteId,
    token: &str,
    expires_at: Timestamp,
) -> Result<()> {
    sqlx::query(
        "insert into link (link_id, meeting_id, site_id, token, token_hash, expires_at, revoked) \
         values ($1, $2, $3, $4, $5, $6, 0)",
    )
    .bind(id.to_string())
    .bind(meeting.to_string())
    .bind(site.to_string())
    .bind(token)
    .bind(secret::hash(token))
    .bind(expires_at.0)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// The links of a meeting, in protocol order.
pub(crate) async fn list(db: &Db, meeting: MeetingId) -> Result<Vec<JoinLink>> {
    let text = format!("{COLUMNS} where link.meeting_id = $1 order by site.position, site.site_id");
    let rows = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(meeting.to_string())
        .fetch_all(&db.read)
        .await?;
    rows.iter().map(join_link).collect()
}

/// One link of a meeting.
pub(crate) async fn find(db: &Db, meeting: MeetingId, id: LinkId) -> Result<Option<JoinLink>> {
    let text = format!("{COLUMNS} where link.meeting_id = $1 and link_id = $2");
    let row = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(meeting.to_string())
        .bind(id.to_string())
        .fetch_optional(&db.read)
        .await?;
    row.map(|row| join_link(&row)).transpose()
}

fn join_link(row: &SqliteRow) -> Result<JoinLink> {
    let token: String = row.try_get("token")?;
    let used_at: Option<i64> = row.try_get("used_at")?;
    Ok(JoinLink {
        id: parsed(row, "link_id")?,
        site: parsed(row, "site_id")?,
        site_name: row.try_get("name")?,
        path: format!("{PATH}{token}"),
        expires_at: Timestamp(row.try_get("expires_at")?),
        revoked: row.try_get::<i64, _>("revoked")? != 0,
        used_at: used_at.map(Timestamp),
    })
}

/// What a token leads to, whether or not it still opens.
pub(crate) async fn find_by_token(db: &Db, token: &str) -> Result<Option<FoundLink>> {
    let text = format!("{COLUMNS} where token_hash = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(secret::hash(token))
        .fetch_optional(&db.read)
        .await?;
    row.map(|row| {
        Ok(FoundLink {
            id: parsed(&row, "link_id")?,
            meeting: parsed(&row, "meeting_id")?,
            site: parsed(&row, "site_id")?,
            site_name: row.try_get("name")?,
            expires_at: Timestamp(row.try_get("expires_at")?),
            revoked: row.try_get::<i64, _>("revoked")? != 0,
        })
    })
    .transpose()
}

/// Remembers when a link was first used.
pub(super) async fn set_used(tx: &mut Writer, id: LinkId, now: Timestamp) -> Result<()> {
    sqlx::query("update link set used_at = $1 where link_id = $2 and used_at is null")
        .bind(now.0)
        .bind(id.to_string())
        .execute(&mut *tx)
        .await?;
    Ok(())
}

/// Makes a link useless, and the secrets of the seat that came by it. False if there is none.
pub(crate) async fn revoke(db: &Db, meeting: MeetingId, id: LinkId) -> Result<bool> {
    let mut tx = db.write.begin().await?;
    let done = sqlx::query("update link set revoked = 1 where meeting_id = $1 and link_id = $2")
        .bind(meeting.to_string())
        .bind(id.to_string())
        .execute(&mut *tx)
        .await?;
    delete_seat_tokens(&mut tx, id).await?;
    tx.commit().await?;
    Ok(done.rows_affected() == 1)
}

/// Gives a link a new token; the old one and the seats that came by it stop working. False if there is
/// none.
pub(crate) async fn renew(
    db: &Db,
    meeting: MeetingId,
    id: LinkId,
    token: &str,
    expires_at: Timestamp,
) -> Result<bool> {
    let mut tx = db.write.begin().await?;
    let done = sqlx::query(
        "update link set token = $1, token_hash = $2, expires_at = $3, revoked = 0, used_at = null \
         where meeting_id = $4 and link_id = $5",
    )
    .bind(token)
    .bind(secret::hash(token))
    .bind(expires_at.0)
    .bind(meeting.to_string())
    .bind(id.to_string())
    .execute(&mut *tx)
    .await?;
    delete_seat_tokens(&mut tx, id).await?;
    tx.commit().await?;
    Ok(done.rows_affected() == 1)
}

async fn delete_seat_tokens(tx: &mut Writer, link: LinkId) -> Result<()> {
    sqlx::query(
        "delete from seat_token where participant_id in \
         (select participant_id from seat where link_id = $1)",
    )
    .bind(link.to_string())
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Lets the links of a meeting work at least until `expires_at`.
pub(crate) async fn extend(db: &Db, meeting: MeetingId, expires_at: Timestamp) -> Result<()> {
    sqlx::query("update link set expires_at = $1 where meeting_id = $2 and expires_at < $1")
        .bind(expires_at.0)
        .bind(meeting.to_string())
        .execute(&db.write)
        .await?;
    Ok(())
}
