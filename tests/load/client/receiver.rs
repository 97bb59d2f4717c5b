//! What a receiver does: counts every packet by its header, opens and checks a sample, asks for what is
//! missing, reports each second, and tells arrival times when that was negotiated.

use std::time::{Duration, Instant};

use super::offer::{Answered, Media};
use super::rtcp::{self, Arrivals, FEEDBACK_INTERVAL, Heard, REPORT_INTERVAL};
use super::rtp::{Header, Mark, Sequence};
use super::srtp::Keys;

/// One packet in so many is opened and checked, per receiver. Prime, so that all places in a burst get
/// their turn.
pub const SAMPLE: u32 = 61;

/// Packets of one stream that are asked for again.
const MISSING_MAX: usize = 256;

/// How often, and how many times.
const ASK_INTERVAL: Duration = Duration::from_millis(50);
const ASKS_MAX: u8 = 5;

/// Whether a receiver has nothing to send before its next report.
const IDLE: Duration = Duration::from_millis(500);

/// Report blocks that fit into one report.
const BLOCKS_MAX: usize = 31;

struct Missing {
    seq: u64,
    asks: u8,
    asked: Instant,
}

/// One stream that comes.
struct Stream {
    media: Media,
    ssrc: u32,
    rtx: u32,
    sequence: Sequence,
    repairs: Sequence,
    missing: Vec<Missing>,
    /// Middle of the last sender report's time and when it came.
    report: Option<(u32, Instant)>,
    /// Expected and received at the last report.
    told: (u64, u64),
    wants_key: bool,
}

/// What came and what did not, over all streams.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub received: u64,
    pub expected: u64,
    /// Packets that came again on request.
    pub repaired: u64,
    /// Packets opened and found right.
    pub checked: u64,
    /// Packets that did not open or were not what was sent.
    pub broken: u64,
    /// Packets of no stream that was announced.
    pub strange: u64,
    /// Transport-wide numbers that never came.
    pub transport_gaps: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.received += other.received;
        self.expected += other.expected;
        self.repaired += other.repaired;
        self.checked += other.checked;
        self.broken += other.broken;
        self.strange += other.strange;
        self.transport_gaps += other.transport_gaps;
    }
}

/// The receiving side of a client.
pub struct Receiver {
    streams: Vec<Stream>,
    /// Number of the transport-wide extension, 0: not negotiated.
    transport_cc: u8,
    arrivals: Arrivals,
    ssrc: u32,
    sample: u32,
    pub first_packet: Option<Instant>,
    next_report: Instant,
    /// When [`Self::tick`] wants to be called.
    pub due: Instant,
    checked: u64,
    broken: u64,
    strange: u64,
    /// From the publisher's sending to this socket's queue, µs, of the packets opened.
    pub delays_us: Vec<u32>,
}

impl Receiver {
    pub fn new(lines: &[Answered], media: &[Media], ssrc: u32, now: Instant) -> Self {
        let stream = |(line, media): (&Answered, &Media)| Stream {
            media: *media,
            ssrc: line.ssrc,
            rtx: line.rtx,
            sequence: Sequence::default(),
            repairs: Sequence::default(),
            missing: Vec::new(),
            report: None,
            told: (0, 0),
            wants_key: false,
        };
        let transport_cc = lines.iter().find(|line| line.has_feedback && line.transport_cc != 0);
        // Reports of many receivers are spread over the second.
        let spread = Duration::from_millis(u64::from(ssrc.wrapping_mul(37) % 1_000));
        Self {
            streams: lines.iter().zip(media).map(stream).collect(),
            transport_cc: transport_cc.map_or(0, |line| line.transport_cc),
            arrivals: Arrivals::new(now),
            ssrc,
            sample: ssrc.wrapping_mul(17) % SAMPLE,
            first_packet: None,
            next_report: now + spread,
            due: now + spread.min(FEEDBACK_INTERVAL),
            checked: 0,
            broken: 0,
            strange: 0,
            delays_us: Vec::new(),
        }
    }

    /// Whether feedback on arrival times was negotiated.
    pub fn has_feedback(&self) -> bool {
        self.transport_cc != 0
    }

    /// Streams on which something came.
    pub fn live_streams(&self) -> usize {
        self.streams.iter().filter(|it| it.sequence.received > 0).count()
    }

    /// Packets of each line.
    pub fn received(&self) -> impl Iterator<Item = u64> {
        self.streams.iter().map(|it| it.sequence.received)
    }

    pub fn tally(&self) -> Tally {
        let mut tally = Tally {
            checked: self.checked,
            broken: self.broken,
            strange: self.strange,
            transport_gaps: self.arrivals.gaps,
            ..Tally::default()
        };
        for stream in &self.streams {
            tally.received += stream.sequence.received;
            tally.expected += stream.sequence.expected();
            tally.repaired += stream.repairs.received;
        }
        tally
    }

    /// Takes an RTP packet that the kernel had at `stamp_ns`. Returns whether something is to be asked for.
    pub fn packet(&mut self, packet: &mut [u8], keys: &Keys, stamp_ns: u64, now: Instant) -> bool {
        let Some(header) = Header::parse(packet) else {
            self.strange += 1;
            return false;
        };
        let place = self.streams.iter().position(|it| it.ssrc == header.ssrc);
        if self.transport_cc != 0
            && let Some(seq) = header.transport_seq(packet, self.transport_cc)
        {
            self.arrivals.note(seq, now);
        }
        let Some(place) = place else { return self.repair(packet, &header, keys) };
        self.first_packet.get_or_insert(now);
        let stream = &mut self.streams[place];
        let index = stream.sequence.extend(header.seq);
        let gap = stream.sequence.note(index);
        let has_gap = !gap.is_empty() && stream.media == Media::Video;
        if has_gap {
            for seq in gap.take(MISSING_MAX - stream.missing.len().min(MISSING_MAX)) {
                stream.missing.push(Missing { seq, asks: 0, asked: now });
            }
        } else if !stream.missing.is_empty() {
            stream.missing.retain(|it| it.seq != index);
        }
        self.sample += 1;
        if self.sample == SAMPLE {
            self.sample = 0;
            self.check(packet, &header, keys, index, stamp_ns);
        }
        has_gap
    }

    /// Opens a packet and holds it against its mark.
    fn check(
        &mut self,
        packet: &mut [u8],
        header: &Header,
        keys: &Keys,
        index: u64,
        stamp_ns: u64,
    ) {
        let mark = keys
            .open(packet, header.len, header.ssrc, index)
            .and_then(|len| Mark::read(header.payload(&packet[..len])?));
        let Some(mark) = mark else {
            self.broken += 1;
            return;
        };
        self.checked += 1;
        let delay_us = stamp_ns.saturating_sub(mark.sent_ns) / 1_000;
        self.delays_us.push(u32::try_from(delay_us).unwrap_or(u32::MAX));
    }

    /// A packet sent again (RFC 4588), or one of no stream of ours.
    fn repair(&mut self, packet: &mut [u8], header: &Header, keys: &Keys) -> bool {
        let Some(stream) = self.streams.iter_mut().find(|it| it.rtx == header.ssrc) else {
            self.strange += 1;
            return false;
        };
        let index = stream.repairs.extend(header.seq);
        let opened = keys.open(packet, header.len, header.ssrc, index);
        let payload = opened.and_then(|len| header.payload(&packet[..len]));
        match payload.map(<[u8]>::first_chunk::<2>) {
            None => self.broken += 1,
            // Nothing but padding: the node probes the line.
            Some(None) => {}
            Some(Some(seq)) => {
                stream.repairs.note(index);
                let original = u16::from_be_bytes(*seq);
                stream.missing.retain(|it| it.seq as u16 != original);
            }
        }
        false
    }

    /// Takes what an opened compound packet says.
    pub fn heard(&mut self, heard: &[Heard], now: Instant) {
        for heard in heard {
            if let Heard::SenderReport { ssrc, ntp } = heard
                && let Some(stream) = self.streams.iter_mut().find(|it| it.ssrc == *ssrc)
            {
                stream.report = Some((*ntp, now));
            }
        }
    }

    /// Writes what is to be asked for now.
    pub fn ask(&mut self, out: &mut Vec<u8>, now: Instant) {
        let sender = self.ssrc;
        let mut seqs = Vec::new();
        for stream in self.streams.iter_mut().filter(|it| !it.missing.is_empty()) {
            seqs.clear();
            for missing in &mut stream.missing {
                if missing.asks == 0 || now >= missing.asked + ASK_INTERVAL {
                    (missing.asks, missing.asked) = (missing.asks + 1, now);
                    if missing.asks <= ASKS_MAX {
                        seqs.push(missing.seq);
                    }
                }
            }
            let before = stream.missing.len();
            stream.missing.retain(|it| it.asks <= ASKS_MAX);
            stream.wants_key |= stream.missing.len() < before;
            if !seqs.is_empty() {
                rtcp::write_nack(out, sender, stream.ssrc, &seqs);
            }
            if std::mem::take(&mut stream.wants_key) {
                rtcp::write_pli(out, sender, stream.ssrc);
            }
        }
    }

    /// Writes compound packets that are due, one call of `send` each; sets the next `due`.
    pub fn tick(&mut self, now: Instant, mut send: impl FnMut(&mut Vec<u8>)) {
        let mut out = Vec::with_capacity(256);
        if now >= self.next_report {
            self.next_report = now + REPORT_INTERVAL;
            let blocks: Vec<[u32; 6]> =
                self.streams.iter_mut().filter_map(|it| it.report(now)).collect();
            for blocks in blocks.chunks(BLOCKS_MAX) {
                rtcp::write_report(&mut out, self.ssrc, blocks);
                send(&mut out);
                out.clear();
            }
        }
        self.ask(&mut out, now);
        if self.arrivals.is_due() {
            let media = self.streams.first().map_or(0, |it| it.ssrc);
            self.arrivals.write(&mut out, self.ssrc, media);
        }
        if !out.is_empty() {
            send(&mut out);
        }
        let is_waiting = self.streams.iter().any(|it| !it.missing.is_empty());
        let pause = match (self.has_feedback(), is_waiting) {
            (true, _) => FEEDBACK_INTERVAL,
            (false, true) => ASK_INTERVAL,
            (false, false) => IDLE,
        };
        self.due = (now + pause).min(self.next_report);
    }
}

impl Stream {
    /// The block of a receiver report; `None` while nothing came.
    fn report(&mut self, now: Instant) -> Option<[u32; 6]> {
        let (expected, received) = (self.sequence.expected(), self.sequence.received);
        if received == 0 {
            return None;
        }
        let asked = expected - self.told.0;
        let lost = asked.saturating_sub(received - self.told.1);
        self.told = (expected, received);
        let fraction = (lost * 256).checked_div(asked).unwrap_or(0).min(255) as u32;
        let total = expected.saturating_sub(received) as u32 & 0x00ff_ffff;
        let (last, since) = self.report.map_or((0, 0), |(ntp, at)| {
            let since = now.saturating_duration_since(at).as_micros() * 65_536 / 1_000_000;
            (ntp, since as u32)
        });
        Some([self.ssrc, fraction << 24 | total, self.sequence.highest(), 20, last, since])
    }
}
