//! Media over TCP, for networks that let no UDP through: passive ICE candidates (RFC 6544), each datagram
//! behind its length (RFC 4571). The core knows a connection by an address that no UDP sender can have, so
//! UDP pays nothing for it. A slow connection loses media packets and holds nobody up.

mod acceptor;
mod census;

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};
use rustc_hash::FxHashMap;

pub(crate) use acceptor::{Acceptor, Stopper};
use census::Ticket;
pub(crate) use census::network;

use crate::outbox::Outbox;
use crate::shard::Parcel;

/// Marks an address as that of a TCP connection, in a field that the kernel leaves at 0 for UDP and that
/// holds 28 bits in IPv6.
const TCP_MARK: u32 = 0x8000_0000;

/// Largest datagram that a connection may carry; browsers keep to 1,500. A larger one ends it.
const FRAME_BYTES_MAX: usize = 2_048;

/// Bytes that wait for a slow connection: half a second of 2 Mbit/s. Media beyond that is thrown away.
const WAITING_BYTES_MAX: usize = 128 * 1024;

/// What else may wait, so that a full connection still gets checks and handshakes.
const WAITING_CONTROL_BYTES: usize = 16 * 1024;

/// Memory for waiting bytes that a connection keeps.
const WAITING_KEPT_BYTES: usize = 16 * 1024;

/// Bytes read at once.
const READ_BYTES: usize = 64 * 1024;

/// Reads of one connection before others get their turn.
const READS_MAX: usize = 2;

/// Connections that are looked at in one wake-up.
const EVENTS_MAX: usize = 256;

/// A connection without an authenticated check, or whose session is gone, is closed after so long.
const STRANGER_WAIT: Duration = Duration::from_secs(10);

/// How the core calls a connection: its far end, and a number that no other connection had.
pub(crate) fn address(far_end: SocketAddr, serial: u32) -> SocketAddr {
    let ip = match far_end.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    SocketAddrV6::new(ip, far_end.port(), TCP_MARK, serial).into()
}

/// Whether an address is that of a connection.
pub(crate) fn is_tcp(address: SocketAddr) -> bool {
    matches!(address, SocketAddr::V6(it) if it.flowinfo() == TCP_MARK)
}

/// A connection whose first datagram says which session it wants.
#[derive(Debug)]
pub(crate) struct Opened {
    stream: mio::net::TcpStream,
    pub(crate) address: SocketAddr,
    /// The first datagram, a binding request.
    pub(crate) first: Vec<u8>,
    ticket: Ticket,
}

#[derive(Debug)]
struct Connection {
    stream: mio::net::TcpStream,
    address: SocketAddr,
    /// The beginning of a datagram, with its length.
    partial: Vec<u8>,
    /// What the kernel has not taken yet, and how much of it it has.
    waiting: Vec<u8>,
    n_written: usize,
    /// When the core last knew it.
    known: Instant,
    /// Its place in the count of connections.
    _ticket: Ticket,
}

/// The connection is over: closed, broken, or talking nonsense.
struct Over;

/// Cuts `bytes` into datagrams. Returns how many bytes were used.
fn cut(bytes: &[u8], mut take: impl FnMut(&[u8])) -> Result<usize, Over> {
    let mut at = 0;
    while let Some(head) = bytes.get(at..at + 2) {
        let len = usize::from(u16::from_be_bytes([head[0], head[1]]));
        if len == 0 || len > FRAME_BYTES_MAX {
            return Err(Over);
        }
        let Some(frame) = bytes.get(at + 2..at + 2 + len) else { break };
        take(frame);
        at += 2 + len;
    }
    Ok(at)
}

/// The datagrams of a stream and how many bytes they used; `None` where it is to be closed.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn datagrams(bytes: &[u8]) -> Option<(Vec<Vec<u8>>, usize)> {
    let mut found = Vec::new();
    let used = cut(bytes, |datagram| found.push(datagram.to_vec())).ok()?;
    Some((found, used))
}

impl Connection {
    /// Reads datagrams into `parcel`. Returns whether there may be more.
    fn read(&mut self, scratch: &mut [u8], parcel: &mut Parcel) -> Result<bool, Over> {
        for _ in 0..READS_MAX {
            if !parcel.has_room(READ_BYTES) {
                return Ok(true);
            }
            let n_before = self.partial.len();
            scratch[..n_before].copy_from_slice(&self.partial);
            let n = match self.stream.read(&mut scratch[n_before..]) {
                Ok(0) => return Err(Over),
                Ok(n) => n,
                Err(err) if err.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(err) if err.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return Err(Over),
            };
            let read = &scratch[..n_before + n];
            let used = cut(read, |frame| {
                // There is room for all that is read at once.
                parcel.push(self.address, frame);
            })?;
            self.partial.clear();
            self.partial.extend_from_slice(&read[used..]);
        }
        Ok(true)
    }

    /// Queues a datagram; `false` if it is thrown away.
    fn push(&mut self, datagram: &[u8]) -> bool {
        // RFC 7983: below 64 are checks and handshakes.
        let is_media = datagram.first().is_some_and(|byte| *byte > 63);
        let limit = WAITING_BYTES_MAX + if is_media { 0 } else { WAITING_CONTROL_BYTES };
        let Ok(len) = u16::try_from(datagram.len()) else { return false };
        if self.waiting.len() - self.n_written + datagram.len() + 2 > limit {
            return false;
        }
        if self.n_written >= WAITING_BYTES_MAX {
            self.waiting.drain(..self.n_written);
            self.n_written = 0;
        }
        self.waiting.extend_from_slice(&len.to_be_bytes());
        self.waiting.extend_from_slice(datagram);
        true
    }

    /// Gives the kernel what it takes.
    fn flush(&mut self) -> Result<(), Over> {
        while self.n_written < self.waiting.len() {
            match self.stream.write(&self.waiting[self.n_written..]) {
                Ok(0) => return Err(Over),
                Ok(n) => self.n_written += n,
                Err(err) if err.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(Over),
            }
        }
        self.waiting.clear();
        self.waiting.shrink_to(WAITING_KEPT_BYTES);
        self.n_written = 0;
        Ok(())
    }
}

/// The connections of one shard.
pub(crate) struct Connections {
    poll: Poll,
    events: Events,
    slots: Vec<Option<Connection>>,
    by_address: FxHashMap<SocketAddr, usize>,
    /// Connections that may have more to read.
    unread: Vec<usize>,
    /// Connections that were given something to write.
    unwritten: Vec<usize>,
    /// Those that are over.
    gone: Vec<SocketAddr>,
    scratch: Vec<u8>,
}

impl Connections {
    /// None yet.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(EVENTS_MAX),
            slots: Vec::new(),
            by_address: FxHashMap::default(),
            unread: Vec::new(),
            unwritten: Vec::new(),
            gone: Vec::new(),
            scratch: Vec::new(),
        })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.by_address.len()
    }

    /// What to wait for; `None` while there are no connections.
    pub(crate) fn descriptor(&self) -> Option<RawFd> {
        (!self.by_address.is_empty()).then(|| self.poll.as_raw_fd())
    }

    /// There is something to read that nothing will announce again.
    pub(crate) fn is_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    /// Takes a connection over. Its first datagram is the caller's to handle.
    pub(crate) fn adopt(&mut self, opened: Opened, now: Instant) {
        let Opened { mut stream, address, ticket, .. } = opened;
        let free = self.slots.iter().position(Option::is_none).unwrap_or(self.slots.len());
        let interests = Interest::READABLE | Interest::WRITABLE;
        if let Err(err) = self.poll.registry().register(&mut stream, Token(free), interests) {
            tracing::warn!(%err, "a TCP connection cannot be waited for");
            return;
        }
        let connection = Connection {
            stream,
            address,
            partial: Vec::new(),
            waiting: Vec::new(),
            n_written: 0,
            known: now,
            _ticket: ticket,
        };
        if free == self.slots.len() {
            self.slots.push(None);
        }
        self.slots[free] = Some(connection);
        self.by_address.insert(address, free);
        self.scratch.resize(READ_BYTES + FRAME_BYTES_MAX + 2, 0);
    }

    /// Reads what has come into `parcel`, as far as it has room, and writes what waits.
    pub(crate) fn receive(&mut self, parcel: &mut Parcel) {
        if self.by_address.is_empty() {
            return;
        }
        if let Err(err) = self.poll.poll(&mut self.events, Some(Duration::ZERO)) {
            // Interrupted: the next wake-up sees the same.
            tracing::debug!(%err, "connections were not looked at");
            return;
        }
        let mut unread = std::mem::take(&mut self.unread);
        for event in &self.events {
            let Token(index) = event.token();
            if event.is_writable() {
                self.unwritten.push(index);
            }
            if !unread.contains(&index) {
                unread.push(index);
            }
        }
        for index in unread {
            let Some(Some(connection)) = self.slots.get_mut(index) else { continue };
            match connection.read(&mut self.scratch, parcel) {
                Ok(true) => self.unread.push(index),
                Ok(false) => {}
                Err(Over) => self.close(index),
            }
        }
        self.flush();
    }

    /// Takes out of `outbox` what belongs to connections. Returns how many datagrams were thrown away.
    pub(crate) fn send(&mut self, outbox: &mut Outbox) -> u64 {
        if !std::mem::take(&mut outbox.has_tcp) {
            return 0;
        }
        let mut n_lost = 0;
        for run in outbox.runs.iter().filter(|run| is_tcp(run.to)) {
            let index = self.by_address.get(&run.to).copied();
            let found = index.and_then(|index| Some((index, self.slots.get_mut(index)?.as_mut()?)));
            let Some((index, connection)) = found else {
                n_lost += run.n as u64;
                continue;
            };
            for single in run.singles() {
                n_lost += u64::from(!connection.push(&outbox.bytes[single.start..single.end]));
            }
            if self.unwritten.last() != Some(&index) {
                self.unwritten.push(index);
            }
        }
        outbox.runs.retain(|run| !is_tcp(run.to));
        self.flush();
        n_lost
    }

    fn flush(&mut self) {
        while let Some(index) = self.unwritten.pop() {
            let Some(Some(connection)) = self.slots.get_mut(index) else { continue };
            if connection.flush().is_err() {
                self.close(index);
            }
        }
    }

    fn close(&mut self, index: usize) {
        if let Some(connection) = self.slots.get_mut(index).and_then(Option::take) {
            self.by_address.remove(&connection.address);
            self.gone.push(connection.address);
        }
    }

    /// The address of a connection that is over, once.
    pub(crate) fn poll_gone(&mut self) -> Option<SocketAddr> {
        self.gone.pop()
    }

    /// Closes those that the core does not know.
    pub(crate) fn sweep(&mut self, now: Instant, is_known: impl Fn(SocketAddr) -> bool) {
        for index in 0..self.slots.len() {
            let Some(Some(connection)) = self.slots.get_mut(index) else { continue };
            if is_known(connection.address) {
                connection.known = now;
            } else if now.saturating_duration_since(connection.known) >= STRANGER_WAIT {
                self.close(index);
            }
        }
    }
}

#[cfg(test)]
mod tests;
