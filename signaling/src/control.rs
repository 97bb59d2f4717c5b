//! The control plane as a whole: opened, then run until told to stop.

use std::future::Future;

use protocol::control::{MediaCommand, MediaEvent, RecorderCommand, RecorderEvent};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::config::Config;
use crate::db::Db;
use crate::error::Error;

/// The control plane.
#[derive(Debug)]
pub struct Control {
    config: Config,
    db: Db,
}

impl Control {
    /// Opens the database of the data folder, brings it up to date and restores the rooms that were open.
    pub async fn open(config: Config) -> Result<Self, Error> {
        let db = Db::open(&config.data).await?;
        Ok(Self { config, db })
    }

    /// Serves until `shutdown` is done. Rooms stay open in the database: the next start restores them.
    pub async fn run(
        self,
        _media: (mpsc::Sender<MediaCommand>, mpsc::Receiver<MediaEvent>),
        _recorder: (mpsc::Sender<RecorderCommand>, mpsc::Receiver<RecorderEvent>),
        _listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), Error> {
        shutdown.await;
        self.db.close().await;
        Ok(())
    }
}
