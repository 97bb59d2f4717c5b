//! A real node on loopback: its socket, its thread, its clock, and two small browsers.

use super::*;
use crate::core::tests::browser::{Browser, Sent, Wish, frame};
use protocol::control::{MediaOffer, RoomMedia, SessionKind};
use protocol::id::{RequestId, SessionId};
use protocol::media::Grant;

/// Longest time that a test waits for something to happen.
const PATIENCE: Duration = Duration::from_secs(20);

struct Site {
    browser: Browser,
    socket: UdpSocket,
    node: SocketAddr,
}

struct Stage {
    node: SocketAddr,
    commands: Sender<MediaCommand>,
    events: Receiver<MediaEvent>,
    _tap: Receiver<TapMessage>,
    handle: Handle,
}

fn stage(shards: usize) -> Stage {
    let media = SocketAddr::from(([127, 0, 0, 1], 0));
    let node = Node::bind(Config { media, candidates: Vec::new(), shards }).unwrap();
    let address = node.local_addr();
    let (commands, from_control) = tokio::sync::mpsc::channel(64);
    let (to_control, events) = tokio::sync::mpsc::channel(256);
    let (to_recorder, tap) = tokio::sync::mpsc::channel(64);
    let handle = node.run(from_control, to_control, to_recorder);
    Stage { node: address, commands, events, _tap: tap, handle }
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
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
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
        assert!(answer.contains(&format!(" 127.0.0.1 {} typ host", self.node.port())));
        browser.answered(&answer, None);
        let mut site = Site { browser, socket, node: self.node };
        for knock in site.browser.knock(now().at) {
            site.socket.send_to(&knock, site.node).unwrap();
        }
        let deadline = now().at + PATIENCE;
        while site.browser.srtp.is_none() {
            site.listen();
            assert!(now().at < deadline, "the handshake takes too long");
        }
        site
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
        let mut bytes = [0; 2_048];
        while let Ok((len, _)) = self.socket.recv_from(&mut bytes) {
            for answer in self.browser.receive(&bytes[..len], now().at) {
                self.socket.send_to(&answer, self.node).unwrap();
            }
        }
    }

    fn show(&mut self, seq: u64) {
        let payload = frame(seq as u16, true);
        let (payload_type, ssrc, timestamp) = (96, 7, seq as u32 * 3_000);
        let sent =
            Sent { payload_type, ssrc, seq, timestamp, level: 0, is_rtx: false, payload: &payload };
        let packet = self.browser.packet(0, None, sent);
        self.socket.send_to(&packet, self.node).unwrap();
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
