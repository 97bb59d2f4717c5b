//! DTLS 1.2 of one session: the handshake in either role, the other side's certificate held against
//! the offer's fingerprint, and the keys for SRTP.

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

use crate::error::Error;
use crate::peer::srtp::{Keys, Profile};

/// What the node is to every browser: one certificate, made at start.
pub(crate) struct Identity {
    certificate: Certificate,
    pub(crate) provider: Arc<dyn RTCCryptoProvider>,
    /// SHA-256 of the certificate as SDP writes it.
    pub(crate) fingerprint: String,
}

/// SHA-256 of a certificate.
pub(crate) type Fingerprint = [u8; 32];

fn sha256(certificate: &[u8]) -> Fingerprint {
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}

impl Identity {
    /// Makes a self-signed ECDSA P-256 certificate.
    pub(crate) fn generate() -> Result<Self, Error> {
        let provider =
            rtc_crypto::default_provider().map_err(|err| Error::Certificate(err.to_string()))?;
        let names = vec!["diemcau".to_owned()];
        let certificate = Certificate::generate_self_signed(names, provider.crypto())
            .map_err(|err| Error::Certificate(err.to_string()))?;
        let digest = sha256(certificate.certificate.first().map_or(&[][..], |it| it.as_ref()));
        let fingerprint = digest.map(|byte| format!("{byte:02X}")).join(":");
        Ok(Self { certificate, provider, fingerprint })
    }
}

/// Who begins the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The browser begins (`a=setup:passive` in the answer).
    Passive,
    /// We begin.
    Active,
}

/// What a datagram led to.
#[derive(Debug)]
pub(crate) enum Progress {
    /// Nothing to act on.
    None,
    /// The handshake is through.
    Keys(Box<Keys>),
    /// The other side closed, or the handshake failed.
    Closed,
}

/// One DTLS association.
pub(crate) struct Dtls {
    endpoint: Endpoint,
    role: Role,
    expected: Fingerprint,
    identity: Arc<Identity>,
    /// Pieces of the browser's first flight, until it says which profiles it speaks.
    opening: Option<Vec<BytesMut>>,
    n_errors: u32,
    is_complete: bool,
}

/// Records that made no sense. The library answers each with an alert, and another library may answer
/// that with an alert: so after so many a handshake is given up, and a finished one says nothing.
const ERRORS_MAX: u32 = 8;

/// Most pieces of a first flight that are kept. Browsers send one or two.
const OPENING_MAX: usize = 4;

const BOTH_PROFILES: [SrtpProtectionProfile; 2] = [
    SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
    SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
];

/// Whether a piece of a ClientHello offers AES-GCM; `None` if it does not hold the `use_srtp` extension
/// (RFC 5764 §4.1.1: type 14, length, length of the list, two bytes each, one byte without key id).
fn offers_gcm(piece: &[u8]) -> Option<bool> {
    piece.windows(6).enumerate().find_map(|(at, head)| {
        let [0, 14, 0, len, 0, list] = *head else { return None };
        if list == 0 || list % 2 == 1 || usize::from(len) != usize::from(list) + 3 {
            return None;
        }
        let profiles = piece.get(at + 6..at + 6 + usize::from(list))?;
        Some(profiles.chunks_exact(2).any(|profile| profile == [0, 7]))
    })
}

/// Whether a datagram holds one piece of a longer handshake message.
fn is_piece(datagram: &[u8]) -> bool {
    datagram.get(14..17).zip(datagram.get(22..25)).is_some_and(|(whole, piece)| whole != piece)
}

/// The library keys associations by address. A session has one association whatever address it moves
/// to, so it always gets this one.
fn far_end() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 9))
}

fn config(
    identity: &Identity,
    role: Role,
    expected: Fingerprint,
    profiles: &[SrtpProtectionProfile],
) -> Result<rtc_dtls::config::HandshakeConfig, RtcError> {
    ConfigBuilder::default()
        .with_crypto_provider(Arc::clone(&identity.provider))
        .with_certificates(vec![identity.certificate.clone()])
        .with_client_auth(ClientAuthType::RequireAnyClientCert)
        .with_extended_master_secret(ExtendedMasterSecretType::Require)
        .with_srtp_protection_profiles(profiles.to_vec())
        // Not a chain of authorities but the fingerprint in the offer says who the browser is.
        .with_insecure_skip_verify(true)
        .with_verify_peer_certificate(Some(Arc::new(move |certificates, _| {
            match certificates.first() {
                Some(certificate) if sha256(certificate) == expected => Ok(()),
                Some(_) | None => Err(RtcError::Other("fingerprint differs".to_owned())),
            }
        })))
        .build(role == Role::Active, Some(far_end()))
}

impl Dtls {
    /// Prepares an association. Nothing is sent before [`Self::start`] or the browser's first flight.
    pub(crate) fn new(
        identity: &Arc<Identity>,
        role: Role,
        expected: Fingerprint,
    ) -> Result<Self, RtcError> {
        let server = match role {
            Role::Passive => Some(Arc::new(config(identity, role, expected, &BOTH_PROFILES)?)),
            Role::Active => None,
        };
        let endpoint = Endpoint::new(far_end(), TransportProtocol::UDP, server);
        let opening = (role == Role::Passive).then(Vec::new);
        Ok(Self {
            endpoint,
            role,
            expected,
            identity: Arc::clone(identity),
            opening,
            n_errors: 0,
            is_complete: false,
        })
    }

    /// Who begins.
    pub(crate) fn role(&self) -> Role {
        self.role
    }

    /// Called when ICE has validated an address: begins the handshake if that is our part.
    pub(crate) fn start(&mut self, now: Instant) -> Progress {
        if self.role == Role::Passive {
            return Progress::None;
        }
        let started = config(&self.identity, self.role, self.expected, &BOTH_PROFILES)
            .and_then(|config| self.endpoint.connect(now, far_end(), Arc::new(config), None));
        if started.is_ok() { Progress::None } else { Progress::Closed }
    }

    /// Takes one datagram.
    pub(crate) fn handle_input(&mut self, datagram: &[u8], now: Instant) -> Progress {
        let Some(mut opening) = self.opening.take() else { return self.read(datagram, now) };
        opening.push(BytesMut::from(datagram));
        let gcm = opening.iter().find_map(|piece| offers_gcm(piece));
        if gcm.is_none() && is_piece(datagram) && opening.len() < OPENING_MAX {
            self.opening = Some(opening);
            return Progress::None;
        }
        // The library takes the browser's first choice, which is the dear one. So where the browser
        // speaks AES-GCM, nothing else is on offer.
        if gcm == Some(true)
            && let Ok(config) =
                config(&self.identity, self.role, self.expected, &BOTH_PROFILES[..1])
        {
            self.endpoint.set_server_config(Some(Arc::new(config)));
        }
        let mut progress = Progress::None;
        for piece in opening {
            progress = self.read(&piece, now);
        }
        progress
    }

    fn read(&mut self, datagram: &[u8], now: Instant) -> Progress {
        let Ok(events) = self.endpoint.read(now, far_end(), None, BytesMut::from(datagram)) else {
            return self.failed();
        };
        for event in events {
            match event {
                // Only the first one: the same keys with new counters would seal twice under one nonce.
                EndpointEvent::HandshakeComplete if !self.is_complete => {
                    self.is_complete = true;
                    return self.keys().map_or(Progress::Closed, |it| Progress::Keys(Box::new(it)));
                }
                EndpointEvent::PeerClosed => return Progress::Closed,
                // No data channels are offered, so nobody sends application data.
                _ => {}
            }
        }
        Progress::None
    }

    /// A forged record must not end an association at once; many of them mean that it goes nowhere.
    fn failed(&mut self) -> Progress {
        self.n_errors = self.n_errors.saturating_add(1);
        if self.n_errors <= ERRORS_MAX {
            return Progress::None;
        }
        while self.endpoint.poll_transmit().is_some() {}
        if self.is_complete { Progress::None } else { Progress::Closed }
    }

    fn keys(&self) -> Option<Keys> {
        let state = self.endpoint.get_connection_state(far_end())?;
        // Held against the fingerprint once more: the library's callback differs between roles.
        if sha256(state.peer_certificates.first()?) != self.expected {
            return None;
        }
        let profile = match state.srtp_protection_profile() {
            SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm => Profile::Gcm128,
            SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80 => Profile::Cm128Sha1,
            _ => return None,
        };
        let (key, salt) = (profile.key_bytes(), profile.salt_bytes());
        let label = "EXTRACTOR-dtls_srtp";
        let secret = state.export_keying_material(label, &[], 2 * (key + salt)).ok()?.into_bytes();
        let (keys, salts) = secret.split_at(2 * key);
        let client = (keys[..key].to_vec(), salts[..salt].to_vec());
        let server = (keys[key..].to_vec(), salts[salt..].to_vec());
        let (local, remote) = match self.role {
            Role::Active => (client, server),
            Role::Passive => (server, client),
        };
        Some(Keys { profile, local, remote })
    }

    /// The next datagram to send.
    pub(crate) fn poll_output(&mut self) -> Option<BytesMut> {
        self.endpoint.poll_transmit().map(|transmit| transmit.message)
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.endpoint.poll_timeout(&far_end())
    }

    /// Repeats a lost flight.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Progress {
        match self.endpoint.handle_timeout(far_end(), now) {
            Ok(()) | Err(RtcError::InvalidRemoteAddress(_)) => Progress::None,
            Err(_) => Progress::Closed,
        }
    }

    /// Says goodbye.
    pub(crate) fn close(&mut self, now: Instant) {
        drop(self.endpoint.stop(now, far_end()));
    }
}
