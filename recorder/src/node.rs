//! The tokio shell of the recorder: links on one side, archive and child processes on the other. It
//! carries values between them and the sessions, and decides nothing.

use std::collections::{HashMap, HashSet, VecDeque};
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use protocol::control::{RecorderCommand, RecorderEvent};
use protocol::error::ErrorCode;
use protocol::id::RecordingId;
use protocol::tap::TapMessage;
use protocol::time::Timestamp;
use tokio::sync::{Semaphore, mpsc};

use crate::archive::disk::LocalDisk;
use crate::archive::manifest::{Manifest, State};
use crate::archive::writer::{self, Report, Writer};
use crate::archive::{TRACKS, recording_dir, scan};
use crate::error::Error;
use crate::jobs;
use crate::session::{Input, Job, Output, Session};

/// Most events waiting for a control plane that does not take them. Beyond, the oldest are dropped: a
/// full link is a lost link, and the next one begins with [`RecorderEvent::Ready`].
const EVENTS_MAX: usize = 4_096;
/// Most reports of children waiting.
const JOB_REPORTS_MAX: usize = 64;
/// Most documents waiting to be printed; one more is refused.
const DOCUMENTS_MAX: usize = 64;

/// What a recorder needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// The archive: one folder per meeting, in it one per recording. Created if missing.
    pub archive: PathBuf,
    /// The program that is started as `PROGRAM worker compose DIR` and `PROGRAM worker minutes pdf|docx`:
    /// the running binary itself.
    pub worker: PathBuf,
}

/// A recorder with an open archive.
#[derive(Debug)]
pub struct Node {
    config: Config,
    sessions: HashMap<RecordingId, Session>,
    /// Folders of all recordings of the archive.
    dirs: HashMap<RecordingId, PathBuf>,
    unfinished: Vec<RecordingId>,
    /// To be destroyed as soon as nothing is made of them any more.
    doomed: HashSet<RecordingId>,
    events: VecDeque<RecorderEvent>,
}

/// The other ends of what the node drives.
struct Links {
    writer: mpsc::Sender<writer::Command>,
    composer: mpsc::Sender<(RecordingId, PathBuf)>,
    printed: mpsc::Sender<RecorderEvent>,
    printers: Arc<Semaphore>,
}

impl Node {
    /// Opens (or creates) the archive and finds what a crash left unfinished.
    pub fn open(config: Config) -> Result<Self, Error> {
        std::fs::create_dir_all(&config.archive).map_err(Error::archive(&config.archive))?;
        scan::sweep(&config.archive)?;
        let (mut sessions, mut dirs, mut unfinished) = (HashMap::new(), HashMap::new(), Vec::new());
        for (dir, manifest) in scan::recordings(&config.archive)? {
            let recording = manifest.recording;
            match manifest.state {
                State::Recording => unfinished.push(recording),
                State::Stopped | State::Composing => {}
                State::Composed | State::Failed => {
                    dirs.insert(recording, dir);
                    continue;
                }
            }
            sessions.insert(recording, Session::restore(manifest, bytes_in(&dir)));
            dirs.insert(recording, dir);
        }
        let (doomed, events) = (HashSet::new(), VecDeque::new());
        Ok(Self { config, sessions, dirs, unfinished, doomed, events })
    }

    /// Serves until `shutdown` completes or the command link closes, then writes out what waits. What was
    /// being recorded stays unfinished and goes on at the next start.
    pub async fn run(
        mut self,
        mut commands: mpsc::Receiver<RecorderCommand>,
        events: mpsc::Sender<RecorderEvent>,
        tap: mpsc::Receiver<TapMessage>,
        shutdown: impl Future<Output = ()> + Send,
    ) {
        let (writer_commands, commands_in) = mpsc::channel(writer::WRITER_QUEUE_MAX);
        let (reports_out, mut reports) = mpsc::channel(writer::REPORT_QUEUE_MAX);
        let Some(writer_thread) = start_writer(commands_in, reports_out) else { return };
        let (composer, compositions) = mpsc::channel(jobs::COMPOSE_QUEUE_MAX);
        let (job_reports, mut jobs_said) = mpsc::channel(JOB_REPORTS_MAX);
        let (printed, mut documents) = mpsc::channel(DOCUMENTS_MAX);
        let worker = self.config.worker.clone();
        let composing = tokio::spawn(jobs::compose_all(worker, compositions, job_reports));
        let pumping = tokio::spawn(pump(tap, writer_commands.clone()));
        let printers = Arc::new(Semaphore::new(jobs::DOCUMENTS_AT_ONCE_MAX));
        let links = Links { writer: writer_commands, composer, printed, printers };

        self.say_ready();
        for recording in self.sessions.keys().copied().collect::<Vec<_>>() {
            self.carry_out(recording, &links).await;
        }
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                place = events.reserve(), if !self.events.is_empty() => {
                    let Ok(place) = place else { break };
                    if let Some(event) = self.events.pop_front() {
                        place.send(event);
                    }
                }
                command = commands.recv() => match command {
                    Some(command) => self.command(command, &links).await,
                    None => break,
                },
                Some(report) = reports.recv() => match report {
                    Report::PutAside { recording, to } => self.delete(recording, to, &links),
                    report => {
                        self.input(recording_of(&report), Input::Written(report), now(), &links).await;
                    }
                },
                Some((recording, job)) = jobs_said.recv() => {
                    self.input(recording, Input::Job(job), now(), &links).await;
                }
                Some(event) = documents.recv() => self.say(event),
            }
        }
        composing.abort();
        pumping.abort();
        drop((links, reports));
        // The pump's end of the queue goes with its task.
        let _ = pumping.await;
        let _ = tokio::task::spawn_blocking(move || writer_thread.join()).await;
    }

    async fn command(&mut self, command: RecorderCommand, links: &Links) {
        match command {
            RecorderCommand::Start { recording, meeting, title, started_at } => {
                let dir = recording_dir(&self.config.archive, meeting, recording);
                if !self.sessions.contains_key(&recording) && !self.restore(recording) {
                    let manifest = Manifest::begin(recording, meeting, title, started_at);
                    self.sessions.insert(recording, Session::begin(manifest));
                    self.dirs.insert(recording, dir);
                }
                self.input(recording, Input::Start, now(), links).await;
            }
            RecorderCommand::Note { recording, at, note } => {
                self.input(recording, Input::Note(note), at, links).await;
            }
            RecorderCommand::Stop { recording, at } => {
                self.restore(recording);
                self.input(recording, Input::Stop, at, links).await;
            }
            RecorderCommand::Compose { recording, .. } => {
                self.restore(recording);
                self.input(recording, Input::Compose, now(), links).await;
            }
            RecorderCommand::Destroy { recording } => self.destroy(recording, links).await,
            RecorderCommand::RenderTable { request, table, format } => {
                let (printed, printers) = (links.printed.clone(), links.printers.clone());
                let worker = self.config.worker.clone();
                tokio::spawn(async move {
                    let _permit = printers.acquire_owned().await;
                    let document = jobs::print_table(&worker, &table, format).await;
                    let _ = printed.send(RecorderEvent::Rendered { request, document }).await;
                });
            }
            RecorderCommand::RenderMinutes { request, document, format } => {
                let (printed, printers) = (links.printed.clone(), links.printers.clone());
                let worker = self.config.worker.clone();
                tokio::spawn(async move {
                    let _permit = printers.acquire_owned().await;
                    let document = jobs::print(&worker, &document, format).await;
                    let _ = printed.send(RecorderEvent::Rendered { request, document }).await;
                });
            }
        }
    }

    /// Deletes everything of a recording, once its session is over. What cannot be deleted is tried again at the next
    /// start: the control plane asks until it hears that it is gone.
    async fn destroy(&mut self, recording: RecordingId, links: &Links) {
        if self.sessions.contains_key(&recording) {
            self.doomed.insert(recording);
            return;
        }
        let Some(dir) = self.dirs.get(&recording).cloned() else {
            return self.say(RecorderEvent::Destroyed { recording });
        };
        // The writer may still have something of it to write, so it is asked in its turn.
        if links.writer.send(writer::Command::PutAside { recording, dir }).await.is_err() {
            tracing::error!(%recording, "the archive's writer is gone");
        }
    }

    fn delete(&mut self, recording: RecordingId, aside: PathBuf, links: &Links) {
        self.dirs.remove(&recording);
        let deleted = links.printed.clone();
        tokio::spawn(async move {
            let removed = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(aside)).await;
            match removed {
                Ok(Err(error)) if error.kind() != std::io::ErrorKind::NotFound => {
                    tracing::error!(%recording, %error, "a recording could not be destroyed");
                }
                Err(error) => {
                    tracing::error!(%recording, %error, "a recording could not be destroyed");
                }
                Ok(Ok(()) | Err(_)) => {
                    tracing::info!(%recording, "a recording was destroyed");
                    // The node ends: the control plane asks again at the next start.
                    let _ = deleted.send(RecorderEvent::Destroyed { recording }).await;
                }
            }
        });
    }

    /// Takes a recording that is over from disk again. False if there is none.
    fn restore(&mut self, recording: RecordingId) -> bool {
        if self.sessions.contains_key(&recording) {
            return true;
        }
        let Some(dir) = self.dirs.get(&recording) else { return false };
        match Manifest::read(dir) {
            Ok(manifest) => {
                let session = Session::restore(manifest, bytes_in(dir));
                self.sessions.insert(recording, session);
                true
            }
            Err(error) => {
                tracing::error!(%error, "a recording cannot be read");
                false
            }
        }
    }

    async fn input(&mut self, recording: RecordingId, input: Input, at: Timestamp, links: &Links) {
        let Some(session) = self.sessions.get_mut(&recording) else {
            if matches!(input, Input::Stop | Input::Compose) {
                self.say(RecorderEvent::Failed { recording, code: ErrorCode::NotFound });
            }
            return;
        };
        session.handle_input(input, at);
        self.carry_out(recording, links).await;
    }

    async fn carry_out(&mut self, recording: RecordingId, links: &Links) {
        let Some(dir) = self.dirs.get(&recording).cloned() else { return };
        while let Some(output) = self.sessions.get_mut(&recording).and_then(Session::poll_output) {
            let command = match output {
                Output::Open { part } => {
                    writer::Command::Open { recording, dir: dir.clone(), part }
                }
                Output::Journal(line) => writer::Command::Journal { recording, line },
                Output::Close(line) => writer::Command::Close { recording, line },
                Output::Save(manifest) => writer::Command::Save { dir: dir.clone(), manifest },
                Output::Compose => {
                    if links.composer.try_send((recording, dir.clone())).is_err()
                        && let Some(session) = self.sessions.get_mut(&recording)
                    {
                        session.handle_input(Input::Job(Job::Failed), now());
                    }
                    continue;
                }
                Output::Event(event) => {
                    self.say(event);
                    continue;
                }
            };
            if links.writer.send(command).await.is_err() {
                tracing::error!("the archive's writer is gone");
                self.say(RecorderEvent::Failed { recording, code: ErrorCode::Internal });
                return;
            }
        }
        if self.sessions.get(&recording).is_some_and(Session::is_over) {
            self.sessions.remove(&recording);
            if self.doomed.remove(&recording) {
                self.destroy(recording, links).await;
            }
        }
    }

    fn say_ready(&mut self) {
        let unfinished = self
            .unfinished
            .iter()
            .filter_map(|recording| {
                let meeting = self.sessions.get(recording)?.manifest().meeting;
                Some((*recording, meeting))
            })
            .collect();
        self.say(RecorderEvent::Ready { unfinished });
    }

    fn say(&mut self, event: RecorderEvent) {
        if self.events.len() >= EVENTS_MAX {
            tracing::error!(EVENTS_MAX, "the control plane takes no events; the oldest is dropped");
            self.events.pop_front();
        }
        self.events.push_back(event);
    }
}

/// Carries packets from the tap to the writer, which is what makes the tap wait when the disk is slow.
async fn pump(mut tap: mpsc::Receiver<TapMessage>, writer: mpsc::Sender<writer::Command>) {
    while let Some(message) = tap.recv().await {
        if writer.send(writer::Command::Tap(message)).await.is_err() {
            return;
        }
    }
}

/// The writer gets a thread with a clock of its own: a slow disk holds up nothing else.
fn start_writer(
    commands: mpsc::Receiver<writer::Command>,
    reports: mpsc::Sender<Report>,
) -> Option<std::thread::JoinHandle<()>> {
    let start = || -> std::io::Result<_> {
        let writer = Writer::new(Box::new(LocalDisk))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        std::thread::Builder::new().name("archive".into()).spawn(move || {
            runtime.block_on(writer::run(writer, commands, reports));
        })
    };
    start().map_err(|error| tracing::error!(%error, "the archive's writer cannot start")).ok()
}

fn recording_of(report: &Report) -> RecordingId {
    match report {
        Report::TrackOpened { recording, .. }
        | Report::Written { recording, .. }
        | Report::Failed { recording, .. }
        | Report::Recovered { recording }
        | Report::Saved { recording, .. }
        | Report::PutAside { recording, .. }
        | Report::Closed { recording, .. } => *recording,
    }
}

/// Bytes of the logs in a recording's folder; what cannot be read counts nothing.
fn bytes_in(dir: &std::path::Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir.join(TRACKS)) else { return 0 };
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().extension().is_some_and(|it| it == "rtplog"))
        .filter_map(|entry| entry.metadata().ok())
        .map(|metadata| metadata.len())
        .sum()
}

#[expect(clippy::disallowed_methods, reason = "the shell reads the wall clock for its machines")]
fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp(since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests;
