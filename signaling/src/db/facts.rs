//! The log of facts: appended in groups, hash-chained, never changed. What other tables say because of a
//! fact (a meeting is open, a recording exists, a seat was shown out) is written in the same transaction.

use protocol::fact::{Fact, FactRecord, LeaveReason};
use protocol::id::{CommandId, MeetingId};
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;

use super::{Db, DbError, Result, Writer, json, parsed, parsed_option, signed, unsigned};
use crate::secret::hex;

/// A fact and the command that caused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) record: FactRecord,
    pub(crate) command: Option<CommandId>,
}

/// The facts of one meeting that are to be appended together.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) meeting: MeetingId,
    pub(crate) entries: Vec<Entry>,
}

/// A row as it is kept, for checking the chain.
pub(crate) struct ChainRow {
    pub(crate) seq: u64,
    pub(crate) record: String,
    pub(crate) hash: String,
}

/// The text that is hashed: fields in the order of the type, no spaces.
pub(crate) fn canonical(record: &FactRecord) -> Result<String> {
    serde_json::to_string(record).map_err(|error| DbError::Corrupt(format!("fact: {error}")))
}

/// The hash of a fact. `before` is the hash of the fact before it, empty for the first.
pub(crate) fn chain(before: &str, record: &str, meeting: MeetingId) -> String {
    let mut hash = Sha256::new();
    hash.update(before.as_bytes());
    hash.update(record.as_bytes());
    hash.update(meeting.to_string().as_bytes());
    hex(&hash.finalize())
}

/// Appends batches in one transaction: one wait for the disk, however many rooms speak at once.
pub(crate) async fn append(db: &Db, batches: &[Batch]) -> Result<()> {
    let mut tx = db.write.begin().await?;
    for batch in batches {
        let mut before = last_hash_in(&mut tx, batch.meeting).await?;
        for entry in &batch.entries {
            let record = canonical(&entry.record)?;
            let hash = chain(&before, &record, batch.meeting);
            sqlx::query(
                "insert into fact (meeting_id, seq, record, command_id, hash) \
                 values ($1, $2, $3, $4, $5)",
            )
            .bind(batch.meeting.to_string())
            .bind(signed(entry.record.seq))
            .bind(record)
            .bind(entry.command.map(|it| it.to_string()))
            .bind(&hash)
            .execute(&mut *tx)
            .await?;
            project(&mut tx, batch.meeting, &entry.record).await?;
            before = hash;
        }
    }
    tx.commit().await?;
    Ok(())
}

async fn last_hash_in(tx: &mut Writer, meeting: MeetingId) -> Result<String> {
    let found: Option<String> =
        sqlx::query_scalar("select hash from fact where meeting_id = $1 order by seq desc limit 1")
            .bind(meeting.to_string())
            .fetch_optional(&mut *tx)
            .await?;
    Ok(found.unwrap_or_default())
}

/// What other tables say because of this fact.
async fn project(tx: &mut Writer, meeting: MeetingId, record: &FactRecord) -> Result<()> {
    let (at, meeting) = (record.at.0, meeting.to_string());
    match &record.fact {
        Fact::Opened { .. } | Fact::Ended => {
            let change = match &record.fact {
                Fact::Ended => {
                    "update meeting set state = 'ended', ended_at = $1 where meeting_id = $2"
                }
                _ => "update meeting set state = 'open', opened_at = $1 where meeting_id = $2",
            };
            sqlx::query(change).bind(at).bind(meeting).execute(&mut *tx).await?;
        }
        Fact::RecordingStarted { recording } => {
            // Said again when the recorder writes again after a failure: then the row is there.
            sqlx::query(
                "insert into recording (recording_id, meeting_id, started_at, phase, permille, \
                 remaining_ms, ms, bytes, files) values ($1, $2, $3, 'recording', 0, 0, 0, 0, '[]') \
                 on conflict (recording_id) do nothing",
            )
            .bind(recording.to_string())
            .bind(meeting)
            .bind(at)
            .execute(&mut *tx)
            .await?;
        }
        Fact::RecordingStopped { recording } => {
            sqlx::query(
                "update recording set stopped_at = $1, phase = 'composing' where recording_id = $2",
            )
            .bind(at)
            .bind(recording.to_string())
            .execute(&mut *tx)
            .await?;
        }
        Fact::Left { participant, reason: LeaveReason::Removed } => {
            return show_out(tx, &participant.to_string()).await;
        }
        Fact::Left { .. }
        | Fact::Seated { .. }
        | Fact::Joined { .. }
        | Fact::Declared { .. }
        | Fact::Published { .. }
        | Fact::Unpublished { .. }
        | Fact::MicrophoneGranted { .. }
        | Fact::SelfMuted { .. }
        | Fact::HandRaised { .. }
        | Fact::FloorGranted { .. }
        | Fact::FloorReleased { .. }
        | Fact::Spoke { .. }
        | Fact::MainPicture { .. }
        | Fact::AllMuted
        | Fact::PacketsTraced { .. }
        | Fact::MessageSent { .. }
        | Fact::DecisionMarked { .. }
        | Fact::RecordingFailed { .. }
        | Fact::Conduct(_)
        | Fact::Agenda(_)
        | Fact::Roll(_)
        | Fact::Vote(_)
        | Fact::Desk(_)
        | Fact::Scene(_)
        | Fact::Paper(_)
        | Fact::Breakout(_)
        | Fact::Resumed => {}
    }
    Ok(())
}

/// Whoever is shown out cannot come back with the seat's secrets nor by the link: the office renews it.
async fn show_out(tx: &mut Writer, participant: &str) -> Result<()> {
    sqlx::query("delete from seat_token where participant_id = $1")
        .bind(participant)
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "update link set revoked = 1 where link_id in \
         (select link_id from seat where participant_id = $1)",
    )
    .bind(participant)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// All facts of a meeting, in order.
pub(crate) async fn list(db: &Db, meeting: MeetingId) -> Result<Vec<Entry>> {
    let rows =
        sqlx::query("select record, command_id from fact where meeting_id = $1 order by seq")
            .bind(meeting.to_string())
            .fetch_all(&db.read)
            .await?;
    rows.iter()
        .map(|row| {
            Ok(Entry { record: json(row, "record")?, command: parsed_option(row, "command_id")? })
        })
        .collect()
}

/// The hash of a meeting's last fact; empty if it has none.
pub(crate) async fn last_hash(db: &Db, meeting: MeetingId) -> Result<String> {
    let found: Option<String> =
        sqlx::query_scalar("select hash from fact where meeting_id = $1 order by seq desc limit 1")
            .bind(meeting.to_string())
            .fetch_optional(&db.read)
            .await?;
    Ok(found.unwrap_or_default())
}

/// The meetings that have facts.
pub(crate) async fn meetings(db: &Db) -> Result<Vec<MeetingId>> {
    let rows = sqlx::query("select distinct meeting_id from fact order by meeting_id")
        .fetch_all(&db.read)
        .await?;
    rows.iter().map(|row| parsed(row, "meeting_id")).collect()
}

/// The chain of a meeting, as it is kept.
pub(crate) async fn chain_rows(db: &Db, meeting: MeetingId) -> Result<Vec<ChainRow>> {
    let rows = sqlx::query("select seq, record, hash from fact where meeting_id = $1 order by seq")
        .bind(meeting.to_string())
        .fetch_all(&db.read)
        .await?;
    rows.iter()
        .map(|row| {
            Ok(ChainRow {
                seq: unsigned(row, "seq")?,
                record: row.try_get("record")?,
                hash: row.try_get("hash")?,
            })
        })
        .collect()
}
