//! One client: its socket, how far it has come, and what it does once it is up.

use std::net::{SocketAddrV4, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::handshake::{Handshake, Identity};
use super::offer::{Answer, Line, Media};
use super::receiver::Receiver;
use super::rtcp::{self, Heard};
use super::rtp;
use super::source::Source;
use super::srtp::Keys;
use super::system::Sender;

/// Binding requests and handshake flights are repeated this often until they are answered.
const REPEAT: Duration = Duration::from_millis(100);

/// Consent is asked for this often afterwards, as browsers do (RFC 7675).
const CONSENT: Duration = Duration::from_millis(2_500);

/// What all clients of a load share.
pub struct Tools {
    pub identity: Arc<Identity>,
    pub sender: Sender,
    /// Reports of one compound packet.
    pub heard: Vec<Heard>,
}

/// How far a client has come.
enum State {
    /// Its offer is out.
    Offered,
    /// Binding requests go out.
    Checking(Box<Answer>),
    Shaking(Box<Answer>, Box<Handshake>),
    /// Keys to send and to receive with. Clients of the floor have no answer and say nothing of themselves.
    Up {
        answer: Option<Box<Answer>>,
        local: Box<Keys>,
        remote: Box<Keys>,
    },
}

/// What a client is for.
pub enum Role {
    Source(Box<Source>),
    /// Media of its lines; streams are known from the answer.
    Receiver(Vec<Media>, Option<Box<Receiver>>),
}

/// Which of its two timers a client set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    Check,
    Media,
}

/// When what happened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    pub asked: Option<Instant>,
    pub answered: Option<Instant>,
    pub up: Option<Instant>,
}

pub struct Client {
    pub socket: UdpSocket,
    state: State,
    pub role: Role,
    pub times: Times,
    /// SSRC of its reports.
    ssrc: u32,
}

impl Client {
    /// A client whose offer goes out now.
    pub fn new(socket: UdpSocket, role: Role, ssrc: u32) -> Self {
        Self { socket, state: State::Offered, role, times: Times::default(), ssrc }
    }

    /// A client of the floor: keys are known, nothing is negotiated.
    pub fn of_floor(
        socket: UdpSocket,
        role: Role,
        keys: (Keys, Keys),
        floor: SocketAddrV4,
    ) -> Self {
        socket.connect(floor).expect("loopback");
        let (local, remote) = (Box::new(keys.0), Box::new(keys.1));
        let state = State::Up { answer: None, local, remote };
        Self { socket, state, role, times: Times::default(), ssrc: 0 }
    }

    /// The offer.
    pub fn offer(&self, identity: &Identity) -> String {
        let lines: Vec<Line> = match &self.role {
            Role::Source(source) => {
                vec![Line { media: source.media, sends: Some(source.ssrcs()) }]
            }
            Role::Receiver(media, _) => {
                media.iter().map(|media| Line { media: *media, sends: None }).collect()
            }
        };
        super::offer::write(&lines, &identity.fingerprint)
    }

    pub fn is_up(&self) -> bool {
        matches!(self.state, State::Up { .. })
    }

    /// Takes the answer in; binding requests begin with the next check.
    pub fn answered(&mut self, answer: Answer, asked: Instant, now: Instant) {
        self.socket.connect(answer.node).expect("loopback");
        (self.times.asked, self.times.answered) = (Some(asked), Some(now));
        self.state = State::Checking(Box::new(answer));
    }

    /// Binding requests, repeated flights, consent. When to call again; `None` if never.
    pub fn check(&mut self, tools: &Tools, now: Instant) -> Option<Instant> {
        let (answer, pause) = match &mut self.state {
            State::Offered | State::Up { answer: None, .. } => return None,
            State::Checking(answer) => (answer, REPEAT),
            State::Shaking(_, handshake) => {
                handshake.handle_timeout(now);
                flush(&self.socket, handshake);
                return Some(now + REPEAT);
            }
            State::Up { answer: Some(answer), .. } => (answer, CONSENT),
        };
        // A full queue is a lost request; it is repeated.
        let _ = self.socket.send(&tools.identity.binding_request(answer));
        Some(now + pause)
    }

    /// Takes one datagram. Returns whether the client has just come up.
    pub fn datagram(
        &mut self,
        bytes: &mut [u8],
        stamp_ns: u64,
        tools: &mut Tools,
        now: Instant,
    ) -> bool {
        match bytes.first() {
            Some(128..=191) => self.media(bytes, stamp_ns, tools, now),
            Some(20..=63) => return self.shake(bytes, now),
            Some(0..=3) => self.begin_handshake(&tools.identity, now),
            Some(_) | None => {}
        }
        false
    }

    /// The node has answered a binding request: the path is there.
    fn begin_handshake(&mut self, identity: &Arc<Identity>, now: Instant) {
        let State::Checking(answer) = &self.state else { return };
        let mut handshake = Handshake::new(identity, answer, now);
        flush(&self.socket, &mut handshake);
        self.state = State::Shaking(answer.clone(), Box::new(handshake));
    }

    fn shake(&mut self, bytes: &[u8], now: Instant) -> bool {
        let State::Shaking(answer, handshake) = &mut self.state else { return false };
        let keys = handshake.read(bytes, now);
        flush(&self.socket, handshake);
        let Some((local, remote)) = keys else { return false };
        if let Role::Receiver(media, receiver) = &mut self.role {
            *receiver = Some(Box::new(Receiver::new(&answer.lines, media, self.ssrc, now)));
        }
        let answer = Some(answer.clone());
        self.state = State::Up { answer, local: Box::new(local), remote: Box::new(remote) };
        self.times.up = Some(now);
        true
    }

    fn media(&mut self, bytes: &mut [u8], stamp_ns: u64, tools: &mut Tools, now: Instant) {
        let State::Up { local, remote, answer } = &mut self.state else { return };
        if rtp::is_rtcp(bytes) {
            let Some(compound) = remote.open_rtcp(bytes) else { return };
            tools.heard.clear();
            rtcp::read(compound, |it| tools.heard.push(it));
            match &mut self.role {
                Role::Source(source) => {
                    source.heard(&tools.heard, &self.socket, local, &mut tools.sender);
                }
                Role::Receiver(_, Some(receiver)) => receiver.heard(&tools.heard, now),
                Role::Receiver(_, None) => {}
            }
            return;
        }
        let Role::Receiver(_, Some(receiver)) = &mut self.role else { return };
        if receiver.packet(bytes, remote, stamp_ns, now) && answer.is_some() {
            let mut out = Vec::new();
            receiver.ask(&mut out, now);
            send_rtcp(&self.socket, local, &mut out);
        }
    }

    /// Sends what is due. When to call again, and by how much a source was late.
    pub fn tick(&mut self, tools: &mut Tools, now: Instant) -> Option<(Instant, Option<Duration>)> {
        let State::Up { local, answer, .. } = &mut self.state else { return None };
        match &mut self.role {
            Role::Source(source) => {
                let late = source.send(&self.socket, local, &mut tools.sender, now);
                if answer.is_some() && source.is_report_due() {
                    let mut out = Vec::new();
                    source.report(&mut out);
                    send_rtcp(&self.socket, local, &mut out);
                }
                Some((source.due, Some(late)))
            }
            Role::Receiver(_, Some(receiver)) if answer.is_some() => {
                let socket = &self.socket;
                receiver.tick(now, |out| send_rtcp(socket, local, out));
                Some((receiver.due, None))
            }
            Role::Receiver(..) => None,
        }
    }
}

fn flush(socket: &UdpSocket, handshake: &mut Handshake) {
    while let Some(datagram) = handshake.poll_output() {
        // A full queue is a lost flight; it is repeated.
        let _ = socket.send(&datagram);
    }
}

fn send_rtcp(socket: &UdpSocket, keys: &mut Keys, compound: &mut Vec<u8>) {
    if !compound.is_empty() {
        keys.seal_rtcp(compound);
        // A full queue is a lost report; the next one tells the same.
        let _ = socket.send(compound);
    }
}
