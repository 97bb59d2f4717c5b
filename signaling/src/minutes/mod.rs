//! Minutes: the draft that is made from the facts when a meeting ends, and again when the secretary asks.

mod chapters;
mod draft;
mod papers;
#[cfg(test)]
mod tests;
mod votes;

use protocol::api::{Minutes, Recording};
use protocol::id::{AccountId, MeetingId};
use protocol::minutes::{MinutesDocument, RecordingRow};
use protocol::time::Timestamp;

pub(crate) use self::chapters::chapters;
use self::draft::Sources;
use crate::db::{Db, DbError, facts, meetings, minutes, recordings, units};

/// The file of a recording that people watch.
const COMPOSED: &str = "composed.mp4";

/// Drafts the minutes of a meeting that has none yet. Answers them as they are then.
pub(crate) async fn draft_if_missing(
    db: &Db,
    meeting: MeetingId,
    now: Timestamp,
) -> Result<Option<Minutes>, DbError> {
    if let Some(found) = find(db, meeting).await? {
        return Ok(Some(found));
    }
    if let Some(document) = draft(db, meeting).await? {
        // Another request may have drafted it at the same moment; theirs is as good as ours.
        minutes::insert(db, meeting, 0, &document, None, now).await?;
    }
    find(db, meeting).await
}

/// Drafts again; the edits are kept only as older versions.
pub(crate) async fn redraft(
    db: &Db,
    meeting: MeetingId,
    by: AccountId,
    now: Timestamp,
) -> Result<Option<Minutes>, DbError> {
    let Some(before) = minutes::find(db, meeting).await? else {
        return draft_if_missing(db, meeting, now).await;
    };
    if let Some(document) = draft(db, meeting).await? {
        minutes::insert(db, meeting, before.version, &document, Some(by), now).await?;
    }
    find(db, meeting).await
}

/// The newest minutes. What they say of recordings is always what is so now: composition ends after the
/// draft is made, and its figures are the log's, not the secretary's.
pub(crate) async fn find(db: &Db, meeting: MeetingId) -> Result<Option<Minutes>, DbError> {
    let Some(mut found) = minutes::find(db, meeting).await? else { return Ok(None) };
    let recordings = recordings::list(db, Some(meeting)).await?;
    found.document.recordings = recording_rows(&recordings);
    Ok(Some(found))
}

async fn draft(db: &Db, meeting: MeetingId) -> Result<Option<MinutesDocument>, DbError> {
    let Some(found) = meetings::find(db, meeting).await? else { return Ok(None) };
    let entries = facts::list(db, meeting).await?;
    let records: Vec<_> = entries.into_iter().map(|it| it.record).collect();
    let sites = units::invited(db, meeting).await?;
    let units = units::list(db).await?;
    let recordings = recordings::list(db, Some(meeting)).await?;
    Ok(Some(draft::draft(&Sources {
        meeting: &found,
        facts: &records,
        sites: &sites,
        province: units.iter().find(|it| it.parent.is_none()).map(|it| it.name.as_str()),
        recordings: recording_rows(&recordings),
        log_hash: facts::last_hash(db, meeting).await?,
    })))
}

fn recording_rows(recordings: &[Recording]) -> Vec<RecordingRow> {
    let mut rows: Vec<_> = recordings
        .iter()
        .map(|it| {
            let composed = it.files.iter().find(|file| file.path == COMPOSED);
            RecordingRow {
                recording: it.id,
                started_at: it.started_at,
                ms: if composed.is_some() { it.ms } else { 0 },
                sha256: composed.map(|file| file.sha256.clone()).unwrap_or_default(),
            }
        })
        .collect();
    rows.sort_by_key(|it| it.started_at);
    rows
}
