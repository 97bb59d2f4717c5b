//! How a client gets its keys: a binding request with nomination, as a browser that has chosen its path
//! sends it, then DTLS as the beginning side, then key export (RFC 5764).

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use rtc_crypto::RTCCryptoProvider;
use rtc_dtls::config::{ClientAuthType, ConfigBuilder, ExtendedMasterSecretType};
use rtc_dtls::crypto::Certificate;
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_shared::TransportProtocol;
use rtc_shared::error::Error as RtcError;
use rtc_stun::attributes::{
    ATTR_ICE_CONTROLLING, ATTR_PRIORITY, ATTR_USE_CANDIDATE, ATTR_USERNAME,
};
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{BINDING_REQUEST, Message, Setter};
use rtc_stun::textattrs::TextAttribute;

use super::offer::Answer;
use super::srtp::{KEY_BYTES, Keys, SALT_BYTES};

/// RFC 8445 §5.1.2.1 for a host candidate learnt from its peer.
const PRIORITY: u32 = 110 << 24 | 65_535 << 8 | 255;

/// What all clients of the load are: one certificate.
pub struct Identity {
    certificate: Certificate,
    pub provider: Arc<dyn RTCCryptoProvider>,
    /// SHA-256 of the certificate as SDP writes it.
    pub fingerprint: String,
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}

fn hex(digest: [u8; 32]) -> String {
    digest.map(|byte| format!("{byte:02X}")).join(":")
}

impl Identity {
    pub fn new() -> Arc<Self> {
        let provider = rtc_crypto::default_provider().expect("ring is compiled in");
        let names = vec!["load".to_owned()];
        let certificate = Certificate::generate_self_signed(names, provider.crypto())
            .expect("ring makes certificates");
        let first = certificate.certificate.first().expect("it was just made");
        let fingerprint = hex(sha256(first.as_ref()));
        Arc::new(Self { certificate, provider, fingerprint })
    }

    /// A binding request to whoever answered; browsers repeat it every 2.5 s.
    pub fn binding_request(&self, answer: &Answer) -> Vec<u8> {
        let mut message = Message::new();
        message.typ = BINDING_REQUEST;
        message.write_header();
        message.new_transaction_id().expect("random numbers are there");
        let text = format!("{}:{}", answer.ufrag, super::offer::UFRAG);
        let username = TextAttribute { attr: ATTR_USERNAME, text };
        username.add_to(&mut message).expect("it is short");
        message.add(ATTR_PRIORITY, &PRIORITY.to_be_bytes());
        message.add(ATTR_ICE_CONTROLLING, &7_u64.to_be_bytes());
        message.add(ATTR_USE_CANDIDATE, &[]);
        let (password, crypto) = (answer.password.as_bytes(), self.provider.crypto());
        MessageIntegrity::new_raw_integrity_with_provider(password, crypto)
            .add_to(&mut message)
            .expect("ring hashes");
        FINGERPRINT.add_to(&mut message).expect("it is last");
        message.raw
    }
}

/// The library keys associations by address; a client has one.
fn far_end() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 9))
}

/// A handshake that has begun.
pub struct Handshake {
    endpoint: Endpoint,
    identity: Arc<Identity>,
}

impl Handshake {
    /// Prepares the first flight.
    pub fn new(identity: &Arc<Identity>, answer: &Answer, now: Instant) -> Self {
        let expected = answer.fingerprint.clone();
        let config = ConfigBuilder::default()
            .with_crypto_provider(Arc::clone(&identity.provider))
            .with_certificates(vec![identity.certificate.clone()])
            .with_client_auth(ClientAuthType::RequireAnyClientCert)
            .with_extended_master_secret(ExtendedMasterSecretType::Require)
            .with_srtp_protection_profiles(vec![SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm])
            // Not a chain of authorities but the answer's fingerprint says who the node is.
            .with_insecure_skip_verify(true)
            .with_verify_peer_certificate(Some(Arc::new(move |certificates, _| {
                let first = certificates.first().map(|it| hex(sha256(it)));
                if first.is_some_and(|it| it.eq_ignore_ascii_case(&expected)) {
                    Ok(())
                } else {
                    Err(RtcError::Other("fingerprint differs".to_owned()))
                }
            })))
            .build(true, Some(far_end()))
            .expect("a right configuration");
        let mut endpoint = Endpoint::new(far_end(), TransportProtocol::UDP, None);
        endpoint.connect(now, far_end(), Arc::new(config), None).expect("a fresh endpoint");
        Self { endpoint, identity: Arc::clone(identity) }
    }

    /// Takes a datagram; keys to send and to receive with once the handshake is through.
    pub fn read(&mut self, datagram: &[u8], now: Instant) -> Option<(Keys, Keys)> {
        let events = self.endpoint.read(now, far_end(), None, BytesMut::from(datagram));
        let events = events.expect("the node's records are right");
        let is_complete = events.iter().any(|it| matches!(it, EndpointEvent::HandshakeComplete));
        is_complete.then(|| self.keys())
    }

    fn keys(&self) -> (Keys, Keys) {
        let state = self.endpoint.get_connection_state(far_end()).expect("it is complete");
        let len = 2 * (KEY_BYTES + SALT_BYTES);
        let secret = state
            .export_keying_material("EXTRACTOR-dtls_srtp", &[], len)
            .expect("a complete handshake has a secret")
            .into_bytes();
        let (keys, salts) = secret.split_at(2 * KEY_BYTES);
        let of = |at: usize| {
            let key = &keys[at * KEY_BYTES..(at + 1) * KEY_BYTES];
            let salt = &salts[at * SALT_BYTES..(at + 1) * SALT_BYTES];
            Keys::new(&*self.identity.provider, key, salt)
        };
        // We are the DTLS client, whose keys come first.
        (of(0), of(1))
    }

    /// The next datagram to send.
    pub fn poll_output(&mut self) -> Option<BytesMut> {
        self.endpoint.poll_transmit().map(|transmit| transmit.message)
    }

    /// Repeats a lost flight.
    pub fn handle_timeout(&mut self, now: Instant) {
        // An association that is gone shows as a client that does not connect.
        let _ = self.endpoint.handle_timeout(far_end(), now);
    }
}
