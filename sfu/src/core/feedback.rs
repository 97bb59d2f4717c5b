//! RTCP: what receivers complain of, what publishers tell, and what the node says to both.

use protocol::tap::TapKind;

use crate::answer::CNAME;
use crate::bandwidth::feedback::Feedback;
use crate::clock::{Now, unix_us_of_ntp};
use crate::core::Core;
use crate::forward::outgoing::Sealing;
use crate::receive::loss::Repair;
use crate::room::{ClockMap, REMOTE};
use crate::rtcp::{self, Report, ReportBlock, SenderReport};
use crate::session::{Session, Stream};

/// A publisher's clock that jumps by more than this is taken anew, microseconds.
const CLOCK_JUMP_US: i64 = 1_000_000;

/// Reports acted on in one compound packet; a browser sends one for each of its tracks.
const REPORTS_MAX: usize = 64;

/// Reports are made this often, ms; rates are measured from one to the next.
const REPORT_MS: u32 = 1_000;

impl Core {
    pub(super) fn rtcp(&mut self, index: usize, bytes: &mut [u8], now: Now) {
        let Some(session) = self.session_mut(index) else { return };
        if !session.budget.take(now.at) {
            self.counters.dropped_budget += 1;
            return;
        }
        let opened = session.srtp.as_mut().and_then(|srtp| srtp.remote.open_rtcp(bytes));
        let Some(compound) = opened.and_then(|len| bytes.get(..len)) else {
            self.counters.dropped_authentication += 1;
            return;
        };
        session.heard = now.at;
        if let Some(from) = session.selected.filter(|_| !self.traces.is_empty()) {
            self.trace_in(index, from, compound, now);
        }
        let mut n = 0;
        rtcp::read(compound, |report| {
            n += 1;
            if n <= REPORTS_MAX {
                self.take_report(index, report, now);
            }
        });
        let Some(session) = self.session(index) else { return };
        if session.receiver.estimate().is_some_and(|it| it < session.receiver.total.used) {
            self.aim_session(index, now);
        }
        self.hurry(index);
    }

    fn take_report(&mut self, index: usize, report: Report<'_>, now: Now) {
        let Some(session) = self.session_mut(index) else { return };
        let estimator = &mut session.receiver.estimator;
        match report {
            Report::Sender(report, bytes) => self.sender_report(index, report, bytes, now),
            Report::KeyFrameWanted { ssrc } => self.key_frame_wanted(index, ssrc),
            Report::Bye { ssrc } => self.stream_left(index, ssrc),
            Report::Nack { ssrc, lost } => self.send_again(index, ssrc, lost, now),
            Report::Received(block) => {
                let Session { lines, seen, .. } = session;
                let line = lines.iter().position(|line| line.config.ssrc == block.ssrc);
                if let Some(line) = line {
                    seen.report(line, &block, lines[line].config.clock_rate, now.unix_us);
                }
            }
            Report::Arrivals(body) => {
                if let (Some(it), Some(body)) = (estimator.as_mut(), Feedback::parse(body)) {
                    it.feedback(&body, now.at);
                }
            }
            Report::Remb { bps } => estimator.iter_mut().for_each(|it| it.remb(bps)),
        }
    }

    /// A publisher's clock. It is put on our wall clock with one offset for all its tracks.
    fn sender_report(&mut self, index: usize, report: SenderReport, bytes: &[u8], now: Now) {
        let Some(session) = self.session_mut(index) else { return };
        let Some(Stream::Media { line, layer }) =
            session.incoming.get(&report.ssrc).map(|it| it.stream)
        else {
            return;
        };
        let sent_us = unix_us_of_ntp(report.ntp);
        let measured = now.unix_us.saturating_sub(sent_us);
        let offset = match session.clock_offset_us {
            Some(offset) if (offset - measured).abs() < CLOCK_JUMP_US => offset,
            Some(_) | None => measured,
        };
        session.clock_offset_us = Some(offset);
        let room_index = session.room;
        let Some(track_index) = session.sends.get(line).and_then(|send| send.track) else { return };
        let Some(Some(room)) = self.rooms.get_mut(room_index) else { return };
        let Some(Some(track)) = room.tracks.get_mut(track_index) else { return };
        let (is_allowed, crossing) = (track.is_allowed, track.crossing);
        let at = layer;
        let Some(layer) = track.layers[layer].as_deref_mut() else { return };
        layer.reception.sender_report(report, now.at);
        let clock = ClockMap { rtp: report.rtp, unix_us: sent_us.saturating_add(offset) };
        layer.clock = Some(clock);
        if let (Some(tap), true) = (layer.tap, is_allowed) {
            let full = room.tap.push(tap, now.unix_us, TapKind::SenderReport, bytes);
            self.tap.extend(full);
        }
        if is_allowed && crossing.goes_out(at) {
            self.tell_trunks_clock(crossing.number, at, clock);
        }
    }

    /// A publisher stops a stream: a layer it pauses, a screen it shares no longer. The next packet brings it
    /// back.
    fn stream_left(&mut self, index: usize, ssrc: u32) {
        let Some(session) = self.session(index) else { return };
        let Some(Stream::Media { line, layer }) = session.incoming.get(&ssrc).map(|it| it.stream)
        else {
            return;
        };
        let room_index = session.room;
        let Some(track) = session.sends.get(line).and_then(|send| send.track) else { return };
        let Some(Some(room)) = self.rooms.get_mut(room_index) else { return };
        let Some(Some(track)) = room.tracks.get_mut(track) else { return };
        if let Some(layer) = track.layers[layer].as_deref_mut().filter(|it| it.ssrc == ssrc) {
            layer.has_left = true;
        }
    }

    /// A receiver lost packets of one of our lines.
    fn send_again(&mut self, index: usize, ssrc: u32, lost: &[u8], now: Now) {
        let Some(Some(session)) = self.sessions.get_mut(index) else { return };
        let (Some(address), Some(Some(room))) = (session.selected, self.rooms.get(session.room))
        else {
            return;
        };
        let Session { lines, seen, srtp, resend_budget, transport_seq, receiver, .. } =
            &mut **session;
        let Some(srtp) = srtp.as_mut() else { return };
        let Some(at) = lines.iter().position(|line| line.config.ssrc == ssrc) else { return };
        let (line, seen) = (&mut lines[at], &mut seen.lines[at]);
        let track = line.track.and_then(|track| room.tracks.get(track)?.as_ref());
        let Some(track) = track.filter(|track| track.is_allowed) else { return };
        for seq in rtcp::lost_packets(lost) {
            self.counters.nacked_packets += 1;
            seen.n_nacked = seen.n_nacked.saturating_add(1);
            if !resend_budget.take(now.at) {
                return;
            }
            let (start, number) = (self.out.bytes.len(), *transport_seq);
            let srtp = &mut srtp.local;
            let mut sealing = Sealing { srtp, out: &mut self.out.bytes, transport_seq };
            if line.resend(seq, track, &mut sealing, now.at) {
                self.out.close(address, start);
                receiver.sent(&line.config, number, self.out.bytes.len() - start, now.at);
                self.counters.resent_packets += 1;
            }
        }
    }

    /// A receiver cannot decode one of our lines any more.
    fn key_frame_wanted(&mut self, index: usize, ssrc: u32) {
        let Some(session) = self.session(index) else { return };
        let room_index = session.room;
        let Some(line) = session.lines.iter().find(|line| line.config.ssrc == ssrc) else { return };
        let (Some(track), Some(target)) = (line.track, line.target) else { return };
        let Some(Some(room)) = self.rooms.get_mut(room_index) else { return };
        let Some(Some(track)) = room.tracks.get_mut(track) else { return };
        if let Some(layer) = track.layers[target].as_deref_mut() {
            layer.key_frames.want();
            room.wants_key_frames = true;
            self.touch(room_index, false);
        }
    }

    /// Asks publishers for the key frames that somebody waits for.
    pub(super) fn ask_key_frames(&mut self, index: usize, now: Now) {
        let Some(Some(room)) = self.rooms.get_mut(index) else { return };
        if !std::mem::take(&mut room.wants_key_frames) {
            return;
        }
        let mut ask: Vec<(usize, u32)> = Vec::new();
        let mut beyond: Vec<(u32, usize)> = Vec::new();
        for track in room.tracks.iter_mut().flatten() {
            for index in 0..track.layers.len() {
                // A layer that the browser has paused cannot answer; whoever wants it gets another one.
                if !track.is_active(index, now.at) {
                    continue;
                }
                let Some(layer) = track.layers[index].as_deref_mut() else { continue };
                if layer.key_frames.should_ask(now.at) {
                    layer.seen.n_key_frames_asked += 1;
                    if track.session == REMOTE {
                        beyond.push((track.crossing.number, index));
                    } else {
                        ask.push((track.session, layer.ssrc));
                    }
                }
            }
        }
        for (track, layer) in beyond {
            self.ask_trunks_key_frame(track, layer);
        }
        for (publisher, ssrc) in ask {
            let Some(sender) = self.session(publisher).map(|it| it.rtcp_ssrc) else { continue };
            let mut compound = std::mem::take(&mut self.scratch);
            compound.clear();
            rtcp::write_receiver_report(&mut compound, sender, &[]);
            rtcp::write_pli(&mut compound, sender, ssrc);
            self.send_rtcp(publisher, &compound, now);
            self.scratch = compound;
            self.counters.key_frame_requests += 1;
        }
    }

    /// What a publisher hears now: missing packets, arrival times.
    pub(super) fn feed_back(&mut self, index: usize, now: Now) {
        let mut compound = std::mem::take(&mut self.scratch);
        compound.clear();
        let Some(Some(session)) = self.sessions.get_mut(index) else { return };
        let sender = session.rtcp_ssrc;
        rtcp::write_receiver_report(&mut compound, sender, &[]);
        let empty = compound.len();
        let Some(Some(room)) = self.rooms.get_mut(session.room) else { return };
        let mut lost = Vec::new();
        for track in session.sends.iter().filter_map(|send| send.track) {
            let Some(Some(track)) = room.tracks.get_mut(track) else { continue };
            for layer in track.layers.iter_mut().flatten().filter(|_| track.repairs) {
                lost.clear();
                if layer.loss.due(now.at, &mut lost) == Repair::GivenUp {
                    layer.key_frames.want();
                    room.wants_key_frames = true;
                }
                lost.sort_by_key(|seq| seq.wrapping_sub(lost_base(layer.reception.highest())));
                rtcp::write_nack(&mut compound, sender, layer.ssrc, &lost);
                self.counters.requested_packets += lost.len() as u64;
                layer.seen.n_nacked = layer.seen.n_nacked.saturating_add(lost.len() as u32);
            }
        }
        if session.transport_cc.poll_timeout().is_some_and(|due| due <= now.at) {
            let media = session.incoming.keys().next().copied().unwrap_or_default();
            session.transport_cc.write(&mut compound, sender, media);
        }
        if compound.len() > empty {
            self.send_rtcp(index, &compound, now);
        }
        self.scratch = compound;
    }

    /// The reports of every second: to a publisher how its streams arrive, to a receiver the clocks of
    /// its lines.
    pub(super) fn report(&mut self, index: usize, now: Now, only_switched: bool) {
        let mut compound = std::mem::take(&mut self.scratch);
        compound.clear();
        let Some(Some(session)) = self.sessions.get_mut(index) else { return };
        let Some(Some(room)) = self.rooms.get_mut(session.room) else { return };
        for line in &mut session.lines {
            if only_switched && !line.has_switched {
                continue;
            }
            let track = line.track.and_then(|track| room.tracks.get(track)?.as_ref());
            let layers = track.into_iter().flat_map(|track| track.layers.iter().flatten());
            let report = layers.filter_map(|layer| line.sender_report(layer, now)).next();
            if let Some((report, packets, octets)) = report {
                line.has_switched = false;
                rtcp::write_sender_report(&mut compound, &report, packets, octets);
                rtcp::write_cname(&mut compound, report.ssrc, CNAME);
            }
        }
        if !only_switched {
            for (line, seen) in session.lines.iter().zip(&mut session.seen.lines) {
                let (packets, octets) = line.sent();
                seen.rate.close(packets, octets, REPORT_MS);
            }
        }
        if !only_switched && !session.incoming.is_empty() {
            let mut blocks: Vec<ReportBlock> = Vec::new();
            for track in session.sends.iter().filter_map(|send| send.track) {
                let Some(Some(track)) = room.tracks.get_mut(track) else { continue };
                let clock_rate = track.clock_rate;
                blocks.extend(track.layers.iter_mut().flatten().map(|layer| {
                    let block = layer.reception.report(now.at);
                    layer.seen.close(&block, clock_rate, REPORT_MS);
                    block
                }));
            }
            if !blocks.is_empty() {
                rtcp::write_receiver_report(&mut compound, session.rtcp_ssrc, &blocks);
                rtcp::write_cname(&mut compound, session.rtcp_ssrc, CNAME);
            }
        }
        if !compound.is_empty() {
            self.send_rtcp(index, &compound, now);
        }
        self.scratch = compound;
        if !only_switched {
            self.count_line(index);
        }
    }

    /// Seals a compound packet and sends it.
    fn send_rtcp(&mut self, index: usize, compound: &[u8], now: Now) {
        let Some(Some(session)) = self.sessions.get_mut(index) else { return };
        let (Some(address), Some(srtp)) = (session.selected, session.srtp.as_mut()) else { return };
        let start = self.out.bytes.len();
        self.out.bytes.extend_from_slice(compound);
        if srtp.local.seal_rtcp(&mut self.out.bytes, start).is_none() {
            self.out.bytes.truncate(start);
        } else {
            self.out.close(address, start);
            if !self.traces.is_empty() {
                self.trace_report(index, address, compound, now);
            }
        }
    }
}

/// Half a circle before the newest number: sorting by distance from it gives the order of sending.
fn lost_base(highest: u64) -> u16 {
    (highest as u16).wrapping_sub(1 << 15)
}
