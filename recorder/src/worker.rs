//! What runs in a child process, so that neither FFmpeg nor the typesetter can take the server down.

use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;

use protocol::control::DocumentFormat;
use protocol::minutes::MinutesDocument;

/// `worker compose DIR`: composes the recording in `dir` and prints progress as JSON lines on stdout.
pub fn compose(dir: &Path) -> ExitCode {
    tracing::error!(dir = %dir.display(), "composition is not built yet");
    ExitCode::FAILURE
}

/// `worker minutes pdf|docx`: reads a document as JSON from stdin and writes the file to stdout.
pub fn minutes(format: DocumentFormat) -> ExitCode {
    match print_minutes(format) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            let _ = writeln!(std::io::stderr(), "minutes: {message}");
            ExitCode::FAILURE
        }
    }
}

fn print_minutes(format: DocumentFormat) -> Result<(), String> {
    let mut text = Vec::new();
    std::io::stdin().lock().read_to_end(&mut text).map_err(|error| error.to_string())?;
    let document: MinutesDocument =
        serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    let bytes =
        crate::minutes::render(&document, format).map_err(|error| error.to_string())?;
    std::io::stdout().lock().write_all(&bytes).map_err(|error| error.to_string())
}
