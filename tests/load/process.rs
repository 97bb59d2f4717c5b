//! What the system knows of a process: processor time, memory, cores.

use std::process::Command;

/// Ticks per second of the times in /proc; 100 on every Linux that this runs on (`getconf CLK_TCK`).
const TICKS: f64 = 100.0;

/// Binds all threads of a process to one core. Where there is only one, nothing changes.
pub fn pin(pid: u32, core: usize) {
    if cores() <= core {
        return;
    }
    let done = Command::new("taskset")
        .args(["-a", "-p", "-c", &core.to_string(), &pid.to_string()])
        .output()
        .expect("taskset runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// Cores of this machine.
pub fn cores() -> usize {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    text.lines().filter(|line| line.starts_with("processor")).count().max(1)
}

/// Processor time of all threads so far, user and system, in seconds.
pub fn cpu_seconds(pid: u32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    // The name in parentheses may contain anything; what follows it is numbers.
    let (_, rest) = text.rsplit_once(')').expect("its form is fixed");
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |index: usize| fields[index].parse::<f64>().expect("a number");
    (ticks(11) + ticks(12)) / TICKS
}

/// Memory in use (resident set), in KiB.
pub fn rss_kib(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).expect("it has memory");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}
