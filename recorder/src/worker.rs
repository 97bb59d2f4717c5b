//! What runs in a child process, so that neither FFmpeg nor the typesetter can take the server down.

use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use protocol::control::DocumentFormat;
use protocol::minutes::MinutesDocument;
use protocol::table::{TableDocument, TableFormat};
use rustix::process::{Resource, Rlimit, setpriority_process, setrlimit};

use crate::compose;
use crate::jobs::WorkerLine;

/// Set in the environment of a child whose stdin tells it that its parent lives.
pub(crate) const WATCHED: &str = "DIEMCAU_WORKER_WATCHED";

/// Composition yields to meetings on the same machine.
const NICE: i32 = 10;
/// How often progress is printed.
const SAY_EVERY: Duration = Duration::from_millis(500);
/// A composition of the same recording that was told to end gets so long to do it.
const LOCK_TRIES: u32 = 100;
const LOCK_WAIT: Duration = Duration::from_millis(100);
/// Address space of the printing child: it was measured at 26 MB for two pages; 100 pages are far below.
const PRINT_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// Largest document that is read.
const DOCUMENT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// `worker compose DIR`: composes the recording in `dir` and prints progress as JSON lines on stdout.
pub fn compose(dir: &Path) -> ExitCode {
    if let Err(error) = setpriority_process(None, NICE) {
        tracing::debug!(%error, "the priority stays as it is");
    }
    if std::env::var_os(WATCHED).is_some() {
        end_with_parent();
    }
    let result = lock(dir).and_then(|_lock| {
        let mut clock = Progress::begin();
        compose::compose(dir, &mut |permille| clock.tell(permille)).map_err(|e| e.to_string())
    });
    match result {
        Ok(compose::Composition { ms, files, logs }) => {
            say(&WorkerLine::Done { ms, files, logs });
            ExitCode::SUCCESS
        }
        Err(reason) => {
            say(&WorkerLine::Failed { reason });
            ExitCode::FAILURE
        }
    }
}

/// Two compositions of one recording would write the same files.
fn lock(dir: &Path) -> Result<std::fs::File, String> {
    let path = dir.join("compose.lock");
    let file = std::fs::File::create(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    for _ in 0..LOCK_TRIES {
        if file.try_lock().is_ok() {
            return Ok(file);
        }
        std::thread::sleep(LOCK_WAIT);
    }
    Err("this recording is being composed already".into())
}

/// Ends this process when its stdin closes: its parent is gone.
fn end_with_parent() {
    std::thread::spawn(|| {
        let mut nothing = [0_u8; 64];
        while std::io::stdin().lock().read(&mut nothing).is_ok_and(|got| got > 0) {}
        std::process::exit(3);
    });
}

/// How far it is, and about how much longer it takes.
struct Progress {
    began: Instant,
    said: Option<Instant>,
}

impl Progress {
    #[expect(clippy::disallowed_methods, reason = "the shell of a composition measures its speed")]
    fn begin() -> Self {
        Self { began: Instant::now(), said: None }
    }

    #[expect(clippy::disallowed_methods, reason = "the shell of a composition measures its speed")]
    fn tell(&mut self, permille: u16) {
        let now = Instant::now();
        if self.said.is_some_and(|said| now.duration_since(said) < SAY_EVERY) {
            return;
        }
        self.said = Some(now);
        let spent_ms = u64::try_from(now.duration_since(self.began).as_millis()).unwrap_or(0);
        let left = u64::from(1_000_u16.saturating_sub(permille));
        let remaining_ms = spent_ms * left / u64::from(permille.max(1));
        say(&WorkerLine::Progress { permille, remaining_ms });
    }
}

/// Nobody listening is no reason to stop: the file is what counts.
fn say(line: &WorkerLine) {
    let mut text = serde_json::to_vec(line).expect("a worker's line is plain data");
    text.push(b'\n');
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(&text).and_then(|()| stdout.flush());
}

/// `worker minutes pdf|docx`: reads a document as JSON from stdin and writes the file to stdout.
pub fn minutes(format: DocumentFormat) -> ExitCode {
    printed(|text| {
        let document: MinutesDocument =
            serde_json::from_slice(text).map_err(|error| error.to_string())?;
        crate::minutes::render(&document, format).map_err(|error| error.to_string())
    })
}

/// `worker table pdf|xlsx`: the same with a table.
pub fn table(format: TableFormat) -> ExitCode {
    printed(|text| {
        let table: TableDocument =
            serde_json::from_slice(text).map_err(|error| error.to_string())?;
        crate::tables::render(&table, format).map_err(|error| error.to_string())
    })
}

fn printed(render: impl FnOnce(&[u8]) -> Result<Vec<u8>, String>) -> ExitCode {
    let limit = Rlimit { current: Some(PRINT_BYTES_MAX), maximum: Some(PRINT_BYTES_MAX) };
    if let Err(error) = setrlimit(Resource::As, limit) {
        tracing::debug!(%error, "memory stays unlimited");
    }
    let mut text = Vec::new();
    let mut stdin = std::io::stdin().lock().take(DOCUMENT_BYTES_MAX);
    let read = stdin.read_to_end(&mut text).map_err(|error| error.to_string());
    let bytes = read.and_then(|_| render(&text));
    match bytes.and_then(|it| std::io::stdout().lock().write_all(&it).map_err(|e| e.to_string())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            let _ = writeln!(std::io::stderr(), "print: {message}");
            ExitCode::FAILURE
        }
    }
}
