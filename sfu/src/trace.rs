//! What one session sends and gets, written down for a while as a capture file (pcapng) that Wireshark reads. Only
//! headers and reports: no picture and no sound can be got back from it, so it needs no keys and may be sent to
//! whoever helps.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use protocol::id::RequestId;

use crate::room::SessionIndex;

/// A trace ends after this at the latest.
pub(crate) const TRACE_SECONDS_MAX: u16 = 60;

/// A trace ends when its file has so many bytes: a minute of a camera with all layers and sixteen received lines
/// has about six million.
pub(crate) const TRACE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Traces that run at one time in one shard.
pub(crate) const TRACES_MAX: usize = 4;

/// Bytes kept of what follows an RTP header: enough for a payload descriptor, too few for a picture.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 16;

/// The link type for bare IP packets.
const LINKTYPE_RAW: u16 = 101;

/// Length of a UDP header.
const UDP_HEADER_BYTES: usize = 8;

/// A running trace.
pub(crate) struct Trace {
    pub(crate) request: RequestId,
    pub(crate) session: SessionIndex,
    /// Which incarnation of the session.
    pub(crate) serial: u64,
    pub(crate) until: Instant,
    /// Where the session gets its packets.
    pub(crate) to: Option<SocketAddr>,
    file: Vec<u8>,
}

/// From where to where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
}

impl Trace {
    /// Begins a file.
    pub(crate) fn new(
        request: RequestId,
        (session, serial): (SessionIndex, u64),
        seconds: u16,
        now: Instant,
    ) -> Self {
        let seconds = seconds.clamp(1, TRACE_SECONDS_MAX);
        let until = now + Duration::from_secs(seconds.into());
        let mut file = Vec::new();
        // Section header: byte order, version 1.0, length unknown.
        let mut section = Vec::new();
        section.extend_from_slice(&0x1a2b_3c4d_u32.to_le_bytes());
        section.extend_from_slice(&[1, 0, 0, 0]);
        section.extend_from_slice(&[0xff; 8]);
        block(&mut file, 0x0a0d_0d0a, &section);
        // Interface: bare IP, no limit, microseconds.
        let mut interface = Vec::new();
        interface.extend_from_slice(&LINKTYPE_RAW.to_le_bytes());
        interface.extend_from_slice(&[0; 6]);
        block(&mut file, 1, &interface);
        Self { request, session, serial, until, to: None, file }
    }

    /// Whether nothing more will be written.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        now >= self.until || self.file.len() >= TRACE_BYTES_MAX
    }

    /// Writes down a datagram of which `kept` is the beginning and `len` the whole length.
    pub(crate) fn note(&mut self, ends: Ends, kept: &[u8], len: usize, unix_us: i64) {
        if self.file.len() >= TRACE_BYTES_MAX {
            return;
        }
        let mut packet = ip_header(ends, len);
        packet.extend_from_slice(kept);
        let original = packet.len() - kept.len() + len;
        let mut body = Vec::with_capacity(20 + packet.len());
        let at = unix_us.max(0) as u64;
        for word in [0, (at >> 32) as u32, at as u32, packet.len() as u32, original as u32] {
            body.extend_from_slice(&word.to_le_bytes());
        }
        body.extend_from_slice(&packet);
        block(&mut self.file, 6, &body);
    }

    /// The file.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.file
    }
}

/// A block of the file: type, length, body filled up to whole words, length.
fn block(file: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let padded = body.len().next_multiple_of(4);
    let len = (12 + padded) as u32;
    file.extend_from_slice(&kind.to_le_bytes());
    file.extend_from_slice(&len.to_le_bytes());
    file.extend_from_slice(body);
    file.resize(file.len() + padded - body.len(), 0);
    file.extend_from_slice(&len.to_le_bytes());
}

/// IP and UDP headers of a datagram of `len` bytes, with checksums left out: the network's are not known here.
fn ip_header(ends: Ends, len: usize) -> Vec<u8> {
    let udp = (UDP_HEADER_BYTES + len) as u16;
    let mut out = Vec::with_capacity(64);
    match (ends.from.ip().to_canonical(), ends.to.ip().to_canonical()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            out.extend_from_slice(&[0x45, 0]);
            out.extend_from_slice(&(20 + udp).to_be_bytes());
            out.extend_from_slice(&[0, 0, 0x40, 0, 64, 17, 0, 0]);
            out.extend_from_slice(&from.octets());
            out.extend_from_slice(&to.octets());
        }
        (from, to) => {
            let octets = |ip: IpAddr| match ip {
                IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
                IpAddr::V6(ip) => ip.octets(),
            };
            out.extend_from_slice(&[0x60, 0, 0, 0]);
            out.extend_from_slice(&udp.to_be_bytes());
            out.extend_from_slice(&[17, 64]);
            out.extend_from_slice(&octets(from));
            out.extend_from_slice(&octets(to));
        }
    }
    for word in [ends.from.port(), ends.to.port(), udp, 0] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
    fn a_file_is_a_chain_of_blocks_that_ends_in_time_and_in_size() {
        let start = Instant::now();
        let mut trace = Trace::new(RequestId::from_parts(1, 1), (0, 1), 600, start);
        assert!(trace.is_over(start + Duration::from_secs(60)), "a minute is the most");
        let ends = Ends { from: ([10, 0, 0, 1], 9).into(), to: ([10, 0, 0, 2], 7882).into() };
        trace.note(ends, &[0x80, 96, 0], 1_000, 1_764_000_000_000_001);
        let six: SocketAddr = "[2001:db8::1]:5".parse().unwrap();
        trace.note(Ends { from: six, to: six }, &[0x80], 1, 5);
        for _ in 0..TRACE_BYTES_MAX {
            trace.note(ends, &[0; 60], 60, 5);
        }
        assert!(trace.is_over(start));
        let file = trace.finish();
        assert!(file.len() < TRACE_BYTES_MAX + 200);
        let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
        let (mut at, mut kinds) = (0, Vec::new());
        while at < file.len() {
            let len = word(at + 4) as usize;
            assert_eq!(word(at + len - 4) as usize, len);
            kinds.push(word(at));
            at += len;
        }
        assert_eq!(at, file.len());
        assert_eq!(kinds[..4], [0x0a0d_0d0a, 1, 6, 6]);
        // The third block: captured and original length, then the IP packet's own.
        let packet = 28 + 20 + 28;
        assert_eq!((word(packet - 8), word(packet - 4)), (31, 1_028));
        assert_eq!(file[packet..packet + 4], [0x45, 0, 4, 4]);
    }
}
