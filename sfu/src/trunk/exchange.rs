//! What crosses between a shard and the thread that carries the node's trunks.

use protocol::media::TrackKey;

use crate::trunk::LayerSet;
use crate::trunk::frame::About;

/// Bytes of packets that one wake-up hands over at most; what is beyond is lost, as on a network.
const BUNDLE_BYTES_MAX: usize = 1024 * 1024;

/// Where one packet of a bundle belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The relay's number of its track.
    pub(crate) track: u32,
    pub(crate) layer: u8,
    /// Extended sequence number; the carrier of trunks needs none.
    pub(crate) seq: u64,
    len: usize,
}

/// Packets of several streams.
#[derive(Debug, Default)]
pub(crate) struct Bundle {
    bytes: Vec<u8>,
    places: Vec<Place>,
}

impl Bundle {
    /// Adds a packet; `false` if there is no room for it.
    pub(crate) fn push(&mut self, track: u32, layer: u8, seq: u64, packet: &[u8]) -> bool {
        let fits = self.bytes.len() + packet.len() <= BUNDLE_BYTES_MAX;
        if fits {
            self.bytes.extend_from_slice(packet);
            self.places.push(Place { track, layer, seq, len: packet.len() });
        }
        fits
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// The packets, in the order in which they were put in.
    pub(crate) fn packets(&self) -> impl Iterator<Item = (Place, &[u8])> {
        let mut rest = &self.bytes[..];
        self.places.iter().map(move |place| {
            let (packet, tail) = rest.split_at(place.len);
            rest = tail;
            (*place, packet)
        })
    }
}

/// What a shard says.
#[derive(Debug)]
pub(crate) enum FromShard {
    /// It has this room, or has it no more.
    Room { shard: usize, room: String, is_here: bool },
    /// Somebody publishes here.
    Publish { room: String, about: Box<About> },
    /// A track that was published here is over.
    Unpublish { room: String, key: TrackKey },
    /// These layers of a track that comes over a trunk are wanted here.
    Watch { track: u32, layers: LayerSet },
    /// Somebody here needs a key frame of a track that comes over a trunk.
    KeyFrame { track: u32, layer: u8 },
    /// The clock of a stream that is published here.
    Clock { track: u32, layer: u8, rtp: u32, unix_us: i64 },
    /// Packets that others want.
    Packets(Bundle),
}

/// What a shard is told.
#[derive(Debug)]
pub(crate) enum FromTrunks {
    /// A track of a room can be had over a trunk, or has changed.
    Began { room: String, track: u32, about: Box<About> },
    /// It cannot any more.
    Ended { room: String, track: u32, key: TrackKey },
    /// Others want these layers of a track that is published here.
    Wanted { room: String, track: u32, key: TrackKey, layers: LayerSet },
    /// Others need a key frame of it.
    KeyFrame { room: String, key: TrackKey, layer: u8 },
    /// The clock of a stream.
    Clock { room: String, key: TrackKey, layer: u8, rtp: u32, unix_us: i64 },
    /// Packets of tracks of one room.
    Packets { room: String, bundle: Bundle },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_gives_back_what_was_put_in_and_has_a_limit() {
        let mut bundle = Bundle::default();
        assert!(bundle.is_empty());
        assert!(bundle.push(7, 2, 70_000, &[1, 2, 3]) && bundle.push(8, 0, 1, &[4]));
        let found: Vec<_> = bundle.packets().map(|(at, it)| (at.track, at.seq, it)).collect();
        assert_eq!(found, [(7, 70_000, &[1, 2, 3][..]), (8, 1, &[4][..])]);
        let large = vec![0; 1_000];
        let n = (0..2_000).filter(|_| bundle.push(1, 1, 1, &large)).count();
        assert_eq!((n, bundle.len()), (BUNDLE_BYTES_MAX / 1_000, n + 2));
    }
}
