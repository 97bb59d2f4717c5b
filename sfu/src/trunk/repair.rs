//! Packets of the streams that come over one trunk: which are new, which are missing and are to be asked for again,
//! and when a stream has to begin anew with a key frame.

use std::time::Instant;

use rustc_hash::FxHashMap;

use crate::receive::loss::{Loss, Repair as Outcome};
use crate::trunk::frame::{Frame, LOST_MAX};

/// Streams of one trunk of which losses are repaired.
pub const STREAMS_MAX: usize = 8_192;

/// A jump further than this is not a gap but another stream.
const JUMP_MAX: i64 = 4_096;

#[derive(Debug)]
struct Stream {
    newest: u64,
    loss: Loss,
    is_torn: bool,
}

/// The streams of a trunk, by the other end's track number and layer.
#[derive(Debug, Default)]
pub struct Repair {
    streams: FxHashMap<(u32, u8), Stream>,
    lost: Vec<u16>,
    n_lost: u64,
}

impl Repair {
    /// A packet with the number `seq` came. Returns its extended number; `None` if there are too many streams.
    pub fn packet(&mut self, track: u32, layer: u8, seq: u16, now: Instant) -> Option<u64> {
        let known = self.streams.len();
        let stream = match self.streams.entry((track, layer)) {
            std::collections::hash_map::Entry::Occupied(it) => it.into_mut(),
            std::collections::hash_map::Entry::Vacant(_) if known >= STREAMS_MAX => return None,
            std::collections::hash_map::Entry::Vacant(it) => {
                // Far from zero, so that packets from before the first have numbers too.
                let newest = 1 << 16 | u64::from(seq);
                it.insert(Stream { newest, loss: Loss::default(), is_torn: false })
            }
        };
        let ahead = i64::from(seq.wrapping_sub(stream.newest as u16) as i16);
        let extended = stream.newest.checked_add_signed(ahead)?;
        if ahead.abs() > JUMP_MAX {
            stream.loss = Loss::default();
            stream.is_torn = true;
        }
        stream.newest = stream.newest.max(extended);
        stream.is_torn |= stream.loss.packet(extended, now) == Outcome::GivenUp;
        Some(extended)
    }

    /// A track is not announced any more, or a layer of it is not wanted.
    pub fn forget(&mut self, track: u32, layer: u8) {
        self.streams.remove(&(track, layer));
    }

    /// Streams that come.
    pub fn n_streams(&self) -> usize {
        self.streams.len()
    }

    /// Packets asked for again since the trunk began.
    pub fn n_lost(&self) -> u64 {
        self.n_lost
    }

    /// Says what to ask for now: packets, and key frames where packets were given up.
    pub fn due(&mut self, now: Instant, say: &mut dyn FnMut(Frame)) {
        for (&(track, layer), stream) in &mut self.streams {
            self.lost.clear();
            stream.is_torn |= stream.loss.due(now, &mut self.lost) == Outcome::GivenUp;
            self.n_lost += self.lost.len() as u64;
            for seqs in self.lost.chunks(LOST_MAX) {
                say(Frame::Lost { track, layer, seqs: seqs.to_vec() });
            }
            if std::mem::take(&mut stream.is_torn) {
                say(Frame::KeyFrame { track, layer });
            }
        }
    }
}
