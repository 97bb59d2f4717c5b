//! Records what a real browser sends, for the tests that need layered streams. Run by hand, with Chromium:
//! `CAPTURE="VP9 L3T3_KEY 960x540" CAPTURE_TO=file cargo test -p sfu capture -- --ignored`

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::{Command, Stdio};

use super::*;

/// Until the browser has found out what the line carries, and sends all layers.
const WARM_UP: Duration = Duration::from_secs(9);

const PAGE: &str = r#"<!doctype html><canvas id=c></canvas><script>
const [codec, mode, size] = decodeURIComponent(location.hash.slice(1)).split(' ');
const [w, h] = size.split('x').map(Number);
const canvas = document.getElementById('c'); canvas.width = w; canvas.height = h;
const g = canvas.getContext('2d'); let n = 0;
setInterval(() => { n++; g.fillStyle = '#246'; g.fillRect(0, 0, w, h); g.fillStyle = '#fc3';
  g.fillRect((n * 4) % w, h / 3, w / 6, h / 4); g.fillStyle = '#fff'; g.font = h / 4 + 'px sans-serif';
  g.fillText(n, 10, h - 10); }, 66);
(async () => {
  const pc = new RTCPeerConnection();
  const track = canvas.captureStream(15).getVideoTracks()[0];
  const it = pc.addTransceiver(track, { direction: 'sendonly',
    sendEncodings: [{ scalabilityMode: mode, maxBitrate: 300000 }] });
  it.setCodecPreferences(RTCRtpSender.getCapabilities('video').codecs
    .filter(c => c.mimeType === 'video/' + codec || c.mimeType === 'video/rtx'));
  await pc.setLocalDescription();
  const answer = await fetch('/offer', { method: 'POST', body: pc.localDescription.sdp });
  await pc.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
})().catch(e => fetch('/offer', { method: 'POST', body: 'error ' + e }));
</script>"#;

/// Serves the page and answers its one offer.
fn serve(world: &mut World, listener: &TcpListener, dependency_id: &mut u8) {
    loop {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut head = String::new();
        while reader.read_line(&mut head).unwrap() > 2 {}
        let len = head
            .lines()
            .find_map(|it| it.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; len.unwrap_or(0)];
        reader.read_exact(&mut body).unwrap();
        if !head.starts_with("POST") {
            reply(&mut stream, "text/html", PAGE);
            continue;
        }
        let sdp = String::from_utf8(body).unwrap();
        let id = sdp.lines().find(|it| it.contains("#dependency-descriptor"));
        let id = id.and_then(|it| it.strip_prefix("a=extmap:")?.split(' ').next()?.parse().ok());
        *dependency_id = id.unwrap_or(0);
        let answer = world.offer(0, "a", SessionKind::Publish, sdp.clone());
        reply(&mut stream, "application/sdp", &answer.unwrap_or_else(|it| panic!("{it:?} {sdp}")));
        return;
    }
}

fn reply(stream: &mut TcpStream, kind: &str, body: &str) {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes()).unwrap();
}

#[test]
#[ignore = "records from a real browser, run by hand"]
#[expect(clippy::disallowed_methods, reason = "the browser lives in real time")]
fn capture() {
    let what = std::env::var("CAPTURE").unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    let tap = Some(Tap { recording: RecordingId::from_parts(1, 1) });
    let mut world =
        World::new(RoomMedia { tap, main: Some(key("a", Source::Camera)), ..open_room() });
    world.core.candidates = vec![socket.local_addr().unwrap()];
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/#{}", listener.local_addr().unwrap(), what.replace(' ', "%20"));
    let profile = std::env::temp_dir().join(format!("capture-{}", std::process::id()));
    let mut browser = Command::new("chromium")
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--mute-audio", "--no-first-run"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(url)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut dependency_id = 0;
    serve(&mut world, &listener, &mut dependency_id);
    let (began, mut buffer) = (Instant::now(), vec![0; 2_000]);
    let mut asked = Instant::now();
    while began.elapsed() < WARM_UP + Duration::from_secs(5) {
        let now = Now { at: Instant::now(), unix_us: 1_764_000_000_000_000 };
        if let Ok((len, from)) = socket.recv_from(&mut buffer) {
            world.core.handle_datagram(from, &mut buffer[..len], now);
        }
        world.core.handle_timeout(now);
        if began.elapsed() < WARM_UP {
            world.tap.clear();
        } else if asked.elapsed() > Duration::from_millis(1_000) {
            asked = Instant::now();
            let room = world.core.rooms[0].as_mut().unwrap();
            room.wants_key_frames = true;
            let layers =
                room.tracks.iter_mut().flatten().flat_map(|it| it.layers.iter_mut().flatten());
            layers.for_each(|it| it.key_frames.want());
            world.core.touch(0, true);
        }
        world.core.settle(now, &mut |out| {
            for it in out.runs.iter().flat_map(|it| it.singles()) {
                socket.send_to(&out.bytes[it.start..it.end], it.to).unwrap();
            }
            out.clear();
        });
        world.tap.extend(world.core.tap.drain(..));
    }
    browser.kill().unwrap();
    browser.wait().unwrap();
    let packets = world.tapped();
    let mut window = crate::peer::srtp::Window::default();
    let mut file = vec![dependency_id];
    let mut is_begun = false;
    for packet in packets.iter().filter(|it| it.kind == protocol::tap::TapKind::Rtp) {
        let header = crate::rtp::parse(&packet.bytes).unwrap();
        let Some(seq) = window.index(header.seq) else { continue };
        window.accept(seq);
        let codec = world.core.rooms[0].as_ref().unwrap().tracks[0].as_ref().unwrap().codec;
        let info = crate::codec::read(codec, &packet.bytes[header.len..]);
        is_begun |= info.starts_key_frame;
        if is_begun {
            file.extend_from_slice(&seq.to_be_bytes());
            file.extend_from_slice(&(packet.bytes.len() as u16).to_be_bytes());
            file.extend_from_slice(&packet.bytes);
        }
    }
    println!("{} packets, {} bytes, extension {dependency_id}", packets.len(), file.len());
    std::fs::write(std::env::var("CAPTURE_TO").unwrap(), file).unwrap();
}
