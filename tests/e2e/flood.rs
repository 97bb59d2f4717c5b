//! Two hundred thousand datagrams of garbage a second at the media port, beside an honest publisher and its receivers.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::client::offer::Media;
use crate::client::system::{CpuClock, Run, Sender};
use crate::client::{Identity, Load};
use crate::support::Node;

/// Datagrams a second, how many leave at once, and how large they are.
const PER_SECOND: u64 = 200_000;
const BURST: usize = 50;
const BYTES: usize = 64;

/// Sockets that it comes from, so that each of the node's shards gets its part.
const SOCKETS: usize = 16;

/// What is late by more is not made up for.
const LATE_MAX: Duration = Duration::from_millis(20);

/// How long the flood lasts, and what the honest may lose of all their packets.
const LENGTH: Duration = Duration::from_secs(10);
const LOST: f64 = 0.001;

/// Sends until told to stop.
fn flood(to: SocketAddr, is_over: &AtomicBool, sent: &AtomicU64) {
    let sockets: Vec<UdpSocket> = std::iter::repeat_with(|| {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(to).unwrap();
        socket
    })
    .take(SOCKETS)
    .collect();
    let mut sender = Sender::new();
    let mut bytes = vec![0; BURST * BYTES];
    // STUN, DTLS, media, reports and nonsense by their first bytes.
    for (n, datagram) in bytes.chunks_exact_mut(BYTES).enumerate() {
        datagram.fill(n as u8);
        datagram[0] = [0, 1, 20, 22, 63, 128, 144, 191, 200, 255][n % 10];
        datagram[1] = [1, 96, 200, 111, 206][n % 5];
    }
    let runs: Vec<Run> = (0..BURST)
        .map(|n| Run { to: None, start: n * BYTES, end: (n + 1) * BYTES, segment: BYTES })
        .collect();
    let pause = Duration::from_nanos(1_000_000_000 * BURST as u64 / PER_SECOND);
    let mut due = Instant::now();
    for socket in sockets.iter().cycle() {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let refused = sender.send(socket, &bytes, &runs);
        sent.fetch_add((BURST - refused) as u64, Ordering::Relaxed);
        due = (due + pause).max(Instant::now() - LATE_MAX);
        while Instant::now() < due {
            std::thread::yield_now();
        }
    }
}

/// `cargo test --locked --test e2e flood -- --ignored --nocapture`
#[test]
#[ignore = "wants two cores of its own, or it measures the scheduler"]
fn flood_of_garbage_costs_honest_receivers_no_packets() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), &["--open-rooms"]);
    let mut load = Load::new(&Identity::new(), Some(node.http), true);
    load.publish("/whip/flood/camera", Media::Video, 0.0);
    load.publish("/whip/flood/voice", Media::Audio, 0.5);
    load.connect();
    for index in 0..5 {
        load.receive(&format!("/whep/flood/r{index}"), &[Media::Audio, Media::Video]);
    }
    load.connect();
    load.run_until("first packets", |load| load.live_streams() == 10);
    let (is_over, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let flooding = {
        let (to, is_over, sent) = (node.media, Arc::clone(&is_over), Arc::clone(&sent));
        std::thread::spawn(move || flood(to, &is_over, &sent))
    };
    let window = load.measure(LENGTH, CpuClock::of_process(node.pid()));
    is_over.store(true, Ordering::Relaxed);
    flooding.join().unwrap();
    let tally = window.tally;
    let lost = 1.0 - tally.received as f64 / tally.expected as f64;
    let of_sent = tally.received as f64 / (5 * window.sent) as f64;
    println!(
        "{} garbage a second for {:.0} s; the honest lost {:.3} % of {} packets ({:.3} of all that was published came); \
         p50 and p99 {} and {} µs; the node used {:.2} cores",
        sent.load(Ordering::Relaxed) as f64 / window.seconds,
        window.seconds,
        lost * 1e2,
        tally.expected,
        of_sent,
        crate::client::quantile(&window.delays_us, 0.5),
        crate::client::quantile(&window.delays_us, 0.99),
        window.cpu.as_secs_f64() / window.seconds
    );
    assert_eq!((tally.broken, tally.strange), (0, 0), "{tally:?}");
    assert!(lost <= LOST && of_sent >= 1.0 - 2.0 * LOST, "{tally:?}");
}
