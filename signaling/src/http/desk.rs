//! The control desk over HTTP: invited sites with their contacts, pages that wait, calls, monitor windows.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use protocol::api::Seat;
use protocol::error::ErrorCode;
use protocol::health::{
    CALL_SITES_MAX, CONTACT_CHARS_MAX, Called, Contact, DeskSite, NewCall, WINDOWS_MAX,
    WaitingAnswer, WaitingSite,
};
use protocol::id::{MeetingId, SiteId};
use protocol::role::AccountRole::{Chair, Desk, Host, Secretary};
use protocol::role::RoomRole;

use super::access::SignedIn;
use super::body::{Body, Parsed};
use super::join::{find_link, give, new_participant};
use super::meetings::found;
use super::{ApiError, App};
use crate::clock;
use crate::db::seats::{self, SeatRow};
use crate::db::{contacts, units};
use crate::room::Act;
use crate::text::nfc;

/// `GET /api/meetings/{id}/desk`.
pub(super) async fn sites(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(id): Parsed<MeetingId>,
) -> Result<Json<Vec<DeskSite>>, ApiError> {
    account.require(&[Desk, Chair, Secretary, Host])?;
    found(&app, id).await?;
    Ok(Json(contacts::invited(&app.db, id).await?))
}

/// `PUT /api/sites/{site}/contact`.
pub(super) async fn set_contact(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(site): Parsed<SiteId>,
    Body(contact): Body<Contact>,
) -> Result<Json<Contact>, ApiError> {
    account.require(&[Desk, Chair, Secretary, Host])?;
    let contact = sane(&contact)?;
    if !contacts::set(&app.db, site, &contact).await? {
        return Err(ErrorCode::NotFound.into());
    }
    Ok(Json(contact))
}

/// A contact as it is kept: NFC, no spaces around, nothing in a number that cannot be dialled.
fn sane(contact: &Contact) -> Result<Contact, ApiError> {
    let [person, phone] = [&contact.person, &contact.phone].map(|it| nfc(it).trim().to_owned());
    let is_short = |it: &str| it.chars().count() <= CONTACT_CHARS_MAX;
    if !is_short(&person) || person.chars().any(char::is_control) {
        return Err(ApiError::field("person"));
    }
    let dialled = |it: char| it.is_ascii_digit() || " +-.()".contains(it);
    if !is_short(&phone) || !phone.chars().all(dialled) {
        return Err(ApiError::field("phone"));
    }
    Ok(Contact { person, phone })
}

/// `GET /api/meetings/{id}/waiting`.
pub(super) async fn waiting(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(id): Parsed<MeetingId>,
) -> Result<Json<Vec<WaitingSite>>, ApiError> {
    account.require(&[Desk, Chair, Secretary, Host])?;
    Ok(Json(app.hub.waiting.of(id, clock::tick())))
}

/// `POST /api/join/{token}/waiting`: a site's page is open.
pub(super) async fn wait(
    State(app): State<Arc<App>>,
    Parsed(token): Parsed<String>,
) -> Result<Json<WaitingAnswer>, ApiError> {
    let (link, meeting) = find_link(&app, &token).await?;
    let called_at = app.hub.waiting.seen(meeting.id, link.site, clock::tick());
    Ok(Json(WaitingAnswer { called_at }))
}

/// `POST /api/meetings/{id}/calls`: rings at the pages that are open; the log says so first.
pub(super) async fn call(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(id): Parsed<MeetingId>,
    Body(call): Body<NewCall>,
) -> Result<Json<Called>, ApiError> {
    account.require(&[Desk, Chair, Secretary, Host])?;
    found(&app, id).await?;
    let seat = seats::find_by_account(&app.db, id, account.0.id).await?;
    let by = seat.ok_or(ErrorCode::NotInRoom)?.participant;
    let mut sites = call.sites;
    sites.sort_unstable();
    sites.dedup();
    let invited = units::invited(&app.db, id).await?;
    let is_invited = |site: &SiteId| invited.iter().any(|it| it.id == *site);
    if sites.is_empty() || sites.len() > CALL_SITES_MAX || !sites.iter().all(is_invited) {
        return Err(ApiError::field("sites"));
    }
    let called = app.hub.waiting.reach(id, &sites, clock::tick());
    let reached = u32::try_from(called.reached.len()).unwrap_or(u32::MAX);
    app.hub.act(id, Act::Call { by, sites, reached }).await?;
    app.hub.waiting.ring(id, &called.reached, app.now(), clock::tick());
    Ok(Json(called))
}

/// `POST /api/meetings/{id}/monitors/{window}`: the seat of a monitor window. It sees and hears, and counts nowhere.
pub(super) async fn monitor(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed((id, window)): Parsed<(MeetingId, u8)>,
) -> Result<Json<Seat>, ApiError> {
    account.require(&[Desk, Chair, Host])?;
    if !(1..=WINDOWS_MAX).contains(&window) {
        return Err(ErrorCode::NotFound.into());
    }
    let meeting = found(&app, id).await?;
    let seat = SeatRow {
        participant: new_participant(&app),
        meeting: id,
        role: RoomRole::Observer,
        name: format!("{} ({window})", account.0.name),
        site: None,
        account: None,
        link: None,
        delegate: None,
        watcher: Some((account.0.id, window)),
    };
    give(&app, meeting, seat).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_kept_composed_and_a_number_that_cannot_be_dialled_is_refused() {
        let contact = |person: &str, phone: &str| Contact {
            person: person.to_owned(),
            phone: phone.to_owned(),
        };
        let kept = sane(&contact(" Lê Va\u{306}n An ", "0912 345 678 ")).ok();
        assert_eq!(kept, Some(contact("Lê Văn An", "0912 345 678")));
        assert!(sane(&contact("", "")).is_ok());
        for wrong in [contact("", "gọi An"), contact("", &"1".repeat(81)), contact("a\nb", "")] {
            assert!(sane(&wrong).is_err(), "{wrong:?}");
        }
    }
}
