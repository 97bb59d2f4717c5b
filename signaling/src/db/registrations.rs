//! Who asked to speak before the meeting opened. Only while it is scheduled; what was asked stays as a record.

use protocol::conduct::Registration;
use protocol::id::{DelegateId, LinkId, MeetingId, SiteId};
use protocol::time::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Db, Result, parsed_option};

/// Registrations of one meeting: more could not speak in a week.
const REGISTRATIONS_MAX: i64 = 500;

/// A registration with the link by which its site comes.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) registration: Registration,
    pub(crate) link: Option<LinkId>,
}

/// How writing one down ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// It is kept.
    Kept,
    /// The meeting waits no longer to be opened.
    TooLate,
    /// There are as many as there may be.
    Full,
}

/// Writes a registration down, or its new subject: the place in the queue stays.
pub(crate) async fn put(
    db: &Db,
    meeting: MeetingId,
    site: Option<SiteId>,
    delegate: Option<DelegateId>,
    subject: &str,
    now: Timestamp,
) -> Result<Written> {
    let mut tx = db.write.begin().await?;
    let waits: i64 = sqlx::query_scalar(
        "select count(*) from meeting where meeting_id = $1 and state = 'scheduled'",
    )
    .bind(meeting.to_string())
    .fetch_one(&mut *tx)
    .await?;
    if waits == 0 {
        return Ok(Written::TooLate);
    }
    let others: i64 = sqlx::query_scalar(
        "select count(*) from registration where meeting_id = $1 and holder <> $2",
    )
    .bind(meeting.to_string())
    .bind(holder(site, delegate))
    .fetch_one(&mut *tx)
    .await?;
    if others >= REGISTRATIONS_MAX {
        return Ok(Written::Full);
    }
    sqlx::query(
        "insert into registration (meeting_id, holder, site_id, delegate_id, subject, asked_at) \
         values ($1, $2, $3, $4, $5, $6) \
         on conflict (meeting_id, holder) do update set subject = excluded.subject",
    )
    .bind(meeting.to_string())
    .bind(holder(site, delegate))
    .bind(site.map(|it| it.to_string()))
    .bind(delegate.map(|it| it.to_string()))
    .bind(subject)
    .bind(now.0)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Written::Kept)
}

/// Withdraws a registration, if the meeting still waits to be opened. False: it does not.
pub(crate) async fn remove(
    db: &Db,
    meeting: MeetingId,
    site: Option<SiteId>,
    delegate: Option<DelegateId>,
) -> Result<bool> {
    let mut tx = db.write.begin().await?;
    let waits: i64 = sqlx::query_scalar(
        "select count(*) from meeting where meeting_id = $1 and state = 'scheduled'",
    )
    .bind(meeting.to_string())
    .fetch_one(&mut *tx)
    .await?;
    sqlx::query(
        "delete from registration where meeting_id = $1 and holder = $2 and \
         (select state from meeting where meeting_id = $1) = 'scheduled'",
    )
    .bind(meeting.to_string())
    .bind(holder(site, delegate))
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(waits > 0)
}

/// The subject that a site or a delegate registered, if it did.
pub(crate) async fn subject(
    db: &Db,
    meeting: MeetingId,
    site: Option<SiteId>,
    delegate: Option<DelegateId>,
) -> Result<Option<String>> {
    let text = "select subject from registration where meeting_id = $1 and holder = $2";
    let found = sqlx::query_scalar(text)
        .bind(meeting.to_string())
        .bind(holder(site, delegate))
        .fetch_optional(&db.read)
        .await?;
    Ok(found)
}

/// The registrations of a meeting, first come first; not of those whose link was taken away.
pub(crate) async fn list(db: &Db, meeting: MeetingId) -> Result<Vec<Row>> {
    let rows = sqlx::query(
        "select registration.site_id, coalesce(site.name, '') as site_name, \
         registration.delegate_id, coalesce(delegate.name, '') as name, \
         coalesce(delegate.title, '') as title, subject, asked_at, link_id from registration \
         left join site on site.site_id = registration.site_id \
         left join link on link.meeting_id = registration.meeting_id \
         and link.site_id = registration.site_id \
         left join delegate on delegate.delegate_id = registration.delegate_id \
         where registration.meeting_id = $1 \
         and coalesce(delegate.revoked, link.revoked, 1) = 0 \
         order by asked_at, holder limit $2",
    )
    .bind(meeting.to_string())
    .bind(REGISTRATIONS_MAX)
    .fetch_all(&db.read)
    .await?;
    rows.iter().map(row).collect()
}

fn row(row: &SqliteRow) -> Result<Row> {
    let (name, title): (String, String) = (row.try_get("name")?, row.try_get("title")?);
    let registration = Registration {
        site: parsed_option(row, "site_id")?,
        site_name: row.try_get("site_name")?,
        delegate: parsed_option(row, "delegate_id")?,
        delegate_name: super::delegates::full_name(&name, &title),
        subject: row.try_get("subject")?,
        asked_at: Timestamp(row.try_get("asked_at")?),
    };
    Ok(Row { registration, link: parsed_option(row, "link_id")? })
}

/// A delegate speaks for itself, a page without one for its site.
fn holder(site: Option<SiteId>, delegate: Option<DelegateId>) -> String {
    let delegate = delegate.map(|it| it.to_string());
    delegate.or_else(|| site.map(|it| it.to_string())).unwrap_or_default()
}
