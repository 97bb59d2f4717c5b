//! Signing in and out.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse};
use protocol::api::{Account, SignIn};
use protocol::error::ErrorCode;
use protocol::time::Timestamp;

use super::access::{COOKIE, SignedIn, address, is_https, session_token};
use super::error::ApiError;
use super::passwords::PASSWORD_BYTES_MAX;
use super::{App, body};
use crate::db::accounts;
use crate::secret::{self, Secret};
use crate::text::nfc;

/// A session lasts a long working day, s.
const SESSION_S: i64 = 12 * 3_600;

/// Longest sign-in name, bytes.
const USERNAME_BYTES_MAX: usize = 128;

/// `POST /api/session`.
pub(super) async fn sign_in(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<SocketAddr>,
    headers: HeaderMap,
    body::Body(sign_in): body::Body<SignIn>,
) -> Result<impl IntoResponse, ApiError> {
    let username = nfc(&sign_in.username).to_lowercase();
    if username.len() > USERNAME_BYTES_MAX || sign_in.password.len() > PASSWORD_BYTES_MAX {
        return Err(ErrorCode::WrongPassword.into());
    }
    let found = accounts::find_by_username(&app.db, &username).await?;
    let (account, hash) = found.map(|it| (it.account, it.password_hash)).unzip();
    let address = address(peer, &headers);
    let checked = app.passwords.check(&username, address, sign_in.password, hash).await;
    if let Err(code) = checked {
        app.hub.counters.wrong_passwords.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        return Err(code.into());
    }
    let account = account.ok_or(ErrorCode::WrongPassword)?;
    let token = Secret::<32>::random().to_text();
    let now = app.now();
    let expires_at = Timestamp(now.0 + SESSION_S * 1_000);
    accounts::insert_session(&app.db, &secret::hash(&token), account.id, now, expires_at).await?;
    Ok((AppendHeaders([(header::SET_COOKIE, cookie(&token, SESSION_S, &headers))]), Json(account)))
}

/// `GET /api/session`.
pub(super) async fn current(SignedIn(account): SignedIn) -> Json<Account> {
    Json(account)
}

/// `DELETE /api/session`.
pub(super) async fn sign_out(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    if let Some(token) = session_token(&headers) {
        accounts::delete_session(&app.db, &secret::hash(token)).await?;
    }
    let gone = cookie("", 0, &headers);
    Ok((StatusCode::NO_CONTENT, AppendHeaders([(header::SET_COOKIE, gone)])))
}

fn cookie(token: &str, max_age_s: i64, headers: &HeaderMap) -> String {
    let secure = if is_https(headers) { "; Secure" } else { "" };
    format!("{COOKIE}={token}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{secure}")
}
