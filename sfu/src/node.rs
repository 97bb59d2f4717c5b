//! The shell: owns the socket, the clock and the thread, and decides nothing.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc as std_mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use protocol::control::{MediaCommand, MediaEvent};
use protocol::tap::TapMessage;
use tokio::sync::mpsc::{Receiver, Sender, error::TrySendError};

use crate::clock::Now;
use crate::config::Config;
use crate::core::Core;
use crate::error::Error;
use crate::metrics::Published;
use crate::peer::dtls::Identity;
use crate::room::PENDING_MAX;
use crate::system;

/// Commands on their way from the link to the thread.
const COMMANDS_MAX: usize = 256;

/// Events that wait because the control plane's queue is full. Beyond that the oldest are lost; the
/// control plane then opens the link again.
const EVENTS_WAITING_MAX: usize = 4_096;

/// Messages about tracks that wait because the recorder's queue is full.
const TAP_WAITING_MAX: usize = 4_096;

/// Rounds of receiving before timers and commands get their turn.
const RECEIVE_ROUNDS_MAX: usize = 16;

/// The longest wait: metrics are copied once a second, and waiting events are tried again.
const WAIT_MAX: Duration = Duration::from_millis(250);

/// How often metrics are copied.
const METRICS_INTERVAL: Duration = Duration::from_secs(1);

/// A media node that has its port but does not run yet.
pub struct Node {
    socket: UdpSocket,
    address: SocketAddr,
    candidates: Vec<SocketAddr>,
    identity: Arc<Identity>,
}

impl Node {
    /// Takes the UDP port and makes the node's certificate.
    pub fn bind(config: Config) -> Result<Self, Error> {
        let listen = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::AddrInUse => Error::PortTaken(config.media),
            _ => Error::Listen { address: config.media, source },
        };
        let socket = UdpSocket::bind(config.media).map_err(listen)?;
        socket.set_nonblocking(true).map_err(listen)?;
        system::enlarge_buffers(&socket);
        system::coalesce(&socket);
        let address = socket.local_addr().map_err(listen)?;
        let candidates = candidates(&config, address);
        if candidates.is_empty() {
            return Err(Error::NoAddress);
        }
        Ok(Self { socket, address, candidates, identity: Arc::new(Identity::generate()?) })
    }

    /// The address that was bound, with its real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Runs on a thread of its own until the commands end or [`Handle::stop`] is called.
    pub fn run(
        self,
        commands: Receiver<MediaCommand>,
        events: Sender<MediaEvent>,
        tap: Sender<TapMessage>,
    ) -> Handle {
        let published = Arc::new(Published::default());
        let stopping = Arc::new(AtomicBool::new(false));
        let (shell_end, wake) = match UnixStream::pair() {
            Ok(pair) => pair,
            Err(err) => {
                tracing::error!(%err, "no media: cannot make a pipe");
                return Handle { published, stopping, wake: None, thread: None };
            }
        };
        let forwarded = wake.try_clone().and_then(|wake| {
            shell_end.set_nonblocking(true)?;
            forward_commands(commands, wake)
        });
        let shell = |commands| Shell {
            core: Core::new(self.identity, self.candidates, Box::new(rand::random::<u64>)),
            socket: self.socket,
            commands,
            wake: shell_end,
            events,
            tap,
            tap_waiting: VecDeque::new(),
            tap_dropped: 0,
            published: Arc::clone(&published),
            stopping: Arc::clone(&stopping),
        };
        let thread = forwarded.and_then(|commands| {
            let shell = shell(commands);
            std::thread::Builder::new().name("media".to_owned()).spawn(move || shell.run())
        });
        let thread = thread.inspect_err(|err| tracing::error!(%err, "no media thread")).ok();
        Handle { published, stopping, wake: Some(wake), thread }
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

/// Hands commands to the thread and wakes it. A small thread, because the media thread waits for its
/// socket, not for tokio.
fn forward_commands(
    mut commands: Receiver<MediaCommand>,
    mut wake: UnixStream,
) -> std::io::Result<std_mpsc::Receiver<MediaCommand>> {
    let (to_shell, from_link) = std_mpsc::sync_channel(COMMANDS_MAX);
    std::thread::Builder::new().name("media-commands".to_owned()).spawn(move || {
        while let Some(command) = commands.blocking_recv() {
            if to_shell.send(command).is_err() || wake.write_all(&[1]).is_err() {
                return;
            }
        }
    })?;
    Ok(from_link)
}

/// A running media node.
pub struct Handle {
    published: Arc<Published>,
    stopping: Arc<AtomicBool>,
    wake: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl Handle {
    /// Appends the node's metrics in Prometheus' text form, at most a second old.
    pub fn metrics(&self, out: &mut String) {
        self.published.write(out);
    }

    /// Stops the node and waits for its thread.
    pub fn stop(mut self) {
        self.stopping.store(true, Ordering::Release);
        if let Some(wake) = &mut self.wake
            && let Err(err) = wake.write_all(&[1])
        {
            tracing::debug!(%err, "the media thread has ended already");
        }
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the media thread panicked");
        }
    }
}

struct Shell {
    core: Core,
    socket: UdpSocket,
    commands: std_mpsc::Receiver<MediaCommand>,
    wake: UnixStream,
    events: Sender<MediaEvent>,
    tap: Sender<TapMessage>,
    tap_waiting: VecDeque<TapMessage>,
    tap_dropped: u64,
    published: Arc<Published>,
    stopping: Arc<AtomicBool>,
}

#[expect(clippy::disallowed_methods, reason = "the shell owns the clock")]
fn now() -> Now {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now { at: Instant::now(), unix_us: since.as_micros() as i64 }
}

impl Shell {
    fn run(mut self) {
        system::wake_on_time();
        let mut receiver = system::Receiver::new();
        let mut sender = system::Sender::new();
        let mut metrics_due = now().at;
        let descriptors = [self.socket.as_raw_fd(), self.wake.as_raw_fd()];
        while !self.stopping.load(Ordering::Acquire) {
            let before = now();
            let timeout = self
                .core
                .poll_timeout()
                .map_or(WAIT_MAX, |due| due.saturating_duration_since(before.at).min(WAIT_MAX));
            system::wait(descriptors, Some(timeout));
            for _ in 0..RECEIVE_ROUNDS_MAX {
                let has_more = receiver.receive(&self.socket);
                let now = now();
                for (n, (from, bytes)) in receiver.datagrams().enumerate() {
                    if n > 0 && n.is_multiple_of(PENDING_MAX) {
                        self.settle(&mut sender, now);
                    }
                    self.core.handle_datagram(from, bytes, now);
                }
                self.settle(&mut sender, now);
                if !has_more {
                    break;
                }
            }
            if self.take_commands(&mut sender) {
                break;
            }
            let now = now();
            self.core.handle_timeout(now);
            self.settle(&mut sender, now);
            self.tell();
            if now.at >= metrics_due {
                metrics_due = now.at + METRICS_INTERVAL;
                self.published.copy(&self.core.counters);
            }
        }
    }

    /// Handles waiting commands. Returns whether there will be no more.
    fn take_commands(&mut self, sender: &mut system::Sender) -> bool {
        let mut woken = [0; 256];
        // Nothing to read means that nobody woke us; the bytes themselves mean nothing.
        if let Ok(0) = self.wake.read(&mut woken) {
            return true;
        }
        loop {
            match self.commands.try_recv() {
                Ok(command) => {
                    let now = now();
                    self.core.handle_command(command, now);
                    self.settle(sender, now);
                }
                Err(std_mpsc::TryRecvError::Empty) => return false,
                Err(std_mpsc::TryRecvError::Disconnected) => return true,
            }
        }
    }

    /// Lets the core finish what it was told, and sends what it has to say.
    fn settle(&mut self, sender: &mut system::Sender, now: Now) {
        let socket = &self.socket;
        let mut n_lost = 0;
        self.core.settle(now, &mut |out| {
            n_lost += sender.send(socket, out);
            out.clear();
        });
        self.core.counters.dropped_send += n_lost;
    }

    /// Passes on events and the recorder's packets. Nobody is waited for.
    fn tell(&mut self) {
        while let Some(event) = self.core.events.pop_front() {
            if let Err(TrySendError::Full(event)) = self.events.try_send(event) {
                self.core.events.push_front(event);
                break;
            }
        }
        while self.core.events.len() > EVENTS_WAITING_MAX {
            self.core.events.pop_front();
            self.core.counters.dropped_events += 1;
        }
        while let Some(message) = self.core.tap.pop_front() {
            self.tell_recorder(message);
        }
        self.try_waiting();
    }

    /// Packets are thrown away when the queue is full; what is said about tracks waits, and packets
    /// never overtake it.
    fn tell_recorder(&mut self, mut message: TapMessage) {
        if let TapMessage::Packets { packets, dropped, .. } = &mut message {
            if !self.try_waiting() {
                self.count_lost(packets.len());
                return;
            }
            *dropped = std::mem::take(&mut self.tap_dropped);
            if let Err(TrySendError::Full(TapMessage::Packets { packets, dropped, .. })) =
                self.tap.try_send(message)
            {
                self.tap_dropped = dropped;
                self.count_lost(packets.len());
            }
            return;
        }
        if self.tap_waiting.len() < TAP_WAITING_MAX {
            self.tap_waiting.push_back(message);
        } else {
            self.count_lost(1);
        }
        self.try_waiting();
    }

    fn count_lost(&mut self, n: usize) {
        self.tap_dropped += n as u64;
        self.core.counters.dropped_tap += n as u64;
    }

    /// Sends what waits for the recorder. Returns whether nothing waits any more.
    fn try_waiting(&mut self) -> bool {
        while let Some(message) = self.tap_waiting.pop_front() {
            match self.tap.try_send(message) {
                Err(TrySendError::Full(message)) => {
                    self.tap_waiting.push_front(message);
                    return false;
                }
                // No recorder any more: there is nobody to tell.
                Ok(()) | Err(TrySendError::Closed(_)) => {}
            }
        }
        true
    }
}

#[cfg(test)]
mod tests;
