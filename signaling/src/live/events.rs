//! What media nodes and recorders say, brought to the rooms, the database and whoever waits.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use protocol::api::MeetingState;
use protocol::control::{MediaCommand, MediaEvent, RecorderCommand, RecorderEvent};
use protocol::error::ErrorCode;
use protocol::id::{MeetingId, RecordingId, RequestId, SessionId};
use tokio::sync::mpsc;

use super::routing::Heard;
use super::{Hub, RoomHandle, ToRoom, on_demand};
use crate::clock;
use crate::db::{DbError, custody, meetings, recordings};
use crate::room::{Input, RecorderSays};

/// Carries the root's events until its end of the link is gone.
pub(crate) async fn media_events(hub: Arc<Hub>, mut events: mpsc::Receiver<MediaEvent>) {
    while let Some(event) = events.recv().await {
        media_event(&hub, None, event).await;
    }
    hub.media_ready.store(false, Ordering::Relaxed);
}

/// Brings what a media node says to whom it concerns; none is the root. What is not the node's to say is dropped.
pub(crate) async fn media_event(hub: &Hub, from: Option<&Arc<str>>, event: MediaEvent) {
    let from = from.cloned();
    let heard = hub.tables().hear(&from, event);
    let Heard::Pass(event) = heard else { return };
    match &event {
        MediaEvent::Ready => match from {
            None => {
                hub.media_ready.store(true, Ordering::Relaxed);
                media_ready(hub, event).await;
            }
            Some(node) => node_gone(hub, &node).await,
        },
        MediaEvent::Answer { request, .. } | MediaEvent::Refused { request, .. } => {
            answered(hub, *request, event).await;
        }
        MediaEvent::Inspected { request, .. }
        | MediaEvent::Snapshots { request, .. }
        | MediaEvent::Traced { request, .. } => {
            hub.insight.answered(*request, event);
        }
        MediaEvent::SessionConnected { session }
        | MediaEvent::Slots { session, .. }
        | MediaEvent::Limits { session, .. }
        | MediaEvent::Demand { session, .. } => {
            let meeting = hub.tables().sessions.get(session).and_then(|it| it.meeting);
            to_meeting(hub, meeting, event).await;
        }
        MediaEvent::SessionClosed { session } => {
            let place = hub.tables().sessions.remove(session);
            to_meeting(hub, place.and_then(|it| it.meeting), event).await;
        }
        MediaEvent::TrackStarted { room, .. }
        | MediaEvent::TrackStopped { room, .. }
        | MediaEvent::Speakers { room, .. }
        | MediaEvent::Spoke { room, .. }
        | MediaEvent::SpeechFlushed { room } => {
            if let Some(handle) = hub.room_named(room) {
                to_room(&handle, event).await;
            }
        }
    }
}

/// A node's sessions are gone: their pages are told at once and offer again, to the next node that is right for
/// them. Seat, floor, vote and roll are the control plane's and stay.
pub(crate) async fn node_gone(hub: &Hub, node: &Arc<str>) {
    for (session, meeting) in hub.lose_node(node) {
        to_meeting(hub, meeting, MediaEvent::SessionClosed { session }).await;
    }
}

/// Sites of a node that is drained move in groups of this many, with a pause between them: each group's joins are done
/// before the next one's begin.
const MOVED_AT_ONCE: usize = 10;

/// The pause.
const MOVED_EVERY: Duration = Duration::from_millis(100);

/// Sends the sites of a node elsewhere. Their pictures stand still for as long as a join takes.
pub(crate) fn drain(hub: &Arc<Hub>, node: &str) {
    let (hub, node) = (Arc::clone(hub), Arc::<str>::from(node));
    tokio::spawn(async move {
        let sessions = hub.sessions_at(&node);
        tracing::info!(node = %node, n = sessions.len(), "a media node is drained");
        for group in sessions.chunks(MOVED_AT_ONCE) {
            for session in group {
                move_session(&hub, *session).await;
            }
            tokio::time::sleep(MOVED_EVERY).await;
        }
    });
}

/// Has these publishers' media go wherever it belongs now.
pub(crate) async fn move_seats(hub: &Hub, publishers: &[String]) {
    for session in hub.sessions_of(publishers) {
        move_session(hub, session).await;
    }
}

/// Ends a session where it is; its page offers again.
async fn move_session(hub: &Hub, session: SessionId) {
    hub.tell_media(MediaCommand::CloseSession { session });
    let place = hub.tables().sessions.remove(&session);
    to_meeting(hub, place.and_then(|it| it.meeting), MediaEvent::SessionClosed { session }).await;
}

async fn media_ready(hub: &Hub, event: MediaEvent) {
    hub.insight.clear();
    let open: Vec<String> = {
        let mut tables = hub.tables();
        tables.sessions.clear();
        tables.requests.clear();
        tables.gathering.clear();
        tables.direct.clear(); // Whoever waits sees the other end gone.
        tables.open_rooms.iter().cloned().collect()
    };
    for room in open {
        hub.tell_media(MediaCommand::SetRoom(on_demand(&room)));
    }
    for room in hub.rooms() {
        to_room(&room, event.clone()).await;
    }
}

async fn answered(hub: &Hub, request: RequestId, event: MediaEvent) {
    let (direct, session) = {
        let mut tables = hub.tables();
        (tables.direct.remove(&request), tables.requests.remove(&request))
    };
    if let Some(direct) = direct {
        let result = match event {
            MediaEvent::Answer { sdp, .. } => Ok(sdp),
            MediaEvent::Refused { code, .. } => {
                forget_session(hub, session);
                Err(code)
            }
            _ => Err(ErrorCode::Internal),
        };
        // Whoever offered may have gone away; the session then ends by itself.
        let _ = direct.send(result);
        return;
    }
    let meeting =
        session.and_then(|it| hub.tables().sessions.get(&it).cloned()).and_then(|it| it.meeting);
    if matches!(event, MediaEvent::Refused { .. }) {
        forget_session(hub, session);
    }
    to_meeting(hub, meeting, event).await;
}

fn forget_session(hub: &Hub, session: Option<SessionId>) {
    if let Some(session) = session {
        hub.tables().sessions.remove(&session);
    }
}

async fn to_meeting(hub: &Hub, meeting: Option<MeetingId>, event: MediaEvent) {
    if let Some(room) = meeting.and_then(|it| hub.room(it)) {
        to_room(&room, event).await;
    }
}

async fn to_room(room: &RoomHandle, event: MediaEvent) {
    // A room that has ended needs no news.
    let _ = room.inputs.send(ToRoom::Input(Input::Media(Box::new(event)))).await;
}

/// Carries the recorder's events until its end of the link is gone.
pub(crate) async fn recorder_events(hub: Arc<Hub>, mut events: mpsc::Receiver<RecorderEvent>) {
    while let Some(event) = events.recv().await {
        if let Err(error) = recorder_event(&hub, event).await {
            tracing::error!(%error, "the state of a recording could not be written");
        }
    }
    hub.recorder_ready.store(false, Ordering::Relaxed);
    tell_rooms(&hub, RecorderSays::Gone).await;
}

async fn recorder_event(hub: &Hub, event: RecorderEvent) -> Result<(), DbError> {
    match event {
        RecorderEvent::Ready { unfinished } => {
            hub.recorder_ready.store(true, Ordering::Relaxed);
            tell_rooms(hub, RecorderSays::Ready).await;
            for (recording, meeting) in unfinished {
                finish_unless_running(hub, recording, meeting).await?;
            }
            // Approved, but a crash or a full queue kept it from being done.
            for recording in custody::left_over(&hub.db).await? {
                hub.tell_recorder(RecorderCommand::Destroy { recording });
            }
            Ok(())
        }
        RecorderEvent::Recording { recording, bytes, ms } => {
            count_recorded(hub, recording, ms);
            tell_rooms(hub, RecorderSays::Writing(recording)).await;
            recordings::set_progress(&hub.db, recording, bytes, ms).await
        }
        RecorderEvent::Failed { recording, code } => {
            tracing::error!(%recording, ?code, "recording or composing failed");
            tell_rooms(hub, RecorderSays::Failing(recording, code)).await;
            recordings::set_failed(&hub.db, recording, code).await
        }
        RecorderEvent::Composing { recording, permille, remaining_ms } => {
            recordings::set_composing(&hub.db, recording, permille, remaining_ms).await
        }
        RecorderEvent::Composed { recording, ms, files } => {
            hub.tables().recorded.remove(&recording);
            recordings::set_composed(&hub.db, recording, ms, &files).await
        }
        RecorderEvent::Destroyed { recording } => {
            recordings::set_destroyed(&hub.db, recording).await
        }
        RecorderEvent::Rendered { request, document } => {
            let waiting = hub.tables().rendering.remove(&request);
            if let Some(waiting) = waiting {
                // Whoever wanted it may have gone away.
                let _ = waiting.send(document);
            }
            Ok(())
        }
    }
}

async fn tell_rooms(hub: &Hub, says: RecorderSays) {
    for room in hub.rooms() {
        // A room that has ended needs no news.
        let _ = room.inputs.send(ToRoom::Input(Input::Recorder(says))).await;
    }
}

/// A recording that a crash left behind goes on only if its meeting does.
async fn finish_unless_running(
    hub: &Hub,
    recording: RecordingId,
    meeting: MeetingId,
) -> Result<(), DbError> {
    let row = recordings::find(&hub.db, recording).await?;
    let open =
        meetings::find(&hub.db, meeting).await?.is_some_and(|it| it.state == MeetingState::Open);
    let stopped_at = row.as_ref().and_then(|it| it.stopped_at);
    if row.is_some() && open && stopped_at.is_none() {
        return Ok(());
    }
    let at = stopped_at.unwrap_or_else(clock::now);
    hub.tell_recorder(RecorderCommand::Stop { recording, at });
    Ok(())
}

fn count_recorded(hub: &Hub, recording: RecordingId, ms: u64) {
    let before = hub.tables().recorded.insert(recording, ms).unwrap_or(0);
    let more = ms.saturating_sub(before);
    hub.counters.recorded_ms.fetch_add(more, Ordering::Relaxed);
}
