//! One WebRTC connection of the load: the library's own peer connection, so that the node is measured by
//! a second opinion, over a socket of its own and WHIP or WHEP.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc::interceptor::Registry;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::RTCConfigurationBuilder;
use rtc::peer_connection::configuration::interceptor_registry::register_default_interceptors;
use rtc::peer_connection::configuration::media_engine::{
    MIME_TYPE_OPUS, MIME_TYPE_VP8, MediaEngine,
};
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::peer_connection::event::RTCPeerConnectionEvent;
use rtc::peer_connection::message::RTCMessage;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::state::RTCPeerConnectionState;
use rtc::peer_connection::transport::{CandidateConfig, CandidateHostConfig, RTCIceCandidate};
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtp;
use rtc::rtp_transceiver::RTCRtpSenderId;
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters,
    RTCRtpEncodingParameters, RtpCodecKind,
};
use rtc::sansio::Protocol;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

/// A connection that is not up after this long counts as failed.
pub const CONNECT_MAX: Duration = Duration::from_secs(20);

/// Longest sleep of a connection that waits for nothing.
const IDLE: Duration = Duration::from_secs(1);

/// Payload types that the load offers.
const VP8: u8 = 96;
const OPUS: u8 = 111;

/// What arrived on one SSRC.
#[derive(Clone, Default)]
pub struct Stream {
    pub packets: u64,
    first: Option<u16>,
    highest: u64,
}

impl Stream {
    fn count(&mut self, sequence: u16) {
        self.packets += 1;
        let first = *self.first.get_or_insert(sequence);
        let low = u64::from(sequence.wrapping_sub(first));
        // The same position in each turn of 65,536; the nearest one to the highest is meant.
        let turn = self.highest & !0xFFFF;
        let candidate = turn + low;
        let unwrapped =
            if candidate + 0x8000 < self.highest { candidate + 0x1_0000 } else { candidate };
        self.highest = self.highest.max(unwrapped);
    }

    /// Numbers that never came.
    pub fn lost(&self) -> u64 {
        (self.highest + 1).saturating_sub(self.packets)
    }
}

enum Role {
    Publisher,
    Receiver,
}

pub struct Peer {
    connection: RTCPeerConnection,
    socket: UdpSocket,
    address: SocketAddr,
    buffer: Vec<u8>,
    pub connected: bool,
    pub streams: HashMap<u32, Stream>,
    /// When the first media packet came.
    pub first_packet: Option<Instant>,
    pub keyframe_wanted: bool,
    video: Option<RTCRtpSenderId>,
    audio: Option<RTCRtpSenderId>,
}

impl Peer {
    /// Publishes one video and one audio track.
    pub async fn publish(http: SocketAddr, path: &str, ssrc: u32) -> Self {
        let mut peer = Self::new(Role::Publisher).await;
        peer.video = Some(peer.track(RtpCodecKind::Video, ssrc));
        peer.audio = Some(peer.track(RtpCodecKind::Audio, ssrc + 1));
        peer.negotiate(http, path).await;
        peer
    }

    /// Receives on so many lines.
    pub async fn receive(http: SocketAddr, path: &str, videos: usize, audios: usize) -> Self {
        let mut peer = Self::new(Role::Receiver).await;
        let kinds = std::iter::repeat_n(RtpCodecKind::Audio, audios)
            .chain(std::iter::repeat_n(RtpCodecKind::Video, videos));
        for kind in kinds {
            peer.connection.add_transceiver_from_kind(kind, None).expect("a fresh connection");
        }
        peer.negotiate(http, path).await;
        peer
    }

    async fn new(role: Role) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let address = socket.local_addr().expect("bound");
        let mut media = MediaEngine::default();
        for (codec, payload_type, kind) in
            [(vp8(), VP8, RtpCodecKind::Video), (opus(), OPUS, RtpCodecKind::Audio)]
        {
            let parameters = RTCRtpCodecParameters { rtp_codec: codec, payload_type };
            media.register_codec(parameters, kind).expect("a known codec");
        }
        // Only with interceptors does the library hand out what the node asks a publisher for.
        let registry = match role {
            Role::Publisher => register_default_interceptors(Registry::new(), &mut media)
                .expect("a fresh engine takes them"),
            Role::Receiver => Registry::new(),
        };
        let settings = SettingEngineBuilder::new().with_include_loopback_candidate(true).build();
        let connection = RTCPeerConnectionBuilder::new()
            .with_configuration(RTCConfigurationBuilder::new().build())
            .with_setting_engine(settings)
            .with_media_engine(media)
            .with_interceptor_registry(registry)
            .build(Instant::now())
            .expect("a right configuration");
        Self {
            connection,
            socket,
            address,
            buffer: vec![0; 2048],
            connected: false,
            streams: HashMap::new(),
            first_packet: None,
            keyframe_wanted: true,
            video: None,
            audio: None,
        }
    }

    fn track(&mut self, kind: RtpCodecKind, ssrc: u32) -> RTCRtpSenderId {
        let codec = if kind == RtpCodecKind::Video { vp8() } else { opus() };
        let encoding = RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters {
                ssrc: Some(ssrc),
                ..Default::default()
            },
            codec,
            ..Default::default()
        };
        let name = |what: &str| format!("{what}-{ssrc}");
        let track = MediaStreamTrack::new(
            name("stream"),
            name("track"),
            name("label"),
            kind,
            vec![encoding],
        );
        self.connection.add_track(track).expect("a fresh connection")
    }

    /// Offer out by HTTP, answer in.
    async fn negotiate(&mut self, http: SocketAddr, path: &str) {
        let candidate = CandidateHostConfig {
            base_config: CandidateConfig {
                network: "udp".to_owned(),
                address: self.address.ip().to_string(),
                port: self.address.port(),
                component: 1,
                ..Default::default()
            },
            ..Default::default()
        }
        .new_candidate_host()
        .expect("an address");
        let candidate = RTCIceCandidate::from(&candidate).to_json().expect("an address");
        self.connection.add_local_candidate(candidate).expect("a candidate");
        let offer = self.connection.create_offer(None).expect("an offer");
        self.connection.set_local_description(Instant::now(), offer.clone()).expect("our own");
        let answer = post_sdp(http, path, &offer.sdp).await;
        let answer = RTCSessionDescription::answer(answer).expect("the node's answer is SDP");
        self.connection.set_remote_description(Instant::now(), answer).expect("a right answer");
    }

    /// Goes on until the connection is up.
    pub async fn connect(&mut self) {
        let deadline = Instant::now() + CONNECT_MAX;
        while !self.connected {
            assert!(Instant::now() < deadline, "a connection did not come up");
            self.turn(deadline.min(Instant::now() + IDLE)).await;
        }
    }

    /// Handles what comes, at least once and until `until`.
    pub async fn turn(&mut self, until: Instant) {
        self.drain().await;
        let timeout = self.connection.poll_timeout().unwrap_or(until).min(until);
        let wait = timeout.saturating_duration_since(Instant::now());
        match tokio::time::timeout(wait, self.socket.recv_from(&mut self.buffer)).await {
            Ok(Ok((size, from))) => {
                self.take(size, from);
                // What else is there already, so that a burst costs one wake-up.
                while let Ok((size, from)) = self.socket.try_recv_from(&mut self.buffer) {
                    self.take(size, from);
                }
            }
            Ok(Err(error)) => panic!("the socket failed: {error}"),
            Err(_) => {
                // A refused timeout only means that the connection is closed.
                let _ = self.connection.handle_timeout(Instant::now());
            }
        }
        self.drain().await;
    }

    fn take(&mut self, size: usize, from: SocketAddr) {
        let datagram = TaggedBytesMut {
            now: Instant::now(),
            transport: TransportContext {
                local_addr: self.address,
                peer_addr: from,
                ecn: None,
                transport_protocol: TransportProtocol::UDP,
            },
            message: BytesMut::from(&self.buffer[..size]),
        };
        // A datagram that the library does not like is not the load's matter; loss is counted.
        let _ = self.connection.handle_read(datagram);
    }

    async fn drain(&mut self) {
        while let Some(out) = self.connection.poll_write() {
            // A full send buffer is loss, which is counted where it should have arrived.
            let _ = self.socket.send_to(&out.message, out.transport.peer_addr).await;
        }
        while let Some(event) = self.connection.poll_event() {
            if let RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) = event {
                self.connected = state == RTCPeerConnectionState::Connected;
                assert!(state != RTCPeerConnectionState::Failed, "a connection failed");
            }
        }
        while let Some(tagged) = self.connection.poll_read() {
            match tagged.message {
                RTCMessage::RtpPacket(_, packet) => {
                    self.first_packet.get_or_insert_with(Instant::now);
                    let stream = self.streams.entry(packet.header.ssrc).or_default();
                    stream.count(packet.header.sequence_number);
                }
                RTCMessage::RtcpPacket(..) => self.keyframe_wanted = true,
                _ => {}
            }
        }
    }

    /// Sends one packet of video.
    pub fn send_video(&mut self, packet: rtp::Packet) {
        let sender = self.video.expect("a publisher");
        self.send(sender, packet, VP8);
    }

    /// Sends one packet of sound.
    pub fn send_audio(&mut self, packet: rtp::Packet) {
        let sender = self.audio.expect("a publisher");
        self.send(sender, packet, OPUS);
    }

    fn send(&mut self, sender: RTCRtpSenderId, mut packet: rtp::Packet, payload_type: u8) {
        let mut sender = self.connection.rtp_sender(sender).expect("added before");
        packet.header.payload_type = payload_type;
        packet.header.ssrc = sender.track().ssrcs().last().expect("it was given one");
        sender.write_rtp(Instant::now(), packet).expect("it is connected");
    }

    /// Packets and losses of all streams.
    pub fn totals(&self) -> (u64, u64) {
        self.streams
            .values()
            .fold((0, 0), |(packets, lost), it| (packets + it.packets, lost + it.lost()))
    }
}

fn vp8() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: MIME_TYPE_VP8.to_owned(),
        clock_rate: 90_000,
        channels: 0,
        sdp_fmtp_line: String::new(),
        // Without it a receiver would wait for the next key frame that comes by itself.
        rtcp_feedback: vec![RTCPFeedback { typ: "nack".to_owned(), parameter: "pli".to_owned() }],
    }
}

fn opus() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: MIME_TYPE_OPUS.to_owned(),
        clock_rate: 48_000,
        channels: 2,
        sdp_fmtp_line: "minptime=10;useinbandfec=1".to_owned(),
        rtcp_feedback: vec![],
    }
}

async fn post_sdp(http: SocketAddr, path: &str, sdp: &str) -> String {
    let mut stream = TcpStream::connect(http).await.expect("the server listens");
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {http}\r\nContent-Type: application/sdp\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        sdp.len()
    );
    stream.write_all(head.as_bytes()).await.expect("the server reads");
    stream.write_all(sdp.as_bytes()).await.expect("the server reads");
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("the server answers");
    assert!(text.starts_with("HTTP/1.1 201"), "{path}: {text}");
    text.split_once("\r\n\r\n").expect("a body").1.to_owned()
}
