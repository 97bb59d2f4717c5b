//! Whatever comes in, the process lives, the answer is a code, and other sites notice nothing.

use std::net::{TcpStream, UdpSocket};

use protocol::client::VERSION;
use serde_json::{Value, json};
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

use crate::support::{Node, PATIENCE, run_to_end};

pub type Socket = WebSocket<MaybeTlsStream<TcpStream>>;

/// Larger than any message that the protocol allows (256 KiB).
const OVERSIZED: usize = 300 * 1024;

/// Larger than any body that the API takes.
const HUGE_UPLOAD: usize = 64 * 1024 * 1024;

struct Demo {
    node: Node,
    _dir: tempfile::TempDir,
    host: String,
    meeting: String,
}

impl Demo {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let node = Node::start(dir.path(), &["--demo"]);
        let host = node.sign_in(&node.account("Văn phòng"));
        let meetings = node.get("/api/meetings", &host).json();
        let demo = meetings.as_array().unwrap().iter().find(|m| m["code"] == "demo").unwrap();
        let meeting = demo["id"].as_str().unwrap().to_owned();
        Self { node, _dir: dir, host, meeting }
    }

    fn links(&self) -> Vec<Value> {
        let path = format!("/api/meetings/{}/links", self.meeting);
        self.node.get(&path, &self.host).json().as_array().unwrap().clone()
    }

    /// Takes the seat of a link.
    fn seat(&self, link: &Value) -> String {
        let answer = self.node.post(&join_path(link), "", b"{}");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    fn socket(&self) -> Socket {
        let url = format!("ws://{}/ws", self.node.http);
        let (socket, _) = tungstenite::connect(url).expect("a WebSocket");
        if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
        }
        socket
    }

    /// A socket that was welcomed.
    fn enter(&self, link: usize) -> Socket {
        let mut socket = self.socket();
        let token = self.seat(&self.links()[link]);
        say(
            &mut socket,
            &json!({"type": "hello", "version": VERSION, "token": token, "resume_after": null}),
        );
        assert_eq!(hear(&mut socket).unwrap()["type"], "welcome");
        socket
    }
}

fn join_path(link: &Value) -> String {
    let path = link["path"].as_str().unwrap();
    format!("/api/join/{}", path.rsplit('/').next().unwrap())
}

pub fn say(socket: &mut Socket, message: &Value) {
    socket.send(Message::text(message.to_string())).expect("it can be sent");
}

/// The next JSON message, or none when the server closed.
pub fn hear(socket: &mut Socket) -> Option<Value> {
    loop {
        match socket.read() {
            Ok(Message::Text(text)) => return serde_json::from_str(&text).ok(),
            Ok(Message::Close(_)) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

/// Whether the room still answers a ping.
fn answers(socket: &mut Socket) -> bool {
    say(socket, &json!({"type": "ping"}));
    while let Some(message) = hear(socket) {
        if message["type"] == "pong" {
            return true;
        }
    }
    false
}

fn code(body: &Value) -> &str {
    body["code"].as_str().unwrap_or_else(|| panic!("no code in {body}"))
}

#[test]
fn bad_messages_close_their_own_socket_and_no_other() {
    let mut demo = Demo::start();
    let mut bystander = demo.enter(0);
    let bad: [Message; 7] = [
        Message::text("not json"),
        Message::text(json!({"type": "no_such_message"}).to_string()),
        Message::text(json!({"type": "watch", "wants": [], "more": 1}).to_string()),
        Message::text(json!({"type": "ping", "more": 1}).to_string()),
        Message::binary(vec![0xff; 64]),
        Message::text("[".repeat(100_000)),
        Message::text("x".repeat(OVERSIZED)),
    ];
    for message in bad {
        let mut socket = demo.enter(1);
        let shown = format!("{message:.80?}");
        // The server may close while an oversized message is still being sent.
        let sent = socket.send(message);
        let mut told = None;
        while let Some(heard) = hear(&mut socket) {
            if heard["type"] == "closed" {
                told = Some(heard);
            }
        }
        match told {
            Some(told) => {
                let code = code(&told);
                assert!(matches!(code, "unknown_message" | "too_large"), "{shown}: {told}");
            }
            None => assert!(sent.is_err(), "{shown}: the server did not say why it closed"),
        }
        assert!(answers(&mut bystander), "the bystander noticed {shown}");
    }
    assert!(answers(&mut bystander), "the bystander noticed");
    demo.node.assert_alive();
}

#[test]
fn nobody_enters_without_a_seat() {
    let mut demo = Demo::start();
    let messages = [
        json!({"type": "ping"}),
        json!({"type": "hello", "version": VERSION, "token": "x", "resume_after": null}),
        json!({"type": "hello", "version": VERSION, "token": "", "resume_after": 18_446_744_073_709_551_615_u64}),
        json!({"type": "hello", "version": 999, "token": "x", "resume_after": null}),
    ];
    for message in messages {
        let mut socket = demo.socket();
        say(&mut socket, &message);
        while let Some(heard) = hear(&mut socket) {
            assert_eq!(heard["type"], "closed", "{message} was answered with {heard}");
        }
    }
    demo.node.assert_alive();
}

#[test]
fn a_command_beyond_ones_rights_is_refused() {
    let demo = Demo::start();
    let mut socket = demo.enter(0);
    for command in
        [json!({"type": "end"}), json!({"type": "start_recording"}), json!({"type": "mute_all"})]
    {
        let id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
        say(&mut socket, &json!({"type": "command", "id": id, "command": command}));
        let answer = loop {
            let heard = hear(&mut socket).expect("an answer");
            if matches!(heard["type"].as_str(), Some("refused" | "done")) {
                break heard;
            }
        };
        assert_eq!((answer["type"].as_str(), code(&answer)), (Some("refused"), "forbidden"));
    }
}

#[test]
fn a_malformed_offer_is_refused_with_a_code() {
    let mut demo = Demo::start();
    let mut socket = demo.enter(0);
    let half =
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n";
    let lines = "a=x\r\n".repeat(20_000);
    for sdp in ["", "v=0", half, lines.as_str(), "\u{0}\u{0}", "v=0\r\nm=audio"] {
        let offer = json!({"type": "offer", "sdp": sdp, "sends": [], "restarts": false});
        say(&mut socket, &offer);
        let refused = loop {
            let heard = hear(&mut socket).expect("the session goes on");
            if matches!(heard["type"].as_str(), Some("media_refused" | "answer")) {
                break heard;
            }
        };
        assert_eq!(refused["type"], "media_refused", "{sdp:?}");
        assert!(
            matches!(code(&refused), "invalid_sdp" | "unsupported_media" | "too_large"),
            "{refused}"
        );
    }
    assert!(answers(&mut socket));
    demo.node.assert_alive();
}

#[test]
fn whip_and_whep_want_a_token_of_the_room_and_a_readable_offer() {
    let mut demo = Demo::start();
    let dir = demo._dir.path().to_owned();
    let sdp = |token: &str| {
        let bearer = if token.is_empty() { String::new() } else { format!("Bearer {token}") };
        let headers = [("Content-Type", "application/sdp"), ("Authorization", bearer.as_str())];
        demo.node.request("POST", "/whip/demo/cam1", &headers, b"v=0\r\nthis is not SDP\r\n")
    };
    assert_eq!(sdp("").status, 401);
    assert_eq!(sdp("guess").status, 401);
    let issue = |arguments: &[&str]| {
        let mut command = std::process::Command::new(crate::support::BINARY);
        command.arg("token").args(arguments).arg("--data").arg(&dir);
        let output = run_to_end(command);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let subscriber = sdp(&issue(&["--room", "demo", "--subscribe"]));
    assert!(matches!(subscriber.status, 401 | 403), "{}", subscriber.status);
    let other = sdp(&issue(&["--room", "demo", "--publish", "--as", "cam2"]));
    assert!(matches!(other.status, 401 | 403), "{}", other.status);
    let publisher = sdp(&issue(&["--room", "demo", "--publish", "--as", "cam1"]));
    assert!(matches!(publisher.status, 400 | 406 | 422), "{}", publisher.status);
    assert_eq!(code(&publisher.json()), "invalid_sdp");
    demo.node.assert_alive();
}

#[test]
fn foreign_and_revoked_links_open_nothing() {
    let mut demo = Demo::start();
    let foreign = demo.node.get("/api/join/AAAAAAAAAAAAAAAAAAAAAAAAAA", "");
    assert_eq!(code(&foreign.json()), "link_invalid");
    let links = demo.links();
    let link = &links[0];
    assert_eq!(demo.node.get(&join_path(link), "").status, 200);
    let path = format!("/api/meetings/{}/links/{}", demo.meeting, link["id"].as_str().unwrap());
    let headers = [("Cookie", demo.host.as_str()), ("Sec-Fetch-Site", "same-origin")];
    assert_eq!(demo.node.request("DELETE", &path, &headers, b"").status, 204);
    assert_eq!(code(&demo.node.post(&join_path(link), "", b"{}").json()), "link_invalid");
    // Somebody else's cookie from somebody else's page changes nothing.
    let headers = [("Cookie", demo.host.as_str()), ("Origin", "http://elsewhere.example")];
    let path = format!("/api/meetings/{}/links/{}", demo.meeting, links[1]["id"].as_str().unwrap());
    assert_eq!(demo.node.request("DELETE", &path, &headers, b"").status, 403);
    assert_eq!(demo.node.get(&join_path(&links[1]), "").status, 200);
    demo.node.assert_alive();
}

#[test]
fn an_expired_link_opens_nothing_and_one_of_an_ended_meeting_says_that_it_is_over() {
    let mut demo = Demo::start();
    let mut bystander = demo.enter(0);
    let units = demo.node.get("/api/units", &demo.host).json();
    let site = units.as_array().unwrap().iter().find_map(|unit| unit["sites"][0]["id"].as_str());
    // Planned for a day in 2001 and never opened.
    let new = json!({"title": "Giao ban", "venue": "", "scheduled_at": 1_000_000_000_000_u64, "sites": [site.unwrap()]});
    let made = demo.node.post("/api/meetings", &demo.host, new.to_string().as_bytes());
    assert_eq!(made.status, 201, "{}", made.text());
    let path = format!("/api/meetings/{}", made.json()["id"].as_str().unwrap());
    let link = demo.node.get(&format!("{path}/links"), &demo.host).json()[0].clone();
    let join = join_path(&link);
    for answer in [demo.node.get(&join, ""), demo.node.post(&join, "", b"{}")] {
        let body = answer.json();
        assert_eq!((answer.status, code(&body)), (410, "link_expired"));
    }
    assert_eq!(demo.node.post(&format!("{path}/open"), &demo.host, b"").status, 200);
    let seat = demo.seat(&link);
    assert_eq!(demo.node.post(&format!("{path}/end"), &demo.host, b"").status, 200);
    assert_eq!(demo.node.get(&join, "").json()["state"], "ended");
    let late = demo.node.post(&join, "", b"{}");
    assert_eq!((late.status, code(&late.json())), (410, "meeting_ended"));
    let mut socket = demo.socket();
    say(
        &mut socket,
        &json!({"type": "hello", "version": VERSION, "token": seat, "resume_after": null}),
    );
    let told = hear(&mut socket).expect("the reason");
    assert_eq!((told["type"].as_str(), code(&told)), (Some("closed"), "meeting_ended"));
    assert!(answers(&mut bystander), "the meeting beside it noticed");
    demo.node.assert_alive();
}

#[test]
fn guessing_passwords_locks_the_account() {
    let mut demo = Demo::start();
    let mut account = demo.node.account("Thư ký");
    let right = account.password.clone();
    account.password = "guess".to_owned();
    let body =
        |password: &str| json!({"username": account.username, "password": password}).to_string();
    let mut codes = Vec::new();
    for _ in 0..7 {
        let answer = demo.node.post("/api/session", "", body("guess").as_bytes());
        assert!(matches!(answer.status, 401 | 429), "{}", answer.status);
        codes.push(code(&answer.json()).to_owned());
    }
    assert_eq!(codes[0], "wrong_password");
    assert!(matches!(codes[6].as_str(), "account_locked" | "too_many_requests"), "{codes:?}");
    let answer = demo.node.post("/api/session", "", body(&right).as_bytes());
    assert_ne!(answer.status, 200, "the lock holds for the right password too");
    // Others still get in.
    demo.node.sign_in(&demo.node.account("Chủ trì"));
    demo.node.assert_alive();
}

#[test]
fn bodies_that_are_too_large_or_wrong_are_refused() {
    let mut demo = Demo::start();
    let huge = vec![b' '; HUGE_UPLOAD];
    for path in ["/api/session", "/api/meetings", "/whip/demo/a"] {
        let answer = demo.node.post(path, &demo.host, &huge);
        assert!(matches!(answer.status, 401 | 413 | 415), "{path}: {}", answer.status);
    }
    for body in [
        "",
        "{",
        "[]",
        "{\"title\":1}",
        "{\"title\":\"\",\"venue\":\"\",\"scheduled_at\":0,\"sites\":[]}",
    ] {
        let answer = demo.node.post("/api/meetings", &demo.host, body.as_bytes());
        assert!(matches!(answer.status, 400 | 415 | 422), "{body}: {}", answer.status);
        assert_eq!(code(&answer.json()), "invalid_input", "{body}");
    }
    assert_eq!(code(&demo.node.get("/api/no-such-thing", &demo.host).json()), "not_found");
    assert_eq!(code(&demo.node.get("/api/meetings", "").json()), "not_signed_in");
    demo.node.assert_alive();
}

#[test]
fn junk_on_the_media_port_does_nothing() {
    let mut demo = Demo::start();
    let mut bystander = demo.enter(0);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut random: u64 = 0x9E37_79B9_7F4A_7C15;
    for round in 0..5_000_usize {
        let mut packet: Vec<u8> = (0..round % 1_400)
            .map(|_| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                random.to_le_bytes()[0]
            })
            .collect();
        // What a demultiplexer looks at: STUN, DTLS, RTP with any payload type, RTCP.
        if let Some(first) = packet.first_mut() {
            *first = [0x00, 0x01, 20, 22, 63, 0x80, 0x90, 0xbf][round % 8];
        }
        if packet.len() >= 8 && round % 8 < 2 {
            packet[4..8].copy_from_slice(&[0x21, 0x12, 0xA4, 0x42]);
        }
        socket.send_to(&packet, demo.node.media).unwrap();
    }
    assert!(answers(&mut bystander));
    demo.node.assert_alive();
}
