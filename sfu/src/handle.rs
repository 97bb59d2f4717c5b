//! What the rest of the program holds of a media node that runs.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use protocol::node::NodeReport;

use crate::metrics::Published;
use crate::tcp::Stopper;
use crate::trunk::figures::Figures;

/// A running media node.
pub struct Handle {
    pub(crate) published: Vec<Arc<Published>>,
    pub(crate) figures: Arc<Figures>,
    pub(crate) stopping: Arc<AtomicBool>,
    pub(crate) wakes: Vec<UnixStream>,
    pub(crate) acceptor: Option<Stopper>,
    pub(crate) threads: Vec<JoinHandle<()>>,
}

impl Handle {
    /// Appends the node's metrics in Prometheus' text form, at most a second old.
    pub fn metrics(&self, out: &mut String) {
        Published::write(&self.published, out);
        self.figures.write(out);
    }

    /// How the node and its trunks do, at most a second old.
    pub fn report(&self) -> NodeReport {
        let sessions: u64 = self.published.iter().map(|it| it.sessions()).sum();
        let load = self.published.iter().map(|it| it.load_permille()).max().unwrap_or(0);
        NodeReport {
            sessions: sessions.try_into().unwrap_or(u32::MAX),
            load_permille: load.try_into().unwrap_or(u16::MAX),
            trunks: self.figures.reports(),
        }
    }

    /// Stops the node and waits for its threads.
    pub fn stop(self) {
        self.stopping.store(true, Ordering::Release);
        for mut wake in &self.wakes {
            if let Err(err) = wake.write_all(&[1]) {
                tracing::debug!(%err, "a media thread has ended already");
            }
        }
        self.acceptor.iter().for_each(Stopper::stop);
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a media thread panicked");
            }
        }
    }
}
