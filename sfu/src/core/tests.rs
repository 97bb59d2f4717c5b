//! Whole sessions through the core: real offers, ICE, DTLS and SRTP, but no sockets and no clock.

mod allocation;
mod bandwidth;
pub(crate) mod browser;
mod capture;
mod codecs;
mod corners;
mod cost;
mod hostile;
mod insight;
mod malice;
mod newcomer;
mod scenes;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use browser::{Browser, Line, Sent, Wish, frame};
use protocol::control::{MediaCommand, MediaEvent, MediaOffer, RoomMedia, SessionKind, Tap};
use protocol::error::ErrorCode;
use protocol::id::{RecordingId, RequestId, SessionId};
use protocol::media::{Grant, Layer, Source, TrackKey, Want};
use protocol::tap::{TapMessage, TapPacket};

use crate::clock::Now;
use crate::core::Core;
use crate::peer::dtls::Identity;
use crate::shard::Neighbours;

/// A node with its browsers on a virtual network without delay.
struct World {
    core: Core,
    start: Instant,
    ms: u64,
    browsers: Vec<Browser>,
    /// Bytes that went to addresses of which no browser knows.
    astray: usize,
    events: Vec<MediaEvent>,
    tap: Vec<TapMessage>,
    /// The line of the browser that comes next.
    next_line: Option<u64>,
}

fn session(n: usize) -> SessionId {
    SessionId::from_parts(1, n as u128)
}

fn key(publisher: &str, source: Source) -> TrackKey {
    TrackKey { publisher: publisher.to_owned(), source }
}

fn grant(publisher: &str, is_granted: bool) -> Grant {
    Grant {
        publisher: publisher.to_owned(),
        audio: is_granted,
        camera: is_granted,
        screen: is_granted,
    }
}

fn open_room() -> RoomMedia {
    RoomMedia { room: "r".to_owned(), open: true, ..RoomMedia::default() }
}

fn in_room() -> SessionKind {
    SessionKind::Room {
        sends: vec![("0".to_owned(), Source::Microphone), ("1".to_owned(), Source::Camera)],
    }
}

/// The lines of a site: microphone, camera with layers, two sounds, two pictures.
const SITE: [Wish; 6] = [
    Wish::SendAudio,
    Wish::SendSimulcast,
    Wish::ReceiveAudio,
    Wish::ReceiveAudio,
    Wish::ReceiveVideo,
    Wish::ReceiveVideo,
];

impl World {
    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
    fn new(room: RoomMedia) -> Self {
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        let random = Box::new(move || {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            seed ^ seed >> 29
        });
        let candidates = vec!["127.0.0.1:7882".parse().unwrap()];
        let identity = Arc::new(Identity::generate().unwrap());
        let start = Instant::now();
        let core = Core::new(identity, candidates, random, Neighbours::new(0, 1), start);
        let mut world = Self {
            core,
            start,
            ms: 0,
            browsers: Vec::new(),
            astray: 0,
            events: Vec::new(),
            tap: Vec::new(),
            next_line: None,
        };
        world.command(MediaCommand::SetRoom(room));
        world
    }

    fn now(&self) -> Now {
        let unix_us = 1_764_000_000_000_000 + self.ms as i64 * 1_000;
        Now { at: self.start + Duration::from_millis(self.ms), unix_us }
    }

    fn command(&mut self, command: MediaCommand) {
        self.core.handle_command(command, self.now());
        self.deliver();
    }

    /// Puts a datagram into the node.
    fn put(&mut self, from: SocketAddr, mut datagram: Vec<u8>) {
        let now = self.now();
        self.core.handle_datagram(from, &mut datagram, now);
        self.deliver();
    }

    /// Settles the node and carries what it says to everybody, until nobody says anything more.
    fn deliver(&mut self) {
        loop {
            let now = self.now();
            let mut out: Vec<(SocketAddr, Vec<u8>)> = Vec::new();
            self.core.settle(now, &mut |outbox| {
                let singles = outbox.runs.iter().flat_map(|it| it.singles());
                out.extend(singles.map(|it| (it.to, outbox.bytes[it.start..it.end].to_vec())));
                outbox.clear();
            });
            self.events.extend(self.core.events.drain(..));
            self.tap.extend(self.core.tap.drain(..));
            if out.is_empty() {
                return;
            }
            for (to, bytes) in out {
                let Some(at) = self.browsers.iter().position(|it| it.address == to) else {
                    self.astray += bytes.len();
                    continue;
                };
                for mut answer in self.browsers[at].receive(&bytes, now.at) {
                    self.core.handle_datagram(to, &mut answer, now);
                }
            }
        }
    }

    /// Lets time pass.
    fn pass(&mut self, ms: u64) {
        for _ in 0..ms {
            self.ms += 1;
            self.core.handle_timeout(self.now());
            self.deliver();
            for n in 0..self.browsers.len() {
                let now = self.now().at;
                if let Some(report) = self.browsers[n].reports_due(now) {
                    let from = self.browsers[n].address;
                    self.put(from, report);
                }
            }
        }
    }

    fn offer(
        &mut self,
        n: usize,
        publisher: &str,
        kind: SessionKind,
        sdp: String,
    ) -> Result<String, ErrorCode> {
        let request = RequestId::from_parts(2, n as u128);
        let room = "r".to_owned();
        let publisher = publisher.to_owned();
        let offer = MediaOffer { request, session: session(n), room, publisher, kind, sdp };
        self.command(MediaCommand::Offer(Box::new(offer)));
        match self.events.iter().rev().find(|it| {
            matches!(it, MediaEvent::Answer { request: to, .. } | MediaEvent::Refused { request: to, .. } if *to == request)
        }) {
            Some(MediaEvent::Answer { sdp, .. }) => Ok(sdp.clone()),
            Some(MediaEvent::Refused { code, .. }) => Err(*code),
            other => panic!("no answer but {other:?}"),
        }
    }

    /// A browser comes in and connects. Returns its number, which is its session's too.
    fn join(&mut self, publisher: &str, kind: SessionKind, wishes: &[Wish]) -> usize {
        let n = self.enter(publisher, kind, wishes, "actpass", None);
        assert!(self.browsers[n].srtp.is_some(), "the handshake is through");
        assert!(self.events.contains(&MediaEvent::SessionConnected { session: session(n) }));
        n
    }

    /// The same, with an offer that was changed by `edit`.
    fn join_with(
        &mut self,
        publisher: &str,
        kind: SessionKind,
        wishes: &[Wish],
        edit: impl Fn(String) -> String,
    ) -> usize {
        let n = self.browsers.len();
        let browser = Browser::new(5_000 + n as u16);
        let sdp = edit(browser.offer(wishes, "actpass"));
        self.connect(publisher, kind, (browser, sdp), None)
    }

    /// The same for a browser whose line carries no more than `bps`, and that reports on it.
    fn join_on_line(&mut self, publisher: &str, bps: u64) -> usize {
        self.next_line = Some(bps);
        self.join(publisher, in_room(), &SITE)
    }

    fn enter(
        &mut self,
        publisher: &str,
        kind: SessionKind,
        wishes: &[Wish],
        setup: &str,
        fingerprint: Option<[u8; 32]>,
    ) -> usize {
        let n = self.browsers.len();
        let mut browser = Browser::new(5_000 + n as u16);
        browser.line = self.next_line.take().map(|bps| Line::new(bps, self.now().at));
        let sdp = browser.offer(wishes, setup);
        self.connect(publisher, kind, (browser, sdp), fingerprint)
    }

    fn connect(
        &mut self,
        publisher: &str,
        kind: SessionKind,
        (mut browser, sdp): (Browser, String),
        fingerprint: Option<[u8; 32]>,
    ) -> usize {
        let n = self.browsers.len();
        let answer = self.offer(n, publisher, kind, sdp).unwrap();
        browser.answered(&answer, fingerprint);
        let knocks = browser.knock(self.now().at);
        let from = browser.address;
        self.browsers.push(browser);
        knocks.into_iter().for_each(|knock| self.put(from, knock));
        self.pass(5);
        n
    }

    /// A browser sends one packet of a line.
    fn send(&mut self, n: usize, mid: usize, rid: Option<char>, packet: Sent<'_>) {
        let sealed = self.browsers[n].packet(mid, rid, packet);
        let from = self.browsers[n].address;
        self.put(from, sealed);
    }

    /// A frame of one layer of a site's camera.
    fn show(&mut self, n: usize, rid: char, seq: u64, is_key: bool) {
        let payload = frame(seq as u16, is_key);
        self.send(n, 1, Some(rid), video(n, rid, seq, &payload));
    }

    /// 20 ms of a site's voice.
    fn say(&mut self, n: usize, seq: u64, level: u8) {
        let sent = Sent {
            payload_type: 111,
            ssrc: 10_000 + n as u32,
            seq,
            timestamp: seq as u32 * 960,
            level,
            is_rtx: false,
            payload: b"voice",
        };
        self.send(n, 0, None, sent);
    }

    fn want(&mut self, n: usize, wants: &[(&str, Layer)]) {
        let wants = wants
            .iter()
            .map(|(who, layer_max)| Want { track: key(who, Source::Camera), layer_max: *layer_max })
            .collect();
        self.command(MediaCommand::SetWants { session: session(n), wants });
    }

    /// What a session's lines carry, as it was told last.
    fn slots(&self, n: usize) -> Vec<Option<String>> {
        let last = self.events.iter().rev().find_map(|event| match event {
            MediaEvent::Slots { session: to, slots } if *to == session(n) => Some(slots.clone()),
            _ => None,
        });
        let name = |track: TrackKey| format!("{} {:?}", track.publisher, track.source);
        last.unwrap_or_default().into_iter().map(|slot| slot.track.map(name)).collect()
    }

    fn pictures(&self, n: usize) -> Vec<&browser::Got> {
        self.browsers[n].packets.iter().filter(|got| got.header.payload_type == 96).collect()
    }

    fn sounds(&self, n: usize) -> usize {
        self.browsers[n].packets.iter().filter(|got| got.header.payload_type == 111).count()
    }

    fn tapped(&self) -> Vec<TapPacket> {
        let packets = self.tap.iter().filter_map(|message| match message {
            TapMessage::Packets { packets, .. } => Some(packets.to_vec()),
            TapMessage::TrackStarted(_) | TapMessage::TrackEnded { .. } => None,
        });
        packets.flatten().collect()
    }
}

fn video(n: usize, rid: char, seq: u64, payload: &[u8]) -> Sent<'_> {
    Sent {
        payload_type: 96,
        ssrc: 20_000 + 100 * n as u32 + u32::from(rid),
        seq,
        timestamp: (seq as u32).wrapping_mul(3_000),
        level: 127,
        is_rtx: false,
        payload,
    }
}
