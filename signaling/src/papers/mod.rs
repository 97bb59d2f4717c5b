//! Documents of meetings on disk: taken in under a temporary name, looked into by a child process, kept by the SHA-256
//! of their content, their pages drawn once by another child. The same file in two meetings is kept once.

mod check;
mod worker;
mod zip;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use protocol::error::ErrorCode;
use protocol::id::{MeetingId, PaperId};
use protocol::paper::{Paper, PaperEntry, PaperKind, PaperPhase};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::Command;
use tokio::sync::Semaphore;

pub(crate) use self::check::could_be;
use self::worker::Line;
pub use self::worker::{check, draw};
use crate::db::{Db, DbError, papers};
use crate::live::Hub;
use crate::room::Act;
use crate::secret::Secret;

/// Pages for a screen.
pub(crate) const LARGE: &str = "large";

/// Pages for a strip.
pub(crate) const SMALL: &str = "small";

/// Largest file, bytes.
pub(crate) const FILE_BYTES_MAX: u64 = 100 * 1024 * 1024;

/// Files that come in at once; one more is told to try again.
const INCOMING_MAX: usize = 8;

/// Files that are looked into at once; more wait.
const CHECKS_MAX: usize = 2;

/// A look that takes longer is given up.
const CHECK_TIME_MAX: Duration = Duration::from_secs(15);

/// Drawing all pages of one document takes no longer than this.
const DRAW_TIME_MAX: Duration = Duration::from_secs(15 * 60);

/// Output of a child, bytes.
const OUTPUT_BYTES_MAX: u64 = 256 * 1024;

/// The folder in the data folder.
const FOLDER: &str = "papers";

/// Where files come in, within it.
const INCOMING: &str = ".incoming";

/// Name of a page's picture within its document's folder.
pub(crate) fn page_file(size: &str, page: u32) -> String {
    format!("{size}-{page:04}.jpg")
}

/// The documents' shell.
#[derive(Debug)]
pub(crate) struct Papers {
    folder: PathBuf,
    worker: PathBuf,
    db: Db,
    hub: Arc<Hub>,
    pub(crate) incoming: Semaphore,
    checks: Semaphore,
    /// One document is drawn at a time, by two hands.
    drawing: Semaphore,
    /// Pages drawn of documents that are not finished.
    drawn: Mutex<HashMap<PaperId, (u32, u32)>>,
    /// Held while a file finds its place or loses it.
    places: tokio::sync::Mutex<()>,
}

impl Papers {
    /// Opens the folder; what was coming in when the server stopped is thrown away.
    pub(crate) fn open(data: &Path, worker: PathBuf, db: Db, hub: Arc<Hub>) -> Arc<Self> {
        let folder = data.join(FOLDER);
        if let Err(error) = std::fs::remove_dir_all(folder.join(INCOMING))
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "files that were coming in could not be deleted");
        }
        Arc::new(Self {
            folder,
            worker,
            db,
            hub,
            incoming: Semaphore::new(INCOMING_MAX),
            checks: Semaphore::new(CHECKS_MAX),
            drawing: Semaphore::new(1),
            drawn: Mutex::default(),
            places: tokio::sync::Mutex::default(),
        })
    }

    /// Draws on what was not finished, and tells every open room what there is.
    pub(crate) async fn resume(self: &Arc<Self>) -> Result<(), DbError> {
        for (meeting, paper) in papers::unfinished(&self.db).await? {
            self.start_drawing(meeting, paper);
        }
        for meeting in crate::db::meetings::list_open(&self.db).await? {
            self.sync(meeting.id).await;
        }
        Ok(())
    }

    /// A name that nothing has yet, for a file that comes in.
    pub(crate) async fn temporary(&self) -> std::io::Result<PathBuf> {
        let folder = self.folder.join(INCOMING);
        tokio::fs::create_dir_all(&folder).await?;
        Ok(folder.join(Secret::<16>::random().to_text()))
    }

    /// What a file that came in is, or why it is not taken.
    pub(crate) async fn identify(&self, file: &Path) -> Result<PaperKind, ErrorCode> {
        let _turn = self.checks.acquire().await.map_err(|_| ErrorCode::Internal)?;
        let mut command = Command::new(&self.worker);
        command.args(["worker", "paper-check"]).arg(file).stdin(Stdio::null());
        let mut kind = Err(ErrorCode::PaperUnreadable);
        let look = listen(command, |line| match line {
            Line::Kind(it) => kind = Ok(it),
            Line::Refused(code) => kind = Err(code),
            Line::Pages(_) | Line::Drawn(_) => {}
        });
        match tokio::time::timeout(CHECK_TIME_MAX, look).await {
            Ok(Ok(())) => kind,
            Ok(Err(code)) => Err(code),
            Err(_) => Err(ErrorCode::PaperBomb),
        }
    }

    /// Gives a file that came in its place, and its row. Drawing begins.
    pub(crate) async fn keep(
        self: &Arc<Self>,
        meeting: MeetingId,
        paper: &Paper,
        file: &Path,
    ) -> Result<(), ErrorCode> {
        let dir = self.dir(&paper.sha256);
        {
            let _place = self.places.lock().await;
            let moved = async {
                tokio::fs::create_dir_all(&dir).await?;
                tokio::fs::rename(file, dir.join("source")).await
            };
            moved.await.map_err(io_code)?;
            match papers::insert(&self.db, meeting, paper).await {
                Ok(true) => {}
                Ok(false) => {
                    self.forget_file(&paper.sha256).await?;
                    return Err(ErrorCode::TooLarge);
                }
                Err(error) => return Err(db_code(error)),
            }
        }
        self.start_drawing(meeting, paper.clone());
        Ok(())
    }

    /// Takes a document away; its file too, if no other meeting has it.
    pub(crate) async fn remove(&self, meeting: MeetingId, paper: PaperId) -> Result<(), ErrorCode> {
        {
            let _place = self.places.lock().await;
            let row = papers::find(&self.db, meeting, paper).await.map_err(db_code)?;
            let row = row.ok_or(ErrorCode::PaperUnknown)?;
            papers::remove(&self.db, paper).await.map_err(db_code)?;
            self.forget_file(&row.sha256).await?;
        }
        self.sync(meeting).await;
        Ok(())
    }

    async fn forget_file(&self, sha256: &str) -> Result<(), ErrorCode> {
        if papers::is_used(&self.db, sha256).await.map_err(db_code)? {
            return Ok(());
        }
        match tokio::fs::remove_dir_all(self.dir(sha256)).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(io_code(error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Where a page's picture is.
    pub(crate) fn page(&self, sha256: &str, size: &str, page: u32) -> PathBuf {
        self.dir(sha256).join(page_file(size, page))
    }

    /// Where a file is.
    pub(crate) fn source(&self, sha256: &str) -> PathBuf {
        self.dir(sha256).join("source")
    }

    fn dir(&self, sha256: &str) -> PathBuf {
        self.folder.join(sha256.get(..2).unwrap_or("xx")).join(sha256)
    }

    /// The documents of a meeting, with how far each is.
    pub(crate) async fn list(&self, meeting: MeetingId) -> Result<Vec<Paper>, DbError> {
        let mut list = papers::list(&self.db, meeting).await?;
        let drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        for paper in &mut list {
            match (paper.phase, drawn.get(&paper.id)) {
                (PaperPhase::Drawing, Some((pages, n))) => {
                    (paper.pages, paper.drawn) = (*pages, *n);
                }
                (PaperPhase::Ready, _) => paper.drawn = paper.pages,
                (PaperPhase::Drawing | PaperPhase::Failed, _) => {}
            }
        }
        Ok(list)
    }

    /// Tells an open room which documents there are.
    pub(crate) async fn sync(&self, meeting: MeetingId) {
        if self.hub.room(meeting).is_none() {
            return;
        }
        let told = match papers::list(&self.db, meeting).await {
            Ok(list) => {
                let ready = list.into_iter().filter(|it| it.phase == PaperPhase::Ready);
                self.hub.act(meeting, Act::SyncPapers(ready.map(entry).collect())).await
            }
            Err(error) => Err(db_code(error)),
        };
        match told {
            Ok(()) | Err(ErrorCode::MeetingEnded | ErrorCode::MeetingNotOpen) => {}
            Err(code) => tracing::error!(%meeting, ?code, "the room was not told its documents"),
        }
    }

    fn start_drawing(self: &Arc<Self>, meeting: MeetingId, paper: Paper) {
        let papers = Arc::clone(self);
        tokio::spawn(async move {
            let Ok(_turn) = papers.drawing.acquire().await else { return };
            let result = papers.draw(&paper).await;
            papers.drawn.lock().unwrap_or_else(PoisonError::into_inner).remove(&paper.id);
            if let Err(error) = papers::finish(&papers.db, paper.id, result).await {
                tracing::error!(paper = %paper.id, %error, "a drawn document was not noted");
            }
            // It may have been removed while it was drawn, and its folder made again.
            let _place = papers.places.lock().await;
            if let Err(code) = papers.forget_file(&paper.sha256).await {
                tracing::warn!(paper = %paper.id, ?code, "the folder of a removed document stays");
            }
            drop(_place);
            papers.sync(meeting).await;
        });
    }

    /// Draws all pages; how many there are.
    async fn draw(&self, paper: &Paper) -> Result<u32, ErrorCode> {
        let still = papers::is_used(&self.db, &paper.sha256).await.map_err(db_code)?;
        if !still {
            return Err(ErrorCode::PaperUnknown);
        }
        let mut command = Command::new(&self.worker);
        let kind = serde_json::to_value(paper.kind).map_err(|_| ErrorCode::Internal)?;
        command.args(["worker", "paper-draw"]).arg(self.dir(&paper.sha256));
        command.arg(kind.as_str().unwrap_or_default()).stdin(Stdio::piped());
        let (mut pages, mut refused) = (0, None);
        let work = listen(command, |line| {
            let mut table = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
            match line {
                Line::Pages(n) => {
                    pages = n;
                    table.insert(paper.id, (n, 0));
                }
                Line::Drawn(n) => {
                    table.insert(paper.id, (pages, n));
                }
                Line::Refused(code) => refused = Some(code),
                Line::Kind(_) => {}
            }
        });
        let done = tokio::time::timeout(DRAW_TIME_MAX, work).await;
        match (done, refused) {
            (_, Some(code)) | (Ok(Err(code)), None) => Err(code),
            (Ok(Ok(())), None) if pages > 0 => Ok(pages),
            (Ok(Ok(())) | Err(_), None) => Err(ErrorCode::RenderFailed),
        }
    }
}

/// A document as a room knows it.
fn entry(paper: Paper) -> PaperEntry {
    PaperEntry {
        paper: paper.id,
        name: paper.name,
        pages: paper.pages,
        audience: paper.audience,
        open_from: paper.open_from,
        open_until: paper.open_until,
    }
}

/// Runs a child and hands on what it says, until it ends.
async fn listen(mut command: Command, mut heard: impl FnMut(Line)) -> Result<(), ErrorCode> {
    let spawned = command.stdout(Stdio::piped()).kill_on_drop(true).spawn();
    let mut child = spawned.map_err(|error| {
        tracing::error!(%error, "the child that looks into documents cannot be started");
        ErrorCode::Internal
    })?;
    // The drawing child ends when this end of its stdin closes: it does not outlive this process.
    let _watched = child.stdin.take();
    let stdout = child.stdout.take().ok_or(ErrorCode::Internal)?;
    let mut lines = BufReader::new(stdout.take(OUTPUT_BYTES_MAX)).lines();
    while let Ok(Some(text)) = lines.next_line().await {
        match serde_json::from_str(&text) {
            Ok(line) => heard(line),
            Err(error) => tracing::warn!(%error, "a child said something else"),
        }
    }
    child.wait().await.map_err(io_code)?;
    Ok(())
}

/// What a user is told of a disk that failed.
pub(crate) fn io_code(error: std::io::Error) -> ErrorCode {
    tracing::error!(%error, "the folder of documents");
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorCode::DiskFull,
        _ => ErrorCode::Internal,
    }
}

fn db_code(error: DbError) -> ErrorCode {
    tracing::error!(%error, "the rows of documents");
    error.code()
}
