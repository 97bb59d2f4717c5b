//! Nodes over QUIC on the loopback, with certificates of an authority made for the test.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::net::UdpSocket;

use super::*;
use crate::trunk::TRUNK_VERSION;

const LONG: Duration = Duration::from_secs(10);

fn here() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A node, its socket open. It calls itself by `name`, its certificate by `certified`.
    fn port(&self, name: &str, certified: &str) -> Port {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![certified.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        let credentials = Credentials::from_pem(&certificate, &key.serialize_pem(), &self.pem);
        Port::open(here(), name, &credentials.unwrap()).unwrap()
    }
}

/// Lets one node dial another, over what stands at `through`. What each end has to say of it.
async fn meet(
    child: &Port,
    parent: &Port,
    through: SocketAddr,
    called: &str,
) -> (Result<Trunk, TrunkError>, Result<Trunk, TrunkError>) {
    let both = async { tokio::join!(child.dial(through, called), parent.accept()) };
    let (dialled, accepted) = timeout(LONG, both).await.unwrap();
    (dialled, accepted.unwrap())
}

async fn next(trunk: &mut Trunk) -> Event {
    timeout(LONG, trunk.events.recv()).await.unwrap().unwrap()
}

fn end_of<T>(met: Result<T, TrunkError>) -> End {
    match met {
        Err(TrunkError::Ended(end)) => end,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("a trunk"),
    }
}

/// Passes datagrams on in both directions until it is told not to.
async fn between(parent: SocketAddr) -> (SocketAddr, Arc<AtomicBool>) {
    let socket = UdpSocket::bind(here()).await.unwrap();
    let (address, is_hole) = (socket.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
    let told = Arc::clone(&is_hole);
    tokio::spawn(async move {
        let (mut child, mut bytes) = (None, vec![0; 65_536]);
        while let Ok((n, from)) = socket.recv_from(&mut bytes).await {
            let to = if from == parent { child } else { Some(parent) };
            if from != parent {
                child = Some(from);
            }
            if let Some(to) = to.filter(|_| !told.load(Ordering::Acquire)) {
                socket.send_to(&bytes[..n], to).await.unwrap();
            }
        }
    });
    (address, is_hole)
}

#[tokio::test]
async fn two_nodes_meet_by_name_and_frames_and_packets_cross() {
    let authority = Authority::new();
    let (child, parent) = (authority.port("xa-1", "xa-1"), authority.port("tinh", "tinh"));
    let address = parent.address().unwrap();
    let (below, above) = meet(&child, &parent, address, "tinh").await;
    let (mut below, mut above) = (below.unwrap(), above.unwrap());
    assert_eq!((&below.peer[..], &above.peer[..]), ("tinh", "xa-1"));
    let said = Frame::Room { room: 1, name: "giao-ban".to_owned() };
    below.frames.send(said.clone()).await.unwrap();
    assert!(matches!(next(&mut above).await, Event::Frame(heard) if heard == said));
    let packet = Bytes::from(vec![7; 1_304]);
    assert!(above.send(packet.clone()), "a publisher's largest packet is not cut");
    assert!(matches!(next(&mut below).await, Event::Datagram(heard) if heard == packet));
    // Longer than any silence that is allowed: the beats are enough.
    tokio::time::sleep(2 * DEAD_AFTER).await;
    assert!(below.events.try_recv().is_err() && above.events.try_recv().is_err());
    above.leave(Why::Full);
    assert!(matches!(next(&mut below).await, Event::Over(End::Left(Why::Full))));
}

#[tokio::test]
async fn a_parent_that_is_cut_off_without_a_word_is_found_dead_within_a_second() {
    let authority = Authority::new();
    let (child, parent) = (authority.port("xa-1", "xa-1"), authority.port("tinh", "tinh"));
    let (through, is_hole) = between(parent.address().unwrap()).await;
    let (below, above) = meet(&child, &parent, through, "tinh").await;
    let (mut below, mut above) = (below.unwrap(), above.unwrap());
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(below.events.try_recv().is_err());
    is_hole.store(true, Ordering::Release);
    let began = now();
    assert!(matches!(next(&mut below).await, Event::Over(End::Silent)));
    let took = now() - began;
    println!("found after {took:?}");
    assert!(took > DEAD_AFTER / 2 && took < Duration::from_secs(2), "{took:?}");
    assert!(matches!(next(&mut above).await, Event::Over(End::Silent)));
}

#[tokio::test]
async fn who_has_another_name_or_another_authority_is_refused() {
    let (authority, other) = (Authority::new(), Authority::new());
    let parent = authority.port("tinh", "tinh");
    let address = parent.address().unwrap();
    let (below, above) = meet(&authority.port("xa-1", "xa-2"), &parent, address, "tinh").await;
    assert_eq!(end_of(above), End::Refused(Why::Name));
    assert_eq!(end_of(below), End::Left(Why::Name), "and is told why");
    let child = authority.port("xa-1", "xa-1");
    let (below, above) = meet(&child, &parent, address, "hue").await;
    assert!(matches!((below, above), (Err(_), Err(_))), "that is not the parent it looks for");
    let (below, above) = meet(&other.port("xa-1", "xa-1"), &parent, address, "tinh").await;
    assert!(matches!((below, above), (Err(_), Err(_))), "nobody knows its authority");
}

#[tokio::test]
async fn who_speaks_another_version_or_nonsense_is_refused_and_told_why() {
    let authority = Authority::new();
    let (child, parent) = (authority.port("xa-1", "xa-1"), authority.port("tinh", "tinh"));
    let mut old = Vec::new();
    Frame::Hello { version: TRUNK_VERSION + 1, name: "xa-1".to_owned() }.write(&mut old);
    for (bytes, why) in [(old, Why::Version), (vec![0x40, 2, 99, 99], Why::Frame)] {
        let says = async {
            let address = parent.address().unwrap();
            let connection = child.endpoint.connect(address, "tinh").unwrap().await.unwrap();
            let (mut send, _receive) = connection.open_bi().await.unwrap();
            send.write_all(&bytes).await.unwrap();
            ended(connection.closed().await)
        };
        let (told, above) =
            timeout(LONG, async { tokio::join!(says, parent.accept()) }).await.unwrap();
        assert_eq!(end_of(above.unwrap()), End::Refused(why));
        assert_eq!(end_of::<Trunk>(Err(told)), End::Left(why));
    }
}

#[tokio::test]
async fn an_end_that_says_nonsense_later_is_parted_from_with_a_reason() {
    let authority = Authority::new();
    let (child, parent) = (authority.port("xa-1", "xa-1"), authority.port("tinh", "tinh"));
    let says = async {
        let address = parent.address().unwrap();
        let connection = child.endpoint.connect(address, "tinh").unwrap().await.unwrap();
        let (mut send, _receive) = connection.open_bi().await.unwrap();
        let mut bytes = Vec::new();
        Link::hello("xa-1").write(&mut bytes);
        // The second hello is cut short.
        bytes.extend_from_slice(&[0x40, 2, 1, 1]);
        send.write_all(&bytes).await.unwrap();
        ended(connection.closed().await)
    };
    let takes = async {
        let mut above = parent.accept().await.unwrap().unwrap();
        assert!(matches!(next(&mut above).await, Event::Over(End::Refused(Why::Frame))));
    };
    let (told, ()) = timeout(LONG, async { tokio::join!(says, takes) }).await.unwrap();
    assert_eq!(end_of::<Trunk>(Err(told)), End::Left(Why::Frame));
}

#[tokio::test]
async fn a_name_that_no_certificate_can_have_is_refused_before_anything_is_sent() {
    let child = Authority::new().port("xa-1", "xa-1");
    for name in ["123", "-xa", "xa 1", ""] {
        let dialled = child.dial(here(), name).await;
        assert!(matches!(dialled, Err(TrunkError::Name)), "{name}");
    }
    for name in ["xa_1", "XA-1", "1a"] {
        assert!(ServerName::try_from(name).is_ok(), "{name}");
    }
}
