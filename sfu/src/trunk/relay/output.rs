//! What the relay asks its node to do.

use crate::trunk::LayerSet;
use crate::trunk::frame::{About, Frame};
use crate::trunk::relay::TrunkIndex;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Say this on a trunk.
    Say(TrunkIndex, Frame),
    /// A track of a room that is here can be had, or has changed.
    Began {
        /// The room's name.
        room: String,
        /// Its number.
        track: u32,
        /// What it is.
        about: Box<About>,
    },
    /// It cannot be had any more. Said of tracks that came over trunks, and of those of publishers who have come
    /// in elsewhere.
    Ended {
        /// Its number.
        track: u32,
    },
    /// These layers of a track that is published here are wanted by others.
    Wanted {
        /// Its number.
        track: u32,
        /// Which.
        layers: LayerSet,
    },
    /// Somebody beyond needs a key frame of a track that is published here.
    KeyFrame {
        /// Its number.
        track: u32,
        /// Which layer.
        layer: u8,
    },
    /// Send packets again, as far as they are still there.
    Again {
        /// To whom.
        trunk: TrunkIndex,
        /// Our number of the track.
        track: u32,
        /// Which layer.
        layer: u8,
        /// The packets' numbers.
        seqs: Vec<u16>,
    },
    /// A stream's clock.
    Clock {
        /// Our number of the track.
        track: u32,
        /// Which layer.
        layer: u8,
        /// RTP time.
        rtp: u32,
        /// The same moment, µs since 1970.
        unix_us: i64,
    },
}
