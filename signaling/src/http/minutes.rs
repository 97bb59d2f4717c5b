//! Minutes: read, changed, drafted again, printed.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use protocol::api::{MeetingState, Minutes};
use protocol::control::DocumentFormat;
use protocol::error::ErrorCode;
use protocol::id::MeetingId;
use protocol::minutes::{MinutesDocument, ROWS_MAX, TEXT_CHARS_MAX, VoteRow};
use protocol::role::AccountRole::Secretary;

use super::access::SignedIn;
use super::body::{Body, Parsed};
use super::meetings::found;
use super::{ApiError, App};
use crate::db;
use crate::minutes;

/// `GET /api/meetings/{id}/minutes`.
pub(super) async fn find(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Parsed(id): Parsed<MeetingId>,
) -> Result<Json<Minutes>, ApiError> {
    current(&app, id).await.map(Json)
}

/// The newest minutes of a meeting that has ended.
async fn current(app: &App, id: MeetingId) -> Result<Minutes, ApiError> {
    if found(app, id).await?.state != MeetingState::Ended {
        return Err(ErrorCode::NotFound.into());
    }
    let minutes = minutes::draft_if_missing(&app.db, id, app.now()).await?;
    minutes.ok_or_else(|| ErrorCode::NotFound.into())
}

/// `PUT /api/meetings/{id}/minutes`.
pub(super) async fn change(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(id): Parsed<MeetingId>,
    Body(changed): Body<Minutes>,
) -> Result<Json<Minutes>, ApiError> {
    account.require(&[Secretary])?;
    let before = current(&app, id).await?;
    if before.version != changed.version {
        return Err(ErrorCode::Conflict.into());
    }
    let mut document = changed.document;
    check(&document)?;
    // What ties the document to the log is not edited.
    document.log_hash = before.document.log_hash;
    document.recordings = before.document.recordings;
    document.papers = before.document.papers;
    document.votes = with_remarks(before.document.votes, &document.votes);
    let by = Some(account.0.id);
    if !db::minutes::insert(&app.db, id, changed.version, &document, by, app.now()).await? {
        return Err(ErrorCode::Conflict.into());
    }
    current(&app, id).await.map(Json)
}

/// The votes as the log has them, with the secretary's remarks.
fn with_remarks(mut votes: Vec<VoteRow>, edited: &[VoteRow]) -> Vec<VoteRow> {
    for (vote, edited) in votes.iter_mut().zip(edited) {
        vote.remark.clone_from(&edited.remark);
    }
    votes
}

fn check(document: &MinutesDocument) -> Result<(), ApiError> {
    let rows = [
        ("attendance", document.attendance.len()),
        ("speeches", document.speeches.len()),
        ("decisions", document.decisions.len()),
        ("recipients", document.recipients.len()),
    ];
    if let Some((name, _)) = rows.into_iter().find(|(_, n)| *n > ROWS_MAX) {
        return Err(ApiError::field(name));
    }
    let texts = [
        ("parent_body", &document.parent_body),
        ("issuing_body", &document.issuing_body),
        ("number", &document.number),
        ("place", &document.place),
        ("title", &document.title),
        ("venue", &document.venue),
        ("chair", &document.chair),
        ("secretary", &document.secretary),
        ("opening", &document.opening),
        ("conclusion", &document.conclusion),
    ];
    // Bytes are never fewer than characters: the exact count is taken of long texts only.
    let is_long = |it: &str| it.len() > TEXT_CHARS_MAX && it.chars().count() > TEXT_CHARS_MAX;
    let remarks = document.votes.iter().map(|it| ("votes", &it.remark));
    match texts.into_iter().chain(remarks).find(|(_, it)| is_long(it)) {
        Some((name, _)) => Err(ApiError::field(name)),
        None => Ok(()),
    }
}

/// `POST /api/meetings/{id}/minutes/redraft`.
pub(super) async fn redraft(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(id): Parsed<MeetingId>,
) -> Result<Json<Minutes>, ApiError> {
    account.require(&[Secretary])?;
    current(&app, id).await?;
    let minutes = minutes::redraft(&app.db, id, account.0.id, app.now()).await?;
    minutes.map(Json).ok_or_else(|| ErrorCode::NotFound.into())
}

/// `GET /api/meetings/{id}/minutes.pdf`.
pub(super) async fn pdf(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Parsed(id): Parsed<MeetingId>,
) -> Result<Response, ApiError> {
    print(&app, id, DocumentFormat::Pdf).await
}

/// `GET /api/meetings/{id}/minutes.docx`.
pub(super) async fn docx(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Parsed(id): Parsed<MeetingId>,
) -> Result<Response, ApiError> {
    print(&app, id, DocumentFormat::Docx).await
}

async fn print(app: &App, id: MeetingId, format: DocumentFormat) -> Result<Response, ApiError> {
    let code = found(app, id).await?.code;
    let document = current(app, id).await?.document;
    let bytes = app.hub.render(document, format).await?;
    let (content_type, disposition, extension) = match format {
        DocumentFormat::Pdf => ("application/pdf", "inline", "pdf"),
        DocumentFormat::Docx => (
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "attachment",
            "docx",
        ),
    };
    // The name is made of the meeting's code, never of what somebody typed.
    let disposition = format!("{disposition}; filename=\"bien-ban-{code}.{extension}\"");
    let disposition = HeaderValue::try_from(disposition).map_err(|_| ErrorCode::Internal)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, bytes).into_response())
}
