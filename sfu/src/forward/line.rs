//! One line on which a browser receives: which track and layer it carries, and the outgoing stream.

use std::time::Instant;

use crate::bandwidth::allocate::{Choice, Held};
use crate::bandwidth::pacer::Burst;
use crate::clock::{Now, ntp_of_unix_us};
use crate::codec::Codec;
use crate::forward::cache::{Packet, RESEND_AGE_MAX};
use crate::forward::outgoing::{Outgoing, Sealing};
use crate::forward::rewrite::{Extra, Mapped, Numbers, Rewriter};
use crate::forward::select::{Candidate, Depth, Selection, Verdict};
use crate::room::{LayerIn, Track};
use crate::rtcp::SenderReport;
use crate::rtp::Header;
use crate::speaker::TrackIndex;

/// Payload types of a codec on a line: its own, and that of its retransmissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PayloadTypes {
    pub(crate) media: u8,
    pub(crate) rtx: Option<u8>,
}

/// What was negotiated for a line.
#[derive(Clone, Debug)]
pub(crate) struct LineConfig {
    pub(crate) mid: String,
    pub(crate) is_audio: bool,
    /// By codec; `None` if the browser does not take it on this line.
    pub(crate) payload_types: [Option<PayloadTypes>; Codec::COUNT],
    /// Payload type of redundant sound, if the browser takes it.
    pub(crate) red: Option<u8>,
    pub(crate) ssrc: u32,
    /// SSRC of retransmissions.
    pub(crate) rtx_ssrc: Option<u32>,
    /// Number of the dependency descriptor's header extension, 0 for none.
    pub(crate) dependency_id: u8,
    pub(crate) clock_rate: u32,
    /// Number of the header extension that counts all packets of the session, 0 for none. A line whose
    /// packets may be sent again as they were has none: the same nonce must never seal two texts.
    pub(crate) transport_cc: u8,
}

impl LineConfig {
    /// The payload types of a codec, if the browser takes it.
    pub(crate) fn payload_types(&self, codec: Codec) -> Option<PayloadTypes> {
        self.payload_types[codec as usize]
    }
}

/// The outgoing stream of a line.
pub(crate) struct Line {
    pub(crate) config: LineConfig,
    /// What it carries.
    pub(crate) track: Option<TrackIndex>,
    /// The layer that it should carry; it goes over at that layer's next key frame.
    pub(crate) target: Option<usize>,
    /// How much of that layer it should carry.
    pub(crate) depth: Depth,
    /// The sharpest layer worth sending.
    pub(crate) layer_max: usize,
    /// The browser does not take the codec of the track, so nothing is sent.
    pub(crate) lacks_codec: bool,
    selection: Selection,
    /// Its place among the wants, the most important 0.
    pub(crate) rank: u8,
    /// What it was given of the receiver's line.
    pub(crate) held: Held,
    /// It would get more if the receiver's line carried more.
    pub(crate) is_cut: bool,
    pub(crate) burst: Burst,
    rewriter: Rewriter,
    rtx_seq: u64,
    packets: u32,
    octets: u32,
    /// A sender report is due at once: the stream went over to another source.
    pub(crate) has_switched: bool,
    /// The layer of which a key frame was asked for before the receiver was connected.
    pub(crate) asked_ahead: Option<usize>,
}

impl Line {
    /// A line that carries nothing yet. `random` gives the first numbers.
    pub(crate) fn new(config: LineConfig, random: u64) -> Self {
        let rewriter = Rewriter::new(config.clock_rate, random as u16, (random >> 16) as u32);
        Self {
            config,
            track: None,
            target: None,
            depth: Depth::ALL,
            layer_max: 2,
            lacks_codec: false,
            selection: Selection::new(0, Depth::ALL),
            rank: 0,
            held: Held::New,
            is_cut: false,
            burst: Burst::default(),
            rewriter,
            rtx_seq: random >> 49,
            packets: 0,
            octets: 0,
            has_switched: false,
            asked_ahead: None,
        }
    }

    /// Whether nothing was sent on it yet.
    pub(crate) fn is_unused(&self) -> bool {
        self.rewriter.shift().is_none()
    }

    /// Carries another track from now on, or none.
    pub(crate) fn assign(&mut self, track: Option<TrackIndex>) {
        self.track = track;
        (self.held, self.is_cut) = (Held::New, false);
        self.pause();
    }

    /// Carries nothing until it has a target again.
    pub(crate) fn pause(&mut self) {
        self.target = None;
        self.depth = Depth::ALL;
        self.lacks_codec = false;
        self.rewriter.pause();
    }

    /// The layer that the receiver's line has room for.
    pub(crate) fn given(&self) -> Option<usize> {
        match self.held {
            Held::At(Choice { spatial, .. }) => Some(usize::from(spatial)),
            Held::New => Some(self.layer_max),
            Held::Paused => None,
        }
    }

    /// Whether packets of this layer may go out on the line.
    pub(crate) fn concerns(&self, layer_index: usize, layer: &LayerIn) -> bool {
        self.target == Some(layer_index) || self.rewriter.origin() == Some(layer.origin)
    }

    /// Whether the line sends the layer that it should, and all spatial layers of it that it should. For
    /// more of these it needs a key frame; for more temporal layers it does not.
    pub(crate) fn is_settled(&self, layer: &LayerIn) -> bool {
        let top = layer.cache.shape().spatial.saturating_sub(1);
        let has_depth = self.selection.spatial() >= self.depth.spatial.min(top);
        self.rewriter.origin() == Some(layer.origin) && has_depth
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
        let codec = layer.cache.codec();
        let Some(types) = self.config.payload_types(codec) else { return false };
        let numbers = numbers(layer, packet);
        if self.rewriter.origin() != Some(layer.origin) {
            let can_start = codec.is_audio() || packet.info.starts_key_frame;
            if self.target != Some(layer_index) || !can_start {
                let former = self.rewriter.fill_former(layer.origin, packet.seq);
                let Some(mapped) = former else { return false };
                return sealing.write(&self.first_time(&mapped, packet, types), layer, packet);
            }
            self.rewriter.switch(layer.origin, &numbers, now);
            self.selection = Selection::new(packet.seq, self.depth);
            self.has_switched = true;
        }
        // Not moved out of the option: a copy of what was just written in smaller pieces waits until all that was
        // written before, the packet sealed last, has left the processor's store buffer.
        let placed = self.place(layer, packet, &numbers, now);
        let Some(mapped) = &placed else { return false };
        let mut out = self.first_time(mapped, packet, types);
        if !mapped.is_filling && out.config.rtx_ssrc.is_some() {
            out.padding = padding;
        }
        if !sealing.write(&out, layer, packet) {
            return false;
        }
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(packet.payload().len() as u32);
        true
    }

    /// Decides on a packet and gives it a place in the outgoing stream, if it has one.
    fn place(
        &mut self,
        layer: &LayerIn,
        packet: &Packet,
        numbers: &Numbers,
        now: Instant,
    ) -> Option<Mapped> {
        let candidate = Candidate {
            codec: layer.cache.codec(),
            seq: packet.seq,
            timestamp: packet.header.timestamp,
            info: &packet.info,
            dependency: layer.cache.dependency(packet),
            structure: layer.cache.structure(),
        };
        // An empty packet probes the publisher's line, not the receiver's.
        if packet.payload().is_empty() {
            return self.rewriter.leave_out(numbers, now);
        }
        let is_newest = self.rewriter.is_newest(packet.seq);
        match self.selection.judge(&candidate, is_newest, self.depth) {
            Verdict::Drop => self.rewriter.leave_out(numbers, now),
            Verdict::Send { ends_picture, target } => {
                self.rewriter.send(numbers, Extra { ends_picture, target }, now)
            }
        }
    }

    /// Sends a packet again that the browser says it lost. Returns whether it was still here.
    pub(crate) fn resend(
        &mut self,
        seq: u16,
        track: &Track,
        sealing: &mut Sealing<'_>,
        now: Instant,
    ) -> bool {
        let Some(mut mapped) = self.rewriter.original(seq) else { return false };
        let layer = track.layers.iter().flatten().find(|it| it.origin == mapped.shift.origin);
        let Some(layer) = layer else { return false };
        let Some(packet) = layer.cache.get(mapped.seq) else { return false };
        let Some(types) = self.config.payload_types(layer.cache.codec()) else { return false };
        if now.saturating_duration_since(packet.arrived) > RESEND_AGE_MAX {
            return false;
        }
        if mapped.is_open {
            // It came before the key frame's first packet, with which this line began, and waited here.
            if self.rewriter.origin() != Some(layer.origin) {
                return false;
            }
            let placed = self.place(layer, packet, &numbers(layer, packet), now);
            let Some(placed) = placed else { return false };
            mapped = placed;
            return sealing.write(&self.first_time(&mapped, packet, types), layer, packet);
        }
        let is_extended = self.config.transport_cc != 0 || self.config.dependency_id != 0;
        let out = match types.rtx.zip(self.config.rtx_ssrc) {
            Some((payload_type, ssrc)) => {
                let index = self.rtx_seq;
                self.rtx_seq += 1;
                let original = Some(seq);
                let (config, mapped) = (&self.config, &mapped);
                Outgoing { config, mapped, payload_type, ssrc, index, original, padding: 0 }
            }
            None if is_extended => return false,
            // As it was, to the bit.
            None => self.first_time(&mapped, packet, types),
        };
        sealing.write(&out, layer, packet)
    }

    /// A packet under its own number in the line's own stream.
    fn first_time<'a>(
        &'a self,
        mapped: &'a Mapped,
        packet: &Packet,
        types: PayloadTypes,
    ) -> Outgoing<'a> {
        let red = self.config.red.filter(|_| packet.info.is_red);
        Outgoing {
            config: &self.config,
            mapped,
            payload_type: red.unwrap_or(types.media),
            ssrc: self.config.ssrc,
            index: mapped.out,
            original: None,
            // One byte of padding, which says that it is one, is all that fills a place.
            padding: u8::from(mapped.is_filling),
        }
    }

    /// Whether the line can carry padding: its retransmissions are numbered for the whole session.
    pub(crate) fn can_pad(&self) -> bool {
        self.config.rtx_ssrc.is_some() && self.config.transport_cc != 0 && self.packets > 0
    }

    /// Sends a packet of nothing but padding on the stream of retransmissions: it probes the line and harms no
    /// decoder. Returns whether something was written.
    pub(crate) fn pad(&mut self, sealing: &mut Sealing<'_>) -> bool {
        let payload_type = self.config.payload_types.iter().flatten().find_map(|it| it.rtx);
        let stream = payload_type.zip(self.config.rtx_ssrc).filter(|_| self.can_pad());
        let Some((payload_type, ssrc)) = stream else { return false };
        let index = self.rtx_seq;
        self.rtx_seq += 1;
        let header = Header {
            marker: false,
            payload_type,
            seq: index as u16,
            timestamp: self.rewriter.last_timestamp(),
            ssrc,
            is_padded: true,
            len: 0,
            extension: None,
        };
        sealing.pad(&header, self.config.transport_cc, index)
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

fn numbers(layer: &LayerIn, packet: &Packet) -> Numbers {
    Numbers {
        seq: packet.seq,
        timestamp: packet.header.timestamp,
        picture_id: packet.info.picture_id.map(|id| id.value),
        tl0: packet.info.tl0.map(|it| it.1),
        key_index: packet.info.key_index.map(|it| it.1),
        frame: layer.cache.dependency(packet).map(|it| it.frame),
        closes_up: layer.cache.codec() == Codec::Vp8,
    }
}

#[cfg(test)]
mod tests;
