//! Takes TCP connections in. One small thread waits until a connection has said which session it wants, and
//! hands it to the shard that has the session: the first letter of a user name fragment says which.

use std::io::{self, Read};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token, Waker};

use super::census::{Census, Ticket, network};
use super::{Opened, address};
use crate::peer::stun;

/// Connections that have not said whose they are.
const OPENING_MAX: usize = 256;

/// Of these, from one network.
const OPENING_PER_NETWORK_MAX: usize = 32;

/// How long a connection may take to say it.
const OPENING_WAIT: Duration = Duration::from_secs(5);

/// How often overdue ones are looked for, and how soon a refused `accept` is tried again.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// Connections taken in before those that are there get their turn.
const ACCEPTS_MAX: usize = 64;

const LISTENER: Token = Token(OPENING_MAX);
const STOP: Token = Token(OPENING_MAX + 1);

struct Opening {
    stream: mio::net::TcpStream,
    far_end: SocketAddr,
    bytes: Vec<u8>,
    since: Instant,
    ticket: Ticket,
}

/// What a connection's bytes say.
enum Said {
    TooLittle,
    Nonsense,
    Wants(usize),
}

/// The listener and those who stand at the door.
pub(crate) struct Acceptor {
    listener: mio::net::TcpListener,
    poll: Poll,
    stop: Arc<Waker>,
    census: Arc<Census>,
    opening: Vec<Option<Opening>>,
    last_serial: u32,
    /// When connections are to be taken in that nothing announces again.
    retry: Option<Duration>,
}

/// Ends an acceptor.
#[derive(Clone)]
pub(crate) struct Stopper(Arc<Waker>);

impl Stopper {
    /// The acceptor's loop ends.
    pub(crate) fn stop(&self) {
        if let Err(err) = self.0.wake() {
            tracing::debug!(%err, "the acceptor has ended already");
        }
    }
}

impl Acceptor {
    /// Gets ready; [`Self::run`] does the work.
    pub(crate) fn new(listener: TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let mut listener = mio::net::TcpListener::from_std(listener);
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let stop = Arc::new(Waker::new(poll.registry(), STOP)?);
        let opening = (0..OPENING_MAX).map(|_| None).collect();
        let census = Census::new();
        Ok(Self { listener, poll, stop, census, opening, last_serial: 0, retry: None })
    }

    /// The way to end it.
    pub(crate) fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.stop))
    }

    /// Hands connections to `give` with the number of their shard, until it is stopped.
    #[expect(clippy::disallowed_methods, reason = "this is a shell with its own clock")]
    pub(crate) fn run(mut self, mut give: impl FnMut(usize, Opened)) {
        let mut events = Events::with_capacity(64);
        loop {
            let is_waited_for = self.opening.iter().any(Option::is_some);
            let timeout = self.retry.or_else(|| is_waited_for.then_some(SWEEP_INTERVAL));
            if let Err(err) = self.poll.poll(&mut events, timeout)
                && err.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%err, "no more media over TCP");
                return;
            }
            let now = Instant::now();
            let mut accepts = self.retry.is_some();
            for event in &events {
                match event.token() {
                    STOP => return,
                    LISTENER => accepts = true,
                    Token(index) => self.listen_to(index, &mut give),
                }
            }
            if accepts {
                self.accept(now, &mut give);
            }
            for place in &mut self.opening {
                let age = |it: &Opening| now.saturating_duration_since(it.since);
                place.take_if(|it| age(it) >= OPENING_WAIT);
            }
        }
    }

    fn accept(&mut self, now: Instant, give: &mut impl FnMut(usize, Opened)) {
        self.retry = None;
        for _ in 0..ACCEPTS_MAX {
            let (mut stream, far_end) = match self.listener.accept() {
                Ok(accepted) => accepted,
                Err(err) if err.kind() == io::ErrorKind::WouldBlock => return,
                Err(err) => {
                    tracing::debug!(%err, "a connection was not taken in");
                    self.retry = Some(SWEEP_INTERVAL);
                    return;
                }
            };
            // Whoever finds no place is closed at once.
            let Some((index, ticket)) = self.place(far_end) else { continue };
            let is_ready = stream.set_nodelay(true).is_ok()
                && self
                    .poll
                    .registry()
                    .register(&mut stream, Token(index), Interest::READABLE)
                    .is_ok();
            if is_ready {
                let bytes = Vec::new();
                self.opening[index] = Some(Opening { stream, far_end, bytes, since: now, ticket });
                self.listen_to(index, give);
            }
        }
        // There may be more.
        self.retry = Some(Duration::ZERO);
    }

    fn place(&self, far_end: SocketAddr) -> Option<(usize, Ticket)> {
        let from = network(far_end.ip());
        let is_neighbour = |it: &&Opening| network(it.far_end.ip()) == from;
        let n = self.opening.iter().flatten().filter(is_neighbour).count();
        let free = self.opening.iter().position(Option::is_none)?;
        if n >= OPENING_PER_NETWORK_MAX {
            return None;
        }
        Some((free, self.census.admit(far_end.ip())?))
    }

    fn listen_to(&mut self, index: usize, give: &mut impl FnMut(usize, Opened)) {
        let Some(Some(opening)) = self.opening.get_mut(index) else { return };
        let said = read_request(opening);
        if matches!(said, Said::TooLittle) {
            return;
        }
        let Some(mut opening) = self.opening[index].take() else { return };
        if self.poll.registry().deregister(&mut opening.stream).is_err() {
            return;
        }
        if let Said::Wants(shard) = said {
            self.last_serial = self.last_serial.wrapping_add(1);
            let Opening { stream, far_end, mut bytes, ticket, .. } = opening;
            let first = bytes.split_off(2);
            let address = address(far_end, self.last_serial);
            give(shard, Opened { stream, address, first, ticket });
        }
    }
}

/// Reads no further than the first datagram: what follows is for the shard.
fn read_request(opening: &mut Opening) -> Said {
    loop {
        let wanted = match opening.bytes[..] {
            [high, low, ..] => 2 + usize::from(u16::from_be_bytes([high, low])),
            _ => 2,
        };
        if wanted > 2 + stun::REQUEST_BYTES_MAX {
            return Said::Nonsense;
        }
        let have = opening.bytes.len();
        if have > 2 && have == wanted {
            let ufrag = stun::ufrag(&opening.bytes[2..]);
            return ufrag.and_then(stun::shard_of).map_or(Said::Nonsense, Said::Wants);
        }
        if have == wanted && have == 2 && opening.bytes == [0, 0] {
            return Said::Nonsense;
        }
        let mut bytes = [0; 2 + stun::REQUEST_BYTES_MAX];
        match opening.stream.read(&mut bytes[have..wanted]) {
            Ok(0) => return Said::Nonsense,
            Ok(n) => opening.bytes.extend_from_slice(&bytes[have..have + n]),
            Err(err) if err.kind() == io::ErrorKind::WouldBlock => return Said::TooLittle,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Said::Nonsense,
        }
    }
}
