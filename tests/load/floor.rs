//! The floor: the least that a forwarder does, by a thread without anything else to care for. Two of them,
//! both under the same load as the node and with the same receivers:
//!
//! - *forwarding*: takes bursts (GRO), opens each packet once, and for every receiver writes a header, copies
//!   the payload, seals it under that receiver's key and sends bursts (GSO, many receivers per call);
//! - *sending only*: the same without a publisher; packets come from memory, by the clock.
//!
//! No statistics, no feedback, no repairs, no rooms that change.

use std::net::{SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::client::rtp::{HEADER_BYTES, Header, Mark};
use crate::client::source::{BURST, FRAME, SENT_HEADER_BYTES, SOUND, VIDEO_BYTES};
use crate::client::srtp::{Keys, TAG_BYTES};
use crate::client::system::{self, CpuClock, Inbox, Poll, Run, Sender};
use crate::client::{Identity, fixed_keys, offer::Media};
use crate::{SERVER_CORE, process};

/// What is written before the payload: a fixed header and a transport-wide sequence number.
const SENT_BYTES: usize = HEADER_BYTES + 8;

/// Packets that are so much shorter than the longest of their burst are padded, so that all leave as one.
const PADDING_MAX: usize = 8;

/// When so much waits it is sent: it should still lie in the processor's cache.
const OUT_BYTES_MAX: usize = 256 * 1024;

/// How soon the thread sees that it is to stop.
const WAIT: Duration = Duration::from_millis(50);

/// Who sends what to whom.
#[derive(Default)]
pub struct Plan {
    pub rooms: Vec<PlanRoom>,
}

/// One room: publishers by port and SSRC, receivers by address, name of their keys, and the SSRC that is their
/// own and not sent to them.
#[derive(Default)]
pub struct PlanRoom {
    pub publishers: Vec<(u16, u32)>,
    pub receivers: Vec<(SocketAddrV4, u32, Option<u32>)>,
}

/// A running floor.
pub struct Floor {
    /// Its thread's processor time.
    pub clock: CpuClock,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Floor {
    /// Forwards what comes in at `socket`.
    pub fn forward(socket: UdpSocket, plan: Plan, identity: &Arc<Identity>) -> Self {
        Self::start(socket, plan, identity, Machine::forward)
    }

    /// Sends packets of its own.
    pub fn send(socket: UdpSocket, plan: Plan, identity: &Arc<Identity>, media: Media) -> Self {
        Self::start(socket, plan, identity, move |machine, stop| machine.send_only(media, stop))
    }

    fn start(
        socket: UdpSocket,
        plan: Plan,
        identity: &Arc<Identity>,
        work: impl FnOnce(Machine, &AtomicBool) + Send + 'static,
    ) -> Self {
        let (stop, identity) = (Arc::new(AtomicBool::new(false)), Arc::clone(identity));
        let (say, clock) = mpsc::sync_channel(1);
        let stopping = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            if process::cores() > SERVER_CORE {
                system::pin(0, SERVER_CORE);
            }
            system::wait_precisely();
            say.send(CpuClock::of_this_thread()).expect("whoever started it waits");
            work(Machine::new(socket, plan, &identity), &stopping);
        });
        let clock = clock.recv().expect("the thread says");
        Self { clock, stop, thread }
    }

    pub fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the floor does not fail");
    }
}

/// One packet that waits, opened, within the bytes it came in.
struct Pending {
    room: usize,
    ssrc: u32,
    seq: u16,
    /// First eight bytes of the header.
    head: [u8; 8],
    start: usize,
    end: usize,
}

struct Member {
    to: SocketAddrV4,
    keys: Keys,
    own: Option<u32>,
    transport_seq: u16,
}

/// A publisher: where it is, and its key.
struct From {
    room: usize,
    ssrc: u32,
    keys: Keys,
}

struct Machine {
    socket: UdpSocket,
    from: Vec<From>,
    /// Publisher by port.
    by_port: Vec<u16>,
    rooms: Vec<Vec<Member>>,
    pending: Vec<Pending>,
    out: Vec<u8>,
    runs: Vec<Run>,
    sender: Sender,
}

impl Machine {
    fn new(socket: UdpSocket, plan: Plan, identity: &Identity) -> Self {
        let mut machine = Self {
            socket,
            from: Vec::new(),
            by_port: vec![u16::MAX; 1 << 16],
            rooms: Vec::new(),
            pending: Vec::new(),
            out: Vec::with_capacity(2 * OUT_BYTES_MAX),
            runs: Vec::new(),
            sender: Sender::new(),
        };
        for (room, plan) in plan.rooms.into_iter().enumerate() {
            for (port, ssrc) in plan.publishers {
                machine.by_port[usize::from(port)] = machine.from.len() as u16;
                let keys = fixed_keys(identity, ssrc);
                machine.from.push(From { room, ssrc, keys });
            }
            let member = |(to, name, own)| Member {
                to,
                keys: fixed_keys(identity, name),
                own,
                transport_seq: 0,
            };
            machine.rooms.push(plan.receivers.into_iter().map(member).collect());
        }
        machine
    }

    fn forward(mut self, stop: &AtomicBool) {
        let (mut poll, mut inbox) = (Poll::new(), Inbox::new());
        poll.add(self.socket.as_raw_fd(), 0);
        while !stop.load(Ordering::Relaxed) {
            poll.wait(WAIT).for_each(drop);
            loop {
                let n = inbox.receive(&self.socket);
                for at in 0..n {
                    self.take(&mut inbox, at);
                }
                self.fan_out(inbox.bytes());
                if n < system::MESSAGES_MAX {
                    break;
                }
            }
        }
    }

    /// Opens the packets of one message.
    fn take(&mut self, inbox: &mut Inbox, at: usize) {
        let start = inbox.start_of(at);
        let message = inbox.message(at);
        let of = usize::from(self.by_port[usize::from(message.from_port)]);
        let Some(from) = self.from.get(of) else { return };
        for (n, packet) in message.bytes.chunks_mut(message.segment).enumerate() {
            let Some(header) = Header::parse(packet) else { continue };
            // Runs of the floor are too short for the numbers to turn over.
            let index = u64::from(header.seq);
            let opened = from.keys.open(packet, header.len, header.ssrc, index);
            let Some(len) = opened.filter(|_| header.ssrc == from.ssrc) else { continue };
            let start = start + n * message.segment;
            self.pending.push(Pending {
                room: from.room,
                ssrc: from.ssrc,
                seq: header.seq,
                head: *packet.first_chunk().expect("it has a header"),
                start: start + header.len,
                end: start + len,
            });
        }
    }

    /// Everything that waits, receiver by receiver.
    fn fan_out(&mut self, bytes: &[u8]) {
        for (index, room) in self.rooms.iter_mut().enumerate() {
            let here = |it: &&Pending| it.room == index;
            let lens = self.pending.iter().filter(here).map(|it| it.end - it.start);
            let Some(longest) = lens.max() else { continue };
            for member in room {
                let first = self.runs.len();
                for packet in self.pending.iter().filter(here) {
                    if member.own == Some(packet.ssrc) {
                        continue;
                    }
                    let start = self.out.len();
                    write(&mut self.out, packet, bytes, longest, member);
                    let (to, end) = (Some(member.to), self.out.len());
                    let is_alone = self.runs.len() == first;
                    match self.runs.last_mut().filter(|_| !is_alone) {
                        Some(run) if run.segment == end - start => run.end = end,
                        _ => self.runs.push(Run { to, start, end, segment: end - start }),
                    }
                }
                if self.out.len() > OUT_BYTES_MAX {
                    self.sender.send(&self.socket, &self.out, &self.runs);
                    self.out.clear();
                    self.runs.clear();
                }
            }
        }
        self.pending.clear();
        self.sender.send(&self.socket, &self.out, &self.runs);
        self.out.clear();
        self.runs.clear();
    }

    /// Sends bursts of its own at the publishers' pace, spread over the interval as theirs are.
    fn send_only(mut self, media: Media, stop: &AtomicBool) {
        let (interval, burst, len) = match media {
            Media::Audio => (SOUND, 1, 80),
            Media::Video => (FRAME, BURST, VIDEO_BYTES - TAG_BYTES - SENT_HEADER_BYTES),
        };
        let mut bytes = vec![0; burst * len];
        let (began, n) = (Instant::now(), self.from.len());
        for turn in 0_usize.. {
            let (frame, at) = ((turn / n) as u32, turn % n);
            let due = began + interval * frame + interval.mul_f64(at as f64 / n as f64);
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if stop.load(Ordering::Relaxed) {
                return;
            }
            let From { room, ssrc, .. } = self.from[at];
            for part in 0..burst {
                let payload = &mut bytes[part * len..(part + 1) * len];
                Mark { source: ssrc, frame, sent_ns: system::realtime_ns() }.write(payload);
                let seq = frame as u16 * burst as u16 + part as u16;
                let [high, low] = seq.to_be_bytes();
                let head = [0x90, 0x60, high, low, 0, 0, 0, 0];
                let (start, end) = (part * len, (part + 1) * len);
                self.pending.push(Pending { room, ssrc, seq, head, start, end });
            }
            self.fan_out(&bytes);
        }
    }
}

/// One packet for one receiver.
fn write(out: &mut Vec<u8>, packet: &Pending, bytes: &[u8], longest: usize, member: &mut Member) {
    let start = out.len();
    let payload = &bytes[packet.start..packet.end];
    let padding = Some(longest - payload.len()).filter(|it| *it <= PADDING_MAX).unwrap_or(0);
    out.extend_from_slice(&packet.head);
    out[start] = 0x90 | if padding > 0 { 0x20 } else { 0 };
    out.extend_from_slice(&packet.ssrc.to_be_bytes());
    let [high, low] = member.transport_seq.to_be_bytes();
    member.transport_seq = member.transport_seq.wrapping_add(1);
    out.extend_from_slice(&[0xbe, 0xde, 0, 1, 0x31, high, low, 0]);
    out.extend_from_slice(payload);
    out.resize(out.len() + padding + TAG_BYTES, 0);
    if padding > 0 {
        let last = out.len() - TAG_BYTES - 1;
        out[last] = padding as u8;
    }
    member.keys.seal(&mut out[start..], SENT_BYTES, packet.ssrc, u64::from(packet.seq));
}
