//! The shell: owns the socket, the clock and the thread, and decides nothing.

use std::collections::VecDeque;
use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc as std_mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use protocol::control::{MediaCommand, MediaEvent};
use protocol::tap::TapMessage;
use tokio::sync::mpsc::{Receiver, Sender};

use crate::clock::Now;
use crate::config::Config;
use crate::core::{Core, TIMER_GRID};
use crate::error::Error;
use crate::handle::Handle;
use crate::metrics::Published;
use crate::outlet::Outlet;
use crate::peer::dtls::Identity;
use crate::post::Post;
use crate::room::PENDING_MAX;
use crate::shard::{Neighbours, Parcel, Placement, SHARDS_MAX, ToShard};
use crate::system::{self, Port};
use crate::tcp::{self, Acceptor, Connections, Stopper};
use crate::trunk::carrier::{self, Carrier, Setup};
use crate::trunk::exchange::FromShard;
use crate::trunk::figures::Figures;

/// Commands and parcels on their way to a shard.
const INBOX_MAX: usize = 256;

/// Rounds of receiving before timers and commands get their turn.
const RECEIVE_ROUNDS_MAX: usize = 16;

/// The longest wait: metrics are copied once a second, and waiting events are tried again.
const WAIT_MAX: Duration = Duration::from_millis(250);

/// How often metrics are copied.
const METRICS_INTERVAL: Duration = Duration::from_secs(1);

/// A media node that has its port but does not run yet.
pub struct Node {
    /// The sockets of each shard, all on one port.
    ports: Vec<Port>,
    address: SocketAddr,
    candidates: Vec<SocketAddr>,
    /// Takes media over TCP on the same port; `None` if the port is taken.
    acceptor: Option<Acceptor>,
    identity: Arc<Identity>,
    trunks: Option<Setup>,
}

impl Node {
    /// Takes the port, UDP and if possible TCP, and makes the node's certificate.
    pub fn bind(config: Config) -> Result<Self, Error> {
        let listen = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::AddrInUse => Error::PortTaken(config.media),
            _ => Error::Listen { address: config.media, source },
        };
        let n = config.shards.clamp(1, SHARDS_MAX);
        let ports = system::bind_all(config.media, n).map_err(listen)?;
        let first = &ports.first().ok_or(Error::NoAddress)?.media;
        let address = first.local_addr().map_err(listen)?;
        let mut candidates = candidates(&config, address);
        if candidates.is_empty() {
            return Err(Error::NoAddress);
        }
        let acceptor = system::listen(address).and_then(Acceptor::new);
        let acceptor = acceptor.inspect_err(|err| {
            tracing::warn!(%address, %err, "no media over TCP: networks without UDP are shut out");
        });
        if acceptor.is_ok() {
            let over_tcp: Vec<_> = candidates.iter().map(|it| tcp::address(*it, 0)).collect();
            candidates.extend(over_tcp);
        }
        let (identity, acceptor) = (Arc::new(Identity::generate()?), acceptor.ok());
        Ok(Self { ports, address, candidates, acceptor, identity, trunks: None })
    }

    /// The node is one of a tree.
    #[must_use]
    pub fn with_trunks(self, setup: Setup) -> Self {
        Self { trunks: Some(setup), ..self }
    }

    /// The addresses at which browsers and other nodes reach this machine.
    pub fn ips(&self) -> Vec<IpAddr> {
        let udp = self.candidates.iter().filter(|it| !tcp::is_tcp(**it));
        udp.map(SocketAddr::ip).collect()
    }

    /// The address that was bound, with its real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Runs on threads of its own until the commands end or [`Handle::stop`] is called.
    pub fn run(
        self,
        commands: Receiver<MediaCommand>,
        events: Sender<MediaEvent>,
        tap: Sender<TapMessage>,
    ) -> Handle {
        let started = self.start(commands, events, tap);
        started.unwrap_or_else(|err| {
            tracing::error!(%err, "no media: cannot make threads or pipes");
            Handle {
                published: Vec::new(),
                figures: Arc::default(),
                stopping: Arc::default(),
                wakes: Vec::new(),
                acceptor: None,
                threads: Vec::new(),
            }
        })
    }

    fn start(
        self,
        commands: Receiver<MediaCommand>,
        events: Sender<MediaEvent>,
        tap: Sender<TapMessage>,
    ) -> std::io::Result<Handle> {
        let n = self.ports.len();
        let stopping: Arc<AtomicBool> = Arc::default();
        let (mut posts, mut ends, mut wakes) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..n {
            let (shell_end, wake) = UnixStream::pair()?;
            shell_end.set_nonblocking(true)?;
            wake.set_nonblocking(true)?;
            let (sender, inbox) = std_mpsc::sync_channel(INBOX_MAX);
            wakes.push(wake.try_clone()?);
            posts.push(Post { sender, wake: Arc::new(wake) });
            ends.push((inbox, shell_end));
        }
        let published: Vec<Arc<Published>> = (0..n).map(|_| Arc::default()).collect();
        let acceptor = self.acceptor.as_ref().map(Acceptor::stopper);
        let figures: Arc<Figures> = Arc::default();
        let trunks = self.trunks.map(|it| carry(it, &posts, &figures)).transpose()?;
        let (trunks, carrying) = trunks.unzip();
        let threads = carrying.into_iter().collect();
        let mut handle = Handle { published, figures, stopping, wakes, acceptor, threads };
        for (here, (port, (inbox, wake))) in self.ports.into_iter().zip(ends).enumerate() {
            let (identity, candidates) = (Arc::clone(&self.identity), self.candidates.clone());
            let (posts, events, tap) = (posts.clone(), events.clone(), tap.clone());
            let published = Arc::clone(&handle.published[here]);
            let stopping = Arc::clone(&handle.stopping);
            let connections = Connections::new()?;
            let trunks = trunks.clone();
            let shell = move || {
                let random = Box::new(rand::random::<u64>);
                let neighbours = Neighbours::new(here, n);
                let mut core = Core::new(identity, candidates, random, neighbours, now().at);
                core.trunks.is_on = trunks.is_some();
                let tap_waiting = VecDeque::new();
                let outlet = Outlet { events, tap, tap_waiting, tap_dropped: 0 };
                let tcp = (connections, Parcel::default());
                Shell { core, port, inbox, wake, posts, outlet, trunks, published, stopping, tcp }
                    .run();
            };
            let thread = std::thread::Builder::new().name(format!("media-{here}")).spawn(shell)?;
            handle.threads.push(thread);
        }
        if let Some(acceptor) = self.acceptor {
            let posts = posts.clone();
            let give = move |shard: usize, opened| {
                // No such shard, or one with too much to do: the browser tries again.
                posts
                    .get(shard)
                    .map(|it: &Post| it.try_send(ToShard::Connection(Box::new(opened))));
            };
            let name = "media-tcp".to_owned();
            let run = move || acceptor.run(give);
            handle.threads.push(std::thread::Builder::new().name(name).spawn(run)?);
        }
        let published = handle.published.clone();
        let stopper = handle.acceptor.clone();
        std::thread::Builder::new().name("media-commands".to_owned()).spawn(move || {
            hand_out(commands, &posts, &published);
            stopper.iter().for_each(Stopper::stop);
        })?;
        Ok(handle)
    }
}

/// The addresses to name to browsers: those configured, or our own of the socket's family.
fn candidates(config: &Config, bound: SocketAddr) -> Vec<SocketAddr> {
    let ips = if !config.candidates.is_empty() {
        config.candidates.clone()
    } else if bound.ip().is_unspecified() {
        system::own_addresses()
    } else {
        vec![bound.ip()]
    };
    ips.into_iter()
        .filter(|ip| ip.is_ipv4() || matches!(bound.ip(), IpAddr::V6(_)))
        .map(|ip| SocketAddr::new(ip, bound.port()))
        .collect()
}

/// Hands commands to the shards and wakes them. A small thread, because the media threads wait for their
/// sockets, not for tokio.
fn hand_out(mut commands: Receiver<MediaCommand>, posts: &[Post], published: &[Arc<Published>]) {
    let mut placement = Placement::default();
    while let Some(command) = commands.blocking_recv() {
        let loads: Vec<u64> = published.iter().map(|it| it.sessions()).collect();
        let is_there = match placement.of(&command, &loads) {
            Some(shard) => posts[shard].send(ToShard::Command(command)),
            None => posts.iter().all(|post| post.send(ToShard::Command(command.clone()))),
        };
        if !is_there {
            break;
        }
    }
    posts.iter().for_each(|post| {
        // One that has ended needs no telling.
        post.send(ToShard::Stop);
    });
}

/// Which socket of a shard.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Media,
    Reports,
}

/// What was taken from a socket.
enum Received {
    Nothing,
    All,
    /// There may be more.
    Part,
}

/// What a wait ended for.
struct Ready {
    media: bool,
    messages: bool,
}

struct Shell {
    core: Core,
    port: Port,
    inbox: std_mpsc::Receiver<ToShard>,
    wake: UnixStream,
    /// The ways to all shards, by number.
    posts: Vec<Post>,
    outlet: Outlet,
    /// The way to the carrier of trunks.
    trunks: Option<Sender<FromShard>>,
    published: Arc<Published>,
    stopping: Arc<AtomicBool>,
    /// TCP connections, and memory for what comes through them.
    tcp: (Connections, Parcel),
}

#[expect(clippy::disallowed_methods, reason = "the shell owns the clock")]
fn now() -> Now {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now { at: Instant::now(), unix_us: since.as_micros() as i64 }
}

/// `part` in thousandths of `whole`.
fn permille(part: Duration, whole: Duration) -> u64 {
    (part.as_micros() * 1_000 / whole.as_micros().max(1)) as u64
}

/// Starts the thread that carries the trunks. Returns the way to it.
fn carry(
    setup: Setup,
    posts: &[Post],
    figures: &Arc<Figures>,
) -> std::io::Result<(Sender<FromShard>, JoinHandle<()>)> {
    let (sender, shards) = tokio::sync::mpsc::channel(carrier::INBOX_MAX);
    let (posts, figures) = (posts.to_vec(), Arc::clone(figures));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let run = move || {
        runtime.block_on(async {
            match Carrier::new(setup, posts, figures) {
                Ok((carrier, parents)) => carrier.run(shards, parents).await,
                Err(error) => tracing::error!(%error, "no trunks"),
            }
        });
    };
    let thread = std::thread::Builder::new().name("media-trunks".to_owned()).spawn(run)?;
    Ok((sender, thread))
}

impl Shell {
    fn run(mut self) {
        system::wake_on_time();
        let mut receiver = system::Receiver::new();
        let mut sender = system::Sender::new();
        let mut metrics_due = now().at;
        let mut reports_due = metrics_due;
        let mut busy_before = (system::thread_time(), metrics_due);
        while !self.stopping.load(Ordering::Acquire) {
            let ready = self.wait(reports_due);
            if ready.media {
                self.receive(&mut receiver, &mut sender, Kind::Media);
            }
            self.take_connections(&mut sender);
            if ready.messages && self.take_messages(&mut sender) {
                break;
            }
            let now = now();
            // After media, and not with each of them: a report is worth less than the waking for it.
            if now.at >= reports_due {
                match self.receive(&mut receiver, &mut sender, Kind::Reports) {
                    Received::Nothing | Received::Part => {}
                    Received::All => reports_due = now.at + TIMER_GRID,
                }
            }
            self.core.handle_timeout(now);
            self.settle(&mut sender, now);
            self.tell_neighbours();
            if let Some(trunks) = &self.trunks {
                self.core.tell_trunks(trunks);
            }
            self.core.counters.dropped_tap += self.outlet.tell(&mut self.core);
            if now.at >= metrics_due {
                metrics_due = now.at + METRICS_INTERVAL;
                self.tcp.0.sweep(now.at, |address| self.core.knows(address));
                self.core.counters.tcp_connections = self.tcp.0.len() as u64;
                let (busy, since) = (system::thread_time(), now.at);
                self.core.counters.load_permille =
                    permille(busy - busy_before.0, since - busy_before.1);
                busy_before = (busy, since);
                self.published.copy(&self.core.counters);
            }
        }
    }

    /// Sleeps until there is something to do. Reports wake nobody before they are due.
    fn wait(&self, reports_due: Instant) -> Ready {
        let now = now().at;
        let reports = self.port.reports.as_ref().map(AsRawFd::as_raw_fd);
        let (is_due, later) = (now >= reports_due, reports.map(|_| reports_due));
        let due = later.filter(|_| !is_due).into_iter().chain(self.core.poll_timeout()).min();
        let timeout = due.map_or(WAIT_MAX, |due| due.saturating_duration_since(now).min(WAIT_MAX));
        let timeout = if self.tcp.0.is_unread() { Duration::ZERO } else { timeout };
        let descriptors = [
            self.port.media.as_raw_fd(),
            self.wake.as_raw_fd(),
            self.tcp.0.descriptor().unwrap_or(-1),
            reports.filter(|_| is_due).unwrap_or(-1),
        ];
        let [media, messages, _, _] = system::wait(descriptors, Some(timeout));
        Ready { media, messages }
    }

    /// Handles what came to one socket.
    fn receive(
        &mut self,
        receiver: &mut system::Receiver,
        sender: &mut system::Sender,
        kind: Kind,
    ) -> Received {
        let mut received = Received::Nothing;
        for _ in 0..RECEIVE_ROUNDS_MAX {
            let socket = match kind {
                Kind::Media => Some(&self.port.media),
                Kind::Reports => self.port.reports.as_ref(),
            };
            let Some(socket) = socket else { return received };
            let has_more = receiver.receive(socket);
            let now = now();
            for (n, (from, bytes)) in receiver.datagrams().enumerate() {
                received = Received::All;
                if n > 0 && n.is_multiple_of(PENDING_MAX) {
                    self.settle(sender, now);
                }
                self.core.handle_datagram(from, bytes, now);
            }
            self.settle(sender, now);
            if !has_more {
                return received;
            }
        }
        Received::Part
    }

    /// Handles what came over TCP.
    fn take_connections(&mut self, sender: &mut system::Sender) {
        if self.tcp.0.descriptor().is_none() {
            return;
        }
        let mut parcel = std::mem::take(&mut self.tcp.1);
        self.tcp.0.receive(&mut parcel);
        let now = now();
        for (n, (from, bytes)) in parcel.datagrams().enumerate() {
            if n > 0 && n.is_multiple_of(PENDING_MAX) {
                self.settle(sender, now);
            }
            self.core.handle_datagram(from, bytes, now);
        }
        self.settle(sender, now);
        parcel.clear();
        self.tcp.1 = parcel;
        while let Some(address) = self.tcp.0.poll_gone() {
            self.core.lose_path(address);
        }
    }

    /// Handles what the control plane and other shards say. Returns whether there will be no more.
    fn take_messages(&mut self, sender: &mut system::Sender) -> bool {
        let mut woken = [0; 256];
        // Nothing to read means that nobody woke us; the bytes themselves mean nothing.
        if let Ok(0) = self.wake.read(&mut woken) {
            return true;
        }
        for _ in 0..INBOX_MAX {
            let message = match self.inbox.try_recv() {
                Ok(ToShard::Stop) | Err(std_mpsc::TryRecvError::Disconnected) => return true,
                Ok(message) => message,
                Err(std_mpsc::TryRecvError::Empty) => return false,
            };
            let now = now();
            match message {
                ToShard::Command(command) => self.core.handle_command(command, now),
                ToShard::Datagrams(parcel) => self.unpack(parcel, sender, now),
                ToShard::Empty(parcel) => self.core.neighbours.take_back(parcel),
                ToShard::Owner(address, owner) => self.core.neighbours.set_owner(address, owner),
                ToShard::Trunks(said) => self.core.handle_trunks(*said, now),
                ToShard::Connection(mut opened) => {
                    let mut first = std::mem::take(&mut opened.first);
                    let from = opened.address;
                    self.tcp.0.adopt(*opened, now.at);
                    self.core.handle_datagram(from, &mut first, now);
                }
                ToShard::Stop => return true,
            }
            self.settle(sender, now);
        }
        // There may be more: the next wait is to end at once.
        self.posts[self.core.neighbours.here].wake();
        false
    }

    fn unpack(&mut self, mut parcel: Parcel, sender: &mut system::Sender, now: Now) {
        let via = parcel.via;
        for (n, (from, bytes)) in parcel.datagrams().enumerate() {
            if n > 0 && n.is_multiple_of(PENDING_MAX) {
                self.settle(sender, now);
            }
            self.core.handle_handed(from, bytes, via, now);
        }
        parcel.clear();
        // Lost memory is only memory.
        self.posts[via].try_send(ToShard::Empty(parcel));
    }

    /// Hands over what belongs to other shards.
    fn tell_neighbours(&mut self) {
        while let Some((to, message)) = self.core.neighbours.poll() {
            let n = message.n_datagrams();
            self.core.counters.shard_parcels += u64::from(n > 0);
            if !self.posts[to].try_send(message) {
                self.core.counters.dropped_shard += n;
            }
        }
    }

    /// Lets the core finish what it was told, and sends what it has to say.
    fn settle(&mut self, sender: &mut system::Sender, now: Now) {
        let socket = &self.port.media;
        let connections = &mut self.tcp.0;
        let (mut n_lost, mut n_slow) = (0, 0);
        self.core.settle(now, &mut |out| {
            n_slow += connections.send(out);
            n_lost += sender.send(socket, out);
            out.clear();
        });
        self.core.counters.dropped_send += n_lost;
        self.core.counters.dropped_tcp += n_slow;
    }
}

#[cfg(test)]
mod tests;
