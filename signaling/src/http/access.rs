//! Who is asking: the account behind a cookie, the address behind a proxy.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use protocol::api::Account;
use protocol::error::ErrorCode;
use protocol::role::AccountRole;

use super::{ApiError, App};
use crate::db::accounts;
use crate::secret;

/// The sign-in cookie.
pub(super) const COOKIE: &str = "diemcau_session";

/// A cookie that is longer is not ours.
const COOKIE_BYTES_MAX: usize = 128;

/// The account that sends a request.
pub(super) struct SignedIn(pub(super) Account);

impl SignedIn {
    /// Refuses all but these roles, and the administrator.
    pub(super) fn require(&self, roles: &[AccountRole]) -> Result<(), ApiError> {
        let role = self.0.role;
        if role == AccountRole::Admin || roles.contains(&role) {
            Ok(())
        } else {
            Err(ErrorCode::Forbidden.into())
        }
    }
}

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let token = session_token(&parts.headers).ok_or(ErrorCode::NotSignedIn)?;
        let found = accounts::find_session(&app.db, &secret::hash(token), app.now()).await?;
        found.map(Self).ok_or_else(|| ErrorCode::NotSignedIn.into())
    }
}

/// The session's secret in the cookie.
pub(super) fn session_token(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    cookies
        .flat_map(|it| it.split(';'))
        .filter_map(|it| it.trim().split_once('='))
        .find(|(name, value)| *name == COOKIE && value.len() <= COOKIE_BYTES_MAX)
        .map(|(_, value)| value)
}

/// Where a page is. A proxy on this machine is believed when it names another address.
pub(crate) fn page_address(peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    let peer = peer.ip().to_canonical();
    let forwarded = headers.get("x-forwarded-for").and_then(|it| it.to_str().ok());
    let named = forwarded.and_then(|it| it.rsplit(',').next()).map(|it| it.trim().parse());
    let address: IpAddr = match named {
        Some(Ok(address)) if peer.is_loopback() => address,
        Some(_) | None => peer,
    };
    address.to_canonical()
}

/// The address to count failures by. Of IPv6 it is the network: who has one address has 2^64.
pub(super) fn address(peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    match page_address(peer, headers) {
        IpAddr::V6(it) => Ipv6Addr::from_bits(it.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Whether the browser speaks TLS, as the proxy before us says.
pub(super) fn is_https(headers: &HeaderMap) -> bool {
    headers.get("x-forwarded-proto").is_some_and(|it| it.as_bytes() == b"https")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_on_this_machine_is_believed_in_either_family_and_of_ipv6_the_network_counts() {
        let mut headers = HeaderMap::new();
        let of =
            |peer: &str, headers: &HeaderMap| address(peer.parse().unwrap(), headers).to_string();
        assert_eq!(of("[::ffff:10.1.2.3]:9", &headers), "10.1.2.3");
        assert_eq!(of("[2001:db8:1:2:3:4:5:6]:9", &headers), "2001:db8:1:2::");
        headers.insert("x-forwarded-for", "192.0.2.7".parse().unwrap());
        for proxy in ["127.0.0.1:9", "[::1]:9", "[::ffff:127.0.0.1]:9"] {
            assert_eq!(of(proxy, &headers), "192.0.2.7", "{proxy}");
        }
        assert_eq!(of("[::ffff:10.1.2.3]:9", &headers), "10.1.2.3", "anybody else is not");
    }
}
