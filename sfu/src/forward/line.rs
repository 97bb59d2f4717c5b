//! One line on which a browser receives: which track and layer it carries, and the outgoing stream.

use std::time::Instant;

use crate::clock::{Now, ntp_of_unix_us};
use crate::codec::vp8;
use crate::forward::cache::{Packet, RESEND_AGE_MAX};
use crate::forward::rewrite::{Numbers, Rewriter, Shift};
use crate::peer::srtp::Direction;
use crate::room::{LayerIn, Track};
use crate::rtcp::SenderReport;
use crate::rtp::FIXED_HEADER_BYTES;
use crate::speaker::TrackIndex;

/// What was negotiated for a line.
#[derive(Clone, Debug)]
pub(crate) struct LineConfig {
    pub(crate) mid: String,
    pub(crate) is_audio: bool,
    pub(crate) payload_type: u8,
    pub(crate) ssrc: u32,
    /// Payload type and SSRC of retransmissions.
    pub(crate) rtx: Option<(u8, u32)>,
    pub(crate) clock_rate: u32,
    /// Number of the header extension that counts all packets of the session, 0 for none. A line whose
    /// packets may be sent again as they were has none: the same nonce must never seal two texts.
    pub(crate) transport_cc: u8,
}

/// The outgoing stream of a line.
pub(crate) struct Line {
    pub(crate) config: LineConfig,
    /// What it carries.
    pub(crate) track: Option<TrackIndex>,
    /// The layer that it should carry; it goes over at that layer's next key frame.
    pub(crate) target: Option<usize>,
    /// The sharpest layer worth sending.
    pub(crate) layer_max: usize,
    rewriter: Rewriter,
    rtx_seq: u64,
    packets: u32,
    octets: u32,
    /// A sender report is due at once: the stream went over to another source.
    pub(crate) has_switched: bool,
}

impl Line {
    /// A line that carries nothing yet. `random` gives the first numbers.
    pub(crate) fn new(config: LineConfig, random: u64) -> Self {
        let rewriter = Rewriter::new(config.clock_rate, random as u16, (random >> 16) as u32);
        Self {
            config,
            track: None,
            target: None,
            layer_max: 2,
            rewriter,
            rtx_seq: random >> 49,
            packets: 0,
            octets: 0,
            has_switched: false,
        }
    }

    /// Carries another track from now on, or none.
    pub(crate) fn assign(&mut self, track: Option<TrackIndex>) {
        self.track = track;
        self.target = None;
        self.rewriter.pause();
    }

    /// Whether the line sends the layer that it should.
    pub(crate) fn is_settled(&self, layer: &LayerIn) -> bool {
        self.rewriter.origin() == Some(layer.origin)
    }

    /// Sends a packet of the line's track, if it belongs to the layer being sent or begins the one that
    /// should be. Returns whether something was written.
    pub(crate) fn forward(
        &mut self,
        layer_index: usize,
        layer: &LayerIn,
        (packet, padding): (&Packet, u8),
        sealing: &mut Sealing<'_>,
        now: Instant,
    ) -> bool {
        let numbers =
            Numbers { seq: packet.seq, timestamp: packet.header.timestamp, vp8: packet.vp8 };
        if self.rewriter.origin() != Some(layer.origin) {
            let can_start = self.config.is_audio
                || packet.vp8.is_some_and(|descriptor| descriptor.starts_key_frame);
            if self.target != Some(layer_index) || !can_start {
                return false;
            }
            self.rewriter.switch(layer.origin, &numbers, now);
            self.has_switched = true;
        }
        let Some(index) = self.rewriter.map(&numbers, now) else { return false };
        let Some(shift) = self.rewriter.shift().copied() else { return false };
        let config = &self.config;
        let out = Outgoing {
            payload_type: config.payload_type,
            ssrc: config.ssrc,
            index,
            original: None,
            transport_cc: config.transport_cc,
            padding: if config.rtx.is_some() { padding } else { 0 },
        };
        if !sealing.write(&out, packet, &shift) {
            return false;
        }
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(packet.payload().len() as u32);
        true
    }

    /// Sends a packet again that the browser says it lost. Returns whether it was still here.
    pub(crate) fn resend(
        &mut self,
        seq: u16,
        track: &Track,
        sealing: &mut Sealing<'_>,
        now: Instant,
    ) -> bool {
        let Some((original, shift, index)) = self.rewriter.original(seq) else { return false };
        let layer = track.layers.iter().flatten().find(|layer| layer.origin == shift.origin);
        let Some(packet) = layer.and_then(|layer| layer.cache.get(original)) else { return false };
        if now.saturating_duration_since(packet.arrived) > RESEND_AGE_MAX {
            return false;
        }
        let config = &self.config;
        let out = match config.rtx {
            Some((payload_type, ssrc)) => {
                let index = self.rtx_seq;
                self.rtx_seq += 1;
                let (original, transport_cc) = (Some(seq), config.transport_cc);
                Outgoing { payload_type, ssrc, index, original, transport_cc, padding: 0 }
            }
            // As it was, to the bit.
            None if config.transport_cc == 0 => Outgoing {
                payload_type: config.payload_type,
                ssrc: config.ssrc,
                index,
                original: None,
                transport_cc: 0,
                padding: 0,
            },
            None => return false,
        };
        sealing.write(&out, packet, &shift)
    }

    /// Packets and bytes of payload sent so far, retransmissions not counted; both wrap.
    pub(crate) fn sent(&self) -> (u32, u32) {
        (self.packets, self.octets)
    }

    /// The stream's clock for the browser, once the publisher has told its own.
    pub(crate) fn sender_report(
        &self,
        layer: &LayerIn,
        now: Now,
    ) -> Option<(SenderReport, u32, u32)> {
        let shift = self.rewriter.shift().filter(|shift| shift.origin == layer.origin)?;
        let clock = layer.clock?;
        let since_us = now.unix_us - clock.unix_us;
        let since = since_us * i64::from(self.config.clock_rate) / 1_000_000;
        let rtp = clock.rtp.wrapping_add(since as u32).wrapping_add(shift.timestamp);
        let report = SenderReport { ssrc: self.config.ssrc, ntp: ntp_of_unix_us(now.unix_us), rtp };
        Some((report, self.packets, self.octets))
    }
}

/// What is ours in an outgoing packet.
struct Outgoing {
    payload_type: u8,
    ssrc: u32,
    /// Extended sequence number.
    index: u64,
    /// The number that the packet had when it was sent first, in a retransmission (RFC 4588 §4).
    original: Option<u16>,
    /// Number of the transport-wide extension, 0 for none.
    transport_cc: u8,
    /// Bytes of padding (RFC 3550 §5.1), 0 for none.
    padding: u8,
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
    fn write(&mut self, head: &Outgoing, packet: &Packet, shift: &Shift) -> bool {
        let start = self.out.len();
        let mut header = [0; EXTENDED_HEADER_BYTES];
        let header_len = self.header(&mut header, head, packet, shift);
        self.out.extend_from_slice(&header[..header_len]);
        if let Some(seq) = head.original {
            self.out.extend_from_slice(&seq.to_be_bytes());
        }
        let payload_start = self.out.len();
        self.out.extend_from_slice(packet.payload());
        if let Some(descriptor) = &packet.vp8 {
            let payload = &mut self.out[payload_start..];
            vp8::shift(payload, descriptor, shift.picture_id, shift.tl0);
        }
        if head.padding > 0 {
            let end = self.out.len() + usize::from(head.padding);
            self.out.resize(end, 0);
            self.out[end - 1] = head.padding;
        }
        let sealed = self.srtp.seal(self.out, start, header_len, head.ssrc, head.index);
        if sealed.is_none() {
            self.out.truncate(start);
        }
        sealed.is_some()
    }

    /// Writes the header and returns its length.
    fn header(
        &mut self,
        bytes: &mut [u8; EXTENDED_HEADER_BYTES],
        head: &Outgoing,
        packet: &Packet,
        shift: &Shift,
    ) -> usize {
        let is_extended = head.transport_cc != 0;
        bytes[0] = 0x80 | u8::from(head.padding > 0) << 5 | u8::from(is_extended) << 4;
        bytes[1] = u8::from(packet.header.marker) << 7 | head.payload_type;
        bytes[2..4].copy_from_slice(&(head.index as u16).to_be_bytes());
        let timestamp = packet.header.timestamp.wrapping_add(shift.timestamp);
        bytes[4..8].copy_from_slice(&timestamp.to_be_bytes());
        bytes[8..12].copy_from_slice(&head.ssrc.to_be_bytes());
        if !is_extended {
            return FIXED_HEADER_BYTES;
        }
        let [high, low] = self.transport_seq.to_be_bytes();
        *self.transport_seq = self.transport_seq.wrapping_add(1);
        bytes[12..].copy_from_slice(&[0xbe, 0xde, 0, 1, head.transport_cc << 4 | 1, high, low, 0]);
        EXTENDED_HEADER_BYTES
    }
}
