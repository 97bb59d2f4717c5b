//! The control plane as a whole: opened, then run until told to stop.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use protocol::control::{MediaCommand, MediaEvent, RecorderCommand, RecorderEvent};
use protocol::node::{NodeRefusal, ROOT};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::config::Config;
use crate::db::{Db, nodes};
use crate::error::Error;
use crate::http::{self, App, Passwords};
use crate::live::{self, Hub};
use crate::nodes::authority::Authority;
use crate::papers::Papers;
use crate::token::TokenKey;

/// The control plane.
pub struct Control {
    pub(crate) db: Db,
    pub(crate) hub: Arc<Hub>,
    config: Config,
    key: TokenKey,
    authority: Authority,
    papers: Arc<Papers>,
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Control {
    /// Opens the database of the data folder, brings it up to date and restores the rooms that were
    /// open. Needs a running tokio.
    pub async fn open(config: Config) -> Result<Self, Error> {
        let db = Db::open(&config.data).await?;
        live::sweep(&config.data);
        let key = TokenKey::load(&config.data)?;
        let authority = Authority::load(&config.data)?;
        let hub = Hub::new(db.clone());
        hub.nodes.set_all(nodes::list(&db).await?);
        let n_rooms = hub.restore_all().await?;
        tracing::info!(n_rooms, "control plane open");
        let worker = config.worker.clone();
        let papers = Papers::open(&config.data, worker, db.clone(), Arc::clone(&hub));
        papers.resume().await?;
        Ok(Self { db, hub, config, key, authority, papers })
    }

    /// The certificate of the root of the tree for the key of this request, and that of the authority that has signed
    /// it, both PEM. `addresses` are where its trunks are reached.
    ///
    /// # Errors
    /// The request cannot be read.
    pub fn name_root(
        &self,
        request: &str,
        addresses: Vec<String>,
    ) -> Result<(String, String), NodeRefusal> {
        self.hub.nodes.set_root_addresses(addresses);
        let certificate = self.authority.sign(request, ROOT)?;
        Ok((certificate, self.authority.certificate.clone()))
    }

    /// The data folder.
    pub(crate) fn data(&self) -> &std::path::Path {
        &self.config.data
    }

    /// Serves until `shutdown` is done. Rooms stay open in the database: the next start restores them.
    pub async fn run(
        self,
        media: (mpsc::Sender<MediaCommand>, mpsc::Receiver<MediaEvent>),
        recorder: (mpsc::Sender<RecorderCommand>, mpsc::Receiver<RecorderEvent>),
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), Error> {
        let address = listener.local_addr().map_err(Error::Listener)?;
        let database = self.db.clone();
        let hub = Arc::clone(&self.hub);
        let links = tokio::spawn({
            let hub = Arc::clone(&hub);
            let root = Arc::clone(&self.config.root_report);
            async move {
                tokio::join!(
                    hub.carry_media(media.0),
                    live::media_events(Arc::clone(&hub), media.1),
                    hub.carry_recorder(recorder.0),
                    live::recorder_events(Arc::clone(&hub), recorder.1),
                    hub.nodes.keep(root),
                )
            }
        });
        let passwords = tokio::task::spawn_blocking(Passwords::new)
            .await
            .map_err(|error| Error::Listener(std::io::Error::other(error)))?;
        let (config, db, hub) = (self.config, self.db, self.hub);
        let (key, authority, papers) = (self.key, self.authority, self.papers);
        let app = App { config, db, hub, passwords, key, authority, papers };
        tracing::info!(%address, "listening");
        tokio::select! {
            () = http::serve(listener, http::router(Arc::new(app))) => {}
            () = shutdown => tracing::info!("control plane stops"),
        }
        links.abort();
        database.close().await;
        Ok(())
    }
}
