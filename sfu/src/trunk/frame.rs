//! What is said on a trunk's control stream, and how media lies in its datagrams. Numbers are variable-length
//! integers of QUIC (RFC 9000 §16); a frame is its length, its kind and its fields. A datagram is a flow number and an
//! RTP packet (draft-ietf-avtcore-rtp-over-quic). Whatever is not understood is refused: versions are compared first.

use protocol::media::{NAME_BYTES_MAX, Source, TrackKey, is_valid_name};

use crate::trunk::{HOPS_MAX, LAYERS_ALL, LAYERS_MAX, LayerSet};

/// Longest frame after its length, bytes.
pub const FRAME_BYTES_MAX: usize = 1_024;

/// Packets asked for again in one frame.
pub const LOST_MAX: usize = 128;

/// Codecs that a track may have; the number is the place in `Codec`.
pub const CODECS_MAX: u8 = 5;

/// Why bytes are not a frame. The trunk ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Longer than [`FRAME_BYTES_MAX`].
    #[error("frame too long")]
    TooLong,
    /// Its fields end before they should.
    #[error("frame cut short")]
    CutShort,
    /// More bytes than its fields have.
    #[error("frame with more than its fields")]
    Surplus,
    /// A kind that version 1 does not have.
    #[error("frame of unknown kind")]
    Kind,
    /// A field says what it may not say.
    #[error("field out of range")]
    Range,
    /// A name is none.
    #[error("name not allowed")]
    Name,
}

/// Why one end leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It ends, or goes elsewhere.
    Leaving,
    /// It does not speak the other's version.
    Version,
    /// What the other said was not understood or not allowed.
    Frame,
    /// The other's name is not that of its certificate.
    Name,
    /// It carries as much as it may.
    Full,
}

impl Why {
    const ALL: [Self; 5] = [Self::Leaving, Self::Version, Self::Frame, Self::Name, Self::Full];

    /// The number with which the connection is closed (RFC 9000 §19.19).
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// The reason with which the other end has closed; [`Self::Frame`] if it is none of ours.
    pub fn of_code(code: u64) -> Self {
        Self::ALL.into_iter().find(|it| u64::from(it.code()) == code).unwrap_or(Self::Frame)
    }

    /// The word that both logs write.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Leaving => "leaving",
            Self::Version => "version_mismatch",
            Self::Frame => "message_invalid",
            Self::Name => "name_invalid",
            Self::Full => "trunk_full",
        }
    }
}

/// What the other end has to know of a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Whose, and which source.
    pub key: TrackKey,
    /// See [`CODECS_MAX`].
    pub codec: u8,
    /// Payload type of its packets.
    pub payload_type: u8,
    /// Payload type of redundant sound, if it may come.
    pub red: Option<u8>,
    /// Layers that may be wanted.
    pub layers: LayerSet,
    /// Number of the header extension with the level of the sound, 0 for none.
    pub level_id: u8,
    /// Number of the dependency descriptor's header extension, 0 for none.
    pub dependency_id: u8,
    /// Trunks that it has crossed, this one included.
    pub hops: u8,
}

/// What one end of a trunk says to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The first one.
    Hello {
        /// [`crate::trunk::TRUNK_VERSION`] of its program.
        version: u32,
        /// The node's name, as in its certificate.
        name: String,
    },
    /// Child to parent: seats of this room are here or below. Both then say what tracks they know of it.
    Room {
        /// The child's number of it, never used again.
        room: u32,
        /// Its name.
        name: String,
    },
    /// Child to parent: nobody of this room is here or below any more.
    RoomGone {
        /// The child's number of it.
        room: u32,
    },
    /// A track can be had. Said again, it has changed.
    Track {
        /// The child's number of its room.
        room: u32,
        /// The speaker's number of it, never used again; below 2^29.
        track: u32,
        /// What it is.
        about: Box<About>,
    },
    /// It cannot be had any more.
    TrackGone {
        /// Its announcer's number.
        track: u32,
    },
    /// These layers are wanted, and no others.
    Want {
        /// Its announcer's number.
        track: u32,
        /// Which.
        layers: LayerSet,
    },
    /// Somebody cannot go on without a key frame.
    KeyFrame {
        /// Its announcer's number.
        track: u32,
        /// Which layer.
        layer: u8,
    },
    /// Packets that did not come.
    Lost {
        /// Its announcer's number.
        track: u32,
        /// Which layer.
        layer: u8,
        /// Their numbers, at most [`LOST_MAX`].
        seqs: Vec<u16>,
    },
    /// The stream's clock on the wall clock of the node to which its publisher is connected.
    Clock {
        /// Its announcer's number.
        track: u32,
        /// Which layer.
        layer: u8,
        /// RTP time.
        rtp: u32,
        /// The same moment, µs since 1970.
        unix_us: i64,
    },
    /// A sign of life.
    Beat {
        /// Counts up.
        number: u32,
        /// The newest number heard, 0 for none.
        echo: u32,
        /// How long ago that was, µs.
        held_us: u32,
    },
}

/// Largest number of a track: with its layer it makes a flow number that fits in four bytes less two bits.
pub const TRACK_NUMBER_MAX: u32 = (1 << 28) - 1;

/// Appends a variable-length integer; at most 2^62 − 1.
fn put(out: &mut Vec<u8>, value: u64) {
    let bytes = value.to_be_bytes();
    let (prefix, from) = match value {
        0..=0x3f => (0x00, 7),
        0x40..=0x3fff => (0x40, 6),
        0x4000..=0x3fff_ffff => (0x80, 4),
        _ => (0xc0, 0),
    };
    let start = out.len();
    out.extend_from_slice(&bytes[from..]);
    out[start] |= prefix;
}

/// Takes a variable-length integer off the front.
fn take(bytes: &mut &[u8]) -> Result<u64, FrameError> {
    let first = *bytes.first().ok_or(FrameError::CutShort)?;
    let len = 1 << (first >> 6);
    let (head, rest) = bytes.split_at_checked(len).ok_or(FrameError::CutShort)?;
    *bytes = rest;
    let tail = head[1..].iter();
    Ok(tail.fold(u64::from(first & 0x3f), |value, byte| value << 8 | u64::from(*byte)))
}

fn number(bytes: &mut &[u8]) -> Result<u32, FrameError> {
    u32::try_from(take(bytes)?).map_err(|_| FrameError::Range)
}

fn track(bytes: &mut &[u8]) -> Result<u32, FrameError> {
    number(bytes).and_then(|it| within(it, TRACK_NUMBER_MAX))
}

fn within<T: PartialOrd>(value: T, max: T) -> Result<T, FrameError> {
    if value <= max { Ok(value) } else { Err(FrameError::Range) }
}

fn octet(bytes: &mut &[u8], max: u8) -> Result<u8, FrameError> {
    let (&first, rest) = bytes.split_first().ok_or(FrameError::CutShort)?;
    *bytes = rest;
    within(first, max)
}

fn put_name(out: &mut Vec<u8>, name: &str) {
    put(out, name.len() as u64);
    out.extend_from_slice(name.as_bytes());
}

fn name(bytes: &mut &[u8]) -> Result<String, FrameError> {
    let len = within(take(bytes)?, NAME_BYTES_MAX as u64)? as usize;
    let (head, rest) = bytes.split_at_checked(len).ok_or(FrameError::CutShort)?;
    *bytes = rest;
    let text = std::str::from_utf8(head).map_err(|_| FrameError::Name)?;
    if is_valid_name(text) { Ok(text.to_owned()) } else { Err(FrameError::Name) }
}

/// The highest layer.
const LAYER_TOP: u8 = LAYERS_MAX as u8 - 1;

impl About {
    fn write(&self, out: &mut Vec<u8>) {
        put_name(out, &self.key.publisher);
        let source = Source::ALL.iter().position(|it| *it == self.key.source).unwrap_or(0);
        let red = self.red.unwrap_or(0xff);
        let fixed = [source as u8, self.codec, self.payload_type, red, self.layers];
        out.extend_from_slice(&fixed);
        out.extend_from_slice(&[self.level_id, self.dependency_id, self.hops]);
    }

    fn read(bytes: &mut &[u8]) -> Result<Self, FrameError> {
        let publisher = name(bytes)?;
        let source = octet(bytes, Source::ALL.len() as u8 - 1)?;
        Ok(Self {
            key: TrackKey { publisher, source: Source::ALL[usize::from(source)] },
            codec: octet(bytes, CODECS_MAX - 1)?,
            payload_type: octet(bytes, 0x7f)?,
            red: match octet(bytes, 0xff)? {
                0xff => None,
                it => Some(within(it, 0x7f)?),
            },
            layers: match octet(bytes, LAYERS_ALL)? {
                0 => return Err(FrameError::Range),
                it => it,
            },
            level_id: octet(bytes, 0xff)?,
            dependency_id: octet(bytes, 0xff)?,
            hops: match octet(bytes, HOPS_MAX)? {
                0 => return Err(FrameError::Range),
                it => it,
            },
        })
    }
}

impl Frame {
    /// Appends the frame with its length before it.
    pub fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        // Two bytes hold any length up to the limit.
        out.extend_from_slice(&[0x40, 0]);
        self.write_fields(out);
        let len = (out.len() - start - 2) as u16;
        out[start..start + 2].copy_from_slice(&(0x4000 | len).to_be_bytes());
    }

    fn write_fields(&self, out: &mut Vec<u8>) {
        match self {
            Self::Hello { version, name } => {
                out.push(1);
                put(out, u64::from(*version));
                put_name(out, name);
            }
            Self::Room { room, name } => {
                out.push(2);
                put(out, u64::from(*room));
                put_name(out, name);
            }
            Self::RoomGone { room } => {
                out.push(3);
                put(out, u64::from(*room));
            }
            Self::Track { room, track, about } => {
                out.push(4);
                put(out, u64::from(*room));
                put(out, u64::from(*track));
                about.write(out);
            }
            Self::TrackGone { track } => {
                out.push(5);
                put(out, u64::from(*track));
            }
            Self::Want { track, layers } => {
                out.push(6);
                put(out, u64::from(*track));
                out.push(*layers);
            }
            Self::KeyFrame { track, layer } => {
                out.push(7);
                put(out, u64::from(*track));
                out.push(*layer);
            }
            Self::Lost { track, layer, seqs } => {
                out.push(8);
                put(out, u64::from(*track));
                out.push(*layer);
                for seq in seqs.iter().take(LOST_MAX) {
                    out.extend_from_slice(&seq.to_be_bytes());
                }
            }
            Self::Clock { track, layer, rtp, unix_us } => {
                out.push(9);
                put(out, u64::from(*track));
                out.push(*layer);
                out.extend_from_slice(&rtp.to_be_bytes());
                out.extend_from_slice(&unix_us.to_be_bytes());
            }
            Self::Beat { number, echo, held_us } => {
                out.push(10);
                [number, echo, held_us].into_iter().for_each(|it| put(out, u64::from(*it)));
            }
        }
    }

    /// Reads one frame without its length.
    ///
    /// # Errors
    /// See [`FrameError`].
    pub fn read(mut bytes: &[u8]) -> Result<Self, FrameError> {
        if bytes.len() > FRAME_BYTES_MAX {
            return Err(FrameError::TooLong);
        }
        let from = &mut bytes;
        let kind = octet(from, 0xff)?;
        let frame = match kind {
            1 => Self::Hello { version: number(from)?, name: name(from)? },
            2 => Self::Room { room: number(from)?, name: name(from)? },
            3 => Self::RoomGone { room: number(from)? },
            4 => {
                let (room, track) = (number(from)?, track(from)?);
                Self::Track { room, track, about: Box::new(About::read(from)?) }
            }
            5 => Self::TrackGone { track: track(from)? },
            6 => Self::Want { track: track(from)?, layers: octet(from, LAYERS_ALL)? },
            7 => Self::KeyFrame { track: track(from)?, layer: octet(from, LAYER_TOP)? },
            8 => {
                let (track, layer) = (track(from)?, octet(from, LAYER_TOP)?);
                let (pairs, rest) = from.as_chunks::<2>();
                if !(1..=LOST_MAX).contains(&pairs.len()) {
                    return Err(FrameError::Range);
                }
                let seqs = pairs.iter().map(|it| u16::from_be_bytes(*it)).collect();
                *from = rest;
                Self::Lost { track, layer, seqs }
            }
            9 => {
                let (track, layer) = (track(from)?, octet(from, LAYER_TOP)?);
                let (rtp, rest) = from.split_first_chunk().ok_or(FrameError::CutShort)?;
                let (unix_us, rest) = rest.split_first_chunk().ok_or(FrameError::CutShort)?;
                let (rtp, unix_us) = (u32::from_be_bytes(*rtp), i64::from_be_bytes(*unix_us));
                *from = rest;
                Self::Clock { track, layer, rtp, unix_us }
            }
            10 => {
                let (number_, echo) = (number(from)?, number(from)?);
                Self::Beat { number: number_, echo, held_us: number(from)? }
            }
            _ => return Err(FrameError::Kind),
        };
        if bytes.is_empty() { Ok(frame) } else { Err(FrameError::Surplus) }
    }
}

/// Cuts a stream of bytes into frames.
#[derive(Debug, Default)]
pub struct Reader {
    waiting: Vec<u8>,
    /// So many of the waiting bytes are read.
    taken: usize,
}

impl Reader {
    /// Takes what came. All frames are to be polled before more is put in, so that no more waits than one frame.
    pub fn push(&mut self, bytes: &[u8]) {
        self.waiting.drain(..self.taken);
        self.taken = 0;
        self.waiting.extend_from_slice(bytes);
    }

    /// The next whole frame.
    ///
    /// # Errors
    /// See [`FrameError`]; nothing after it can be read.
    pub fn poll(&mut self) -> Result<Option<Frame>, FrameError> {
        let mut rest = &self.waiting[self.taken..];
        let before = rest.len();
        let Ok(len) = take(&mut rest) else { return Ok(None) };
        if len > FRAME_BYTES_MAX as u64 {
            return Err(FrameError::TooLong);
        }
        let Some(frame) = rest.get(..len as usize) else { return Ok(None) };
        let frame = Frame::read(frame)?;
        self.taken += before - rest.len() + len as usize;
        Ok(Some(frame))
    }
}

/// Writes what precedes an RTP packet in a datagram.
pub fn write_flow(out: &mut Vec<u8>, track: u32, layer: u8) {
    put(out, u64::from(track.min(TRACK_NUMBER_MAX)) << 2 | u64::from(layer & 3));
}

/// A datagram's track, layer and RTP packet.
///
/// # Errors
/// No such layer, or the datagram ends within the number.
pub fn read_flow(mut datagram: &[u8]) -> Result<(u32, u8, &[u8]), FrameError> {
    let flow = take(&mut datagram)?;
    let number = u32::try_from(flow >> 2).map_err(|_| FrameError::Range)?;
    let layer = within((flow & 3) as u8, LAYER_TOP)?;
    Ok((within(number, TRACK_NUMBER_MAX)?, layer, datagram))
}
