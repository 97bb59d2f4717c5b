//! Asking to speak before the meeting opens: a site or a delegate by its link; the office sees who did.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use protocol::conduct::{NewRegistration, Registration, SUBJECT_CHARS_MAX};
use protocol::error::ErrorCode;
use protocol::id::{DelegateId, MeetingId, SiteId};
use protocol::role::AccountRole::{Chair, Desk, Host, Secretary};

use super::access::SignedIn;
use super::body::{Body, Parsed};
use super::join::{find_delegate, find_link};
use super::meetings::found;
use super::{ApiError, App};
use crate::db::registrations::{self, Written};
use crate::text::nfc;

/// `PUT /api/join/{token}/registration`. Asking again changes the subject and keeps the place.
pub(super) async fn put(
    State(app): State<Arc<App>>,
    Parsed(token): Parsed<String>,
    Body(new): Body<NewRegistration>,
) -> Result<StatusCode, ApiError> {
    let (meeting, site, delegate) = speaker(&app, &token).await?;
    let subject = nfc(&new.subject).replace('\n', " ");
    if subject.chars().count() > SUBJECT_CHARS_MAX {
        return Err(ApiError::field("subject"));
    }
    let written = registrations::put(&app.db, meeting, site, delegate, &subject, app.now()).await?;
    match written {
        // The room that is being opened may have read the list just before.
        Written::Kept if app.hub.is_opening(meeting) => Err(ErrorCode::MeetingOpened.into()),
        Written::Kept => Ok(StatusCode::NO_CONTENT),
        Written::TooLate => Err(too_late(&app, meeting).await?.into()),
        Written::Full => Err(ErrorCode::TooLarge.into()),
    }
}

/// `DELETE /api/join/{token}/registration`.
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    Parsed(token): Parsed<String>,
) -> Result<StatusCode, ApiError> {
    let (meeting, site, delegate) = speaker(&app, &token).await?;
    if !registrations::remove(&app.db, meeting, site, delegate).await? {
        return Err(too_late(&app, meeting).await?.into());
    }
    if app.hub.is_opening(meeting) {
        return Err(ErrorCode::MeetingOpened.into());
    }
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/meetings/{id}/registrations`.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(id): Parsed<MeetingId>,
) -> Result<Json<Vec<Registration>>, ApiError> {
    account.require(&[Host, Desk, Secretary, Chair])?;
    found(&app, id).await?;
    let rows = registrations::list(&app.db, id).await?;
    Ok(Json(rows.into_iter().map(|it| it.registration).collect()))
}

/// Who asks by this link. Whoever sits in only, without a vote, has no say in the room either.
async fn speaker(
    app: &App,
    token: &str,
) -> Result<(MeetingId, Option<SiteId>, Option<DelegateId>), ApiError> {
    if let Some((found, meeting)) = find_delegate(app, token).await? {
        if !found.delegate.votes {
            return Err(ErrorCode::Forbidden.into());
        }
        return Ok((meeting.id, found.delegate.site, Some(found.delegate.id)));
    }
    let (link, meeting) = find_link(app, token).await?;
    Ok((meeting.id, Some(link.site), None))
}

async fn too_late(app: &App, meeting: MeetingId) -> Result<ErrorCode, ApiError> {
    Ok(match found(app, meeting).await?.state {
        protocol::api::MeetingState::Ended => ErrorCode::MeetingEnded,
        protocol::api::MeetingState::Scheduled | protocol::api::MeetingState::Open => {
            ErrorCode::MeetingOpened
        }
    })
}
