//! Delegates who were named for a meeting, and their links.

use protocol::api::{Delegate, NewDelegate};
use protocol::id::{DelegateId, MeetingId, SiteId};
use protocol::time::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Db, Result, links, parsed, parsed_option};
use crate::secret::{self, Secret, entropy};

/// Delegates of one meeting: as many as a room has seats.
const DELEGATES_MAX: i64 = 4_000;

const COLUMNS: &str = "select delegate.delegate_id, delegate.meeting_id, delegate.site_id, delegate.name, \
     title, votes, token, revoked, nullif(seat.created_at, 0) as came_at \
     from delegate left join seat on seat.delegate_id = delegate.delegate_id ";

/// A delegate with what its link leads to.
#[derive(Clone, Debug)]
pub(crate) struct FoundDelegate {
    pub(crate) meeting: MeetingId,
    pub(crate) revoked: bool,
    pub(crate) delegate: Delegate,
}

/// Names delegates of a site. False: there would be too many.
pub(crate) async fn insert(
    db: &Db,
    meeting: MeetingId,
    site: Option<SiteId>,
    new: &[NewDelegate],
    now: Timestamp,
) -> Result<bool> {
    let mut tx = db.write.begin().await?;
    let have: i64 = sqlx::query_scalar("select count(*) from delegate where meeting_id = $1")
        .bind(meeting.to_string())
        .fetch_one(&mut *tx)
        .await?;
    if have.saturating_add(i64::try_from(new.len()).unwrap_or(i64::MAX)) > DELEGATES_MAX {
        return Ok(false);
    }
    for (one, place) in new.iter().zip(0..) {
        let token = Secret::<16>::random().to_text();
        // Ids sort as they were named.
        let id = DelegateId::from_parts(u64::try_from(now.0).unwrap_or(0) + place, entropy());
        sqlx::query(
            "insert into delegate (delegate_id, meeting_id, site_id, name, title, votes, token, \
             token_hash, revoked, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9)",
        )
        .bind(id.to_string())
        .bind(meeting.to_string())
        .bind(site.map(|it| it.to_string()))
        .bind(&one.name)
        .bind(&one.title)
        .bind(i64::from(one.votes))
        .bind(&token)
        .bind(secret::hash(&token))
        .bind(now.0)
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// The delegates of a meeting, in the order in which they were named.
pub(crate) async fn list(db: &Db, meeting: MeetingId) -> Result<Vec<Delegate>> {
    let text = format!(
        "{COLUMNS} where delegate.meeting_id = $1 and revoked = 0 order by delegate.delegate_id"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(meeting.to_string())
        .fetch_all(&db.read)
        .await?;
    rows.iter().map(delegate).collect()
}

/// What a token leads to.
pub(crate) async fn find_by_token(db: &Db, token: &str) -> Result<Option<FoundDelegate>> {
    let text = format!("{COLUMNS} where delegate.token_hash = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(secret::hash(token))
        .fetch_optional(&db.read)
        .await?;
    row.map(|row| {
        Ok(FoundDelegate {
            meeting: parsed(&row, "meeting_id")?,
            revoked: row.try_get::<i64, _>("revoked")? != 0,
            delegate: delegate(&row)?,
        })
    })
    .transpose()
}

/// Takes a delegate's link away. False if there is none.
pub(crate) async fn revoke(db: &Db, meeting: MeetingId, id: DelegateId) -> Result<bool> {
    let done =
        sqlx::query("update delegate set revoked = 1 where meeting_id = $1 and delegate_id = $2")
            .bind(meeting.to_string())
            .bind(id.to_string())
            .execute(&db.write)
            .await?;
    Ok(done.rows_affected() > 0)
}

/// "Nguyễn Văn A, Bí thư Đảng ủy".
pub(crate) fn full_name(name: &str, title: &str) -> String {
    match title {
        "" => name.to_owned(),
        title => format!("{name}, {title}"),
    }
}

fn delegate(row: &SqliteRow) -> Result<Delegate> {
    let token: String = row.try_get("token")?;
    let came_at: Option<i64> = row.try_get("came_at")?;
    Ok(Delegate {
        id: parsed(row, "delegate_id")?,
        site: parsed_option(row, "site_id")?,
        name: row.try_get("name")?,
        title: row.try_get("title")?,
        votes: row.try_get::<i64, _>("votes")? != 0,
        path: format!("{}{token}", links::PATH),
        came_at: came_at.map(Timestamp),
    })
}
