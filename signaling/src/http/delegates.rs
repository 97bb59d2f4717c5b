//! Delegates by name: the office names them for any site, a site's page for its own.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use protocol::api::{Delegate, MeetingState, NewDelegate, NewDelegates};
use protocol::error::ErrorCode;
use protocol::id::{DelegateId, MeetingId, SiteId};
use protocol::role::AccountRole::{Chair, Desk, Host, Secretary};

use super::access::SignedIn;
use super::body::{Body, Parsed};
use super::join::find_link;
use super::meetings::found;
use super::{ApiError, App};
use crate::db::{delegates, seats, units};
use crate::room::Act;
use crate::text::nfc;

/// Delegates in one request.
const AT_ONCE_MAX: usize = 500;

const NAME_CHARS_MAX: usize = 120;
const TITLE_CHARS_MAX: usize = 200;

/// `GET /api/meetings/{id}/delegates`.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(id): Parsed<MeetingId>,
) -> Result<Json<Vec<Delegate>>, ApiError> {
    account.require(&[Host, Desk, Secretary, Chair])?;
    found(&app, id).await?;
    Ok(Json(delegates::list(&app.db, id).await?))
}

/// `POST /api/meetings/{id}/delegates`.
pub(super) async fn add(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(id): Parsed<MeetingId>,
    Body(new): Body<NewDelegates>,
) -> Result<Json<Vec<Delegate>>, ApiError> {
    account.require(&[Host, Desk, Secretary])?;
    if let Some(site) = new.site {
        let invited = units::invited(&app.db, id).await?;
        if !invited.iter().any(|it| it.id == site) {
            return Err(ApiError::field("site"));
        }
    }
    insert(&app, id, new.site, new.delegates).await?;
    Ok(Json(delegates::list(&app.db, id).await?))
}

/// `DELETE /api/meetings/{id}/delegates/{delegate}`.
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed((id, delegate)): Parsed<(MeetingId, DelegateId)>,
) -> Result<StatusCode, ApiError> {
    account.require(&[Host, Desk, Secretary])?;
    if !delegates::revoke(&app.db, id, delegate).await? {
        return Err(ErrorCode::NotFound.into());
    }
    if let Some(seat) = seats::find_by_delegate(&app.db, id, delegate).await? {
        match app.hub.act(id, Act::Expel(seat.participant)).await {
            Ok(()) | Err(ErrorCode::MeetingNotOpen | ErrorCode::MeetingEnded) => {}
            Err(code) => return Err(code.into()),
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/join/{token}/delegates`: a site's own.
pub(super) async fn of_site(
    State(app): State<Arc<App>>,
    Parsed(token): Parsed<String>,
) -> Result<Json<Vec<Delegate>>, ApiError> {
    let (link, meeting) = find_link(&app, &token).await?;
    of(&app, meeting.id, link.site).await
}

/// `POST /api/join/{token}/delegates`: a site names its own.
pub(super) async fn add_of_site(
    State(app): State<Arc<App>>,
    Parsed(token): Parsed<String>,
    Body(new): Body<Vec<NewDelegate>>,
) -> Result<Json<Vec<Delegate>>, ApiError> {
    let (link, meeting) = find_link(&app, &token).await?;
    insert(&app, meeting.id, Some(link.site), new).await?;
    of(&app, meeting.id, link.site).await
}

async fn of(app: &App, id: MeetingId, site: SiteId) -> Result<Json<Vec<Delegate>>, ApiError> {
    let mut all = delegates::list(&app.db, id).await?;
    all.retain(|it| it.site == Some(site));
    Ok(Json(all))
}

async fn insert(
    app: &App,
    id: MeetingId,
    site: Option<SiteId>,
    mut new: Vec<NewDelegate>,
) -> Result<(), ApiError> {
    if found(app, id).await?.state == MeetingState::Ended {
        return Err(ErrorCode::MeetingEnded.into());
    }
    if new.is_empty() || new.len() > AT_ONCE_MAX {
        return Err(ApiError::field("delegates"));
    }
    for one in &mut new {
        one.name = nfc(&one.name);
        one.title = nfc(&one.title);
        if !(1..=NAME_CHARS_MAX).contains(&one.name.chars().count()) {
            return Err(ApiError::field("name"));
        }
        if one.title.chars().count() > TITLE_CHARS_MAX {
            return Err(ApiError::field("title"));
        }
    }
    if !delegates::insert(&app.db, id, site, &new, app.now()).await? {
        return Err(ErrorCode::TooLarge.into());
    }
    Ok(())
}
