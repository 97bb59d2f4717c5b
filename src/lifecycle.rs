//! How the process ends: SIGTERM or Ctrl-C asks every role to finish; a second one does not wait.

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::terminal;

/// Exit code after a second signal: 128 + SIGINT, as shells count.
const IMPATIENT: i32 = 130;

/// Told to every role; turns `true` once.
#[derive(Clone)]
pub(crate) struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// Resolves when the process is to end.
    pub(crate) async fn asked(mut self) {
        // An error means that the sender is gone, which is the end as well.
        let _ = self.0.wait_for(|asked| *asked).await;
    }
}

/// Asks for the end from inside: a role has stopped by itself.
#[derive(Clone)]
pub(crate) struct Stopper(watch::Sender<bool>);

impl Stopper {
    /// Asks every role to finish.
    pub(crate) fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// Listens for signals from now on.
pub(crate) fn start() -> anyhow::Result<(Stopper, Shutdown)> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be heard")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("Ctrl-C cannot be heard")?;
    let (tx, rx) = watch::channel(false);
    let stopper = Stopper(tx);
    let asked = stopper.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        terminal::complain("finishing; once more to stop at once");
        asked.stop();
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        std::process::exit(IMPATIENT);
    });
    Ok((stopper, Shutdown(rx)))
}
