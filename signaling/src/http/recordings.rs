//! Recordings: what there is, their files with ranges, composing again.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::api::{Recording, RecordingPhase};
use protocol::control::RecorderCommand;
use protocol::error::ErrorCode;
use protocol::id::{MeetingId, RecordingId};
use protocol::role::AccountRole::{Desk, Secretary};
use serde::Deserialize;
use tower::ServiceExt as _;
use tower_http::services::ServeFile;

use super::access::SignedIn;
use super::body::Parsed;
use super::{ApiError, App};
use crate::db::{custody, facts, recordings};
use crate::minutes::chapters;

/// The archive's folder in the data folder.
const ARCHIVE: &str = "archive";

#[derive(Deserialize)]
pub(super) struct Filter {
    meeting: Option<MeetingId>,
}

/// `GET /api/recordings?meeting={id}`.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    _: SignedIn,
    filter: Result<Query<Filter>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Vec<Recording>>, ApiError> {
    let Query(filter) = filter.map_err(|_| ApiError::field("meeting"))?;
    let mut found = recordings::list(&app.db, filter.meeting).await?;
    // Of one meeting the facts are read once; a list of all does without chapters.
    if let Some(meeting) = filter.meeting {
        let records = records(&app, meeting).await?;
        for recording in &mut found {
            recording.chapters = chapters(&records, recording);
        }
    }
    Ok(Json(found))
}

/// `GET /api/recordings/{id}`.
pub(super) async fn find(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Parsed(id): Parsed<RecordingId>,
) -> Result<Json<Recording>, ApiError> {
    let mut recording = found(&app, id).await?;
    let records = records(&app, recording.meeting).await?;
    recording.chapters = chapters(&records, &recording);
    Ok(Json(recording))
}

pub(super) async fn found(app: &App, id: RecordingId) -> Result<Recording, ApiError> {
    recordings::find(&app.db, id).await?.ok_or_else(|| ErrorCode::NotFound.into())
}

async fn records(
    app: &App,
    meeting: MeetingId,
) -> Result<Vec<protocol::fact::FactRecord>, ApiError> {
    Ok(facts::list(&app.db, meeting).await?.into_iter().map(|it| it.record).collect())
}

/// `POST /api/recordings/{id}/compose`.
pub(super) async fn compose(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(id): Parsed<RecordingId>,
) -> Result<(StatusCode, Json<Recording>), ApiError> {
    account.require(&[Secretary, Desk])?;
    let recording = found(&app, id).await?;
    match recording.phase {
        RecordingPhase::Recording | RecordingPhase::Composing | RecordingPhase::Destroyed => {
            return Err(ErrorCode::Conflict.into());
        }
        RecordingPhase::Ready | RecordingPhase::Failed => {}
    }
    if !app.hub.recorder_ready.load(std::sync::atomic::Ordering::Relaxed) {
        return Err(ErrorCode::RecorderUnavailable.into());
    }
    recordings::set_composing(&app.db, id, 0, 0).await?;
    let meeting = recording.meeting;
    app.hub.tell_recorder(RecorderCommand::Compose { recording: id, meeting });
    Ok((StatusCode::ACCEPTED, Json(found(&app, id).await?)))
}

/// `GET /api/recordings/{id}/files/{path}`. Only a file that the recorder has listed is served, so no
/// path leads out of the folder.
pub(super) async fn file(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed((id, path)): Parsed<(RecordingId, String)>,
    request: Request,
) -> Result<Response, ApiError> {
    let recording = found(&app, id).await?;
    let listed = recording.files.iter().find(|it| it.path == path).ok_or(ErrorCode::NotFound)?;
    if !is_below(&listed.path) {
        return Err(ErrorCode::NotFound.into());
    }
    let folder = app.config.data.join(ARCHIVE).join(recording.meeting.to_string());
    let file = folder.join(id.to_string()).join(&listed.path);
    let download =
        request.uri().query().is_some_and(|it| it.split('&').any(|it| it == "download=1"));
    if let Some(event) = custody::of_request(&listed.path, download) {
        // First on record, then given out.
        custody::note(&app.db, id, account.0.id, &event, app.now()).await?;
    }
    let mut response = match ServeFile::new(file).oneshot(request).await {
        Ok(response) => response.into_response(),
        Err(never) => match never {},
    };
    if response.status() == StatusCode::NOT_FOUND {
        return Err(ErrorCode::NotFound.into());
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if download {
        let name = listed.path.rsplit('/').next().unwrap_or_default();
        let disposition = format!("attachment; filename=\"{id}-{name}\"");
        let value = HeaderValue::try_from(disposition).map_err(|_| ErrorCode::Internal)?;
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// A path of plain names: the recorder is trusted, but a path is checked where it is used.
fn is_below(path: &str) -> bool {
    let is_plain = |it: &str| {
        !it.is_empty()
            && !it.starts_with('.')
            && it.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    path.split('/').all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leads_elsewhere_is_refused() {
        assert!(is_below("composed.mp4") && is_below("tracks/1-camera.ivf"));
        for path in ["../x", "/etc/passwd", "a/../b", "a//b", "", ".hidden", "a\\b", "a\"b"] {
            assert!(!is_below(path), "{path}");
        }
    }
}
