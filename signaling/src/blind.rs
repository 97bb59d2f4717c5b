//! Blind signatures of ballots: RSABSSA-SHA384-PSS-Deterministic of RFC 9474, 2048 bits. The delegate's page
//! blinds the number of its ballot, the server signs what it cannot read, the page takes the blinding off:
//! nobody can tell later for whom a ballot was signed, not even who has the key and the whole log.
//!
//! Only the private operation is taken from the `rsa` crate (with its own blinding against timing);
//! finished signatures are ordinary RSASSA-PSS and are checked by ring.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use getrandom::SysRng;
use ring::signature::{RSA_PSS_2048_8192_SHA384, RsaPublicKeyComponents};
use rsa::hazmat::rsa_decrypt_and_check;
use rsa::rand_core::UnwrapErr;
use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use rsa::{BoxedUint, PrivateKey};

/// Modulus, bits: NIST SP 800-57 has 2048 as enough until 2030, and a poll's key lives for minutes.
const KEY_BITS: u32 = 2_048;

/// A ballot's number, bytes.
const SERIAL_BYTES: usize = 32;

/// The public exponent, 65537.
const EXPONENT: [u8; 3] = [1, 0, 1];

/// What cannot be signed or is not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key, the blinded message or the signature is not of the scheme")]
pub(crate) struct NotOfTheScheme;

/// The halves of a new key, as text. Takes a moment: not to be called on the way of a request's thread.
pub(crate) fn new_key() -> Result<(String, String), NotOfTheScheme> {
    let key =
        PrivateKey::new(&mut UnwrapErr(SysRng), KEY_BITS as usize).map_err(|_| NotOfTheScheme)?;
    let public = BASE64URL.encode(key.n().to_be_bytes());
    let primes: Vec<String> =
        key.primes().iter().map(|it| BASE64URL.encode(it.to_be_bytes())).collect();
    Ok((public, primes.join(".")))
}

/// Signs a blinded message (RFC 9474 §4.3), both base64url.
pub(crate) fn sign(private_key: &str, blinded: &str) -> Result<String, NotOfTheScheme> {
    let primes: Vec<BoxedUint> = private_key
        .split('.')
        .map(|it| number(it, KEY_BITS / 2))
        .collect::<Result<_, NotOfTheScheme>>()?;
    let exponent = BoxedUint::from_be_slice_vartime(&EXPONENT);
    let key = PrivateKey::from_primes(primes, exponent).map_err(|_| NotOfTheScheme)?;
    let message = number(blinded, KEY_BITS)?;
    let signature = rsa_decrypt_and_check(&key, Some(&mut UnwrapErr(SysRng)), &message)
        .map_err(|_| NotOfTheScheme)?;
    Ok(BASE64URL.encode(signature.to_be_bytes()))
}

/// Whether a finished signature is this key's, over this ballot number; all base64url.
pub(crate) fn verify(
    public_key: &str,
    serial: &str,
    signature: &str,
) -> Result<(), NotOfTheScheme> {
    let bytes = |text: &str| BASE64URL.decode(text).map_err(|_| NotOfTheScheme);
    let (n, serial, signature) = (bytes(public_key)?, bytes(serial)?, bytes(signature)?);
    if serial.len() != SERIAL_BYTES {
        return Err(NotOfTheScheme);
    }
    RsaPublicKeyComponents { n: n.as_slice(), e: EXPONENT.as_slice() }
        .verify(&RSA_PSS_2048_8192_SHA384, &serial, &signature)
        .map_err(|_| NotOfTheScheme)
}

fn number(text: &str, bits: u32) -> Result<BoxedUint, NotOfTheScheme> {
    let bytes = BASE64URL.decode(text).map_err(|_| NotOfTheScheme)?;
    if bytes.len() != bits as usize / 8 {
        return Err(NotOfTheScheme);
    }
    BoxedUint::from_be_slice(&bytes, bits).map_err(|_| NotOfTheScheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_of_the_scheme_is_refused_and_not_signed() {
        let (public, private) = new_key().unwrap();
        for blinded in ["", "AAAA", "not base64!"] {
            assert_eq!(sign(&private, blinded), Err(NotOfTheScheme));
        }
        // As large as the modulus: outside of its numbers.
        assert_eq!(sign(&private, &public), Err(NotOfTheScheme));
        let blinded = BASE64URL.encode([7; KEY_BITS as usize / 8]);
        let signed = sign(&private, &blinded).unwrap();
        assert_eq!(sign(&private, &blinded).unwrap(), signed, "a retry gets the same answer");
        let serial = BASE64URL.encode([1; SERIAL_BYTES]);
        assert_eq!(verify(&public, &serial, &signed), Err(NotOfTheScheme));
        assert_eq!(verify(&public, "AAAA", &signed), Err(NotOfTheScheme));
    }
}
