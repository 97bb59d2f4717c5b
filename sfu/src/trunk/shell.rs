//! Trunks as QUIC connections: certificates of one authority on both sides, frames on one stream, media in datagrams.
//! What is said is judged by [`Link`]; the reason for which one end leaves is the connection's closing code.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{
    Connection, ConnectionError, Endpoint, EndpointConfig, Incoming, RecvStream, SendStream,
    TokioRuntime, TransportConfig,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{RootCertStore, crypto::ring, server::ParsedCertificate};
use tokio::sync::mpsc;
use tokio::time::{sleep_until, timeout};

use crate::trunk::DEAD_AFTER;
use crate::trunk::frame::{Frame, Reader, Why};
use crate::trunk::link::{End, Heard, Link};

/// The protocol's name in the handshake.
const ALPN: &[u8] = b"diemcau-trunk/1";

/// A connection is made, and both have said hello, within this time.
const HELLO_MAX: Duration = Duration::from_secs(3);

/// What has come and was not taken yet; datagrams beyond are lost, as on a network.
const EVENTS_MAX: usize = 4_096;

/// Frames that wait to be written.
const FRAMES_MAX: usize = 1_024;

/// Bytes of the stream read at once.
const READ_BYTES_MAX: usize = 4_096;

/// Datagrams that wait, bytes.
const DATAGRAM_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A publisher's packets have up to 1,200 bytes and cross without being cut.
const MTU: u16 = 1_400;

/// Why there is no trunk.
#[derive(Debug, thiserror::Error)]
pub enum TrunkError {
    /// Certificates or key cannot be read.
    #[error("certificate unusable")]
    Certificate,
    /// The name cannot stand in a certificate.
    #[error("name not allowed")]
    Name,
    /// No socket there.
    #[error("no socket")]
    Socket(#[source] std::io::Error),
    /// The other end is not reached, or is not of the same authority.
    #[error("no connection: {0}")]
    Connection(String),
    /// One end leaves.
    #[error("trunk refused: {0:?}")]
    Ended(End),
}

/// Who a node is on trunks.
pub struct Credentials {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    authority: CertificateDer<'static>,
}

impl Credentials {
    /// From PEM texts.
    ///
    /// # Errors
    /// One of them is none.
    pub fn from_pem(certificate: &str, key: &str, authority: &str) -> Result<Self, TrunkError> {
        let read = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes());
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes());
        match (read(certificate), key, read(authority)) {
            (Ok(certificate), Ok(key), Ok(authority)) => Ok(Self { certificate, key, authority }),
            _ => Err(TrunkError::Certificate),
        }
    }

    fn roots(&self) -> Result<Arc<RootCertStore>, TrunkError> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.clone()).map_err(|_| TrunkError::Certificate)?;
        Ok(Arc::new(roots))
    }

    fn server(&self) -> Result<quinn::ServerConfig, TrunkError> {
        let provider = Arc::new(ring::default_provider());
        let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
            self.roots()?,
            Arc::clone(&provider),
        );
        let verifier = verifier.build().map_err(|_| TrunkError::Certificate)?;
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|_| TrunkError::Certificate)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![self.certificate.clone()], self.key.clone_key())
            .map_err(|_| TrunkError::Certificate)?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        let config = QuicServerConfig::try_from(config).map_err(|_| TrunkError::Certificate)?;
        let mut config = quinn::ServerConfig::with_crypto(Arc::new(config));
        config.transport_config(transport());
        Ok(config)
    }

    fn client(&self) -> Result<quinn::ClientConfig, TrunkError> {
        let provider = Arc::new(ring::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|_| TrunkError::Certificate)?
            .with_root_certificates(self.roots()?)
            .with_client_auth_cert(vec![self.certificate.clone()], self.key.clone_key())
            .map_err(|_| TrunkError::Certificate)?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        let config = QuicClientConfig::try_from(config).map_err(|_| TrunkError::Certificate)?;
        let mut config = quinn::ClientConfig::new(Arc::new(config));
        config.transport_config(transport());
        Ok(config)
    }
}

fn transport() -> Arc<TransportConfig> {
    let mut config = TransportConfig::default();
    config
        .max_concurrent_bidi_streams(1_u8.into())
        .max_concurrent_uni_streams(0_u8.into())
        .initial_mtu(MTU)
        .datagram_receive_buffer_size(Some(DATAGRAM_BYTES_MAX))
        .datagram_send_buffer_size(DATAGRAM_BYTES_MAX);
    Arc::new(config)
}

/// A node's socket for trunks.
pub struct Port {
    endpoint: Endpoint,
    name: String,
}

impl Port {
    /// Opens a socket for the node called `name`. To be called within a tokio runtime.
    ///
    /// # Errors
    /// There is no such address, or the credentials are of no use.
    pub fn open(
        address: SocketAddr,
        name: &str,
        credentials: &Credentials,
    ) -> Result<Self, TrunkError> {
        let socket = std::net::UdpSocket::bind(address).map_err(TrunkError::Socket)?;
        Self::on(socket, name, credentials)
    }

    /// Takes over a socket for the node called `name`. To be called within a tokio runtime.
    ///
    /// # Errors
    /// The socket or the credentials are of no use.
    pub fn on(
        socket: std::net::UdpSocket,
        name: &str,
        credentials: &Credentials,
    ) -> Result<Self, TrunkError> {
        let (config, runtime) = (EndpointConfig::default(), Arc::new(TokioRuntime));
        let mut endpoint = Endpoint::new(config, Some(credentials.server()?), socket, runtime)
            .map_err(TrunkError::Socket)?;
        endpoint.set_default_client_config(credentials.client()?);
        Ok(Self { endpoint, name: name.to_owned() })
    }

    /// Where it is.
    ///
    /// # Errors
    /// The socket is gone.
    pub fn address(&self) -> Result<SocketAddr, TrunkError> {
        self.endpoint.local_addr().map_err(TrunkError::Socket)
    }

    /// Makes a trunk to the node called `parent`.
    ///
    /// # Errors
    /// It is not reached, is somebody else, or refuses.
    pub async fn dial(&self, address: SocketAddr, parent: &str) -> Result<Trunk, TrunkError> {
        ServerName::try_from(parent).map_err(|_| TrunkError::Name)?;
        let making = async {
            let connecting = self.endpoint.connect(address, parent).map_err(failed)?;
            let connection = connecting.await.map_err(ended)?;
            let streams = connection.open_bi().await.map_err(ended)?;
            meet(connection, streams, &self.name, Some(parent)).await
        };
        within_time(making).await
    }

    /// The next trunk that a child makes; `None` when the socket is closed.
    pub async fn accept(&self) -> Option<Result<Trunk, TrunkError>> {
        let incoming = self.incoming().await?;
        Some(self.welcome(incoming).await)
    }

    /// The next child that knocks; `None` when the socket is closed.
    pub async fn incoming(&self) -> Option<Incoming> {
        self.endpoint.accept().await
    }

    /// Makes a trunk with a child that has knocked.
    ///
    /// # Errors
    /// It is not of the same authority, or is refused.
    pub async fn welcome(&self, incoming: Incoming) -> Result<Trunk, TrunkError> {
        let making = async {
            let connection = incoming.await.map_err(ended)?;
            let streams = connection.accept_bi().await.map_err(ended)?;
            meet(connection, streams, &self.name, None).await
        };
        within_time(making).await
    }
}

async fn within_time(
    making: impl Future<Output = Result<Trunk, TrunkError>>,
) -> Result<Trunk, TrunkError> {
    timeout(HELLO_MAX, making).await.unwrap_or(Err(TrunkError::Ended(End::Silent)))
}

fn failed(error: impl std::error::Error) -> TrunkError {
    TrunkError::Connection(error.to_string())
}

/// Why a connection is over.
fn ended(error: ConnectionError) -> TrunkError {
    match error {
        ConnectionError::ApplicationClosed(close) => {
            TrunkError::Ended(End::Left(Why::of_code(close.error_code.into_inner())))
        }
        ConnectionError::TimedOut => TrunkError::Ended(End::Silent),
        other => failed(other),
    }
}

fn close(connection: &Connection, end: End) {
    let why = match end {
        End::Refused(why) => why,
        End::Silent | End::Left(_) => Why::Leaving,
    };
    connection.close(why.code().into(), why.word().as_bytes());
}

/// Whether the other end's certificate is that of the node called `name`.
fn is_named(connection: &Connection, name: &str) -> bool {
    let identity = connection.peer_identity();
    let chain = identity.and_then(|it| it.downcast::<Vec<CertificateDer<'static>>>().ok());
    let Some(certificate) = chain.as_ref().and_then(|it| it.first()) else { return false };
    let (Ok(certificate), Ok(name)) =
        (ParsedCertificate::try_from(certificate), ServerName::try_from(name))
    else {
        return false;
    };
    rustls::client::verify_server_name(&certificate, &name).is_ok()
}

/// Both say hello.
async fn meet(
    connection: Connection,
    (mut send, mut receive): (SendStream, RecvStream),
    name: &str,
    parent: Option<&str>,
) -> Result<Trunk, TrunkError> {
    write(&mut send, &Link::hello(name)).await.map_err(|_| lost(&connection))?;
    let mut reader = Reader::default();
    let hello = loop {
        match reader.poll() {
            Ok(Some(frame)) => break frame,
            Ok(None) => {}
            Err(_) => return Err(refuse(&connection, Why::Frame)),
        }
        let mut bytes = [0; READ_BYTES_MAX];
        match receive.read(&mut bytes).await {
            Ok(Some(n)) => reader.push(&bytes[..n]),
            Ok(None) => return Err(refuse(&connection, Why::Frame)),
            Err(_) => return Err(lost(&connection)),
        }
    };
    let peer = match (&hello, parent) {
        (_, Some(parent)) => parent.to_owned(),
        (Frame::Hello { name, .. }, None) => name.clone(),
        (_, None) => return Err(refuse(&connection, Why::Frame)),
    };
    if !is_named(&connection, &peer) {
        return Err(refuse(&connection, Why::Name));
    }
    let mut link = Link::new(&peer, now());
    match link.handle(hello, now()) {
        Heard::Over(end) => {
            close(&connection, end);
            return Err(TrunkError::Ended(end));
        }
        Heard::Up | Heard::Nothing | Heard::Pass(_) => {}
    }
    let (told, events) = mpsc::channel(EVENTS_MAX);
    let (frames, to_say) = mpsc::channel(FRAMES_MAX);
    let shell = Shell { connection: connection.clone(), link, reader, send, receive, told };
    tokio::spawn(shell.run(to_say));
    Ok(Trunk { peer, connection, events, frames })
}

fn refuse(connection: &Connection, why: Why) -> TrunkError {
    let end = End::Refused(why);
    close(connection, end);
    TrunkError::Ended(end)
}

fn lost(connection: &Connection) -> TrunkError {
    connection.close_reason().map_or(TrunkError::Ended(End::Silent), ended)
}

/// Writes a frame; who does not take it for so long is dead.
async fn write(send: &mut SendStream, frame: &Frame) -> Result<(), End> {
    let mut bytes = Vec::new();
    frame.write(&mut bytes);
    match timeout(DEAD_AFTER, send.write_all(&bytes)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(End::Silent),
    }
}

#[expect(clippy::disallowed_methods, reason = "the shell owns the clock")]
fn now() -> Instant {
    Instant::now()
}

/// What comes over a trunk.
#[derive(Debug)]
pub enum Event {
    /// The relay's to handle.
    Frame(Frame),
    /// A flow number and an RTP packet.
    Datagram(Bytes),
    /// The trunk is over; nothing comes after it.
    Over(End),
}

/// A trunk that is up. It ends when this is dropped.
pub struct Trunk {
    /// The node at its other end, as its certificate says.
    pub peer: String,
    connection: Connection,
    /// What comes.
    pub events: mpsc::Receiver<Event>,
    /// What is to be said.
    pub frames: mpsc::Sender<Frame>,
}

impl Trunk {
    /// Sends a datagram; `false` if it is lost already here: too large, or too many wait.
    pub fn send(&self, datagram: Bytes) -> bool {
        self.connection.send_datagram(datagram).is_ok()
    }

    /// Bytes sent and received since it began, with the headers of QUIC.
    pub fn bytes(&self) -> (u64, u64) {
        let stats = self.connection.stats();
        (stats.udp_tx.bytes, stats.udp_rx.bytes)
    }

    /// Round trip as QUIC measures it.
    pub fn rtt(&self) -> Duration {
        self.connection.rtt()
    }

    /// Leaves, and says why.
    pub fn leave(&self, why: Why) {
        close(&self.connection, End::Refused(why));
    }
}

impl Drop for Trunk {
    fn drop(&mut self) {
        close(&self.connection, End::Refused(Why::Leaving));
    }
}

/// The task that carries a trunk.
struct Shell {
    connection: Connection,
    link: Link,
    reader: Reader,
    send: SendStream,
    receive: RecvStream,
    told: mpsc::Sender<Event>,
}

impl Shell {
    async fn run(mut self, mut to_say: mpsc::Receiver<Frame>) {
        // What came together with the hello.
        let mut outcome = self.take_frames().await;
        let end = loop {
            match outcome {
                Ok(()) => outcome = self.step(&mut to_say).await,
                Err(end) => break end,
            }
        };
        close(&self.connection, end);
        // Whoever has dropped the trunk need not hear that it is over.
        let _ = self.told.send(Event::Over(end)).await;
    }

    async fn step(&mut self, to_say: &mut mpsc::Receiver<Frame>) -> Result<(), End> {
        let mut bytes = [0; READ_BYTES_MAX];
        let due = self.link.poll_timeout().into();
        tokio::select! {
            read = self.receive.read(&mut bytes) => match read {
                Ok(Some(n)) => {
                    self.reader.push(&bytes[..n]);
                    self.take_frames().await
                }
                Ok(None) => Err(End::Left(Why::Leaving)),
                Err(_) => Err(self.over()),
            },
            datagram = self.connection.read_datagram() => match datagram {
                Ok(datagram) => {
                    self.link.handle_datagram(now());
                    // Nobody waits for a slow core: what finds no room is lost, as on a network.
                    let _ = self.told.try_send(Event::Datagram(datagram));
                    Ok(())
                }
                Err(_) => Err(self.over()),
            },
            frame = to_say.recv() => match frame {
                Some(frame) => write(&mut self.send, &frame).await,
                None => Err(End::Refused(Why::Leaving)),
            },
            () = sleep_until(due) => match self.link.handle_timeout(now())? {
                Some(beat) => write(&mut self.send, &beat).await,
                None => Ok(()),
            },
        }
    }

    async fn take_frames(&mut self) -> Result<(), End> {
        while let Some(frame) = self.reader.poll().map_err(|_| End::Refused(Why::Frame))? {
            match self.link.handle(frame, now()) {
                Heard::Nothing | Heard::Up => {}
                Heard::Over(end) => return Err(end),
                Heard::Pass(frame) => {
                    let told = timeout(DEAD_AFTER, self.told.send(Event::Frame(frame))).await;
                    if !matches!(told, Ok(Ok(()))) {
                        return Err(End::Refused(Why::Full));
                    }
                }
            }
        }
        Ok(())
    }

    fn over(&self) -> End {
        match self.connection.close_reason().map(ended) {
            Some(TrunkError::Ended(end)) => end,
            Some(_) | None => End::Silent,
        }
    }
}

#[cfg(test)]
mod tests;
