//! A real node on loopback: its socket, its thread, its clock, and two small browsers.

use std::net::UdpSocket;

use std::io::Write as _;

use super::*;
use crate::core::tests::browser::{Browser, Sent, Wish, frame};
use protocol::control::{MediaOffer, RoomMedia, SessionKind};
use protocol::id::{RequestId, SessionId};
use protocol::media::Grant;
use std::net::{Ipv4Addr, Ipv6Addr, TcpStream};

/// Longest time that a test waits for something to happen.
const PATIENCE: Duration = Duration::from_secs(20);

struct Site {
    browser: Browser,
    way: Way,
    node: SocketAddr,
}

/// How a site reaches the node.
enum Way {
    Udp(UdpSocket),
    /// With bytes that are not a whole datagram yet.
    Tcp(TcpStream, Vec<u8>),
}

impl Way {
    fn udp(node: SocketAddr) -> Self {
        let any = if node.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
        let socket = UdpSocket::bind(any).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        Self::Udp(socket)
    }

    fn tcp(node: SocketAddr) -> Self {
        let stream = TcpStream::connect(node).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        Self::Tcp(stream, Vec::new())
    }

    fn send(&mut self, node: SocketAddr, datagram: &[u8]) {
        match self {
            Self::Udp(socket) => {
                socket.send_to(datagram, node).unwrap();
            }
            Self::Tcp(stream, _) => {
                let len = datagram.len() as u16;
                stream.write_all(&[&len.to_be_bytes(), datagram].concat()).unwrap();
            }
        }
    }

    /// The next datagram; `None` if nothing comes for a while.
    fn receive(&mut self) -> Option<Vec<u8>> {
        let mut bytes = vec![0; 65_536];
        match self {
            Self::Udp(socket) => {
                let (len, _) = socket.recv_from(&mut bytes).ok()?;
                bytes.truncate(len);
                Some(bytes)
            }
            Self::Tcp(stream, partial) => loop {
                if let Some((head, rest)) = partial.split_first_chunk::<2>() {
                    let len = usize::from(u16::from_be_bytes(*head));
                    if let Some(datagram) = rest.get(..len).map(<[u8]>::to_vec) {
                        partial.drain(..2 + len);
                        return Some(datagram);
                    }
                }
                let n = stream.read(&mut bytes).ok().filter(|n| *n > 0)?;
                partial.extend_from_slice(&bytes[..n]);
            },
        }
    }
}

struct Stage {
    node: SocketAddr,
    commands: Sender<MediaCommand>,
    events: Receiver<MediaEvent>,
    _tap: Receiver<TapMessage>,
    /// Sites come over IPv6.
    six: bool,
    handle: Handle,
}

fn stage(shards: usize) -> Stage {
    stage_at("127.0.0.1:0", shards)
}

fn stage_at(media: &str, shards: usize) -> Stage {
    let media: SocketAddr = media.parse().unwrap();
    let node = Node::bind(Config { media, candidates: Vec::new(), shards }).unwrap();
    let address = node.local_addr();
    let (commands, from_control) = tokio::sync::mpsc::channel(64);
    let (to_control, events) = tokio::sync::mpsc::channel(256);
    let (to_recorder, tap) = tokio::sync::mpsc::channel(64);
    let handle = node.run(from_control, to_control, to_recorder);
    Stage { node: address, commands, events, _tap: tap, six: false, handle }
}

fn room(is_granted: bool) -> MediaCommand {
    let grant = Grant {
        publisher: "a".to_owned(),
        audio: is_granted,
        camera: is_granted,
        screen: is_granted,
    };
    MediaCommand::SetRoom(RoomMedia {
        room: "r".to_owned(),
        grants: vec![grant],
        ..RoomMedia::default()
    })
}

impl Stage {
    fn join(&mut self, n: u128, publisher: &str, kind: SessionKind, wishes: &[Wish]) -> Site {
        self.join_by(Way::udp, n, publisher, kind, wishes)
    }

    fn join_by(
        &mut self,
        way: impl FnOnce(SocketAddr) -> Way,
        n: u128,
        publisher: &str,
        kind: SessionKind,
        wishes: &[Wish],
    ) -> Site {
        let mut browser = Browser::new(1);
        let offer = MediaOffer {
            request: RequestId::from_parts(0, n),
            session: SessionId::from_parts(0, n),
            room: "r".to_owned(),
            publisher: publisher.to_owned(),
            kind,
            sdp: browser.offer(wishes, "actpass"),
        };
        self.commands.blocking_send(MediaCommand::Offer(Box::new(offer))).unwrap();
        let answer = loop {
            match self.events.blocking_recv().unwrap() {
                MediaEvent::Answer { sdp, .. } => break sdp,
                MediaEvent::Refused { code, .. } => panic!("refused: {code:?}"),
                _ => {}
            }
        };
        let (ip, port) = (self.node.ip(), self.node.port());
        for (protocol, kind) in [("udp", "host\r\n"), ("tcp", "host tcptype passive\r\n")] {
            let is_it = |line: &str| line.starts_with("a=candidate:") && line.contains(protocol);
            let named = format!("{ip} {port} typ {kind}");
            assert!(
                ip.is_unspecified()
                    || answer
                        .split_inclusive("\r\n")
                        .any(|line| is_it(line) && line.ends_with(&named)),
                "{answer}"
            );
        }
        browser.answered(&answer, None);
        let reached = if ip.is_unspecified() { self.loopback() } else { self.node };
        let mut site = Site { browser, way: way(reached), node: reached };
        for knock in site.browser.knock(now().at) {
            site.way.send(site.node, &knock);
        }
        let deadline = now().at + PATIENCE;
        while site.browser.srtp.is_none() {
            site.listen();
            assert!(now().at < deadline, "the handshake takes too long");
        }
        site
    }

    fn loopback(&self) -> SocketAddr {
        let ip: IpAddr =
            if self.six { Ipv6Addr::LOCALHOST.into() } else { Ipv4Addr::LOCALHOST.into() };
        (ip, self.node.port()).into()
    }

    fn metric(&self, name: &str) -> u64 {
        let mut text = String::new();
        self.handle.metrics(&mut text);
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
        line.and_then(|value| value.parse().ok()).unwrap_or_default()
    }
}

impl Site {
    fn listen(&mut self) {
        while let Some(datagram) = self.way.receive() {
            for answer in self.browser.receive(&datagram, now().at) {
                self.way.send(self.node, &answer);
            }
        }
    }

    fn show(&mut self, seq: u64) {
        let payload = frame(seq as u16, true);
        let (payload_type, ssrc, timestamp) = (96, 7, seq as u32 * 3_000);
        let sent =
            Sent { payload_type, ssrc, seq, timestamp, level: 0, is_rtx: false, payload: &payload };
        let packet = self.browser.packet(0, None, sent);
        self.way.send(self.node, &packet);
    }

    fn pictures(&self) -> usize {
        self.browser.packets.iter().filter(|got| got.header.payload_type == 96).count()
    }
}

#[test]
fn two_peers_meet_over_udp_and_a_muted_one_is_not_forwarded() {
    let mut stage = stage(1);
    stage.commands.blocking_send(room(true)).unwrap();
    let mut publisher = stage.join(1, "a", SessionKind::Publish, &[Wish::SendVideo]);
    let all = SessionKind::Receive { of: Vec::new() };
    let mut receiver = stage.join(2, "w", all, &[Wish::ReceiveVideo]);
    let deadline = now().at + PATIENCE;
    let mut seq = 0;
    while receiver.pictures() < 20 {
        seq += 1;
        publisher.show(seq);
        receiver.listen();
        assert!(now().at < deadline, "only {} pictures came", receiver.pictures());
    }
    stage.commands.blocking_send(room(false)).unwrap();
    // The slot is told to be empty after the room has been changed.
    while !matches!(stage.events.blocking_recv().unwrap(), MediaEvent::Slots { slots, .. }
        if slots[0].track.is_none())
    {}
    receiver.listen();
    let before = receiver.pictures();
    for _ in 0..50 {
        seq += 1;
        publisher.show(seq);
        receiver.listen();
    }
    assert_eq!(receiver.pictures(), before);
    while stage.metric("diemcau_dropped_packets_total{reason=\"not_granted\"}") < 50 {
        receiver.listen();
        assert!(now().at < deadline + PATIENCE);
    }
    assert_eq!(stage.metric("diemcau_participants"), 2);
    stage.handle.stop();
}

#[test]
fn a_taken_port_is_a_clear_error() {
    let first =
        Node::bind(Config { media: "127.0.0.1:0".parse().unwrap(), candidates: vec![], shards: 2 });
    let taken = first.as_ref().unwrap().local_addr();
    let second = Node::bind(Config { media: taken, candidates: vec![], shards: 2 });
    assert!(matches!(second, Err(Error::PortTaken(address)) if address == taken));
}

/// With twelve addresses the kernel gives some to the shard that does not have the room: all but one time
/// in two thousand.
#[test]
fn whichever_shard_a_datagram_reaches_it_gets_to_its_session() {
    let mut stage = stage(2);
    stage.commands.blocking_send(room(true)).unwrap();
    let mut publisher = stage.join(1, "a", SessionKind::Publish, &[Wish::SendVideo]);
    let mut receivers: Vec<Site> = (0..11)
        .map(|n| {
            let all = SessionKind::Receive { of: Vec::new() };
            stage.join(2 + n, &format!("w{n}"), all, &[Wish::ReceiveVideo])
        })
        .collect();
    let deadline = now().at + PATIENCE;
    let mut seq = 0;
    while receivers.iter().any(|it| it.pictures() < 10) {
        seq += 1;
        publisher.show(seq);
        receivers.iter_mut().for_each(Site::listen);
        let n: Vec<usize> = receivers.iter().map(Site::pictures).collect();
        assert!(now().at < deadline, "so many pictures came: {n:?}");
    }
    while stage.metric("diemcau_participants") < 12 {
        receivers.iter_mut().for_each(Site::listen);
        assert!(now().at < deadline + PATIENCE);
    }
    assert!(stage.metric("diemcau_shard_parcels_total") > 0, "something crossed over");
    stage.handle.stop();
}

#[test]
fn sites_without_udp_meet_over_tcp_whichever_shard_has_their_room() {
    let mut stage = stage(2);
    stage.commands.blocking_send(room(true)).unwrap();
    let kind = SessionKind::Publish;
    let mut publisher = stage.join_by(Way::tcp, 1, "a", kind, &[Wish::SendVideo]);
    let all = || SessionKind::Receive { of: Vec::new() };
    let mut by_tcp = stage.join_by(Way::tcp, 2, "w", all(), &[Wish::ReceiveVideo]);
    let mut by_udp = stage.join(3, "v", all(), &[Wish::ReceiveVideo]);
    let deadline = now().at + PATIENCE;
    let mut seq = 0;
    while by_tcp.pictures() < 20 || by_udp.pictures() < 20 {
        seq += 1;
        publisher.show(seq);
        by_tcp.listen();
        by_udp.listen();
        assert!(now().at < deadline, "{} and {}", by_tcp.pictures(), by_udp.pictures());
    }
    while stage.metric("diemcau_media_tcp_connections") < 2 {
        assert!(now().at < deadline + PATIENCE);
    }
    // The connection breaks; the session goes on over another one as soon as it is checked.
    by_tcp.way = Way::tcp(by_tcp.node);
    by_tcp.way.send(by_tcp.node, &by_tcp.browser.binding_request());
    let before = by_tcp.pictures();
    while by_tcp.pictures() < before + 20 {
        seq += 1;
        publisher.show(seq);
        by_tcp.listen();
        assert!(now().at < deadline + PATIENCE, "nothing over the new connection");
    }
    stage.handle.stop();
}

#[test]
fn sites_meet_over_ipv6_and_ipv4_at_one_port() {
    if UdpSocket::bind("[::1]:0").is_err() {
        eprintln!("this machine has no IPv6: not tested");
        return;
    }
    let mut stage = stage_at("[::]:0", 2);
    stage.commands.blocking_send(room(true)).unwrap();
    let mut publisher = stage.join(1, "a", SessionKind::Publish, &[Wish::SendVideo]);
    let all = || SessionKind::Receive { of: Vec::new() };
    stage.six = true;
    let mut receivers = [
        stage.join(2, "w", all(), &[Wish::ReceiveVideo]),
        stage.join_by(Way::tcp, 3, "v", all(), &[Wish::ReceiveVideo]),
    ];
    let deadline = now().at + PATIENCE;
    let mut seq = 0;
    while receivers.iter().any(|it| it.pictures() < 10) {
        seq += 1;
        publisher.show(seq);
        receivers.iter_mut().for_each(Site::listen);
        assert!(now().at < deadline, "no pictures over IPv6");
    }
    stage.handle.stop();
}

#[test]
fn who_says_nothing_over_tcp_is_shown_the_door() {
    let stage = stage(1);
    let mut silent = TcpStream::connect(stage.node).unwrap();
    let mut rude = TcpStream::connect(stage.node).unwrap();
    rude.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    rude.set_read_timeout(Some(PATIENCE)).unwrap();
    silent.set_read_timeout(Some(PATIENCE)).unwrap();
    let start = now().at;
    let closed = |stream: &mut TcpStream| !matches!(stream.read(&mut [0; 9]), Ok(1..));
    assert!(closed(&mut rude) && start.elapsed() < Duration::from_secs(4), "at once");
    assert!(closed(&mut silent) && start.elapsed() < PATIENCE, "after five seconds");
    stage.handle.stop();
}
