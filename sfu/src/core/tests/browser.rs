//! A browser small enough to read: an offer, a binding request, DTLS, SRTP. Knows no sockets, so it
//! serves with the core alone and with a node on loopback.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::peer::dtls::{Dtls, Identity, Progress, Role};
use crate::peer::offer;
use crate::peer::srtp::{Direction, Window};
use crate::peer::stun;
use crate::receive::transport_cc::TransportCc;
use crate::rtp::{self, Header};
use crate::session::Srtp;

/// Header extensions that the browser offers.
const MID: u8 = 4;
const RID: u8 = 10;
const LEVEL: u8 = 1;
const TRANSPORT_CC: u8 = 3;

/// A line that the browser offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    SendAudio,
    SendVideo,
    SendSimulcast,
    ReceiveAudio,
    ReceiveVideo,
}

/// A packet as the browser got it.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) header: Header,
    pub(crate) payload: Vec<u8>,
}

/// The browser.
pub(crate) struct Browser {
    pub(crate) address: SocketAddr,
    identity: Arc<Identity>,
    ufrag: String,
    password: String,
    dtls: Option<Dtls>,
    pub(crate) srtp: Option<Srtp>,
    pub(crate) packets: Vec<Got>,
    pub(crate) reports: Vec<Vec<u8>>,
    pub(crate) stun_answers: usize,
    windows: std::collections::HashMap<u32, Window>,
    /// The line on which it receives; reports are written for it.
    pub(crate) line: Option<Line>,
}

/// A line of limited speed, with a queue that never overflows.
pub(crate) struct Line {
    pub(crate) bps: u64,
    /// When the last packet will have come through.
    free: Instant,
    coming: VecDeque<(Instant, u16)>,
    reports: TransportCc,
}

impl Line {
    pub(crate) fn new(bps: u64, now: Instant) -> Self {
        Self { bps, free: now, coming: VecDeque::new(), reports: TransportCc::new(now) }
    }

    fn packet(&mut self, seq: u16, bytes: usize, now: Instant) {
        let takes = Duration::from_micros(bytes as u64 * 8_000_000 / self.bps);
        self.free = self.free.max(now) + takes;
        self.coming.push_back((self.free, seq));
    }

    /// A report, if one is due.
    fn report(&mut self, now: Instant) -> Option<Vec<u8>> {
        while let Some((at, seq)) = self.coming.pop_front_if(|(at, _)| *at <= now) {
            self.reports.packet(seq, at);
        }
        self.reports.poll_timeout().filter(|due| *due <= now)?;
        let mut report = Vec::new();
        self.reports.write(&mut report, 1, 2);
        Some(report)
    }
}

impl Browser {
    pub(crate) fn new(port: u16) -> Self {
        Self {
            address: SocketAddr::from(([192, 0, 2, 1], port)),
            identity: Arc::new(Identity::generate().unwrap()),
            ufrag: String::new(),
            password: String::new(),
            dtls: None,
            srtp: None,
            packets: Vec::new(),
            reports: Vec::new(),
            stun_answers: 0,
            windows: std::collections::HashMap::new(),
            line: None,
        }
    }

    /// An offer with these lines; mids count from 0.
    pub(crate) fn offer(&self, wishes: &[Wish], setup: &str) -> String {
        let mids: Vec<String> = (0..wishes.len()).map(|mid| mid.to_string()).collect();
        let mut text = format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\n",
            mids.join(" ")
        );
        for (mid, wish) in wishes.iter().enumerate() {
            let is_audio = matches!(wish, Wish::SendAudio | Wish::ReceiveAudio);
            let receives = matches!(wish, Wish::ReceiveAudio | Wish::ReceiveVideo);
            let (media, types) = if is_audio { ("audio", "111") } else { ("video", "96 97") };
            text += &format!(
                "m={media} 9 UDP/TLS/RTP/SAVPF {types}\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\n\
                 a=ice-ufrag:browser\r\na=ice-pwd:0123456789012345678901\r\n\
                 a=fingerprint:sha-256 {}\r\na=setup:{setup}\r\na=rtcp-mux\r\na={}\r\n\
                 a=extmap:{MID} urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
                 a=extmap:{RID} urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n\
                 a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n\
                 a=extmap:{LEVEL} urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n",
                self.identity.fingerprint,
                if receives { "recvonly" } else { "sendonly" },
            );
            if self.line.is_some() {
                text += &format!(
                    "a=extmap:{TRANSPORT_CC} http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
                     a=rtcp-fb:* transport-cc\r\n"
                );
            }
            text += if is_audio {
                "a=rtpmap:111 opus/48000/2\r\n"
            } else {
                "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n\
                 a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
            };
            if *wish == Wish::SendSimulcast {
                text +=
                    "a=rid:l send\r\na=rid:m send\r\na=rid:h send\r\na=simulcast:send l;m;h\r\n";
            }
        }
        text
    }

    /// Takes the answer in. `fingerprint` replaces the node's, to see that a wrong one is refused.
    pub(crate) fn answered(&mut self, answer: &str, fingerprint: Option<[u8; 32]>) {
        let of = |key: &str| {
            let line = answer.lines().find_map(|line| line.strip_prefix(key));
            line.unwrap_or_else(|| panic!("{key} in {answer}")).to_owned()
        };
        (self.ufrag, self.password) = (of("a=ice-ufrag:"), of("a=ice-pwd:"));
        let found = offer::parse(&answer.replace("a=ice-lite\r\n", "")).unwrap();
        let role = if of("a=setup:") == "passive" { Role::Active } else { Role::Passive };
        let expected = fingerprint.unwrap_or(found.fingerprint);
        self.dtls = Some(Dtls::new(&self.identity, role, expected).unwrap());
    }

    /// Takes the answer to a restart in: new credentials, the same association.
    pub(crate) fn restarted(&mut self, answer: &str) {
        let of = |key: &str| {
            answer.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().to_owned()
        };
        (self.ufrag, self.password) = (of("a=ice-ufrag:"), of("a=ice-pwd:"));
    }

    /// What the browser sends first: a binding request, and DTLS if that is its part.
    pub(crate) fn knock(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let mut out = vec![self.binding_request()];
        let dtls = self.dtls.as_mut().unwrap();
        assert!(matches!(dtls.start(now), Progress::None));
        out.extend(std::iter::from_fn(|| dtls.poll_output()).map(|it| it.to_vec()));
        out
    }

    pub(crate) fn binding_request(&self) -> Vec<u8> {
        stun::request_of_a_browser(&self.ufrag, &self.password)
    }

    pub(crate) fn unnominated_request(&self) -> Vec<u8> {
        stun::request(&self.ufrag, &self.password, false)
    }

    pub(crate) fn forged_request(&self) -> Vec<u8> {
        stun::request_of_a_browser(&self.ufrag, "not the password")
    }

    /// Takes a datagram; returns what to send.
    pub(crate) fn receive(&mut self, datagram: &[u8], now: Instant) -> Vec<Vec<u8>> {
        match datagram[0] {
            0..=3 => self.stun_answers += 1,
            20..=63 => {
                let dtls = self.dtls.as_mut().unwrap();
                if let Progress::Keys(keys) = dtls.handle_input(datagram, now) {
                    let provider = &*self.identity.provider;
                    let direction =
                        |secret| Direction::new(provider, keys.profile, secret).unwrap();
                    let (local, remote) = (direction(&keys.local), direction(&keys.remote));
                    self.srtp = Some(Srtp { local, remote });
                }
                return std::iter::from_fn(|| dtls.poll_output()).map(|it| it.to_vec()).collect();
            }
            _ if rtp::is_rtcp(datagram) => {
                let srtp = self.srtp.as_mut().unwrap();
                let mut report = datagram.to_vec();
                let len = srtp.remote.open_rtcp(&mut report).unwrap();
                report.truncate(len);
                self.reports.push(report);
            }
            _ => self.rtp(datagram, now),
        }
        Vec::new()
    }

    /// What it has to report on its line, sealed.
    pub(crate) fn reports_due(&mut self, now: Instant) -> Option<Vec<u8>> {
        let report = self.line.as_mut()?.report(now)?;
        Some(self.report(&report))
    }

    fn rtp(&mut self, datagram: &[u8], now: Instant) {
        let mut packet = datagram.to_vec();
        let header = rtp::parse(&packet).unwrap();
        let window = self.windows.entry(header.ssrc).or_default();
        let index = window.index(header.seq).expect("never the same number twice");
        let srtp = self.srtp.as_mut().unwrap();
        let len = srtp.remote.open(&mut packet, header.len, header.ssrc, index).expect("authentic");
        window.accept(index);
        packet.truncate(len);
        if let Some([high, low]) = header.extension(&packet, TRANSPORT_CC)
            && let Some(line) = &mut self.line
        {
            line.packet(u16::from_be_bytes([*high, *low]), datagram.len(), now);
        }
        self.packets.push(Got { header, payload: packet.split_off(header.len) });
    }

    /// Seals a packet of the line `mid`.
    pub(crate) fn packet(&mut self, mid: usize, rid: Option<char>, packet: Sent<'_>) -> Vec<u8> {
        let mut extension = vec![MID << 4, b'0' + mid as u8];
        if let Some(rid) = rid {
            extension.extend_from_slice(&[if packet.is_rtx { 11 } else { RID } << 4, rid as u8]);
        }
        extension.extend_from_slice(&[LEVEL << 4, packet.level]);
        extension.resize(extension.len().next_multiple_of(4), 0);
        let mut out = vec![0x90, packet.payload_type];
        out.extend_from_slice(&(packet.seq as u16).to_be_bytes());
        out.extend_from_slice(&packet.timestamp.to_be_bytes());
        out.extend_from_slice(&packet.ssrc.to_be_bytes());
        out.extend_from_slice(&[0xbe, 0xde, 0, (extension.len() / 4) as u8]);
        out.extend_from_slice(&extension);
        let header_len = out.len();
        out.extend_from_slice(packet.payload);
        let srtp = self.srtp.as_mut().unwrap();
        srtp.local.seal(&mut out, 0, header_len, packet.ssrc, packet.seq).unwrap();
        out
    }

    /// Seals a compound report.
    pub(crate) fn report(&mut self, compound: &[u8]) -> Vec<u8> {
        let mut report = compound.to_vec();
        self.srtp.as_mut().unwrap().local.seal_rtcp(&mut report, 0).unwrap();
        report
    }
}

/// A packet to send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent<'a> {
    pub(crate) payload_type: u8,
    pub(crate) ssrc: u32,
    pub(crate) seq: u64,
    pub(crate) timestamp: u32,
    pub(crate) level: u8,
    pub(crate) is_rtx: bool,
    pub(crate) payload: &'a [u8],
}

/// The payload of a VP8 frame of one packet, with picture id.
pub(crate) fn frame(picture: u16, is_key: bool) -> Vec<u8> {
    let [high, low] = (picture | 0x8000).to_be_bytes();
    vec![0x90, 0xe0, high, low, picture as u8, 0x20, if is_key { 0x10 } else { 0x11 }, 7, 7, 7]
}
