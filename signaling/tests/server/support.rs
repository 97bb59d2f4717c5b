//! A server to test, and just enough HTTP and WebSocket to speak to it.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::{BodyExt as _, Full};
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use protocol::api::{Meeting, Seat};
use protocol::client::{ClientMessage, Command, ServerMessage, VERSION};
use protocol::control::{MediaCommand, MediaEvent, RecorderCommand, RecorderEvent};
use protocol::error::ErrorCode;
use protocol::fact::{Fact, FactRecord};
use protocol::id::{CommandId, ParticipantId};
use protocol::media::Source;
use protocol::role::RoomRole;
use protocol::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use signaling::demo::DemoReport;
use signaling::{Asset, Config, Control, demo};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// Every command of every page has an id of its own.
static N_COMMANDS: AtomicU64 = AtomicU64::new(1_000);

/// Nothing in these tests takes longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The far end of a link.
pub(crate) struct Peer<C, E> {
    pub(crate) said: mpsc::Receiver<C>,
    pub(crate) say: mpsc::Sender<E>,
}

impl<C, E> Peer<C, E> {
    /// The next thing that `pick` picks.
    pub(crate) async fn hears<T>(&mut self, mut pick: impl FnMut(C) -> Option<T>) -> T {
        tokio::time::timeout(PATIENCE, async {
            loop {
                let said = self.said.recv().await.expect("the link is open");
                if let Some(picked) = pick(said) {
                    return picked;
                }
            }
        })
        .await
        .expect("it is said in time")
    }
}

pub(crate) struct Server {
    pub(crate) address: String,
    pub(crate) report: DemoReport,
    pub(crate) media: Peer<MediaCommand, MediaEvent>,
    pub(crate) recorder: Peer<RecorderCommand, RecorderEvent>,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
    /// The server's own, so that it can be stopped as `kill -9` stops a process.
    runtime: Option<Runtime>,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn config(data: &Path, open_rooms: bool) -> Config {
    Config {
        root_report: Arc::new(protocol::node::NodeReport::default),
        data: data.to_owned(),
        open_rooms,
        assets: Arc::new(|path, gzip| {
            let (bytes, immutable) = match path {
                "index.html" => ("<!doctype html>", false),
                "assets/app-1a2b.js" => ("export {}", true),
                _ => return None,
            };
            let bytes = Cow::Borrowed(bytes.as_bytes());
            let encoding = gzip.then_some("gzip");
            Some(Asset { bytes, content_type: "text/plain", encoding, immutable })
        }),
        metrics: vec![Arc::new(|out: &mut String| out.push_str("diemcau_other 1\n"))],
        worker: "worker-of-no-test".into(),
        version: "0.0.0-test",
    }
}

impl Server {
    pub(crate) async fn start(data: &Path) -> Self {
        Self::start_with(data, false).await
    }

    pub(crate) async fn start_with(data: &Path, open_rooms: bool) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let opening = config(data, open_rooms);
        let opened = runtime.spawn(async move {
            let control = Control::open(opening).await.expect("it opens");
            let report = demo::load(&control).await.expect("the demonstration loads");
            (control, report)
        });
        let (control, report) = opened.await.unwrap();
        let listener = runtime.spawn(TcpListener::bind("127.0.0.1:0")).await.unwrap().unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (media_tx, media_said) = mpsc::channel(64);
        let (media_say, media_rx) = mpsc::channel(64);
        let (recorder_tx, recorder_said) = mpsc::channel(1_024);
        let (recorder_say, recorder_rx) = mpsc::channel(64);
        let (stop, stopped) = oneshot::channel::<()>();
        let running = runtime.spawn(async move {
            let shutdown = async { drop(stopped.await) };
            let links = ((media_tx, media_rx), (recorder_tx, recorder_rx));
            control.run(links.0, links.1, listener, shutdown).await.expect("it stops in order");
        });
        media_say.send(MediaEvent::Ready).await.unwrap();
        recorder_say.send(RecorderEvent::Ready { unfinished: Vec::new() }).await.unwrap();
        let media = Peer { said: media_said, say: media_say };
        let recorder = Peer { said: recorder_said, say: recorder_say };
        let (stop, runtime) = (Some(stop), Some(runtime));
        let server = Self { address, report, media, recorder, stop, running, runtime };
        while server.get("/readyz", None).await.0 != StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        server
    }

    /// As after `kill -9`: nothing is told to anybody.
    pub(crate) fn kill(self) {
        drop(self);
    }

    pub(crate) async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        (&mut self.running).await.unwrap();
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Response<Bytes> {
        send_to(&self.address, request).await
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> Request<Full<Bytes>> {
        request_to(&self.address, method, path)
    }

    /// A request of a page: with its cookie, and from this server's own origin.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        cookie: Option<&str>,
        body: Option<impl Serialize>,
    ) -> Response<Bytes> {
        let mut request = self.request(method, path);
        let headers = request.headers_mut();
        headers.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
        if let Some(cookie) = cookie {
            headers.insert(header::COOKIE, cookie.parse().unwrap());
        }
        if let Some(body) = body {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Full::new(serde_json::to_vec(&body).unwrap().into());
        }
        self.send(request).await
    }

    pub(crate) async fn get(&self, path: &str, cookie: Option<&str>) -> (StatusCode, Bytes) {
        let response = self.ask(Method::GET, path, cookie, None::<()>).await;
        (response.status(), response.into_body())
    }

    pub(crate) async fn get_json<T: DeserializeOwned>(&self, path: &str, cookie: &str) -> T {
        let (status, body) = self.get(path, Some(cookie)).await;
        assert_eq!(status, StatusCode::OK, "{path}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    pub(crate) async fn post_json<T: DeserializeOwned>(
        &self,
        path: &str,
        cookie: Option<&str>,
        body: Option<impl Serialize>,
    ) -> T {
        let response = self.ask(Method::POST, path, cookie, body).await;
        let text = String::from_utf8_lossy(response.body());
        assert!(response.status().is_success(), "{path}: {} {text}", response.status());
        serde_json::from_slice(response.body()).unwrap()
    }

    /// Signs an account of the demonstration in; its cookie.
    pub(crate) async fn sign_in(&self, username: &str) -> String {
        let account = self.report.accounts.iter().find(|it| it.username == username).unwrap();
        let body = json!({ "username": username, "password": account.password });
        let response = self.ask(Method::POST, "/api/session", None, Some(body)).await;
        assert_eq!(response.status(), StatusCode::OK);
        let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
        assert!(cookie.contains("HttpOnly; SameSite=Strict"), "{cookie}");
        cookie.split(';').next().unwrap().to_owned()
    }

    pub(crate) async fn meeting(&self, cookie: &str) -> Meeting {
        self.get_json(&format!("/api/meetings/{}", self.report.meeting), cookie).await
    }

    /// The seat of an account in the demonstration meeting.
    pub(crate) async fn seat(&self, username: &str) -> Seat {
        let cookie = self.sign_in(username).await;
        let path = format!("/api/meetings/{}/seat", self.report.meeting);
        self.post_json(&path, Some(&cookie), None::<()>).await
    }

    /// The seat that a printed link gives.
    pub(crate) async fn site(&self, index: usize) -> Seat {
        let token = self.report.links[index].1.strip_prefix("/vao/").unwrap();
        self.post_json(&format!("/api/join/{token}"), None, None::<()>).await
    }

    pub(crate) async fn page(&self, seat: &Seat) -> Page {
        let mut page = Page::open(self).await;
        page.hello(&seat.token, None).await;
        page.welcomed().await;
        page
    }
}

/// Sends a request on a connection of its own.
pub(crate) async fn send_to(address: &str, request: Request<Full<Bytes>>) -> Response<Bytes> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
    Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
}

/// The same from a task of its own.
pub(crate) async fn send_to_owned(
    address: String,
    request: Request<Full<Bytes>>,
) -> Response<Bytes> {
    send_to(&address, request).await
}

/// A request without a body.
pub(crate) fn request_to(address: &str, method: Method, path: &str) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, address)
        .body(Full::default())
        .unwrap()
}

/// A page's WebSocket.
pub(crate) struct Page {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) last_seq: u64,
    pub(crate) epoch: String,
    /// Seats in the snapshot's order and after: short messages name them by their place.
    seats: Vec<ParticipantId>,
    /// Facts that a short message stood for.
    waiting: VecDeque<ServerMessage>,
}

impl Page {
    pub(crate) async fn open(server: &Server) -> Self {
        let url = format!("ws://{}/ws", server.address);
        let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        Self {
            socket,
            last_seq: 0,
            epoch: String::new(),
            seats: Vec::new(),
            waiting: VecDeque::new(),
        }
    }

    pub(crate) async fn say(&mut self, message: &ClientMessage) {
        self.say_text(serde_json::to_string(message).unwrap()).await;
    }

    pub(crate) async fn say_text(&mut self, text: String) {
        self.socket.send(Message::Text(text.into())).await.unwrap();
    }

    pub(crate) async fn hello(&mut self, token: &str, resume_after: Option<u64>) {
        let token = token.to_owned();
        self.say(&ClientMessage::Hello { version: VERSION, token, resume_after }).await;
    }

    /// The next message; none when the server closes.
    pub(crate) async fn hear(&mut self) -> Option<ServerMessage> {
        // The server's own pings do not make the wait longer.
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(message) = self.waiting.pop_front() {
                return Some(self.counted(message));
            }
            let next = tokio::time::timeout_at(deadline, self.socket.next());
            let message = next.await.expect("in time");
            match message {
                Some(Ok(Message::Text(text))) => {
                    let message = serde_json::from_str(text.as_str()).unwrap();
                    self.waiting.extend(self.lengthened(message));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(_) | Err(_)) | None => return None,
            }
        }
    }

    fn counted(&mut self, message: ServerMessage) -> ServerMessage {
        if let ServerMessage::Fact(record) = &message {
            assert_eq!(record.seq, self.last_seq + 1, "facts come without gaps");
            self.last_seq = record.seq;
            if let Fact::Seated { participant, .. } = &record.fact
                && !self.seats.contains(participant)
            {
                self.seats.push(*participant);
            }
        }
        message
    }

    /// The facts that a message stands for.
    fn lengthened(&self, message: ServerMessage) -> Vec<ServerMessage> {
        let said = self.waiting.iter().filter(|it| matches!(it, ServerMessage::Fact(_))).count();
        let seq = self.last_seq + said as u64 + 1;
        let fact = |seq, at, fact| ServerMessage::Fact(FactRecord { seq, at, by: None, fact });
        match message {
            ServerMessage::Came { who: (at, participant, site, name) } => {
                let (role, site, account, link) = (RoomRole::Site, Some(site), None, None);
                let seated = Fact::Seated { participant, role, name, site, account, link };
                vec![fact(seq, at, seated), fact(seq + 1, at, Fact::Joined { participant })]
            }
            ServerMessage::Sends { what: (seat, source) } => {
                let participant = self.seats[seat as usize];
                let source = Source::ALL[usize::from(source)];
                vec![fact(seq, Timestamp(0), Fact::Published { participant, source })]
            }
            other => vec![other],
        }
    }

    /// The next thing that `pick` picks.
    pub(crate) async fn hears<T>(&mut self, mut pick: impl FnMut(ServerMessage) -> Option<T>) -> T {
        loop {
            let message = self.hear().await.expect("the page is connected");
            if let Some(picked) = pick(message) {
                return picked;
            }
        }
    }

    pub(crate) async fn welcomed(&mut self) -> bool {
        let (epoch, snapshot) = self
            .hears(|it| match it {
                ServerMessage::Welcome { epoch, snapshot, .. } => Some((epoch, snapshot)),
                other => panic!("welcome comes first, not {other:?}"),
            })
            .await;
        self.epoch = epoch;
        if let Some(snapshot) = &snapshot {
            self.last_seq = snapshot.seq;
            self.seats = snapshot.participants.iter().map(|it| it.id).collect();
        }
        snapshot.is_some()
    }

    /// Gives a command and waits for the answer.
    pub(crate) async fn command(&mut self, command: Command) -> Result<(), ErrorCode> {
        let n = N_COMMANDS.fetch_add(1, Ordering::Relaxed);
        let id = CommandId::from_parts(n, n.into());
        self.command_with(id, command).await
    }

    pub(crate) async fn command_with(
        &mut self,
        id: CommandId,
        command: Command,
    ) -> Result<(), ErrorCode> {
        self.say(&ClientMessage::Command { id, command }).await;
        self.hears(|it| match it {
            ServerMessage::Done { id: done } if done == id => Some(Ok(())),
            ServerMessage::Refused { id: refused, code } if refused == id => Some(Err(code)),
            _ => None,
        })
        .await
    }

    /// Waits for a fact.
    pub(crate) async fn fact(&mut self, mut pick: impl FnMut(&Fact) -> bool) {
        self.hears(|it| {
            matches!(it, ServerMessage::Fact(record) if pick(&record.fact)).then_some(())
        })
        .await;
    }

    /// Waits for the end and its reason.
    pub(crate) async fn closed(&mut self) -> Option<ErrorCode> {
        loop {
            match self.hear().await {
                Some(ServerMessage::Closed { code }) => return Some(code),
                Some(_) => {}
                None => return None,
            }
        }
    }
}
