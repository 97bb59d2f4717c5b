//! One line on which a browser receives: which track and layer it carries, and the outgoing stream.

use std::time::Instant;

use crate::clock::{Now, ntp_of_unix_us};
use crate::codec::vp8;
use crate::forward::cache::{Packet, RESEND_AGE_MAX};
use crate::forward::rewrite::{Numbers, Rewriter, Shift};
use crate::peer::srtp::Direction;
use crate::room::{LayerIn, Track};
use crate::rtcp::SenderReport;
use crate::rtp::{self, FIXED_HEADER_BYTES, Header};
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
        packet: &Packet,
        srtp: &mut Direction,
        out: &mut Vec<u8>,
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
        let start = out.len();
        let head = Header {
            payload_type: self.config.payload_type,
            seq: index as u16,
            ssrc: self.config.ssrc,
            ..packet.header
        };
        if write(out, (&head, None), packet, &shift, srtp, index).is_none() {
            out.truncate(start);
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
        srtp: &mut Direction,
        out: &mut Vec<u8>,
        now: Instant,
    ) -> bool {
        let Some((original, shift, index)) = self.rewriter.original(seq) else { return false };
        let layer = track.layers.iter().flatten().find(|layer| layer.origin == shift.origin);
        let Some(packet) = layer.and_then(|layer| layer.cache.get(original)) else { return false };
        if now.saturating_duration_since(packet.arrived) > RESEND_AGE_MAX {
            return false;
        }
        let head = Header {
            seq,
            payload_type: self.config.payload_type,
            ssrc: self.config.ssrc,
            ..packet.header
        };
        let start = out.len();
        let written = match self.config.rtx {
            Some((payload_type, ssrc)) => {
                let rtx_index = self.rtx_seq;
                self.rtx_seq += 1;
                let head = Header { seq: rtx_index as u16, payload_type, ssrc, ..head };
                write(out, (&head, Some(seq)), packet, &shift, srtp, rtx_index)
            }
            None => write(out, (&head, None), packet, &shift, srtp, index),
        };
        if written.is_none() {
            out.truncate(start);
        }
        written.is_some()
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

/// Writes and seals one packet: header, the number of the original if it is a retransmission, payload.
fn write(
    out: &mut Vec<u8>,
    (head, original): (&Header, Option<u16>),
    packet: &Packet,
    shift: &Shift,
    srtp: &mut Direction,
    index: u64,
) -> Option<()> {
    let start = out.len();
    let head = Header { timestamp: head.timestamp.wrapping_add(shift.timestamp), ..*head };
    rtp::write(out, &head);
    if let Some(seq) = original {
        out.extend_from_slice(&seq.to_be_bytes());
    }
    let payload_start = out.len();
    out.extend_from_slice(packet.payload());
    if let Some(descriptor) = &packet.vp8 {
        vp8::shift(&mut out[payload_start..], descriptor, shift.picture_id, shift.tl0);
    }
    srtp.seal(out, start, FIXED_HEADER_BYTES, head.ssrc, index)
}
