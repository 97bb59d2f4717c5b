//! Secret polls: their keys, and the ballots that were cast. Nothing here is tied to a voter.

use protocol::id::{MeetingId, VoteId};
use protocol::vote::{Choice, PublishedBallot};
use sqlx::Row as _;

use super::{Db, Result, parsed, to_word, word};

/// A poll as it is kept.
pub(crate) struct PollRow {
    pub(crate) meeting: MeetingId,
    pub(crate) public_key: String,
    pub(crate) private_key: Option<String>,
    pub(crate) closed: bool,
}

/// What became of a ballot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// It is in the box (or was already, with the same answer).
    In,
    /// It was cast before, with another answer.
    CastBefore,
    /// The poll is closed.
    Closed,
}

/// Keeps the key of a poll that is about to open.
pub(crate) async fn insert(
    db: &Db,
    vote: VoteId,
    meeting: MeetingId,
    public_key: &str,
    private_key: &str,
) -> Result<()> {
    sqlx::query(
        "insert into poll (vote_id, meeting_id, public_key, private_key, closed) \
         values ($1, $2, $3, $4, 0)",
    )
    .bind(vote.to_string())
    .bind(meeting.to_string())
    .bind(public_key)
    .bind(private_key)
    .execute(&db.write)
    .await?;
    Ok(())
}

/// A poll.
pub(crate) async fn find(db: &Db, vote: VoteId) -> Result<Option<PollRow>> {
    let row = sqlx::query(
        "select meeting_id, public_key, private_key, closed from poll where vote_id = $1",
    )
    .bind(vote.to_string())
    .fetch_optional(&db.read)
    .await?;
    row.map(|row| {
        Ok(PollRow {
            meeting: parsed(&row, "meeting_id")?,
            public_key: row.try_get("public_key")?,
            private_key: row.try_get("private_key")?,
            closed: row.try_get::<i64, _>("closed")? != 0,
        })
    })
    .transpose()
}

/// Drops a ballot into the box: once, however often it is sent.
pub(crate) async fn cast(db: &Db, vote: VoteId, serial: &str, choice: Choice) -> Result<Dropped> {
    let mut tx = db.write.begin().await?;
    let before = sqlx::query("select choice from ballot where vote_id = $1 and serial = $2")
        .bind(vote.to_string())
        .bind(serial)
        .fetch_optional(&mut *tx)
        .await?;
    if let Some(row) = before {
        let same = word::<Choice>(&row, "choice")? == choice;
        return Ok(if same { Dropped::In } else { Dropped::CastBefore });
    }
    let done = sqlx::query(
        "insert into ballot (vote_id, serial, choice) \
         select vote_id, $2, $3 from poll where vote_id = $1 and closed = 0",
    )
    .bind(vote.to_string())
    .bind(serial)
    .bind(to_word(choice))
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(if done.rows_affected() == 1 { Dropped::In } else { Dropped::Closed })
}

/// Closes the box and destroys the key. Closing it again changes nothing.
pub(crate) async fn close(db: &Db, vote: VoteId) -> Result<()> {
    sqlx::query("update poll set closed = 1, private_key = null where vote_id = $1")
        .bind(vote.to_string())
        .execute(&db.write)
        .await?;
    Ok(())
}

/// The ballots, in the order of their numbers.
pub(crate) async fn ballots(db: &Db, vote: VoteId) -> Result<Vec<PublishedBallot>> {
    let rows = sqlx::query("select serial, choice from ballot where vote_id = $1 order by serial")
        .bind(vote.to_string())
        .fetch_all(&db.read)
        .await?;
    rows.iter()
        .map(|row| {
            Ok(PublishedBallot { serial: row.try_get("serial")?, choice: word(row, "choice")? })
        })
        .collect()
}

/// How many ballots are in the box.
pub(crate) async fn count(db: &Db, vote: VoteId) -> Result<u32> {
    let n: i64 = sqlx::query_scalar("select count(*) from ballot where vote_id = $1")
        .bind(vote.to_string())
        .fetch_one(&db.read)
        .await?;
    Ok(u32::try_from(n).unwrap_or(u32::MAX))
}
