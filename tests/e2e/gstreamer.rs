//! GStreamer as a WHIP publisher and as a WHEP receiver: another WebRTC than the browsers' and than ours
//! (libnice, OpenSSL, libsrtp). Debian has no `whipsink`, so its `webrtcbin` is driven by `gstreamer.py`.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Node, PATIENCE, root};

/// Debian's own interpreter: its packages of GStreamer's bindings are for no other.
const PYTHON: &str = "/usr/bin/python3";

/// Pictures and sounds that have to be decoded, 2 s of each.
const PICTURES: u64 = 60;
const SOUNDS: u64 = 100;

/// The script, running. Killed when it goes out of scope.
struct Peer {
    child: Child,
    stdin: Option<ChildStdin>,
    said: Receiver<Value>,
}

impl Peer {
    fn start(mode: &str, codec: &str, url: &str) -> Self {
        let mut child = Command::new(PYTHON)
            .arg(root().join("tests/e2e/gstreamer.py"))
            .args([mode, codec, url])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the interpreter starts");
        let output = child.stdout.take().expect("piped");
        let (tx, said) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // Nobody listens any more once the test is over.
                let _ = serde_json::from_str(&line).map(|value: Value| tx.send(value));
            }
        });
        Self { stdin: child.stdin.take(), child, said }
    }

    /// The next thing that it says for which `wanted` holds.
    fn wait(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        let mut last = Value::Null;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let said = self.said.recv_timeout(left);
            let said = said.unwrap_or_else(|err| panic!("no {what} ({err}); the last: {last}"));
            assert!(said.get("error").is_none(), "{said}");
            if wanted(&said) {
                return said;
            }
            last = said;
        }
    }

    /// DELETE of its session; the status.
    fn delete(&mut self) -> u64 {
        drop(self.stdin.take());
        self.wait("DELETE", |said| said.get("deleted").is_some())["deleted"].as_u64().unwrap()
    }

    /// What it has decoded, once nothing new came for a second.
    fn decoded_in_the_end(&self) -> (u64, u64) {
        let mut last = (0, 0);
        let deadline = Instant::now() + PATIENCE;
        let mut same = 0;
        while same < 3 {
            assert!(Instant::now() < deadline, "it goes on decoding: {last:?}");
            let now = match self.said.recv_timeout(Duration::from_secs(5)) {
                Ok(said) => decoded(&said).unwrap_or(last),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => last,
            };
            same = if now == last { same + 1 } else { 0 };
            last = now;
        }
        last
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself, which is the test's matter.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Pictures and sounds.
fn decoded(said: &Value) -> Option<(u64, u64)> {
    Some((said.get("video")?.as_u64()?, said.get("audio")?.as_u64()?))
}

fn wait_for_participants(node: &Node, wanted: usize) {
    let line = format!("\ndiemcau_participants {wanted}\n");
    let deadline = Instant::now() + PATIENCE;
    while !node.get("/metrics", "").text().contains(&line) {
        assert!(Instant::now() < deadline, "never {wanted} participants");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Whether GStreamer is there with what the script needs. `make test` installs it (tools/setup.sh) on Debian,
/// so there, and wherever `CI` is set, its absence fails; elsewhere it is said.
fn is_installed() -> bool {
    let probe = "import gi\ngi.require_version('GstWebRTC','1.0')\nfrom gi.repository import Gst,GstWebRTC\n\
        Gst.init(None)\nassert all(Gst.ElementFactory.find(it) for it in \
        ('webrtcbin','nicesink','dtlssrtpenc','srtpenc','vp8enc','x264enc','opusenc','rtpvp8pay','avdec_h264'))";
    let asked = Command::new(PYTHON).args(["-c", probe]).stderr(Stdio::null()).status();
    let is_there = asked.is_ok_and(|status| status.success());
    if !is_there {
        let is_expected = std::env::var_os("CI").is_some()
            || std::path::Path::new("/etc/debian_version").exists();
        assert!(!is_expected, "GStreamer is missing: tools/setup.sh test installs it");
        eprintln!("SKIPPED: GStreamer's webrtcbin is not installed, WHIP from it was NOT tested");
    }
    is_there
}

/// Publishes by WHIP, decodes by WHEP, ends both.
fn is_published_and_decoded(codec: &str) {
    if !is_installed() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut node = Node::start(dir.path(), &["--open-rooms"]);
    let url = |path: &str| format!("http://{}{path}", node.http);
    let connected = |said: &Value| said["state"] == "connected";
    let mut publisher = Peer::start("publish", codec, &url("/whip/studio/gst"));
    publisher.wait("connection of the publisher", connected);
    wait_for_participants(&node, 1);

    let mut receiver = Peer::start("receive", codec, &url("/whep/studio/eyes?of=gst"));
    let enough = |(videos, sounds): (u64, u64)| videos >= PICTURES && sounds >= SOUNDS;
    let said = receiver.wait("two seconds decoded", |said| decoded(said).is_some_and(enough));
    assert_eq!(said["width"], 640, "the picture has the size that was published");

    assert_eq!(publisher.delete(), 200);
    wait_for_participants(&node, 1);
    receiver.decoded_in_the_end();
    assert_eq!(receiver.delete(), 200);
    wait_for_participants(&node, 0);
    node.assert_alive();
}

#[test]
fn gstreamer_publishes_vp8_by_whip_and_decodes_it_by_whep_until_delete() {
    is_published_and_decoded("vp8");
}

#[test]
fn gstreamer_publishes_h264_by_whip_and_decodes_it_by_whep_until_delete() {
    is_published_and_decoded("h264");
}
