//! Bearer tokens of WHIP and WHEP: JSON Web Tokens (RFC 7519) signed with HMAC-SHA-256. Made and checked
//! here with ring rather than by a library: the header is one constant and is compared as a whole, so
//! there is no algorithm to confuse, no key id to inject and no RSA in the program.

use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::media::is_valid_name;
use rand::RngCore as _;
use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// `{"alg":"HS256","typ":"JWT"}`: the only header that is written or accepted.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// The key's file in the data folder.
const KEY_FILE: &str = "media-token.key";

/// Key length, bytes: as long as the hash, as RFC 2104 advises.
const KEY_BYTES: usize = 32;

/// Longest token that is looked at, bytes.
const TOKEN_BYTES_MAX: usize = 2_048;

/// Longest life of a token: a year, s. Longer ones are forgotten in configuration files.
pub const LIFE_S_MAX: u64 = 366 * 86_400;

/// What a token allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    /// The room: a meeting's code.
    pub room: String,
    /// May publish.
    pub publish: bool,
    /// May receive.
    pub subscribe: bool,
    /// Only as this publisher; none: any name.
    pub as_id: Option<String>,
    /// How long it is good for, s; at most [`LIFE_S_MAX`].
    pub life_s: u64,
}

/// The claims inside a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) room: String,
    pub(crate) publish: bool,
    pub(crate) subscribe: bool,
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub(crate) as_id: Option<String>,
    /// Seconds since 1970.
    pub(crate) exp: i64,
    /// 128 random bits: two tokens are never the same, and a log can name one.
    pub(crate) jti: String,
}

/// The key that signs media tokens.
pub(crate) struct TokenKey(hmac::Key);

impl TokenKey {
    /// Reads the key of a data folder, or makes it.
    pub(crate) fn load(data: &Path) -> Result<Self, Error> {
        let path = data.join(KEY_FILE);
        let failed = |source| Error::DataNotWritable { path: data.to_owned(), source };
        let bytes = match std::fs::read(&path) {
            Ok(bytes) if bytes.len() == KEY_BYTES => bytes,
            Ok(_) => {
                return Err(Error::InvalidToken(
                    "media-token.key in the data folder is damaged. Delete it: a new one is made, and \
                     tokens given out before stop working",
                ));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let mut bytes = vec![0; KEY_BYTES];
                rand::rng().fill_bytes(&mut bytes);
                std::fs::OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(&path)
                    .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()))
                    .map_err(failed)?;
                bytes
            }
            Err(error) => return Err(failed(error)),
        };
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    fn sign(&self, claims: &Claims) -> String {
        let json = serde_json::to_vec(claims).expect("claims are plain values");
        let signed = format!("{HEADER}.{}", URL_SAFE_NO_PAD.encode(json));
        let mac = hmac::sign(&self.0, signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac))
    }

    /// The claims of a token, if this key signed it and it has not expired.
    pub(crate) fn check(&self, token: &str, now_s: i64) -> Option<Claims> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let (signed, mac) = token.rsplit_once('.')?;
        let payload = signed.strip_prefix(HEADER)?.strip_prefix('.')?;
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        hmac::verify(&self.0, signed.as_bytes(), &mac).ok()?;
        let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        (now_s < claims.exp).then_some(claims)
    }
}

/// The room of an operator's token. It allows nothing else, and no token of a meeting is one.
const OPERATOR: &str = "_operator";

/// How long an operator's token is good for: one request.
const OPERATOR_LIFE_S: u64 = 60;

/// A token by which whoever may read the data folder may look at the tree of nodes.
pub fn operator(data: &Path) -> Result<String, Error> {
    let key = TokenKey::load(data)?;
    let now_s = crate::clock::now().0 / 1_000;
    Ok(key.sign(&Claims {
        room: OPERATOR.to_owned(),
        publish: false,
        subscribe: false,
        as_id: None,
        exp: now_s.saturating_add_unsigned(OPERATOR_LIFE_S),
        jti: crate::secret::Secret::<16>::random().to_text(),
    }))
}

impl Claims {
    /// Whether it is an operator's.
    pub(crate) fn is_operator(&self) -> bool {
        self.room == OPERATOR && !self.publish && !self.subscribe
    }
}

/// Makes a token for `diemcau token`. A server that runs on the same data folder accepts it at once.
pub fn issue(data: &Path, request: &TokenRequest) -> Result<String, Error> {
    if !is_valid_name(&request.room)
        || request.as_id.as_deref().is_some_and(|it| !is_valid_name(it))
    {
        return Err(Error::InvalidToken("a room and a name are 1 to 64 of A-Z a-z 0-9 _ -"));
    }
    if !request.publish && !request.subscribe {
        return Err(Error::InvalidToken("a token needs --publish, --subscribe or both"));
    }
    if request.life_s == 0 || request.life_s > LIFE_S_MAX {
        return Err(Error::InvalidToken("a token lives from 1 second to 366 days"));
    }
    let key = TokenKey::load(data)?;
    let now_s = crate::clock::now().0 / 1_000;
    Ok(key.sign(&Claims {
        room: request.room.clone(),
        publish: request.publish,
        subscribe: request.subscribe,
        as_id: request.as_id.clone(),
        exp: now_s.saturating_add_unsigned(request.life_s),
        jti: crate::secret::Secret::<16>::random().to_text(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> TokenRequest {
        TokenRequest {
            room: "demo".into(),
            publish: true,
            subscribe: false,
            as_id: Some("xa-le-thuy".into()),
            life_s: 60,
        }
    }

    #[test]
    fn a_token_says_what_was_asked_and_expires() {
        let data = tempfile::tempdir().unwrap();
        let token = issue(data.path(), &request()).unwrap();
        let key = TokenKey::load(data.path()).unwrap();
        let now_s = crate::clock::now().0 / 1_000;
        let claims = key.check(&token, now_s).unwrap();
        assert_eq!(claims.room, "demo");
        assert_eq!(claims.as_id.as_deref(), Some("xa-le-thuy"));
        assert!(claims.publish && !claims.subscribe);
        assert_eq!(key.check(&token, now_s + 61), None);
    }

    #[test]
    fn a_token_that_was_changed_or_signed_elsewhere_is_refused() {
        let data = tempfile::tempdir().unwrap();
        let token = issue(data.path(), &request()).unwrap();
        let key = TokenKey::load(data.path()).unwrap();
        for i in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[i] = if bytes[i] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            if changed != token {
                // The last character of base64 has bits that mean nothing; they may not differ either.
                assert_eq!(key.check(&changed, 0), None, "byte {i}");
            }
        }
        let none = format!("eyJhbGciOiJub25lIn0.{}.", token.split('.').nth(1).unwrap());
        assert_eq!(key.check(&none, 0), None);
        let other = tempfile::tempdir().unwrap();
        assert_eq!(TokenKey::load(other.path()).unwrap().check(&token, 0), None);
    }
}
