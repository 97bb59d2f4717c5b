//! System calls of the load and of the floor: sockets that give and take whole bursts, waiting with
//! precision, clocks of other processes, cores. The only file here with unsafe code.
#![expect(unsafe_code, reason = "system calls; each block says why it is sound")]

use std::io;
use std::mem::{size_of, zeroed};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// Messages of one receiving call; with UDP_GRO each may be a burst of many datagrams.
pub const MESSAGES_MAX: usize = 16;

/// Bytes of one message: what GRO puts together at most.
const MESSAGE_BYTES: usize = 65_536;

/// Runs handed to the kernel in one sending call.
const RUNS_MAX: usize = 128;

/// Bytes that the kernel may keep for a socket. Receivers get little each, publishers and the floor much.
pub const SOCKET_BYTES: i32 = 4 * 1024 * 1024;

/// Sockets that became readable in one wait.
const EVENTS_MAX: usize = 64;

/// linux/udp.h.
const UDP_SEGMENT: libc::c_int = 103;
const UDP_GRO: libc::c_int = 104;
/// asm-generic/socket.h.
const SO_TIMESTAMPNS: libc::c_int = 35;
const SO_MEMINFO: libc::c_int = 55;
/// linux/sock_diag.h: the ninth number is what did not fit into the queue.
const MEMINFO_DROPS: usize = 8;

/// Room for the control messages of one received message: a time and a length.
type Control = [u64; 10];

fn set(fd: RawFd, level: libc::c_int, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
    // SAFETY: the value is an int of the length given, and outlives the call.
    let done = unsafe {
        let len = size_of::<libc::c_int>() as libc::socklen_t;
        libc::setsockopt(fd, level, option, (&raw const value).cast(), len)
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A socket on loopback that does not block. With `gro` a burst that left as one arrives as one, which is
/// what a network card with segmentation offload saves the sender; without it the sender's kernel cuts.
pub fn socket(gro: bool) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket.set_nonblocking(true).expect("a socket can");
    let fd = socket.as_raw_fd();
    for option in [libc::SO_RCVBUF, libc::SO_SNDBUF, libc::SO_RCVBUFFORCE, libc::SO_SNDBUFFORCE] {
        // The forced ones need a capability; the others obey the system's limit. Drops are counted.
        let _ = set(fd, libc::SOL_SOCKET, option, SOCKET_BYTES);
    }
    set(fd, libc::SOL_SOCKET, SO_TIMESTAMPNS, 1).expect("Linux stamps arrivals");
    set(fd, libc::SOL_UDP, UDP_GRO, libc::c_int::from(gro)).expect("Linux 5.0 or later");
    socket
}

/// Messages that the kernel threw away because the socket's queue was full.
pub fn drops(socket: &UdpSocket) -> u64 {
    let mut numbers = [0_u32; MEMINFO_DROPS + 1];
    let mut len = size_of_val(&numbers) as libc::socklen_t;
    // SAFETY: the buffer has the length given, and any bytes are valid numbers.
    let done = unsafe {
        let to = numbers.as_mut_ptr().cast();
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, SO_MEMINFO, to, &raw mut len)
    };
    assert_eq!(done, 0, "Linux 4.12 or later");
    u64::from(numbers[MEMINFO_DROPS])
}

/// One message as it came: one datagram, or several of `segment` bytes each, the last one as long or
/// shorter.
pub struct Message<'a> {
    pub bytes: &'a mut [u8],
    pub segment: usize,
    /// When the kernel had it, ns since 1970.
    pub stamp_ns: u64,
    /// IPv4 port of the sender.
    pub from_port: u16,
}

/// Memory for receiving.
pub struct Inbox {
    bytes: Vec<u8>,
    controls: Vec<Control>,
    names: Vec<libc::sockaddr_in>,
    vectors: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
}

impl Inbox {
    pub fn new() -> Self {
        // SAFETY: zeros are valid for these plain structures; pointers are set before each use.
        let (name, vector, header) = unsafe { (zeroed(), zeroed(), zeroed()) };
        Self {
            bytes: vec![0; MESSAGES_MAX * MESSAGE_BYTES],
            controls: vec![[0; 10]; MESSAGES_MAX],
            names: vec![name; MESSAGES_MAX],
            vectors: vec![vector; MESSAGES_MAX],
            headers: vec![header; MESSAGES_MAX],
        }
    }

    /// Takes what has come without waiting; how many messages.
    pub fn receive(&mut self, socket: &UdpSocket) -> usize {
        let chunks = self.bytes.chunks_exact_mut(MESSAGE_BYTES);
        for (at, chunk) in chunks.enumerate() {
            let (base, len) = (chunk.as_mut_ptr().cast(), chunk.len());
            self.vectors[at] = libc::iovec { iov_base: base, iov_len: len };
            let header = &mut self.headers[at].msg_hdr;
            header.msg_iov = &raw mut self.vectors[at];
            header.msg_iovlen = 1;
            header.msg_name = (&raw mut self.names[at]).cast();
            header.msg_namelen = size_of::<libc::sockaddr_in>() as libc::socklen_t;
            header.msg_control = self.controls[at].as_mut_ptr().cast();
            header.msg_controllen = size_of::<Control>();
        }
        // SAFETY: each header points to one vector, name and control block of the lengths given, all of
        // which outlive the call; no two share memory.
        let n = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                MESSAGES_MAX as libc::c_uint,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        usize::try_from(n).unwrap_or(0)
    }

    /// The message at `at`, below what [`Self::receive`] returned.
    pub fn message(&mut self, at: usize) -> Message<'_> {
        let header = &self.headers[at];
        let (mut segment, mut stamp_ns) = (0, 0);
        // SAFETY: the kernel wrote `msg_controllen` bytes of well-formed control messages; their data is
        // read unaligned and is as long as their types say.
        unsafe {
            let mut control = libc::CMSG_FIRSTHDR(&raw const header.msg_hdr);
            while let Some(it) = control.as_ref() {
                let data = libc::CMSG_DATA(control);
                if it.cmsg_level == libc::SOL_UDP && it.cmsg_type == UDP_GRO {
                    segment = data.cast::<libc::c_int>().read_unaligned();
                } else if it.cmsg_level == libc::SOL_SOCKET && it.cmsg_type == SO_TIMESTAMPNS {
                    let time = data.cast::<libc::timespec>().read_unaligned();
                    stamp_ns = time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64;
                }
                control = libc::CMSG_NXTHDR(&raw const header.msg_hdr, control);
            }
        }
        let len = header.msg_len as usize;
        let segment = usize::try_from(segment).unwrap_or(0);
        let start = at * MESSAGE_BYTES;
        Message {
            bytes: &mut self.bytes[start..start + len],
            segment: if segment == 0 { len.max(1) } else { segment },
            stamp_ns,
            from_port: u16::from_be(self.names[at].sin_port),
        }
    }

    /// Bytes that a message occupied, as offsets that [`Self::bytes`] understands.
    pub fn start_of(&self, at: usize) -> usize {
        at * MESSAGE_BYTES
    }

    /// All messages' memory.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Datagrams of one destination that leave in one send: all of `segment` bytes, the last may be shorter.
#[derive(Clone, Copy)]
pub struct Run {
    /// `None` on a connected socket.
    pub to: Option<SocketAddrV4>,
    pub start: usize,
    pub end: usize,
    pub segment: usize,
}

/// Memory for sending.
pub struct Sender {
    names: Vec<libc::sockaddr_in>,
    controls: Vec<[u64; 4]>,
    vectors: Vec<libc::iovec>,
    headers: Vec<libc::mmsghdr>,
}

impl Sender {
    pub fn new() -> Self {
        // SAFETY: zeros are valid for these plain structures; pointers are set before each use.
        let (name, vector, header) = unsafe { (zeroed(), zeroed(), zeroed()) };
        Self {
            names: vec![name; RUNS_MAX],
            controls: vec![[0; 4]; RUNS_MAX],
            vectors: vec![vector; RUNS_MAX],
            headers: vec![header; RUNS_MAX],
        }
    }

    /// Sends runs that lie in `bytes`; how many the kernel did not take.
    pub fn send(&mut self, socket: &UdpSocket, bytes: &[u8], mut runs: &[Run]) -> usize {
        let mut refused = 0;
        while !runs.is_empty() {
            match self.send_some(socket, bytes, runs) {
                Ok(n) => runs = &runs[n..],
                Err(_) => {
                    refused += 1;
                    runs = &runs[1..];
                }
            }
        }
        refused
    }

    fn send_some(&mut self, socket: &UdpSocket, bytes: &[u8], runs: &[Run]) -> io::Result<usize> {
        let n = runs.len().min(RUNS_MAX);
        for (at, run) in runs[..n].iter().enumerate() {
            let slice = &bytes[run.start..run.end];
            // The kernel does not write through the vectors of a send.
            let base = slice.as_ptr().cast_mut().cast();
            self.vectors[at] = libc::iovec { iov_base: base, iov_len: slice.len() };
            let header = &mut self.headers[at].msg_hdr;
            header.msg_iov = &raw mut self.vectors[at];
            header.msg_iovlen = 1;
            (header.msg_name, header.msg_namelen) = (std::ptr::null_mut(), 0);
            if let Some(to) = run.to {
                self.names[at] = name(to);
                header.msg_name = (&raw mut self.names[at]).cast();
                header.msg_namelen = size_of::<libc::sockaddr_in>() as libc::socklen_t;
            }
            (header.msg_control, header.msg_controllen) = (std::ptr::null_mut(), 0);
            if slice.len() > run.segment {
                header.msg_control = self.controls[at].as_mut_ptr().cast();
                // SAFETY: the block is aligned for and larger than a header with two bytes.
                unsafe {
                    header.msg_controllen = libc::CMSG_SPACE(2) as usize;
                    let control = libc::CMSG_FIRSTHDR(header);
                    (*control).cmsg_level = libc::SOL_UDP;
                    (*control).cmsg_type = UDP_SEGMENT;
                    (*control).cmsg_len = libc::CMSG_LEN(2) as usize;
                    libc::CMSG_DATA(control).cast::<u16>().write_unaligned(run.segment as u16);
                }
            }
        }
        // SAFETY: the first `n` headers point to vectors, names and controls that outlive the call.
        let sent = unsafe {
            libc::sendmmsg(socket.as_raw_fd(), self.headers.as_mut_ptr(), n as libc::c_uint, 0)
        };
        match usize::try_from(sent) {
            Ok(n) if n > 0 => Ok(n),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

fn name(to: SocketAddrV4) -> libc::sockaddr_in {
    libc::sockaddr_in {
        sin_family: libc::AF_INET as libc::sa_family_t,
        sin_port: to.port().to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(to.ip().octets()) },
        sin_zero: [0; 8],
    }
}

/// The IPv4 address of a socket of ours.
pub fn address_of(socket: &UdpSocket) -> SocketAddrV4 {
    match socket.local_addr() {
        Ok(SocketAddr::V4(address)) => address,
        other => {
            debug_assert!(false, "sockets are IPv4: {other:?}");
            SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)
        }
    }
}

/// Waits for many sockets.
pub struct Poll {
    fd: OwnedFd,
    events: Vec<libc::epoll_event>,
}

impl Poll {
    pub fn new() -> Self {
        // SAFETY: the call gives a fresh descriptor that nobody else owns, or -1.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        assert!(fd >= 0, "epoll: {}", io::Error::last_os_error());
        // SAFETY: as above.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Self { fd, events: vec![libc::epoll_event { events: 0, u64: 0 }; EVENTS_MAX] }
    }

    /// Tells of `fd` by `token` whenever something can be read.
    pub fn add(&self, fd: RawFd, token: usize) {
        let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: token as u64 };
        // SAFETY: the event outlives the call; a descriptor that is no good is an error.
        let done = unsafe {
            libc::epoll_ctl(self.fd.as_raw_fd(), libc::EPOLL_CTL_ADD, fd, &raw mut event)
        };
        assert_eq!(done, 0, "epoll: {}", io::Error::last_os_error());
    }

    /// Waits at most so long; the tokens of what can be read.
    pub fn wait(&mut self, timeout: Duration) -> impl Iterator<Item = usize> {
        let timeout = libc::timespec {
            tv_sec: timeout.as_secs().try_into().unwrap_or(libc::time_t::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        // SAFETY: the buffer has the length given and the timeout outlives the call. An interrupted wait
        // is a short wait.
        let n = unsafe {
            libc::epoll_pwait2(
                self.fd.as_raw_fd(),
                self.events.as_mut_ptr(),
                EVENTS_MAX as libc::c_int,
                &raw const timeout,
                std::ptr::null(),
            )
        };
        let n = usize::try_from(n).unwrap_or(0);
        self.events[..n].iter().map(|event| event.u64 as usize)
    }
}

/// Processor time of a process or a thread of ours.
#[derive(Clone, Copy)]
pub struct CpuClock(libc::clockid_t);

impl CpuClock {
    /// All threads of a process, those that ended included.
    pub fn of_process(pid: u32) -> Self {
        let mut clock = 0;
        // SAFETY: the clock's place outlives the call.
        let done = unsafe { libc::clock_getcpuclockid(pid as libc::pid_t, &raw mut clock) };
        assert_eq!(done, 0, "the process runs");
        Self(clock)
    }

    /// The calling thread; any thread of this process may read it.
    pub fn of_this_thread() -> Self {
        // SAFETY: the call has no arguments and cannot fail.
        let id = unsafe { libc::syscall(libc::SYS_gettid) } as libc::clockid_t;
        // Per thread, scheduler's time (linux/posix-timers.h).
        Self(!id << 3 | 6)
    }

    /// Time so far.
    pub fn read(self) -> Duration {
        time(self.0)
    }
}

/// ns since 1970: the clock of the kernel's stamps.
pub fn realtime_ns() -> u64 {
    time(libc::CLOCK_REALTIME).as_nanos() as u64
}

fn time(clock: libc::clockid_t) -> Duration {
    // SAFETY: zeros are a valid time, and its place outlives the call.
    let time = unsafe {
        let mut time: libc::timespec = zeroed();
        assert_eq!(libc::clock_gettime(clock, &raw mut time), 0, "the clock is there");
        time
    };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Binds a thread to one core (0: the calling one). A thread that has ended is no matter.
pub fn pin(thread: u32, core: usize) {
    // SAFETY: zeros are an empty set of cores; the set has the length given.
    unsafe {
        let mut cores: libc::cpu_set_t = zeroed();
        libc::CPU_SET(core, &mut cores);
        libc::sched_setaffinity(thread as libc::pid_t, size_of_val(&cores), &raw const cores);
    }
}

/// Puts the calling thread, and what it starts, before all ordinary threads of this machine. False: this needs
/// a right that we lack.
pub fn take_precedence() -> bool {
    let priority = libc::sched_param { sched_priority: 1 };
    // SAFETY: the parameter outlives the call.
    unsafe { libc::sched_setscheduler(0, libc::SCHED_RR, &raw const priority) == 0 }
}

/// Lets the calling thread's waits end within a microsecond of their time.
pub fn wait_precisely() {
    // SAFETY: the option takes one number.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1_000_u64) };
}

/// Lets this process open one socket per client.
pub fn allow_many_sockets() {
    // SAFETY: the limits outlive the calls.
    unsafe {
        let mut limit: libc::rlimit = zeroed();
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
        }
    }
}
