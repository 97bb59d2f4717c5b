//! The load generator: any number of publishers and receivers on one thread, made for counting hundreds
//! of thousands of packets a second on one core. Clients are minimal (binding requests, DTLS, SRTP under
//! AES-GCM, RTCP as browsers send it), speak WHIP and WHEP, and share no code with the node. Receivers read
//! every header and open a sample of the packets; how busy the generator itself was, and what its
//! sockets threw away, is part of every measurement, so that its limits are not taken for the node's.

mod connection;
mod handshake;
pub mod offer;
mod receiver;
pub mod rtcp;
pub mod rtp;
pub mod signaling;
pub mod source;
pub mod srtp;
pub mod system;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{SocketAddr, SocketAddrV4};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use connection::{Client, Role, Timer, Tools};
pub use handshake::Identity;
use offer::{Answered, Media};
use receiver::Receiver;
pub use receiver::Tally;
use signaling::Signaling;
use source::Source;
use srtp::Keys;
use system::{CpuClock, Inbox, Poll, Sender};

/// A connection that is not up after this long has failed.
const CONNECT_MAX: Duration = Duration::from_secs(30);

/// Longest wait without anything due.
const WAIT_MAX: Duration = Duration::from_millis(100);

/// The answers' token in the poll; clients have small ones.
const SIGNALING: usize = usize::MAX;

/// SSRCs of publishers, two each.
const SSRC_OF_SOURCES: u32 = 1_000_000;

/// What happened while the load ran for a time.
#[derive(Clone, Debug, Default)]
pub struct Window {
    pub seconds: f64,
    pub tally: Tally,
    /// Packets that publishers sent.
    pub sent: u64,
    pub key_frames: u64,
    /// Messages that the receivers' sockets threw away.
    pub drops: u64,
    /// Share of its core that the generator used.
    pub busy: f64,
    /// Processor time of whoever was watched.
    pub cpu: Duration,
    /// Processor time per packet received in each second of it, ns, ascending.
    pub ns_per_packet: Vec<f64>,
    /// From publisher to receiver, µs, ascending.
    pub delays_us: Vec<u32>,
    /// By how much bursts went out late, µs, ascending.
    pub late_us: Vec<u32>,
}

/// The load.
pub struct Load {
    tools: Tools,
    poll: Poll,
    inbox: Inbox,
    clients: Vec<Client>,
    timers: BinaryHeap<Reverse<(Instant, usize, Timer)>>,
    signaling: Option<Signaling>,
    /// Receivers take bursts whole, as behind a network card that segments.
    gro: bool,
    began: Instant,
    late_us: Vec<u32>,
    n_sources: u32,
}

impl Load {
    /// A load on the server at `http`, or on a floor.
    pub fn new(identity: &Arc<Identity>, http: Option<SocketAddr>, gro: bool) -> Self {
        system::wait_precisely();
        let poll = Poll::new();
        let signaling = http.map(Signaling::new);
        if let Some(signaling) = &signaling {
            poll.add(signaling.wake.as_raw_fd(), SIGNALING);
        }
        Self {
            tools: Tools {
                identity: Arc::clone(identity),
                sender: Sender::new(),
                heard: Vec::new(),
            },
            poll,
            inbox: Inbox::new(),
            clients: Vec::new(),
            timers: BinaryHeap::new(),
            signaling,
            gro,
            began: Instant::now(),
            late_us: Vec::new(),
            n_sources: 0,
        }
    }

    fn source(&mut self, media: Media, phase: f64) -> Source {
        let ssrc = SSRC_OF_SOURCES + 2 * self.n_sources;
        self.n_sources += 1;
        let mut source = Source::new(media, ssrc, self.began);
        source.due += source.interval().mul_f64(phase);
        source
    }

    fn add(&mut self, client: Client) -> usize {
        let index = self.clients.len();
        self.poll.add(client.socket.as_raw_fd(), index);
        self.clients.push(client);
        index
    }

    fn negotiate(&mut self, role: Role, path: &str) -> usize {
        let ssrc = self.clients.len() as u32 + 1;
        let client = Client::new(system::socket(self.gro), role, ssrc);
        let sdp = client.offer(&self.tools.identity);
        let index = self.add(client);
        self.signaling.as_ref().expect("a load on a server").ask(index, path, sdp);
        index
    }

    /// Begins to publish at a WHIP path. `phase` (0 to 1) says when within the frame's interval.
    pub fn publish(&mut self, path: &str, media: Media, phase: f64) -> usize {
        let source = self.source(media, phase);
        self.negotiate(Role::Source(Box::new(source)), path)
    }

    /// Begins to receive at a WHEP path, one line per medium.
    pub fn receive(&mut self, path: &str, lines: &[Media]) -> usize {
        self.negotiate(Role::Receiver(lines.to_vec(), None), path)
    }

    /// Publishes to a floor; the port it sends from, its SSRC.
    pub fn publish_to_floor(
        &mut self,
        floor: SocketAddrV4,
        media: Media,
        phase: f64,
    ) -> (u16, u32) {
        let socket = system::socket(self.gro);
        let (port, source) = (system::address_of(&socket).port(), self.source(media, phase));
        let ssrc = source.ssrc;
        let keys = || fixed_keys(&self.tools.identity, ssrc);
        let pair = (keys(), keys());
        let index = self.add(Client::of_floor(socket, Role::Source(Box::new(source)), pair, floor));
        self.came_up(index, Instant::now());
        (port, ssrc)
    }

    /// Receives these SSRCs from a floor under the fixed keys of `name`; where it receives.
    pub fn receive_from_floor(
        &mut self,
        floor: SocketAddrV4,
        (media, ssrcs): (Media, &[u32]),
        name: u32,
    ) -> SocketAddrV4 {
        let socket = system::socket(self.gro);
        let address = system::address_of(&socket);
        let line = |ssrc: &u32| Answered { ssrc: *ssrc, ..Answered::default() };
        let lines: Vec<Answered> = ssrcs.iter().map(line).collect();
        let media = vec![media; lines.len()];
        let receiver = Receiver::new(&lines, &media, name, Instant::now());
        let role = Role::Receiver(media, Some(Box::new(receiver)));
        let keys = || fixed_keys(&self.tools.identity, name);
        let pair = (keys(), keys());
        self.add(Client::of_floor(socket, role, pair, floor));
        address
    }

    /// Runs for so long.
    pub fn run(&mut self, length: Duration) {
        let end = Instant::now() + length;
        while Instant::now() < end {
            self.turn(end);
        }
    }

    /// Runs until `is_done`; panics if that takes longer than a connection may.
    pub fn run_until(&mut self, what: &str, is_done: impl Fn(&Self) -> bool) {
        assert!(self.try_until(is_done), "{what}: not within {} s", CONNECT_MAX.as_secs());
    }

    /// The same; false if it took too long.
    fn try_until(&mut self, is_done: impl Fn(&Self) -> bool) -> bool {
        let deadline = Instant::now() + CONNECT_MAX;
        while !is_done(self) {
            if Instant::now() >= deadline {
                return false;
            }
            self.turn(deadline);
        }
        true
    }

    /// Runs until all clients are up.
    pub fn connect(&mut self) {
        assert!(self.try_connect(), "a client did not come up");
    }

    /// The same; false if one did not come up in time.
    pub fn try_connect(&mut self) -> bool {
        self.try_until(|load| load.clients.iter().all(Client::is_up))
    }

    /// One wait and what it brought.
    fn turn(&mut self, end: Instant) {
        let now = Instant::now();
        while let Some(&Reverse((due, index, timer))) = self.timers.peek() {
            if due > now {
                break;
            }
            self.timers.pop();
            self.timeout(index, timer);
        }
        let next = self.timers.peek().map_or(end, |Reverse((due, ..))| *due).min(end);
        let wait = next.saturating_duration_since(Instant::now()).min(WAIT_MAX);
        let ready: Vec<usize> = self.poll.wait(wait).collect();
        for index in ready {
            if index == SIGNALING {
                self.take_answers();
            } else {
                self.readable(index);
            }
        }
    }

    fn timeout(&mut self, index: usize, timer: Timer) {
        let now = Instant::now();
        let client = &mut self.clients[index];
        let next = match timer {
            Timer::Check => client.check(&self.tools, now),
            Timer::Media => client.tick(&mut self.tools, now).map(|(next, late)| {
                if let Some(late) = late {
                    self.late_us.push(u32::try_from(late.as_micros()).unwrap_or(u32::MAX));
                }
                next
            }),
        };
        if let Some(next) = next {
            self.timers.push(Reverse((next, index, timer)));
        }
    }

    fn take_answers(&mut self) {
        while let Some(reply) = self.signaling.as_mut().and_then(Signaling::poll) {
            let now = Instant::now();
            self.clients[reply.client].answered(reply.answer, reply.asked_at, now);
            self.timeout(reply.client, Timer::Check);
        }
    }

    fn readable(&mut self, index: usize) {
        let client = &mut self.clients[index];
        let n = self.inbox.receive(&client.socket);
        let now = Instant::now();
        let mut is_new = false;
        for at in 0..n {
            let message = self.inbox.message(at);
            for datagram in message.bytes.chunks_mut(message.segment) {
                is_new |= client.datagram(datagram, message.stamp_ns, &mut self.tools, now);
            }
        }
        if is_new {
            self.came_up(index, now);
        }
    }

    /// Begins what a client is for. Sources keep their place within the frame's interval.
    fn came_up(&mut self, index: usize, now: Instant) {
        let due = match &mut self.clients[index].role {
            Role::Source(source) => {
                let interval = source.interval();
                while source.due < now {
                    source.due += interval;
                }
                source.due
            }
            Role::Receiver(_, receiver) => receiver.as_ref().map_or(now, |it| it.due),
        };
        self.timers.push(Reverse((due, index, Timer::Media)));
    }

    /// Runs for so long and says what happened; `watched` is whoever forwards.
    pub fn measure(&mut self, length: Duration, watched: CpuClock) -> Window {
        let own = CpuClock::of_this_thread();
        for client in &mut self.clients {
            if let Role::Receiver(_, Some(receiver)) = &mut client.role {
                receiver.delays_us.clear();
            }
        }
        self.late_us.clear();
        let before = self.so_far();
        let (began, cpu, busy) = (Instant::now(), watched.read(), own.read());
        let ns_per_packet = self.run_by_seconds(length, watched);
        let seconds = began.elapsed().as_secs_f64();
        let (cpu, busy) = (watched.read() - cpu, own.read() - busy);
        let mut window = self.so_far();
        window.since(&before);
        (window.seconds, window.cpu, window.ns_per_packet) = (seconds, cpu, ns_per_packet);
        window.busy = busy.as_secs_f64() / seconds;
        for client in &mut self.clients {
            if let Role::Receiver(_, Some(receiver)) = &mut client.role {
                window.delays_us.append(&mut receiver.delays_us);
            }
        }
        window.delays_us.sort_unstable();
        window.late_us = std::mem::take(&mut self.late_us);
        window.late_us.sort_unstable();
        window
    }

    /// Runs for so long; what `watched` used per packet received in each second, ascending.
    fn run_by_seconds(&mut self, length: Duration, watched: CpuClock) -> Vec<f64> {
        let received = |load: &Self| load.receivers().map(|it| it.tally().received).sum::<u64>();
        let n = u32::try_from(length.as_secs()).expect("a bench ends").max(1);
        let (began, mut found) = (Instant::now(), Vec::new());
        let mut before = (watched.read(), received(self));
        for second in 1..=n {
            let end = began + length * second / n;
            self.run(end.saturating_duration_since(Instant::now()));
            let now = (watched.read(), received(self));
            let packets = (now.1 - before.1).max(1);
            found.push((now.0 - before.0).as_nanos() as f64 / packets as f64);
            before = now;
        }
        found.sort_by(f64::total_cmp);
        found
    }

    /// Counts since the load began.
    pub fn so_far(&self) -> Window {
        let mut window = Window::default();
        for client in &self.clients {
            match &client.role {
                Role::Source(source) => {
                    window.sent += source.sent;
                    window.key_frames += source.key_frames;
                }
                Role::Receiver(_, receiver) => {
                    let tally = receiver.as_ref().map(|it| it.tally());
                    window.tally += tally.unwrap_or_default();
                    window.drops += system::drops(&client.socket);
                }
            }
        }
        window
    }

    /// Streams on which something came.
    pub fn live_streams(&self) -> usize {
        self.receivers().map(Receiver::live_streams).sum()
    }

    /// Whether receivers tell arrival times: the node decides that in its answers.
    pub fn has_feedback(&self) -> bool {
        self.receivers().any(Receiver::has_feedback)
    }

    fn receivers(&self) -> impl Iterator<Item = &Receiver> {
        self.clients.iter().filter_map(|client| match &client.role {
            Role::Receiver(_, receiver) => receiver.as_deref(),
            Role::Source(_) => None,
        })
    }

    /// Whether a client has got its first packet.
    pub fn has_media(&self, index: usize) -> bool {
        self.first_packet(index).is_some()
    }

    /// Packets that came to a client, line by line.
    pub fn received(&self, index: usize) -> Vec<u64> {
        match &self.clients[index].role {
            Role::Receiver(_, receiver) => receiver.iter().flat_map(|it| it.received()).collect(),
            Role::Source(_) => Vec::new(),
        }
    }

    fn first_packet(&self, index: usize) -> Option<Instant> {
        match &self.clients[index].role {
            Role::Receiver(_, receiver) => receiver.as_ref()?.first_packet,
            Role::Source(_) => None,
        }
    }

    /// How long a client took from its offer to the answer, to being up, and to its first packet.
    pub fn join_times(&self, index: usize) -> [Option<Duration>; 3] {
        let times = &self.clients[index].times;
        let since = |at: Option<Instant>| Some(at?.saturating_duration_since(times.asked?));
        [since(times.answered), since(times.up), since(self.first_packet(index))]
    }
}

impl Window {
    fn since(&mut self, before: &Self) {
        self.sent -= before.sent;
        self.key_frames -= before.key_frames;
        self.drops -= before.drops;
        let (now, then) = (&mut self.tally, &before.tally);
        now.received -= then.received;
        now.expected -= then.expected;
        now.repaired -= then.repaired;
        now.checked -= then.checked;
        now.broken -= then.broken;
        now.strange -= then.strange;
        now.transport_gaps -= then.transport_gaps;
    }
}

/// Keys that both the floor and its clients know.
pub fn fixed_keys(identity: &Identity, name: u32) -> Keys {
    let mut key = [0x5a; srtp::KEY_BYTES];
    key[..4].copy_from_slice(&name.to_be_bytes());
    Keys::new(&*identity.provider, &key, &[0xa5; srtp::SALT_BYTES])
}

/// The value below which this share of ascending values lies; 0 of none.
pub fn quantile(ascending: &[u32], share: f64) -> u32 {
    let at = (ascending.len() as f64 * share) as usize;
    ascending.get(at.min(ascending.len().saturating_sub(1))).copied().unwrap_or(0)
}
