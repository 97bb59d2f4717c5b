//! The packets that went out over trunks lately, so that what one lost is sent again. Nothing is copied: a packet is
//! the datagram that was sent.

use bytes::Bytes;
use rustc_hash::FxHashMap;

use crate::forward::cache::{AUDIO_PACKETS_MAX, VIDEO_PACKETS_MAX};

/// Streams that are remembered; of more, losses are not repaired.
const STREAMS_MAX: usize = 8_192;

/// By its number modulo the length of the ring.
type Ring = Vec<Option<(u16, Bytes)>>;

/// See the file's head.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    streams: FxHashMap<(u32, u8), Ring>,
}

impl Sent {
    /// Remembers a datagram.
    pub(crate) fn keep(&mut self, (track, layer): (u32, u8), is_audio: bool, seq: u16, it: &Bytes) {
        let n = self.streams.len();
        let ring = match self.streams.entry((track, layer)) {
            std::collections::hash_map::Entry::Occupied(ring) => ring.into_mut(),
            std::collections::hash_map::Entry::Vacant(_) if n >= STREAMS_MAX => return,
            std::collections::hash_map::Entry::Vacant(ring) => {
                ring.insert(vec![
                    None;
                    if is_audio { AUDIO_PACKETS_MAX } else { VIDEO_PACKETS_MAX }
                ])
            }
        };
        let at = usize::from(seq) % ring.len();
        ring[at] = Some((seq, it.clone()));
    }

    /// The datagram with the packet `seq`, if it is still here.
    pub(crate) fn get(&self, track: u32, layer: u8, seq: u16) -> Option<&Bytes> {
        let ring = self.streams.get(&(track, layer))?;
        ring[usize::from(seq) % ring.len()].as_ref().filter(|it| it.0 == seq).map(|it| &it.1)
    }

    /// Forgets the streams that nobody takes any more.
    pub(crate) fn retain(&mut self, is_taken: impl Fn(u32, u8) -> bool) {
        self.streams.retain(|&(track, layer), _| is_taken(track, layer));
    }

    /// Streams that go out.
    pub(crate) fn len(&self) -> usize {
        self.streams.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_lately_is_found_until_its_place_is_taken_or_nobody_wants_it() {
        let mut sent = Sent::default();
        for seq in 65_000..65_535 {
            sent.keep((1, 2), false, seq, &Bytes::copy_from_slice(&seq.to_be_bytes()));
        }
        assert_eq!(sent.get(1, 2, 65_534).unwrap()[..], 65_534_u16.to_be_bytes());
        assert!(sent.get(1, 2, 65_001).is_none() && sent.get(1, 1, 65_534).is_none());
        sent.retain(|track, _| track != 1);
        assert!(sent.get(1, 2, 65_534).is_none());
        assert_eq!(sent.len(), 0);
    }
}
