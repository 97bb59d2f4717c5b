//! Walks the hash chains of a data folder and names the first fact that was altered, added or taken out.

use std::path::Path;

use protocol::api::MeetingState;
use protocol::fact::{Fact, FactRecord};
use protocol::id::{MeetingId, RecordingId};

use crate::db::{Db, custody, facts, meetings};
use crate::error::Error;

/// What [`verify`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    /// Every chain is whole.
    Whole {
        /// Meetings with facts.
        n_meetings: u64,
        /// Facts checked.
        n_facts: u64,
    },
    /// A fact is not what was written.
    Altered {
        /// The meeting.
        meeting: MeetingId,
        /// Its title, for people.
        title: String,
        /// Number of the first fact that is wrong or missing.
        seq: u64,
        /// What is wrong with it, in English.
        reason: &'static str,
    },
    /// A line of a recording's custody log is not what was written.
    CustodyAltered {
        /// The recording.
        recording: RecordingId,
        /// Number of the first line that is wrong or missing.
        seq: u64,
    },
}

/// Checks the facts of every meeting of a data folder. The server may be running.
pub async fn verify(data: &Path) -> Result<Verified, Error> {
    let db = Db::open_read_only(data).await?;
    let mut n_facts = 0;
    let all = facts::meetings(&db).await?;
    for meeting in &all {
        let rows = facts::chain_rows(&db, *meeting).await?;
        let found = meetings::find(&db, *meeting).await?;
        let ended = found.as_ref().is_some_and(|it| it.state == MeetingState::Ended);
        if let Some((seq, reason)) = first_wrong(*meeting, &rows, ended) {
            let title = found.map(|it| it.title).unwrap_or_default();
            db.close().await;
            return Ok(Verified::Altered { meeting: *meeting, title, seq, reason });
        }
        n_facts += rows.len() as u64;
    }
    let custody = custody::first_wrong(&db).await?;
    db.close().await;
    if let Some((recording, seq)) = custody {
        return Ok(Verified::CustodyAltered { recording, seq });
    }
    Ok(Verified::Whole { n_meetings: all.len() as u64, n_facts })
}

/// Copies the database of a data folder, as it is at one moment, to the new file `to`. The server may be running.
///
/// # Errors
/// There is no database, or the disk is full.
pub async fn copy_database(data: &Path, to: &Path) -> Result<(), Error> {
    let failed = || Error::DataNotWritable {
        path: to.to_owned(),
        source: std::io::ErrorKind::InvalidFilename.into(),
    };
    let file = to.to_str().ok_or_else(failed)?;
    let db = Db::open_read_only(data).await?;
    let copied = db.copy_to(file).await;
    db.close().await;
    Ok(copied?)
}

fn first_wrong(
    meeting: MeetingId,
    rows: &[facts::ChainRow],
    ended: bool,
) -> Option<(u64, &'static str)> {
    let mut before = String::new();
    let mut last = None;
    for (expected, row) in (1..).zip(rows) {
        if row.seq != expected {
            return Some((expected, "this fact is missing"));
        }
        if row.hash != facts::chain(&before, &row.record, meeting) {
            return Some((expected, "its content does not fit the chain of hashes"));
        }
        let Ok(record) = serde_json::from_str::<FactRecord>(&row.record) else {
            return Some((expected, "it is not a fact"));
        };
        if record.seq != expected {
            return Some((expected, "it carries another number"));
        }
        before.clone_from(&row.hash);
        last = Some(record.fact);
    }
    let n_rows = rows.len() as u64;
    (ended && last != Some(Fact::Ended)).then_some((n_rows + 1, "the last facts are missing"))
}

#[cfg(test)]
mod tests {
    use protocol::error::ErrorCode;
    use protocol::time::Timestamp;

    use super::*;
    use crate::db::DbError;
    use crate::db::facts::{Batch, Entry};
    use crate::db::meetings::NewRow;

    async fn meeting(db: &Db, n: u64) -> MeetingId {
        let id = MeetingId::from_parts(n, 0);
        let row = NewRow {
            id,
            code: format!("m{n}"),
            title: format!("Hội nghị {n}"),
            venue: String::new(),
            scheduled_at: Timestamp(0),
            created_by: None,
            links: Vec::new(),
            links_expire_at: Timestamp(0),
        };
        meetings::insert(db, &row, Timestamp(0)).await.unwrap();
        id
    }

    fn batch(meeting: MeetingId, seqs: std::ops::RangeInclusive<u64>, fact: &Fact) -> Batch {
        let entry = |seq| Entry {
            record: FactRecord { seq, at: Timestamp(0), by: None, fact: fact.clone() },
            command: None,
        };
        Batch { meeting, entries: seqs.map(entry).collect() }
    }

    #[tokio::test]
    async fn the_first_altered_fact_is_named() {
        let data = tempfile::tempdir().unwrap();
        let db = Db::open(data.path()).await.unwrap();
        let (first, second) = (meeting(&db, 1).await, meeting(&db, 2).await);
        let group = [batch(first, 1..=3, &Fact::AllMuted), batch(second, 1..=5, &Fact::AllMuted)];
        facts::append(&db, &group).await.unwrap();
        facts::append(&db, &[batch(second, 6..=6, &Fact::Ended)]).await.unwrap();
        let whole = Verified::Whole { n_meetings: 2, n_facts: 9 };
        assert_eq!(verify(data.path()).await.unwrap(), whole);
        db.damage("update fact set record = replace(record, '\"at\":0', '\"at\":1') where seq = 4")
            .await;
        let found = verify(data.path()).await.unwrap();
        assert!(matches!(&found, Verified::Altered { seq: 4, title, .. } if title == "Hội nghị 2"));
        db.damage("update fact set record = replace(record, '\"at\":1', '\"at\":0') where seq = 4")
            .await;
        assert_eq!(verify(data.path()).await.unwrap(), whole);
        db.damage("delete from fact where seq = 6").await;
        let found = verify(data.path()).await.unwrap();
        assert!(matches!(found, Verified::Altered { seq: 6, .. }), "{found:?}");
        db.damage("delete from fact where seq = 2").await;
        let found = verify(data.path()).await.unwrap();
        assert!(matches!(found, Verified::Altered { meeting, seq: 2, .. } if meeting == first));
    }

    #[tokio::test]
    async fn a_full_disk_is_told_apart_and_leaves_the_log_as_it_was() {
        let data = tempfile::tempdir().unwrap();
        let db = Db::open(data.path()).await.unwrap();
        let id = meeting(&db, 1).await;
        facts::append(&db, &[batch(id, 1..=1, &Fact::AllMuted)]).await.unwrap();
        db.limit_growth(Some(0)).await;
        let title = "x".repeat(4_000);
        let large = batch(id, 2..=20, &Fact::Opened { title });
        let error = facts::append(&db, std::slice::from_ref(&large)).await.unwrap_err();
        assert!(matches!(error, DbError::DiskFull), "{error}");
        assert_eq!(error.code(), ErrorCode::DiskFull);
        assert_eq!(facts::list(&db, id).await.unwrap().len(), 1);
        db.limit_growth(None).await;
        facts::append(&db, &[large]).await.unwrap();
        let whole = Verified::Whole { n_meetings: 1, n_facts: 20 };
        assert_eq!(verify(data.path()).await.unwrap(), whole);
    }

    #[tokio::test]
    async fn where_there_is_no_database_none_is_made() {
        let data = tempfile::tempdir().unwrap();
        let error = verify(data.path()).await.unwrap_err();
        assert!(matches!(error, Error::NoDatabase { .. }));
        assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 0);
    }
}
