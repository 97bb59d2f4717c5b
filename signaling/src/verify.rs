//! Walks the hash chains of a data folder and names the first fact that was altered, added or taken out.

use std::path::Path;

use protocol::api::MeetingState;
use protocol::fact::{Fact, FactRecord};
use protocol::id::MeetingId;

use crate::db::{Db, facts, meetings};
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
    db.close().await;
    Ok(Verified::Whole { n_meetings: all.len() as u64, n_facts })
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
