//! The HTTP API: routes, what every answer carries, and what every request must. Sequential code; what
//! happens in rooms is decided there.

mod access;
mod assets;
mod body;
mod custody;
mod delegates;
mod desk;
mod error;
mod insight;
mod join;
mod limiter;
pub(crate) mod meetings;
mod messages;
mod minutes;
mod nodes;
mod openapi;
mod operators;
mod origin;
mod papers;
pub(crate) mod passwords;
mod recordings;
mod registrations;
mod reviews;
mod roll;
mod serve;
mod session;
mod table;
mod tally;
mod votes;
mod whip;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{any, delete, get, patch, post, put};
use protocol::time::Timestamp;

pub(crate) use self::access::page_address;
pub(crate) use self::error::ApiError;
pub(crate) use self::origin::is_same_origin;
pub(crate) use self::passwords::Passwords;
pub(crate) use self::serve::serve;
use crate::clock;
use crate::config::Config;
use crate::db::Db;
use crate::live::Hub;
use crate::nodes::authority::Authority;
use crate::papers::Papers;
use crate::token::TokenKey;
use crate::ws;

/// Body of an ordinary request, bytes.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Body of minutes, bytes: texts of 100,000 characters and 2,000 rows.
const MINUTES_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Body of an SDP offer, bytes.
const SDP_BYTES_MAX: usize = 256 * 1024;

/// What handlers work with.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) db: Db,
    pub(crate) hub: Arc<Hub>,
    pub(crate) passwords: Passwords,
    pub(crate) key: TokenKey,
    pub(crate) authority: Authority,
    pub(crate) papers: Arc<Papers>,
}

impl App {
    pub(crate) fn now(&self) -> Timestamp {
        clock::now()
    }
}

/// What is taken away of, and done in, a meeting that is conducted: roll-call, messages, votes.
fn of_conduct() -> Router<Arc<App>> {
    Router::new()
        .route("/meetings/{id}/roll", post(roll::open))
        .route("/meetings/{id}/roll.csv", get(roll::csv))
        .route("/meetings/{id}/roll.xlsx", get(roll::xlsx))
        .route("/meetings/{id}/roll.pdf", get(roll::pdf))
        .route("/meetings/{id}/messages.csv", get(messages::csv))
        .route("/meetings/{id}/messages.txt", get(messages::txt))
        .route("/meetings/{id}/votes", get(votes::list))
        .route("/meetings/{id}/polls", post(votes::open_poll))
        .route("/meetings/{id}/votes/{vote}/result.csv", get(tally::csv))
        .route("/meetings/{id}/votes/{vote}/result.xlsx", get(tally::xlsx))
        .route("/meetings/{id}/votes/{vote}/result.pdf", get(tally::pdf))
        .route("/meetings/{id}/votes/{vote}/close", post(votes::close_poll))
        .route("/meetings/{id}/votes/{vote}/ballot", post(votes::issue))
        .route("/meetings/{id}/votes/{vote}/ballots", get(votes::ballots))
        .route("/ballots", post(votes::cast))
}

/// Recordings and what is written at their moments.
fn of_recordings() -> Router<Arc<App>> {
    Router::new()
        .route("/recordings", get(recordings::list))
        .route("/recordings/{id}", get(recordings::find))
        .route("/archive", get(custody::storage))
        .route("/recordings/{id}/custody", get(custody::show).post(custody::act))
        .route("/recordings/{id}/compose", post(recordings::compose))
        .route("/recordings/{id}/files/{*path}", get(recordings::file))
        .route("/recordings/{id}/notes", get(reviews::list).post(reviews::add))
        .route("/recordings/{id}/notes/{note}", put(reviews::change).delete(reviews::remove))
}

/// All routes.
pub(crate) fn router(app: Arc<App>) -> Router {
    let api = Router::new()
        .route("/session", post(session::sign_in).get(session::current).delete(session::sign_out))
        .route("/openapi.json", get(openapi::show))
        .route("/units", get(meetings::units))
        .route("/meetings", get(meetings::list).post(meetings::create))
        .route("/meetings/{id}", get(meetings::find))
        .route("/meetings/{id}/open", post(meetings::open))
        .route("/meetings/{id}/end", post(meetings::end))
        .route("/meetings/{id}/seat", post(join::account_seat))
        .route("/meetings/{id}/links", get(meetings::links))
        .route("/meetings/{id}/links/{link}", delete(meetings::revoke_link))
        .route("/meetings/{id}/links/{link}/renew", post(meetings::renew_link))
        .route("/meetings/{id}/facts", get(meetings::facts))
        .route("/meetings/{id}/media", get(insight::routes))
        .route("/meetings/{id}/traces", post(insight::trace))
        .route("/meetings/{id}/traces/{trace}", get(insight::fetch_trace))
        .route("/meetings/{id}/snapshots", get(insight::snapshots))
        .route("/meetings/{id}/snapshots/{file}", get(insight::snapshot))
        .route(
            "/meetings/{id}/minutes",
            get(minutes::find).put(minutes::change).layer(DefaultBodyLimit::max(MINUTES_BYTES_MAX)),
        )
        .route("/meetings/{id}/minutes/redraft", post(minutes::redraft))
        .route("/meetings/{id}/minutes.pdf", get(minutes::pdf))
        .route("/meetings/{id}/minutes.docx", get(minutes::docx))
        .merge(of_recordings())
        .route("/meetings/{id}/delegates", get(delegates::list).post(delegates::add))
        .route("/meetings/{id}/delegates/{delegate}", delete(delegates::remove))
        .route("/join/{token}/delegates", get(delegates::of_site).post(delegates::add_of_site))
        .route("/meetings/{id}/registrations", get(registrations::list))
        .route("/join/{token}/registration", put(registrations::put).delete(registrations::remove))
        .route("/meetings/{id}/papers", get(papers::list).post(papers::add))
        .route("/meetings/{id}/papers/{paper}", patch(papers::change).delete(papers::remove))
        .route("/meetings/{id}/papers/{paper}/pages/{page}", get(papers::page))
        .route("/meetings/{id}/papers/{paper}/file", get(papers::file))
        .merge(of_conduct())
        .route("/nodes", get(nodes::list))
        .route("/nodes/{name}", patch(nodes::change))
        .route("/sites/{site}/node", put(nodes::set_site))
        .route("/join/{token}", get(join::info).post(join::site_seat))
        .merge(desk_routes())
        .fallback(error::not_found)
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(middleware::from_fn(origin::check_csrf));
    let media = Router::new()
        .route("/whip/{room}/{id}", post(whip::publish).options(whip::options))
        .route("/whip/{room}/{id}/{session}", delete(whip::end).options(whip::options))
        .route("/whep/{room}", post(whip::programme).options(whip::options))
        .route("/whep/{room}/{id}", post(whip::receive).options(whip::options))
        .route("/whep/{room}/{id}/{session}", delete(whip::end).options(whip::options))
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(DefaultBodyLimit::max(SDP_BYTES_MAX))
        .layer(middleware::map_response(whip::allow_origins));
    Router::new()
        .nest("/api", api)
        .merge(media)
        .route("/ws", any(ws::upgrade))
        .route("/node", any(ws::node::upgrade))
        .route("/healthz", get(operators::healthz))
        .route("/readyz", get(operators::readyz))
        .route("/metrics", get(operators::metrics))
        .route("/version", get(operators::version))
        .fallback(assets::page)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::map_response(origin::security_headers))
        .with_state(app)
}

/// What the control desk and monitor windows ask.
fn desk_routes() -> Router<Arc<App>> {
    Router::new()
        .route("/meetings/{id}/desk", get(desk::sites))
        .route("/meetings/{id}/waiting", get(desk::waiting))
        .route("/meetings/{id}/calls", post(desk::call))
        .route("/meetings/{id}/monitors/{window}", post(desk::monitor))
        .route("/sites/{site}/contact", put(desk::set_contact))
        .route("/join/{token}/waiting", post(desk::wait))
}
