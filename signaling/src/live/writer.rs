//! Group commit: all rooms hand their facts to one task, which writes whatever has gathered in one
//! transaction. The disk is waited for once, however many rooms speak.

use protocol::error::ErrorCode;
use tokio::sync::{mpsc, oneshot};

use crate::db::facts::{self, Batch};
use crate::db::{Db, DbError};

/// Batches waiting for the disk; each room has at most one.
const WAITING_MAX: usize = 256;

/// Batches in one transaction: a transaction of 64 small ones takes about as long as one of them.
const GROUP_MAX: usize = 64;

struct Write {
    batch: Batch,
    done: oneshot::Sender<Result<(), ErrorCode>>,
}

/// The way to the disk.
#[derive(Clone, Debug)]
pub(crate) struct FactWriter {
    queue: mpsc::Sender<Write>,
}

impl FactWriter {
    /// Starts the writing task.
    pub(crate) fn start(db: Db) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        tokio::spawn(write_all(db, waiting));
        Self { queue }
    }

    /// Hands over facts; the receiver tells when they are on disk, or that they never will be.
    pub(crate) async fn write(&self, batch: Batch) -> oneshot::Receiver<Result<(), ErrorCode>> {
        let (done, result) = oneshot::channel();
        if self.queue.send(Write { batch, done }).await.is_err() {
            tracing::error!("the fact writer is gone"); // `result` tells the room by being closed.
        }
        result
    }
}

async fn write_all(db: Db, mut waiting: mpsc::Receiver<Write>) {
    let mut group = Vec::with_capacity(GROUP_MAX);
    while waiting.recv_many(&mut group, GROUP_MAX).await > 0 {
        let (batches, done): (Vec<_>, Vec<_>) =
            group.drain(..).map(|it| (it.batch, it.done)).unzip();
        let result = write_group(&db, &batches, done.len()).await;
        for (done, result) in done.into_iter().zip(result) {
            // A room that is gone needs no answer.
            let _ = done.send(result);
        }
    }
}

/// Writes all, or, if that fails for a reason that may be one room's own, each alone.
async fn write_group(db: &Db, batches: &[Batch], n: usize) -> Vec<Result<(), ErrorCode>> {
    match facts::append(db, batches).await {
        Ok(()) => vec![Ok(()); n],
        Err(error @ DbError::DiskFull) => {
            tracing::error!(%error, "facts were refused; free some space in the data folder");
            vec![Err(error.code()); n]
        }
        Err(error) if n == 1 => {
            tracing::error!(%error, "facts could not be written");
            vec![Err(error.code())]
        }
        Err(_) => {
            let mut results = Vec::with_capacity(n);
            for batch in batches {
                let result = facts::append(db, std::slice::from_ref(batch)).await;
                results.push(result.map_err(|error| {
                    tracing::error!(meeting = %batch.meeting, %error, "facts could not be written");
                    error.code()
                }));
            }
            results
        }
    }
}
