//! A workbook of one sheet (ECMA-376), small enough to be written by hand. Words are inline strings, which no
//! spreadsheet takes for a formula.

use std::io::{Cursor, Write as _};

use protocol::table::{Cell, TableDocument};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime};

use crate::minutes::Error;

/// The longest text that a cell may hold, characters (Excel's limit).
const CELL_CHARS_MAX: usize = 32_767;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const TYPES: &str = r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>"#;
const RELS: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const WORKBOOK: &str = r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Bảng" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
const WORKBOOK_RELS: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;

/// Writes a table as a workbook.
pub(super) fn write(table: &TableDocument) -> Result<Vec<u8>, Error> {
    let mut file = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    let failed = |error: &dyn std::fmt::Display| Error::Package(error.to_string());
    for (name, text) in [
        ("[Content_Types].xml", TYPES),
        ("_rels/.rels", RELS),
        ("xl/workbook.xml", WORKBOOK),
        ("xl/_rels/workbook.xml.rels", WORKBOOK_RELS),
        ("xl/worksheets/sheet1.xml", &sheet(table)),
    ] {
        file.start_file(name, options).map_err(|error| failed(&error))?;
        file.write_all(HEAD.as_bytes()).map_err(|error| failed(&error))?;
        file.write_all(text.as_bytes()).map_err(|error| failed(&error))?;
    }
    Ok(file.finish().map_err(|error| failed(&error))?.into_inner())
}

fn sheet(table: &TableDocument) -> String {
    let mut out = String::from(
        "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><cols>",
    );
    for (column, index) in table.columns.iter().zip(1..) {
        let width = 6 + 5 * u32::from(column.share);
        out.push_str(&format!(
            "<col min=\"{index}\" max=\"{index}\" width=\"{width}\" customWidth=\"1\"/>"
        ));
    }
    out.push_str("</cols><sheetData>");
    let words = |text: &String| vec![Cell::Text(text.clone())];
    let heading: Vec<_> = table.columns.iter().map(|it| Cell::Text(it.heading.clone())).collect();
    let rows = std::iter::once(words(&table.title))
        .chain(table.lines.iter().map(words))
        .chain(std::iter::once(heading))
        .chain(table.rows.iter().cloned())
        .chain(table.notes.iter().map(words))
        .chain((!table.seal.is_empty()).then(|| words(&table.seal)));
    for cells in rows {
        out.push_str("<row>");
        cells.iter().for_each(|it| cell(it, &mut out));
        out.push_str("</row>");
    }
    out.push_str("</sheetData></worksheet>");
    out
}

fn cell(cell: &Cell, out: &mut String) {
    match cell {
        Cell::Number(number) => out.push_str(&format!("<c><v>{number}</v></c>")),
        Cell::Text(text) => {
            out.push_str("<c t=\"inlineStr\"><is><t xml:space=\"preserve\">");
            escape(text, out);
            out.push_str("</t></is></c>");
        }
    }
}

/// XML 1.0 knows no control characters but three; they are left out.
fn escape(text: &str, out: &mut String) {
    for char in text.chars().take(CELL_CHARS_MAX) {
        match char {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(char),
            '\u{fffe}' | '\u{ffff}' => {}
            char if char.is_control() => {}
            char => out.push(char),
        }
    }
}
