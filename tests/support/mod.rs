//! Starts the real executable on loopback addresses with a data folder of its own, and speaks HTTP and
//! WebSocket to it. Used by the end-to-end tests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long anything may take on a loaded two-core machine before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The executable under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_diemcau");

/// A running server. Killed when it goes out of scope.
pub struct Node {
    child: Child,
    /// Where pages and API are.
    pub http: SocketAddr,
    /// Where media goes.
    pub media: SocketAddr,
    /// What it has said on standard output so far.
    pub said: String,
}

/// An account of the demonstration.
#[derive(Clone, Debug)]
pub struct Account {
    pub username: String,
    pub password: String,
}

impl Node {
    /// Starts `diemcau serve` with more arguments and waits until it answers.
    pub fn start(data: &Path, arguments: &[&str]) -> Self {
        let (http, media) = (free_tcp_port(), free_udp_port());
        let mut child = serve(data, http, media, arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the executable starts");
        let said = read_until_ready(&mut child);
        let node = Self { child, http, media, said };
        node.wait_until_ready();
        node
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn wait_until_ready(&self) {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if try_request(self.http, "GET", "/readyz", &[], b"").is_ok_and(|a| a.status == 200) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the server did not get ready");
    }

    /// The account of a role, as the demonstration printed it: name, password, then the role's words.
    pub fn account(&self, role: &str) -> Account {
        let rows = self.said.lines().map(|line| line.trim_matches(['│', ' ']));
        rows.map(|row| row.split_whitespace().collect::<Vec<_>>())
            .find(|words| words.len() > 2 && words[2..].join(" ").starts_with(role))
            .map(|words| Account { username: words[0].to_owned(), password: words[1].to_owned() })
            .unwrap_or_else(|| panic!("no account of {role} in:\n{}", self.said))
    }

    /// Signs in and gives the cookie.
    pub fn sign_in(&self, account: &Account) -> String {
        let body = format!(
            "{{\"username\":\"{}\",\"password\":\"{}\"}}",
            account.username, account.password
        );
        let answer = self.post("/api/session", "", body.as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.text());
        let cookie = answer.header("set-cookie").expect("a session cookie");
        cookie.split(';').next().expect("a pair").to_owned()
    }

    /// `GET`.
    pub fn get(&self, path: &str, cookie: &str) -> Answer {
        self.request("GET", path, &[("Cookie", cookie)], b"")
    }

    /// `POST` of JSON from the server's own page.
    pub fn post(&self, path: &str, cookie: &str, body: &[u8]) -> Answer {
        let headers = [
            ("Cookie", cookie),
            ("Content-Type", "application/json"),
            ("Sec-Fetch-Site", "same-origin"),
        ];
        self.request("POST", path, &headers, body)
    }

    /// Any request; the connection is closed after it.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        try_request(self.http, method, path, headers, body).expect("an answer")
    }

    /// That the process lives and still answers.
    pub fn assert_alive(&mut self) {
        let ended = self.child.try_wait().expect("the child can be asked");
        assert!(ended.is_none(), "the server ended: {ended:?}");
        assert_eq!(self.get("/healthz", "").status, 200);
    }

    /// SIGTERM, then the exit code.
    pub fn terminate(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        assert!(sent.success());
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended by itself, which is the test's matter.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn try_request(
    http: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&http, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {http}\r\nContent-Length: {}\r\nConnection: close\r\n",
        body.len()
    );
    for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(head.as_bytes())?;
    stream.write_all(b"\r\n")?;
    // A server that refuses a body by its length may close before all of it is written.
    let _ = stream.write_all(body);
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(_) if bytes.is_empty() => return Err(std::io::ErrorKind::ConnectionReset.into()),
        // A reset after the answer is an answer.
        Ok(_) | Err(_) => {}
    }
    Answer::parse(&bytes)
}

/// An HTTP answer.
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: Vec<u8>,
}

impl Answer {
    fn parse(bytes: &[u8]) -> std::io::Result<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.ok_or(std::io::ErrorKind::UnexpectedEof)?;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or(std::io::ErrorKind::InvalidData)?;
        Ok(Self { status, head, body: bytes[end + 4..].to_vec() })
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    /// A header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// A media node of its own. Killed when it goes out of scope.
pub struct MediaNode {
    child: Child,
}

impl MediaNode {
    /// Starts `diemcau media` and waits until it has a trunk to its parent.
    pub fn start(control: SocketAddr, token: &str, name: &str, parent: Option<&str>) -> Self {
        let mut child = media(control, token, name, parent)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the executable starts");
        read_until_ready(&mut child);
        // The control plane hears of it in the same moment.
        std::thread::sleep(Duration::from_millis(200));
        Self { child }
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name, for example `STOP`.
    pub fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

impl Drop for MediaNode {
    fn drop(&mut self) {
        // It may have ended by itself, which is the test's matter.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `diemcau media`, not yet started.
pub fn media(control: SocketAddr, token: &str, name: &str, parent: Option<&str>) -> Command {
    let mut command = Command::new(BINARY);
    command
        .args(["media", "--control", &format!("http://{control}"), "--token", token])
        .args(["--name", name, "--media", &free_udp_port().to_string()])
        .env("DIEMCAU_NODE_LOG", "warn")
        .stdin(Stdio::null());
    if let Some(parent) = parent {
        command.args(["--parent", parent]);
    }
    command
}

/// What `diemcau node-token` prints.
pub fn node_token(data: &Path) -> String {
    let mut command = Command::new(BINARY);
    command.arg("node-token").arg("--data").arg(data);
    let output = run_to_end(command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("a text").trim().to_owned()
}

/// `diemcau serve`, not yet started.
pub fn serve(data: &Path, http: SocketAddr, media: SocketAddr, arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command
        .arg("serve")
        .arg("--data")
        .arg(data)
        .args(["--http", &http.to_string(), "--media", &media.to_string()])
        .args(arguments)
        .env_remove("DIEMCAU_NODE_DATA")
        .env("DIEMCAU_NODE_LOG", "warn")
        .stdin(Stdio::null());
    command
}

/// Runs to its end, however it ends. A server that starts after all is killed and fails the test.
pub fn run_to_end(mut command: Command) -> Output {
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let deadline = Instant::now() + PATIENCE;
    while child.try_wait().expect("the child can be asked").is_none() {
        if Instant::now() > deadline {
            child.kill().expect("it can be killed");
            panic!("it went on running: {:?}", child.wait_with_output());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().expect("it has ended")
}

/// Reads standard output until the line that says that pages are served; the rest is thrown away by a
/// thread, so that the server never waits for a reader.
fn read_until_ready(child: &mut Child) -> String {
    let output = child.stdout.take().expect("piped");
    let (tx, rx) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // Nobody listens any more once the server was ready.
            let _ = tx.send(line);
        }
    });
    let mut said = String::new();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let line = rx.recv_timeout(left).unwrap_or_else(|_| panic!("it never got ready:\n{said}"));
        said.push_str(&line);
        said.push('\n');
        if line.starts_with("Ready:") {
            return said;
        }
    }
}

/// A TCP port of this machine that was free a moment ago.
pub fn free_tcp_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound")
}

/// A UDP port of this machine that was free a moment ago.
pub fn free_udp_port() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket.local_addr().expect("bound")
}

/// The root of the checkout.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
