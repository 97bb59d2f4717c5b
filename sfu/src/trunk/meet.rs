//! How trunks come to be: children knock, a parent is dialled.

use std::net::SocketAddr;
use std::sync::Arc;

use protocol::node::ParentNode;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::trunk::shell::{Port, Trunk, TrunkError};

/// Nodes that are saying hello at the same time; who comes beyond has to come again.
pub(super) const HANDSHAKES_MAX: usize = 32;

/// A trunk has been made, or not.
pub(super) struct Met {
    /// Whom was dialled; none: somebody came.
    pub(super) parent: Option<String>,
    pub(super) outcome: Result<Trunk, TrunkError>,
}

/// Takes in children. Their handshakes do not wait for each other.
pub(super) async fn accept(port: Arc<Port>, met: mpsc::Sender<Met>) {
    let free = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    while let Some(incoming) = port.incoming().await {
        let Ok(permit) = Arc::clone(&free).try_acquire_owned() else {
            incoming.refuse();
            continue;
        };
        let (port, met) = (Arc::clone(&port), met.clone());
        tokio::spawn(async move {
            let outcome = port.welcome(incoming).await;
            drop(permit);
            // The carrier has ended: nobody needs the trunk.
            let _ = met.send(Met { parent: None, outcome }).await;
        });
    }
}

/// Dials all addresses of a node at once; the first that answers is taken.
pub(super) async fn dial(port: &Arc<Port>, parent: &ParentNode) -> Result<Trunk, TrunkError> {
    let mut dialling = JoinSet::new();
    for address in parent.addresses.iter().filter_map(|it| it.parse::<SocketAddr>().ok()) {
        let (port, name) = (Arc::clone(port), parent.name.clone());
        dialling.spawn(async move { port.dial(address, &name).await });
    }
    let mut outcome = Err(TrunkError::Connection("it has no address".to_owned()));
    while let Some(done) = dialling.join_next().await {
        match done {
            Ok(Ok(trunk)) => return Ok(trunk),
            Ok(Err(error)) => outcome = Err(error),
            Err(error) => outcome = Err(TrunkError::Connection(error.to_string())),
        }
    }
    outcome
}
