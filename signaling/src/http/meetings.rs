//! Meetings, their sites and their links: the office's work.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use protocol::api::{JoinLink, Meeting, MeetingState, NewMeeting, Unit};
use protocol::error::ErrorCode;
use protocol::fact::FactRecord;
use protocol::id::{LinkId, MeetingId};
use protocol::role::AccountRole::{Chair, Desk, Host, Secretary};
use protocol::time::Timestamp;

use super::access::SignedIn;
use super::body::{Body, Parsed};
use super::{ApiError, App};
use crate::db::meetings::{NewLink, NewRow};
use crate::db::{self, links as link_rows, seats, units as unit_rows};
use crate::room::{Act, told_all, unnamed};
use crate::secret::{Secret, entropy};
use crate::text::nfc;

const TITLE_CHARS_MAX: usize = 300;
const VENUE_CHARS_MAX: usize = 200;

/// Sites of one meeting: every commune of the country, and room to spare.
const SITES_MAX: usize = 4_000;

/// Vietnam is 7 hours ahead of UTC all year round.
const VIETNAM_MS: i64 = 7 * 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// Links work so long after the end of the meeting's day: an evening that runs over midnight, ms.
const LINK_MARGIN_MS: i64 = 6 * 3_600_000;

/// Earliest and latest moment of a meeting: 2000 to 2100.
const SCHEDULED_AT: std::ops::Range<i64> = 946_684_800_000..4_102_444_800_000;

/// `GET /api/units`.
pub(super) async fn units(
    State(app): State<Arc<App>>,
    _: SignedIn,
) -> Result<Json<Vec<Unit>>, ApiError> {
    Ok(Json(unit_rows::list(&app.db).await?))
}

/// `GET /api/meetings`.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    _: SignedIn,
) -> Result<Json<Vec<Meeting>>, ApiError> {
    let mut meetings = db::meetings::list(&app.db).await?;
    for meeting in &mut meetings {
        meeting.n_connected = app.hub.n_connected(meeting.id);
    }
    Ok(Json(meetings))
}

/// `GET /api/meetings/{id}`.
pub(super) async fn find(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Parsed(id): Parsed<MeetingId>,
) -> Result<Json<Meeting>, ApiError> {
    found(&app, id).await.map(Json)
}

/// The meeting with this id.
pub(super) async fn found(app: &App, id: MeetingId) -> Result<Meeting, ApiError> {
    let mut meeting = db::meetings::find(&app.db, id).await?.ok_or(ErrorCode::NotFound)?;
    meeting.n_connected = app.hub.n_connected(id);
    Ok(meeting)
}

/// `POST /api/meetings`.
pub(super) async fn create(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Body(new): Body<NewMeeting>,
) -> Result<(StatusCode, Json<Meeting>), ApiError> {
    account.require(&[Host])?;
    let title = nfc(&new.title);
    if title.is_empty() || title.chars().count() > TITLE_CHARS_MAX {
        return Err(ApiError::field("title"));
    }
    let venue = nfc(&new.venue);
    if venue.chars().count() > VENUE_CHARS_MAX {
        return Err(ApiError::field("venue"));
    }
    if !SCHEDULED_AT.contains(&new.scheduled_at.0) {
        return Err(ApiError::field("scheduled_at"));
    }
    let units = unit_rows::list(&app.db).await?;
    let known: HashSet<_> = units.iter().flat_map(|it| &it.sites).map(|it| it.id).collect();
    let mut wanted = HashSet::new();
    let mut sites = new.sites;
    sites.retain(|it| wanted.insert(*it));
    if sites.len() > SITES_MAX || !sites.iter().all(|it| known.contains(it)) {
        return Err(ApiError::field("sites"));
    }
    let now = app.now();
    let row = NewRow {
        id: MeetingId::from_parts(now_ms(now), entropy()),
        code: Secret::<5>::random().to_text(),
        title,
        venue,
        scheduled_at: new.scheduled_at,
        created_by: Some(account.0.id),
        links: sites.into_iter().map(|site| new_link(site, now)).collect(),
        links_expire_at: links_expire_at(new.scheduled_at),
    };
    db::meetings::insert(&app.db, &row, now).await?;
    Ok((StatusCode::CREATED, Json(found(&app, row.id).await?)))
}

/// A link for a site.
pub(crate) fn new_link(site: protocol::id::SiteId, now: Timestamp) -> NewLink {
    NewLink {
        id: LinkId::from_parts(now_ms(now), entropy()),
        site,
        token: Secret::<16>::random().to_text(),
    }
}

fn now_ms(now: Timestamp) -> u64 {
    u64::try_from(now.0).unwrap_or(0)
}

/// Links of a meeting that is not opened work until some hours after the midnight that ends its day in
/// Vietnam.
pub(crate) fn links_expire_at(scheduled_at: Timestamp) -> Timestamp {
    let day = (scheduled_at.0 + VIETNAM_MS).div_euclid(DAY_MS);
    Timestamp((day + 1) * DAY_MS - VIETNAM_MS + LINK_MARGIN_MS)
}

/// `POST /api/meetings/{id}/open`. Opening an open meeting is no mistake.
pub(super) async fn open(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(id): Parsed<MeetingId>,
) -> Result<Json<Meeting>, ApiError> {
    account.require(&[Host, Chair, Desk])?;
    let meeting = found(&app, id).await?;
    match meeting.state {
        MeetingState::Scheduled => {
            app.hub.open(&meeting).await?;
            app.papers.sync(id).await;
            // A meeting that begins on another day than planned still lets its sites in.
            link_rows::extend(&app.db, id, links_expire_at(app.now())).await?;
        }
        MeetingState::Open => {}
        MeetingState::Ended => return Err(ErrorCode::MeetingEnded.into()),
    }
    found(&app, id).await.map(Json)
}

/// `POST /api/meetings/{id}/end`.
pub(super) async fn end(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(id): Parsed<MeetingId>,
) -> Result<Json<Meeting>, ApiError> {
    account.require(&[Host, Chair])?;
    match found(&app, id).await?.state {
        MeetingState::Open => app.hub.act(id, Act::End).await?,
        MeetingState::Scheduled => return Err(ErrorCode::MeetingNotOpen.into()),
        MeetingState::Ended => return Err(ErrorCode::MeetingEnded.into()),
    }
    found(&app, id).await.map(Json)
}

/// `GET /api/meetings/{id}/links`.
pub(super) async fn links(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(id): Parsed<MeetingId>,
) -> Result<Json<Vec<JoinLink>>, ApiError> {
    account.require(&[Host, Desk])?;
    let meeting = found(&app, id).await?;
    let mut list = link_rows::list(&app.db, id).await?;
    if meeting.state == MeetingState::Open {
        // The links of a running meeting work for as long as it runs: at least today.
        let today = links_expire_at(app.now());
        list.iter_mut().for_each(|it| it.expires_at = it.expires_at.max(today));
    }
    Ok(Json(list))
}

/// `DELETE /api/meetings/{id}/links/{link}`.
pub(super) async fn revoke_link(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed((id, link)): Parsed<(MeetingId, LinkId)>,
) -> Result<StatusCode, ApiError> {
    account.require(&[Host, Desk])?;
    let row = link_rows::find(&app.db, id, link).await?.ok_or(ErrorCode::NotFound)?;
    link_rows::revoke(&app.db, id, link).await?;
    show_out(&app, id, row.site).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/meetings/{id}/links/{link}/renew`. Whoever sits there by the old link is shown out.
pub(super) async fn renew_link(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed((id, link)): Parsed<(MeetingId, LinkId)>,
) -> Result<Json<JoinLink>, ApiError> {
    account.require(&[Host, Desk])?;
    let meeting = found(&app, id).await?;
    let row = link_rows::find(&app.db, id, link).await?.ok_or(ErrorCode::NotFound)?;
    show_out(&app, id, row.site).await?;
    let token = Secret::<16>::random().to_text();
    let expires_at = links_expire_at(meeting.scheduled_at.max(app.now()));
    link_rows::renew(&app.db, id, link, &token, expires_at).await?;
    let renewed = link_rows::find(&app.db, id, link).await?.ok_or(ErrorCode::NotFound)?;
    Ok(Json(renewed))
}

async fn show_out(app: &App, id: MeetingId, site: protocol::id::SiteId) -> Result<(), ApiError> {
    let Some(seat) = seats::find_by_site(&app.db, id, site).await? else { return Ok(()) };
    match app.hub.act(id, Act::Expel(seat.participant)).await {
        // Nobody can sit in a room that is not open.
        Ok(()) | Err(ErrorCode::MeetingNotOpen | ErrorCode::MeetingEnded) => Ok(()),
        Err(code) => Err(code.into()),
    }
}

/// `GET /api/meetings/{id}/facts`.
pub(super) async fn facts(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(id): Parsed<MeetingId>,
) -> Result<Json<Vec<FactRecord>>, ApiError> {
    found(&app, id).await?;
    let entries = db::facts::list(&app.db, id).await?;
    let leads = account.require(&[Host, Chair, Secretary]).is_ok();
    let records = entries.into_iter().map(|it| it.record);
    let read = records.map(|it| if leads { it } else { unnamed(it) });
    Ok(Json(told_all(read.collect())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_outlive_the_meetings_day_in_vietnam_by_six_hours() {
        // 2026-07-01 23:30 in Vietnam is 16:30 UTC; the day ends at 17:00 UTC.
        let late = Timestamp(1_782_923_400_000);
        assert_eq!(links_expire_at(late), Timestamp(1_782_925_200_000 + LINK_MARGIN_MS));
    }
}
