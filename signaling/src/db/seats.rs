//! Seats: who a participant of a meeting is, and the secrets that prove it.

use protocol::id::{AccountId, DelegateId, LinkId, MeetingId, ParticipantId, SiteId};
use protocol::role::RoomRole;
use protocol::time::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Db, Result, Writer, links, parsed, parsed_option, to_word, word};
use crate::secret;

/// Secrets that one seat keeps; older ones are forgotten. A site has a page or two open, not nine.
const TOKENS_MAX: i64 = 8;

/// A seat of a meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeatRow {
    pub(crate) participant: ParticipantId,
    pub(crate) meeting: MeetingId,
    pub(crate) role: RoomRole,
    pub(crate) name: String,
    pub(crate) site: Option<SiteId>,
    pub(crate) account: Option<AccountId>,
    pub(crate) link: Option<LinkId>,
    /// The delegate whose seat it is; `site` is then where it sits.
    pub(crate) delegate: Option<DelegateId>,
    /// The account that watches at a monitor window, and the window's number; `account` is then none.
    pub(crate) watcher: Option<(AccountId, u8)>,
}

/// Keeps a seat for somebody who has not come; the one it has already, if it does. Answers it as it is kept.
pub(crate) async fn reserve(db: &Db, seat: &SeatRow) -> Result<SeatRow> {
    let mut tx = db.write.begin().await?;
    // A moment of 0: nobody has sat there yet.
    let kept = keep(&mut tx, seat, Timestamp(0)).await?;
    tx.commit().await?;
    Ok(kept)
}

/// Gives a seat (`seat.participant` is used only if the site or account has none in this meeting yet)
/// and a new secret for it. Answers the seat as it is kept.
pub(crate) async fn give(db: &Db, seat: &SeatRow, token: &str, now: Timestamp) -> Result<SeatRow> {
    let mut tx = db.write.begin().await?;
    let kept = keep(&mut tx, seat, now).await?;
    sqlx::query(
        "insert into seat_token (token_hash, participant_id, created_at) values ($1, $2, $3)",
    )
    .bind(secret::hash(token))
    .bind(kept.participant.to_string())
    .bind(now.0)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "delete from seat_token where participant_id = $1 and token_hash not in \
         (select token_hash from seat_token where participant_id = $1 \
          order by created_at desc, token_hash limit $2)",
    )
    .bind(kept.participant.to_string())
    .bind(TOKENS_MAX)
    .execute(&mut *tx)
    .await?;
    if let Some(link) = kept.link {
        links::set_used(&mut tx, link, now).await?;
    }
    tx.commit().await?;
    Ok(kept)
}

async fn keep(tx: &mut Writer, seat: &SeatRow, now: Timestamp) -> Result<SeatRow> {
    let found = sqlx::query(
        "select participant_id from seat \
         where meeting_id = $1 and (site_id = $2 or account_id = $3 or delegate_id = $4 \
         or (watcher_id = $5 and monitor = $6))",
    )
    .bind(seat.meeting.to_string())
    .bind(own_site(seat))
    .bind(seat.account.map(|it| it.to_string()))
    .bind(seat.delegate.map(|it| it.to_string()))
    .bind(seat.watcher.map(|it| it.0.to_string()))
    .bind(seat.watcher.map(|it| i64::from(it.1)))
    .fetch_optional(&mut *tx)
    .await?;
    let mut kept = seat.clone();
    if let Some(row) = found {
        kept.participant = parsed(&row, "participant_id")?;
    }
    sqlx::query(
        "insert into seat (participant_id, meeting_id, site_id, account_id, link_id, role, name, created_at, delegate_id, \
         watcher_id, monitor) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         on conflict (participant_id) do update \
         set link_id = excluded.link_id, role = excluded.role, name = excluded.name, \
         created_at = case seat.created_at when 0 then excluded.created_at else seat.created_at end",
    )
    .bind(kept.participant.to_string())
    .bind(kept.meeting.to_string())
    .bind(own_site(&kept))
    .bind(kept.account.map(|it| it.to_string()))
    .bind(kept.link.map(|it| it.to_string()))
    .bind(to_word(kept.role))
    .bind(&kept.name)
    .bind(now.0)
    .bind(kept.delegate.map(|it| it.to_string()))
    .bind(kept.watcher.map(|it| it.0.to_string()))
    .bind(kept.watcher.map(|it| i64::from(it.1)))
    .execute(&mut *tx)
    .await?;
    Ok(kept)
}

/// A site has one seat in a meeting; the delegates who sit there have seats of their own.
fn own_site(seat: &SeatRow) -> Option<String> {
    seat.site.filter(|_| seat.delegate.is_none()).map(|it| it.to_string())
}

/// A delegate's site is kept with the delegate.
const COLUMNS: &str = "select seat.participant_id, seat.meeting_id, seat.role, seat.name, \
     coalesce(seat.site_id, delegate.site_id) as site_id, seat.account_id, seat.link_id, \
     seat.delegate_id, seat.watcher_id, seat.monitor, seat.created_at from seat \
     left join delegate on delegate.delegate_id = seat.delegate_id ";

/// The seat that a secret proves, and when the secret was given.
pub(crate) async fn find_by_token(db: &Db, token: &str) -> Result<Option<(SeatRow, Timestamp)>> {
    let text = format!(
        "select it.*, seat_token.created_at as given_at from seat_token \
         join ({COLUMNS}) as it on it.participant_id = seat_token.participant_id \
         where token_hash = $1"
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(secret::hash(token))
        .fetch_optional(&db.read)
        .await?;
    row.map(|row| Ok((seat(&row)?, Timestamp(row.try_get("given_at")?)))).transpose()
}

/// The seat of a link's site, if it was ever taken.
pub(crate) async fn find_by_site(
    db: &Db,
    meeting: MeetingId,
    site: SiteId,
) -> Result<Option<SeatRow>> {
    find(db, "seat.site_id", meeting, site.to_string()).await
}

/// The seat of an account, if it was ever taken.
pub(crate) async fn find_by_account(
    db: &Db,
    meeting: MeetingId,
    account: AccountId,
) -> Result<Option<SeatRow>> {
    find(db, "seat.account_id", meeting, account.to_string()).await
}

/// The seat of a delegate, if it was ever taken.
pub(crate) async fn find_by_delegate(
    db: &Db,
    meeting: MeetingId,
    delegate: DelegateId,
) -> Result<Option<SeatRow>> {
    find(db, "seat.delegate_id", meeting, delegate.to_string()).await
}

async fn find(
    db: &Db,
    column: &'static str,
    meeting: MeetingId,
    id: String,
) -> Result<Option<SeatRow>> {
    let text = format!("{COLUMNS} where seat.meeting_id = $1 and {column} = $2");
    let row = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(meeting.to_string())
        .bind(id)
        .fetch_optional(&db.read)
        .await?;
    row.map(|row| seat(&row)).transpose()
}

fn seat(row: &SqliteRow) -> Result<SeatRow> {
    Ok(SeatRow {
        participant: parsed(row, "participant_id")?,
        meeting: parsed(row, "meeting_id")?,
        role: word(row, "role")?,
        name: row.try_get("name")?,
        site: parsed_option(row, "site_id")?,
        account: parsed_option(row, "account_id")?,
        link: parsed_option(row, "link_id")?,
        delegate: parsed_option(row, "delegate_id")?,
        watcher: watcher(row)?,
    })
}

fn watcher(row: &SqliteRow) -> Result<Option<(AccountId, u8)>> {
    let account = parsed_option(row, "watcher_id")?;
    let window: Option<i64> = row.try_get("monitor")?;
    let window = window.and_then(|it| u8::try_from(it).ok());
    Ok(account.zip(window))
}
