//! Documents: uploaded by the office, chair and secretary; read, page by page, by those whom they are for.

use std::sync::Arc;

use axum::Json;
use axum::body::Body as RequestBody;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt as _;
use protocol::api::MeetingState;
use protocol::error::ErrorCode;
use protocol::id::{MeetingId, PaperId};
use protocol::paper::{
    PAPER_NAME_CHARS_MAX, Paper, PaperAudience, PaperChange, PaperKind, PaperPhase,
};
use protocol::role::AccountRole::{Admin, Chair, Host, Secretary};
use protocol::role::RoomRole;
use protocol::time::Timestamp;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use tower::ServiceExt as _;
use tower_http::services::ServeFile;

use super::access::SignedIn;
use super::body::{Body, Parsed};
use super::meetings::found;
use super::{ApiError, App};
use crate::db::{papers, seats};
use crate::papers::{FILE_BYTES_MAX, LARGE, SMALL, could_be, io_code};
use crate::secret::{entropy, hex};
use crate::text::nfc;

/// A part of an upload that takes longer to come is the last.
const PART_TIME_MAX: std::time::Duration = std::time::Duration::from_secs(30);

/// A seat's secret that is longer is not one of ours.
const SEAT_BYTES_MAX: usize = 64;

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    /// Prepares or leads the meeting: reads everything, at any time.
    Leader,
    /// Is in it.
    Member,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct New {
    name: String,
    #[serde(default)]
    audience: PaperAudience,
}

/// `POST /api/meetings/{id}/papers?name=…&audience=…`: the body is the file. What it is, its content says.
pub(super) async fn add(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(id): Parsed<MeetingId>,
    new: Result<Query<New>, QueryRejection>,
    request: Request,
) -> Result<(StatusCode, Json<Paper>), ApiError> {
    account.require(&[Host, Chair, Secretary])?;
    is_not_over(&app, id).await?;
    let Query(new) = new.map_err(|_| ApiError::field("name"))?;
    let name = sane_name(&new.name)?;
    let said = request.headers().get(header::CONTENT_LENGTH).and_then(|it| it.to_str().ok());
    if said.and_then(|it| it.parse().ok()).is_some_and(|it: u64| it > FILE_BYTES_MAX) {
        return Err(ErrorCode::TooLarge.into());
    }
    let _slot = app.papers.incoming.try_acquire().map_err(|_| ErrorCode::TooManyRequests)?;
    let file = app.papers.temporary().await.map_err(io_code)?;
    let kept = keep(&app, id, name, new.audience, &file, request.into_body()).await;
    // Gone already if it was kept.
    let _ = tokio::fs::remove_file(&file).await;
    let paper = kept?;
    Ok((StatusCode::CREATED, Json(paper)))
}

async fn keep(
    app: &App,
    id: MeetingId,
    name: String,
    audience: PaperAudience,
    file: &std::path::Path,
    body: RequestBody,
) -> Result<Paper, ErrorCode> {
    let (bytes, sha256) = take_in(file, body).await?;
    let kind = app.papers.identify(file).await?;
    let written = tokio::fs::File::open(file).await.map_err(io_code)?;
    written.sync_all().await.map_err(io_code)?;
    let added_at = app.now();
    let paper = Paper {
        id: PaperId::from_parts(u64::try_from(added_at.0).unwrap_or(0), entropy()),
        name,
        kind,
        bytes,
        sha256,
        pages: 0,
        drawn: 0,
        phase: PaperPhase::Drawing,
        problem: None,
        audience,
        open_from: None,
        open_until: None,
        added_at,
    };
    app.papers.keep(id, &paper, file).await?;
    Ok(paper)
}

/// Writes the body to disk; its length and SHA-256.
async fn take_in(
    path: &std::path::Path,
    mut body: RequestBody,
) -> Result<(u64, String), ErrorCode> {
    let mut file = tokio::fs::File::create_new(path).await.map_err(io_code)?;
    let (mut bytes, mut hash) = (0_u64, Sha256::new());
    loop {
        let part = tokio::time::timeout(PART_TIME_MAX, body.frame()).await;
        let Some(part) = part.map_err(|_| ErrorCode::InvalidInput)? else { break };
        let part = part.map_err(|_| ErrorCode::InvalidInput)?;
        let Ok(part) = part.into_data() else { continue };
        let n = u64::try_from(part.len()).unwrap_or(u64::MAX);
        if bytes + n > FILE_BYTES_MAX {
            return Err(ErrorCode::TooLarge);
        }
        if bytes == 0 && !could_be(&part) {
            return Err(ErrorCode::PaperKindUnknown);
        }
        bytes += n;
        hash.update(&part);
        file.write_all(&part).await.map_err(io_code)?;
    }
    file.flush().await.map_err(io_code)?;
    Ok((bytes, hex(&hash.finalize())))
}

fn sane_name(name: &str) -> Result<String, ApiError> {
    // Of a path only the last part is a name.
    let name = nfc(name).replace('\\', "/");
    let name = name.rsplit('/').next().unwrap_or_default().trim().to_owned();
    let is_sane = (1..=PAPER_NAME_CHARS_MAX).contains(&name.chars().count())
        && !name.chars().any(char::is_control);
    if is_sane { Ok(name) } else { Err(ApiError::field("name")) }
}

async fn is_not_over(app: &App, id: MeetingId) -> Result<(), ApiError> {
    match found(app, id).await?.state {
        MeetingState::Ended => Err(ErrorCode::MeetingEnded.into()),
        MeetingState::Scheduled | MeetingState::Open => Ok(()),
    }
}

/// `GET /api/meetings/{id}/papers`: those that the reader may read now.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    account: Result<SignedIn, ApiError>,
    headers: HeaderMap,
    Parsed(id): Parsed<MeetingId>,
) -> Result<Json<Vec<Paper>>, ApiError> {
    let reader = reader(&app, account, &headers, id).await?;
    let mut list = app.papers.list(id).await?;
    list.retain(|it| may_read(reader, it, app.now()));
    Ok(Json(list))
}

/// `PATCH /api/meetings/{id}/papers/{paper}`.
pub(super) async fn change(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed((id, paper)): Parsed<(MeetingId, PaperId)>,
    Body(mut to): Body<PaperChange>,
) -> Result<Json<Vec<Paper>>, ApiError> {
    account.require(&[Host, Chair, Secretary])?;
    is_not_over(&app, id).await?;
    to.name = sane_name(&to.name)?;
    if to.open_from.is_some_and(|from| to.open_until.is_some_and(|until| until <= from)) {
        return Err(ApiError::field("open_until"));
    }
    if !papers::change(&app.db, id, paper, &to).await? {
        return Err(ErrorCode::PaperUnknown.into());
    }
    app.papers.sync(id).await;
    Ok(Json(app.papers.list(id).await?))
}

/// `DELETE /api/meetings/{id}/papers/{paper}`: until the meeting is over.
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed((id, paper)): Parsed<(MeetingId, PaperId)>,
) -> Result<StatusCode, ApiError> {
    account.require(&[Host, Chair, Secretary])?;
    is_not_over(&app, id).await?;
    app.papers.remove(id, paper).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Size {
    size: Option<String>,
}

/// `GET /api/meetings/{id}/papers/{paper}/pages/{page}?size=large|small`: the picture of a page, 1 first.
pub(super) async fn page(
    State(app): State<Arc<App>>,
    account: Result<SignedIn, ApiError>,
    Parsed((id, paper, page)): Parsed<(MeetingId, PaperId, u32)>,
    size: Result<Query<Size>, QueryRejection>,
    request: Request,
) -> Result<Response, ApiError> {
    let Query(size) = size.map_err(|_| ApiError::field("size"))?;
    let size = match size.size.as_deref() {
        None | Some(LARGE) => LARGE,
        Some(SMALL) => SMALL,
        Some(_) => return Err(ApiError::field("size")),
    };
    let paper = readable(&app, account, request.headers(), id, paper).await?;
    let file = app.papers.page(&paper.sha256, size, page);
    let mut response = served(file, request, ErrorCode::PaperPageUnknown).await?;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("image/jpeg"));
    Ok(kept_by_browser(response, &paper, &format!("{size}-{page}")))
}

/// `GET /api/meetings/{id}/papers/{paper}/file`: as it was uploaded; never shown within our pages.
pub(super) async fn file(
    State(app): State<Arc<App>>,
    account: Result<SignedIn, ApiError>,
    Parsed((id, paper)): Parsed<(MeetingId, PaperId)>,
    request: Request,
) -> Result<Response, ApiError> {
    let paper = readable(&app, account, request.headers(), id, paper).await?;
    let mut response =
        served(app.papers.source(&paper.sha256), request, ErrorCode::PaperUnknown).await?;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(paper.kind)));
    let disposition = format!("attachment; filename*=UTF-8''{}", percent(&paper.name));
    let value = HeaderValue::try_from(disposition).map_err(|_| ErrorCode::Internal)?;
    headers.insert(header::CONTENT_DISPOSITION, value);
    Ok(kept_by_browser(response, &paper, "file"))
}

async fn served(
    file: std::path::PathBuf,
    request: Request,
    missing: ErrorCode,
) -> Result<Response, ApiError> {
    let mut response = match ServeFile::new(file).oneshot(request).await {
        Ok(response) => response.into_response(),
        Err(never) => match never {},
    };
    if response.status() == StatusCode::NOT_FOUND {
        return Err(missing.into());
    }
    response.headers_mut().remove(header::LAST_MODIFIED);
    Ok(response)
}

/// What a document's id and page name never changes, so it is fetched once; by this reader only.
fn kept_by_browser(mut response: Response, paper: &Paper, part: &str) -> Response {
    let headers = response.headers_mut();
    let keep = HeaderValue::from_static("private, max-age=31536000, immutable");
    headers.insert(header::CACHE_CONTROL, keep);
    headers.insert(header::VARY, HeaderValue::from_static("Authorization, Cookie"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(tag) = HeaderValue::try_from(format!("\"{}-{part}\"", paper.sha256)) {
        headers.insert(header::ETAG, tag);
    }
    response
}

fn content_type(kind: PaperKind) -> &'static str {
    match kind {
        PaperKind::Pdf => "application/pdf",
        PaperKind::Docx => {
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
        }
        PaperKind::Pptx => {
            "application/vnd.openxmlformats-officedocument.presentationml.presentation"
        }
        PaperKind::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        PaperKind::Png => "image/png",
        PaperKind::Jpeg => "image/jpeg",
    }
}

/// RFC 5987: everything but letters, digits and a few signs as percent-encoded UTF-8.
fn percent(name: &str) -> String {
    name.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

async fn readable(
    app: &App,
    account: Result<SignedIn, ApiError>,
    headers: &HeaderMap,
    id: MeetingId,
    paper: PaperId,
) -> Result<Paper, ApiError> {
    let reader = reader(app, account, headers, id).await?;
    let found = papers::find(&app.db, id, paper).await?;
    let readable = found.filter(|it| may_read(reader, it, app.now()));
    readable.ok_or_else(|| ErrorCode::PaperUnknown.into())
}

/// An account, or whoever has a seat in the meeting (its secret as bearer token).
async fn reader(
    app: &App,
    account: Result<SignedIn, ApiError>,
    headers: &HeaderMap,
    id: MeetingId,
) -> Result<Reader, ApiError> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
    if let Some(token) = bearer.and_then(|it| it.strip_prefix("Bearer ")) {
        if token.len() > SEAT_BYTES_MAX {
            return Err(ErrorCode::SeatInvalid.into());
        }
        let seat = seats::find_by_token(&app.db, token).await?.map(|(seat, _)| seat);
        let seat = seat.filter(|it| it.meeting == id).ok_or(ErrorCode::SeatInvalid)?;
        return Ok(match seat.role {
            RoomRole::Chair | RoomRole::Secretary => Reader::Leader,
            RoomRole::Desk | RoomRole::Site | RoomRole::Delegate | RoomRole::Observer => {
                Reader::Member
            }
        });
    }
    let account = account?;
    found(app, id).await?;
    let leads = matches!(account.0.role, Host | Chair | Secretary | Admin);
    Ok(if leads { Reader::Leader } else { Reader::Member })
}

fn may_read(reader: Reader, paper: &Paper, now: Timestamp) -> bool {
    let is_open = paper.open_from.is_none_or(|from| from <= now)
        && paper.open_until.is_none_or(|until| now < until);
    reader == Reader::Leader || (paper.audience == PaperAudience::All && is_open)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_last_part_of_a_path_and_nothing_that_breaks_a_header() {
        assert_eq!(sane_name("C:\\Users\\a\\Báo cáo.pdf").unwrap(), "Báo cáo.pdf");
        assert_eq!(sane_name("../../etc/passwd").unwrap(), "passwd");
        assert!(sane_name("a\r\nSet-Cookie: x").is_err() && sane_name(" / ").is_err());
        assert_eq!(percent("Báo \"cáo\".pdf"), "B%C3%A1o%20%22c%C3%A1o%22.pdf");
    }
}
