//! Tables and lists as files that are taken away: CSV, workbook, PDF.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use protocol::error::ErrorCode;
use protocol::id::MeetingId;
use protocol::table::{Cell, TableDocument, TableFormat};

use super::meetings::found;
use super::{ApiError, App};

/// As what a file leaves: the end of its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// RFC 4180, with a mark by which spreadsheets know the alphabet.
    Csv,
    /// Office Open XML workbook.
    Xlsx,
    /// PDF/A-2b.
    Pdf,
    /// Plain text.
    Txt,
}

impl Kind {
    fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Pdf => "application/pdf",
            Self::Txt => "text/plain; charset=utf-8",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Pdf => "pdf",
            Self::Txt => "txt",
        }
    }
}

/// A table as a file of a meeting. Plain text is its CSV.
pub(super) async fn answer(
    app: &App,
    id: MeetingId,
    stem: &str,
    table: TableDocument,
    kind: Kind,
) -> Result<Response, ApiError> {
    let bytes = match kind {
        Kind::Csv | Kind::Txt => csv(&table).into_bytes(),
        Kind::Xlsx => app.hub.render_table(table, TableFormat::Xlsx).await?,
        Kind::Pdf => app.hub.render_table(table, TableFormat::Pdf).await?,
    };
    file(app, id, stem, kind, bytes).await
}

/// A file to be saved. Its name is made of `stem` and the meeting's code, never of what somebody typed.
pub(super) async fn file(
    app: &App,
    id: MeetingId,
    stem: &str,
    kind: Kind,
    bytes: Vec<u8>,
) -> Result<Response, ApiError> {
    let code = found(app, id).await?.code;
    let disposition = format!("attachment; filename=\"{stem}-{code}.{}\"", kind.extension());
    let disposition = HeaderValue::try_from(disposition).map_err(|_| ErrorCode::Internal)?;
    let headers: [(HeaderName, HeaderValue); 3] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind.media_type())),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, bytes).into_response())
}

/// A table's columns and rows.
pub(super) fn csv(table: &TableDocument) -> String {
    // Spreadsheets take a file without this mark for one of another alphabet.
    let mut text = String::from("\u{feff}");
    let heading = table.columns.iter().map(|it| Cell::Text(it.heading.clone())).collect::<Vec<_>>();
    for row in std::iter::once(&heading).chain(&table.rows) {
        let cells: Vec<_> = row.iter().map(cell).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}

/// RFC 4180; what a spreadsheet might run as a formula begins with an apostrophe (OWASP, CSV injection).
fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Number(number) => number.to_string(),
        Cell::Text(text) => {
            let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
            let mark = if risky { "'" } else { "" };
            format!("\"{mark}{}\"", text.replace('"', "\"\""))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_csv_is_run_as_a_formula() {
        for text in ["=1+1", "+84", "-2", "@x", "\t=1"] {
            assert!(cell(&Cell::Text(text.into())).starts_with("\"'"), "{text}");
        }
        assert_eq!(cell(&Cell::Text("Xã \"Lệ Thủy\"".into())), "\"Xã \"\"Lệ Thủy\"\"\"");
        assert_eq!(cell(&Cell::Number(37)), "37");
    }
}
