//! All live rooms, and what links them to media nodes, recorders and the disk.

mod actor;
mod events;
mod insight;
mod opening;
mod outbox;
mod routing;
mod waiting;
mod writer;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::api::Meeting;
use protocol::control::{
    DocumentFormat, MediaCommand, MediaOffer, RecorderCommand, RoomMedia, SessionKind,
};
use protocol::error::ErrorCode;
use protocol::id::{MeetingId, RecordingId, RequestId, SessionId};
use protocol::minutes::MinutesDocument;
use protocol::table::{TableDocument, TableFormat};
use tokio::sync::{mpsc, oneshot};

use self::actor::{Actor, Ended, INPUTS_MAX};
pub(crate) use self::actor::{PAGE_QUEUE_MAX, RoomHandle, Said, ToRoom, read_now, to_text};
pub(crate) use self::events::{
    drain, media_event, media_events, move_seats, node_gone, recorder_events,
};
use self::insight::Insight;
pub(crate) use self::insight::sweep;
pub(crate) use self::outbox::{Outbox, Outgoing};
use self::routing::{Gathering, Share};
use self::waiting::Waiting;
use self::writer::FactWriter;
use crate::clock;
use crate::db::{Db, DbError, facts, meetings};
use crate::minutes;
use crate::nodes::{self, NodeName, Nodes};
use crate::room::{Act, Ingest, Input, Room};
use crate::secret::{self, Secret};

/// A media node answers an offer within this time, or the offer is refused. Longer than the room's own
/// limit, which is the one that speaks.
const ANSWER_MAX: Duration = Duration::from_secs(12);

/// A document of 3,321 sites prints in a few seconds on a slow machine.
const RENDER_MAX: Duration = Duration::from_secs(60);

/// WHIP and WHEP sessions and pages' media that are known at one time.
const SESSIONS_MAX: usize = 65_536;

/// Rooms that exist on demand for benchmarks.
const OPEN_ROOMS_MAX: usize = 1_024;

/// What `/metrics` counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) facts: AtomicU64,
    pub(crate) refused_messages: AtomicU64,
    pub(crate) wrong_passwords: AtomicU64,
    pub(crate) pages: AtomicU64,
    pub(crate) room_panics: AtomicU64,
    /// Recorded altogether, ms.
    pub(crate) recorded_ms: AtomicU64,
    next_connection: AtomicU64,
}

/// Where a media session belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The room's name.
    pub(crate) room: String,
    /// Its meeting; none for a room that exists on demand.
    pub(crate) meeting: Option<MeetingId>,
    /// The publisher's name.
    pub(crate) publisher: String,
    /// The media node.
    pub(crate) node: NodeName,
}

#[derive(Debug, Default)]
struct Tables {
    rooms: HashMap<MeetingId, RoomHandle>,
    by_code: HashMap<String, MeetingId>,
    open_rooms: HashSet<String>,
    /// Meetings that are just being opened.
    opening: HashSet<MeetingId>,
    sessions: HashMap<SessionId, Place>,
    requests: HashMap<RequestId, SessionId>,
    /// Where sessions that are just being offered were asked to be.
    asked: HashMap<SessionId, NodeName>,
    /// What the tree of media nodes has of each room.
    shares: HashMap<String, Share>,
    /// Questions that several nodes are answering.
    gathering: HashMap<RequestId, Gathering>,
    /// Offers to rooms on demand that wait for an answer.
    direct: HashMap<RequestId, oneshot::Sender<Result<String, ErrorCode>>>,
    /// Documents that are being printed.
    rendering: HashMap<RequestId, oneshot::Sender<Result<Vec<u8>, ErrorCode>>>,
    /// How much of each recording was counted in `recorded_ms`.
    recorded: HashMap<RecordingId, u64>,
}

/// See the file's head.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) db: Db,
    pub(crate) counters: Counters,
    /// Names this run of the server; pages that see another one offer their media again.
    epoch: String,
    restores: AtomicU64,
    writer: FactWriter,
    tables: Mutex<Tables>,
    insight: Insight,
    pub(crate) waiting: Waiting,
    /// Rooms are opened one after the other.
    one_opens: tokio::sync::Mutex<()>,
    /// Media nodes of other machines.
    pub(crate) nodes: Nodes,
    media: Outbox<MediaCommand>,
    recorder: Outbox<RecorderCommand>,
    pub(crate) media_ready: AtomicBool,
    pub(crate) recorder_ready: AtomicBool,
}

impl Hub {
    /// An empty hub. Needs a running tokio.
    pub(crate) fn new(db: Db) -> Arc<Self> {
        Arc::new(Self {
            writer: FactWriter::start(db.clone()),
            db,
            counters: Counters::default(),
            epoch: Secret::<8>::random().to_text(),
            restores: AtomicU64::new(0),
            tables: Mutex::default(),
            insight: Insight::default(),
            waiting: Waiting::default(),
            one_opens: tokio::sync::Mutex::default(),
            nodes: Nodes::default(),
            media: Outbox::default(),
            recorder: Outbox::default(),
            media_ready: AtomicBool::new(false),
            recorder_ready: AtomicBool::new(false),
        })
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        // Every change is one insert or remove, so a panic elsewhere left nothing half done.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number for a new WebSocket connection.
    pub(crate) fn new_connection(&self) -> u64 {
        self.counters.next_connection.fetch_add(1, Ordering::Relaxed) + 1
    }

    // --- rooms ---

    /// Brings back the rooms of the meetings that were open when the server stopped.
    pub(crate) async fn restore_all(self: &Arc<Self>) -> Result<usize, DbError> {
        let open = meetings::list_open(&self.db).await?;
        for meeting in &open {
            self.restore(meeting).await?;
        }
        Ok(open.len())
    }

    async fn restore(self: &Arc<Self>, meeting: &Meeting) -> Result<(), DbError> {
        let facts = facts::list(&self.db, meeting.id).await?;
        let run = self.restores.fetch_add(1, Ordering::Relaxed);
        let epoch = format!("{}-{run}", self.epoch);
        let room = Room::restore(meeting.id, &meeting.code, &epoch, &facts, read_now());
        tracing::info!(meeting = %meeting.id, n_facts = facts.len(), "room restored");
        self.start(meeting, room);
        Ok(())
    }

    fn start(self: &Arc<Self>, meeting: &Meeting, mut room: Room) -> RoomHandle {
        if self.recorder_ready.load(Ordering::Relaxed) {
            let ready = Input::Recorder(crate::room::RecorderSays::Ready);
            room.handle_input(ready, read_now());
        }
        let (inputs, waiting) = mpsc::channel(INPUTS_MAX);
        let handle = RoomHandle { inputs, n_connected: Arc::default() };
        let n_connected = Arc::clone(&handle.n_connected);
        {
            let mut tables = self.tables();
            tables.rooms.insert(meeting.id, handle.clone());
            tables.by_code.insert(meeting.code.clone(), meeting.id);
        }
        let actor = Actor::new(meeting.id, room, waiting, n_connected, Arc::clone(self));
        tokio::spawn(supervise(Arc::clone(self), meeting.id, actor));
        handle
    }

    /// The room of a meeting, if it is open.
    pub(crate) fn room(&self, meeting: MeetingId) -> Option<RoomHandle> {
        self.tables().rooms.get(&meeting).cloned()
    }

    /// All rooms.
    pub(crate) fn rooms(&self) -> Vec<RoomHandle> {
        self.tables().rooms.values().cloned().collect()
    }

    fn room_named(&self, code: &str) -> Option<RoomHandle> {
        let tables = self.tables();
        tables.rooms.get(tables.by_code.get(code)?).cloned()
    }

    /// Seats connected to a meeting.
    pub(crate) fn n_connected(&self, meeting: MeetingId) -> u32 {
        let n = self.room(meeting).map_or(0, |it| it.n_connected.load(Ordering::Relaxed));
        u32::try_from(n).unwrap_or(u32::MAX)
    }

    fn forget(&self, meeting: MeetingId) {
        let mut tables = self.tables();
        tables.rooms.remove(&meeting);
        tables.by_code.retain(|_, it| *it != meeting);
        tables.sessions.retain(|_, it| it.meeting != Some(meeting));
        let Tables { sessions, requests, .. } = &mut *tables;
        requests.retain(|_, it| sessions.contains_key(it));
        drop(tables);
        self.nodes.forget(meeting);
    }

    /// Does something to an open meeting and answers when it is on disk.
    pub(crate) async fn act(&self, meeting: MeetingId, act: Act) -> Result<(), ErrorCode> {
        let room = self.room(meeting).ok_or(ErrorCode::MeetingNotOpen)?;
        ask(&room, act).await
    }

    // --- links ---

    /// Carries what waits for the media node.
    pub(crate) async fn carry_media(&self, link: mpsc::Sender<MediaCommand>) {
        self.media.carry(link).await;
        self.media_ready.store(false, Ordering::Relaxed);
        tracing::error!("the media node is gone; restart the server");
    }

    /// Carries what waits for the recorder.
    pub(crate) async fn carry_recorder(&self, link: mpsc::Sender<RecorderCommand>) {
        self.recorder.carry(link).await;
        self.recorder_ready.store(false, Ordering::Relaxed);
        tracing::error!("the recorder is gone; restart the server");
    }

    fn tell_root(&self, command: MediaCommand) {
        if !self.media.push(command) {
            tracing::warn!("the media node does not keep up; its rooms are told again");
            for room in self.rooms() {
                // A room whose queue is full has changes coming that will tell the node anyway.
                let _ = room.inputs.try_send(ToRoom::Input(Input::MediaResync));
            }
        }
    }

    /// Tells the recorder.
    pub(crate) fn tell_recorder(&self, command: RecorderCommand) {
        if !self.recorder.push(command) {
            tracing::error!("the recorder does not keep up; its recordings are told again");
            for room in self.rooms() {
                let ready = Input::Recorder(crate::room::RecorderSays::Ready);
                let _ = room.inputs.try_send(ToRoom::Input(ready));
            }
        }
    }

    // --- WHIP and WHEP ---

    /// Offers a WHIP or WHEP session to the node; its id and the answer.
    pub(crate) async fn ingest(
        &self,
        room: &str,
        name: String,
        (kind, at): (SessionKind, Option<String>),
        sdp: String,
        open_rooms: bool,
    ) -> Result<(SessionId, String), ErrorCode> {
        let now = read_now();
        let session = SessionId::from_parts(now.unix_ms(), now.entropy);
        let request = RequestId::from_parts(now.unix_ms(), now.entropy);
        let ingest = Box::new(Ingest { request, session, name, kind, sdp });
        if let Some(at) = at {
            self.tables().asked.insert(session, nodes::key(&at));
        }
        let (answer, answered) = oneshot::channel();
        let offered = self.offer_ingest(room, ingest, answer, open_rooms).await;
        let waited = match offered {
            Ok(()) => tokio::time::timeout(ANSWER_MAX, answered).await,
            Err(code) => Ok(Ok(Err(code))),
        };
        self.tables().asked.remove(&session);
        let result = waited.map_or(Err(ErrorCode::MediaUnavailable), |it| {
            it.unwrap_or(Err(ErrorCode::MediaUnavailable))
        });
        if result.is_err() {
            self.drop_direct(request, session);
        }
        result.map(|sdp| (session, sdp))
    }

    async fn offer_ingest(
        &self,
        room: &str,
        ingest: Box<Ingest>,
        answer: oneshot::Sender<Result<String, ErrorCode>>,
        open_rooms: bool,
    ) -> Result<(), ErrorCode> {
        match self.room_named(room) {
            Some(handle) => {
                let sent = handle.inputs.send(ToRoom::Ingest(ingest, answer)).await;
                sent.map_err(|_| ErrorCode::MeetingEnded)?;
            }
            None if open_rooms => self.offer_on_demand(room, *ingest, answer)?,
            None => return Err(ErrorCode::MeetingNotOpen),
        }
        Ok(())
    }

    fn offer_on_demand(
        &self,
        room: &str,
        ingest: Ingest,
        answer: oneshot::Sender<Result<String, ErrorCode>>,
    ) -> Result<(), ErrorCode> {
        let offer = MediaOffer {
            request: ingest.request,
            session: ingest.session,
            room: room.to_owned(),
            publisher: ingest.name,
            kind: ingest.kind,
            sdp: ingest.sdp,
        };
        let is_new = {
            let mut tables = self.tables();
            if tables.open_rooms.len() >= OPEN_ROOMS_MAX && !tables.open_rooms.contains(room) {
                return Err(ErrorCode::MediaUnavailable);
            }
            tables.direct.insert(offer.request, answer);
            tables.open_rooms.insert(room.to_owned())
        };
        if is_new {
            self.tell_media(MediaCommand::SetRoom(on_demand(room)));
        }
        if !self.remember_session(&offer, None) {
            return Err(ErrorCode::MediaUnavailable);
        }
        self.tell_media(MediaCommand::Offer(Box::new(offer)));
        Ok(())
    }

    fn drop_direct(&self, request: RequestId, session: SessionId) {
        let was_waiting = self.tables().direct.remove(&request).is_some();
        if was_waiting {
            self.tables().sessions.remove(&session);
            self.tell_media(MediaCommand::CloseSession { session });
        }
    }

    /// Ends a WHIP or WHEP session of this room. False: there is none.
    pub(crate) async fn close_ingest(&self, room: &str, session: SessionId) -> bool {
        let place = self.tables().sessions.get(&session).cloned();
        let Some(place) = place.filter(|it| it.room == room) else { return false };
        match place.meeting.and_then(|it| self.room(it)) {
            Some(handle) => {
                let close = ToRoom::Input(Input::CloseIngest(session));
                // A room that ended meanwhile has closed all its sessions.
                let _ = handle.inputs.send(close).await;
            }
            None => self.tell_media(MediaCommand::CloseSession { session }),
        }
        self.tables().sessions.remove(&session);
        true
    }

    // --- documents ---

    /// Has minutes printed.
    pub(crate) async fn render(
        &self,
        document: MinutesDocument,
        format: DocumentFormat,
    ) -> Result<Vec<u8>, ErrorCode> {
        let document = Box::new(document);
        self.print(|request| RecorderCommand::RenderMinutes { request, document, format }).await
    }

    /// Has a table printed.
    pub(crate) async fn render_table(
        &self,
        table: TableDocument,
        format: TableFormat,
    ) -> Result<Vec<u8>, ErrorCode> {
        let table = Box::new(table);
        self.print(|request| RecorderCommand::RenderTable { request, table, format }).await
    }

    async fn print(
        &self,
        command: impl FnOnce(RequestId) -> RecorderCommand,
    ) -> Result<Vec<u8>, ErrorCode> {
        if !self.recorder_ready.load(Ordering::Relaxed) {
            return Err(ErrorCode::RecorderUnavailable);
        }
        let unix_ms = u64::try_from(clock::now().0).unwrap_or(0);
        let request = RequestId::from_parts(unix_ms, secret::entropy());
        let (answer, answered) = oneshot::channel();
        self.tables().rendering.insert(request, answer);
        self.tell_recorder(command(request));
        let waited = tokio::time::timeout(RENDER_MAX, answered).await;
        self.tables().rendering.remove(&request);
        waited.map_or(Err(ErrorCode::RenderFailed), |it| {
            it.unwrap_or(Err(ErrorCode::RecorderUnavailable))
        })
    }
}

/// A room that exists on demand: everything is forwarded.
fn on_demand(room: &str) -> RoomMedia {
    RoomMedia { room: room.to_owned(), open: true, ..RoomMedia::default() }
}

async fn ask(room: &RoomHandle, act: Act) -> Result<(), ErrorCode> {
    let (answer, answered) = oneshot::channel();
    let sent = room.inputs.send(ToRoom::Ask(act, answer)).await;
    sent.map_err(|_| ErrorCode::MeetingEnded)?;
    answered.await.unwrap_or(Err(ErrorCode::MeetingEnded))
}

/// Waits for a room's end. A room that panicked is restored from its facts: its pages come back and
/// resume, the other rooms notice nothing.
async fn supervise(hub: Arc<Hub>, meeting: MeetingId, actor: Actor) {
    let ended = tokio::spawn(actor.run()).await;
    match ended {
        Ok(Ended::Dropped) => {}
        Ok(Ended::Over) => {
            hub.forget(meeting);
            tracing::info!(%meeting, "meeting ended");
            if let Err(error) = minutes::draft_if_missing(&hub.db, meeting, clock::now()).await {
                tracing::error!(%meeting, %error, "minutes could not be drafted; opening them drafts again");
            }
        }
        Err(error) => {
            hub.counters.room_panics.fetch_add(1, Ordering::Relaxed);
            tracing::error!(%meeting, %error, "a room failed and is restored from its facts");
            hub.forget(meeting);
            restore_after_panic(hub, meeting).await;
        }
    }
}

fn restore_after_panic(
    hub: Arc<Hub>,
    meeting: MeetingId,
) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
    // Boxed, because a restored room is supervised in turn.
    Box::pin(async move {
        let restored = match meetings::find(&hub.db, meeting).await {
            Ok(Some(found)) => hub.restore(&found).await,
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = restored {
            tracing::error!(%meeting, %error, "the room could not be restored; restart the server");
        }
    })
}
