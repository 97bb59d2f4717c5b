//! Traces of one session on demand. While none runs, a packet pays for the question whether the list is empty.

use std::net::SocketAddr;

use protocol::control::MediaEvent;
use protocol::id::RequestId;

use crate::clock::Now;
use crate::core::Core;
use crate::outbox::Outbox;
use crate::rtp;
use crate::session::Session;
use crate::trace::{Ends, PAYLOAD_BYTES_MAX, TRACES_MAX, Trace};

impl Core {
    /// Begins a trace of what a publisher's newest session sends and gets.
    pub(super) fn start_trace(
        &mut self,
        request: RequestId,
        room: &str,
        publisher: &str,
        seconds: u16,
        now: Now,
    ) {
        let found = self.by_name.get(room).and_then(|index| self.rooms.get(*index)?.as_ref());
        let mut sessions = found.map_or(&[][..], |room| &room.sessions).iter().rev();
        let session = sessions.find_map(|&index| {
            let session = self.session(index).filter(|it| it.publisher == publisher)?;
            Some((index, session.serial))
        });
        match session.filter(|_| self.traces.len() < TRACES_MAX) {
            Some(session) => self.traces.push(Trace::new(request, session, seconds, now.at)),
            None => self.events.push_back(MediaEvent::Traced { request, file: Vec::new() }),
        }
    }

    /// Hands over the traces that are over: their time is, or their session.
    pub(super) fn finish_traces(&mut self, now: Now) {
        for at in (0..self.traces.len()).rev() {
            let trace = &self.traces[at];
            let session = self.session(trace.session);
            let is_there = session.is_some_and(|session| session.serial == trace.serial);
            if !is_there || trace.is_over(now.at) {
                let trace = self.traces.swap_remove(at);
                let request = trace.request;
                self.events.push_back(MediaEvent::Traced { request, file: trace.finish() });
            }
        }
    }

    /// Writes down what came in: an RTP packet or a compound report, opened.
    pub(super) fn trace_in(&mut self, index: usize, from: SocketAddr, bytes: &[u8], now: Now) {
        let to = own_address(&self.candidates, from);
        for trace in self.traces.iter_mut().filter(|it| it.session == index) {
            trace.note(Ends { from, to }, kept(bytes), bytes.len(), now.unix_us);
        }
    }

    /// Writes down a report that goes out.
    pub(super) fn trace_report(&mut self, index: usize, to: SocketAddr, bytes: &[u8], now: Now) {
        let from = own_address(&self.candidates, to);
        for trace in self.traces.iter_mut().filter(|it| it.session == index) {
            trace.note(Ends { from, to }, kept(bytes), bytes.len(), now.unix_us);
        }
    }
}

/// Finds out where the traced sessions get their packets.
pub(super) fn aim(traces: &mut [Trace], sessions: &[Option<Box<Session>>]) {
    for trace in traces {
        let session = sessions.get(trace.session).and_then(Option::as_ref);
        trace.to = session.and_then(|session| session.selected);
    }
}

/// Writes down the RTP packets that are about to leave. They are sealed, but their headers are not.
pub(super) fn trace_out(traces: &mut [Trace], candidates: &[SocketAddr], out: &Outbox, now: Now) {
    for trace in traces {
        let Some(to) = trace.to else { continue };
        let from = own_address(candidates, to);
        for packet in out.runs.iter().filter(|run| run.to == to).flat_map(|run| run.singles()) {
            let Some(bytes) = out.bytes.get(packet.start..packet.end) else { continue };
            // Reports are written down before they are sealed; STUN and DTLS are not media.
            let is_media = bytes.first().is_some_and(|byte| byte >> 6 == 2) && !rtp::is_rtcp(bytes);
            if let Some(header) = rtp::parse(bytes).filter(|_| is_media) {
                let kept = bytes.get(..header.len).unwrap_or_default();
                trace.note(Ends { from, to }, kept, bytes.len(), now.unix_us);
            }
        }
    }
}

/// What is kept of a packet: a report whole, of RTP the header and the first bytes of its payload.
fn kept(bytes: &[u8]) -> &[u8] {
    if rtp::is_rtcp(bytes) {
        return bytes;
    }
    let len = rtp::parse(bytes).map_or(0, |header| header.len + PAYLOAD_BYTES_MAX);
    bytes.get(..len).unwrap_or(bytes)
}

/// Our own address as the other end sees it.
fn own_address(candidates: &[SocketAddr], other: SocketAddr) -> SocketAddr {
    let is_v4 = other.ip().to_canonical().is_ipv4();
    let ours = candidates.iter().find(|it| it.is_ipv4() == is_v4).or_else(|| candidates.first());
    ours.copied().unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0)))
}
