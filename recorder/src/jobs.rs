//! Child processes: one composition at a time, a few printed documents. A child that crashes, hangs or
//! talks nonsense costs its own job and nothing else.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use protocol::control::{DocumentFormat, RecordingFile};
use protocol::error::ErrorCode;
use protocol::id::RecordingId;
use protocol::minutes::MinutesDocument;
use protocol::table::{TableDocument, TableFormat};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::session::Job;

/// Most compositions waiting. One more fails and can be asked for again.
pub const COMPOSE_QUEUE_MAX: usize = 256;
/// Most documents printed at once; more wait.
pub const DOCUMENTS_AT_ONCE_MAX: usize = 2;
/// A composition that says nothing for so long is ended. It speaks twice a second while it works; one
/// step (reading a long log, moving the index of a long video) was never seen to take a minute.
const SILENCE_MAX: Duration = Duration::from_secs(600);
/// Longest line that a composition may print.
const LINE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// A document that takes longer is given up.
const DOCUMENT_TIME_MAX: Duration = Duration::from_secs(120);
/// Largest printed document.
const DOCUMENT_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// What a composing child prints, one JSON value a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum WorkerLine {
    /// It goes on.
    Progress {
        /// Done, thousandths.
        permille: u16,
        /// About this much longer, ms.
        remaining_ms: u64,
    },
    /// It is done.
    Done {
        /// Length, ms.
        ms: u64,
        /// Files to download.
        files: Vec<RecordingFile>,
        /// The logs that it was made from.
        logs: Vec<RecordingFile>,
    },
    /// It gave up.
    Failed {
        /// Why, for the operator's log.
        reason: String,
    },
}

/// Composes what is queued, one after the other, until the queue closes.
pub async fn compose_all(
    worker: PathBuf,
    mut queue: mpsc::Receiver<(RecordingId, PathBuf)>,
    reports: mpsc::Sender<(RecordingId, Job)>,
) {
    while let Some((recording, dir)) = queue.recv().await {
        tracing::info!(%recording, "composition begins");
        let result = compose(&worker, recording, &dir, &reports).await.unwrap_or_else(|reason| {
            tracing::error!(%recording, %reason, "composition failed");
            Job::Failed
        });
        if reports.send((recording, result)).await.is_err() {
            return;
        }
    }
}

async fn compose(
    worker: &Path,
    recording: RecordingId,
    dir: &Path,
    reports: &mpsc::Sender<(RecordingId, Job)>,
) -> Result<Job, String> {
    let mut child = Command::new(worker)
        .args(["worker", "compose"])
        .arg(dir)
        .env(crate::worker::WATCHED, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("{} cannot be started: {error}", worker.display()))?;
    // The child ends when this end of its stdin closes: it does not outlive this process.
    let _watched = child.stdin.take();
    let stdout = child.stdout.take().ok_or("the child has no stdout")?;
    let mut lines = BufReader::new(stdout);
    let mut result = Err("it ended without a result".to_owned());
    loop {
        let line = match tokio::time::timeout(SILENCE_MAX, read_line(&mut lines)).await {
            Ok(line) => line?,
            Err(_) => return Err("it was silent for too long".into()),
        };
        let Some(line) = line else { break };
        match serde_json::from_slice(&line) {
            Ok(WorkerLine::Progress { permille, remaining_ms }) => {
                let job = Job::Progress { permille, remaining_ms };
                if reports.send((recording, job)).await.is_err() {
                    return Err("the recorder stops".into());
                }
            }
            Ok(WorkerLine::Done { ms, files, logs }) => result = Ok(Job::Done { ms, files, logs }),
            Ok(WorkerLine::Failed { reason }) => result = Err(reason),
            Err(error) => return Err(format!("it printed something else: {error}")),
        }
    }
    let status = child.wait().await.map_err(|error| error.to_string())?;
    if !status.success() && result.is_ok() {
        return Err(format!("it ended with {status}"));
    }
    result.map_err(|reason| format!("{reason} ({status})"))
}

async fn read_line(
    lines: &mut BufReader<tokio::process::ChildStdout>,
) -> Result<Option<Vec<u8>>, String> {
    let mut line = Vec::new();
    let got = lines
        .take(LINE_BYTES_MAX)
        .read_until(b'\n', &mut line)
        .await
        .map_err(|error| error.to_string())?;
    Ok((got > 0).then_some(line))
}

/// Prints a document in a child process.
pub async fn print(
    worker: &Path,
    document: &MinutesDocument,
    format: DocumentFormat,
) -> Result<Vec<u8>, ErrorCode> {
    let name = match format {
        DocumentFormat::Pdf => "pdf",
        DocumentFormat::Docx => "docx",
    };
    print_as(worker, ["worker", "minutes", name], document).await
}

/// Prints a table in a child process.
pub async fn print_table(
    worker: &Path,
    table: &TableDocument,
    format: TableFormat,
) -> Result<Vec<u8>, ErrorCode> {
    let name = match format {
        TableFormat::Pdf => "pdf",
        TableFormat::Xlsx => "xlsx",
    };
    print_as(worker, ["worker", "table", name], table).await
}

async fn print_as<T: Serialize + Sync>(
    worker: &Path,
    arguments: [&str; 3],
    document: &T,
) -> Result<Vec<u8>, ErrorCode> {
    match tokio::time::timeout(DOCUMENT_TIME_MAX, print_in_child(worker, arguments, document)).await
    {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(reason)) => {
            tracing::error!(%reason, "a document cannot be printed");
            Err(ErrorCode::RenderFailed)
        }
        Err(_) => {
            tracing::error!("printing a document took too long");
            Err(ErrorCode::RenderFailed)
        }
    }
}

async fn print_in_child<T: Serialize + Sync>(
    worker: &Path,
    arguments: [&str; 3],
    document: &T,
) -> Result<Vec<u8>, String> {
    let text = serde_json::to_vec(document).map_err(|error| error.to_string())?;
    let mut child = Command::new(worker)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("{} cannot be started: {error}", worker.display()))?;
    let bytes = talk(&mut child, &text).await.map_err(|error| error.to_string())?;
    let status = child.wait().await.map_err(|error| error.to_string())?;
    if !status.success() || bytes.is_empty() {
        return Err(format!("the printer ended with {status}"));
    }
    Ok(bytes)
}

/// Gives the child its input and takes its output. It reads all before it writes.
async fn talk(child: &mut Child, text: &[u8]) -> std::io::Result<Vec<u8>> {
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(text).await?;
    }
    let mut bytes = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(DOCUMENT_BYTES_MAX).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}
