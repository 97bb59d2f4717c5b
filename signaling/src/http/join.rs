//! Taking a seat: sites by their links, accounts by signing in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use protocol::api::{JoinInfo, Meeting, MeetingState, Seat};
use protocol::error::ErrorCode;
use protocol::id::{MeetingId, ParticipantId};
use protocol::role::{AccountRole, RoomRole};
use protocol::time::Timestamp;

use super::access::SignedIn;
use super::body::Parsed;
use super::meetings::found;
use super::{ApiError, App};
use crate::db::links::{self, FoundLink};
use crate::db::seats::{self, SeatRow};
use crate::secret::{Secret, entropy};

/// A token that is longer is not one of ours.
const TOKEN_BYTES_MAX: usize = 64;

/// `GET /api/join/{token}`.
pub(super) async fn info(
    State(app): State<Arc<App>>,
    Parsed(token): Parsed<String>,
) -> Result<Json<JoinInfo>, ApiError> {
    let (link, meeting) = find_link(&app, &token).await?;
    Ok(Json(JoinInfo {
        title: meeting.title,
        scheduled_at: meeting.scheduled_at,
        state: meeting.state,
        site_name: link.site_name,
    }))
}

/// `POST /api/join/{token}`.
pub(super) async fn site_seat(
    State(app): State<Arc<App>>,
    Parsed(token): Parsed<String>,
) -> Result<Json<Seat>, ApiError> {
    let (link, meeting) = find_link(&app, &token).await?;
    let seat = SeatRow {
        participant: new_participant(&app),
        meeting: meeting.id,
        role: RoomRole::Site,
        name: link.site_name,
        site: Some(link.site),
        account: None,
        link: Some(link.id),
    };
    give(&app, meeting, seat).await
}

async fn find_link(app: &App, token: &str) -> Result<(FoundLink, Meeting), ApiError> {
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
    };
    give(&app, meeting, seat).await
}

fn new_participant(app: &App) -> ParticipantId {
    ParticipantId::from_parts(u64::try_from(app.now().0).unwrap_or(0), entropy())
}

async fn give(app: &App, meeting: Meeting, seat: SeatRow) -> Result<Json<Seat>, ApiError> {
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
