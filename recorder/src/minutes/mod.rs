//! Minutes (biên bản) as an office prints them: one document, two administrative forms, PDF/A-2b for the
//! file and DOCX for those who go on writing. `sheet` turns the data into sentences, `form` holds the
//! rules as numbers, `pdf` and `docx` draw. CPU-heavy: called in the worker process only.

mod ballots;
mod calendar;
mod docx;
mod fonts;
mod form;
mod pdf;
mod sheet;
mod text;

#[cfg(test)]
mod tests;

use protocol::control::DocumentFormat;
use protocol::minutes::{MinutesDocument, ROWS_MAX, TEXT_CHARS_MAX};
use protocol::table::TableDocument;

use sheet::Sheet;

/// Most characters in one document altogether: some 400 printed pages.
pub const DOCUMENT_CHARS_MAX: usize = 1_000_000;

/// Why a document was not printed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// More than [`ROWS_MAX`] rows of one kind.
    #[error("the minutes have {rows} rows of one kind, at most {ROWS_MAX} can be printed")]
    TooManyRows {
        /// So many.
        rows: usize,
    },
    /// A text over [`TEXT_CHARS_MAX`], or all together over [`DOCUMENT_CHARS_MAX`].
    #[error("the minutes hold a text of {chars} characters, more than can be printed")]
    TextTooLong {
        /// So many.
        chars: usize,
    },
    /// The page could not be set: a defect of the template.
    #[error("the page could not be set: {0}")]
    Layout(String),
    /// The set pages could not be written as PDF/A-2b.
    #[error("the pages could not be written as PDF/A: {0}")]
    Export(String),
    /// The DOCX could not be packed.
    #[error("the DOCX could not be packed: {0}")]
    Package(String),
}

/// Prints minutes: the bytes of a file.
pub fn render(document: &MinutesDocument, format: DocumentFormat) -> Result<Vec<u8>, Error> {
    check_size(document)?;
    let sheet = Sheet::of(document);
    match format {
        DocumentFormat::Pdf => pdf::render(sheet),
        DocumentFormat::Docx => docx::render(&sheet),
    }
}

/// Prints a table whose cells are words.
pub(crate) fn print_table(table: &TableDocument) -> Result<Vec<u8>, Error> {
    pdf::table(table)
}

/// Refuses what would keep the printer busy for minutes.
fn check_size(document: &MinutesDocument) -> Result<(), Error> {
    let MinutesDocument { attendance, speeches, decisions, votes, recordings, recipients, .. } =
        document;
    let rows = [
        attendance.len(),
        speeches.len(),
        decisions.len(),
        votes.len(),
        recordings.len(),
        recipients.len(),
    ];
    if let Some(rows) = rows.into_iter().find(|&rows| rows > ROWS_MAX) {
        return Err(Error::TooManyRows { rows });
    }
    let mut total = 0;
    for text in texts(document) {
        let chars = text.chars().count();
        total += chars;
        if chars > TEXT_CHARS_MAX {
            return Err(Error::TextTooLong { chars });
        }
    }
    if total > DOCUMENT_CHARS_MAX {
        return Err(Error::TextTooLong { chars: total });
    }
    Ok(())
}

fn texts(document: &MinutesDocument) -> impl Iterator<Item = &String> {
    let MinutesDocument { parent_body, issuing_body, number, place, title, venue, .. } = document;
    let MinutesDocument { chair, secretary, opening, conclusion, log_hash, .. } = document;
    let head = [
        parent_body,
        issuing_body,
        number,
        place,
        title,
        venue,
        chair,
        secretary,
        opening,
        conclusion,
        log_hash,
    ];
    let sites = document.attendance.iter();
    let speeches = document.speeches.iter();
    head.into_iter()
        .chain(sites.flat_map(|row| [&row.name, &row.local_chair, &row.remark]))
        .chain(speeches.flat_map(|row| [&row.name, &row.speaker, &row.summary]))
        .chain(document.decisions.iter().flat_map(|row| [&row.name, &row.text]))
        .chain(document.votes.iter().flat_map(|row| [&row.rules.title, &row.remark]))
        .chain(document.votes.iter().flat_map(|row| &row.outcome.by_site).map(|row| &row.name))
        .chain(document.recordings.iter().map(|row| &row.sha256))
        .chain(&document.recipients)
}
