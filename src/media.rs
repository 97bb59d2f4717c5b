//! A media node of its own: joins the tree of a server (`/node`), and carries what the control plane says to the
//! media role and back. The node goes on forwarding while the link is away; when it is there again, the control plane
//! tells everything anew.

use std::collections::HashSet;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use protocol::control::{MediaCommand, MediaEvent};
use protocol::node::{
    FromNode, HEARTBEAT_MS, NODE_ADDRESSES_MAX, NODE_MESSAGE_BYTES_MAX, NODE_VERSION, NodeHello,
    NodeRefusal, NodeWelcome, ParentNode, ToNode,
};
use sfu::trunk::carrier::{Attachment, Setup};
use sfu::trunk::key::NodeKey;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::config::Config;
use crate::lifecycle::{self, Shutdown};
use crate::{cli, roles, telemetry, terminal};

/// Values in flight per direction between the link and the node.
const IN_FLIGHT_MAX: usize = 4_096;

/// Lists of parents, and words about them, that wait.
const WORDS_MAX: usize = 16;

/// The server is reached, and has answered, within this time.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Who says nothing for so long is not there: the link is made anew.
const SILENCE_MAX: Duration = Duration::from_secs(3);

/// The first pause before the link is made anew; it doubles up to the longest.
const PAUSE_FIRST: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// A node that was killed and comes back finds its own name in use until its silence is noticed.
const NAME_TAKEN_TRIES: u32 = 4;

/// What the command line says of the node.
pub(crate) struct Joining {
    /// Where the server's pages are.
    pub(crate) control: String,
    pub(crate) token: String,
    pub(crate) name: String,
    pub(crate) parent: Option<String>,
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The node and all its queues.
struct Member {
    commands: mpsc::Sender<MediaCommand>,
    events: mpsc::Receiver<MediaEvent>,
    parents: mpsc::Sender<Vec<ParentNode>>,
    told: mpsc::Receiver<Attachment>,
    handle: sfu::Handle,
    /// Rooms that the node has, to be closed before it is told everything anew.
    rooms: HashSet<String>,
    /// The parent in use.
    parent: Option<String>,
}

/// Why a link is over.
enum End {
    /// The process is to end.
    Asked,
    /// It broke, or the server has ended it.
    Lost(&'static str),
}

/// Runs the node until a signal.
pub(crate) async fn run(config: Config, joining: Joining) -> anyhow::Result<()> {
    telemetry::start(&config)?;
    let url = link_url(&joining.control)?;
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        tracing::debug!("the cryptography was chosen before");
    }
    let node = roles::bind_media(&config)?;
    let trunks = bind_trunks(&config)?;
    let addresses = addresses(&node, &trunks)?;
    let key = NodeKey::generate()?;
    let hello = NodeHello {
        version: NODE_VERSION,
        token: joining.token,
        name: joining.name,
        parent: joining.parent,
        addresses,
        request: key.request()?,
        program: cli::VERSION.to_owned(),
    };
    let (_stopper, shutdown) = lifecycle::start()?;
    let media = node.local_addr();
    let (mut socket, welcome) = tokio::select! {
        joined = join_first(&url, &hello) => joined?,
        () = shutdown.clone().asked() => return Ok(()),
    };
    let mut member = start(node, trunks, &hello.name, &key, &welcome)?;
    let mut ready = Some(format!("Ready: {} (media on UDP {media}; Ctrl-C stops)", hello.name));
    loop {
        match member.talk(&mut socket, &shutdown, &mut ready).await {
            End::Asked => break,
            End::Lost(why) => tracing::warn!(why, "the link to the control plane is lost"),
        }
        let again = tokio::select! {
            joined = join_again(&url, &hello, &mut member) => joined,
            () = shutdown.clone().asked() => break,
        };
        let welcome;
        (socket, welcome) = again;
        member.begin_anew(&welcome).await;
    }
    // A server that is gone needs no goodbye.
    let _ = timeout(Duration::from_secs(1), socket.close(None)).await;
    let Member { handle, .. } = member;
    handle.stop();
    Ok(())
}

/// `http://server:8080` is `ws://server:8080/node`.
fn link_url(control: &str) -> anyhow::Result<String> {
    let base = control.trim_end_matches('/');
    let url = match base.split_once("://") {
        Some(("http", rest)) => format!("ws://{rest}/node"),
        Some(("https", rest)) => format!("wss://{rest}/node"),
        _ => bail!("{control} is no address of a server. Write --control http://SERVER:8080."),
    };
    Ok(url)
}

/// The socket of the trunks: where the configuration says, or beside the media port, or anywhere.
pub(crate) fn bind_trunks(config: &Config) -> anyhow::Result<UdpSocket> {
    let listen = config.media.listen;
    if let Some(trunks) = config.media.trunks {
        return UdpSocket::bind(trunks)
            .with_context(|| format!("The address {trunks} of [media] trunks cannot be taken"));
    }
    let beside = listen.port().checked_add(1).filter(|_| listen.port() != 0);
    let taken = beside.and_then(|port| UdpSocket::bind((listen.ip(), port)).ok());
    match taken {
        Some(socket) => Ok(socket),
        None => UdpSocket::bind((listen.ip(), 0)).context("No UDP port is free for trunks"),
    }
}

/// Where other nodes reach the trunks, those of this machine alone last.
pub(crate) fn addresses(node: &sfu::Node, trunks: &UdpSocket) -> anyhow::Result<Vec<String>> {
    let bound = trunks.local_addr().context("The trunks have no address")?;
    let mut ips = if bound.ip().is_unspecified() { node.ips() } else { vec![bound.ip()] };
    ips.sort_by_key(std::net::IpAddr::is_loopback);
    ips.truncate(NODE_ADDRESSES_MAX);
    Ok(ips.into_iter().map(|ip| SocketAddr::new(ip, bound.port()).to_string()).collect())
}

/// A refusal that will be the same next time.
fn is_final(why: NodeRefusal) -> bool {
    match why {
        NodeRefusal::NameTaken | NodeRefusal::TreeFull | NodeRefusal::Silent => false,
        NodeRefusal::TokenInvalid
        | NodeRefusal::VersionMismatch
        | NodeRefusal::NameInvalid
        | NodeRefusal::ParentUnknown
        | NodeRefusal::ParentCircle
        | NodeRefusal::AddressInvalid
        | NodeRefusal::RequestInvalid
        | NodeRefusal::MessageInvalid => true,
    }
}

/// The first time somebody stands before the terminal: what cannot go well ends the program with its reason.
async fn join_first(url: &str, hello: &NodeHello) -> anyhow::Result<(Socket, NodeWelcome)> {
    let (mut pause, mut n_taken) = (PAUSE_FIRST, 0);
    loop {
        match join(url, hello).await {
            Ok(Ok(joined)) => return Ok(joined),
            Ok(Err(why)) => {
                n_taken += u32::from(why == NodeRefusal::NameTaken);
                if is_final(why) || n_taken >= NAME_TAKEN_TRIES {
                    bail!("The server has refused this node: {}.", sentence(why));
                }
                tracing::warn!(why = why.word(), "refused, and trying again");
            }
            Err(error) => tracing::warn!(error = format!("{error:#}"), "the server is not reached"),
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Later nobody does: the node tries until it is taken in again.
async fn join_again(url: &str, hello: &NodeHello, member: &mut Member) -> (Socket, NodeWelcome) {
    let mut pause = PAUSE_FIRST;
    loop {
        match join(url, hello).await {
            Ok(Ok(joined)) => return joined,
            Ok(Err(why)) => tracing::warn!(why = why.word(), "the server has refused this node"),
            Err(error) => tracing::warn!(error = format!("{error:#}"), "the server is not reached"),
        }
        let waiting = sleep(pause);
        tokio::pin!(waiting);
        loop {
            tokio::select! {
                () = &mut waiting => break,
                // Nobody hears them; what they said is said again when everything is told anew.
                Some(_) = member.events.recv() => {}
                Some(told) = member.told.recv() => member.note(&told),
            }
        }
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Dials and says hello.
async fn join(
    url: &str,
    hello: &NodeHello,
) -> anyhow::Result<Result<(Socket, NodeWelcome), NodeRefusal>> {
    let limits = WebSocketConfig::default()
        .max_message_size(Some(NODE_MESSAGE_BYTES_MAX))
        .max_frame_size(Some(NODE_MESSAGE_BYTES_MAX));
    let dialled = tokio_tungstenite::connect_async_with_config(url, Some(limits), true);
    let (mut socket, _) = timeout(ANSWER_MAX, dialled)
        .await
        .context("No answer")?
        .with_context(|| format!("No link to {url}"))?;
    say(&mut socket, &FromNode::Hello(Box::new(hello.clone()))).await?;
    loop {
        let message = timeout(ANSWER_MAX, socket.next()).await.context("No answer to hello")?;
        let message = message.context("The server has hung up")?.context("The link broke")?;
        let Message::Text(text) = message else { continue };
        match serde_json::from_str(text.as_str()) {
            Ok(ToNode::Welcome(welcome)) => return Ok(Ok((socket, *welcome))),
            Ok(ToNode::Refused { why }) => return Ok(Err(why)),
            Ok(ToNode::Media { .. } | ToNode::Parents { .. } | ToNode::Heartbeat) => {}
            Err(error) => return Err(error).context("The server's answer is not understood"),
        }
    }
}

async fn say(socket: &mut Socket, value: &FromNode) -> anyhow::Result<()> {
    let text = serde_json::to_string(value).context("A value has no JSON form")?;
    timeout(ANSWER_MAX, socket.send(Message::Text(text.into())))
        .await
        .context("The server does not read")?
        .context("The link broke")
}

fn start(
    node: sfu::Node,
    socket: UdpSocket,
    name: &str,
    key: &NodeKey,
    welcome: &NodeWelcome,
) -> anyhow::Result<Member> {
    let credentials = key.certified(&welcome.certificate, &welcome.authority)?;
    let (commands, from_control) = mpsc::channel(IN_FLIGHT_MAX);
    let (to_control, events) = mpsc::channel(IN_FLIGHT_MAX);
    let (parents, orders) = mpsc::channel(WORDS_MAX);
    let (tell, told) = mpsc::channel(WORDS_MAX);
    // The recorder is beside the root; what it takes crosses the trunks.
    let (tap, _) = mpsc::channel(1);
    let name = name.to_owned();
    let (orders, tell) = (Some(orders), Some(tell));
    let setup = Setup { name, socket, credentials, parents: orders, told: tell };
    let handle = node.with_trunks(setup).run(from_control, to_control, tap);
    parents.try_send(welcome.parents.clone()).context("The node's trunks have ended")?;
    let (rooms, parent) = (HashSet::new(), None);
    Ok(Member { commands, events, parents, told, handle, rooms, parent })
}

impl Member {
    /// Carries values both ways until one side ends. Says that the node is `ready` when it has a parent.
    async fn talk(
        &mut self,
        socket: &mut Socket,
        shutdown: &Shutdown,
        ready: &mut Option<String>,
    ) -> End {
        let mut beat = tokio::time::interval(Duration::from_millis(HEARTBEAT_MS));
        let asked = shutdown.clone().asked();
        tokio::pin!(asked);
        if let Some(parent) = self.parent.clone()
            && say(socket, &FromNode::Attached { parent }).await.is_err()
        {
            return End::Lost("it broke");
        }
        loop {
            let value = tokio::select! {
                () = &mut asked => return End::Asked,
                _ = beat.tick() => FromNode::Report(self.handle.report()),
                Some(event) = self.events.recv() => FromNode::Media { event: Box::new(event) },
                Some(told) = self.told.recv() => {
                    self.note(&told);
                    match told {
                        Attachment::Attached(parent) => FromNode::Attached { parent },
                        Attachment::Lost(parent) => FromNode::ParentLost { parent },
                    }
                }
                heard = timeout(SILENCE_MAX, socket.next()) => {
                    match heard {
                        Err(_) => return End::Lost("the server is silent"),
                        Ok(None | Some(Err(_))) => return End::Lost("it broke"),
                        Ok(Some(Ok(Message::Close(_)))) => return End::Lost("the server has closed it"),
                        Ok(Some(Ok(Message::Text(text)))) => {
                            if let Err(why) = self.hear(text.as_str()).await {
                                return End::Lost(why);
                            }
                        }
                        Ok(Some(Ok(_))) => {}
                    }
                    continue;
                }
            };
            let is_attached = matches!(value, FromNode::Attached { .. });
            if say(socket, &value).await.is_err() {
                return End::Lost("it broke");
            }
            if let Some(ready) = ready.take_if(|_| is_attached) {
                terminal::say(&ready);
            }
        }
    }

    fn note(&mut self, told: &Attachment) {
        self.parent = match told {
            Attachment::Attached(parent) => Some(parent.clone()),
            Attachment::Lost(_) => None,
        };
    }

    async fn hear(&mut self, text: &str) -> Result<(), &'static str> {
        match serde_json::from_str(text) {
            Ok(ToNode::Media { command }) => self.obey(*command).await,
            Ok(ToNode::Parents { parents }) => {
                self.parents.send(parents).await.map_err(|_| "the node has ended")
            }
            Ok(ToNode::Refused { why }) => {
                tracing::warn!(why = why.word(), "the server lets this node go");
                Err("the server lets this node go")
            }
            Ok(ToNode::Welcome(_) | ToNode::Heartbeat) => Ok(()),
            Err(error) => {
                tracing::error!(%error, "a word of the server is not understood");
                Err("a word of the server is not understood")
            }
        }
    }

    async fn obey(&mut self, command: MediaCommand) -> Result<(), &'static str> {
        match &command {
            MediaCommand::SetRoom(room) => {
                self.rooms.insert(room.room.clone());
            }
            MediaCommand::CloseRoom { room } => {
                self.rooms.remove(room);
            }
            MediaCommand::FlushSpeech { .. }
            | MediaCommand::Offer(_)
            | MediaCommand::SetWants { .. }
            | MediaCommand::CloseSession { .. }
            | MediaCommand::Inspect { .. }
            | MediaCommand::TakeSnapshots { .. }
            | MediaCommand::Trace { .. } => {}
        }
        self.commands.send(command).await.map_err(|_| "the node has ended")
    }

    /// The server knows nothing of what was before: its sessions have been given elsewhere.
    async fn begin_anew(&mut self, welcome: &NodeWelcome) {
        for room in std::mem::take(&mut self.rooms) {
            // A node that has ended is noticed at the next word.
            let _ = self.commands.send(MediaCommand::CloseRoom { room }).await;
        }
        let _ = self.parents.send(welcome.parents.clone()).await;
        while self.events.try_recv().is_ok() {}
    }
}

/// A refusal for whoever stands before the terminal.
fn sentence(why: NodeRefusal) -> &'static str {
    match why {
        NodeRefusal::TokenInvalid => {
            "the token is wrong or has expired; `diemcau node-token` on the server prints one"
        }
        NodeRefusal::VersionMismatch => {
            "its version and that of the server do not work together; bring both to the same"
        }
        NodeRefusal::NameInvalid => "its name is not 1 to 64 of A-Z a-z 0-9 _ -",
        NodeRefusal::NameTaken => "a living node has this name; choose another with --name",
        NodeRefusal::ParentUnknown => "there is no node of the name after --parent",
        NodeRefusal::ParentCircle => "the node after --parent is below this one",
        NodeRefusal::AddressInvalid => "none of its addresses can be used by other nodes",
        NodeRefusal::RequestInvalid => "its certificate request is not understood",
        NodeRefusal::TreeFull => "the tree has as many nodes as it may have",
        NodeRefusal::MessageInvalid => "what it said was not understood",
        NodeRefusal::Silent => "it said nothing for too long",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_is_beside_the_pages() {
        assert_eq!(link_url("http://a:8080/").unwrap(), "ws://a:8080/node");
        assert_eq!(
            link_url("https://hop.quangtri.gov.vn").unwrap(),
            "wss://hop.quangtri.gov.vn/node"
        );
        assert!(link_url("a:8080").is_err() && link_url("ftp://a").is_err());
    }
}
