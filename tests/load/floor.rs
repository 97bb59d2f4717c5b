//! The floor: a bare loop that copies, seals (AES-128-GCM) and sends the packets that the product
//! forwards, to as many destinations, at the same pace. Nothing a forwarder must do is cheaper than this.

use std::fmt;
use std::io::IoSlice;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg};
use nix::time::{ClockId, clock_gettime};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use serde_json::{Value, json};

use crate::fanout::RECEIVERS;
use crate::publisher::{BURST, FRAME, PACKET_BYTES};
use crate::{LOAD_CORE, SERVER_CORE, process};

/// How long each variant runs.
const RUN: Duration = Duration::from_secs(6);

/// RTP header and authentication tag around the payload.
const HEADER_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

/// Processor time per packet of the two variants, in µs.
pub struct Floor {
    pub sendto_us: f64,
    pub gso_us: f64,
}

impl Floor {
    /// The cheaper one.
    pub fn best_us(&self) -> f64 {
        self.sendto_us.min(self.gso_us)
    }

    pub fn to_json(&self) -> Value {
        json!({"sendto_us": self.sendto_us, "gso_sendmmsg_us": self.gso_us})
    }
}

impl fmt::Display for Floor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "floor: copy, seal and send {PACKET_BYTES}-byte packets to {RECEIVERS} receivers"
        )?;
        writeln!(f, "  sendto                    {:>8.2} µs per packet", self.sendto_us)?;
        write!(f, "  sendmmsg with GSO         {:>8.2} µs per packet", self.gso_us)
    }
}

/// Runs both variants on the server's core while another thread empties the receivers' sockets.
pub fn measure() -> Floor {
    let receivers: Vec<UdpSocket> = (0..RECEIVERS)
        .map(|_| {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
            socket.set_nonblocking(true).expect("a socket can");
            socket
        })
        .collect();
    let addresses: Vec<SocketAddr> =
        receivers.iter().map(|socket| socket.local_addr().expect("bound")).collect();
    let done = Arc::new(AtomicBool::new(false));
    let drain = {
        let done = Arc::clone(&done);
        thread::spawn(move || drain(&receivers, &done))
    };
    let run = |gso: bool| {
        let addresses = addresses.clone();
        thread::spawn(move || {
            pin_this_thread(SERVER_CORE);
            Sender::new(addresses).run(gso)
        })
        .join()
        .expect("the loop does not fail")
    };
    let floor = Floor { sendto_us: run(false), gso_us: run(true) };
    done.store(true, Ordering::Relaxed);
    drain.join().expect("the drain does not fail");
    floor
}

fn pin_this_thread(core: usize) {
    if process::cores() > core {
        let mut set = nix::sched::CpuSet::new();
        set.set(core).expect("a small number");
        nix::sched::sched_setaffinity(nix::unistd::Pid::from_raw(0), &set).expect("it may");
    }
}

fn drain(receivers: &[UdpSocket], done: &AtomicBool) {
    pin_this_thread(LOAD_CORE);
    let mut buffer = [0; 2048];
    while !done.load(Ordering::Relaxed) {
        for socket in receivers {
            while socket.recv(&mut buffer).is_ok() {}
        }
        thread::sleep(Duration::from_millis(2));
    }
}

struct Sender {
    socket: UdpSocket,
    addresses: Vec<SocketAddr>,
    /// One key per receiver, as each has its own SRTP session.
    keys: Vec<LessSafeKey>,
    payload: Vec<u8>,
    counter: u64,
}

impl Sender {
    fn new(addresses: Vec<SocketAddr>) -> Self {
        let key = |index: usize| {
            let bytes = [u8::try_from(index % 256).expect("below 256"); 16];
            LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &bytes).expect("16 bytes"))
        };
        Self {
            socket: UdpSocket::bind("127.0.0.1:0").expect("a free port"),
            keys: (0..addresses.len()).map(key).collect(),
            addresses,
            payload: vec![0x55; PACKET_BYTES],
            counter: 0,
        }
    }

    /// Sends bursts at the product's pace; gives this thread's processor time per packet, in µs.
    fn run(mut self, gso: bool) -> f64 {
        let began = Instant::now();
        let cpu = thread_cpu();
        let mut next = began;
        let mut packets = 0_u64;
        while began.elapsed() < RUN {
            if gso {
                self.burst_gso()
            } else {
                self.burst_sendto()
            }
            packets += u64::try_from(BURST * self.addresses.len()).expect("small");
            next += FRAME;
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        (thread_cpu() - cpu).as_secs_f64() * 1e6 / packets as f64
    }

    fn burst_sendto(&mut self) {
        let mut packet = Vec::with_capacity(HEADER_BYTES + PACKET_BYTES + TAG_BYTES);
        for _ in 0..BURST {
            for index in 0..self.addresses.len() {
                packet.clear();
                self.seal(index, &mut packet);
                self.socket.send_to(&packet, self.addresses[index]).expect("loopback takes it");
            }
        }
    }

    fn burst_gso(&mut self) {
        let size = HEADER_BYTES + PACKET_BYTES + TAG_BYTES;
        let mut buffers = Vec::with_capacity(self.addresses.len());
        for index in 0..self.addresses.len() {
            let mut buffer = Vec::with_capacity(size * BURST);
            for _ in 0..BURST {
                self.seal(index, &mut buffer);
            }
            buffers.push(buffer);
        }
        let segment = u16::try_from(size).expect("below 64 KiB");
        let slices: Vec<[IoSlice<'_>; 1]> = buffers.iter().map(|b| [IoSlice::new(b)]).collect();
        let to: Vec<Option<SockaddrStorage>> =
            self.addresses.iter().map(|address| Some((*address).into())).collect();
        let mut headers = MultiHeaders::preallocate(slices.len(), Some(nix::cmsg_space!(u16)));
        let sent = sendmmsg(
            self.socket.as_raw_fd(),
            &mut headers,
            slices.iter(),
            &to,
            [ControlMessage::UdpGsoSegments(&segment)],
            MsgFlags::empty(),
        )
        .expect("loopback takes it");
        assert_eq!(sent.count(), self.addresses.len(), "every receiver got its burst");
    }

    /// Appends one sealed packet.
    fn seal(&mut self, index: usize, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0x80; HEADER_BYTES]);
        out.extend_from_slice(&self.payload);
        self.counter += 1;
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&self.counter.to_be_bytes());
        let (header, body) = out[start..].split_at_mut(HEADER_BYTES);
        let tag = self.keys[index]
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(&*header),
                body,
            )
            .expect("short enough");
        out.extend_from_slice(tag.as_ref());
    }
}

fn thread_cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("Linux has it").into()
}
