//! A line with capacity, queue, delay, jitter and loss, a receiver that reports as browsers do, and a sender that
//! sends what the estimate allows. Time is counted in milliseconds; every number comes from the seed.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::bandwidth::allocate::{
    Ask, Choice, Downlink, Given, Held, Ladder, Lowest, Memory, Place, Rung, allocate,
};
use crate::bandwidth::estimate::*;
use crate::receive::transport_cc::TransportCc;

/// The line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) bps: f64,
    /// One way without queue.
    pub(super) delay_ms: u64,
    /// What the queue holds at most.
    pub(super) queue_ms: u64,
    /// Share of what is sent, and of the reports on their way back.
    pub(super) loss: f64,
    pub(super) jitter_ms: u64,
    /// Other traffic in the same queue.
    pub(super) others_bps: f64,
    /// No queue: what comes faster than `bps` is dropped, but for a burst of so long. 0: there is a queue.
    pub(super) policer_ms: u64,
}

impl Line {
    pub(super) fn of(bps: f64) -> Self {
        Self {
            bps,
            delay_ms: 25,
            queue_ms: 500,
            loss: 0.0,
            jitter_ms: 0,
            others_bps: 0.0,
            policer_ms: 0,
        }
    }
}

/// What is sent.
#[derive(Clone, Debug)]
pub(super) enum Traffic {
    /// As much as the estimate allows, and padding beyond that for what is wanted in all.
    Elastic { want_bps: f64 },
    /// A voice, and pictures divided by the allocator.
    Page(Vec<Ask>),
}

#[derive(Clone, Copy, Debug)]
struct Flying {
    flow: usize,
    seq: u16,
    bytes: usize,
}

/// One sender and its receiver.
struct Flow {
    estimator: Estimator,
    receiver: TransportCc,
    traffic: Traffic,
    seq: u16,
    /// Fractions of packets to send.
    debt: f64,
    memory: Memory,
    given: Vec<Given>,
    total_bps: u32,
    needed: Option<u32>,
    /// Reports on their way back.
    reports: VecDeque<(u64, Vec<u8>)>,
}

/// The simulation.
pub(super) struct World {
    start: Instant,
    pub(super) ms: u64,
    pub(super) line: Line,
    queue: VecDeque<Flying>,
    queued_bytes: usize,
    credit: f64,
    others: f64,
    /// Packets past the queue, with the ms of their arrival.
    flying: Vec<(u64, Flying)>,
    flows: Vec<Flow>,
    seed: u64,
    /// Until when the receivers' processors do nothing else than this, ms: what comes waits.
    pub(super) stalled_until: u64,
    /// Bytes that a policer lets through at once.
    tokens: f64,
    n_put: u64,
    n_dropped: u64,
    pub(super) padding_bytes: u64,
}

pub(super) fn page(ladders: &[&[u32]]) -> Traffic {
    let ask = |(n, bps): (usize, &&[u32])| {
        let mut ladder = Ladder::default();
        for (spatial, &bps) in bps.iter().enumerate() {
            ladder.push(Rung { choice: Choice { spatial: spatial as u8, temporal: 0 }, bps });
        }
        Ask { place: if n == 0 { Place::Main } else { Place::Tile }, ladder, held: Held::New }
    };
    Traffic::Page(ladders.iter().enumerate().map(ask).collect())
}

impl World {
    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
    pub(super) fn new(line: Line, traffic: &[Traffic], seed: u64) -> Self {
        let start = Instant::now();
        let flow = |traffic: &Traffic| Flow {
            estimator: Estimator::new(start),
            receiver: TransportCc::new(start),
            traffic: traffic.clone(),
            seq: 0,
            debt: 0.0,
            memory: Memory::default(),
            given: Vec::new(),
            total_bps: 0,
            needed: None,
            reports: VecDeque::new(),
        };
        Self {
            start,
            ms: 0,
            line,
            queue: VecDeque::new(),
            queued_bytes: 0,
            credit: 0.0,
            others: 0.0,
            flying: Vec::new(),
            flows: traffic.iter().map(flow).collect(),
            seed,
            stalled_until: 0,
            tokens: 0.0,
            n_put: 0,
            n_dropped: 0,
            padding_bytes: 0,
        }
    }

    fn now(&self) -> Instant {
        self.start + Duration::from_millis(self.ms)
    }

    /// A number from 0 to 1.
    pub(super) fn random(&mut self) -> f64 {
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) as f64 / f64::from(1u32 << 31)
    }

    pub(super) fn estimate(&self, flow: usize) -> f64 {
        f64::from(self.flows[flow].estimator.estimate())
    }

    /// What the flow's pictures and sounds come to, bit/s.
    pub(super) fn given(&self, flow: usize) -> f64 {
        f64::from(self.flows[flow].total_bps)
    }

    /// Whether a picture of the flow's page is shown.
    pub(super) fn is_shown(&self, flow: usize, picture: usize) -> bool {
        self.flows[flow].given.get(picture).is_some_and(|given| given.choice.is_some())
    }

    /// The resolution in which a picture is shown, 0 the lowest.
    pub(super) fn resolution(&self, flow: usize, picture: usize) -> Option<u8> {
        self.flows[flow].given.get(picture)?.choice.map(|choice| choice.spatial)
    }

    /// Packets that came to the line's queue, and those that found no room in it.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.n_put, self.n_dropped)
    }

    /// How long a packet that is put in now waits, ms.
    pub(super) fn queue_delay_ms(&self) -> f64 {
        self.queued_bytes as f64 * 8_000.0 / self.line.bps.max(1.0)
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, ms: u64) {
        for _ in 0..ms {
            self.ms += 1;
            for flow in 0..self.flows.len() {
                self.send(flow);
            }
            self.others += self.line.others_bps / 8_000.0;
            while self.others >= 1_200.0 {
                self.others -= 1_200.0;
                self.enqueue(Flying { flow: usize::MAX, seq: 0, bytes: 1_200 });
            }
            self.carry();
            for flow in 0..self.flows.len() {
                self.report(flow);
            }
        }
    }

    fn enqueue(&mut self, packet: Flying) {
        self.n_put += 1;
        if self.line.policer_ms > 0 {
            if packet.bytes as f64 > self.tokens {
                self.n_dropped += 1;
                return;
            }
            self.tokens -= packet.bytes as f64;
        }
        let most = self.line.bps.max(100_000.0) * self.line.queue_ms as f64 / 8_000.0;
        if (self.queued_bytes + packet.bytes) as f64 > most {
            self.n_dropped += 1;
            return;
        }
        self.queued_bytes += packet.bytes;
        self.queue.push_back(packet);
    }

    fn put(&mut self, flow: usize, bytes: usize) {
        let now = self.now();
        let it = &mut self.flows[flow];
        it.seq = it.seq.wrapping_add(1);
        let seq = it.seq;
        it.estimator.sent(seq, bytes, now);
        self.enqueue(Flying { flow, seq, bytes });
    }

    fn send(&mut self, index: usize) {
        let now = self.now();
        if self.ms.is_multiple_of(20) {
            self.put(index, 120);
        }
        if self.ms.is_multiple_of(100) {
            self.decide(index);
        }
        let flow = &mut self.flows[index];
        if flow.estimator.poll_timeout().is_some_and(|due| due <= now) {
            flow.estimator.handle_timeout(now);
        }
        // Thirty frames a second.
        if self.ms.is_multiple_of(33) {
            let sound = 48_000.0;
            let bps = match flow.traffic {
                Traffic::Elastic { want_bps } => f64::from(flow.estimator.estimate()).min(want_bps),
                Traffic::Page(_) => f64::from(flow.total_bps),
            };
            flow.debt += (bps - sound).max(0.0) * 0.033 / 8.0;
            while self.flows[index].debt >= 1_150.0 {
                self.flows[index].debt -= 1_150.0;
                self.put(index, 1_150);
            }
        }
        let padding = self.flows[index].estimator.padding(now);
        self.padding_bytes += padding as u64;
        for _ in 0..padding / crate::bandwidth::probe::PADDING_BYTES {
            self.put(index, crate::bandwidth::probe::PADDING_BYTES);
        }
    }

    fn decide(&mut self, index: usize) {
        let now = self.now();
        let flow = &mut self.flows[index];
        let estimate = flow.estimator.estimate();
        flow.needed = match &mut flow.traffic {
            Traffic::Elastic { want_bps } => {
                let want = (*want_bps).min(2.0 * f64::from(estimate)) as u32;
                Some(want).filter(|want| *want > estimate)
            }
            Traffic::Page(asks) => {
                let is_frail = flow.estimator.is_frail();
                let (estimate, lowest) = (Some(estimate), Lowest::MayPause);
                let line = Downlink { estimate, sound: 48_000, lowest, is_frail };
                let (memory, total) = allocate(line, asks, flow.memory, now, &mut flow.given);
                for (ask, given) in asks.iter_mut().zip(&flow.given) {
                    ask.held = given.choice.map_or(Held::Paused, Held::At);
                }
                (flow.memory, flow.total_bps) = (memory, total.used);
                total.needed
            }
        };
        flow.estimator.wish(flow.needed, now);
    }

    fn carry(&mut self) {
        self.credit += self.line.bps / 8_000.0;
        let burst = self.line.bps * self.line.policer_ms as f64 / 8_000.0;
        self.tokens = (self.tokens + self.line.bps / 8_000.0).min(burst);
        if self.line.policer_ms > 0 {
            self.credit = f64::MAX;
        }
        while let Some(first) = self.queue.front().copied() {
            if (first.bytes as f64) > self.credit {
                break;
            }
            self.credit -= first.bytes as f64;
            self.queued_bytes -= first.bytes;
            self.queue.pop_front();
            if self.random() < self.line.loss {
                continue;
            }
            let jitter = (self.random() * (self.line.jitter_ms + 1) as f64) as u64;
            self.flying.push((self.ms + self.line.delay_ms + jitter, first));
        }
        if self.queue.is_empty() {
            // A line that has nothing to carry saves nothing up.
            self.credit = 0.0;
        }
        if self.ms < self.stalled_until {
            return;
        }
        let now = self.now();
        let (ms, flows) = (self.ms, &mut self.flows);
        self.flying.retain(|(due, packet)| {
            if *due <= ms
                && let Some(flow) = flows.get_mut(packet.flow)
            {
                flow.receiver.packet(packet.seq, now);
            }
            *due > ms
        });
    }

    fn report(&mut self, index: usize) {
        let (now, ms, delay_ms) = (self.now(), self.ms, self.line.delay_ms);
        let flow = &mut self.flows[index];
        let is_awake = ms >= self.stalled_until;
        if is_awake && flow.receiver.poll_timeout().is_some_and(|due| due <= now) {
            let mut report = Vec::new();
            flow.receiver.write(&mut report, 1, 2);
            flow.reports.push_back((ms + delay_ms, report));
        }
        while self.flows[index].reports.front().is_some_and(|(due, _)| *due <= ms) {
            let is_lost = self.line.loss > 0.0 && self.random() < self.line.loss;
            let flow = &mut self.flows[index];
            let Some((_, report)) = flow.reports.pop_front() else { break };
            let Some(feedback) = report.get(12..).and_then(Feedback::parse) else { continue };
            if !is_lost {
                flow.estimator.feedback(&feedback, now);
            }
        }
    }
}
