//! The shell of one page's WebSocket: hello, limits, heartbeat. What is said is the room's business.

mod bucket;
pub(crate) mod node;

use std::net::{IpAddr, SocketAddr};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use protocol::api::MeetingState;
use protocol::client::{ClientMessage, MESSAGE_BYTES_MAX, ServerMessage, VERSION};
use protocol::error::ErrorCode;
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, timeout};

use self::bucket::Bucket;
use crate::clock;
use crate::db::seats::SeatRow;
use crate::db::{meetings, nodes, seats};
use crate::http::{ApiError, App, is_same_origin, page_address};
use crate::live::{Hub, PAGE_QUEUE_MAX, RoomHandle, Said, ToRoom, to_text};
use crate::nodes::SeatPlace;
use crate::room::{ConnectionId, Input};
use crate::tree::placement::Wanting;

/// A page says hello within this time.
const HELLO_MAX: Duration = Duration::from_secs(10);

/// Largest message that is not an SDP, bytes.
const SMALL_BYTES_MAX: usize = 64 * 1024;

/// We ping so often.
const PING_EVERY: Duration = Duration::from_secs(15);

/// A page that was silent for so long is gone: two pings and some patience.
const SILENCE_MAX: Duration = Duration::from_secs(40);

/// Largest message that is read at all: one above the protocol's limit is answered with its reason, one
/// above this ends the connection without a word.
const READ_BYTES_MAX: usize = 4 * MESSAGE_BYTES_MAX;

/// After the last word a page has so long to close. A connection that is dropped with unread bytes is
/// reset, and the page would never see why.
const LINGER_MAX: Duration = Duration::from_secs(2);

/// One message is written within this time, or the page is gone.
const WRITE_MAX: Duration = Duration::from_secs(10);

/// A token that is longer is not one of ours.
const TOKEN_BYTES_MAX: usize = 128;

/// `GET /ws`.
pub(crate) async fn upgrade(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<SocketAddr>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !is_same_origin(&headers) {
        return ApiError::from(ErrorCode::Forbidden).into_response();
    }
    let from = page_address(peer, &headers);
    upgrade
        .max_message_size(READ_BYTES_MAX)
        .max_frame_size(READ_BYTES_MAX)
        .max_write_buffer_size(4 * MESSAGE_BYTES_MAX)
        .on_upgrade(move |socket| async move {
            let counters = &app.hub.counters;
            counters.pages.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(%peer, "page connected");
            serve(&app.hub, socket, from).await;
            counters.pages.fetch_sub(1, Ordering::Relaxed);
        })
}

/// Why a page is sent away, or nothing for one that is simply gone.
type Goodbye = Option<ErrorCode>;

async fn serve(hub: &Hub, mut socket: WebSocket, from: IpAddr) {
    let goodbye = match hello(hub, &mut socket, from).await {
        Ok((room, connection, said)) => {
            let page = Page { hub, room, connection, bucket: Bucket::new(clock::tick()) };
            let goodbye = page.talk(&mut socket, said).await;
            let gone = ToRoom::Input(Input::Disconnect(page.connection));
            // A room that has ended needs no news.
            let _ = page.room.inputs.send(gone).await;
            goodbye
        }
        Err(goodbye) => goodbye,
    };
    if let Some(code) = goodbye
        && let Some(text) = to_text(&ServerMessage::Closed { code })
    {
        let closed = Message::Text(text.as_ref().into());
        // The page may be gone already; then it needs no reason.
        let _ = timeout(WRITE_MAX, socket.send(closed)).await;
    }
    let frame = CloseFrame { code: 1000, reason: "".into() };
    let _ = timeout(WRITE_MAX, socket.send(Message::Close(Some(frame)))).await;
    let rest = async { while let Some(Ok(_)) = socket.recv().await {} };
    let _ = timeout(LINGER_MAX, rest).await;
}

type Seated = (RoomHandle, ConnectionId, mpsc::Receiver<Said>);

async fn hello(hub: &Hub, socket: &mut WebSocket, from: IpAddr) -> Result<Seated, Goodbye> {
    let message = timeout(HELLO_MAX, next_text(socket)).await.map_err(|_| None)??;
    let Some(ClientMessage::Hello { version, token, resume_after }) = parse(&message) else {
        return Err(Some(not_understood(&message)));
    };
    if version != VERSION {
        return Err(Some(ErrorCode::VersionMismatch));
    }
    if token.len() > TOKEN_BYTES_MAX {
        return Err(Some(ErrorCode::SeatInvalid));
    }
    let found = seats::find_by_token(&hub.db, &token).await.map_err(|error| {
        tracing::error!(%error, "a seat could not be looked up");
        Some(error.code())
    })?;
    let (seat, given_at) = found.ok_or(Some(ErrorCode::SeatInvalid))?;
    let Some(room) = hub.room(seat.meeting) else {
        let meeting = meetings::find(&hub.db, seat.meeting).await.map_err(|it| Some(it.code()))?;
        let ended = meeting.is_some_and(|it| it.state == MeetingState::Ended);
        // An open meeting without a room is being restored: the page simply tries again.
        return Err(ended.then_some(ErrorCode::MeetingEnded));
    };
    settle(hub, &seat, from).await?;
    let connection = hub.new_connection();
    let (page, said) = mpsc::channel(PAGE_QUEUE_MAX);
    let seat = Box::new(seat);
    let connect = ToRoom::Connect { connection, page, seat, given_at, resume_after };
    room.inputs.send(connect).await.map_err(|_| Some(ErrorCode::MeetingEnded))?;
    Ok((room, connection, said))
}

/// Notes where the seat's media belongs, before the page can offer any.
async fn settle(hub: &Hub, seat: &SeatRow, from: IpAddr) -> Result<(), Goodbye> {
    let (word, units) = match seat.site {
        Some(site) => nodes::belonging(&hub.db, site).await.map_err(|it| Some(it.code()))?,
        None => (None, Vec::new()),
    };
    let wanting = Wanting { word, address: Some(from), units };
    let (meeting, name, site) = (seat.meeting, seat.name.clone(), seat.site);
    hub.nodes.seat(&seat.participant.to_string(), SeatPlace { meeting, name, site, wanting });
    Ok(())
}

/// The next text; an error is the end of the connection.
async fn next_text(socket: &mut WebSocket) -> Result<String, Goodbye> {
    loop {
        match socket.recv().await {
            Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Binary(_))) => return Err(Some(ErrorCode::UnknownMessage)),
            Some(Ok(Message::Close(_))) | None => return Err(None),
            Some(Err(error)) => return Err(too_large(&error)),
        }
    }
}

/// A message above the limit is told apart from a connection that broke.
fn too_large(error: &axum::Error) -> Goodbye {
    use std::error::Error as _;
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.to_string().contains("too long") || inner.to_string().contains("too big") {
            return Some(ErrorCode::TooLarge);
        }
        cause = inner.source();
    }
    None
}

fn parse(text: &str) -> Option<ClientMessage> {
    if text.len() > MESSAGE_BYTES_MAX {
        return None;
    }
    let message: ClientMessage = serde_json::from_str(text).ok()?;
    let is_small = text.len() <= SMALL_BYTES_MAX;
    (is_small || matches!(message, ClientMessage::Offer { .. })).then_some(message)
}

fn not_understood(text: &str) -> ErrorCode {
    if text.len() > SMALL_BYTES_MAX { ErrorCode::TooLarge } else { ErrorCode::UnknownMessage }
}

struct Page<'a> {
    hub: &'a Hub,
    room: RoomHandle,
    connection: ConnectionId,
    bucket: Bucket,
}

impl Page<'_> {
    async fn talk(&self, socket: &mut WebSocket, said: mpsc::Receiver<Said>) -> Goodbye {
        match self.exchange(socket, said).await {
            ControlFlow::Break(goodbye) => goodbye,
            ControlFlow::Continue(()) => None,
        }
    }

    async fn exchange(
        &self,
        socket: &mut WebSocket,
        mut said: mpsc::Receiver<Said>,
    ) -> ControlFlow<Goodbye> {
        let mut bucket = self.bucket;
        let mut ping = interval(PING_EVERY);
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                said = said.recv() => match said {
                    Some(Said::Text(text)) => {
                        write(socket, Message::Text(text.as_ref().into())).await?;
                    }
                    // The room dropped a page that did not keep up: it comes back and resumes.
                    None => return ControlFlow::Break(None),
                    Some(Said::Close(code)) => return ControlFlow::Break(code),
                },
                message = socket.recv() => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(Message::Text(text))) => {
                            self.take(socket, text.as_str(), &mut bucket).await?;
                        }
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Ok(Message::Binary(_))) => {
                            return ControlFlow::Break(Some(ErrorCode::UnknownMessage));
                        }
                        Some(Ok(Message::Close(_))) | None => return ControlFlow::Break(None),
                        Some(Err(error)) => return ControlFlow::Break(too_large(&error)),
                    }
                },
                _ = ping.tick() => {
                    if heard.elapsed() > SILENCE_MAX {
                        return ControlFlow::Break(None);
                    }
                    write(socket, Message::Ping(Vec::new().into())).await?;
                },
            }
        }
    }

    async fn take(
        &self,
        socket: &mut WebSocket,
        text: &str,
        bucket: &mut Bucket,
    ) -> ControlFlow<Goodbye> {
        let within = bucket.take(clock::tick());
        let Some(message) = parse(text) else {
            self.hub.counters.refused_messages.fetch_add(1, Ordering::Relaxed);
            return ControlFlow::Break(Some(not_understood(text)));
        };
        if !within {
            self.hub.counters.refused_messages.fetch_add(1, Ordering::Relaxed);
            return self.too_fast(socket, &message, bucket).await;
        }
        match message {
            ClientMessage::Ping => match to_text(&ServerMessage::Pong) {
                Some(pong) => write(socket, Message::Text(pong.as_ref().into())).await,
                None => ControlFlow::Continue(()),
            },
            // Hello is the first message, once.
            ClientMessage::Hello { .. } => ControlFlow::Break(Some(ErrorCode::UnknownMessage)),
            ClientMessage::Watch { wants } if wants.len() > protocol::client::WANTS_MAX => {
                ControlFlow::Break(Some(ErrorCode::TooLarge))
            }
            other => {
                let input = ToRoom::Input(Input::Client(self.connection, Box::new(other)));
                // A room that is gone has said why, or the page comes back.
                let _ = self.room.inputs.send(input).await;
                ControlFlow::Continue(())
            }
        }
    }

    async fn too_fast(
        &self,
        socket: &mut WebSocket,
        message: &ClientMessage,
        bucket: &Bucket,
    ) -> ControlFlow<Goodbye> {
        if bucket.is_abused() {
            return ControlFlow::Break(Some(ErrorCode::TooManyRequests));
        }
        let code = ErrorCode::TooManyRequests;
        let answer = match message {
            ClientMessage::Command { id, .. } => ServerMessage::Refused { id: *id, code },
            ClientMessage::Offer { .. } => ServerMessage::MediaRefused { code },
            ClientMessage::Hello { .. }
            | ClientMessage::Watch { .. }
            | ClientMessage::Report { .. }
            | ClientMessage::Signs(_)
            | ClientMessage::Checked(_)
            | ClientMessage::Ping => return ControlFlow::Continue(()),
        };
        match to_text(&answer) {
            Some(text) => write(socket, Message::Text(text.as_ref().into())).await,
            None => ControlFlow::Continue(()),
        }
    }
}

async fn write(socket: &mut WebSocket, message: Message) -> ControlFlow<Goodbye> {
    match timeout(WRITE_MAX, socket.send(message)).await {
        Ok(Ok(())) => ControlFlow::Continue(()),
        Ok(Err(_)) | Err(_) => ControlFlow::Break(None),
    }
}
