//! System calls that the standard library does not offer: many datagrams at once, segmentation offload,
//! waiting for several descriptors. This file and its folder have the only unsafe code.
#![expect(unsafe_code, reason = "system calls; each block says why it is sound")]

mod addresses;
mod prefetch;
mod socket;
mod steer;

use std::io;
use std::mem::{size_of, zeroed};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

pub(crate) use addresses::own_addresses;
pub(crate) use prefetch::prefetch;
pub(crate) use socket::{Port, bind_all, listen};

use crate::outbox::{Outbox, Run};

/// Messages received in one call. With receive offload one message holds up to 64 datagrams of one sender.
const RECEIVE_MAX: usize = 32;

/// Bytes of one message: what the kernel puts together at most.
const MESSAGE_BYTES_MAX: usize = 65_536;

/// Bytes of one datagram. Larger ones do not come through the Internet and are thrown away.
const DATAGRAM_BYTES_MAX: usize = 2_048;

/// Sends handed to the kernel in one call.
const SEND_MAX: usize = 128;

/// How long to wait for room when the kernel takes no more, before datagrams are thrown away.
const SEND_PATIENCE: Duration = Duration::from_millis(5);

/// `UDP_SEGMENT` of linux/udp.h.
const UDP_SEGMENT: libc::c_int = 103;

/// `UDP_GRO` of linux/udp.h.
const UDP_GRO: libc::c_int = 104;

/// The kernel wakes a waiting thread at most so much later than asked; its default is 50 µs.
const TIMER_SLACK: Duration = Duration::from_micros(1);

/// Room for one control message with a value of at most four bytes, aligned.
type Control = [u64; 4];

/// How many descriptors this process may have open.
pub(crate) fn descriptors_max() -> Option<usize> {
    // SAFETY: zeros are a valid value of the structure, which the call fills.
    let mut limit: libc::rlimit = unsafe { zeroed() };
    // SAFETY: the pointer is to a structure that outlives the call.
    let result = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    (result == 0).then(|| usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX))
}

/// Makes this thread's waits end on time: frames are held back for less than a millisecond.
pub(crate) fn wake_on_time() {
    // SAFETY: the option takes a number of nanoseconds and touches no memory.
    unsafe {
        libc::prctl(libc::PR_SET_TIMERSLACK, TIMER_SLACK.as_nanos() as libc::c_ulong);
    }
}

/// Waits until one of the descriptors can be read, or the time is over. Returns which can; the kernel passes over
/// negative numbers.
pub(crate) fn wait<const N: usize>(
    descriptors: [RawFd; N],
    timeout: Option<Duration>,
) -> [bool; N] {
    let mut polled = descriptors.map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 });
    let timeout = timeout.map(|it| libc::timespec {
        tv_sec: it.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: it.subsec_nanos().into(),
    });
    let timeout_ptr = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: `polled` is an array of the given length and `timeout` outlives the call. An interrupted
    // wait is a short wait.
    unsafe {
        libc::ppoll(
            polled.as_mut_ptr(),
            polled.len() as libc::nfds_t,
            timeout_ptr,
            std::ptr::null(),
        );
    }
    polled.map(|it| it.revents != 0)
}

fn wait_for_room(fd: RawFd) {
    let mut polled = libc::pollfd { fd, events: libc::POLLOUT, revents: 0 };
    // SAFETY: one descriptor, and an array of one.
    unsafe {
        libc::poll(&raw mut polled, 1, SEND_PATIENCE.as_millis() as libc::c_int);
    }
}

fn store_address(address: SocketAddr, storage: &mut libc::sockaddr_storage) -> libc::socklen_t {
    match address {
        SocketAddr::V4(address) => {
            let raw = libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: address.port().to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(address.ip().octets()) },
                sin_zero: [0; 8],
            };
            // SAFETY: `sockaddr_storage` is at least as large and aligned as any address.
            unsafe { std::ptr::from_mut(storage).cast::<libc::sockaddr_in>().write(raw) };
            size_of::<libc::sockaddr_in>() as libc::socklen_t
        }
        SocketAddr::V6(address) => {
            let raw = libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as libc::sa_family_t,
                sin6_port: address.port().to_be(),
                sin6_flowinfo: address.flowinfo(),
                sin6_addr: libc::in6_addr { s6_addr: address.ip().octets() },
                sin6_scope_id: address.scope_id(),
            };
            // SAFETY: as above.
            unsafe { std::ptr::from_mut(storage).cast::<libc::sockaddr_in6>().write(raw) };
            size_of::<libc::sockaddr_in6>() as libc::socklen_t
        }
    }
}

fn load_address(storage: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match libc::c_int::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that it is an IPv4 address, and the storage is large enough.
            let raw = unsafe { std::ptr::from_ref(storage).cast::<libc::sockaddr_in>().read() };
            let ip = Ipv4Addr::from(raw.sin_addr.s_addr.to_ne_bytes());
            Some(SocketAddr::from((ip, u16::from_be(raw.sin_port))))
        }
        libc::AF_INET6 => {
            // SAFETY: the family says that it is an IPv6 address, and the storage is large enough.
            let raw = unsafe { std::ptr::from_ref(storage).cast::<libc::sockaddr_in6>().read() };
            let ip = Ipv6Addr::from(raw.sin6_addr.s6_addr);
            let port = u16::from_be(raw.sin6_port);
            // The flow label is no part of who somebody is.
            Some(SocketAddrV6::new(ip, port, 0, raw.sin6_scope_id).into())
        }
        _ => None,
    }
}

/// Memory for one call that receives many datagrams.
pub(crate) struct Receiver {
    bytes: Vec<u8>,
    names: Vec<libc::sockaddr_storage>,
    controls: Vec<Control>,
    /// Length of each message, and of the datagrams that the kernel put together in it.
    messages: Vec<(usize, usize)>,
}

impl Receiver {
    /// Memory for [`RECEIVE_MAX`] messages.
    pub(crate) fn new() -> Self {
        // SAFETY: an address of all zeros is a valid value of the type: family 0, unspecified.
        let name: libc::sockaddr_storage = unsafe { zeroed() };
        Self {
            bytes: vec![0; RECEIVE_MAX * MESSAGE_BYTES_MAX],
            names: vec![name; RECEIVE_MAX],
            controls: vec![[0; 4]; RECEIVE_MAX],
            messages: Vec::with_capacity(RECEIVE_MAX),
        }
    }

    /// Takes what has come, without waiting. Returns whether more may be there.
    pub(crate) fn receive(&mut self, socket: &UdpSocket) -> bool {
        self.messages.clear();
        // SAFETY: zeros are valid for these plain structures; every pointer is set below.
        let mut vectors: [libc::iovec; RECEIVE_MAX] = unsafe { zeroed() };
        // SAFETY: as above.
        let mut headers: [libc::mmsghdr; RECEIVE_MAX] = unsafe { zeroed() };
        let chunks = self.bytes.chunks_exact_mut(MESSAGE_BYTES_MAX);
        for ((((header, vector), name), control), chunk) in headers
            .iter_mut()
            .zip(&mut vectors)
            .zip(&mut self.names)
            .zip(&mut self.controls)
            .zip(chunks)
        {
            *vector = libc::iovec { iov_base: chunk.as_mut_ptr().cast(), iov_len: chunk.len() };
            header.msg_hdr.msg_name = std::ptr::from_mut(name).cast();
            header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            header.msg_hdr.msg_iov = vector;
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_control = control.as_mut_ptr().cast();
            header.msg_hdr.msg_controllen = size_of::<Control>();
        }
        // SAFETY: each header points to one vector, one name and one control of the lengths given, all of
        // which outlive the call; no two share memory.
        let n = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                RECEIVE_MAX as libc::c_uint,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        let n = usize::try_from(n).unwrap_or(0);
        self.messages.extend(headers[..n].iter().map(|header| {
            let is_whole = header.msg_hdr.msg_flags & libc::MSG_TRUNC == 0;
            let len = if is_whole { header.msg_len as usize } else { 0 };
            (len, coalesced(&header.msg_hdr).unwrap_or(len))
        }));
        n == RECEIVE_MAX
    }

    /// The datagrams of the last call.
    pub(crate) fn datagrams(&mut self) -> impl Iterator<Item = (SocketAddr, &mut [u8])> {
        let chunks = self.bytes.chunks_exact_mut(MESSAGE_BYTES_MAX);
        self.messages
            .iter()
            .zip(&self.names)
            .zip(chunks)
            .filter_map(|((&(len, segment), name), chunk)| {
                let from = load_address(name)?;
                Some(chunk.get_mut(..len)?.chunks_mut(segment.max(1)).map(move |it| (from, it)))
            })
            .flatten()
            .filter(|(_, bytes)| bytes.len() <= DATAGRAM_BYTES_MAX)
    }
}

/// How long the datagrams are that the kernel put together into one message; `None` if it is one datagram.
fn coalesced(header: &libc::msghdr) -> Option<usize> {
    // SAFETY: the kernel filled the control buffer that the header names, up to `msg_controllen`; the macros
    // stay inside it. A value of `UDP_GRO` is an int, perhaps not aligned.
    unsafe {
        let mut cmsg = libc::CMSG_FIRSTHDR(header);
        while let Some(it) = cmsg.as_ref() {
            if it.cmsg_level == libc::SOL_UDP && it.cmsg_type == UDP_GRO {
                let size = libc::CMSG_DATA(cmsg).cast::<libc::c_int>().read_unaligned();
                return usize::try_from(size).ok().filter(|size| *size > 0);
            }
            cmsg = libc::CMSG_NXTHDR(header, cmsg);
        }
    }
    None
}

/// Memory for one call that sends many runs of datagrams.
pub(crate) struct Sender {
    names: Vec<libc::sockaddr_storage>,
    controls: Vec<Control>,
    has_segmentation: bool,
    /// The kernel has taken a run.
    has_segmented: bool,
}

impl Sender {
    /// Memory for [`SEND_MAX`] runs.
    pub(crate) fn new() -> Self {
        // SAFETY: an address of all zeros is a valid value of the type.
        let name: libc::sockaddr_storage = unsafe { zeroed() };
        Self {
            names: vec![name; SEND_MAX],
            controls: vec![[0; 4]; SEND_MAX],
            has_segmentation: true,
            has_segmented: false,
        }
    }

    /// Sends everything. Returns how many datagrams the kernel did not take.
    pub(crate) fn send(&mut self, socket: &UdpSocket, outbox: &Outbox) -> u64 {
        let mut runs = &outbox.runs[..];
        let mut n_lost = 0;
        while let Some((first, rest)) = runs.split_first() {
            if self.has_segmentation {
                let (now, later) = runs.split_at(runs.len().min(SEND_MAX));
                n_lost += self.send_batch(socket, outbox, now);
                runs = later;
            } else {
                // An old kernel or network card: one datagram per message.
                n_lost += self.send_singles(socket, outbox, *first);
                runs = rest;
            }
        }
        n_lost
    }

    fn send_singles(&mut self, socket: &UdpSocket, outbox: &Outbox, run: Run) -> u64 {
        let mut singles = [run; SEND_MAX];
        let n = run.singles().zip(&mut singles).map(|(single, place)| *place = single).count();
        self.send_batch(socket, outbox, &singles[..n])
    }

    fn send_batch(&mut self, socket: &UdpSocket, outbox: &Outbox, mut runs: &[Run]) -> u64 {
        let mut has_waited = false;
        let mut n_lost = 0;
        while let Some(&first) = runs.first() {
            match self.send_once(socket, outbox, runs) {
                Ok(n) => {
                    self.has_segmented |= first.n > 1;
                    runs = &runs[n.min(runs.len())..];
                    has_waited = false;
                }
                Err(err) if err.kind() == io::ErrorKind::WouldBlock && !has_waited => {
                    has_waited = true;
                    wait_for_room(socket.as_raw_fd());
                }
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                Err(err) => {
                    // The first run cannot be sent: go on behind it.
                    n_lost += self.send_refused(socket, outbox, first, &err);
                    runs = &runs[1..];
                }
            }
        }
        n_lost
    }

    /// A run that the kernel refused. Without segmentation (an old kernel, a card that cannot checksum, a
    /// path too narrow for this run's datagrams) each may still go on its own; else there is no route or
    /// no memory.
    fn send_refused(
        &mut self,
        socket: &UdpSocket,
        outbox: &Outbox,
        run: Run,
        err: &io::Error,
    ) -> u64 {
        let is_about_segments =
            matches!(err.raw_os_error(), Some(libc::EIO | libc::EINVAL | libc::EMSGSIZE));
        if run.n == 1 || !is_about_segments {
            return run.n as u64;
        }
        // One narrow path must not slow all others down.
        self.has_segmentation = self.has_segmented && err.raw_os_error() != Some(libc::EIO);
        self.send_singles(socket, outbox, run)
    }

    fn send_once(
        &mut self,
        socket: &UdpSocket,
        outbox: &Outbox,
        runs: &[Run],
    ) -> io::Result<usize> {
        let n = runs.len().min(SEND_MAX);
        // SAFETY: zeros are valid for these plain structures; every pointer that is used is set below.
        let mut vectors: [libc::iovec; SEND_MAX] = unsafe { zeroed() };
        // SAFETY: as above.
        let mut headers: [libc::mmsghdr; SEND_MAX] = unsafe { zeroed() };
        for (at, run) in runs[..n].iter().enumerate() {
            let bytes = &outbox.bytes[run.start..run.end];
            // The kernel does not write through the vectors of a send.
            let iov_base = bytes.as_ptr().cast_mut().cast();
            vectors[at] = libc::iovec { iov_base, iov_len: bytes.len() };
            let header = &mut headers[at].msg_hdr;
            header.msg_namelen = store_address(run.to, &mut self.names[at]);
            header.msg_name = std::ptr::from_mut(&mut self.names[at]).cast();
            header.msg_iov = &raw mut vectors[at];
            header.msg_iovlen = 1;
            if run.n > 1 {
                let control = &mut self.controls[at];
                header.msg_control = control.as_mut_ptr().cast();
                // SAFETY: CMSG_SPACE and CMSG_LEN only compute; `control` is aligned for and larger than a
                // header with two bytes, and the header written first is what CMSG_DATA counts from.
                unsafe {
                    header.msg_controllen = libc::CMSG_SPACE(2) as usize;
                    let cmsg = libc::CMSG_FIRSTHDR(header);
                    (*cmsg).cmsg_level = libc::SOL_UDP;
                    (*cmsg).cmsg_type = UDP_SEGMENT;
                    (*cmsg).cmsg_len = libc::CMSG_LEN(2) as usize;
                    libc::CMSG_DATA(cmsg).cast::<u16>().write_unaligned(run.segment as u16);
                }
            }
        }
        // SAFETY: the first `n` headers point to vectors, names and controls that outlive the call.
        let sent = unsafe {
            libc::sendmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                n as libc::c_uint,
                libc::MSG_DONTWAIT,
            )
        };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }
}

/// Processor time of this thread so far.
pub(crate) fn thread_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a value of ours that outlives the call.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    if failed == 0 {
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    } else {
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_arrive_as_the_datagrams_they_were_made_of() {
        [false, true].into_iter().for_each(runs_arrive);
    }

    fn runs_arrive(coalesced: bool) {
        let ours = UdpSocket::bind("127.0.0.1:0").unwrap();
        let theirs = UdpSocket::bind("127.0.0.1:0").unwrap();
        if coalesced {
            socket::coalesce(&theirs);
        }
        let to = theirs.local_addr().unwrap();
        let mut outbox = Outbox::default();
        for (n, size) in [1_200, 1_200, 1_200, 700, 40, 1_200].into_iter().enumerate() {
            outbox.push(to, &vec![n as u8; size]);
        }
        assert_eq!(Sender::new().send(&ours, &outbox), 0);
        theirs.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        wait([theirs.as_raw_fd(), theirs.as_raw_fd()], Some(Duration::from_secs(5)));
        let mut receiver = Receiver::new();
        let mut found = Vec::new();
        while found.len() < 6 {
            receiver.receive(&theirs);
            for (from, bytes) in receiver.datagrams() {
                assert_eq!(from, ours.local_addr().unwrap());
                found.push((bytes[0], bytes.len()));
            }
        }
        assert_eq!(found, [(0, 1_200), (1, 1_200), (2, 1_200), (3, 700), (4, 40), (5, 1_200)]);
    }

    #[test]
    fn what_cannot_leave_as_a_run_leaves_one_by_one() {
        let ours = UdpSocket::bind("127.0.0.1:0").unwrap();
        let theirs = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut outbox = Outbox::default();
        (0..3).for_each(|n| outbox.push(theirs.local_addr().unwrap(), &[n; 100]));
        let refused = io::Error::from_raw_os_error(libc::EMSGSIZE);
        let mut sender = Sender { has_segmented: true, ..Sender::new() };
        assert_eq!(sender.send_refused(&ours, &outbox, outbox.runs[0], &refused), 0);
        assert!(sender.has_segmentation, "other paths are not narrow");
        wait([theirs.as_raw_fd(), theirs.as_raw_fd()], Some(Duration::from_secs(5)));
        let mut receiver = Receiver::new();
        receiver.receive(&theirs);
        assert_eq!(receiver.datagrams().count(), 3);
        let none = io::Error::from_raw_os_error(libc::ENETUNREACH);
        assert_eq!(sender.send_refused(&ours, &outbox, outbox.runs[0], &none), 3);
    }
}
