//! Work in a process of its own: composing a recording, printing minutes. A crash of FFmpeg or of the
//! typesetter ends that process, never the server.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};

#[derive(Subcommand)]
pub(crate) enum Job {
    /// Make `composed.mp4` of a recording's folder; progress goes to standard output.
    Compose { dir: PathBuf },
    /// Print minutes: the document as JSON on standard input, the file on standard output.
    Minutes { format: Format },
    /// Say what an uploaded file is.
    PaperCheck { file: PathBuf },
    /// Draw the pages of a document's folder.
    PaperDraw { dir: PathBuf, kind: String },
    /// The same with a table.
    Table { format: Table },
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    Pdf,
    Docx,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Table {
    Pdf,
    Xlsx,
}

impl From<Table> for protocol::table::TableFormat {
    fn from(format: Table) -> Self {
        match format {
            Table::Pdf => Self::Pdf,
            Table::Xlsx => Self::Xlsx,
        }
    }
}

impl From<Format> for protocol::control::DocumentFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Pdf => Self::Pdf,
            Format::Docx => Self::Docx,
        }
    }
}

/// Does the job; what failed is told on standard error, for the server that started it.
pub(crate) fn run(job: Job) -> ExitCode {
    match job {
        Job::Compose { dir } => recorder::worker::compose(&dir),
        Job::PaperCheck { file } => signaling::papers::check(&file),
        Job::PaperDraw { dir, kind } => signaling::papers::draw(&dir, &kind),
        Job::Table { format } => recorder::worker::table(format.into()),
        Job::Minutes { format } => recorder::worker::minutes(format.into()),
    }
}
