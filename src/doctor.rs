//! `diemcau doctor`: what would keep a meeting from working on this machine, seen from the operator's
//! seat. Every finding is one line with the remedy; nothing is changed, but that a data folder which is not
//! there yet is made.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use crate::config::Config;
use crate::{data_folder, terminal};

/// Below this a recording of a day may not fit: a composed hour is about 0.6 GB.
const FREE_BYTES_WANTED: u64 = 5 * 1024 * 1024 * 1024;

/// 2026-01-01T00:00:00Z: a clock before it was never set.
const CLOCK_MIN: Duration = Duration::from_secs(1_767_225_600);

/// How long a datagram to oneself may take.
const LOOPBACK_MAX: Duration = Duration::from_secs(1);

enum Finding {
    Good(String),
    /// A meeting works, but somebody should look.
    Warning(String),
    /// No meeting until this is put right.
    Bad(String),
}

/// Looks at everything, prints it, and fails if something is bad.
pub(crate) fn run(config: &Config) -> ExitCode {
    let folder = data(config);
    // A folder that could not be made has no disk to look at.
    let room = config.node.data.is_dir().then(|| disk(config));
    let rest = [
        tcp_port(config.http.listen),
        udp_port(config.media.listen),
        tcp_media_port(config.media.listen),
        udp_loopback(),
        clock(),
        ffmpeg(),
        web(),
    ];
    let (mut n_bad, mut n_warnings) = (0, 0);
    for finding in std::iter::once(folder).chain(room).chain(rest) {
        match finding {
            Finding::Good(text) => terminal::say(&format!("  ok    {text}")),
            Finding::Warning(text) => {
                terminal::say(&format!("  look  {text}"));
                n_warnings += 1;
            }
            Finding::Bad(text) => {
                terminal::say(&format!("  BAD   {text}"));
                n_bad += 1;
            }
        }
    }
    terminal::say(&verdict(n_bad, n_warnings));
    if n_bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The last line: may a meeting be held here?
fn verdict(n_bad: usize, n_warnings: usize) -> String {
    match (n_bad, n_warnings) {
        (0, 0) => "All is well: this machine is ready for a meeting.".to_owned(),
        (0, _) => {
            "A meeting works here. Look at what is marked \"look\" when there is time.".to_owned()
        }
        (_, _) => {
            "Put right what is marked \"BAD\" before a meeting, then run this again.".to_owned()
        }
    }
}

fn data(config: &Config) -> Finding {
    match data_folder::claim(&config.node.data) {
        Ok(_claim) => Finding::Good(format!("data folder {}", config.node.data.display())),
        Err(error) => Finding::Bad(format!("{error:#}")),
    }
}

fn disk(config: &Config) -> Finding {
    match data_folder::free_bytes(&config.node.data) {
        Ok(free) if free < FREE_BYTES_WANTED => Finding::Warning(format!(
            "only {} MiB are free for recordings; make room for at least {} MiB",
            free / 1_048_576,
            FREE_BYTES_WANTED / 1_048_576
        )),
        Ok(free) => Finding::Good(format!("{} MiB free for recordings", free / 1_048_576)),
        Err(error) => Finding::Bad(format!("{error:#}")),
    }
}

fn tcp_port(address: SocketAddr) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) => {
            let families = if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
                " (IPv6 and IPv4)"
            } else {
                ""
            };
            Finding::Good(format!("TCP {address} is free for pages{families}"))
        }
        Err(error) => Finding::Bad(port_taken(&error, "TCP", address, "--http")),
    }
}

fn udp_port(address: SocketAddr) -> Finding {
    match UdpSocket::bind(address) {
        Ok(_) => Finding::Good(format!("UDP {address} is free for media")),
        Err(error) => Finding::Bad(port_taken(&error, "UDP", address, "--media")),
    }
}

/// The port of the same number: without it a meeting works wherever UDP gets through.
fn tcp_media_port(address: SocketAddr) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) => Finding::Good(format!("TCP {address} is free for media where UDP is blocked")),
        Err(error) => Finding::Warning(format!(
            "{} Until then, sites whose network lets no UDP through see no pictures.",
            port_taken(&error, "TCP", address, "--media")
        )),
    }
}

/// Why an address cannot be used, and what to do.
pub(crate) fn port_taken(
    error: &std::io::Error,
    kind: &str,
    address: SocketAddr,
    option: &str,
) -> String {
    match error.kind() {
        ErrorKind::AddrInUse => format!(
            "{kind} {address} is taken by another program. Stop it, or choose another port with \
             {option} ADDR (\"ss -lptun\" shows who has it)."
        ),
        ErrorKind::PermissionDenied => format!(
            "{kind} {address} is not allowed for this user. Ports below 1024 need the right \
             CAP_NET_BIND_SERVICE; choose another with {option} ADDR."
        ),
        ErrorKind::AddrNotAvailable => format!(
            "{kind} {address} is not an address of this machine. Choose another with {option} ADDR \
             ([::] means all of them, 0.0.0.0 those of IPv4)."
        ),
        _ => {
            format!("{kind} {address} cannot be used: {error}. Choose another with {option} ADDR.")
        }
    }
}

fn udp_loopback() -> Finding {
    let trip = || -> std::io::Result<()> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_read_timeout(Some(LOOPBACK_MAX))?;
        socket.send_to(b"diemcau", socket.local_addr()?)?;
        socket.recv_from(&mut [0; 16]).map(|_| ())
    };
    match trip() {
        Ok(()) => Finding::Good("UDP reaches this machine itself".to_owned()),
        Err(error) => Finding::Bad(format!(
            "UDP does not reach this machine itself ({error}). Look at its firewall."
        )),
    }
}

fn clock() -> Finding {
    #[expect(clippy::disallowed_methods, reason = "looks at the clock itself")]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    if now < CLOCK_MIN {
        return Finding::Bad(
            "The clock of this machine is years behind. Set it (\"timedatectl set-ntp true\"): minutes \
             and join links depend on it."
                .to_owned(),
        );
    }
    Finding::Good("the clock is set".to_owned())
}

/// The system's loader binds the libraries before the first instruction of this program, so being here
/// means that they were found; but some builds of them come without the codecs of a recording.
fn ffmpeg() -> Finding {
    codecs(&recorder::media::missing_codecs())
}

fn codecs(missing: &[&str]) -> Finding {
    if missing.is_empty() {
        let version = recorder::media::version();
        return Finding::Good(format!("FFmpeg has the codecs of recordings ({version})"));
    }
    Finding::Bad(format!(
        "FFmpeg is there but lacks {}: what is recorded is kept, but no video can be composed of it. \
         Install the system's own build (apt-get install --reinstall libavcodec59), and take another \
         build out of LD_LIBRARY_PATH.",
        missing.join(", ")
    ))
}

fn web() -> Finding {
    if crate::assets::is_there() {
        Finding::Good("the pages are in this binary".to_owned())
    } else {
        Finding::Bad(
            "This binary was built without its pages. Build it with \"make build\".".to_owned(),
        )
    }
}
