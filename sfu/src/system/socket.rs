//! Opens the node's port.

use std::io;
use std::mem::size_of;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::AsRawFd;

use socket2::{Domain, Socket, Type};

use super::{UDP_GRO, steer};

/// Bytes that the kernel may keep for the socket in each direction: 20 ms of 1 Gbit/s and then some.
const SOCKET_BUFFER_BYTES: libc::c_int = 8 * 1024 * 1024;

/// TCP connections that the kernel keeps until they are accepted.
const LISTEN_BACKLOG: libc::c_int = 256;

/// The sockets of one shard, both on the node's port.
pub(crate) struct Port {
    /// Takes everything, or everything but reports; sends everything.
    pub(crate) media: UdpSocket,
    /// Takes reports (RTCP); `None` where the kernel cannot tell them apart.
    pub(crate) reports: Option<UdpSocket>,
}

/// Opens one port for `n` shards. The kernel spreads senders' addresses over them.
pub(crate) fn bind_all(address: SocketAddr, n: usize) -> io::Result<Vec<Port>> {
    // Sockets that share a port would share it with another process of this user too: so it is asked for
    // alone first.
    let alone = bind(address, false)?;
    let address = alone.local_addr()?;
    drop(alone);
    let mut sockets = (0..2 * n).map(|_| bind(address, true)).collect::<io::Result<Vec<_>>>()?;
    for socket in &sockets {
        socket.set_nonblocking(true)?;
        enlarge_buffers(socket);
        coalesce(socket);
    }
    let steered = steer::steer(&sockets);
    let mut reports = sockets.split_off(n).into_iter();
    if let Err(err) = steered {
        tracing::info!(%err, "reports come with the media: this kernel cannot tell them apart");
        reports = Vec::new().into_iter();
    }
    Ok(sockets.into_iter().map(|media| Port { media, reports: reports.next() }).collect())
}

fn bind(address: SocketAddr, shares: bool) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    socket.set_reuse_port(shares)?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        // Whatever the system's default: one socket for both families.
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Opens a TCP port.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())?;
    socket.listen(LISTEN_BACKLOG)?;
    Ok(socket.into())
}

/// Gives the socket large buffers. What the system does not grant is not missed until load is high.
fn enlarge_buffers(socket: &UdpSocket) {
    let bytes = SOCKET_BUFFER_BYTES;
    // The forced ones need a capability that a service may have; the others obey the system's limit.
    let options = [libc::SO_RCVBUF, libc::SO_SNDBUF, libc::SO_RCVBUFFORCE, libc::SO_SNDBUFFORCE];
    for option in options {
        // SAFETY: the descriptor is open while `socket` is borrowed; the value is an int of that length.
        unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                option,
                (&raw const bytes).cast(),
                size_of::<libc::c_int>() as libc::socklen_t,
            );
        }
    }
}

/// Lets the kernel hand over datagrams of one sender that came together as one message (receive offload).
/// An old kernel that cannot hands them over one by one.
pub(super) fn coalesce(socket: &UdpSocket) {
    let on: libc::c_int = 1;
    // SAFETY: the descriptor is open while `socket` is borrowed; the value is an int of that length.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_UDP,
            UDP_GRO,
            (&raw const on).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result != 0 {
        tracing::info!("this kernel has no receive offload for UDP");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::system::{Receiver, wait};

    /// What each socket of a port of `n` shards took, of what `senders` send: (shard, is for reports, bytes).
    fn taken(
        address: &str,
        n: usize,
        senders: &[UdpSocket],
    ) -> Vec<(usize, bool, Vec<u8>, SocketAddr)> {
        let ports = bind_all(address.parse().unwrap(), n).unwrap();
        let port = ports[0].media.local_addr().unwrap().port();
        let sent: [&[u8]; 6] =
            [&[0, 1, 0, 0], &[20, 200, 1], &[0x80, 96, 1], &[0x90, 201, 1], &[0x80, 205], &[0x80]];
        for sender in senders {
            let to = SocketAddr::new(sender.local_addr().unwrap().ip(), port);
            sent.iter()
                .for_each(|bytes| assert_eq!(sender.send_to(bytes, to).unwrap(), bytes.len()));
        }
        let mut found = Vec::new();
        let mut receiver = Receiver::new();
        for _ in 0..100 {
            for (shard, port) in ports.iter().enumerate() {
                for (is_reports, socket) in
                    [(false, Some(&port.media)), (true, port.reports.as_ref())]
                {
                    let socket = socket.unwrap();
                    while wait([socket.as_raw_fd()], Some(Duration::ZERO)) == [true] {
                        receiver.receive(socket);
                        let datagrams = receiver.datagrams();
                        found.extend(
                            datagrams.map(|(from, it)| (shard, is_reports, it.to_vec(), from)),
                        );
                    }
                }
            }
            if found.len() == sent.len() * senders.len() {
                break;
            }
            wait([ports[0].media.as_raw_fd()], Some(Duration::from_millis(20)));
        }
        assert_eq!(found.len(), sent.len() * senders.len());
        found
    }

    #[test]
    fn reports_arrive_at_a_socket_of_their_own_and_a_sender_at_one_shard() {
        for (address, sender) in
            [("127.0.0.1:0", "127.0.0.1:0"), ("[::]:0", "[::1]:0"), ("[::]:0", "127.0.0.1:0")]
        {
            if UdpSocket::bind(sender).is_err() || UdpSocket::bind(address).is_err() {
                // A machine without IPv6.
                continue;
            }
            for n in [1, 4] {
                let senders: Vec<_> = (0..32).map(|_| UdpSocket::bind(sender).unwrap()).collect();
                let to_itself = |it: &UdpSocket| it.local_addr().unwrap();
                let found = taken(address, n, &senders);
                for (_, is_reports, bytes, _) in &found {
                    let is_report = bytes.len() > 1 && bytes[0] >= 128 && bytes[1] >= 192;
                    assert_eq!(*is_reports, is_report, "{bytes:?}");
                }
                let mut shards = std::collections::HashSet::new();
                for port in senders.iter().map(|it| to_itself(it).port()) {
                    let mut of_one =
                        found.iter().filter(|it| it.3.port() == port && it.2.len() > 1);
                    let shard = of_one.next().unwrap().0;
                    assert!(of_one.all(|it| it.0 == shard));
                    shards.insert(shard);
                }
                assert_eq!(shards.len(), n, "32 senders are spread over all shards");
            }
        }
    }
}
