//! A publisher with the right keys sends what nobody agreed on: wrong payload types, foreign streams,
//! reports that make no sense. Its packets are dropped and counted, and the others in its room notice
//! nothing.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::peer::Peer;
use crate::publisher::Publisher;
use crate::puppet::{OPUS, Puppet, VP8};
use crate::support::{Node, PATIENCE};

/// The puppet's own picture.
const PICTURE: u32 = 77_001;

/// SSRC of the honest publisher's picture.
const HONEST: u32 = 1_000;

/// First bytes of a packet: version 2; with padding.
const PLAIN: u8 = 0x80;
const PADDED: u8 = 0xA0;

/// So often everything bad is sent, with one good packet each time.
const ROUNDS: u64 = 60;
const PAUSE: Duration = Duration::from_millis(25);

/// Packets of each bad kind in a round.
const EACH: u64 = 4;

/// How long the honest pair goes on; the attack has to end before it does.
const HONEST_RUN: Duration = Duration::from_secs(12);

/// Packets on their way when the run ends are still received.
const TAIL: Duration = Duration::from_millis(500);

/// What the honest pair saw.
struct Seen {
    published: u64,
    received: u64,
    lost: u64,
}

/// A publisher and its receiver, and one more receiver that watches the puppet; on a thread of their own.
struct Bystanders {
    thread: JoinHandle<Seen>,
    /// Packets of the puppet that were forwarded.
    watched: Arc<AtomicU64>,
    until: Instant,
}

impl Bystanders {
    /// Returns when the honest picture arrives.
    fn start(http: SocketAddr) -> Self {
        let watched = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&watched);
        let (ready, is_ready) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let run = bystand(http, counter, ready);
            tokio::task::LocalSet::new().block_on(&runtime.expect("a runtime"), run)
        });
        let until = is_ready.recv_timeout(PATIENCE).expect("the honest picture arrives");
        Self { thread, watched, until }
    }

    /// Waits until the puppet's packets have come through more often than `before`.
    fn wait_for_more_than(&self, before: u64) -> u64 {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let now = self.watched.load(Ordering::Relaxed);
            if now > before {
                return now;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("nothing of the puppet is forwarded");
    }
}

async fn bystand(http: SocketAddr, watched: Arc<AtomicU64>, ready: mpsc::Sender<Instant>) -> Seen {
    let mut receiver = Peer::receive(http, "/whep/abuse/honest-eyes?of=honest", 1, 0).await;
    receiver.connect().await;
    let mut watcher = Peer::receive(http, "/whep/abuse/eyes?of=puppet", 1, 1).await;
    watcher.connect().await;
    let mut publisher = Peer::publish(http, "/whip/abuse/honest", HONEST).await;
    publisher.connect().await;
    let until = Instant::now() + HONEST_RUN;
    let publishing = tokio::task::spawn_local(Publisher::new(publisher, false).run(until));
    let watching = tokio::task::spawn_local(async move {
        while Instant::now() < until + TAIL {
            watcher.turn(Instant::now() + Duration::from_millis(50)).await;
            watched.store(watcher.totals().0, Ordering::Relaxed);
        }
    });
    let mut ready = Some(ready);
    while Instant::now() < until + TAIL {
        receiver.turn(until + TAIL).await;
        if receiver.first_packet.is_some()
            && let Some(ready) = ready.take()
        {
            ready.send(until).expect("the test waits");
        }
    }
    watching.await.expect("the watcher does not fail");
    let (received, lost) = receiver.totals();
    Seen { published: publishing.await.expect("the publisher does not fail"), received, lost }
}

/// Everything that the node drops, and with which reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Dropped {
    unknown_stream: u64,
    not_authentic: u64,
    unknown_address: u64,
    panics: u64,
}

impl Dropped {
    fn read(node: &Node) -> Self {
        let text = node.get("/metrics", "").text();
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("{name} in {text}")).trim().parse().expect("a number")
        };
        let dropped =
            |reason: &str| value(&format!("diemcau_dropped_packets_total{{reason=\"{reason}\"}}"));
        Self {
            unknown_stream: dropped("unknown_stream"),
            not_authentic: dropped("not_authentic"),
            unknown_address: dropped("unknown_address"),
            panics: value("diemcau_session_panics_total"),
        }
    }

    /// What came on top of `before`, read until it is `wanted` or patience ends: the node publishes its
    /// counters about once a second.
    fn since(node: &Node, before: Self, wanted: Self) -> Self {
        let deadline = Instant::now() + PATIENCE / 10;
        loop {
            let now = Self::read(node);
            let since = Self {
                unknown_stream: now.unknown_stream - before.unknown_stream,
                not_authentic: now.not_authentic - before.not_authentic,
                unknown_address: now.unknown_address - before.unknown_address,
                panics: now.panics - before.panics,
            };
            if since == wanted || Instant::now() > deadline {
                return since;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// A key frame of VP8 in one packet.
fn picture() -> Vec<u8> {
    let mut payload = vec![0x90, 0x80, 0x80, 0x01, 0x10, 0, 0, 0x9D, 0x01, 0x2A, 0, 5, 0xD0, 2];
    payload.resize(200, 0x2A);
    payload
}

/// What a puppet with the right keys says although nobody agreed on it. Each counts as `unknown_stream`.
fn unwanted(puppet: &mut Puppet) -> [Vec<u8>; 5] {
    let mut torn = picture();
    // More padding than there is packet.
    torn.push(255);
    [
        puppet.seal(PLAIN, 35, PICTURE, &picture()),
        puppet.seal(PLAIN, OPUS, PICTURE, &picture()),
        puppet.seal(PLAIN, 35, 88_001, &picture()),
        puppet.seal(PLAIN, VP8, 88_002, &picture()),
        puppet.seal(PADDED, VP8, PICTURE, &torn),
    ]
}

/// What nobody can have sealed. Each counts as `not_authentic`.
fn forged(puppet: &mut Puppet, good: &[u8], report: &[u8]) -> [Vec<u8>; 5] {
    let mut tampered = puppet.seal(PLAIN, VP8, PICTURE, &picture());
    tampered[20] ^= 1;
    let mut torn_report = report.to_vec();
    torn_report[9] ^= 1;
    let mut noise = vec![0x5A; 300];
    noise[..12].copy_from_slice(&[PLAIN, VP8, 0x70, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    noise[8..12].copy_from_slice(&PICTURE.to_be_bytes());
    // A replay, two that were changed on the way, one that never had a seal, one too short to be anything.
    [good.to_vec(), tampered, torn_report, noise, vec![PLAIN, VP8, 1]]
}

/// Reports that are sealed rightly and make no sense. Nothing of them is an error of the seal, so nothing
/// counts them.
fn senseless_reports() -> Vec<Vec<u8>> {
    let own = PICTURE.to_be_bytes();
    let honest = HONEST.to_be_bytes();
    let report = |head: [u8; 4], tail: &[u8]| [&head[..], &own, tail].concat();
    vec![
        // A sender report of 6 words that ends after 1; one that claims 65,535.
        report([0x80, 200, 0, 6], &[]),
        report([0x80, 200, 0xFF, 0xFF], &[1; 8]),
        // A goodbye of 31 streams that are not there; one in the honest publisher's name.
        [0x9F, 203, 0, 1, 0, 0, 0, 5].to_vec(),
        [&[0x81, 203, 0, 1][..], &honest].concat(),
        // Requests: nothing to repeat; half a request; 5,780 packets of the honest stream again.
        report([0x81, 205, 0, 2], &honest),
        report([0x81, 205, 0, 3], &[&honest[..], &[0xFF, 0xFF]].concat()),
        report([0x81, 205, 0x01, 0x56], &[&honest[..], &[0xFF; 1_360]].concat()),
        // Key frames of a stream that is not there; half an entry.
        report([0x81, 206, 0, 2], &[9; 4]),
        report([0x84, 206, 0, 3], &[&honest[..], &[1, 2, 3]].concat()),
        // No such type; a description whose item is longer than the packet; an empty extension.
        report([0x80, 210, 0, 1], &[]),
        report([0x81, 202, 0, 2], &[1, 255, b'x', b'y']),
        report([0x80, 207, 0, 1], &[]),
    ]
}

/// After the handshake: an alert that closes, one that is fatal, a new hello, noise. None of it is sealed.
fn plain_records(round: u64) -> [Vec<u8>; 4] {
    let record = |kind: u8, body: &[u8]| {
        let mut record = vec![kind, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0];
        record.extend_from_slice(&(60_000 + round as u16).to_be_bytes());
        record.extend_from_slice(&(body.len() as u16).to_be_bytes());
        record.extend_from_slice(body);
        record
    };
    let hello = [&[1, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0, 40, 0xFE, 0xFD][..], &[7; 38]].concat();
    [record(21, &[1, 0]), record(21, &[2, 40]), record(22, &hello), vec![20 + round as u8 % 44; 90]]
}

#[test]
fn packets_that_nobody_agreed_on_are_dropped_and_counted_and_the_room_notices_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut node = Node::start(dir.path(), &["--open-rooms"]);
    let mut puppet = Puppet::publish(&node, "/whip/abuse/puppet");
    let bystanders = Bystanders::start(node.http);
    let mut n_good = 0_u64;
    let mut show = |puppet: &mut Puppet| {
        n_good += 1;
        let good = puppet.seal(PLAIN, VP8, PICTURE, &picture());
        puppet.raw(&good);
        good
    };
    // Before anything bad, the puppet is a publisher like any other.
    while bystanders.watched.load(Ordering::Relaxed) < 5 {
        assert!(Instant::now() < bystanders.until, "the puppet is not forwarded");
        show(&mut puppet);
        std::thread::sleep(PAUSE);
    }
    std::thread::sleep(Duration::from_millis(1_500));
    let before = Dropped::read(&node);

    let outsider = UdpSocket::bind("127.0.0.1:0").unwrap();
    let reports = senseless_reports();
    for round in 0..ROUNDS {
        let good = show(&mut puppet);
        let report = puppet.seal_report(&reports[round as usize % reports.len()]);
        puppet.raw(&report);
        for _ in 0..EACH {
            for packet in unwanted(&mut puppet) {
                puppet.raw(&packet);
            }
            for packet in forged(&mut puppet, &good, &report) {
                puppet.raw(&packet);
            }
            // The puppet's own good packet, but from an address that has proved nothing.
            outsider.send_to(&good, node.media).unwrap();
        }
        for record in plain_records(round) {
            puppet.raw(&record);
        }
        puppet.forget_answers();
        std::thread::sleep(PAUSE);
    }

    let wanted = Dropped {
        unknown_stream: ROUNDS * EACH * 5,
        not_authentic: ROUNDS * EACH * 5,
        unknown_address: ROUNDS * EACH,
        panics: 0,
    };
    assert_eq!(Dropped::since(&node, before, wanted), wanted);
    // The puppet itself goes on too, once it behaves.
    let watched = bystanders.watched.load(Ordering::Relaxed);
    for _ in 0..20 {
        show(&mut puppet);
        std::thread::sleep(PAUSE);
    }
    bystanders.wait_for_more_than(watched);
    assert!(Instant::now() < bystanders.until, "the honest pair was there all the time");
    let watched = Arc::clone(&bystanders.watched);
    let seen = bystanders.thread.join().expect("the honest pair does not fail");
    assert_eq!(seen.lost, 0, "of {} packets of the honest pair", seen.received);
    // The node lets a stream through from its first key frame that a receiver has a slot for.
    assert!(seen.received > seen.published * 9 / 10, "{} of {}", seen.received, seen.published);
    let watched = watched.load(Ordering::Relaxed);
    assert!(
        watched <= n_good,
        "{watched} packets of the puppet were forwarded, {n_good} were good"
    );
    node.assert_alive();
}
