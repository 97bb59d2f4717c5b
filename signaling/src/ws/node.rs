//! The shell of one node's WebSocket (`/node`): hello, certificate, heartbeats, and the values of the link both ways.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use protocol::error::ErrorCode;
use protocol::node::{
    FromNode, HEARTBEAT_MS, NODE_HELLO_MS, NODE_MESSAGE_BYTES_MAX, NODE_VERSION, NodeHello,
    NodeRefusal, NodeWelcome, ToNode, is_spoken,
};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::db::nodes;
use crate::http::{ApiError, App};
use crate::live;
use crate::nodes::{Joined, Link};
use crate::tree::Joining;

/// A hello is not longer than this, bytes.
const HELLO_BYTES_MAX: usize = 64 * 1024;

/// One message is written within this time, or the node is gone.
const WRITE_MAX: Duration = Duration::from_secs(5);

/// After the last word a node has so long to close; otherwise it might never read the word.
const LINGER_MAX: Duration = Duration::from_secs(1);

/// Messages between the outbox and the socket.
const IN_FLIGHT_MAX: usize = 64;

/// `GET /node`. Pages have no business here: a browser always names its origin, a node never does.
pub(crate) async fn upgrade(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<SocketAddr>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if headers.contains_key(header::ORIGIN) {
        return ApiError::from(ErrorCode::Forbidden).into_response();
    }
    upgrade
        .max_message_size(NODE_MESSAGE_BYTES_MAX)
        .max_frame_size(NODE_MESSAGE_BYTES_MAX)
        .on_upgrade(move |socket| async move { serve(&app, peer, socket).await })
}

async fn serve(app: &App, peer: SocketAddr, mut socket: WebSocket) {
    match welcome(app, &mut socket).await {
        Ok((name, link)) => {
            tracing::info!(node = %name, %peer, "a media node has joined the tree");
            let why = talk(app, &name, &link, &mut socket).await;
            app.hub.nodes.gone(&name);
            live::node_gone(&app.hub, &name).await;
            tracing::warn!(node = %name, %peer, why = why.map(NodeRefusal::word), "a media node has left");
            close(&mut socket, why).await;
        }
        Err(why) => {
            tracing::warn!(%peer, why = why.word(), "a media node was refused");
            close(&mut socket, Some(why)).await;
        }
    }
}

/// Says why, if there is a reason, and waits until it was read.
async fn close(socket: &mut WebSocket, why: Option<NodeRefusal>) {
    if let Some(why) = why {
        // The node may be gone; then it needs no reason.
        let _ = say(socket, &ToNode::Refused { why }).await;
    }
    let frame = CloseFrame { code: 1000, reason: "".into() };
    let _ = timeout(WRITE_MAX, socket.send(Message::Close(Some(frame)))).await;
    let rest = async { while let Some(Ok(_)) = socket.recv().await {} };
    let _ = timeout(LINGER_MAX, rest).await;
}

/// Only the version: an old hello may lack what a new one has.
#[derive(Deserialize)]
struct AnyHello {
    version: u32,
}

async fn welcome(app: &App, socket: &mut WebSocket) -> Result<(Arc<str>, Arc<Link>), NodeRefusal> {
    let hello = match timeout(Duration::from_millis(NODE_HELLO_MS), socket.recv()).await {
        Ok(Some(Ok(Message::Text(text)))) => parse_hello(text.as_str())?,
        Ok(_) => return Err(NodeRefusal::MessageInvalid),
        Err(_) => return Err(NodeRefusal::Silent),
    };
    let known = nodes::is_token(&app.db, &hello.token, app.now()).await;
    if !known.unwrap_or_else(|error| {
        tracing::error!(%error, "a node's token could not be looked up");
        false
    }) {
        return Err(NodeRefusal::TokenInvalid);
    }
    let NodeHello { version, name, parent, addresses, request, program, .. } = hello;
    // Signed before it joins, so that a bad request leaves no trace in the tree.
    let certificate = app.authority.sign(&request, &name)?;
    let joining = Joining { name, parent, addresses, program };
    let Joined { name, link, parents } = app.hub.nodes.join(joining)?;
    let authority = app.authority.certificate.clone();
    let version = version.min(NODE_VERSION);
    let welcome = NodeWelcome { version, certificate, authority, parents };
    if say(socket, &ToNode::Welcome(Box::new(welcome))).await.is_err() {
        app.hub.nodes.gone(&name);
        return Err(NodeRefusal::Silent);
    }
    Ok((name, link))
}

fn parse_hello(text: &str) -> Result<NodeHello, NodeRefusal> {
    if text.len() > HELLO_BYTES_MAX {
        return Err(NodeRefusal::MessageInvalid);
    }
    let any: AnyHello = serde_json::from_str(text).map_err(|_| NodeRefusal::MessageInvalid)?;
    if !is_spoken(any.version) {
        return Err(NodeRefusal::VersionMismatch);
    }
    match serde_json::from_str(text) {
        Ok(FromNode::Hello(hello)) => Ok(*hello),
        Ok(_) | Err(_) => Err(NodeRefusal::MessageInvalid),
    }
}

/// Carries values both ways until one side ends; why, if it was for a reason of ours.
async fn talk(
    app: &App,
    name: &Arc<str>,
    link: &Link,
    socket: &mut WebSocket,
) -> Option<NodeRefusal> {
    let (to_socket, mut waiting) = mpsc::channel(IN_FLIGHT_MAX);
    let carrying = link.outbox.carry(to_socket);
    tokio::pin!(carrying);
    let mut beat = tokio::time::interval(Duration::from_millis(HEARTBEAT_MS));
    loop {
        tokio::select! {
            () = &mut carrying => return None,
            () = link.cut.notified() => return Some(NodeRefusal::Silent),
            value = waiting.recv() => {
                say(socket, &value?).await.ok()?;
            }
            _ = beat.tick() => say(socket, &ToNode::Heartbeat).await.ok()?,
            said = socket.recv() => match said? {
                Ok(Message::Text(text)) => {
                    let Ok(value) = serde_json::from_str(text.as_str()) else {
                        return Some(NodeRefusal::MessageInvalid);
                    };
                    app.hub.nodes.heard(name);
                    if let Some(why) = take(app, name, value).await {
                        return Some(why);
                    }
                }
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                Ok(Message::Binary(_)) => return Some(NodeRefusal::MessageInvalid),
                Ok(Message::Close(_)) | Err(_) => return None,
            },
        }
    }
}

async fn take(app: &App, name: &Arc<str>, value: FromNode) -> Option<NodeRefusal> {
    let nodes = &app.hub.nodes;
    match value {
        // A hello is the first message, once.
        FromNode::Hello(_) => return Some(NodeRefusal::MessageInvalid),
        FromNode::Media { event } => {
            live::media_event(&app.hub, Some(name), *event).await;
        }
        FromNode::Report(report) => nodes.reported(name, report),
        FromNode::Attached { parent } => {
            tracing::info!(node = %name, parent, "a media node is attached");
            nodes.attached(name, &parent);
        }
        FromNode::ParentLost { parent } => {
            tracing::warn!(node = %name, parent, "a media node has lost its parent");
            nodes.parent_lost(name, &parent);
        }
    }
    None
}

async fn say(socket: &mut WebSocket, value: &ToNode) -> Result<(), ()> {
    let text = serde_json::to_string(value).map_err(|error| {
        tracing::error!(%error, "a message to a media node could not be written as JSON");
    })?;
    match timeout(WRITE_MAX, socket.send(Message::Text(text.into()))).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(()),
    }
}
