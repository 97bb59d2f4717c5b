//! Tells the kernel which socket of a shared port a datagram is for (ADR 0009): reports to one, all else to
//! another, so that a thread sleeps on while only reports come.

use std::io;
use std::mem::size_of;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

/// Where a reuse-port program reads a datagram's payload from its first byte on, and the network header.
const NETWORK: u32 = libc::SKF_NET_OFF as u32;

/// The ancillary word that holds the protocol of the network layer.
const PROTOCOL: u32 = (libc::SKF_AD_OFF + libc::SKF_AD_PROTOCOL) as u32;

/// `ETH_P_IPV6` of linux/if_ether.h.
const IPV6: u32 = 0x86dd;

/// Fibonacci hashing: 2^32 divided by the golden ratio.
const GOLDEN: u32 = 0x9e37_79b1;

const LOAD_BYTE: u32 = libc::BPF_LD | libc::BPF_B | libc::BPF_ABS;
const LOAD_HALF: u32 = libc::BPF_LD | libc::BPF_H | libc::BPF_ABS;
const LOAD_WORD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
const JUMP_EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
const JUMP_AT_LEAST: u32 = libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K;
const JUMP: u32 = libc::BPF_JMP | libc::BPF_JA;
const RETURN: u32 = libc::BPF_RET | libc::BPF_A;

fn step(code: u32, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: 0, jf: 0, k }
}

fn jump(code: u32, k: u32, jt: u8, jf: u8) -> libc::sock_filter {
    libc::sock_filter { jt, jf, ..step(code, k) }
}

/// The program for `n` shards: the number of the socket, of which the first `n` are for media and the
/// others, in the same order, for reports. A sender's address decides on the shard.
fn program(n: u32) -> Vec<libc::sock_filter> {
    let alu = |op, k| step(libc::BPF_ALU | op | libc::BPF_K, k);
    let mut steps = vec![
        // The shard: low word of the sender's address, and its port, of IPv6 or of IPv4. A header with options
        // gives other bytes, which are as good as long as they are the same for each of its datagrams.
        step(LOAD_WORD, PROTOCOL),
        jump(JUMP_EQUAL, IPV6, 0, 4),
        step(LOAD_WORD, NETWORK.wrapping_add(20)),
        step(libc::BPF_MISC | libc::BPF_TAX, 0),
        step(LOAD_HALF, NETWORK.wrapping_add(40)),
        step(JUMP, 3),
        step(LOAD_WORD, NETWORK.wrapping_add(12)),
        step(libc::BPF_MISC | libc::BPF_TAX, 0),
        step(LOAD_HALF, NETWORK.wrapping_add(20)),
        alu(libc::BPF_MUL, GOLDEN),
        step(libc::BPF_ALU | libc::BPF_XOR | libc::BPF_X, 0),
        alu(libc::BPF_MUL, GOLDEN),
        alu(libc::BPF_RSH, 16),
        alu(libc::BPF_MOD, n),
        step(libc::BPF_ST, 0),
    ];
    steps.extend([
        // The kind (RFC 7983, RFC 5761 §4): RTP and RTCP begin with 128 to 191, RTCP goes on with 192 to 223. A
        // datagram of less than two bytes ends the program: the first socket has it.
        step(LOAD_BYTE, 0),
        jump(JUMP_AT_LEAST, 192, 7, 0),
        jump(JUMP_AT_LEAST, 128, 0, 6),
        step(LOAD_BYTE, 1),
        jump(JUMP_AT_LEAST, 224, 4, 0),
        jump(JUMP_AT_LEAST, 192, 0, 3),
        step(libc::BPF_LD | libc::BPF_MEM, 0),
        alu(libc::BPF_ADD, n),
        step(RETURN, 0),
        step(libc::BPF_LD | libc::BPF_MEM, 0),
        step(RETURN, 0),
    ]);
    steps
}

/// Steers what arrives at a port shared by `sockets`: those for media of each shard, then those for reports of
/// each. Needs no privilege; kernels before 4.5 cannot.
pub(super) fn steer(sockets: &[UdpSocket]) -> io::Result<()> {
    let Some(first) = sockets.first() else { return Ok(()) };
    let mut steps = program((sockets.len() / 2) as u32);
    let program = libc::sock_fprog { len: steps.len() as u16, filter: steps.as_mut_ptr() };
    // SAFETY: the descriptor is open while `first` is borrowed; the value is a program of `len` steps, which the
    // kernel checks and copies before the call returns.
    let result = unsafe {
        libc::setsockopt(
            first.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_REUSEPORT_CBPF,
            (&raw const program).cast(),
            size_of::<libc::sock_fprog>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
