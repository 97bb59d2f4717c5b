//! Single pictures of all cameras of a room, for the control desk's overview: the last key frame of each camera's
//! lowest layer, out of the packets that are kept anyway. A key frame of VP8 is the content of a lossy WebP
//! picture, so nothing is decoded here.

use std::time::Duration;

use protocol::control::{CameraPicture, MediaEvent};
use protocol::id::RequestId;
use protocol::media::Source;
use protocol::time::Timestamp;

use crate::clock::Now;
use crate::codec::Codec;
use crate::core::Core;
use crate::forward::cache::Cache;
use crate::room::{REMOTE, Track};

/// A camera is asked for a picture this often, while somebody looks at the overview. Longer, and the technician
/// looks at the past; shorter, and 3,321 pictures of 4 KB need more than a line of 25 Mbit/s.
const PICTURE_EVERY: Duration = Duration::from_secs(10);

/// Cameras asked at one time, so that a country's do not answer in the same moment.
const ASKS_MAX: usize = 700;

/// Packets of one picture.
const PACKETS_MAX: u64 = 64;

/// A larger picture is left out.
const PICTURE_BYTES_MAX: usize = 64 * 1024;

/// Frame tag, start code and size at the head of a key frame (RFC 6386 §9.1).
const KEY_FRAME_HEAD_BYTES: usize = 10;

impl Core {
    /// Answers with the cameras of a room and their pictures that are newer than `newer_than`, and asks for new
    /// ones where the last is old. Cameras that the room does not let through are among them: whoever asks is
    /// someone who has to see a site before it goes on air.
    pub(super) fn snapshots(
        &mut self,
        request: RequestId,
        room: &str,
        newer_than: Timestamp,
        now: Now,
    ) {
        let mut cameras = Vec::new();
        let mut n_asked = 0;
        let index = self.by_name.get(room).copied();
        let found = index.and_then(|index| self.rooms.get_mut(index)?.as_mut());
        let tracks = found.into_iter().flat_map(|room| room.tracks.iter_mut().flatten());
        // A key frame of another codec is no picture of this kind; cameras of other nodes are shown by those.
        let is_shown = |it: &&mut Track| {
            it.is_live
                && it.session != REMOTE
                && it.key.source == Source::Camera
                && it.codec == Codec::Vp8
        };
        for track in tracks.filter(is_shown) {
            let Some(lowest) = track.lowest_layer(now.at) else { continue };
            let Some(layer) = track.layers[lowest].as_deref_mut() else { continue };
            let last = layer.seen.key_frame;
            let is_old =
                last.is_none_or(|(_, at)| now.unix_us - at >= PICTURE_EVERY.as_micros() as i64);
            if is_old && n_asked < ASKS_MAX {
                layer.key_frames.want();
                n_asked += 1;
            }
            let last = last.map(|(seq, at)| (seq, Timestamp(at / 1_000)));
            let fresh = last.filter(|(_, at)| *at > newer_than);
            let picture = fresh.and_then(|(seq, at)| picture(&layer.cache, seq, at));
            cameras.push((track.key.publisher.clone(), picture));
        }
        self.events.push_back(MediaEvent::Snapshots { request, cameras });
        if let Some(index) = index.filter(|_| n_asked > 0) {
            if let Some(Some(room)) = self.rooms.get_mut(index) {
                room.wants_key_frames = true;
            }
            self.touch(index, false);
        }
    }
}

/// The key frame that begins with packet `first`; `None` if not all of it is here.
fn picture(cache: &Cache, first: u64, at: Timestamp) -> Option<CameraPicture> {
    let timestamp = cache.get(first)?.header.timestamp;
    let mut frame = Vec::new();
    for seq in first..first + PACKETS_MAX {
        let packet = cache.get(seq).filter(|it| it.header.timestamp == timestamp)?;
        frame.extend_from_slice(without_descriptor(packet.payload())?);
        if frame.len() > PICTURE_BYTES_MAX {
            return None;
        }
        if packet.header.marker {
            let (width, height) = size(&frame)?;
            return Some(CameraPicture { at, width, height, webp: webp(&frame) });
        }
    }
    None
}

/// What follows the payload descriptor (RFC 7741 §4.2).
fn without_descriptor(payload: &[u8]) -> Option<&[u8]> {
    let first = *payload.first()?;
    let mut len = 1;
    if first & 0x80 != 0 {
        let bits = *payload.get(1)?;
        len += 1;
        if bits & 0x80 != 0 {
            len += if *payload.get(len)? & 0x80 != 0 { 2 } else { 1 };
        }
        len += usize::from(bits & 0x40 != 0) + usize::from(bits & 0x30 != 0);
    }
    payload.get(len..)
}

/// Width and height of a key frame; `None` if it is not one, whatever codec it is of.
fn size(frame: &[u8]) -> Option<(u16, u16)> {
    let head: &[u8; KEY_FRAME_HEAD_BYTES] = frame.first_chunk()?;
    let is_key_frame = head[0] & 1 == 0 && head[3..6] == [0x9d, 0x01, 0x2a];
    let side = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]) & 0x3fff;
    let (width, height) = (side(6), side(8));
    (is_key_frame && width > 0 && height > 0).then_some((width, height))
}

/// A key frame as a picture (RFC 9649 §2.5).
fn webp(frame: &[u8]) -> Vec<u8> {
    let padding = frame.len() % 2;
    let mut out = Vec::with_capacity(20 + frame.len() + padding);
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&((12 + frame.len() + padding) as u32).to_le_bytes());
    out.extend_from_slice(b"WEBPVP8 ");
    out.extend_from_slice(&(frame.len() as u32).to_le_bytes());
    out.extend_from_slice(frame);
    out.resize(out.len() + padding, 0);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_frame_becomes_a_picture_of_its_size() {
        let frame = [0x10, 2, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00, 7];
        assert_eq!(size(&frame), Some((320, 180)));
        let picture = webp(&frame);
        assert_eq!(picture.len() % 2, 0);
        assert_eq!(&picture[8..16], b"WEBPVP8 ");
        assert_eq!(picture[4..8], (picture.len() as u32 - 8).to_le_bytes());
        assert_eq!(picture[16..20], 11u32.to_le_bytes());
        assert_eq!(size(&[0x11; 20]), None, "not a key frame");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fail(payload: Vec<u8>) {
            if let Some(frame) = without_descriptor(&payload) {
                size(frame);
            }
        }
    }
}
