//! The same words as Office Open XML, for those who go on writing: Times New Roman, tables without borders
//! for the letterhead and the signatures, page numbers from page 2 on. Lengths are twentieths of a
//! point (twips) as the format counts them, sizes of type are half points.

use std::io::Cursor;

use docx_rs::{
    AlignmentType, BorderType, Docx, Footer, Header, HeightRule, LineSpacing, LineSpacingType,
    PageMargin, PageNum, Paragraph, ParagraphBorder, ParagraphBorderPosition, ParagraphBorders,
    Run, RunFonts, SpecialIndentType, Tab, TabLeaderType, TabValueType, Table, TableCell,
    TableCellMargins, TableLayoutType, TableRow, VAlignType, WidthType, XMLDocx,
};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use super::Error;
use super::fonts;
use super::form::Form;
use super::sheet::{Block, COLUMNS, Sheet};

/// Deflate's usual middle between time and size.
const COMPRESSION_LEVEL: i64 = 6;

const FONT: &str = "Times New Roman";

/// A4, twips.
const PAGE: (u32, u32) = (11_906, 16_838);

/// Widths of the table's columns, mm: together the width between the margins.
const COLUMN_MM: [f64; COLUMNS] = [10.5, 43.5, 15.0, 14.0, 35.3, 26.0, 20.7];

/// Height given to a row that is to be repeated on every page. docx-rs has no such property, so that
/// the row is marked with a height that no other row has, and the mark is replaced in the XML.
const REPEATED_ROW_HEIGHT: f32 = 7.0;
const REPEATED_ROW_MARK: &str = r#"<w:trHeight w:val="7" w:hRule="atLeast" />"#;
const REPEATED_ROW: &str = "<w:tblHeader />";

/// Writes the words of a document.
pub(super) fn render(sheet: &Sheet) -> Result<Vec<u8>, Error> {
    let mut stored = Cursor::new(Vec::new());
    parts(sheet)?.pack(&mut stored).map_err(unpacked)?;
    compressed(stored)
}

/// docx-rs stores the parts as they are; XML shrinks to a tenth, which counts on a commune's line.
fn compressed(stored: Cursor<Vec<u8>>) -> Result<Vec<u8>, Error> {
    let mut parts = ZipArchive::new(stored).map_err(unpacked)?;
    let mut file = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(COMPRESSION_LEVEL))
        .last_modified_time(DateTime::default());
    for index in 0..parts.len() {
        let mut part = parts.by_index(index).map_err(unpacked)?;
        file.start_file(part.name().to_owned(), options).map_err(unpacked)?;
        std::io::copy(&mut part, &mut file).map_err(unpacked)?;
    }
    Ok(file.finish().map_err(unpacked)?.into_inner())
}

fn unpacked(error: impl std::fmt::Display) -> Error {
    Error::Package(error.to_string())
}

/// The main part as it is packed, for tests that look at what the library's reader leaves out.
#[cfg(test)]
pub(super) fn document_xml(sheet: &Sheet) -> Result<String, Error> {
    String::from_utf8(parts(sheet)?.document).map_err(unpacked)
}

fn parts(sheet: &Sheet) -> Result<XMLDocx, Error> {
    let form = &sheet.form;
    let margins = PageMargin::new()
        .top(mm(form.margin_top))
        .bottom(mm(form.margin_bottom))
        .left(mm(form.margin_left))
        .right(mm(form.margin_right))
        .header(mm(form.page_number_top))
        .footer(mm(8.0));
    let number = line(AlignmentType::Center, 0).add_page_num(PageNum::new());
    let created = sheet.dated.map(|at| at.rfc3339());
    let created = created.as_deref().unwrap_or("1970-01-01T00:00:00Z");
    let mut docx = Docx::new()
        .page_size(PAGE.0, PAGE.1)
        .page_margin(margins)
        .default_fonts(fonts_of_word())
        .default_size(half_points(form.page_number_size))
        .created_at(created)
        .updated_at(created)
        .header(Header::new().add_paragraph(number))
        .first_header(Header::new().add_paragraph(Paragraph::new()))
        .footer(footer(sheet))
        .first_footer(footer(sheet))
        .add_table(letterhead(sheet));
    for paragraph in title(sheet).into_iter().chain(particulars(sheet)) {
        docx = docx.add_paragraph(paragraph);
    }
    if let Some(table) = sites(sheet) {
        docx = docx.add_table(table);
    }
    for paragraph in course(sheet) {
        docx = docx.add_paragraph(paragraph);
    }
    docx = docx.add_table(signatures(sheet));
    for paragraph in recipients(sheet) {
        docx = docx.add_paragraph(paragraph);
    }
    let mut parts = docx.build();
    // A "<" of a text is written as "&lt;", so that only our own mark can match.
    parts.document = String::from_utf8(parts.document)
        .map_err(unpacked)?
        .replace(REPEATED_ROW_MARK, REPEATED_ROW)
        .into_bytes();
    Ok(parts)
}

// Small parts

fn twips(points: f64) -> i32 {
    // Lengths on a page are some thousands of twips at most.
    #[expect(clippy::cast_possible_truncation, reason = "lengths are far below 2^31")]
    let twips = (points * 20.0).round() as i32;
    twips
}

fn mm(length: f64) -> i32 {
    twips(length * 72.0 / 25.4)
}

fn unsigned(length: i32) -> usize {
    usize::try_from(length).unwrap_or(0)
}

fn half_points(size: f64) -> usize {
    unsigned(twips(size) / 10)
}

fn fonts_of_word() -> RunFonts {
    RunFonts::new().ascii(FONT).hi_ansi(FONT).cs(FONT).east_asia(FONT)
}

fn run(text: &str, size: f64) -> Run {
    Run::new().add_text(text).size(half_points(size)).fonts(fonts_of_word())
}

/// Dots to the right edge: the paragraph must have `dot_tab`.
fn dots(size: f64) -> Run {
    Run::new().add_tab().size(half_points(size)).fonts(fonts_of_word())
}

fn dot_tab(at: i32) -> Tab {
    Tab::new().val(TabValueType::Right).leader(TabLeaderType::Dot).pos(unsigned(at))
}

/// A paragraph without indent, set solid.
fn line(align: AlignmentType, after: i32) -> Paragraph {
    let spacing = LineSpacing::new().before(0).after(u32::try_from(after).unwrap_or(0));
    Paragraph::new().align(align).line_spacing(spacing)
}

fn centred(text: Run) -> Paragraph {
    line(AlignmentType::Center, 0).add_run(text)
}

/// An empty paragraph that is a rule `length` long in the middle of `width`.
fn rule(width: i32, length: i32) -> Paragraph {
    let border = ParagraphBorder::new(ParagraphBorderPosition::Top)
        .val(BorderType::Single)
        .size(6)
        .space(1)
        .color("000000");
    let spacing = LineSpacing::new().before(60).after(80);
    let spacing = spacing.line(80).line_rule(LineSpacingType::Exact);
    let side = ((width - length) / 2).max(0);
    let mut paragraph =
        Paragraph::new().line_spacing(spacing).indent(Some(side), None, Some(side), None);
    paragraph.property = paragraph.property.set_borders(ParagraphBorders::with_empty().set(border));
    paragraph
}

fn text_width(form: &Form) -> i32 {
    mm(210.0 - form.margin_left - form.margin_right)
}

/// A paragraph of running text.
fn body(form: &Form) -> Paragraph {
    let gap = u32::try_from(twips(form.paragraph_gap)).unwrap_or(0);
    let pitch = twips(form.line_pitch);
    let spacing = LineSpacing::new().before(0).after(gap);
    Paragraph::new()
        .align(AlignmentType::Both)
        .line_spacing(spacing.line(pitch).line_rule(LineSpacingType::Exact))
        .indent(None, Some(SpecialIndentType::FirstLine(mm(form.indent))), None, None)
        .add_tab(dot_tab(text_width(form)))
}

/// Two cells side by side without borders.
fn pair(widths: [i32; 2], left: Vec<Paragraph>, right: Vec<Paragraph>) -> Table {
    let cells = [(widths[0], left), (widths[1], right)].map(|(width, paragraphs)| {
        let cell = TableCell::new().width(unsigned(width), WidthType::Dxa).clear_all_border();
        paragraphs.into_iter().fold(cell, TableCell::add_paragraph)
    });
    Table::without_borders(vec![TableRow::new(cells.into()).cant_split()])
        .layout(TableLayoutType::Fixed)
        .width(unsigned(widths.iter().sum()), WidthType::Dxa)
        .margins(TableCellMargins::new().margin(0, 0, 0, 0))
        .set_grid(widths.map(unsigned).into())
}

// The document from top to bottom

fn footer(sheet: &Sheet) -> Footer {
    Footer::new().add_paragraph(centred(run(&sheet.seal, 8.0)))
}

fn letterhead(sheet: &Sheet) -> Table {
    let form = &sheet.form;
    let right_width = mm(if sheet.party { 90.0 } else { 98.0 });
    let left_width = text_width(form) - right_width;
    let mut left = Vec::new();
    if !sheet.parent_body.is_empty() {
        left.push(centred(run(&sheet.parent_body, form.parent_size)));
    }
    let issuing = if sheet.issuing_body.is_empty() {
        "……………………"
    } else {
        &sheet.issuing_body
    };
    left.push(centred(run(issuing, form.issuing_size).bold()));
    let mut right = vec![centred(run(form.emblem, form.emblem_size).bold())];
    let width_of = |text, size| twips(fonts::bold_width(text, size));
    if sheet.party {
        left.push(centred(run("*", form.issuing_size).bold()));
        right.push(rule(right_width, width_of(form.emblem, form.emblem_size)));
    } else {
        let issuing_width = width_of(issuing, form.issuing_size).min(left_width);
        left.push(rule(left_width, issuing_width * 2 / 5));
        right.push(centred(run(form.motto, form.motto_size).bold()));
        right.push(rule(right_width, width_of(form.motto, form.motto_size)));
    }
    left.push(centred(run(&sheet.number, form.number_size)));
    right.push(centred(run(&sheet.place_date, form.date_size).italic()));
    pair([left_width, right_width], left, right)
}

fn title(sheet: &Sheet) -> Vec<Paragraph> {
    let form = &sheet.form;
    let subject = if sheet.subject.is_empty() {
        "………………………………"
    } else {
        &sheet.subject
    };
    let spacing =
        LineSpacing::new().before(twips(14.0).unsigned_abs()).after(twips(6.0).unsigned_abs());
    let name = centred(run("BIÊN BẢN", form.title_size).bold()).line_spacing(spacing);
    let subject = centred(run(subject, form.subject_size).bold());
    let end = if sheet.party {
        line(AlignmentType::Center, twips(6.0)).add_run(run("-----", form.subject_size))
    } else {
        rule(text_width(form), mm(45.0))
    };
    vec![name, subject, end]
}

fn particulars(sheet: &Sheet) -> Vec<Paragraph> {
    let size = sheet.form.body_size;
    let particulars = sheet.particulars.iter().map(|item| {
        let paragraph = body(&sheet.form).add_run(run(&format!("{}: ", item.label), size));
        or_dots(paragraph, &item.text, size)
    });
    particulars.collect()
}

fn or_dots(paragraph: Paragraph, text: &str, size: f64) -> Paragraph {
    if text.is_empty() {
        // A justified line would stretch its dots in some programs.
        paragraph.align(AlignmentType::Left).add_run(dots(size))
    } else {
        paragraph.add_run(run(text, size))
    }
}

fn sites(sheet: &Sheet) -> Option<Table> {
    let table = sheet.table.as_ref()?;
    let size = sheet.form.table_size;
    let cell = |width: f64, text: Run, align| {
        TableCell::new()
            .width(unsigned(mm(width)), WidthType::Dxa)
            .vertical_align(VAlignType::Center)
            .add_paragraph(line(align, 0).add_run(text))
    };
    let head = table
        .head
        .iter()
        .zip(COLUMN_MM)
        .map(|(text, width)| cell(width, run(text, size).bold(), AlignmentType::Center));
    let head = TableRow::new(head.collect())
        .cant_split()
        .row_height(REPEATED_ROW_HEIGHT)
        .height_rule(HeightRule::AtLeast);
    let rows = table.rows.iter().map(|row| {
        let cells = row.iter().zip(COLUMN_MM).enumerate().map(|(column, (text, width))| {
            let align = if matches!(column, 1 | 4 | 6) {
                AlignmentType::Left
            } else {
                AlignmentType::Center
            };
            cell(width, run(text, size), align)
        });
        TableRow::new(cells.collect()).cant_split()
    });
    let bold = |width, text: &str| cell(width, run(text, size).bold(), AlignmentType::Center);
    let last = COLUMN_MM[4..].iter().sum();
    let total = TableRow::new(vec![
        bold(COLUMN_MM[0] + COLUMN_MM[1], "Tổng cộng").grid_span(2),
        bold(COLUMN_MM[2], &table.total_present),
        bold(COLUMN_MM[3], &table.total_delegates),
        bold(last, "").grid_span(3),
    ]);
    let rows = std::iter::once(head).chain(rows).chain([total.cant_split()]);
    Some(
        Table::new(rows.collect())
            .layout(TableLayoutType::Fixed)
            .width(unsigned(text_width(&sheet.form)), WidthType::Dxa)
            .margins(TableCellMargins::new().margin(40, 60, 40, 60))
            .set_grid(COLUMN_MM.map(|width| unsigned(mm(width))).into()),
    )
}

fn course(sheet: &Sheet) -> Vec<Paragraph> {
    let form = &sheet.form;
    let size = form.body_size;
    let before = body(form).add_run(run(&sheet.contents_line, size));
    // Room after the table, which has none of its own.
    let spacing = LineSpacing::new().before(twips(10.0).unsigned_abs());
    let spacing = spacing.after(twips(form.paragraph_gap).unsigned_abs());
    let mut out = vec![
        before.line_spacing(spacing.line(twips(form.line_pitch)).line_rule(LineSpacingType::Exact)),
    ];
    for section in &sheet.sections {
        let heading = run(&section.heading, size).bold();
        out.push(body(form).keep_next(true).outline_lvl(0).add_run(heading));
        out.extend(section.blocks.iter().map(|block| paragraph(form, block)));
    }
    out.push(body(form).keep_next(true).add_run(run(&sheet.closing, size)));
    out
}

fn paragraph(form: &Form, block: &Block) -> Paragraph {
    let size = form.body_size;
    let mut paragraph = body(form);
    if block.ragged {
        paragraph = paragraph.align(AlignmentType::Left);
    }
    if !block.lead.is_empty() {
        paragraph = paragraph.add_run(run(&format!("{} ", block.lead), size).italic());
    }
    or_dots(paragraph, &block.text, size)
}

fn signatures(sheet: &Sheet) -> Table {
    let form = &sheet.form;
    let half = text_width(form) / 2;
    let signer = |role: &str, name: &str| {
        let mut role = run(role, form.body_size);
        if form.signer_role_bold {
            role = role.bold();
        }
        let space = LineSpacing::new().before(mm(26.0).unsigned_abs()).after(0);
        let name = if name.is_empty() { "……………………………" } else { name };
        let name = run(name, form.body_size).bold();
        let above = LineSpacing::new().before(twips(10.0).unsigned_abs()).after(0);
        vec![centred(role).line_spacing(above).keep_next(true), centred(name).line_spacing(space)]
    };
    pair(
        [half, half],
        signer(form.secretary_role, &sheet.secretary_name),
        signer(form.chair_role, &sheet.chair_name),
    )
}

fn recipients(sheet: &Sheet) -> Vec<Paragraph> {
    let form = &sheet.form;
    let title = run("Nơi nhận:", form.recipients_title_size);
    let title =
        if form.recipients_underlined { title.underline("single") } else { title.bold().italic() };
    let spacing = LineSpacing::new().before(twips(14.0).unsigned_abs()).after(0);
    let title = line(AlignmentType::Left, 0).line_spacing(spacing).add_run(title);
    let blank = ["- ……………………………".to_owned()];
    let lines = if sheet.recipients.is_empty() { &blank[..] } else { &sheet.recipients[..] };
    let lines = lines.iter().map(|text| {
        let right = text_width(form) - mm(80.0);
        line(AlignmentType::Left, 0)
            .indent(None, None, Some(right), None)
            .add_run(run(text, form.recipients_size))
    });
    std::iter::once(title).chain(lines).collect()
}
