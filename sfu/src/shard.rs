//! Threads that share nothing. Each has a core, a socket on the one public port, and its rooms; the kernel
//! spreads the senders' addresses over the sockets. What arrives at another shard than the one that owns its
//! session crosses over as a message, a whole wake-up's datagrams at a time.

use std::collections::HashMap;
use std::net::SocketAddr;

use protocol::control::MediaCommand;

use crate::tcp::Opened;
use crate::trunk::exchange::FromTrunks;

/// Most shards of a node.
pub(crate) const SHARDS_MAX: usize = 64;

/// Bytes that one wake-up may hand to another shard; what is beyond is thrown away and counted.
const PARCEL_BYTES_MAX: usize = 512 * 1024;

/// Senders whose sessions live at other shards.
const ELSEWHERE_MAX: usize = 65_536;

/// Senders that are asking to be let in at other shards, remembered at once.
const ASKING_MAX: usize = 256;

/// Where an asking sender is remembered. Two at one place take turns: the loser's handshake is repeated.
fn place(from: SocketAddr) -> usize {
    usize::from(from.port()) % ASKING_MAX
}

/// Datagrams on their way to the shard that owns their sessions.
#[derive(Debug, Default)]
pub(crate) struct Parcel {
    /// The shard at which they arrived.
    pub(crate) via: usize,
    bytes: Vec<u8>,
    datagrams: Vec<(SocketAddr, usize)>,
}

impl Parcel {
    /// Adds a datagram; `false` if the parcel is full.
    pub(crate) fn push(&mut self, from: SocketAddr, datagram: &[u8]) -> bool {
        let fits = self.bytes.len() + datagram.len() <= PARCEL_BYTES_MAX;
        if fits {
            self.bytes.extend_from_slice(datagram);
            self.datagrams.push((from, datagram.len()));
        }
        fits
    }

    /// Whether datagrams of `n` bytes fit.
    pub(crate) fn has_room(&self, n: usize) -> bool {
        self.bytes.len() + n <= PARCEL_BYTES_MAX
    }

    /// Forgets the datagrams; keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.datagrams.clear();
    }

    /// The datagrams, in the order of arrival.
    pub(crate) fn datagrams(&mut self) -> impl Iterator<Item = (SocketAddr, &mut [u8])> {
        let mut rest = &mut self.bytes[..];
        self.datagrams.iter().map(move |&(from, len)| {
            let (first, tail) = std::mem::take(&mut rest).split_at_mut(len);
            rest = tail;
            (from, first)
        })
    }
}

/// What one shard says to another.
#[derive(Debug)]
pub(crate) enum ToShard {
    /// A command of the control plane.
    Command(MediaCommand),
    /// There will be no more commands.
    Stop,
    /// A TCP connection for a session here.
    Connection(Box<Opened>),
    /// Datagrams for sessions here.
    Datagrams(Parcel),
    /// An empty parcel comes home.
    Empty(Parcel),
    /// What comes from this address belongs to that shard, or to nobody any more.
    Owner(SocketAddr, Option<usize>),
    /// What the carrier of trunks says.
    Trunks(Box<FromTrunks>),
}

impl ToShard {
    /// Datagrams that are lost if this is.
    pub(crate) fn n_datagrams(&self) -> u64 {
        match self {
            Self::Datagrams(parcel) => parcel.datagrams.len() as u64,
            Self::Command(_)
            | Self::Stop
            | Self::Connection(_)
            | Self::Empty(_)
            | Self::Owner(..)
            | Self::Trunks(_) => 0,
        }
    }
}

/// The other shards, as one core sees them.
#[derive(Debug)]
pub(crate) struct Neighbours {
    /// This shard's number.
    pub(crate) here: usize,
    n: usize,
    elsewhere: HashMap<SocketAddr, usize>,
    /// Where binding requests were handed on to just now. What follows them (the first flight of DTLS) goes
    /// the same way before the owner has said that the address is its own. Older ones are overwritten.
    asking: [Option<(SocketAddr, usize)>; ASKING_MAX],
    /// What waits for each shard.
    parcels: Vec<Parcel>,
    /// Memory of parcels that came home.
    spare: Vec<Parcel>,
    /// What has to be said besides.
    news: Vec<(usize, ToShard)>,
}

impl Neighbours {
    /// Shard number `here` of `n`.
    pub(crate) fn new(here: usize, n: usize) -> Self {
        Self {
            here,
            n,
            elsewhere: HashMap::new(),
            asking: [None; ASKING_MAX],
            parcels: (0..n).map(|_| Parcel { via: here, ..Parcel::default() }).collect(),
            spare: Vec::new(),
            news: Vec::new(),
        }
    }

    /// The shard that owns the sessions whose user name fragments begin with `letter`.
    pub(crate) fn of_letter(&self, letter: Option<usize>) -> Option<usize> {
        letter.filter(|it| *it < self.n && *it != self.here)
    }

    /// The shard that owns the sessions of an address, or may soon.
    pub(crate) fn of_address(&self, from: SocketAddr) -> Option<usize> {
        let asking = || self.asking[place(from)].filter(|(it, _)| *it == from);
        self.elsewhere.get(&from).copied().or_else(|| Some(asking()?.1))
    }

    /// Hands a binding request on; `false` if there was no room for it.
    pub(crate) fn hand_on_request(&mut self, to: usize, from: SocketAddr, datagram: &[u8]) -> bool {
        // Strangers may fill half a parcel: the rest is for those who are known.
        let has_room = |it: &Parcel| it.has_room(PARCEL_BYTES_MAX / 2 + datagram.len());
        if !self.parcels.get(to).is_some_and(has_room) {
            return false;
        }
        self.asking[place(from)] = Some((from, to));
        self.hand_on(to, from, datagram)
    }

    /// Hands a datagram on; `false` if there was no room for it.
    pub(crate) fn hand_on(&mut self, to: usize, from: SocketAddr, datagram: &[u8]) -> bool {
        self.parcels.get_mut(to).is_some_and(|parcel| parcel.push(from, datagram))
    }

    /// Tells the shard where an address arrives that it belongs here, or to nobody any more.
    pub(crate) fn tell_owner(&mut self, via: usize, address: SocketAddr, is_here: bool) {
        self.news.push((via, ToShard::Owner(address, is_here.then_some(self.here))));
    }

    /// Takes a word of another shard about an address.
    pub(crate) fn set_owner(&mut self, address: SocketAddr, owner: Option<usize>) {
        match owner {
            Some(owner) if self.elsewhere.len() < ELSEWHERE_MAX => {
                self.elsewhere.insert(address, owner);
            }
            // Beyond the limit its packets are thrown away: the browser does not connect.
            Some(_) => {}
            None => {
                self.elsewhere.remove(&address);
            }
        }
    }

    /// Takes back an empty parcel.
    pub(crate) fn take_back(&mut self, mut parcel: Parcel) {
        if self.spare.len() < 2 * self.n {
            parcel.clear();
            self.spare.push(parcel);
        }
    }

    /// The next thing to say to another shard.
    pub(crate) fn poll(&mut self) -> Option<(usize, ToShard)> {
        if let Some(news) = self.news.pop() {
            return Some(news);
        }
        let to = self.parcels.iter().position(|parcel| !parcel.datagrams.is_empty())?;
        let empty =
            self.spare.pop().unwrap_or_else(|| Parcel { via: self.here, ..Parcel::default() });
        Some((to, ToShard::Datagrams(std::mem::replace(&mut self.parcels[to], empty))))
    }
}

/// Which shard has which room: the one with the fewest sessions when the room was made.
#[derive(Debug, Default)]
pub(crate) struct Placement {
    rooms: HashMap<String, usize>,
}

impl Placement {
    /// The shard that a command is for; `None`: all, because only the shard itself knows whose session it is.
    /// `loads` has the number of sessions at each shard.
    pub(crate) fn of(&mut self, command: &MediaCommand, loads: &[u64]) -> Option<usize> {
        match command {
            MediaCommand::SetRoom(state) => Some(self.of_room(&state.room, loads)),
            MediaCommand::FlushSpeech { room }
            | MediaCommand::Inspect { room, .. }
            | MediaCommand::TakeSnapshots { room, .. }
            | MediaCommand::Trace { room, .. } => Some(self.of_room(room, loads)),
            MediaCommand::Offer(offer) => Some(self.of_room(&offer.room, loads)),
            MediaCommand::CloseRoom { room } => {
                let shard = self.of_room(room, loads);
                self.rooms.remove(room);
                Some(shard)
            }
            MediaCommand::SetWants { .. } | MediaCommand::CloseSession { .. } => None,
        }
    }

    fn of_room(&mut self, room: &str, loads: &[u64]) -> usize {
        if let Some(&shard) = self.rooms.get(room) {
            return shard;
        }
        let rooms_at = |shard: usize| self.rooms.values().filter(|it| **it == shard).count();
        let load = |shard: &usize| (loads[*shard], rooms_at(*shard));
        let shard = (0..loads.len()).min_by_key(load).unwrap_or(0);
        // Commands come from the control plane, which knows its own limit of rooms.
        self.rooms.insert(room.to_owned(), shard);
        shard
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::control::RoomMedia;

    fn set(room: &str) -> MediaCommand {
        MediaCommand::SetRoom(RoomMedia { room: room.to_owned(), ..RoomMedia::default() })
    }

    #[test]
    fn a_room_goes_to_the_emptiest_shard_and_stays_there() {
        let mut placement = Placement::default();
        assert_eq!(placement.of(&set("a"), &[5, 2, 2]), Some(1));
        assert_eq!(placement.of(&set("b"), &[5, 2, 2]), Some(2), "of two alike, with fewer rooms");
        assert_eq!(placement.of(&set("a"), &[0, 90, 0]), Some(1));
        placement.of(&MediaCommand::CloseRoom { room: "a".to_owned() }, &[0, 90, 0]);
        assert_eq!(placement.of(&set("a"), &[0, 90, 0]), Some(0));
    }

    #[test]
    fn a_parcel_gives_back_what_was_put_in_and_has_a_limit() {
        let mut neighbours = Neighbours::new(0, 2);
        let from = SocketAddr::from(([10, 0, 0, 1], 9));
        assert!(neighbours.poll().is_none());
        assert!(neighbours.hand_on(1, from, &[1, 2, 3]) && neighbours.hand_on(1, from, &[4]));
        let Some((1, ToShard::Datagrams(mut parcel))) = neighbours.poll() else { panic!() };
        let found: Vec<Vec<u8>> = parcel.datagrams().map(|(_, it)| it.to_vec()).collect();
        assert_eq!(found, [vec![1, 2, 3], vec![4]]);
        let large = vec![0; 2_000];
        let n = (0..1_000).filter(|_| neighbours.hand_on(1, from, &large)).count();
        assert_eq!(n, PARCEL_BYTES_MAX / large.len());
    }

    #[test]
    fn an_address_is_known_until_its_owner_lets_it_go() {
        let mut neighbours = Neighbours::new(1, 3);
        let from = SocketAddr::from(([10, 0, 0, 1], 9));
        neighbours.set_owner(from, Some(2));
        assert_eq!(neighbours.of_address(from), Some(2));
        neighbours.set_owner(from, None);
        assert_eq!(neighbours.of_address(from), None);
        assert!(neighbours.hand_on_request(0, from, &[0]));
        assert_eq!(neighbours.of_address(from), Some(0), "what follows goes the same way");
        assert_eq!(neighbours.of_letter(Some(1)), None, "that is here");
        assert_eq!(neighbours.of_letter(Some(3)), None, "there is none");
    }
}
