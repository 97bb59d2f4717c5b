//! A publisher that says whatever it is told to: it comes in by WHIP, proves its address (ICE) and its keys
//! (DTLS) like any other, and then seals packets that no library would let it send.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc::crypto::RTCCryptoProvider;
use rtc::dtls::config::{ClientAuthType, ConfigBuilder, ExtendedMasterSecretType};
use rtc::dtls::crypto::Certificate;
use rtc::dtls::endpoint::Endpoint;
use rtc::dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc::shared::TransportProtocol;
use rtc::srtp::context::Context;
use rtc::srtp::protection_profile::ProtectionProfile;
use rtc::stun::attributes::{ATTR_USE_CANDIDATE, ATTR_USERNAME};
use rtc::stun::fingerprint::FINGERPRINT;
use rtc::stun::integrity::MessageIntegrity;
use rtc::stun::message::{BINDING_REQUEST, Message, Setter};
use rtc::stun::textattrs::TextAttribute;

use crate::support::{Node, PATIENCE};

/// Payload types that the puppet negotiates.
pub const VP8: u8 = 96;
pub const OPUS: u8 = 111;

/// How long one look for an answer takes.
const LOOK: Duration = Duration::from_millis(5);

/// A flight that got no answer is sent again after this.
const REPEAT: Duration = Duration::from_millis(500);

/// Keys and salts of AES-GCM with 128 bits.
const KEY_BYTES: usize = 16;
const SALT_BYTES: usize = 12;

pub struct Puppet {
    socket: UdpSocket,
    node: SocketAddr,
    provider: Arc<dyn RTCCryptoProvider>,
    endpoint: Endpoint,
    local: Option<Context>,
    /// The next sequence number of each stream.
    sequences: HashMap<u32, u16>,
}

impl Puppet {
    /// Publishes one picture and one sound at `path`, and is connected when this returns.
    pub fn publish(node: &Node, path: &str) -> Self {
        let provider = rtc::crypto::default_provider().expect("ring is compiled in");
        let names = vec!["puppet".to_owned()];
        let certificate =
            Certificate::generate_self_signed(names, provider.crypto()).expect("a certificate");
        let headers = [("Content-Type", "application/sdp")];
        let offer = offer(&certificate);
        let answer = node.request("POST", path, &headers, offer.as_bytes());
        assert_eq!(answer.status, 201, "{}", answer.text());
        let answer = answer.text();
        assert!(answer.contains("a=setup:passive"), "the puppet begins: {answer}");
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        socket.set_read_timeout(Some(LOOK)).expect("a right timeout");
        let mut puppet = Self {
            socket,
            node: node.media,
            endpoint: Endpoint::new(node.media, TransportProtocol::UDP, None),
            provider,
            local: None,
            sequences: HashMap::new(),
        };
        puppet.raw(&puppet.binding_request(&answer));
        puppet.shake_hands(certificate);
        puppet
    }

    /// A check of the path, with nomination.
    fn binding_request(&self, answer: &str) -> Vec<u8> {
        let of = |key: &str| {
            let line = answer.lines().find_map(|line| line.strip_prefix(key));
            line.unwrap_or_else(|| panic!("{key} in {answer}")).to_owned()
        };
        let mut message = Message::new();
        message.typ = BINDING_REQUEST;
        message.write_header();
        let text = format!("{}:puppet", of("a=ice-ufrag:"));
        TextAttribute { attr: ATTR_USERNAME, text }.add_to(&mut message).expect("short");
        message.add(ATTR_USE_CANDIDATE, &[]);
        let password = of("a=ice-pwd:");
        MessageIntegrity::new_raw_integrity_with_provider(
            password.as_bytes(),
            self.provider.crypto(),
        )
        .add_to(&mut message)
        .expect("a key");
        FINGERPRINT.add_to(&mut message).expect("it fits");
        message.raw
    }

    fn shake_hands(&mut self, certificate: Certificate) {
        let config = ConfigBuilder::default()
            .with_crypto_provider(Arc::clone(&self.provider))
            .with_certificates(vec![certificate])
            .with_client_auth(ClientAuthType::RequireAnyClientCert)
            .with_extended_master_secret(ExtendedMasterSecretType::Require)
            .with_srtp_protection_profiles(vec![SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm])
            // It is the node under test, on this machine.
            .with_insecure_skip_verify(true)
            .build(true, Some(self.node))
            .expect("a right configuration");
        self.endpoint
            .connect(Instant::now(), self.node, Arc::new(config), None)
            .expect("a fresh endpoint");
        let deadline = Instant::now() + PATIENCE;
        let mut repeat_at = Instant::now() + REPEAT;
        let mut buffer = [0; 2048];
        while self.local.is_none() {
            assert!(Instant::now() < deadline, "the handshake did not end");
            while let Some(out) = self.endpoint.poll_transmit() {
                self.raw(&out.message);
            }
            if Instant::now() >= repeat_at {
                repeat_at += REPEAT;
                self.endpoint.handle_timeout(self.node, Instant::now()).expect("it goes on");
            }
            let Ok(size) = self.socket.recv(&mut buffer) else { continue };
            if matches!(buffer[0], 20..=63) {
                let datagram = BytesMut::from(&buffer[..size]);
                let read = self.endpoint.read(Instant::now(), self.node, None, datagram);
                read.expect("the node speaks DTLS");
                self.local = self.keys();
            }
        }
        while let Some(out) = self.endpoint.poll_transmit() {
            self.raw(&out.message);
        }
    }

    /// The key that our packets are sealed with, once the handshake is through (RFC 5764 §4.2).
    fn keys(&self) -> Option<Context> {
        let state = self.endpoint.get_connection_state(self.node)?;
        let length = 2 * (KEY_BYTES + SALT_BYTES);
        let secret = state.export_keying_material("EXTRACTOR-dtls_srtp", &[], length).ok()?;
        let secret = secret.into_bytes();
        let salt = &secret[2 * KEY_BYTES..2 * KEY_BYTES + SALT_BYTES];
        let profile = ProtectionProfile::AeadAes128Gcm;
        let crypto = self.provider.crypto();
        Some(Context::new(&secret[..KEY_BYTES], salt, profile, None, None, crypto).expect("keys"))
    }

    /// Sends bytes as they are, from the address that the node has validated.
    pub fn raw(&self, bytes: &[u8]) {
        self.socket.send_to(bytes, self.node).expect("loopback takes it");
    }

    /// Seals a packet with the stream's next sequence number. `first` is the first byte: version, padding.
    pub fn seal(&mut self, first: u8, payload_type: u8, ssrc: u32, payload: &[u8]) -> Vec<u8> {
        let sequence = self.sequences.entry(ssrc).or_insert(1);
        let mut packet = vec![first, payload_type];
        packet.extend_from_slice(&sequence.to_be_bytes());
        packet.extend_from_slice(&(u32::from(*sequence) * 3_000).to_be_bytes());
        packet.extend_from_slice(&ssrc.to_be_bytes());
        packet.extend_from_slice(payload);
        *sequence = sequence.wrapping_add(1);
        let local = self.local.as_mut().expect("connected");
        local.encrypt_rtp(&packet).expect("its header is well-formed").to_vec()
    }

    /// Seals a report, whatever it says.
    pub fn seal_report(&mut self, report: &[u8]) -> Vec<u8> {
        let local = self.local.as_mut().expect("connected");
        local.encrypt_rtcp(report).expect("eight bytes at least").to_vec()
    }

    /// Throws away what the node has sent.
    pub fn forget_answers(&self) {
        self.socket.set_nonblocking(true).expect("a socket can");
        while self.socket.recv(&mut [0; 2048]).is_ok() {}
        self.socket.set_nonblocking(false).expect("a socket can");
    }
}

fn offer(certificate: &Certificate) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, &certificate.certificate[0]);
    let fingerprint =
        digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":");
    let mut text =
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n".to_owned();
    for (mid, media, payload_type, codec) in
        [(0, "audio", OPUS, "opus/48000/2"), (1, "video", VP8, "VP8/90000")]
    {
        text += &format!(
            "m={media} 9 UDP/TLS/RTP/SAVPF {payload_type}\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\n\
             a=ice-ufrag:puppet\r\na=ice-pwd:0123456789012345678901\r\n\
             a=fingerprint:sha-256 {fingerprint}\r\na=setup:actpass\r\na=rtcp-mux\r\n\
             a=sendonly\r\na=rtpmap:{payload_type} {codec}\r\n"
        );
    }
    text
}
