//! The shell of one live room: owns its clock, its queue and the way to its pages. Decides nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use protocol::client::ServerMessage;
use protocol::control::{MediaCommand, MediaEvent};
use protocol::error::ErrorCode;
use protocol::id::{MeetingId, RequestId};
use protocol::time::Timestamp;
use tokio::sync::{mpsc, oneshot};

use super::Hub;
use crate::clock;
use crate::db::facts::Batch;
use crate::db::seats::SeatRow;
use crate::room::{Act, ConnectionId, Ingest, Input, Now, OfficeRequest, Output, Room};
use crate::secret;

/// Inputs waiting for a room: a hall of 3,321 pages that come back at once, a third at a time.
pub(super) const INPUTS_MAX: usize = 1_024;

/// Messages waiting for a page. A page that is further behind resumes by number instead.
pub(crate) const PAGE_QUEUE_MAX: usize = 512;

/// A room without any deadline still looks at its clock so often.
const IDLE: Duration = Duration::from_secs(3_600);

/// What is said to a page.
#[derive(Clone, Debug)]
pub(crate) enum Said {
    /// A message, in JSON.
    Text(Arc<str>),
    /// The end; with a code, the page is told why.
    Close(Option<ErrorCode>),
}

/// What is told to a room's shell.
#[derive(Debug)]
pub(crate) enum ToRoom {
    /// A page said hello.
    Connect {
        connection: ConnectionId,
        page: mpsc::Sender<Said>,
        seat: Box<SeatRow>,
        given_at: Timestamp,
        resume_after: Option<u64>,
    },
    /// Anything else that needs no answer.
    Input(Input),
    /// A question of the HTTP API.
    Ask(Act, oneshot::Sender<Result<(), ErrorCode>>),
    /// A WHIP or WHEP offer.
    Ingest(Box<Ingest>, oneshot::Sender<Result<String, ErrorCode>>),
}

/// The way to a live room.
#[derive(Clone, Debug)]
pub(crate) struct RoomHandle {
    pub(crate) inputs: mpsc::Sender<ToRoom>,
    pub(crate) n_connected: Arc<AtomicUsize>,
}

/// Reads the clock for an input.
pub(crate) fn read_now() -> Now {
    Now { at: clock::now(), tick: clock::tick(), entropy: secret::entropy() }
}

/// How a room's shell ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The meeting is over.
    Over,
    /// Nobody can reach the room any more: it was never opened, or the server stops.
    Dropped,
}

pub(super) struct Actor {
    pub(super) meeting: MeetingId,
    pub(super) room: Room,
    pub(super) inputs: mpsc::Receiver<ToRoom>,
    pub(super) n_connected: Arc<AtomicUsize>,
    pub(super) hub: Arc<Hub>,
    pages: HashMap<ConnectionId, mpsc::Sender<Said>>,
    asks: HashMap<OfficeRequest, oneshot::Sender<Result<(), ErrorCode>>>,
    ingests: HashMap<RequestId, oneshot::Sender<Result<String, ErrorCode>>>,
    next_ask: OfficeRequest,
    writing: Option<oneshot::Receiver<Result<(), ErrorCode>>>,
}

impl Actor {
    pub(super) fn new(
        meeting: MeetingId,
        room: Room,
        inputs: mpsc::Receiver<ToRoom>,
        n_connected: Arc<AtomicUsize>,
        hub: Arc<Hub>,
    ) -> Self {
        Self {
            meeting,
            room,
            inputs,
            n_connected,
            hub,
            pages: HashMap::new(),
            asks: HashMap::new(),
            ingests: HashMap::new(),
            next_ask: 0,
            writing: None,
        }
    }

    pub(super) async fn run(mut self) -> Ended {
        loop {
            if self.drain().await {
                return Ended::Over;
            }
            self.n_connected.store(self.room.n_connected(), Ordering::Relaxed);
            let wait = self
                .room
                .poll_timeout()
                .map_or(IDLE, |at| Duration::from_millis(at.saturating_sub(clock::tick())));
            tokio::select! {
                biased;
                result = written(&mut self.writing) => {
                    self.writing = None;
                    let input = match result {
                        Ok(()) => Input::Persisted,
                        Err(code) => Input::PersistFailed(code),
                    };
                    self.room.handle_input(input, read_now());
                }
                input = self.inputs.recv(), if !self.room.is_congested() => match input {
                    Some(input) => self.take(input),
                    None => return Ended::Dropped,
                },
                () = tokio::time::sleep(wait) => self.room.handle_timeout(read_now()),
            }
        }
    }

    fn take(&mut self, input: ToRoom) {
        let input = match input {
            ToRoom::Input(input) => input,
            ToRoom::Connect { connection, page, seat, given_at, resume_after } => {
                self.pages.insert(connection, page);
                Input::Connect { connection, seat, given_at, resume_after }
            }
            ToRoom::Ask(act, answer) => {
                self.next_ask += 1;
                self.asks.insert(self.next_ask, answer);
                Input::Office(self.next_ask, act)
            }
            ToRoom::Ingest(ingest, answer) => {
                self.ingests.insert(ingest.request, answer);
                Input::Ingest(ingest)
            }
        };
        if let Input::Disconnect(connection) = input {
            self.pages.remove(&connection);
        }
        self.room.handle_input(input, read_now());
    }

    /// Does what the room wants. True: the meeting is over.
    async fn drain(&mut self) -> bool {
        let mut over = false;
        while let Some(output) = self.room.poll_output() {
            match output {
                Output::Persist(entries) => {
                    self.hub.counters.facts.fetch_add(entries.len() as u64, Ordering::Relaxed);
                    let batch = Batch { meeting: self.meeting, entries };
                    self.writing = Some(self.hub.writer.write(batch).await);
                }
                Output::Send(connection, message) => {
                    if let Some(text) = to_text(&message) {
                        self.say(connection, Said::Text(text));
                    }
                }
                Output::Broadcast(message) => self.broadcast(&message),
                Output::Close(connection, code) => {
                    self.say(connection, Said::Close(code));
                    self.pages.remove(&connection);
                }
                Output::Media(command) => {
                    if let MediaCommand::Offer(offer) = &*command
                        && !self.hub.remember_session(offer, Some(self.meeting))
                    {
                        let (request, code) = (offer.request, ErrorCode::MediaUnavailable);
                        let refused = Box::new(MediaEvent::Refused { request, code });
                        self.room.handle_input(Input::Media(refused), read_now());
                    } else {
                        self.hub.tell_media(*command);
                    }
                }
                Output::Recorder(command) => self.hub.tell_recorder(command),
                Output::Answer(request, result) => {
                    if let Some(ask) = self.asks.remove(&request) {
                        // Whoever asked may have gone away.
                        let _ = ask.send(result);
                    }
                }
                Output::Ingested(request, result) => {
                    if let Some(ingest) = self.ingests.remove(&request) {
                        let _ = ingest.send(result);
                    }
                }
                Output::Over => over = true,
            }
        }
        over
    }

    fn broadcast(&mut self, message: &ServerMessage) {
        let Some(text) = to_text(message) else { return };
        // A page whose queue is full is dropped: it comes back and resumes by number.
        self.pages.retain(|_, page| page.try_send(Said::Text(text.clone())).is_ok());
    }

    fn say(&mut self, connection: ConnectionId, said: Said) {
        let Some(page) = self.pages.get(&connection) else { return };
        if page.try_send(said).is_err() {
            self.pages.remove(&connection);
        }
    }
}

/// A message in JSON.
pub(crate) fn to_text(message: &ServerMessage) -> Option<Arc<str>> {
    match serde_json::to_string(message) {
        Ok(text) => Some(text.into()),
        Err(error) => {
            tracing::error!(%error, "a message could not be written as JSON");
            None
        }
    }
}

/// Resolves when the disk has answered; never if nothing is being written.
async fn written(
    writing: &mut Option<oneshot::Receiver<Result<(), ErrorCode>>>,
) -> Result<(), ErrorCode> {
    match writing {
        Some(result) => result.await.unwrap_or(Err(ErrorCode::Internal)),
        None => std::future::pending().await,
    }
}
