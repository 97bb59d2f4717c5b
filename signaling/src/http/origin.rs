//! Who may send a request from a browser, and what a browser may do with an answer.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use protocol::error::ErrorCode;

use super::error::ApiError;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What every answer carries. Scripts come from this server only; nobody may frame a page.
const SECURITY_HEADERS: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'self'; script-src 'self'; style-src 'self'; \
         img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self'; \
         connect-src 'self' ws: wss:; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=()",
    ),
];

/// Puts the security headers on an answer.
pub(super) async fn security_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

/// Whether a WebSocket comes from a page of this server, or from no page at all: then it has no cookie
/// to abuse, and a seat's secret is wanted in any case.
pub(crate) fn is_same_origin(headers: &HeaderMap) -> bool {
    headers.get(header::ORIGIN).is_none_or(|origin| is_of_host(origin, headers))
}

fn is_of_host(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let (Ok(origin), Some(Ok(host))) =
        (origin.to_str(), headers.get(header::HOST).map(HeaderValue::to_str))
    else {
        return false;
    };
    origin.split_once("://").is_some_and(|(_, it)| it.eq_ignore_ascii_case(host))
}

/// A request that changes something and comes with a cookie must come from a page of this server.
pub(super) async fn check_csrf(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if changes && headers.contains_key(header::COOKIE) && !is_from_our_page(headers) {
        return ApiError::from(ErrorCode::Forbidden).into_response();
    }
    next.run(request).await
}

fn is_from_our_page(headers: &HeaderMap) -> bool {
    match headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes) {
        Some(site) => site == b"same-origin",
        None => headers.get(header::ORIGIN).is_some_and(|origin| is_of_host(origin, headers)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn a_page_of_another_host_is_a_stranger() {
        let ours = [("host", "hop.quangtri.gov.vn"), ("origin", "https://hop.quangtri.gov.vn")];
        let foreign =
            [("host", "hop.quangtri.gov.vn"), ("origin", "https://hop.quangtri.gov.vn.x")];
        assert!(is_same_origin(&headers(&ours)) && is_from_our_page(&headers(&ours)));
        assert!(!is_same_origin(&headers(&foreign)) && !is_from_our_page(&headers(&foreign)));
        assert!(!is_same_origin(&headers(&[("host", "a"), ("origin", "null")])));
    }

    #[test]
    fn a_request_that_names_no_page_may_not_use_a_cookie() {
        assert!(!is_from_our_page(&headers(&[("host", "a")])));
        assert!(!is_from_our_page(&headers(&[("host", "a"), ("sec-fetch-site", "cross-site")])));
        assert!(is_from_our_page(&headers(&[("host", "a"), ("sec-fetch-site", "same-origin")])));
    }
}
