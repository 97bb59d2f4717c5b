//! Notes at moments of a recording, shared by those who review it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use protocol::error::ErrorCode;
use protocol::id::{RecordingId, ReviewNoteId};
use protocol::review::{NOTE_CHARS_MAX, NewReviewNote, ReviewNote};
use protocol::role::AccountRole::{Chair, Desk, Host, Secretary};

use super::access::SignedIn;
use super::body::{Body, Parsed};
use super::{ApiError, App};
use crate::db::{recordings, reviews};
use crate::secret::entropy;
use crate::text::nfc;

/// Longest place in a video, ms: two days, the longest that is composed.
const MS_MAX: u64 = 48 * 3_600 * 1_000;

/// `GET /api/recordings/{id}/notes`.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(id): Parsed<RecordingId>,
) -> Result<Json<Vec<ReviewNote>>, ApiError> {
    account.require(&[Secretary, Chair, Desk, Host])?;
    exists(&app, id).await?;
    Ok(Json(reviews::list(&app.db, id, account.0.id).await?))
}

/// `POST /api/recordings/{id}/notes`.
pub(super) async fn add(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(id): Parsed<RecordingId>,
    Body(new): Body<NewReviewNote>,
) -> Result<(StatusCode, Json<ReviewNote>), ApiError> {
    account.require(&[Secretary, Chair, Desk, Host])?;
    exists(&app, id).await?;
    let NewReviewNote { ms, text } = sane(&new)?;
    let at = app.now();
    let note = ReviewNote {
        id: ReviewNoteId::from_parts(u64::try_from(at.0).unwrap_or(0), entropy()),
        ms,
        text,
        author: account.0.name.clone(),
        mine: true,
        at,
    };
    if !reviews::insert(&app.db, id, &account.0, &note).await? {
        return Err(ErrorCode::TooLarge.into());
    }
    Ok((StatusCode::CREATED, Json(note)))
}

/// `PUT /api/recordings/{id}/notes/{note}`: only one's own.
pub(super) async fn change(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(which): Parsed<(RecordingId, ReviewNoteId)>,
    Body(new): Body<NewReviewNote>,
) -> Result<StatusCode, ApiError> {
    account.require(&[Secretary, Chair, Desk, Host])?;
    let new = sane(&new)?;
    answered(reviews::change(&app.db, which, account.0.id, &new, app.now()).await?)
}

/// `DELETE /api/recordings/{id}/notes/{note}`: only one's own.
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(which): Parsed<(RecordingId, ReviewNoteId)>,
) -> Result<StatusCode, ApiError> {
    account.require(&[Secretary, Chair, Desk, Host])?;
    answered(reviews::remove(&app.db, which, account.0.id).await?)
}

fn answered(is_done: bool) -> Result<StatusCode, ApiError> {
    if is_done { Ok(StatusCode::NO_CONTENT) } else { Err(ErrorCode::NotFound.into()) }
}

async fn exists(app: &App, id: RecordingId) -> Result<(), ApiError> {
    recordings::find(&app.db, id).await?.map(|_| ()).ok_or_else(|| ErrorCode::NotFound.into())
}

/// A note as it is kept.
fn sane(new: &NewReviewNote) -> Result<NewReviewNote, ApiError> {
    if new.ms > MS_MAX {
        return Err(ApiError::field("ms"));
    }
    let text = nfc(&new.text);
    if text.chars().count() > NOTE_CHARS_MAX {
        return Err(ApiError::field("text"));
    }
    Ok(NewReviewNote { ms: new.ms, text })
}
