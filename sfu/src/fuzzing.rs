//! What the fuzz targets of `sfu/fuzz` may touch: every parser that reads what the network says, and the whole
//! core, before and after decryption. Built with the feature `fuzzing` only. A violated promise is a panic.
#![expect(
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a fuzz target finds panics, and has a clock"
)]

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use protocol::control::{MediaCommand, MediaEvent, MediaOffer, RoomMedia, SessionKind};
use protocol::id::{RequestId, SessionId};
use protocol::media::Source;

use crate::clock::Now;
use crate::core::Core;
use crate::peer::dtls::{Dtls, Identity, Progress, Role};
use crate::peer::srtp::{Direction, Keys, Profile};
use crate::peer::{offer, stun};
use crate::receive::transport_cc::TransportCc;
use crate::rtcp::{self, Report};
use crate::rtp;
use crate::shard::Neighbours;

#[cfg(test)]
mod mutate;
mod payloads;
#[cfg(test)]
mod replay;

pub use payloads::{codecs, dependency, feedback, framing, red, trunk};

/// Password of every session.
const PASSWORD: &str = "aaaaaaaaaaaaaaaaaaaaaaaa";

fn identity() -> Arc<Identity> {
    static IDENTITY: OnceLock<Arc<Identity>> = OnceLock::new();
    let made = || Arc::new(Identity::generate().unwrap_or_else(|err| panic!("{err}")));
    Arc::clone(IDENTITY.get_or_init(made))
}

fn start() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(Instant::now)
}

fn address(number: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, number], 5_000))
}

/// A binding request, authentic or not.
pub fn stun(data: &[u8]) {
    // As the core does: who names nobody is not read further.
    let Some(ufrag) = stun::ufrag(data) else { return };
    let _ = stun::shard_of(ufrag);
    let Some(request) = stun::read(data) else { return };
    if let Some(checked) = request.check(PASSWORD, address(1), &*identity().provider) {
        assert!(checked.answer.len() <= data.len(), "a reply larger than its request");
    }
}

/// An RTP header, its extensions and its padding.
pub fn rtp(data: &[u8]) {
    let Some(header) = rtp::parse(data) else { return };
    assert!(header.len <= data.len());
    for id in 0..=u8::MAX {
        header.extension(data, id);
    }
    let unpadded = rtp::unpadded_len(&header, data);
    assert!(unpadded.is_none_or(|it| (header.len..=data.len()).contains(&it)));
}

/// A compound report.
pub fn rtcp(data: &[u8]) {
    let mut n_lost = 0_usize;
    rtcp::read(data, |report| {
        if let Report::Nack { lost, .. } = report {
            n_lost += rtcp::lost_packets(lost).count();
        }
    });
    assert!(n_lost <= 17 * data.len());
}

/// Feedback about packets that arrive as the input says: two bytes of number, one of time, in turn.
pub fn transport_cc(data: &[u8]) {
    let mut now = start();
    let (mut feedback, mut out) = (TransportCc::new(now), Vec::new());
    for step in data.chunks_exact(3) {
        now += Duration::from_millis(u64::from(step[2]) * u64::from(step[2]) / 8);
        feedback.packet(u16::from_be_bytes([step[0], step[1]]), now);
        if feedback.poll_timeout().is_some_and(|due| due <= now) {
            out.clear();
            feedback.write(&mut out, 1, 2);
            assert!(out.len() <= 1_400, "feedback larger than a datagram");
        }
    }
}

/// An offer; whatever it says, the answer is of bounded size.
pub fn offer(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut world = World::new();
    for kind in [in_room(), SessionKind::Publish, SessionKind::Receive { of: Vec::new() }] {
        if let Some(answer) = world.offer(kind, text) {
            assert!(answer.len() < 512 * 1_024);
            assert!(!answer.replace("\r\n", "").contains(['\r', '\n']), "a line end slipped in");
            drop(offer::parse(&answer));
        }
    }
}

/// Records of a handshake, in either role: each begins with its length in two bytes.
pub fn dtls(data: &[u8]) {
    let Some((role, mut rest)) = data.split_first() else { return };
    let role = if role % 2 == 0 { Role::Passive } else { Role::Active };
    let Ok(mut dtls) = Dtls::new(&identity(), role, [7; 32]) else { return };
    let mut now = start();
    drop(dtls.start(now));
    while let Some((head, after)) = rest.split_first_chunk::<2>() {
        let len = usize::from(u16::from_be_bytes(*head)).min(after.len());
        let progress = dtls.handle_input(&after[..len], now);
        assert!(!matches!(progress, Progress::Keys(_)), "nobody has that certificate");
        while dtls.poll_output().is_some() {}
        rest = &after[len..];
        now += Duration::from_millis(500);
        drop(dtls.handle_timeout(now));
    }
}

/// The whole core with a connected browser. Each step is a kind, a length and so many bytes: from a stranger,
/// from the browser, the same sealed as media, sealed as a report, or time.
pub fn node(data: &[u8]) {
    let mut world = World::new();
    let text = include_str!("peer/offer/chromium_room.sdp").replace('\n', "\r\n");
    if world.offer(in_room(), &text).is_none() {
        return;
    }
    let (key, salt) = (vec![1; 16], vec![2; 12]);
    let keys = Keys {
        profile: Profile::Gcm128,
        local: (key.clone(), salt.clone()),
        remote: (key.clone(), salt.clone()),
    };
    let Ok(mut browser) = Direction::new(&*identity().provider, Profile::Gcm128, &(key, salt))
    else {
        return;
    };
    let ours = address(1);
    world.core.connect_unchecked(ours, &keys, world.now());
    let (mut rest, mut index) = (data, 0);
    while let Some((&[kind, len], after)) = rest.split_first_chunk::<2>() {
        let (bytes, tail) = after.split_at(usize::from(len).min(after.len()));
        rest = tail;
        match kind % 5 {
            0 => world.put(address(9), bytes.to_vec()),
            1 => world.put(ours, bytes.to_vec()),
            2 => {
                let Some(header) = rtp::parse(bytes) else { continue };
                let mut packet = bytes.to_vec();
                index = (index & !0xffff) | u64::from(header.seq);
                if browser.seal(&mut packet, 0, header.len, header.ssrc, index).is_some() {
                    world.put(ours, packet);
                }
            }
            3 => {
                let mut report = bytes.to_vec();
                if browser.seal_rtcp(&mut report, 0).is_some() {
                    world.put(ours, report);
                }
            }
            _ => world.pass(u64::from(len)),
        }
    }
    assert_eq!(world.core.counters.panics, 0, "a session panicked");
    assert_eq!(world.n_astray, 0, "a stranger was answered");
}

fn in_room() -> SessionKind {
    SessionKind::Room {
        sends: vec![("0".to_owned(), Source::Microphone), ("1".to_owned(), Source::Camera)],
    }
}

struct World {
    core: Core,
    ms: u64,
    n_astray: usize,
}

impl World {
    fn new() -> Self {
        let mut number = 0;
        let random = Box::new(move || {
            number += 64;
            number
        });
        let candidates = vec![address(200)];
        let mut core = Core::new(identity(), candidates, random, Neighbours::new(0, 1), start());
        let room = RoomMedia { room: "r".to_owned(), open: true, ..RoomMedia::default() };
        core.handle_command(MediaCommand::SetRoom(room), Now { at: start(), unix_us: 0 });
        Self { core, ms: 0, n_astray: 0 }
    }

    fn now(&self) -> Now {
        Now { at: start() + Duration::from_millis(self.ms), unix_us: self.ms as i64 * 1_000 }
    }

    fn offer(&mut self, kind: SessionKind, text: &str) -> Option<String> {
        let offer = MediaOffer {
            request: RequestId::from_parts(1, 1),
            session: SessionId::from_parts(1, 1),
            room: "r".to_owned(),
            publisher: "a".to_owned(),
            kind,
            sdp: text.to_owned(),
        };
        self.core.handle_command(MediaCommand::Offer(Box::new(offer)), self.now());
        let answer = self.core.events.drain(..).rev().find_map(|event| match event {
            MediaEvent::Answer { sdp, .. } => Some(sdp),
            _ => None,
        });
        self.settle();
        answer
    }

    fn put(&mut self, from: SocketAddr, mut datagram: Vec<u8>) {
        let now = self.now();
        self.core.handle_datagram(from, &mut datagram, now);
        self.settle();
    }

    fn pass(&mut self, ms: u64) {
        self.ms += ms;
        self.core.handle_timeout(self.now());
        self.settle();
    }

    fn settle(&mut self) {
        let (now, n_astray) = (self.now(), &mut self.n_astray);
        self.core.settle(now, &mut |out| {
            *n_astray += out.runs.iter().filter(|run| run.to != address(1)).count();
            out.clear();
        });
        self.core.events.clear();
        self.core.tap.clear();
    }
}
