//! A start that cannot succeed says one sentence with the remedy and exits with a code other than 0.

use std::net::{TcpListener, UdpSocket};
use std::process::Command;

use crate::support::{BINARY, Node, free_tcp_port, free_udp_port, run_to_end, serve};

/// Runs it, expects a failure, and gives what was said on standard error.
fn refusal(command: Command) -> String {
    let output = run_to_end(command);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "it succeeded: {said}");
    assert!(!said.contains("panicked"), "{said}");
    assert!(said.lines().any(|line| line.starts_with("diemcau: ")), "no sentence in: {said}");
    said
}

#[test]
fn a_taken_http_port_is_named_with_the_option_to_change_it() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let said = refusal(serve(dir.path(), address, free_udp_port(), &[]));
    assert!(said.contains(&address.to_string()) && said.contains("--http"), "{said}");
}

#[test]
fn a_taken_media_port_is_named_with_the_option_to_change_it() {
    let dir = tempfile::tempdir().unwrap();
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let said = refusal(serve(dir.path(), free_tcp_port(), address, &[]));
    assert!(said.contains(&address.to_string()) && said.contains("--media"), "{said}");
}

#[test]
fn open_rooms_are_refused_on_an_address_that_others_can_reach() {
    let dir = tempfile::tempdir().unwrap();
    let beyond = "0.0.0.0:0".parse().unwrap();
    for (http, media) in [(beyond, free_udp_port()), (free_tcp_port(), beyond)] {
        let said = refusal(serve(dir.path(), http, media, &["--open-rooms"]));
        assert!(said.contains("--open-rooms") && said.contains("loopback"), "{said}");
    }
}

#[test]
fn an_unknown_key_of_the_configuration_is_refused_with_a_suggestion() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("diemcau.toml");
    std::fs::write(&file, "[http]\nlissten = \"127.0.0.1:0\"\n").unwrap();
    let mut command = Command::new(BINARY);
    command.args(["config", "check", "--config"]).arg(&file);
    let said = refusal(command);
    assert!(said.contains("lissten") && said.contains("Did you mean \"listen\"?"), "{said}");
}

#[test]
fn the_example_configuration_is_right() {
    let mut command = Command::new(BINARY);
    command.args(["config", "check", "--config"]);
    command.arg(crate::support::root().join("deploy/diemcau.toml"));
    let output = run_to_end(command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_data_folder_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    // Root may write anywhere, so a file stands where the folder should be.
    let file = dir.path().join("data");
    std::fs::write(&file, "").unwrap();
    let said = refusal(serve(&file, free_tcp_port(), free_udp_port(), &[]));
    assert!(said.contains(&file.display().to_string()) && said.contains("--data"), "{said}");
}

#[test]
fn two_servers_do_not_share_a_data_folder() {
    let dir = tempfile::tempdir().unwrap();
    let _first = Node::start(dir.path(), &[]);
    let said = refusal(serve(dir.path(), free_tcp_port(), free_udp_port(), &[]));
    assert!(said.contains("Another diemcau"), "{said}");
}

#[test]
fn sigterm_ends_the_server_cleanly_and_the_folder_verifies() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path(), &["--demo"]);
    assert_eq!(node.terminate(), Some(0));
    let mut command = Command::new(BINARY);
    command.arg("verify").arg(dir.path());
    let output = run_to_end(command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn a_missing_ffmpeg_library_is_told_with_its_package() {
    // Hides one library behind an empty file, in a mount namespace of this process only.
    let script = "library=$(ldd \"$DIEMCAU_BINARY\" | awk '/libavformat/ {print $3}') \
                  && mount --bind /dev/null \"$library\" && exec \"$0\" version";
    let wrapper = crate::support::root().join("tools/diemcau");
    let probe = Command::new("unshare").args(["-m", "true"]).status();
    if !probe.is_ok_and(|status| status.success()) {
        eprintln!("skipped: a mount namespace needs root");
        return;
    }
    let mut command = Command::new("unshare");
    command.args(["-m", "bash", "-c", script]).arg(&wrapper).env("DIEMCAU_BINARY", BINARY);
    let said = refusal(command);
    assert!(said.contains("FFmpeg") && said.contains("apt-get install"), "{said}");
}
