//! Random secrets: join links, seats, sign-in sessions. What is found by a secret is found by its hash.

use rand::RngCore as _;
use sha2::{Digest as _, Sha256};

/// Crockford's base 32, lower case: no letter is mistaken for a digit when a technician types a link.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// `N` random bytes.
pub(crate) struct Secret<const N: usize>([u8; N]);

impl<const N: usize> Secret<N> {
    /// Draws one from the system's generator.
    pub(crate) fn random() -> Self {
        let mut bytes = [0; N];
        rand::rng().fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// As text: 26 characters for 128 bits, 52 for 256.
    pub(crate) fn to_text(&self) -> String {
        let mut text = String::with_capacity(N * 8 / 5 + 1);
        let (mut buffer, mut bits) = (0_u32, 0_u32);
        for byte in self.0 {
            buffer = (buffer << 8) | u32::from(byte);
            bits += 8;
            while bits >= 5 {
                bits -= 5;
                text.push(digit(buffer >> bits));
            }
        }
        if bits > 0 {
            text.push(digit(buffer << (5 - bits)));
        }
        text
    }
}

fn digit(value: u32) -> char {
    char::from(ALPHABET[(value & 31) as usize])
}

/// 80 bits for the random part of an id.
pub(crate) fn entropy() -> u128 {
    let mut bytes = [0; 16];
    rand::rng().fill_bytes(&mut bytes);
    u128::from_le_bytes(bytes)
}

/// SHA-256 of a secret, in hexadecimal: what the database keeps to find it by.
pub(crate) fn hash(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a String takes everything");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_have_all_their_bits_and_differ() {
        assert_eq!(Secret::<16>::random().to_text().len(), 26);
        assert_eq!(Secret::<32>::random().to_text().len(), 52);
        assert_ne!(Secret::<16>::random().to_text(), Secret::<16>::random().to_text());
        assert_eq!(Secret::<5>([0xff; 5]).to_text(), "zzzzzzzz");
    }
}
