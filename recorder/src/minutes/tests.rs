//! Documents printed for real and read back: PDF with poppler's tools (package poppler-utils), DOCX
//! with the library's own reader.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use protocol::control::DocumentFormat;
use protocol::id::RecordingId;
use protocol::minutes::{
    AttendanceRow, DecisionRow, MinutesDocument, MinutesForm, PaperRow, RecordingRow, SpeechRow,
    VoteRow,
};
use protocol::time::Timestamp;
use protocol::vote::{Share, ShareOf, SiteTally, Tally, VoteMethod, VoteOutcome, VoteRules};

use super::fonts::tests::LETTERS;
use super::{Error, render};

/// 2026-11-23T08:00:00+07:00.
const EIGHT: i64 = 1_795_395_600_000;
const MINUTE: i64 = 60_000;

/// A document with as many sites as asked for, as an office would fill it in.
pub(super) fn sample(form: MinutesForm, sites: usize) -> MinutesDocument {
    let party = form == MinutesForm::Party;
    MinutesDocument {
        form,
        parent_body: if party { "Tỉnh ủy Quảng Trị" } else { "UBND tỉnh Quảng Trị" }.into(),
        issuing_body: "Văn phòng".into(),
        number: if party { "07-BB/VPTU" } else { "07/BB-VP" }.into(),
        place: "Quảng Trị".into(),
        dated: Timestamp(EIGHT),
        title: "Hội nghị trực tuyến triển khai nhiệm vụ phòng, chống bão số 14".into(),
        started_at: Timestamp(EIGHT),
        ended_at: Timestamp(EIGHT + 210 * MINUTE),
        venue: format!("Hội trường Tỉnh ủy, trực tuyến đến {sites} điểm cầu cấp xã"),
        chair: "Đồng chí Nguyễn Văn An, Phó Bí thư Thường trực Tỉnh ủy".into(),
        secretary: "Đồng chí Trần Thị Ước, chuyên viên Văn phòng".into(),
        attendance: (0..sites).map(site).collect(),
        opening:
            "Đồng chí chủ trì tuyên bố lý do, giới thiệu đại biểu và thông qua chương trình.\n\n\
                  Hội nghị nghe báo cáo về công tác chuẩn bị ứng phó của các địa phương."
                .into(),
        speeches: (0..sites.min(4) as i64).map(speech).collect(),
        decisions: vec![DecisionRow {
            at: Timestamp(EIGHT + 190 * MINUTE),
            name: "Chủ trì".into(),
            text: "Các xã ven biển hoàn thành kêu gọi tàu thuyền trước 17 giờ ngày 24/11/2026."
                .into(),
        }],
        votes: vec![vote(sites)],
        conclusion: "Yêu cầu các địa phương trực 24/24 giờ và báo cáo trước 16 giờ hằng ngày."
            .into(),
        recordings: vec![RecordingRow {
            recording: RecordingId::from_parts(1_795_395_600_000, 42),
            started_at: Timestamp(EIGHT + MINUTE),
            ms: 208 * 60_000,
            sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        }],
        papers: vec![PaperRow {
            name: "Báo cáo công tác ứng phó bão số 14".into(),
            pages: 24,
            shown: vec![(1, 3), (7, 7)],
        }],
        recipients: vec!["Thường trực Tỉnh ủy".into(), "Như thành phần;".into(), "Lưu: VT".into()],
        log_hash: "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae".into(),
    }
}

/// A show of cards in which every site had 20 and one of them voted against.
fn vote(sites: usize) -> VoteRow {
    let n = u32::try_from(sites).unwrap();
    VoteRow {
        at: Timestamp(EIGHT + 200 * MINUTE),
        rules: VoteRules {
            title: "Thông qua dự thảo Nghị quyết về phòng, chống thiên tai".into(),
            method: VoteMethod::Cards,
            threshold: Some(Share::TwoThirds),
            threshold_of: ShareOf::Eligible,
            quorum: Some(Share::TwoThirds),
            held_back: false,
        },
        outcome: VoteOutcome {
            tally: Tally { agree: 19 * n, disagree: n, blank: 0 },
            eligible: 20 * n,
            quorum_met: Some(n > 0),
            adopted: Some(n > 0),
            by_site: (0..sites)
                .map(|index| SiteTally {
                    site: None,
                    name: site(index).name,
                    eligible: 20,
                    tally: Tally { agree: 19, disagree: 1, blank: 0 },
                })
                .collect(),
            ballots: None,
        },
        remark: String::new(),
    }
}

fn site(index: usize) -> AttendanceRow {
    let names = ["Lệ Thủy", "Phú Trạch", "Đakrông", "Nam Cửa Việt", "Trường Sơn", "Ái Tử"];
    let minute = i64::try_from(index % 12).unwrap();
    let present = index % 25 != 24;
    AttendanceRow {
        site: None,
        name: match index {
            0 => "Điểm cầu xã Lệ Thủy".into(),
            index => format!("Điểm cầu xã {} {index}", names[index % names.len()]),
        },
        present,
        headcount: 20 + u32::try_from(index % 17).unwrap(),
        local_chair: "Đ/c Hồ Thị Bưởi, Bí thư Đảng ủy".into(),
        joined_at: Some(Timestamp(EIGHT - minute * MINUTE)),
        left_at: Some(Timestamp(EIGHT + 210 * MINUTE)),
        connected_ms: u64::try_from((210 + minute) * MINUTE).unwrap(),
        remark: if present { "" } else { "Mất điện do bão" }.into(),
    }
}

fn speech(index: i64) -> SpeechRow {
    SpeechRow {
        at: Timestamp(EIGHT + (30 + 10 * index) * MINUTE),
        name: format!("Điểm cầu xã số {index}"),
        speaker: if index == 1 { "" } else { "Đ/c Lê Văn Đức, Chủ tịch UBND xã" }.into(),
        held_ms: 300_000,
        spoken_ms: 270_000,
        summary: "Báo cáo đã sơ tán 214 hộ dân; đề nghị tỉnh hỗ trợ 02 máy phát điện.".into(),
    }
}

fn pdf(document: &MinutesDocument) -> Vec<u8> {
    render(document, DocumentFormat::Pdf).unwrap()
}

/// What one of poppler's programs says of a PDF.
fn poppler(program: &str, options: &[&str], pdf: &[u8]) -> String {
    let file = tempfile::NamedTempFile::with_suffix(".pdf").unwrap();
    std::fs::write(file.path(), pdf).unwrap();
    let mut command = Command::new(program);
    command.args(options).arg(file.path());
    if program == "pdftotext" {
        command.arg("-");
    }
    let output = command.output().expect("poppler-utils is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The text of a PDF with single spaces, so that a broken line does not matter.
fn text_of_pdf(pdf: &[u8]) -> String {
    let text = poppler("pdftotext", &["-raw"], pdf).replace('\u{200b}', "");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text of a DOCX, paragraphs parted by spaces.
fn text_of_docx(docx: &[u8]) -> String {
    let document = docx_rs::read_docx(docx).unwrap().document;
    let mut out = Vec::new();
    for child in &document.children {
        match child {
            docx_rs::DocumentChild::Paragraph(paragraph) => out.push(paragraph.raw_text()),
            docx_rs::DocumentChild::Table(table) => text_of_table(table, &mut out),
            _ => {}
        }
    }
    out.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn text_of_table(table: &docx_rs::Table, out: &mut Vec<String>) {
    for docx_rs::TableChild::TableRow(row) in &table.rows {
        for docx_rs::TableRowChild::TableCell(cell) in &row.cells {
            for content in &cell.children {
                if let docx_rs::TableCellContent::Paragraph(paragraph) = content {
                    out.push(paragraph.raw_text());
                }
            }
        }
    }
}

/// Sentences that both files of a State document hold.
const STATE_TEXTS: [&str; 20] = [
    "UBND TỈNH QUẢNG TRỊ",
    "VĂN PHÒNG",
    "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
    "Độc lập - Tự do - Hạnh phúc",
    "Số: 07/BB-VP",
    "Quảng Trị, ngày 23 tháng 11 năm 2026",
    "BIÊN BẢN Hội nghị trực tuyến triển khai nhiệm vụ phòng, chống bão số 14",
    "Thời gian bắt đầu: 08 giờ 00 phút, ngày 23 tháng 11 năm 2026",
    "Chủ trì (chủ tọa): Đồng chí Nguyễn Văn An, Phó Bí thư Thường trực Tỉnh ủy",
    "Thành phần tham dự: 77/80 điểm cầu, 2.122 đại biểu",
    "Điểm cầu xã Lệ Thủy",
    "07:55 – 11:30",
    "Mất điện do bão",
    "1) Điểm cầu xã số 0 - Đ/c Lê Văn Đức, Chủ tịch UBND xã, lúc 08 giờ 30 phút, thời lượng 4 phút 30 giây: Báo cáo",
    "trước 17 giờ ngày 24/11/2026.",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "Hội nghị kết thúc vào 11 giờ 30 phút, ngày 23 tháng 11 năm 2026./.",
    "CHỦ TỌA",
    "Trần Thị Ước",
    "- Thường trực Tỉnh ủy; - Như thành phần; - Lưu: VT.",
];

#[test]
fn a_state_document_of_80_sites_prints_every_sentence_in_less_than_five_seconds() {
    let started = now();
    let file = pdf(&sample(MinutesForm::State, 80));
    let took = now().duration_since(started);
    assert!(took < Duration::from_secs(5), "{took:?}");
    let text = text_of_pdf(&file);
    for expected in STATE_TEXTS {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    // The heading of the table stands on each of its pages.
    let headings = text.matches("Điểm cầu Có mặt").count() + text.matches("STT").count();
    assert!(headings >= 2, "{text}");
    assert!(text.contains("Nhật ký sự kiện (SHA-256): 2c26b46b"), "{text}");
}

#[test]
fn a_vote_is_printed_with_its_counts_its_threshold_and_every_site() {
    let (pdf, docx) = both_texts(&sample(MinutesForm::State, 80));
    for text in [pdf, docx] {
        for expected in [
            "Kết quả biểu quyết",
            "1) Biểu quyết giơ thẻ tại các điểm cầu lúc 11 giờ 20 phút:",
            "có quyền biểu quyết 1.600, đã biểu quyết 1.600 (100,0%): đồng ý 1.520 (95,0%), \
             không đồng ý 80 (5,0%), phiếu trắng 0 (0,0%); được thông qua (cần hai phần ba).",
            "19/1/0 trên 20",
        ] {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
    }
}

#[test]
fn a_party_document_has_the_party_letterhead_and_no_state_motto() {
    let text = text_of_pdf(&pdf(&sample(MinutesForm::Party, 3)));
    for expected in [
        "TỈNH ỦY QUẢNG TRỊ VĂN PHÒNG * Số 07-BB/VPTU",
        "ĐẢNG CỘNG SẢN VIỆT NAM Quảng Trị, ngày 23 tháng 11 năm 2026",
        "-----",
        "CHỦ TRÌ",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    assert!(!text.contains("Độc lập"));
}

#[test]
fn the_page_is_a4_pdf_a_with_embedded_tinos_and_the_documents_date() {
    let file = pdf(&sample(MinutesForm::State, 5));
    let info = poppler("pdfinfo", &["-isodates"], &file);
    assert!(info.contains("595.276 x 841.89 pts (A4)"), "{info}");
    assert!(info.contains("CreationDate:    2026-11-23T08:00:00+07"), "{info}");
    let xmp = poppler("pdfinfo", &["-meta"], &file);
    assert!(xmp.contains("<pdfaid:part>2</pdfaid:part>"), "{xmp}");
    assert!(xmp.contains("<pdfaid:conformance>B</pdfaid:conformance>"), "{xmp}");
    let fonts = poppler("pdffonts", &[], &file);
    let rows: Vec<&str> = fonts.lines().skip(2).collect();
    assert!(rows.len() >= 3, "{fonts}");
    for row in rows {
        assert!(row.contains("+Tinos") && row.contains("yes yes yes"), "{fonts}");
    }
}

#[test]
fn text_stays_within_the_margins_and_pages_are_numbered_from_the_second() {
    let file = pdf(&sample(MinutesForm::State, 80));
    let boxes = poppler("pdftotext", &["-bbox"], &file);
    let value = |line: &str, key: &str| -> f64 {
        let from = line.find(&format!(" {key}=\"")).unwrap() + key.len() + 3;
        line[from..].split('"').next().unwrap().parse().unwrap()
    };
    let (mut page, mut numbers) = (0, Vec::new());
    for line in boxes.lines() {
        if line.contains("<page ") {
            page += 1;
        }
        if !line.contains("<word ") {
            continue;
        }
        let left = value(line, "xMin");
        let right = value(line, "xMax");
        assert!(left > 84.9 && right < 553.0, "outside 30 and 15 mm: {line}");
        let top = value(line, "yMin");
        if top < 50.0 {
            let number = line.split('>').nth(1).unwrap().split('<').next().unwrap();
            numbers.push((page, number.parse::<u32>().unwrap()));
            let middle = (left + right) / 2.0;
            assert!((middle - 318.9).abs() < 2.0, "not in the middle: {line}");
        }
    }
    assert!(page >= 4, "{page}");
    assert_eq!(numbers, (2..=page).map(|page| (page, page)).collect::<Vec<_>>());
}

#[test]
fn all_vietnamese_letters_come_out_of_both_files_as_they_went_in() {
    let both = format!("{LETTERS} {}", LETTERS.to_lowercase());
    // Words, as a line of 150 letters would be broken.
    let words: Vec<String> =
        both.chars().collect::<Vec<_>>().chunks(10).map(|c| c.iter().collect()).collect();
    let mut document = sample(MinutesForm::State, 1);
    document.conclusion = words.join(" ");
    document.decisions[0].text = words.join(" ");
    document.speeches[0].speaker = words.join(" ");
    document.attendance[0].remark = words.join(" ");
    let (pdf, docx) = both_texts(&document);
    for word in words.iter().flat_map(|word| word.split_whitespace()) {
        assert!(pdf.matches(word).count() >= 4, "{word}\n{pdf}");
        assert!(docx.matches(word).count() >= 4, "{word}\n{docx}");
    }
}

fn both_texts(document: &MinutesDocument) -> (String, String) {
    let docx = render(document, DocumentFormat::Docx).unwrap();
    (text_of_pdf(&pdf(document)), text_of_docx(&docx))
}

#[test]
fn what_is_typed_is_printed_and_never_run_as_markup() {
    let typed = r##"#import "x.typ": * #panic("a") $ x^2 $ *b* _c_ `d` <e> </w:t> &amp; \u{41} @f = g // h"##;
    let mut document = sample(MinutesForm::State, 1);
    document.title = typed.into();
    document.opening = typed.into();
    document.chair = typed.into();
    document.attendance[0].name = typed.into();
    document.recipients = vec![typed.into()];
    let pdf = text_of_pdf(&pdf(&document));
    assert!(pdf.matches(typed).count() >= 3, "{pdf}");
    // The library's reader decodes twice, so that the file itself is looked at.
    let xml = super::docx::document_xml(&super::sheet::Sheet::of(&document)).unwrap();
    let escaped = typed.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let escaped = escaped.replace('"', "&quot;");
    assert!(xml.matches(&escaped).count() >= 5, "{xml}");
    assert!(docx_rs::read_docx(&render(&document, DocumentFormat::Docx).unwrap()).is_ok());
}

#[test]
fn control_characters_emoji_and_endless_words_do_not_stop_the_printing() {
    let endless = "a".repeat(10_000);
    let document = hostile(&endless);
    let (pdf, docx) = both_texts(&document);
    assert!(pdf.contains("Họp khẩn ?"), "the emoji has no glyph: {}", &pdf[..300]);
    assert!(docx.contains("Họp khẩn 👍"));
    // Headings and page numbers stand between the pages of an endless word.
    assert!(pdf.matches('a').count() >= 2 * 10_000);
    assert!(docx.contains(&endless));
}

fn hostile(endless: &str) -> MinutesDocument {
    let mut document = sample(MinutesForm::Party, 2);
    document.title = "Họp\u{0}\u{1b}\u{202e}\u{ffff} khẩn 👍".into();
    document.opening = endless.to_owned();
    document.venue = "W".repeat(10_000);
    document.attendance[0].name = endless.to_owned();
    document.issuing_body = "đ".repeat(300);
    document.log_hash = "z".repeat(500);
    document.dated = Timestamp(i64::MAX);
    document.started_at = Timestamp(i64::MIN);
    document
}

#[test]
fn an_empty_document_prints_with_lines_to_write_on() {
    for form in [MinutesForm::State, MinutesForm::Party] {
        let mut document = sample(form, 0);
        for text in [
            &mut document.parent_body,
            &mut document.issuing_body,
            &mut document.number,
            &mut document.place,
            &mut document.title,
            &mut document.venue,
            &mut document.chair,
            &mut document.secretary,
            &mut document.opening,
            &mut document.conclusion,
            &mut document.log_hash,
        ] {
            text.clear();
        }
        document.decisions.clear();
        document.recordings.clear();
        document.recipients.clear();
        document.ended_at = document.started_at;
        let (pdf, docx) = both_texts(&document);
        for text in [pdf, docx] {
            assert!(text.contains("Địa điểm:"), "{text}");
            assert!(text.contains("Cuộc họp kết thúc vào …… giờ …… phút"), "{text}");
            assert!(!text.contains("Ý kiến phát biểu") && !text.contains("Bản ghi hình"));
            assert!(!text.contains("Tổng cộng"));
            assert!(text.contains("Nơi nhận: - .") || text.contains("Nơi nhận: - …"), "{text}");
        }
    }
}

#[test]
fn the_docx_says_what_the_pdf_says_and_repeats_the_tables_heading() {
    let document = sample(MinutesForm::State, 80);
    let file = render(&document, DocumentFormat::Docx).unwrap();
    let text = text_of_docx(&file);
    for expected in STATE_TEXTS {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    let read = docx_rs::read_docx(&file).unwrap();
    let section = format!("{:?}", read.document.section_property);
    // 20, 15, 20 and 30 mm in twips, and another first page.
    for expected in ["top: 1134", "right: 850", "bottom: 1134", "left: 1701", "title_pg: true"] {
        assert!(section.contains(expected), "{expected} in {section}");
    }
    let xml = super::docx::document_xml(&super::sheet::Sheet::of(&document)).unwrap();
    assert_eq!(xml.matches("<w:tblHeader />").count(), 1);
}

#[test]
fn the_same_document_prints_to_the_same_bytes() {
    let document = sample(MinutesForm::State, 3);
    for format in [DocumentFormat::Pdf, DocumentFormat::Docx] {
        assert_eq!(render(&document, format), render(&document, format));
    }
}

#[test]
fn a_document_that_is_too_large_is_refused_before_any_work() {
    let mut rows = sample(MinutesForm::State, 1);
    rows.recipients = vec!["x".into(); 2_001];
    assert_eq!(render(&rows, DocumentFormat::Pdf), Err(Error::TooManyRows { rows: 2_001 }));
    let mut long = sample(MinutesForm::State, 1);
    long.opening = "x".repeat(100_001);
    let refused = render(&long, DocumentFormat::Docx);
    assert_eq!(refused, Err(Error::TextTooLong { chars: 100_001 }));
    let mut much = sample(MinutesForm::State, 1);
    much.speeches = vec![SpeechRow { summary: "x".repeat(90_000), ..speech(0) }; 12];
    assert!(matches!(render(&much, DocumentFormat::Pdf), Err(Error::TextTooLong { .. })));
}

#[test]
#[ignore = "takes a minute in the dev profile: cargo test -p recorder largest -- --ignored --nocapture"]
fn the_largest_document_that_is_accepted_prints() {
    let mut document = sample(MinutesForm::State, protocol::minutes::ROWS_MAX);
    document.opening = "Nghiêng ".repeat(12_500);
    document.conclusion = "Một dòng ngắn.\n".repeat(6_000);
    document.speeches = vec![SpeechRow { summary: "Ý kiến ".repeat(40), ..speech(0) }; 1_400];
    for format in [DocumentFormat::Pdf, DocumentFormat::Docx] {
        let started = now();
        let file = render(&document, format).unwrap();
        println!("{format:?}: {} bytes in {:?}", file.len(), now().duration_since(started));
    }
}

#[test]
#[ignore = "writes sample files to look at: DIEMCAU_SAMPLES=folder cargo test -p recorder samples -- --ignored"]
fn samples_to_look_at() {
    let folder = PathBuf::from(std::env::var("DIEMCAU_SAMPLES").unwrap());
    let mut blank = sample(MinutesForm::State, 0);
    (blank.chair, blank.secretary) = Default::default();
    (blank.opening, blank.conclusion, blank.number) = Default::default();
    blank.recipients.clear();
    for (name, document) in [
        ("state", sample(MinutesForm::State, 78)),
        ("party", sample(MinutesForm::Party, 78)),
        ("blank", blank),
        ("hostile", hostile(&"a".repeat(10_000))),
    ] {
        std::fs::write(folder.join(format!("{name}.pdf")), pdf(&document)).unwrap();
        let docx = render(&document, DocumentFormat::Docx).unwrap();
        std::fs::write(folder.join(format!("{name}.docx")), docx).unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "the test measures how long printing takes")]
fn now() -> Instant {
    Instant::now()
}
