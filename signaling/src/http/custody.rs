//! How recordings are kept: their custody logs, holding, destruction by two, and how full the archive is.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use protocol::control::RecorderCommand;
use protocol::custody::{Custody, CustodyAct, CustodyEvent, CustodyRight, StorageReport};
use protocol::error::ErrorCode;
use protocol::id::RecordingId;
use protocol::role::AccountRole::{Chair, Desk, Host, Secretary};
use protocol::time::Timestamp;

use super::access::SignedIn;
use super::body::{Body, Parsed};
use super::recordings::found;
use super::{ApiError, App};
use crate::db::custody;

/// The rate of recording is that of so many days.
const RATE_DAYS: u64 = 30;

const DAY_MS: i64 = 86_400_000;

/// `GET /api/recordings/{id}/custody`.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(id): Parsed<RecordingId>,
) -> Result<Json<Custody>, ApiError> {
    account.require(&[Secretary, Chair, Desk, Host])?;
    let recording = found(&app, id).await?;
    Ok(Json(custody::show(&app.db, id, recording.phase, &account.0).await?))
}

/// `POST /api/recordings/{id}/custody`: who may do what is the log's to say (`crate::custody`).
pub(super) async fn act(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(id): Parsed<RecordingId>,
    Body(act): Body<CustodyAct>,
) -> Result<Json<Custody>, ApiError> {
    let recording = found(&app, id).await?;
    let destroys = act.act == CustodyRight::ApproveDestruction;
    if destroys && !app.hub.recorder_ready.load(Ordering::Relaxed) {
        return Err(ErrorCode::RecorderUnavailable.into());
    }
    let event = custody::act(&app.db, id, &account.0, &act, app.now()).await??;
    tracing::info!(recording = %id, account = %account.0.id, act = ?act.act, "custody of a recording");
    if event == CustodyEvent::Destroyed {
        app.hub.tell_recorder(RecorderCommand::Destroy { recording: id });
    }
    Ok(Json(custody::show(&app.db, id, recording.phase, &account.0).await?))
}

/// `GET /api/archive`.
pub(super) async fn storage(
    State(app): State<Arc<App>>,
    account: SignedIn,
) -> Result<Json<StorageReport>, ApiError> {
    account.require(&[Secretary, Chair, Desk, Host])?;
    let since = Timestamp(app.now().0 - RATE_DAYS as i64 * DAY_MS);
    let (recordings, bytes, lately) = custody::storage(&app.db, since).await?;
    let data = app.config.data.clone();
    let free = tokio::task::spawn_blocking(move || rustix::fs::statvfs(&data)).await;
    let free = free.map_err(|_| ErrorCode::Internal)?.map_err(|error| {
        tracing::error!(%error, "the free space of the data folder cannot be read");
        ErrorCode::Internal
    })?;
    let free_bytes = free.f_bavail.saturating_mul(free.f_frsize);
    let days_left = (lately > 0).then(|| {
        let days = u128::from(free_bytes) * u128::from(RATE_DAYS) / u128::from(lately);
        u32::try_from(days).unwrap_or(u32::MAX)
    });
    Ok(Json(StorageReport { recordings, bytes, free_bytes, days_left }))
}
