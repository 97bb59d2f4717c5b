//! ICE-lite (RFC 8445 §2.5): answers authenticated binding requests, and nothing else.

use std::net::SocketAddr;

use rtc_crypto::RTCCryptoProvider;
use rtc_stun::attributes::ATTR_USE_CANDIDATE;
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{BINDING_REQUEST, BINDING_SUCCESS, Message, Setter, is_stun_message};
use rtc_stun::xoraddr::XorMappedAddress;

/// Largest binding request; browsers send about 100 bytes.
pub(crate) const REQUEST_BYTES_MAX: usize = 548;

/// Letters of user name fragments and passwords (RFC 8839 §5.4 allows these and no more).
pub(crate) const LETTERS: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// First bytes of a binding request (RFC 8489 §5), and what stands behind its length.
const BINDING_REQUEST_TYPE: [u8; 2] = [0, 1];
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const USERNAME_TYPE: [u8; 2] = [0, 6];
const HEADER_BYTES: usize = 20;

/// Which shard made a user name fragment: its first letter says so.
pub(crate) fn shard_of(ufrag: &str) -> Option<usize> {
    let first = *ufrag.as_bytes().first()?;
    LETTERS.iter().position(|letter| *letter == first)
}

/// The user name fragment of ours that a binding request names. Costs next to nothing, so that whoever
/// knows no fragment costs next to nothing; [`read`] reads the rest.
pub(crate) fn ufrag(datagram: &[u8]) -> Option<&str> {
    let (head, mut rest) = datagram.split_at_checked(HEADER_BYTES)?;
    let len = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let is_request = head[..2] == BINDING_REQUEST_TYPE
        && head[4..8] == MAGIC_COOKIE
        && len == rest.len()
        && datagram.len() <= REQUEST_BYTES_MAX;
    while let Some((&[a, b, high, low], after)) = rest.split_first_chunk().filter(|_| is_request) {
        let len = usize::from(u16::from_be_bytes([high, low]));
        let value = after.get(..len)?;
        if [a, b] == USERNAME_TYPE {
            return Some(std::str::from_utf8(value).ok()?.split_once(':')?.0);
        }
        rest = after.get(len.next_multiple_of(4)..)?;
    }
    None
}

/// A binding request that names one of our sessions. Not yet authenticated.
pub(crate) struct Request {
    message: Message,
    n_bytes: usize,
}

/// What an authenticated request asks for.
pub(crate) struct Checked {
    /// The answer to send back.
    pub(crate) answer: Vec<u8>,
    /// The browser has chosen this path.
    pub(crate) is_nominated: bool,
}

/// Reads a binding request. Anything else is `None` and gets no answer.
pub(crate) fn read(datagram: &[u8]) -> Option<Request> {
    if datagram.len() > REQUEST_BYTES_MAX || !is_stun_message(datagram) {
        return None;
    }
    let mut message = Message::new();
    message.unmarshal_binary(datagram).ok()?;
    if message.typ != BINDING_REQUEST {
        return None;
    }
    Some(Request { message, n_bytes: datagram.len() })
}

impl Request {
    /// Checks the message's integrity with our password and makes the answer.
    pub(crate) fn check(
        mut self,
        password: &str,
        from: SocketAddr,
        provider: &dyn RTCCryptoProvider,
    ) -> Option<Checked> {
        let crypto = provider.crypto();
        MessageIntegrity::check(&mut self.message, password.as_bytes(), crypto).ok()?;
        let mut answer = Message::new();
        answer.typ = BINDING_SUCCESS;
        answer.transaction_id = self.message.transaction_id;
        answer.write_header();
        XorMappedAddress { ip: from.ip().to_canonical(), port: from.port() }
            .add_to(&mut answer)
            .ok()?;
        MessageIntegrity::new_raw_integrity_with_provider(password.as_bytes(), crypto)
            .add_to(&mut answer)
            .ok()?;
        FINGERPRINT.add_to(&mut answer).ok()?;
        // Never more than was asked with: a request that somebody repeats from a forged address must not
        // make us louder than them.
        if answer.raw.len() > self.n_bytes {
            return None;
        }
        let is_nominated = self.message.contains(ATTR_USE_CANDIDATE);
        Some(Checked { answer: answer.raw, is_nominated })
    }
}

/// A browser's binding request, with nomination.
#[cfg(test)]
pub(crate) fn request_of_a_browser(ufrag: &str, password: &str) -> Vec<u8> {
    request(ufrag, password, true)
}

/// A browser's binding request.
#[cfg(test)]
pub(crate) fn request(ufrag: &str, password: &str, is_nominated: bool) -> Vec<u8> {
    use rtc_stun::attributes::{ATTR_ICE_CONTROLLING, ATTR_PRIORITY, ATTR_USERNAME};
    use rtc_stun::textattrs::TextAttribute;
    let provider = rtc_crypto::default_provider().unwrap();
    let mut message = Message::new();
    message.typ = BINDING_REQUEST;
    message.write_header();
    let username = TextAttribute { attr: ATTR_USERNAME, text: format!("{ufrag}:theirs") };
    username.add_to(&mut message).unwrap();
    message.add(ATTR_PRIORITY, &[0x6e, 0, 1, 0xff]);
    message.add(ATTR_ICE_CONTROLLING, &[7; 8]);
    if is_nominated {
        message.add(ATTR_USE_CANDIDATE, &[]);
    }
    MessageIntegrity::new_raw_integrity_with_provider(password.as_bytes(), provider.crypto())
        .add_to(&mut message)
        .unwrap();
    FINGERPRINT.add_to(&mut message).unwrap();
    message.raw
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(password: &str) -> Vec<u8> {
        request_of_a_browser("ours", password)
    }

    #[test]
    fn only_a_request_with_our_password_is_answered() {
        let provider = rtc_crypto::default_provider().unwrap();
        let from = "192.0.2.7:4000".parse().unwrap();
        let right = read(&request("secret")).unwrap();
        assert_eq!(ufrag(&request("secret")), Some("ours"));
        let checked = right.check("secret", from, &*provider).unwrap();
        assert!(checked.is_nominated);
        assert!(checked.answer.len() <= request("secret").len(), "no amplification");
        assert!(read(&request("guess")).unwrap().check("secret", from, &*provider).is_none());
    }

    #[test]
    fn an_answer_or_noise_is_not_a_request() {
        let provider = rtc_crypto::default_provider().unwrap();
        let from = "192.0.2.7:4000".parse().unwrap();
        let checked = read(&request("secret")).unwrap().check("secret", from, &*provider).unwrap();
        assert!(read(&checked.answer).is_none());
        assert!(read(&[0; 20]).is_none());
        assert!(read(&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]).is_none());
    }
}
