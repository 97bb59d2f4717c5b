//! Connections: what arrives, what waits, who is closed.

use super::*;
use crate::tcp::census::Census;
use std::net::{TcpListener, TcpStream};

#[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
fn now() -> Instant {
    Instant::now()
}

/// A connection of ours, its far end, and how it is called.
fn connected(connections: &mut Connections) -> (TcpStream, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let theirs = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (ours, far_end) = listener.accept().unwrap();
    ours.set_nonblocking(true).unwrap();
    let stream = mio::net::TcpStream::from_std(ours);
    let address = address(far_end, 1);
    let ticket = Census::new().admit(far_end.ip()).unwrap();
    connections.adopt(Opened { stream, address, first: Vec::new(), ticket }, now());
    (theirs, address)
}

fn framed(datagram: &[u8]) -> Vec<u8> {
    [&(datagram.len() as u16).to_be_bytes(), datagram].concat()
}

#[test]
fn no_udp_sender_is_called_like_a_connection() {
    let from: SocketAddr = "192.0.2.1:9".parse().unwrap();
    let called = address(from, 7);
    assert!(is_tcp(called) && !is_tcp(from) && !is_tcp("[2001:db8::1]:9".parse().unwrap()));
    assert_eq!((called.ip().to_canonical(), called.port()), (from.ip(), 9));
    assert_ne!(called, address(from, 8), "not even a later one from the same place");
}

#[test]
fn datagrams_come_out_however_the_bytes_arrive() {
    let mut connections = Connections::new().unwrap();
    let (mut theirs, address) = connected(&mut connections);
    let sent: Vec<Vec<u8>> = (0..40_u8).map(|n| vec![n; 1 + usize::from(n) * 31]).collect();
    let bytes: Vec<u8> = sent.iter().flat_map(|it| framed(it)).collect();
    let mut found: Vec<Vec<u8>> = Vec::new();
    let mut parcel = Parcel::default();
    for part in bytes.chunks(97) {
        theirs.write_all(part).unwrap();
        connections.receive(&mut parcel);
        found.extend(parcel.datagrams().map(|(from, it)| {
            assert_eq!(from, address);
            it.to_vec()
        }));
        parcel.clear();
    }
    let deadline = now() + Duration::from_secs(10);
    while found.len() < sent.len() && now() < deadline {
        connections.receive(&mut parcel);
        found.extend(parcel.datagrams().map(|(_, it)| it.to_vec()));
        parcel.clear();
    }
    assert!(found == sent);
    drop(theirs);
    while connections.len() > 0 && now() < deadline {
        connections.receive(&mut parcel);
    }
    assert_eq!(connections.poll_gone(), Some(address));
}

#[test]
fn an_endless_or_empty_datagram_ends_its_connection() {
    for nonsense in [&[0xff, 0xff][..], &[0, 0]] {
        let mut connections = Connections::new().unwrap();
        let (mut theirs, address) = connected(&mut connections);
        theirs.write_all(nonsense).unwrap();
        let deadline = now() + Duration::from_secs(10);
        while connections.len() > 0 && now() < deadline {
            connections.receive(&mut Parcel::default());
        }
        assert_eq!(connections.poll_gone(), Some(address));
    }
}

#[test]
fn who_does_not_read_loses_media_but_no_check_and_no_bytes_in_between() {
    let mut connections = Connections::new().unwrap();
    let (mut theirs, address) = connected(&mut connections);
    let mut outbox = Outbox::default();
    let (mut n_sent, mut n_lost) = (0, 0);
    // Until the kernel's buffers and ours are full.
    while n_lost < 100 {
        (0..50).for_each(|_| outbox.push(address, &[0x80; 1_200]));
        n_sent += 50;
        n_lost += connections.send(&mut outbox);
        outbox.clear();
    }
    outbox.push(address, &[1; 100]);
    assert_eq!(connections.send(&mut outbox), 0, "a check still finds room");
    let waiting = connections.slots[0].as_ref().unwrap().waiting.len();
    assert!(waiting <= WAITING_BYTES_MAX * 2 + WAITING_CONTROL_BYTES, "{waiting}");
    theirs.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    let (mut bytes, mut part) = (Vec::new(), vec![0; 1 << 20]);
    let (mut n_media, mut n_checks) = (0, 0);
    let deadline = now() + Duration::from_secs(20);
    while n_checks == 0 && now() < deadline {
        connections.receive(&mut Parcel::default());
        let Ok(n) = theirs.read(&mut part) else { continue };
        bytes.extend_from_slice(&part[..n]);
        let used = cut(&bytes, |it| match (it.len(), it[0]) {
            (1_200, 0x80) => n_media += 1,
            (100, 1) => n_checks += 1,
            other => panic!("{other:?}"),
        });
        bytes.drain(..used.unwrap_or_else(|Over| panic!("cut wrongly")));
    }
    assert_eq!((n_media, n_checks), (n_sent - n_lost, 1));
    assert!(connections.slots[0].as_ref().unwrap().waiting.is_empty());
}

#[test]
fn a_stranger_is_closed_and_an_acquaintance_stays() {
    let mut connections = Connections::new().unwrap();
    let (_theirs, address) = connected(&mut connections);
    let later = now() + STRANGER_WAIT * 3;
    connections.sweep(later, |_| true);
    connections.sweep(later + STRANGER_WAIT / 2, |_| false);
    assert_eq!(connections.len(), 1);
    connections.sweep(later + STRANGER_WAIT, |_| false);
    assert_eq!((connections.len(), connections.poll_gone()), (0, Some(address)));
}
