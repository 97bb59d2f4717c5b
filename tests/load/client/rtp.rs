//! RTP as the load reads and writes it: views of headers, the payload with its mark, sequence numbers.

/// A fixed header.
pub const HEADER_BYTES: usize = 12;

/// What stands in every payload behind the codec's own head: see [`Mark`].
const MARK_AT: usize = 16;
const MARK_BYTES: usize = 20;
const MAGIC: u32 = 0x6469_656d;

/// A payload holds at least its head and the mark.
pub const PAYLOAD_BYTES_MIN: usize = MARK_AT + MARK_BYTES;

/// A header as a view.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    pub seq: u16,
    pub ssrc: u32,
    /// Where the payload begins.
    pub len: usize,
    is_padded: bool,
    /// Where one-byte extensions lie.
    extensions: (usize, usize),
}

/// Whether the second byte says RTCP (RFC 5761 §4).
pub fn is_rtcp(packet: &[u8]) -> bool {
    packet.get(1).is_some_and(|byte| (192..=223).contains(byte))
}

impl Header {
    pub fn parse(packet: &[u8]) -> Option<Self> {
        let fixed: &[u8; HEADER_BYTES] = packet.first_chunk()?;
        let mut len = HEADER_BYTES + 4 * usize::from(fixed[0] & 15);
        let mut extensions = (0, 0);
        if fixed[0] & 0x10 != 0 {
            let block: &[u8; 4] = packet.get(len..)?.first_chunk()?;
            let start = len + 4;
            len = start + 4 * usize::from(u16::from_be_bytes([block[2], block[3]]));
            if block[..2] == [0xbe, 0xde] {
                extensions = (start, len);
            }
        }
        (packet.len() >= len).then_some(Self {
            seq: u16::from_be_bytes([fixed[2], fixed[3]]),
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
            len,
            is_padded: fixed[0] & 0x20 != 0,
            extensions,
        })
    }

    /// The transport-wide sequence number, if extension `id` is there.
    pub fn transport_seq(&self, packet: &[u8], id: u8) -> Option<u16> {
        let mut rest = packet.get(self.extensions.0..self.extensions.1)?;
        while let Some((&head, tail)) = rest.split_first() {
            if head == 0 {
                rest = tail;
                continue;
            }
            let len = usize::from(head & 15) + 1;
            if head >> 4 == id {
                return tail.first_chunk().map(|it| u16::from_be_bytes(*it));
            }
            rest = tail.get(len..)?;
        }
        None
    }

    /// The payload of an opened packet without padding.
    pub fn payload<'a>(&self, packet: &'a [u8]) -> Option<&'a [u8]> {
        let padding = if self.is_padded { usize::from(*packet.last()?) } else { 0 };
        packet.get(self.len..packet.len().checked_sub(padding)?)
    }
}

/// Which packet this is and when it was sent; travels in the payload, so that no forwarder can hide what
/// it lost, mixed up or held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// SSRC at the publisher.
    pub source: u32,
    pub frame: u32,
    /// Clock of the kernel's stamps, ns since 1970.
    pub sent_ns: u64,
}

impl Mark {
    /// Fills a payload of at least [`PAYLOAD_BYTES_MIN`]: the codec's head stays, mark and filler follow.
    pub fn write(&self, payload: &mut [u8]) {
        let (mark, filler) = payload[MARK_AT..].split_at_mut(MARK_BYTES);
        mark[..4].copy_from_slice(&MAGIC.to_be_bytes());
        mark[4..8].copy_from_slice(&self.source.to_be_bytes());
        mark[8..12].copy_from_slice(&self.frame.to_be_bytes());
        mark[12..].copy_from_slice(&self.sent_ns.to_be_bytes());
        filler.fill(self.filler());
    }

    /// Reads the mark of an opened payload; `None` if anything in it is not as it was sent.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let (mark, filler) = payload.get(MARK_AT..)?.split_at_checked(MARK_BYTES)?;
        let word = |at: usize| Some(u32::from_be_bytes(*mark.get(at..)?.first_chunk()?));
        let sent_ns = u64::from_be_bytes(*mark.get(12..)?.first_chunk()?);
        let found = Self { source: word(4)?, frame: word(8)?, sent_ns };
        let is_whole = filler.iter().all(|byte| *byte == found.filler());
        (word(0)? == MAGIC && is_whole).then_some(found)
    }

    fn filler(&self) -> u8 {
        (self.source ^ self.frame) as u8
    }
}

/// A stream's numbers as they come: what is new, what is missing.
#[derive(Clone, Debug, Default)]
pub struct Sequence {
    first: Option<u64>,
    highest: u64,
    /// Bit n: `highest - n` came.
    seen: u128,
    /// Packets that came, each counted once.
    pub received: u64,
}

impl Sequence {
    /// The extended number of a packet.
    pub fn extend(&self, seq: u16) -> u64 {
        if self.first.is_none() {
            return u64::from(seq);
        }
        let distance = i64::from(seq.wrapping_sub(self.highest as u16) as i16);
        self.highest.saturating_add_signed(distance)
    }

    /// Notes a packet; the numbers between it and the one before that have not come.
    pub fn note(&mut self, index: u64) -> std::ops::Range<u64> {
        let Some(first) = self.first else {
            (self.first, self.highest, self.seen, self.received) = (Some(index), index, 1, 1);
            return 0..0;
        };
        if index > self.highest {
            let by = u32::try_from(index - self.highest).unwrap_or(u32::MAX);
            self.seen = self.seen.checked_shl(by).unwrap_or(0) | 1;
            let missing = self.highest + 1..index;
            self.highest = index;
            self.received += 1;
            return missing;
        }
        let bit = u32::try_from(self.highest - index).ok().and_then(|by| 1_u128.checked_shl(by));
        let is_new = bit.is_none_or(|bit| self.seen & bit == 0) && index >= first;
        self.seen |= bit.unwrap_or(0);
        self.received += u64::from(is_new);
        0..0
    }

    /// Packets that should have come up to the newest one.
    pub fn expected(&self) -> u64 {
        self.first.map_or(0, |first| self.highest + 1 - first)
    }

    /// The newest number, 32 bits as reports have it.
    pub fn highest(&self) -> u32 {
        self.highest as u32
    }
}
