//! Custody logs of recordings: appended, chained by hash, never changed.

use protocol::api::{Account, RecordingPhase};
use protocol::custody::{
    Custody, CustodyAct, CustodyEntry, CustodyEvent, DestructionAsked, ENTRIES_SHOWN_MAX,
};
use protocol::error::ErrorCode;
use protocol::id::{AccountId, RecordingId};
use protocol::time::Timestamp;
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Db, DbError, Result, Writer, json, parsed, unsigned, word};
use crate::custody::State;
use crate::secret::hex;

/// Looking again within this time is the same looking, ms.
const VIEWED_AGAIN_MS: i64 = 3_600_000;

/// A download in pieces is one, ms.
const DOWNLOADED_AGAIN_MS: i64 = 600_000;

/// The composed video, which is looked at; every other file is taken.
const COMPOSED: &str = "composed.mp4";

/// Files of the review page itself: they show no more than the page does.
const OF_THE_PAGE: [&str; 2] = ["review.json", "review.jpg"];

/// What a request for a file is, if it is anything.
pub(crate) fn of_request(path: &str, is_download: bool) -> Option<CustodyEvent> {
    if OF_THE_PAGE.contains(&path) {
        return None;
    }
    if path == COMPOSED && !is_download {
        return Some(CustodyEvent::Viewed);
    }
    Some(CustodyEvent::Downloaded { path: path.to_owned() })
}

/// Puts a viewing or a download on record, unless the same one was just now.
pub(crate) async fn note(
    db: &Db,
    recording: RecordingId,
    account: AccountId,
    event: &CustodyEvent,
    now: Timestamp,
) -> Result<()> {
    let again = match event {
        CustodyEvent::Viewed => VIEWED_AGAIN_MS,
        _ => DOWNLOADED_AGAIN_MS,
    };
    let known = sqlx::query(
        "select 1 from recording_custody where recording_id = $1 and account_id = $2 \
         and event = $3 and at > $4 limit 1",
    )
    .bind(recording.to_string())
    .bind(account.to_string())
    .bind(written(event)?)
    .bind(now.0 - again)
    .fetch_optional(&db.read)
    .await?;
    if known.is_none() {
        let mut tx = db.write.begin().await?;
        append(&mut tx, recording, account, event, now).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Carries out an act, if the log allows it: decided and written in one transaction, so of two who act in the same
/// instant the second sees the first.
pub(crate) async fn act(
    db: &Db,
    recording: RecordingId,
    account: &Account,
    act: &CustodyAct,
    now: Timestamp,
) -> Result<std::result::Result<CustodyEvent, ErrorCode>> {
    let mut tx = db.write.begin().await?;
    let rows = sqlx::query(ROWS).bind(recording.to_string()).fetch_all(&mut *tx).await?;
    let phase = sqlx::query("select phase from recording where recording_id = $1")
        .bind(recording.to_string())
        .fetch_optional(&mut *tx)
        .await?;
    let Some(phase) = phase else { return Ok(Err(ErrorCode::NotFound)) };
    let phase: RecordingPhase = word(&phase, "phase")?;
    let decided = folded(&rows)?.decide(act, account.id, account.role, phase);
    if let Ok(event) = &decided {
        append(&mut tx, recording, account.id, event, now).await?;
        tx.commit().await?;
    }
    Ok(decided)
}

const ROWS: &str = "select seq, at, recording_custody.account_id, event, hash, name \
     from recording_custody join account on account.account_id = recording_custody.account_id \
     where recording_id = $1 order by seq";

/// How a recording is kept, as `reader` sees it.
pub(crate) async fn show(
    db: &Db,
    recording: RecordingId,
    phase: RecordingPhase,
    reader: &Account,
) -> Result<Custody> {
    let rows = sqlx::query(ROWS).bind(recording.to_string()).fetch_all(&db.read).await?;
    let state = folded(&rows)?;
    let may = state.rights(reader.id, reader.role, phase);
    let mut entries = Vec::new();
    for row in rows.iter().rev().take(ENTRIES_SHOWN_MAX) {
        let at = Timestamp(row.try_get("at")?);
        entries.push(CustodyEntry { at, by: row.try_get("name")?, event: json(row, "event")? });
    }
    let n_entries = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    let asked = match state.asked {
        None => None,
        Some(asked) => {
            let is_theirs = |it: &&SqliteRow| {
                it.try_get::<String, _>("account_id").is_ok_and(|id| id == asked.by.to_string())
            };
            let row = rows.iter().find(is_theirs);
            let by = row.map(|it| it.try_get("name")).transpose()?.unwrap_or_default();
            let mine = asked.by == reader.id;
            Some(DestructionAsked { by, at: asked.at, reason: asked.reason, mine })
        }
    };
    Ok(Custody { held: state.held, asked, may, entries, n_entries })
}

/// Recordings whose destruction was approved and that are still there.
pub(crate) async fn left_over(db: &Db) -> Result<Vec<RecordingId>> {
    let rows = sqlx::query(
        "select recording.recording_id from recording_custody \
         join recording on recording.recording_id = recording_custody.recording_id \
         where event = $1 and phase <> 'destroyed'",
    )
    .bind(written(&CustodyEvent::Destroyed)?)
    .fetch_all(&db.read)
    .await?;
    rows.iter().map(|row| parsed(row, "recording_id")).collect()
}

/// The first line of any custody log that is not as it was written: its recording and number.
pub(crate) async fn first_wrong(db: &Db) -> Result<Option<(RecordingId, u64)>> {
    let rows = sqlx::query(
        "select recording_id, seq, at, account_id, event, hash from recording_custody \
         order by recording_id, seq",
    )
    .fetch_all(&db.read)
    .await?;
    let (mut of, mut before, mut seq) = (None, String::new(), 0);
    for row in &rows {
        let recording: RecordingId = parsed(row, "recording_id")?;
        if of != Some(recording) {
            (of, before, seq) = (Some(recording), String::new(), 0);
        }
        seq += 1;
        let event: String = row.try_get("event")?;
        let account: String = row.try_get("account_id")?;
        let (at, hash): (i64, String) = (row.try_get("at")?, row.try_get("hash")?);
        if unsigned(row, "seq")? != seq || chain(&before, recording, at, &account, &event) != hash {
            return Ok(Some((recording, seq)));
        }
        before = hash;
    }
    Ok(None)
}

/// Bytes of all recordings, how many there are, and how many bytes came since a moment.
pub(crate) async fn storage(db: &Db, since: Timestamp) -> Result<(u32, u64, u64)> {
    let row = sqlx::query(
        "select count(*) as n, coalesce(sum(bytes), 0) as bytes, \
         coalesce(sum(case when started_at >= $1 then bytes else 0 end), 0) as lately \
         from recording where phase <> 'destroyed'",
    )
    .bind(since.0)
    .fetch_one(&db.read)
    .await?;
    let n = u32::try_from(unsigned(&row, "n")?).unwrap_or(u32::MAX);
    Ok((n, unsigned(&row, "bytes")?, unsigned(&row, "lately")?))
}

fn folded(rows: &[SqliteRow]) -> Result<State> {
    let mut state = State::default();
    for row in rows {
        let event: CustodyEvent = json(row, "event")?;
        state.apply(parsed(row, "account_id")?, Timestamp(row.try_get("at")?), &event);
    }
    Ok(state)
}

async fn append(
    tx: &mut Writer,
    recording: RecordingId,
    account: AccountId,
    event: &CustodyEvent,
    now: Timestamp,
) -> Result<()> {
    let last = sqlx::query(
        "select seq, hash from recording_custody where recording_id = $1 order by seq desc limit 1",
    )
    .bind(recording.to_string())
    .fetch_optional(&mut *tx)
    .await?;
    let (seq, before): (i64, String) = match last {
        Some(row) => (row.try_get("seq")?, row.try_get("hash")?),
        None => (0, String::new()),
    };
    let (account, event) = (account.to_string(), written(event)?);
    let hash = chain(&before, recording, now.0, &account, &event);
    sqlx::query(
        "insert into recording_custody (recording_id, seq, at, account_id, event, hash) \
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(recording.to_string())
    .bind(seq + 1)
    .bind(now.0)
    .bind(account)
    .bind(event)
    .bind(hash)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

fn written(event: &CustodyEvent) -> Result<String> {
    serde_json::to_string(event).map_err(|error| DbError::Corrupt(format!("custody: {error}")))
}

fn chain(before: &str, recording: RecordingId, at: i64, account: &str, event: &str) -> String {
    let mut hash = Sha256::new();
    let at = at.to_string();
    let id = recording.to_string();
    for part in [before, &id, &at, account, event] {
        // The length first, so that no two lines are the same bytes.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex(&hash.finalize())
}
