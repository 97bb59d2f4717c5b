//! Tables of a meeting (roll, votes) as PDF/A for the file and as a workbook for those who go on counting.
//! CPU-heavy: called in the worker process only.

mod xlsx;

use protocol::table::{Cell, TABLE_ROWS_MAX, TableDocument, TableFormat};

use crate::minutes::{Error, print_table};

/// Writes a table: the bytes of a file.
pub fn render(table: &TableDocument, format: TableFormat) -> Result<Vec<u8>, Error> {
    if table.rows.len() > TABLE_ROWS_MAX {
        return Err(Error::TooManyRows { rows: table.rows.len() });
    }
    match format {
        TableFormat::Pdf => print_table(&words(table)),
        TableFormat::Xlsx => xlsx::write(table),
    }
}

/// As it is printed: every cell a text, every row as long as the heading.
fn words(table: &TableDocument) -> TableDocument {
    let text = |cell: &Cell| match cell {
        Cell::Number(number) => Cell::Text(number.to_string()),
        Cell::Text(text) => Cell::Text(text.clone()),
    };
    let n = table.columns.len();
    let row = |row: &Vec<Cell>| {
        let mut cells: Vec<_> = row.iter().take(n).map(text).collect();
        cells.resize(n, Cell::Text(String::new()));
        cells
    };
    TableDocument { rows: table.rows.iter().map(row).collect(), ..table.clone() }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use protocol::table::Column;

    use super::*;

    fn sample() -> TableDocument {
        let column = |heading: &str, share| Column { heading: heading.into(), share };
        TableDocument {
            title: "Bảng tổng hợp điểm danh".into(),
            lines: vec!["Hội nghị giao ban".into()],
            columns: vec![column("STT", 1), column("Điểm cầu", 4), column("Số đại biểu", 2)],
            rows: vec![
                vec![Cell::Number(1), Cell::Text("Xã Lệ Thủy".into()), Cell::Number(37)],
                vec![Cell::Number(2), Cell::Text("=HYPERLINK(\"http://x\")".into())],
            ],
            notes: vec!["Tổng cộng: 37 đại biểu".into()],
            seal: "Nhật ký".into(),
        }
    }

    #[test]
    fn a_cell_that_looks_like_a_formula_is_words_in_the_workbook() {
        let bytes = render(&sample(), TableFormat::Xlsx).unwrap();
        let mut file = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
        let mut sheet = String::new();
        file.by_name("xl/worksheets/sheet1.xml").unwrap().read_to_string(&mut sheet).unwrap();
        assert!(!sheet.contains("<f>"), "{sheet}");
        assert!(sheet.contains("=HYPERLINK(&quot;http://x&quot;)"), "{sheet}");
        assert!(sheet.contains("<v>37</v>"), "{sheet}");
    }

    #[test]
    fn a_table_prints_as_pdf() {
        let bytes = render(&sample(), TableFormat::Pdf).unwrap();
        assert!(bytes.starts_with(b"%PDF-"));
    }
}
