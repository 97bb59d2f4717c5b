//! Writes and seals one outgoing packet: header with its extensions, payload with its counters moved,
//! padding. The only place where a byte of a receiver's packet is made.

use crate::codec::dependency::{self, BYTES_MAX};
use crate::codec::{self, Codec, red};
use crate::forward::cache::Packet;
use crate::forward::line::LineConfig;
use crate::forward::rewrite::Mapped;
use crate::peer::srtp::Direction;
use crate::room::LayerIn;
use crate::rtp::{self, FIXED_HEADER_BYTES, Header};

/// What is ours in an outgoing packet.
pub(super) struct Outgoing<'a> {
    pub(super) config: &'a LineConfig,
    pub(super) mapped: &'a Mapped,
    pub(super) payload_type: u8,
    pub(super) ssrc: u32,
    /// Extended sequence number.
    pub(super) index: u64,
    /// The number that the packet had when it was sent first, in a retransmission (RFC 4588 §4).
    pub(super) original: Option<u16>,
    /// Bytes of padding (RFC 3550 §5.1), 0 for none.
    pub(super) padding: u8,
}

/// Where a receiver's packets are written, and what they are sealed with.
pub(crate) struct Sealing<'a> {
    pub(crate) srtp: &'a mut Direction,
    pub(crate) out: &'a mut Vec<u8>,
    /// The next transport-wide sequence number of the session.
    pub(crate) transport_seq: &'a mut u16,
}

/// Length of a header with the transport-wide extension (RFC 8285 §4.2, one-byte form).
const EXTENDED_HEADER_BYTES: usize = FIXED_HEADER_BYTES + 8;

impl Sealing<'_> {
    /// Writes and seals one packet. Returns whether it is there.
    pub(super) fn write(&mut self, head: &Outgoing<'_>, layer: &LayerIn, packet: &Packet) -> bool {
        let start = self.out.len();
        let mut room = [0; BYTES_MAX];
        let has_dependency = head.config.dependency_id != 0
            && layer.cache.codec() == Codec::Av1
            && !head.mapped.is_filling;
        let dependency =
            if has_dependency { dependency(head.mapped, layer, packet, &mut room) } else { &[] };
        let header_len = if dependency.is_empty() {
            self.short_header(&header(head, packet), head.config.transport_cc)
        } else {
            let number = self.next_transport_seq(head.config.transport_cc);
            let extensions =
                [(head.config.transport_cc, &number[..]), (head.config.dependency_id, dependency)];
            rtp::write(self.out, &header(head, packet), &extensions)
        };
        if let Some(seq) = head.original {
            self.out.extend_from_slice(&seq.to_be_bytes());
        }
        if !head.mapped.is_filling {
            self.payload(head, packet);
        }
        self.padding(head.padding);
        self.seal(start, header_len, (head.ssrc, head.index))
    }

    /// Writes and seals a packet of nothing but padding. Returns whether it is there.
    pub(super) fn pad(&mut self, header: &Header, transport_cc: u8, index: u64) -> bool {
        let start = self.out.len();
        let header_len = self.short_header(header, transport_cc);
        self.padding(u8::MAX);
        self.seal(start, header_len, (header.ssrc, index))
    }

    /// Adds so many bytes of padding, the last of which says how many (RFC 3550 §5.1).
    fn padding(&mut self, n: u8) {
        if n > 0 {
            let end = self.out.len() + usize::from(n);
            self.out.resize(end, 0);
            self.out[end - 1] = n;
        }
    }

    /// Seals what was written since `start`, or takes it back. Returns whether it is there.
    fn seal(&mut self, start: usize, header_len: usize, (ssrc, index): (u32, u64)) -> bool {
        let sealed = self.srtp.seal(self.out, start, header_len, ssrc, index);
        if sealed.is_none() {
            self.out.truncate(start);
        }
        sealed.is_some()
    }

    fn next_transport_seq(&mut self, id: u8) -> [u8; 2] {
        let number = self.transport_seq.to_be_bytes();
        *self.transport_seq = self.transport_seq.wrapping_add(u16::from(id != 0));
        number
    }

    /// The usual header: no extension but the transport-wide number. Returns its length.
    fn short_header(&mut self, it: &Header, id: u8) -> usize {
        // Word by word, straight to where it belongs: a stop on the way would have to wait for what was sealed last.
        let first = 0x80 | u8::from(it.is_padded) << 5 | u8::from(id != 0) << 4;
        let second = u8::from(it.marker) << 7 | it.payload_type;
        let start = u64::from(first) << 56 | u64::from(second) << 48 | u64::from(it.seq) << 32;
        self.out.extend_from_slice(&(start | u64::from(it.timestamp)).to_be_bytes());
        self.out.extend_from_slice(&it.ssrc.to_be_bytes());
        if id == 0 {
            return FIXED_HEADER_BYTES;
        }
        let [high, low] = self.next_transport_seq(id);
        self.out.extend_from_slice(&[0xbe, 0xde, 0, 1, id << 4 | 1, high, low, 0]);
        EXTENDED_HEADER_BYTES
    }

    fn payload(&mut self, head: &Outgoing<'_>, packet: &Packet) {
        let start = self.out.len();
        let payload = packet.payload();
        if !packet.info.is_red {
            self.out.extend_from_slice(payload);
            codec::rewrite(&mut self.out[start..], &packet.info, head.mapped.moves);
        } else if head.config.red.is_none() {
            self.out.extend_from_slice(red::newest(payload).unwrap_or_default());
        } else {
            self.out.extend_from_slice(payload);
            if let Some(types) = head.config.payload_types(Codec::Opus) {
                red::retype(&mut self.out[start..], types.media);
            }
        }
    }
}

/// The header without its extensions.
fn header(head: &Outgoing<'_>, packet: &Packet) -> Header {
    let mapped = head.mapped;
    Header {
        marker: !mapped.is_filling && (packet.header.marker || mapped.extra.ends_picture),
        payload_type: head.payload_type,
        seq: head.index as u16,
        timestamp: packet.header.timestamp.wrapping_add(mapped.shift.timestamp),
        ssrc: head.ssrc,
        is_padded: head.padding > 0,
        ..packet.header
    }
}

/// The dependency descriptor as this receiver gets it; empty for none.
fn dependency<'a>(
    mapped: &Mapped,
    layer: &LayerIn,
    packet: &Packet,
    room: &'a mut [u8; BYTES_MAX],
) -> &'a [u8] {
    let Some(found) = layer.cache.dependency(packet) else { return &[] };
    let at = usize::from(found.at);
    let value = packet.bytes().get(at..at + usize::from(found.len)).unwrap_or_default();
    let within = mapped.extra.target.zip(layer.cache.structure());
    let within = within
        .filter(|(target, structure)| !structure.is_whole(*target))
        .map(|(target, structure)| structure.within(target));
    match dependency::rewrite(value, found, mapped.shift.frame, within, room) {
        Some(len) => &room[..len],
        None => &[],
    }
}
