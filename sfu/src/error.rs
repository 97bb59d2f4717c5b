//! Why a media node cannot start.

use std::net::SocketAddr;

/// A failure at start. While it runs, a node has no errors: what goes wrong ends one session.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process has the port.
    #[error("UDP port {0} is taken; stop the other program or choose another address for media")]
    PortTaken(SocketAddr),
    /// The system refused the socket.
    #[error("cannot listen for media on UDP {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The machine has no address that could be named to a browser.
    #[error("this machine has no address to offer to browsers; name one as a media candidate")]
    NoAddress,
    /// No certificate could be made for DTLS.
    #[error("cannot make a DTLS certificate: {0}")]
    Certificate(String),
    /// The thread could not be started.
    #[error("cannot start the media thread: {0}")]
    Thread(std::io::Error),
}
