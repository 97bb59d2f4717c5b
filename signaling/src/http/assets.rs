//! The web application: its files, and its page for every other address that a browser opens.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::error::ErrorCode;

use super::{ApiError, App};
use crate::config::Asset;

/// The page.
const INDEX: &str = "index.html";

/// A file of the web application, or its page.
pub(super) async fn page(State(app): State<Arc<App>>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return ApiError::from(ErrorCode::NotFound).into_response();
    }
    let headers = request.headers();
    let gzip = accepts(headers, header::ACCEPT_ENCODING.as_str(), "gzip");
    let path = request.uri().path().trim_start_matches('/');
    if let Some(asset) = (!path.is_empty()).then(|| (app.config.assets)(path, gzip)).flatten() {
        return file(asset, path);
    }
    // What looks like a file and is none must not be answered with a page.
    let page = path.is_empty() || accepts(headers, header::ACCEPT.as_str(), "text/html");
    if page
        && !path.starts_with("assets/")
        && let Some(asset) = (app.config.assets)(INDEX, gzip)
    {
        return file(asset, INDEX);
    }
    ApiError::from(ErrorCode::NotFound).into_response()
}

fn accepts(headers: &HeaderMap, name: &str, wanted: &str) -> bool {
    let value = headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let mut choices = value.split(',').map(str::trim);
    choices.any(|it| it.split(';').next() == Some(wanted) && !it.ends_with(";q=0"))
}

fn file(asset: Asset, path: &str) -> Response {
    let is_immutable = asset.immutable && path != INDEX;
    let cache = if is_immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = Response::new(Body::from(asset.bytes));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(encoding) = asset.encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}
