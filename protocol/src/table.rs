//! A table to be printed or opened in a spreadsheet: rolls, votes. Words only; how they look is the printer's.

use serde::{Deserialize, Serialize};

/// Most rows of a table.
pub const TABLE_ROWS_MAX: usize = 5_000;

/// A table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableDocument {
    /// Its title.
    pub title: String,
    /// Lines between title and table.
    pub lines: Vec<String>,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, each with a cell for each column.
    pub rows: Vec<Vec<Cell>>,
    /// Lines after it.
    pub notes: Vec<String>,
    /// What ties it to the log.
    pub seal: String,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its heading.
    pub heading: String,
    /// Its share of the width.
    pub share: u16,
}

/// A cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// A number, for sums.
    Number(u64),
    /// Words. Never a formula, whatever they begin with.
    Text(String),
}

/// As what a table leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableFormat {
    /// PDF/A-2b.
    Pdf,
    /// Office Open XML workbook.
    Xlsx,
}
