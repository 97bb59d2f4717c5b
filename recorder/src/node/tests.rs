//! The node with scripts in place of its children.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use protocol::control::DocumentFormat;
use protocol::id::{MeetingId, RequestId};
use protocol::media::{Layer, Source, TrackKey};
use protocol::tap::{Codec, TapKind, TapPacket, TapTrackInfo};

use super::*;

/// Longest time that a test waits for an event.
const PATIENCE: Duration = Duration::from_secs(60);

fn recording() -> RecordingId {
    RecordingId::from_parts(1, 1)
}

fn meeting() -> MeetingId {
    MeetingId::from_parts(1, 2)
}

/// A child that runs `text` in a shell.
fn script(dir: &Path, text: &str) -> PathBuf {
    let path = dir.join("worker.sh");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("written");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&path, mode).expect("executable");
    path
}

struct Bench {
    commands: mpsc::Sender<RecorderCommand>,
    events: mpsc::Receiver<RecorderEvent>,
    tap: mpsc::Sender<TapMessage>,
    stop: tokio::sync::oneshot::Sender<()>,
    running: tokio::task::JoinHandle<()>,
}

impl Bench {
    fn start(dir: &Path, worker: &str) -> Self {
        let worker = script(dir, worker);
        let node = Node::open(Config { archive: dir.join("archive"), worker }).expect("opened");
        let (commands, commands_in) = mpsc::channel(16);
        let (events_out, events) = mpsc::channel(16);
        let (tap, tapped) = mpsc::channel(16);
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let stopped = async {
            let _ = stopped.await;
        };
        let running = tokio::spawn(node.run(commands_in, events_out, tapped, stopped));
        Self { commands, events, tap, stop, running }
    }

    async fn say(&self, command: RecorderCommand) {
        self.commands.send(command).await.expect("the node lives");
    }

    async fn next(&mut self) -> RecorderEvent {
        let event = tokio::time::timeout(PATIENCE, self.events.recv()).await;
        event.expect("in time").expect("the node lives")
    }

    /// The next event that is not about progress.
    async fn result(&mut self) -> RecorderEvent {
        loop {
            match self.next().await {
                RecorderEvent::Composing { .. } | RecorderEvent::Recording { .. } => {}
                event => return event,
            }
        }
    }

    async fn record(&mut self) {
        let (recording, meeting, title) = (recording(), meeting(), "Giao ban".to_owned());
        let started_at = Timestamp(1_000);
        self.say(RecorderCommand::Start { recording, meeting, title, started_at }).await;
        let info = TapTrackInfo {
            recording,
            track: 5,
            key: TrackKey { publisher: "a".into(), source: Source::Microphone },
            layer: Layer::High,
            codec: Codec::Opus,
            payload_type: 111,
            ssrc: 7,
            clock_rate: 48_000,
        };
        self.tap.send(TapMessage::TrackStarted(info)).await.expect("the node lives");
        let (arrival_us, bytes) = (2_000_000, vec![0x80; 40]);
        let packets = vec![TapPacket { track: 5, arrival_us, kind: TapKind::Rtp, bytes }].into();
        let message = TapMessage::Packets { recording, packets, dropped: 0 };
        self.tap.send(message).await.expect("the node lives");
        loop {
            if let RecorderEvent::Recording { ms, bytes, .. } = self.next().await {
                assert_eq!(ms, 1_000);
                assert!(bytes > 40);
                return;
            }
        }
    }

    async fn end(self) {
        self.stop.send(()).expect("the node lives");
        tokio::time::timeout(PATIENCE, self.running).await.expect("in time").expect("no panic");
    }
}

const DONE: &str = r#"echo '{"type":"progress","permille":500,"remaining_ms":9}'
echo '{"type":"done","ms":1000,"files":[{"path":"composed.mp4","bytes":1,"sha256":"00"}],"logs":[]}'"#;

fn failed() -> RecorderEvent {
    RecorderEvent::Failed { recording: recording(), code: ErrorCode::CompositionFailed }
}

#[tokio::test]
async fn a_composition_whose_child_crashes_fails_and_the_archive_can_be_composed_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut bench = Bench::start(dir.path(), "kill -9 $$");
    assert_eq!(bench.next().await, RecorderEvent::Ready { unfinished: Vec::new() });
    bench.record().await;
    bench.say(RecorderCommand::Stop { recording: recording(), at: Timestamp(3_000) }).await;
    assert_eq!(bench.result().await, failed());
    bench.say(RecorderCommand::Compose { recording: recording(), meeting: meeting() }).await;
    assert_eq!(bench.result().await, failed());
    bench.end().await;

    let mut bench = Bench::start(dir.path(), DONE);
    assert_eq!(bench.next().await, RecorderEvent::Ready { unfinished: Vec::new() });
    bench.say(RecorderCommand::Compose { recording: recording(), meeting: meeting() }).await;
    let RecorderEvent::Composed { ms, files, .. } = bench.result().await else {
        panic!("it is composed")
    };
    assert_eq!((ms, files.len()), (1_000, 1));
    bench.end().await;
    let folder = recording_dir(&dir.path().join("archive"), meeting(), recording());
    let manifest = Manifest::read(&folder).expect("a manifest");
    assert_eq!((manifest.state, manifest.tracks.len()), (State::Composed, 1));
}

#[tokio::test]
async fn a_recording_left_running_is_named_at_the_next_start_and_finished_when_it_is_stopped() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut bench = Bench::start(dir.path(), DONE);
    bench.next().await;
    bench.record().await;
    bench.end().await;

    let mut bench = Bench::start(dir.path(), DONE);
    let unfinished = vec![(recording(), meeting())];
    assert_eq!(bench.next().await, RecorderEvent::Ready { unfinished });
    bench.say(RecorderCommand::Stop { recording: recording(), at: Timestamp(9_000) }).await;
    assert!(matches!(bench.result().await, RecorderEvent::Composed { .. }));
    bench.end().await;
}

#[tokio::test]
async fn a_composition_that_a_crash_interrupted_is_done_again_at_start() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = recording_dir(&dir.path().join("archive"), meeting(), recording());
    let mut manifest = Manifest::begin(recording(), meeting(), String::new(), Timestamp(1));
    manifest.state = State::Composing;
    manifest.write(&folder).expect("written");
    let mut bench = Bench::start(dir.path(), DONE);
    bench.next().await;
    assert!(matches!(bench.result().await, RecorderEvent::Composed { .. }));
    bench.end().await;
}

#[tokio::test]
async fn a_printer_that_fails_or_babbles_answers_its_own_request_only() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut bench = Bench::start(dir.path(), "cat > /dev/null; test $3 = pdf && printf %%PDF");
    bench.next().await;
    for (n, format) in [DocumentFormat::Pdf, DocumentFormat::Docx].into_iter().enumerate() {
        let request = RequestId::from_parts(n as u64, 0);
        let document = Box::new(document());
        bench.say(RecorderCommand::RenderMinutes { request, document, format }).await;
        let wanted = match format {
            DocumentFormat::Pdf => Ok(b"%PDF".to_vec()),
            DocumentFormat::Docx => Err(ErrorCode::RenderFailed),
        };
        assert_eq!(bench.next().await, RecorderEvent::Rendered { request, document: wanted });
    }
    bench.end().await;
}

#[tokio::test]
async fn an_order_for_a_recording_that_does_not_exist_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut bench = Bench::start(dir.path(), DONE);
    bench.next().await;
    bench.say(RecorderCommand::Stop { recording: recording(), at: Timestamp(1) }).await;
    let refused = RecorderEvent::Failed { recording: recording(), code: ErrorCode::NotFound };
    assert_eq!(bench.next().await, refused);
    bench.end().await;
}

fn document() -> protocol::minutes::MinutesDocument {
    let text = r#"{"form":"state","parent_body":"","issuing_body":"","number":"","place":"","dated":0,
        "title":"","started_at":0,"ended_at":0,"venue":"","chair":"","secretary":"","attendance":[],
        "opening":"","speeches":[],"decisions":[],"conclusion":"","recordings":[],"recipients":[],
        "log_hash":""}"#;
    serde_json::from_str(text).expect("a document")
}

#[tokio::test]
async fn a_recording_that_is_destroyed_leaves_nothing_behind() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = recording_dir(&dir.path().join("archive"), meeting(), recording());
    let left =
        || std::fs::read_dir(folder.parent().expect("a meeting's")).expect("a folder").count();
    let mut bench = Bench::start(dir.path(), DONE);
    bench.next().await;
    bench.record().await;
    bench.say(RecorderCommand::Destroy { recording: recording() }).await;
    bench.say(RecorderCommand::Stop { recording: recording(), at: Timestamp(3_000) }).await;
    let composed = bench.result().await;
    assert!(matches!(composed, RecorderEvent::Composed { .. }), "what is being made is finished");
    assert_eq!(bench.result().await, RecorderEvent::Destroyed { recording: recording() });
    assert_eq!(left(), 0);
    bench.say(RecorderCommand::Destroy { recording: recording() }).await;
    assert_eq!(bench.result().await, RecorderEvent::Destroyed { recording: recording() }, "again");
    bench.end().await;
    // A crash in the middle of deleting: the rest goes at the next start.
    std::fs::create_dir_all(folder.with_extension("destroyed").join("tracks")).expect("a folder");
    let mut bench = Bench::start(dir.path(), DONE);
    assert_eq!(bench.next().await, RecorderEvent::Ready { unfinished: Vec::new() });
    assert_eq!(left(), 0);
    bench.end().await;
}
