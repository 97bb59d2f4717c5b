//! For whoever runs the control desk: how the lines of a room go, and one picture of every camera.
//!
//! The desk sees a site before it goes on air (docs/glossary.md: kiểm tra đường truyền, xem trước), so its camera's
//! picture is shown here whether or not the room lets it through. Therefore only to those who conduct or prepare
//! meetings: desk, chair, host and administrator. A secretary or a site gets none of it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::api::MeetingState;
use protocol::api::{NewTrace, TraceStarted};
use protocol::control::{CameraPicture, TRACE_SECONDS};
use protocol::error::ErrorCode;
use protocol::id::{MeetingId, RequestId};
use protocol::insight::RoomRoutes;
use protocol::media::is_valid_name;
use protocol::role::AccountRole::{Chair, Desk, Host};
use protocol::time::Timestamp;
use serde::Deserialize;

use super::access::SignedIn;
use super::body::{Body, Parsed};
use super::meetings::found;
use super::{ApiError, App};
use crate::room::Act;

#[derive(Deserialize)]
pub(super) struct Whose {
    of: Option<String>,
}

/// `GET /api/meetings/{id}/media?of={publisher}`.
pub(super) async fn routes(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(id): Parsed<MeetingId>,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Result<Json<RoomRoutes>, ApiError> {
    let Query(whose) = whose.map_err(|_| ApiError::field("of"))?;
    if whose.of.as_ref().is_some_and(|it| !is_valid_name(it)) {
        return Err(ApiError::field("of"));
    }
    let room = open_room(&app, &account, id).await?;
    Ok(Json(app.hub.inspect(&room, whose.of).await?))
}

#[derive(Deserialize)]
pub(super) struct Since {
    since: Option<i64>,
}

/// `GET /api/meetings/{id}/snapshots?since={ms}`: all cameras in one answer, because 3,321 requests every few
/// seconds are too many. For each camera: length of the publisher's name (1 byte), the name, when the picture came
/// (8 bytes, ms, 0 for none), width and height (2 each), length (4), and that many bytes of WebP; none if the picture
/// is not newer than `since`. Numbers are big-endian.
pub(super) async fn snapshots(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(id): Parsed<MeetingId>,
    since: Result<Query<Since>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(Since { since }) = since.map_err(|_| ApiError::field("since"))?;
    let room = open_room(&app, &account, id).await?;
    let since = Timestamp(since.unwrap_or(-1));
    let body = app.hub.overview(id, &room, |cameras| bundle(cameras, since)).await?;
    Ok(private(body, "application/octet-stream"))
}

/// `GET /api/meetings/{id}/snapshots/{publisher}.webp`.
pub(super) async fn snapshot(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed((id, file)): Parsed<(MeetingId, String)>,
) -> Result<Response, ApiError> {
    let room = open_room(&app, &account, id).await?;
    let publisher = file.strip_suffix(".webp").ok_or(ErrorCode::NotFound)?;
    let look = |cameras: &HashMap<String, Option<CameraPicture>>| {
        cameras.get(publisher)?.as_ref().map(|it| it.webp.clone())
    };
    let picture = app.hub.overview(id, &room, look).await?.ok_or(ErrorCode::NotFound)?;
    Ok(private(picture, "image/webp"))
}

/// `POST /api/meetings/{id}/traces`: has a site's packets written down, headers only. The meeting's log says who
/// asked for it before it begins.
pub(super) async fn trace(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(id): Parsed<MeetingId>,
    Body(new): Body<NewTrace>,
) -> Result<(StatusCode, Json<TraceStarted>), ApiError> {
    account.require(&[Desk])?;
    if !is_valid_name(&new.publisher) {
        return Err(ApiError::field("publisher"));
    }
    let room = open_room(&app, &account, id).await?;
    let (publisher, seconds) = (new.publisher, TRACE_SECONDS);
    let act = Act::Trace { publisher: publisher.clone(), account: account.0.id, seconds };
    app.hub.act(id, act).await?;
    let who = (id, account.0.id);
    let trace = app.hub.trace(&app.config.data, who, (room, publisher));
    Ok((StatusCode::ACCEPTED, Json(TraceStarted { trace, seconds })))
}

/// `GET /api/meetings/{id}/traces/{trace}`: the capture, once, to the account that asked for it. 202 while it runs.
pub(super) async fn fetch_trace(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed((id, trace)): Parsed<(MeetingId, RequestId)>,
) -> Result<Response, ApiError> {
    account.require(&[Desk])?;
    let Some(file) = app.hub.take_trace(id, account.0.id, trace).await? else {
        return Ok(StatusCode::ACCEPTED.into_response());
    };
    let mut response = private(file, "application/x-pcapng");
    let disposition = format!("attachment; filename=\"goi-tin-{trace}.pcapng\"");
    let value = HeaderValue::try_from(disposition).map_err(|_| ErrorCode::Internal)?;
    response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    Ok(response)
}

/// The name of an open meeting's room, for those who may look behind the scenes.
async fn open_room(app: &App, account: &SignedIn, id: MeetingId) -> Result<String, ApiError> {
    account.require(&[Desk, Chair, Host])?;
    let meeting = found(app, id).await?;
    match meeting.state {
        MeetingState::Open => Ok(meeting.code),
        MeetingState::Scheduled => Err(ErrorCode::MeetingNotOpen.into()),
        MeetingState::Ended => Err(ErrorCode::MeetingEnded.into()),
    }
}

fn bundle(cameras: &HashMap<String, Option<CameraPicture>>, since: Timestamp) -> Vec<u8> {
    let mut out = Vec::new();
    for (publisher, picture) in cameras {
        let Ok(len) = u8::try_from(publisher.len()) else { continue };
        out.push(len);
        out.extend_from_slice(publisher.as_bytes());
        let at = picture.as_ref().map_or(0, |it| it.at.0);
        let (width, height) = picture.as_ref().map_or((0, 0), |it| (it.width, it.height));
        out.extend_from_slice(&at.to_be_bytes());
        out.extend_from_slice(&width.to_be_bytes());
        out.extend_from_slice(&height.to_be_bytes());
        let fresh = picture.as_ref().filter(|it| it.at > since);
        let webp = fresh.map_or(&[][..], |it| &it.webp);
        out.extend_from_slice(&(webp.len() as u32).to_be_bytes());
        out.extend_from_slice(webp);
    }
    out
}

fn private(body: Vec<u8>, content_type: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_names_every_camera_and_carries_what_is_new() {
        let picture =
            CameraPicture { at: Timestamp(500), width: 320, height: 180, webp: vec![7, 8] };
        let cameras = HashMap::from([("ab".to_owned(), Some(picture))]);
        let head = [2, b'a', b'b', 0, 0, 0, 0, 0, 0, 1, 244, 1, 64, 0, 180];
        let new = [&head[..], &[0, 0, 0, 2, 7, 8]].concat();
        assert_eq!(bundle(&cameras, Timestamp(499)), new);
        let known = [&head[..], &[0, 0, 0, 0]].concat();
        assert_eq!(bundle(&cameras, Timestamp(500)), known);
    }
}
