//! A real browser against the core, by hand. Records what it sends, for the tests that need layered streams:
//! `CAPTURE="VP9 L3T3_KEY 960x540" CAPTURE_TO=file cargo test -p sfu capture -- --ignored`

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::{Command, Stdio};

use super::*;

/// Until the browser has found out what the line carries, and sends all layers.
const WARM_UP: Duration = Duration::from_secs(9);

const PAGE: &str = r#"<!doctype html><canvas id=c></canvas><script>
const [codec, mode, size, others] = decodeURIComponent(location.hash.slice(1)).split(' ');
const [w, h] = size.split('x').map(Number);
const canvas = document.getElementById('c'); canvas.width = w; canvas.height = h;
const g = canvas.getContext('2d'); let n = 0;
setInterval(() => { n++; g.fillStyle = '#246'; g.fillRect(0, 0, w, h); g.fillStyle = '#fc3';
  g.fillRect((n * 4) % w, h / 3, w / 6, h / 4); g.fillStyle = '#fff'; g.font = h / 4 + 'px sans-serif';
  g.fillText(n, 10, h - 10); }, 66);
const sound = () => { const a = new AudioContext(), o = a.createOscillator(),
  d = a.createMediaStreamDestination(); o.connect(d); o.start(); return d.stream.getAudioTracks()[0]; };
const post = (path, body) => fetch(path, { method: 'POST', body }).then(r => r.text());
const go = async (pc, path) => { await pc.setLocalDescription();
  await pc.setRemoteDescription({ type: 'answer', sdp: await post(path, pc.localDescription.sdp) }); };
(async () => {
  const pc = new RTCPeerConnection();
  const track = canvas.captureStream(15).getVideoTracks()[0];
  const it = pc.addTransceiver(track, { direction: 'sendonly',
    sendEncodings: [{ scalabilityMode: mode === '-' ? undefined : mode, maxBitrate: 300000 }] });
  it.setCodecPreferences(RTCRtpSender.getCapabilities('video').codecs
    .filter(c => c.mimeType === 'video/' + codec || c.mimeType === 'video/rtx'));
  if (others) pc.addTransceiver(sound(), { direction: 'sendonly' });
  await go(pc, '/publish');
  const receivers = [];
  for (let k = 0; k < (others || 0); k++) {
    const r = new RTCPeerConnection();
    const video = r.addTransceiver('video', { direction: 'recvonly' });
    // Chromium knows the dependency descriptor but offers to receive it only when told to.
    video.setHeaderExtensionsToNegotiate?.(video.getHeaderExtensionsToNegotiate().map(e =>
      e.uri.includes('#dependency-descriptor') ? { uri: e.uri, direction: 'sendrecv' } : e));
    r.addTransceiver('audio', { direction: 'recvonly' });
    r.ontrack = e => { const v = document.createElement(e.track.kind); v.muted = true;
      v.srcObject = new MediaStream([e.track]); document.body.append(v); v.play(); };
    await go(r, '/receive'); receivers.push(r);
  }
  if (others) setInterval(async () => {
    const told = [];
    for (const r of receivers) for (const s of (await r.getStats()).values())
      if (s.type === 'inbound-rtp') told.push([s.kind, s.framesDecoded, s.frameWidth, s.framesPerSecond,
        'pli', s.pliCount, 'nack', s.nackCount, 'lost', s.packetsLost, 'freeze', s.freezeCount,
        'samples', s.totalSamplesReceived, 'concealed', s.concealedSamples].join(' '));
    post('/told', told.join('\n'));
  }, 2000);
})().catch(e => post('/told', 'error ' + e));
</script>"#;

/// A browser with a page of ours, and the node that it talks to.
struct Stage {
    world: World,
    socket: UdpSocket,
    listener: TcpListener,
    dependency_id: u8,
    told: Vec<String>,
}

impl Stage {
    fn new(room: RoomMedia) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let mut world = World::new(room);
        world.core.candidates = vec![socket.local_addr().unwrap()];
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self { world, socket, listener, dependency_id: 0, told: Vec::new() }
    }

    fn open(&self, browser: &str, what: &str) -> std::process::Child {
        let address = self.listener.local_addr().unwrap();
        let url = format!("http://{address}/#{}", what.replace(' ', "%20"));
        let profile = std::env::temp_dir().join(format!("capture-{}", address.port()));
        std::fs::create_dir_all(&profile).unwrap();
        let arguments: &[&str] = match browser {
            "chromium" => &[
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--autoplay-policy=no-user-gesture-required",
            ],
            _ => &["--headless", "--no-remote", "--profile"],
        };
        let mut command = Command::new(browser);
        command.args(arguments);
        if browser == "chromium" {
            command.arg(format!("--user-data-dir={}", profile.display()));
        } else {
            command.arg(&profile);
        }
        command.arg(url).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Serves the page, answers its offers, hears what it tells.
    fn serve(&mut self, now: Now) {
        let Ok((mut stream, _)) = self.listener.accept() else { return };
        stream.set_nonblocking(false).unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut head = String::new();
        while reader.read_line(&mut head).unwrap() > 2 {}
        let len = |it: &str| it.to_lowercase().strip_prefix("content-length: ")?.parse().ok();
        let mut body = vec![0; head.lines().find_map(len).unwrap_or(0)];
        reader.read_exact(&mut body).unwrap();
        let body = String::from_utf8(body).unwrap();
        let n = self.world.core.by_id.len();
        // Offers come at this instant, not at the world's own.
        self.world.start = now.at;
        self.world.ms = 0;
        if head.starts_with("POST /publish") {
            let id = body.lines().find(|it| it.contains("#dependency-descriptor"));
            let id =
                id.and_then(|it| it.strip_prefix("a=extmap:")?.split(' ').next()?.parse().ok());
            self.dependency_id = id.unwrap_or(0);
            let answer = self.world.offer(n, "a", SessionKind::Publish, body);
            reply(&mut stream, "application/sdp", &answer.unwrap());
        } else if head.starts_with("POST /receive") {
            let kind = SessionKind::Receive { of: Vec::new() };
            let answer = self.world.offer(n, &format!("r{n}"), kind, body);
            reply(&mut stream, "application/sdp", &answer.unwrap());
        } else if head.starts_with("POST /told") {
            self.told.push(body);
            reply(&mut stream, "text/plain", "");
        } else {
            reply(&mut stream, "text/html", PAGE);
        }
    }

    fn turn(&mut self, now: Now) {
        self.serve(now);
        let mut buffer = [0; 2_000];
        while let Ok((len, from)) = self.socket.recv_from(&mut buffer) {
            self.world.core.handle_datagram(from, &mut buffer[..len], now);
            self.settle(now);
        }
        self.world.core.handle_timeout(now);
        self.settle(now);
    }

    fn settle(&mut self, now: Now) {
        let socket = &self.socket;
        self.world.core.settle(now, &mut |out| {
            for it in out.runs.iter().flat_map(|it| it.singles()) {
                socket.send_to(&out.bytes[it.start..it.end], it.to).unwrap();
            }
            out.clear();
        });
        self.world.tap.extend(self.world.core.tap.drain(..));
    }

    /// Asks for a key frame of every layer.
    fn ask(&mut self) {
        let room = self.world.core.rooms[0].as_mut().unwrap();
        room.wants_key_frames = true;
        let layers = room.tracks.iter_mut().flatten().flat_map(|it| it.layers.iter_mut().flatten());
        layers.for_each(|it| it.key_frames.want());
        self.world.core.touch(0, true);
    }
}

fn reply(stream: &mut TcpStream, kind: &str, body: &str) {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes()).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "the browser lives in real time")]
fn real_now() -> Now {
    Now { at: Instant::now(), unix_us: 1_764_000_000_000_000 }
}

#[test]
#[ignore = "records from a real browser, run by hand"]
fn capture() {
    let what = std::env::var("CAPTURE").unwrap();
    let tap = Some(Tap { recording: RecordingId::from_parts(1, 1) });
    let main = Some(key("a", Source::Camera));
    let mut stage = Stage::new(RoomMedia { tap, main, ..open_room() });
    let mut browser = stage.open("chromium", &what);
    let (began, mut asked) = (real_now().at, real_now().at);
    while began.elapsed() < WARM_UP + Duration::from_secs(5) {
        stage.turn(real_now());
        if began.elapsed() < WARM_UP {
            stage.world.tap.clear();
        } else if asked.elapsed() > Duration::from_millis(1_000) {
            asked = real_now().at;
            stage.ask();
        }
    }
    browser.kill().unwrap();
    browser.wait().unwrap();
    let room = stage.world.core.rooms[0].as_ref().unwrap();
    let codec = room.tracks[0].as_ref().unwrap().codec;
    let mut window = crate::peer::srtp::Window::default();
    let (mut file, mut is_begun) = (vec![stage.dependency_id], false);
    let packets = stage.world.tapped();
    for packet in packets.iter().filter(|it| it.kind == protocol::tap::TapKind::Rtp) {
        let header = crate::rtp::parse(&packet.bytes).unwrap();
        let Some(seq) = window.index(header.seq) else { continue };
        window.accept(seq);
        is_begun |= crate::codec::read(codec, &packet.bytes[header.len..]).starts_key_frame;
        if is_begun {
            file.extend_from_slice(&seq.to_be_bytes());
            file.extend_from_slice(&(packet.bytes.len() as u16).to_be_bytes());
            file.extend_from_slice(&packet.bytes);
        }
    }
    println!("{} packets, {} bytes", packets.len(), file.len());
    std::fs::write(std::env::var("CAPTURE_TO").unwrap(), file).unwrap();
}

/// A browser publishes and receives what it published, on lines of which the layers change all the time:
/// `WATCH="VP9 L3T3_KEY 960x540 2" cargo test -p sfu a_browser_watches -- --ignored --nocapture`
#[test]
#[ignore = "needs a real browser and half a minute, run by hand"]
fn a_browser_watches_while_layers_change() {
    let what = std::env::var("WATCH").unwrap();
    let mut stage = Stage::new(open_room());
    let name = std::env::var("BROWSER").unwrap_or_else(|_| "chromium".to_owned());
    let mut browser = stage.open(&name, &what);
    let began = real_now().at;
    let depths = [(9, 9), (0, 0), (9, 1), (1, 9), (0, 9), (9, 9)];
    while began.elapsed() < Duration::from_secs(30) {
        stage.turn(real_now());
        let since = began.elapsed().as_secs();
        let (spatial, temporal) = depths[(since / 3) as usize % depths.len()];
        let changes = std::env::var("STILL").is_err();
        let sessions = stage.world.core.sessions.iter_mut().flatten();
        for line in sessions.flat_map(|it| it.lines.iter_mut()).filter(|_| changes) {
            line.depth.temporal = temporal;
            line.layer_max = usize::min(2, spatial);
        }
    }
    browser.kill().unwrap();
    browser.wait().unwrap();
    stage.told.iter().for_each(|it| println!("{it}\n"));
    let counters = &stage.world.core.counters;
    println!("{} forwarded, {} asked again", counters.forwarded_packets, counters.nacked_packets);
    assert!(!stage.told.is_empty());
}
