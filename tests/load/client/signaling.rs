//! WHIP and WHEP: offers go out and answers come in over HTTP, on a thread of its own, so that the load
//! keeps its pace meanwhile.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::offer::Answer;

/// No answer after this long is a failure.
const PATIENCE: Duration = Duration::from_secs(20);

/// Requests on their way; more wait at whoever asks.
const REQUESTS_MAX: usize = 1_024;

/// An offer to send.
struct Request {
    client: usize,
    path: String,
    sdp: String,
}

/// An answer that came, and when its offer went out.
pub struct Reply {
    pub client: usize,
    pub answer: Answer,
    pub asked_at: Instant,
}

/// The thread's near end.
pub struct Signaling {
    requests: mpsc::SyncSender<Request>,
    replies: mpsc::Receiver<Reply>,
    /// Readable when a reply came.
    pub wake: UnixStream,
}

impl Signaling {
    /// Asks the server at `http`.
    pub fn new(http: SocketAddr) -> Self {
        let (requests, asked) = mpsc::sync_channel::<Request>(REQUESTS_MAX);
        let (answers, replies) = mpsc::sync_channel(REQUESTS_MAX);
        let (wake, mut waker) = UnixStream::pair().expect("a pair of sockets");
        wake.set_nonblocking(true).expect("a socket can");
        thread::spawn(move || {
            for Request { client, path, sdp } in asked {
                let asked_at = Instant::now();
                let answer = Answer::parse(&post(http, &path, &sdp));
                // Nobody listens any more once the load has ended.
                if answers.send(Reply { client, answer, asked_at }).is_err()
                    || waker.write_all(&[1]).is_err()
                {
                    return;
                }
            }
        });
        Self { requests, replies, wake }
    }

    /// Sends an offer.
    pub fn ask(&self, client: usize, path: &str, sdp: String) {
        let request = Request { client, path: path.to_owned(), sdp };
        self.requests.send(request).expect("the server answers offers");
    }

    /// What has come.
    pub fn poll(&mut self) -> Option<Reply> {
        // Nothing to read means that nobody woke us; the bytes mean nothing.
        let _ = self.wake.read(&mut [0; 64]);
        self.replies.try_recv().ok()
    }
}

fn post(http: SocketAddr, path: &str, sdp: &str) -> String {
    let mut stream = TcpStream::connect_timeout(&http, PATIENCE).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket can");
    stream.set_nodelay(true).expect("a socket can");
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {http}\r\nContent-Type: application/sdp\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{sdp}",
        sdp.len()
    );
    stream.write_all(request.as_bytes()).expect("the server reads");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("the server answers");
    assert!(text.starts_with("HTTP/1.1 201"), "{path}: {text}");
    text.split_once("\r\n\r\n").expect("a body").1.to_owned()
}
