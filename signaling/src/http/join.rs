//! Taking a seat: sites by their links, accounts by signing in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use protocol::api::{Delegate, JoinInfo, Meeting, MeetingState, Seat};
use protocol::error::ErrorCode;
use protocol::id::{MeetingId, ParticipantId, SiteId};
use protocol::role::{AccountRole, RoomRole};
use protocol::time::Timestamp;

use super::access::SignedIn;
use super::body::Parsed;
use super::meetings::{found, links_expire_at};
use super::{ApiError, App};
use crate::clock;
use crate::db::delegates::{self, FoundDelegate};
use crate::db::links::{self, FoundLink};
use crate::db::registrations;
use crate::db::seats::{self, SeatRow};
use crate::db::units;
use crate::secret::{Secret, entropy};

/// A token that is longer is not one of ours.
const TOKEN_BYTES_MAX: usize = 64;

/// `GET /api/join/{token}`.
pub(super) async fn info(
    State(app): State<Arc<App>>,
    Parsed(token): Parsed<String>,
) -> Result<Json<JoinInfo>, ApiError> {
    if let Some((found, meeting)) = find_delegate(&app, &token).await? {
        let registered = registrations::subject(
            &app.db,
            meeting.id,
            found.delegate.site,
            Some(found.delegate.id),
        );
        return Ok(Json(JoinInfo {
            title: meeting.title,
            scheduled_at: meeting.scheduled_at,
            state: meeting.state,
            site_name: site_name(&app, found.delegate.site).await?,
            delegate: Some(full_name(&found.delegate)),
            may_register: found.delegate.votes && meeting.state == MeetingState::Scheduled,
            registered: registered.await?,
        }));
    }
    let (link, meeting) = find_link(&app, &token).await?;
    let registered = registrations::subject(&app.db, meeting.id, Some(link.site), None).await?;
    Ok(Json(JoinInfo {
        title: meeting.title,
        scheduled_at: meeting.scheduled_at,
        state: meeting.state,
        site_name: link.site_name,
        delegate: None,
        may_register: meeting.state == MeetingState::Scheduled,
        registered,
    }))
}

/// `POST /api/join/{token}`.
pub(super) async fn site_seat(
    State(app): State<Arc<App>>,
    Parsed(token): Parsed<String>,
) -> Result<Json<Seat>, ApiError> {
    if let Some((found, meeting)) = find_delegate(&app, &token).await? {
        return delegate_seat(&app, found.delegate, meeting).await;
    }
    let (link, meeting) = find_link(&app, &token).await?;
    let seat = SeatRow {
        participant: new_participant(&app),
        meeting: meeting.id,
        role: RoomRole::Site,
        name: link.site_name,
        site: Some(link.site),
        account: None,
        link: Some(link.id),
        delegate: None,
        watcher: None,
    };
    app.hub.waiting.entered(meeting.id, link.site, clock::tick());
    give(&app, meeting, seat).await
}

pub(super) async fn find_link(app: &App, token: &str) -> Result<(FoundLink, Meeting), ApiError> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(ErrorCode::LinkInvalid.into());
    }
    let link = links::find_by_token(&app.db, token).await?.ok_or(ErrorCode::LinkInvalid)?;
    if link.revoked {
        return Err(ErrorCode::LinkInvalid.into());
    }
    let meeting = found(app, link.meeting).await?;
    if has_expired(meeting.state, link.expires_at, app.now()) {
        return Err(ErrorCode::LinkExpired.into());
    }
    Ok((link, meeting))
}

/// The delegate whose link it is, if it is one's.
pub(super) async fn find_delegate(
    app: &App,
    token: &str,
) -> Result<Option<(FoundDelegate, Meeting)>, ApiError> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(ErrorCode::LinkInvalid.into());
    }
    let Some(found_delegate) = delegates::find_by_token(&app.db, token).await? else {
        return Ok(None);
    };
    if found_delegate.revoked {
        return Err(ErrorCode::LinkInvalid.into());
    }
    let meeting = found(app, found_delegate.meeting).await?;
    if has_expired(meeting.state, links_expire_at(meeting.scheduled_at), app.now()) {
        return Err(ErrorCode::LinkExpired.into());
    }
    Ok(Some((found_delegate, meeting)))
}

async fn site_name(app: &App, site: Option<SiteId>) -> Result<String, ApiError> {
    let Some(site) = site else { return Ok(String::new()) };
    let units = units::list(&app.db).await?;
    let mut sites = units.into_iter().flat_map(|it| it.sites);
    Ok(sites.find(|it| it.id == site).map(|it| it.name).unwrap_or_default())
}

fn full_name(delegate: &Delegate) -> String {
    delegates::full_name(&delegate.name, &delegate.title)
}

async fn delegate_seat(
    app: &App,
    delegate: Delegate,
    meeting: Meeting,
) -> Result<Json<Seat>, ApiError> {
    let seat = SeatRow {
        participant: new_participant(app),
        meeting: meeting.id,
        role: if delegate.votes { RoomRole::Delegate } else { RoomRole::Observer },
        name: full_name(&delegate),
        site: delegate.site,
        account: None,
        link: None,
        delegate: Some(delegate.id),
        watcher: None,
    };
    give(app, meeting, seat).await
}

/// Whether a link's time is over. That counts only while the meeting waits to be opened: one that runs past
/// midnight keeps its sites, and of one that has ended they hear that it has ended.
fn has_expired(state: MeetingState, expires_at: Timestamp, now: Timestamp) -> bool {
    match state {
        MeetingState::Scheduled => expires_at <= now,
        MeetingState::Open | MeetingState::Ended => false,
    }
}

/// `POST /api/meetings/{id}/seat`.
pub(super) async fn account_seat(
    State(app): State<Arc<App>>,
    SignedIn(account): SignedIn,
    Parsed(id): Parsed<MeetingId>,
) -> Result<Json<Seat>, ApiError> {
    let meeting = found(&app, id).await?;
    let role = match account.role {
        AccountRole::Chair => RoomRole::Chair,
        AccountRole::Secretary => RoomRole::Secretary,
        AccountRole::Desk | AccountRole::Host | AccountRole::Admin => RoomRole::Desk,
    };
    let seat = SeatRow {
        participant: new_participant(&app),
        meeting: id,
        role,
        name: account.name,
        site: None,
        account: Some(account.id),
        link: None,
        delegate: None,
        watcher: None,
    };
    give(&app, meeting, seat).await
}

pub(super) fn new_participant(app: &App) -> ParticipantId {
    ParticipantId::from_parts(u64::try_from(app.now().0).unwrap_or(0), entropy())
}

pub(super) async fn give(
    app: &App,
    meeting: Meeting,
    seat: SeatRow,
) -> Result<Json<Seat>, ApiError> {
    match meeting.state {
        MeetingState::Open => {}
        MeetingState::Scheduled => return Err(ErrorCode::MeetingNotOpen.into()),
        MeetingState::Ended => return Err(ErrorCode::MeetingEnded.into()),
    }
    let token = Secret::<16>::random().to_text();
    let kept = seats::give(&app.db, &seat, &token, app.now()).await?;
    Ok(Json(Seat {
        participant: kept.participant,
        meeting: meeting.id,
        title: meeting.title,
        name: kept.name,
        role: kept.role,
        token,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_links_time_counts_only_until_the_meeting_opens() {
        let (before, at) = (Timestamp(999), Timestamp(1_000));
        assert!(!has_expired(MeetingState::Scheduled, at, before));
        assert!(has_expired(MeetingState::Scheduled, at, at));
        assert!(!has_expired(MeetingState::Open, at, Timestamp(9_000)), "it ran past midnight");
        assert!(!has_expired(MeetingState::Ended, at, Timestamp(9_000)), "it says that it is over");
    }
}
