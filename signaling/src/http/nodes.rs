//! The tree of media nodes, for the control desk: what there is, what an administrator says of it, which site goes where.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use protocol::error::ErrorCode;
use protocol::id::SiteId;
use protocol::media::is_valid_name;
use protocol::node::{NodeChange, NodeView, SiteNode};
use protocol::role::AccountRole::{Desk, Host};
use serde::Deserialize;

use super::access::SignedIn;
use super::body::{Body, Parsed};
use super::{ApiError, App};
use crate::db::nodes;
use crate::live;
use crate::tree::placement::Network;

/// Units or networks of one node.
const WORDS_MAX: usize = 200;

/// One of them, bytes.
const WORD_BYTES_MAX: usize = 64;

/// Sites that one node can be said to take.
const CAPACITY_MAX: u32 = 10_000;

/// `?sites=NAME`: only this node's sites. A country's map that is asked for each second need not list 3,321.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sites {
    sites: Option<String>,
}

/// `GET /api/nodes`.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    account: Result<SignedIn, ApiError>,
    headers: HeaderMap,
    wanted: Result<Query<Sites>, QueryRejection>,
) -> Result<Json<Vec<NodeView>>, ApiError> {
    if !is_operator(&app, &headers) {
        account?.require(&[Desk, Host])?;
    }
    let Query(Sites { sites }) = wanted.map_err(|_| ApiError::field("sites"))?;
    Ok(Json(app.hub.node_views(sites.as_deref())))
}

/// Whether the request is one of `diemcau topology` on the server's own data folder.
fn is_operator(app: &App, headers: &HeaderMap) -> bool {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
    let token = bearer.and_then(|it| it.strip_prefix("Bearer "));
    let claims = token.and_then(|it| app.key.check(it, app.now().0 / 1_000));
    claims.is_some_and(|it| it.is_operator())
}

/// `PATCH /api/nodes/{name}`: the desk may drain a node and bring it back; what is sent where is the administrator's.
pub(super) async fn change(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(name): Parsed<String>,
    Body(change): Body<NodeChange>,
) -> Result<StatusCode, ApiError> {
    let is_drain_only =
        change.units.is_none() && change.networks.is_none() && change.capacity.is_none();
    account.require(if is_drain_only { &[Desk] } else { &[] })?;
    let mut row = app.hub.nodes.setting(&name).ok_or(ErrorCode::NotFound)?;
    let was_draining = row.draining;
    row.draining = change.draining.unwrap_or(row.draining);
    if let Some(capacity) = change.capacity {
        let is_fit = (1..=CAPACITY_MAX).contains(&capacity);
        row.capacity = is_fit.then_some(capacity).ok_or_else(|| ApiError::field("capacity"))?;
    }
    if let Some(units) = change.units {
        row.units = words(units, is_valid_name).ok_or_else(|| ApiError::field("units"))?;
    }
    if let Some(networks) = change.networks {
        let is_network = |it: &str| Network::parse(it).is_some();
        row.networks = words(networks, is_network).ok_or_else(|| ApiError::field("networks"))?;
    }
    nodes::set(&app.db, &row).await?;
    tracing::info!(node = name, account = %account.0.id, draining = row.draining, "a media node was changed");
    let begins = row.draining && !was_draining;
    app.hub.nodes.set(row);
    if begins {
        live::drain(&app.hub, &name);
    }
    Ok(StatusCode::NO_CONTENT)
}

fn words(list: Vec<String>, is_right: impl Fn(&str) -> bool) -> Option<Vec<String>> {
    let is_fit =
        list.len() <= WORDS_MAX && list.iter().all(|it| it.len() <= WORD_BYTES_MAX && is_right(it));
    is_fit.then_some(list)
}

/// `PUT /api/sites/{site}/node`: sends a site to a node from now on, or with `null` to where it belongs. If it is in
/// a meeting, its media moves at once.
pub(super) async fn set_site(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(site): Parsed<SiteId>,
    Body(wanted): Body<SiteNode>,
) -> Result<StatusCode, ApiError> {
    account.require(&[Desk])?;
    if let Some(name) = &wanted.node {
        app.hub.nodes.setting(name).ok_or_else(|| ApiError::field("node"))?;
    }
    if !nodes::set_site(&app.db, site, wanted.node.as_deref()).await? {
        return Err(ErrorCode::NotFound.into());
    }
    tracing::info!(%site, account = %account.0.id, node = wanted.node, "a site was sent to a media node");
    let seats = app.hub.nodes.send_to(site, wanted.node.as_deref());
    live::move_seats(&app.hub, &seats).await;
    Ok(StatusCode::NO_CONTENT)
}
