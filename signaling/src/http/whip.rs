//! WHIP (RFC 9725) and WHEP: media sessions of devices and programs, with a bearer token.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::control::SessionKind;
use protocol::error::ErrorCode;
use protocol::id::SessionId;
use protocol::media::is_valid_name;
use serde::Deserialize;

use super::body::{Parsed, refused};
use super::{ApiError, App};
use crate::token::Claims;

const SDP: &str = "application/sdp";

/// Publishers that one WHEP session may name.
const OF_MAX: usize = 64;

/// Programs and pages of other servers may use WHIP and WHEP: the token is the permission, and no cookie
/// is looked at.
pub(super) async fn allow_origins(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST, DELETE, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, "location, etag"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// `OPTIONS` of every WHIP and WHEP path.
pub(super) async fn options() -> impl IntoResponse {
    const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
    (StatusCode::NO_CONTENT, [(ACCEPT_POST, SDP)])
}

/// What a request may ask for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wish {
    /// Names of publishers, parted by commas.
    of: Option<String>,
    /// The media node at which the session is to be.
    node: Option<String>,
}

/// `POST /whip/{room}/{id}?node=NAME`.
pub(super) async fn publish(
    State(app): State<Arc<App>>,
    Parsed((room, id)): Parsed<(String, String)>,
    Query(wish): Query<Wish>,
    headers: HeaderMap,
    sdp: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    check(&app, &headers, &room, Some(&id), |it| it.publish)?;
    let at = wish.node.as_deref();
    start(&app, ("whip", at), &room, &id, SessionKind::Publish, &headers, sdp).await
}

/// `POST /whep/{room}/{id}?of=a,b&node=NAME`.
pub(super) async fn receive(
    State(app): State<Arc<App>>,
    Parsed((room, id)): Parsed<(String, String)>,
    Query(wish): Query<Wish>,
    headers: HeaderMap,
    sdp: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    check(&app, &headers, &room, Some(&id), |it| it.subscribe)?;
    let of: Vec<String> = wish
        .of
        .iter()
        .flat_map(|it| it.split(','))
        .filter(|it| !it.is_empty())
        .map(str::to_owned)
        .collect();
    if of.len() > OF_MAX || !of.iter().all(|it| is_valid_name(it)) {
        return Err(ApiError::field("of"));
    }
    let at = wish.node.as_deref();
    start(&app, ("whep", at), &room, &id, SessionKind::Receive { of }, &headers, sdp).await
}

/// `POST /whep/{room}`: the programme.
pub(super) async fn programme(
    State(app): State<Arc<App>>,
    Parsed(room): Parsed<String>,
    Query(wish): Query<Wish>,
    headers: HeaderMap,
    sdp: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    check(&app, &headers, &room, None, |it| it.subscribe)?;
    // The programme's receivers have no name of their own; this one is no publisher's.
    let at = wish.node.as_deref();
    start(&app, ("whep", at), &room, "_programme", SessionKind::Programme, &headers, sdp).await
}

/// `DELETE` of what `Location` named.
pub(super) async fn end(
    State(app): State<Arc<App>>,
    Parsed((room, id, session)): Parsed<(String, String, SessionId)>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let id = (id != "_programme").then_some(id);
    check(&app, &headers, &room, id.as_deref(), |it| it.publish || it.subscribe)?;
    if app.hub.close_ingest(&room, session).await {
        Ok(StatusCode::OK)
    } else {
        Err(ErrorCode::NotFound.into())
    }
}

fn check(
    app: &App,
    headers: &HeaderMap,
    room: &str,
    id: Option<&str>,
    right: impl FnOnce(&Claims) -> bool,
) -> Result<(), ApiError> {
    if !is_valid_name(room) || id.is_some_and(|it| !is_valid_name(it)) {
        return Err(ErrorCode::InvalidInput.into());
    }
    if app.config.open_rooms {
        return Ok(());
    }
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|it| it.to_str().ok())
        .and_then(|it| it.strip_prefix("Bearer "))
        .ok_or(ErrorCode::NotSignedIn)?;
    let claims = app.key.check(token, app.now().0 / 1_000).ok_or(ErrorCode::NotSignedIn)?;
    let is_as = |name: &String| id.is_none_or(|it| it == name);
    if claims.room == room && claims.as_id.as_ref().is_none_or(is_as) && right(&claims) {
        Ok(())
    } else {
        Err(ErrorCode::Forbidden.into())
    }
}

async fn start(
    app: &App,
    (verb, at): (&str, Option<&str>),
    room: &str,
    id: &str,
    kind: SessionKind,
    headers: &HeaderMap,
    sdp: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let is_sdp = headers
        .get(header::CONTENT_TYPE)
        .and_then(|it| it.to_str().ok())
        .and_then(|it| it.split(';').next())
        .is_some_and(|it| it.trim().eq_ignore_ascii_case(SDP));
    if !is_sdp {
        let mut response = ApiError::from(ErrorCode::InvalidSdp).into_response();
        *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Ok(response);
    }
    let sdp = sdp.map_err(|it| refused(&it))?;
    let sdp = String::from_utf8(sdp.to_vec()).map_err(|_| ErrorCode::InvalidSdp)?;
    if at.is_some_and(|it| !app.hub.nodes.is_up(it)) {
        return Err(ApiError::field("node"));
    }
    let open_rooms = app.config.open_rooms;
    let wanted = (kind, at.map(str::to_owned));
    let (session, answer) = app.hub.ingest(room, id.to_owned(), wanted, sdp, open_rooms).await?;
    let location = format!("/{verb}/{room}/{id}/{session}");
    let headers = [
        (header::CONTENT_TYPE, SDP.to_owned()),
        (header::LOCATION, location),
        // RFC 9725 §4.3: names the ICE session; it is never restarted here.
        (header::ETAG, format!("\"{session}\"")),
    ];
    Ok((StatusCode::CREATED, headers, answer).into_response())
}
