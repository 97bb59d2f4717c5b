//! The log of one track: blocks that only ever get appended. Each block says its length and CRC-32C, and
//! carries a BLAKE3 hash over the former block's hash and its own bytes, so a torn tail is told from a
//! whole block and a changed byte anywhere breaks the chain. This file knows bytes, not files' fates.
//!
//! Block: magic `DCL1`, payload length (u32), CRC-32C of payload (u32), chain (32 bytes), payload.
//! Entry in a payload: kind (u8), arrival in µs since 1970 (i64), length (u32), bytes. Little endian.

use std::io::{self, Read};

use protocol::tap::{TapKind, TapTrackInfo};

/// First bytes of every block.
const MAGIC: [u8; 4] = *b"DCL1";
/// Bytes before a block's payload.
pub const BLOCK_HEADER_BYTES: usize = 4 + 4 + 4 + 32;
/// A block is closed when its payload reaches this: larger costs more at a crash, smaller more overhead.
pub const BLOCK_BYTES_MAX: usize = 64 * 1024;
/// Largest bytes of one entry. An RTP packet is far smaller; this bounds what a reader believes.
pub const ENTRY_BYTES_MAX: usize = 64 * 1024;
/// Bytes before an entry's own.
const ENTRY_HEADER_BYTES: usize = 1 + 8 + 4;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// [`TapTrackInfo`] as JSON: the first entry of every log.
    Header,
    /// An RTP packet.
    Rtp,
    /// An RTCP sender report.
    SenderReport,
    /// The track ended by itself.
    End,
}

impl EntryKind {
    fn code(self) -> u8 {
        match self {
            Self::Header => 0,
            Self::Rtp => 1,
            Self::SenderReport => 2,
            Self::End => 3,
        }
    }

    fn of(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Header),
            1 => Some(Self::Rtp),
            2 => Some(Self::SenderReport),
            3 => Some(Self::End),
            _ => None,
        }
    }
}

impl From<TapKind> for EntryKind {
    fn from(kind: TapKind) -> Self {
        match kind {
            TapKind::Rtp => Self::Rtp,
            TapKind::SenderReport => Self::SenderReport,
        }
    }
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: EntryKind,
    /// When it came in, µs since 1970-01-01 UTC by the node's clock.
    pub arrival_us: i64,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Makes blocks of entries.
#[derive(Debug)]
pub struct BlockBuilder {
    payload: Vec<u8>,
    chain: [u8; 32],
}

impl BlockBuilder {
    /// Begins a log with its header entry.
    pub fn begin(info: &TapTrackInfo, arrival_us: i64) -> Self {
        let mut builder = Self { payload: Vec::with_capacity(4096), chain: [0; 32] };
        let header = serde_json::to_vec(info).expect("a track's description is plain data");
        builder.push(EntryKind::Header, arrival_us, &header);
        builder
    }

    /// Adds an entry; longer ones than [`ENTRY_BYTES_MAX`] are refused and `false` is returned.
    pub fn push(&mut self, kind: EntryKind, arrival_us: i64, bytes: &[u8]) -> bool {
        if bytes.len() > ENTRY_BYTES_MAX {
            return false;
        }
        let length = u32::try_from(bytes.len()).expect("at most ENTRY_BYTES_MAX");
        self.payload.push(kind.code());
        self.payload.extend_from_slice(&arrival_us.to_le_bytes());
        self.payload.extend_from_slice(&length.to_le_bytes());
        self.payload.extend_from_slice(bytes);
        true
    }

    /// Whether the block should be written now.
    pub fn is_full(&self) -> bool {
        self.payload.len() >= BLOCK_BYTES_MAX
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.payload.is_empty()
    }

    /// The block as bytes for the disk. The builder still holds it until [`Self::written`].
    pub fn block(&self, out: &mut Vec<u8>) -> [u8; 32] {
        let chain = link(&self.chain, &self.payload);
        let length = u32::try_from(self.payload.len()).expect("a few entries over 64 KiB at most");
        out.clear();
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&crc32c::crc32c(&self.payload).to_le_bytes());
        out.extend_from_slice(&chain);
        out.extend_from_slice(&self.payload);
        chain
    }

    /// The block that `chain` belongs to is in the file: begin the next.
    pub fn written(&mut self, chain: [u8; 32]) {
        self.chain = chain;
        self.payload.clear();
    }

    /// The disk did not take the block: throws its packets away and returns how many entries they were.
    /// A header stays, for without it the log could not be read.
    pub fn discard(&mut self) -> u64 {
        let mut kept = Vec::new();
        let mut lost = 0;
        let mut rest = self.payload.as_slice();
        while let Some((entry, after)) = split_entry(rest) {
            if EntryKind::of(entry[0]) == Some(EntryKind::Header) {
                kept.extend_from_slice(entry);
            } else {
                lost += 1;
            }
            rest = after;
        }
        self.payload = kept;
        lost
    }
}

fn link(former: &[u8; 32], payload: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(former);
    hasher.update(payload);
    *hasher.finalize().as_bytes()
}

/// Splits the first entry (with its header) off a payload.
fn split_entry(payload: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = payload.get(9..ENTRY_HEADER_BYTES)?;
    let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]) as usize;
    if length > ENTRY_BYTES_MAX {
        return None;
    }
    payload.split_at_checked(ENTRY_HEADER_BYTES + length)
}

/// How a log ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogEnd {
    /// After a whole block.
    Clean,
    /// In the middle of a block, or in bytes that are not a block: a crash, or damage.
    Torn,
}

/// Reads entries in order, a block at a time, and stops at the first block that is not whole.
#[derive(Debug)]
pub struct LogReader<R> {
    from: R,
    chain: [u8; 32],
    payload: Vec<u8>,
    at: usize,
    end: Option<LogEnd>,
    whole_bytes: u64,
}

impl<R: Read> LogReader<R> {
    /// Reads from the start of a log.
    pub fn new(from: R) -> Self {
        Self { from, chain: [0; 32], payload: Vec::new(), at: 0, end: None, whole_bytes: 0 }
    }

    /// The next entry; none at the end. An error is one of the disk, never of the log's contents.
    pub fn next_entry(&mut self) -> io::Result<Option<Entry>> {
        loop {
            if let Some((entry, _)) = split_entry(&self.payload[self.at..]) {
                let taken = entry.len();
                let parsed = parse_entry(entry);
                self.at += taken;
                // An entry of a kind that a newer version wrote is skipped.
                if parsed.is_some() {
                    return Ok(parsed);
                }
                continue;
            }
            if self.end.is_some() || !self.read_block()? {
                return Ok(None);
            }
        }
    }

    /// How the log ended, once [`Self::next_entry`] returned none.
    pub fn end(&self) -> Option<LogEnd> {
        self.end
    }

    /// Bytes of whole blocks so far.
    pub fn whole_bytes(&self) -> u64 {
        self.whole_bytes
    }

    fn read_block(&mut self) -> io::Result<bool> {
        let mut header = [0_u8; BLOCK_HEADER_BYTES];
        let got = read_up_to(&mut self.from, &mut header)?;
        if got < header.len() {
            return Ok(self.stop(if got == 0 { LogEnd::Clean } else { LogEnd::Torn }));
        }
        let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        let crc = u32::from_le_bytes([header[8], header[9], header[10], header[11]]);
        let too_long = BLOCK_BYTES_MAX + ENTRY_BYTES_MAX + ENTRY_HEADER_BYTES;
        if header[..4] != MAGIC || length == 0 || length > too_long {
            return Ok(self.stop(LogEnd::Torn));
        }
        self.payload.resize(length, 0);
        self.at = 0;
        let got = read_up_to(&mut self.from, &mut self.payload)?;
        let chain = link(&self.chain, &self.payload);
        if got < length || crc32c::crc32c(&self.payload) != crc || header[12..] != chain {
            return Ok(self.stop(LogEnd::Torn));
        }
        self.chain = chain;
        self.whole_bytes += (BLOCK_HEADER_BYTES + length) as u64;
        Ok(true)
    }

    fn stop(&mut self, end: LogEnd) -> bool {
        self.payload.clear();
        self.at = 0;
        self.end = Some(end);
        false
    }
}

fn parse_entry(entry: &[u8]) -> Option<Entry> {
    let kind = EntryKind::of(entry[0])?;
    let arrival = entry[1..9].try_into().ok()?;
    Some(Entry {
        kind,
        arrival_us: i64::from_le_bytes(arrival),
        bytes: entry[ENTRY_HEADER_BYTES..].to_vec(),
    })
}

/// Fills `buffer` as far as the source goes.
fn read_up_to(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match from.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

/// The description of a track, from a log's first entry.
pub fn header_of(entry: &Entry) -> Option<TapTrackInfo> {
    if entry.kind != EntryKind::Header {
        return None;
    }
    serde_json::from_slice(&entry.bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use protocol::id::RecordingId;
    use protocol::media::{Layer, Source, TrackKey};
    use protocol::tap::Codec;

    use super::*;

    fn info() -> TapTrackInfo {
        TapTrackInfo {
            recording: RecordingId::from_parts(1, 1),
            track: 5,
            key: TrackKey { publisher: "le-thuy".into(), source: Source::Microphone },
            layer: Layer::High,
            codec: Codec::Opus,
            payload_type: 111,
            ssrc: 7,
            clock_rate: 48_000,
        }
    }

    fn read_all(bytes: &[u8]) -> (Vec<Entry>, LogEnd, u64) {
        let mut reader = LogReader::new(bytes);
        let mut entries = Vec::new();
        while let Some(entry) = reader.next_entry().expect("memory does not fail") {
            entries.push(entry);
        }
        (entries, reader.end().expect("at the end"), reader.whole_bytes())
    }

    /// A log, the ends of its blocks, and how many packets lie before each end.
    fn log(packets: &[Vec<u8>], every: usize) -> (Vec<u8>, Vec<(usize, usize)>) {
        let mut builder = BlockBuilder::begin(&info(), 1);
        let (mut bytes, mut ends, mut block) = (Vec::new(), Vec::new(), Vec::new());
        for (n, packet) in packets.iter().enumerate() {
            assert!(builder.push(EntryKind::Rtp, n as i64, packet));
            if (n + 1) % every == 0 || n + 1 == packets.len() {
                let chain = builder.block(&mut block);
                builder.written(chain);
                bytes.extend_from_slice(&block);
                ends.push((bytes.len(), n + 1));
            }
        }
        (bytes, ends)
    }

    proptest! {
        #[test]
        fn cut_at_any_byte_a_log_gives_every_packet_of_its_whole_blocks_and_nothing_else(
            packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..60),
            every in 1_usize..9,
            cut in any::<prop::sample::Index>(),
        ) {
            let (bytes, ends) = log(&packets, every);
            let cut = cut.index(bytes.len() + 1);
            let whole = ends.iter().filter(|(end, _)| *end <= cut).map(|(_, n)| *n).max().unwrap_or(0);
            let (entries, end, whole_bytes) = read_all(&bytes[..cut]);
            let expected: Vec<&Vec<u8>> = packets[..whole].iter().collect();
            let got: Vec<&Vec<u8>> = entries.iter().skip(1).map(|entry| &entry.bytes).collect();
            prop_assert_eq!(got, expected);
            prop_assert_eq!(end == LogEnd::Clean, whole_bytes as usize == cut);
        }

        #[test]
        fn a_changed_byte_ends_the_log_before_its_block(
            packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 1..40),
            at in any::<prop::sample::Index>(),
            flip in 1_u8..=255,
        ) {
            let (mut bytes, ends) = log(&packets, 4);
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            let before = ends.iter().filter(|(end, _)| *end <= at).map(|(_, n)| *n).max().unwrap_or(0);
            let (entries, end, _) = read_all(&bytes);
            prop_assert_eq!(entries.len().saturating_sub(1), before);
            prop_assert_eq!(end, LogEnd::Torn);
        }
    }

    #[test]
    fn the_first_entry_tells_what_the_track_is() {
        let (bytes, _) = log(&[vec![1, 2, 3]], 1);
        let (entries, _, _) = read_all(&bytes);
        assert_eq!(header_of(&entries[0]), Some(info()));
        assert_eq!(header_of(&entries[1]), None);
    }

    #[test]
    fn a_block_that_the_disk_refused_keeps_only_the_header() {
        let mut builder = BlockBuilder::begin(&info(), 1);
        builder.push(EntryKind::Rtp, 2, &[1]);
        builder.push(EntryKind::Rtp, 3, &[2]);
        assert_eq!(builder.discard(), 2);
        builder.push(EntryKind::Rtp, 4, &[3]);
        let mut block = Vec::new();
        builder.block(&mut block);
        let (entries, _, _) = read_all(&block);
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[1].bytes, vec![3]);
    }
}
