//! `diemcau doctor`: a good machine is told that it is one; what would keep a meeting from working is
//! named in one line with the remedy, and the exit code says so.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::full_disk::Disk;
use crate::support::{BINARY, Node, free_tcp_port, free_udp_port, run_to_end};

/// Doctor, not yet started.
fn doctor(data: &Path, http: SocketAddr, media: SocketAddr) -> Command {
    let mut command = Command::new(BINARY);
    command
        .args(["doctor", "--data"])
        .arg(data)
        .args(["--http", &http.to_string(), "--media", &media.to_string()])
        .env_remove("DIEMCAU_NODE_DATA");
    command
}

/// What it said, and whether it found the machine fit.
fn diagnosis(command: Command) -> (bool, String) {
    let output = run_to_end(command);
    let said = String::from_utf8(output.stdout).expect("it speaks UTF-8");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(complaints.is_empty(), "{complaints}");
    (output.status.success(), said)
}

/// Expects exactly one bad finding, and gives its line.
fn only_bad_line(command: Command) -> String {
    let (is_fit, said) = diagnosis(command);
    assert!(!is_fit, "{said}");
    let bad: Vec<_> = said.lines().filter(|line| line.starts_with("  BAD")).collect();
    assert_eq!(bad.len(), 1, "{said}");
    assert!(said.lines().last().is_some_and(|line| line.starts_with("Put right")), "{said}");
    bad[0].to_owned()
}

#[test]
fn doctor_finds_a_good_machine_good() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("not/there/yet");
    let (is_fit, said) = diagnosis(doctor(&data, free_tcp_port(), free_udp_port()));
    assert!(is_fit, "{said}");
    assert!(!said.contains("BAD"), "{said}");
    // The machine of a test may be short of room for a day's recordings, and of nothing else.
    let looks = said.lines().filter(|line| line.starts_with("  look")).collect::<Vec<_>>();
    assert!(looks.iter().all(|line| line.contains("MiB are free")), "{said}");
    assert!(said.contains("is free for media where UDP is blocked"), "{said}");
    let verdict = if looks.is_empty() { "All is well" } else { "A meeting works here" };
    assert!(said.lines().last().is_some_and(|line| line.starts_with(verdict)), "{said}");
    assert!(said.contains("FFmpeg has the codecs of recordings (libavcodec "), "{said}");
}

#[test]
fn doctor_names_a_taken_port_and_the_option_to_change_it() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let bad = only_bad_line(doctor(dir.path(), address, free_udp_port()));
    assert!(bad.contains(&format!("TCP {address} is taken")) && bad.contains("--http"), "{bad}");
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let bad = only_bad_line(doctor(dir.path(), free_tcp_port(), address));
    assert!(bad.contains(&format!("UDP {address} is taken")) && bad.contains("--media"), "{bad}");
}

#[test]
fn doctor_looks_at_the_tcp_port_of_the_media_ports_number_and_a_meeting_works_without_it() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let (is_fit, said) = diagnosis(doctor(dir.path(), free_tcp_port(), address));
    assert!(is_fit, "{said}");
    let look = said.lines().find(|line| line.contains(&format!("TCP {address} is taken")));
    let look = look.unwrap_or_else(|| panic!("{said}"));
    assert!(look.starts_with("  look") && look.contains("no UDP"), "{said}");
}

#[test]
fn doctor_beside_a_running_server_says_whose_folder_and_ports_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let mut node = Node::start(dir.path(), &[]);
    let (is_fit, said) = diagnosis(doctor(dir.path(), node.http, node.media));
    assert!(!is_fit, "{said}");
    for part in ["Another diemcau", "TCP 127.0.0.1", "UDP 127.0.0.1"] {
        assert!(
            said.lines().any(|line| line.starts_with("  BAD") && line.contains(part)),
            "{said}"
        );
    }
    node.assert_alive();
}

#[test]
fn doctor_says_that_a_data_folder_cannot_be_written_and_which_option_names_another() {
    // A folder of the system that not even root can write into.
    let forbidden = PathBuf::from("/proc/diemcau-data");
    let bad = only_bad_line(doctor(&forbidden, free_tcp_port(), free_udp_port()));
    assert!(bad.contains("/proc/diemcau-data") && bad.contains("--data"), "{bad}");
}

#[test]
fn doctor_says_that_the_disk_is_full_or_nearly_so() {
    let Some(full) = Disk::mount(4) else { return };
    let bad = only_bad_line(doctor(full.path(), free_tcp_port(), free_udp_port()));
    assert!(bad.contains("is full") && bad.contains("--data"), "{bad}");
    // Enough to start, not enough for a day's recordings: a meeting works, but somebody should look.
    let Some(small) = Disk::mount(64) else { return };
    let (is_fit, said) = diagnosis(doctor(small.path(), free_tcp_port(), free_udp_port()));
    assert!(is_fit, "{said}");
    assert!(said.contains("  look  only 6") && said.contains("make room"), "{said}");
}

#[test]
fn doctor_names_the_encoders_that_ffmpeg_lacks_and_the_package_that_has_them() {
    let dir = tempfile::tempdir().unwrap();
    // In front of FFmpeg's own answer stands one that knows no encoder.
    let (source, library) = (dir.path().join("none.c"), dir.path().join("none.so"));
    let code =
        "const void *avcodec_find_encoder_by_name(const char *name) { (void)name; return 0; }";
    std::fs::write(&source, code).unwrap();
    let built =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).output();
    let built = built.expect("a C compiler is there: the build needs one");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let mut command = doctor(&dir.path().join("data"), free_tcp_port(), free_udp_port());
    command.env("LD_PRELOAD", &library);
    let bad = only_bad_line(command);
    assert!(bad.contains("H.264") && bad.contains("AAC"), "{bad}");
    assert!(bad.contains("apt-get install") && bad.contains("libavcodec"), "{bad}");
}
