//! What the system knows of a process and of the machine: memory, cores, queues that ran over.

use crate::client::system;

/// Binds all threads of a process to one core; threads that they start inherit it. Where there is only one
/// core, nothing changes.
pub fn pin(pid: u32, core: usize) {
    if cores() <= core {
        return;
    }
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    for thread in threads.flatten() {
        let id = thread.file_name().to_str().and_then(|name| name.parse().ok());
        system::pin(id.expect("threads are numbers"), core);
    }
}

/// Cores of this machine.
pub fn cores() -> usize {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    text.lines().filter(|line| line.starts_with("processor")).count().max(1)
}

/// The processor's name.
pub fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    line.and_then(|line| line.split_once(": ")).map_or("unknown", |(_, name)| name).to_owned()
}

/// The system's release.
pub fn kernel() -> String {
    std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned()
}

/// Average number of threads that wanted to run during the last minute, ours included.
pub fn load_average() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|it| it.parse().ok()).unwrap_or(0.0)
}

fn status(pid: u32, key: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = text.lines().find(|line| line.starts_with(key)).expect("it has memory");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

/// Memory in use (resident set), in KiB.
pub fn rss_kib(pid: u32) -> u64 {
    status(pid, "VmRSS:")
}

/// Of it what no file backs: what the process itself has allocated, in KiB.
pub fn anonymous_kib(pid: u32) -> u64 {
    status(pid, "RssAnon:")
}

/// Seconds for which a core was not idle so far, and what the host under a virtual machine gave to others.
pub fn core_busy(core: usize) -> f64 {
    let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let name = format!("cpu{core} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&name)).unwrap_or_default();
    let ticks = line.split(' ').map(|number| number.parse::<f64>().unwrap_or(0.0));
    // user, nice, system, idle, waiting for a disk, interrupts (two kinds), stolen; then parts of the first two.
    let busy: f64 =
        ticks.take(8).enumerate().filter(|(at, _)| ![3, 4].contains(at)).map(|(_, it)| it).sum();
    busy / TICKS
}

/// Ticks per second of the times in /proc/stat; 100 on every Linux that this runs on (`getconf CLK_TCK`).
const TICKS: f64 = 100.0;

/// Datagrams that came for a UDP port of this machine and found its queue full.
pub fn udp_drops(port: u16) -> u64 {
    let text = std::fs::read_to_string("/proc/net/udp").unwrap_or_default();
    let suffix = format!(":{port:04X}");
    text.lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|words| words.get(1).is_some_and(|address| address.ends_with(&suffix)))
        .filter_map(|words| words.last()?.parse::<u64>().ok())
        .sum()
}
