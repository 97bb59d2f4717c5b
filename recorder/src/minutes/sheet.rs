//! The words of a document in the order in which they are read, the same for PDF and DOCX. Here the
//! data become Vietnamese sentences; how they look is decided by the template and by `docx`.
//! Pure. An empty text means "to be filled in by hand": it is drawn as a dotted line.

use protocol::minutes::{
    AttendanceRow, MinutesDocument, MinutesForm, PaperRow, RecordingRow, SpeechRow,
};
use protocol::time::Timestamp;
use serde::Serialize;

use super::ballots;
use super::calendar::{self, LocalTime};
use super::form::{self, Form};
use super::text;

/// Columns of the table of sites.
pub(super) const COLUMNS: usize = 7;

/// Headings of the table of sites.
const HEADINGS: [&str; COLUMNS] = [
    "STT",
    "Điểm cầu",
    "Có mặt / vắng",
    "Số đại biểu",
    "Chủ trì tại điểm cầu",
    "Vào – rời",
    "Ghi chú",
];

/// Dots in the middle of a sentence where a time is still to be written.
const BLANK_TIME: &str = "…… giờ …… phút, ngày …… tháng …… năm ………";

/// A site whose connection was broken for less than this, ms, is shown without it.
const BROKEN_SHOWN_MS: u64 = 60_000;

/// All words of one document.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Sheet {
    pub(super) form: Form,
    pub(super) party: bool,
    pub(super) parent_body: String,
    pub(super) issuing_body: String,
    /// "Số: 07/BB-VP".
    pub(super) number: String,
    /// "Quảng Trị, ngày 23 tháng 11 năm 2026".
    pub(super) place_date: String,
    pub(super) subject: String,
    /// Beginning, place, participants, chair, secretary.
    pub(super) particulars: Vec<Particular>,
    pub(super) table: Option<Table>,
    /// The line before the sections.
    pub(super) contents_line: String,
    pub(super) sections: Vec<Section>,
    pub(super) closing: String,
    pub(super) secretary_name: String,
    pub(super) chair_name: String,
    pub(super) recipients: Vec<String>,
    /// The footer: what ties the paper to the fact log; empty when there is no hash.
    pub(super) seal: String,
    /// The date that the file itself records.
    #[serde(skip)]
    pub(super) dated: Option<LocalTime>,
}

/// "Địa điểm: …".
#[derive(Clone, Debug, Serialize)]
pub(super) struct Particular {
    pub(super) label: &'static str,
    pub(super) text: String,
}

/// The table of sites.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Table {
    pub(super) head: [&'static str; COLUMNS],
    pub(super) rows: Vec<[String; COLUMNS]>,
    /// Under "Có mặt / vắng" and "Số đại biểu".
    pub(super) total_present: String,
    pub(super) total_delegates: String,
}

/// One numbered part of the course of the meeting.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Section {
    pub(super) heading: String,
    pub(super) blocks: Vec<Block>,
}

/// One paragraph: `lead` in italics, then `text`.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Block {
    pub(super) lead: String,
    pub(super) text: String,
    /// Set with a ragged right edge: ids and fingerprints would tear a justified line apart.
    pub(super) ragged: bool,
}

impl Block {
    pub(super) fn new(lead: String, text: String) -> Self {
        Self { lead, text, ragged: false }
    }

    pub(super) fn plain(text: String) -> Self {
        Self::new(String::new(), text)
    }

    pub(super) fn ragged(text: String) -> Self {
        Self { ragged: true, ..Self::plain(text) }
    }
}

impl Sheet {
    /// Writes the sentences of a document.
    pub(super) fn of(document: &MinutesDocument) -> Self {
        let form = *form::measures(document.form);
        let party = document.form == MinutesForm::Party;
        let gathering = gathering(&document.title);
        Self {
            form,
            party,
            parent_body: text::line(&document.parent_body).to_uppercase(),
            issuing_body: text::line(&document.issuing_body).to_uppercase(),
            number: number(document),
            place_date: place_date(document),
            subject: text::line(&document.title),
            particulars: particulars(document, &form),
            table: table(document),
            contents_line: format!("Nội dung (theo diễn biến {}):", gathering.to_lowercase()),
            sections: sections(document),
            closing: closing(document, gathering),
            secretary_name: bare_name(&document.secretary),
            chair_name: bare_name(&document.chair),
            recipients: recipients(document),
            seal: seal(document),
            dated: LocalTime::of(document.dated),
        }
    }

    /// Applies `body` to running text that came from people and `cell` to what stands in a narrow
    /// column, so that one renderer's needs (a glyph, a place to break) stay out of the other's.
    pub(super) fn map(
        mut self,
        body: impl Fn(&str) -> String,
        cell: impl Fn(&str) -> String,
    ) -> Self {
        // The letterhead's columns are narrow too.
        let letterhead = [&mut self.parent_body, &mut self.issuing_body, &mut self.number];
        letterhead.into_iter().for_each(|text| *text = cell(text));
        let texts = [
            &mut self.place_date,
            &mut self.subject,
            &mut self.closing,
            &mut self.secretary_name,
            &mut self.chair_name,
            &mut self.seal,
        ];
        let blocks = self.sections.iter_mut().flat_map(|section| &mut section.blocks);
        texts
            .into_iter()
            .chain(self.particulars.iter_mut().map(|particular| &mut particular.text))
            .chain(blocks.flat_map(|block| [&mut block.lead, &mut block.text]))
            .chain(&mut self.recipients)
            .for_each(|text| *text = body(text));
        let rows = self.table.iter_mut().flat_map(|table| &mut table.rows);
        rows.flatten().for_each(|text| *text = cell(text));
        self
    }
}

/// What the text calls the gathering: by its title where that says so.
fn gathering(title: &str) -> &'static str {
    if title.to_lowercase().contains("hội nghị") { "Hội nghị" } else { "Cuộc họp" }
}

fn number(document: &MinutesDocument) -> String {
    let number = text::line(&document.number);
    match (document.form, number.is_empty()) {
        (MinutesForm::State, true) => "Số: ……/BB-……".to_owned(),
        (MinutesForm::State, false) => format!("Số: {number}"),
        (MinutesForm::Party, true) => "Số ……-BB/……".to_owned(),
        (MinutesForm::Party, false) => format!("Số {number}"),
    }
}

fn place_date(document: &MinutesDocument) -> String {
    let place = text::line(&document.place);
    let place = if place.is_empty() { "……………" } else { &place };
    match LocalTime::of(document.dated) {
        Some(date) => format!("{place}, {}", date.long_date()),
        None => format!("{place}, ngày …… tháng …… năm ………"),
    }
}

fn moment(at: Timestamp) -> Option<String> {
    LocalTime::of(at).map(|at| format!("{}, {}", at.long_time(), at.long_date()))
}

fn particulars(document: &MinutesDocument, form: &Form) -> Vec<Particular> {
    let started = moment(document.started_at).unwrap_or_else(|| BLANK_TIME.to_owned());
    [
        ("Thời gian bắt đầu", started),
        ("Địa điểm", text::line(&document.venue)),
        (form.chair_label, text::line(&document.chair)),
        (form.secretary_label, text::line(&document.secretary)),
        ("Thành phần tham dự", participants(document)),
    ]
    .map(|(label, text)| Particular { label, text })
    .into()
}

/// Sites that were present, sites invited, delegates of the present ones.
fn totals(rows: &[AttendanceRow]) -> (u64, u64, u64) {
    let present = rows.iter().filter(|row| row.present);
    let delegates = present.clone().map(|row| u64::from(row.headcount)).sum();
    (present.count() as u64, rows.len() as u64, delegates)
}

fn participants(document: &MinutesDocument) -> String {
    if document.attendance.is_empty() {
        return String::new();
    }
    let (present, invited, delegates) = totals(&document.attendance);
    let [present, invited, delegates] = [present, invited, delegates].map(calendar::number);
    format!("{present}/{invited} điểm cầu, {delegates} đại biểu, cụ thể như sau:")
}

fn table(document: &MinutesDocument) -> Option<Table> {
    let (present, invited, delegates) = totals(&document.attendance);
    let rows = document.attendance.iter().zip(1..);
    (invited > 0).then(|| Table {
        head: HEADINGS,
        rows: rows.map(|(row, index)| table_row(row, index, document.started_at)).collect(),
        total_present: format!("{}/{}", calendar::number(present), calendar::number(invited)),
        total_delegates: calendar::number(delegates),
    })
}

fn table_row(row: &AttendanceRow, index: u64, started: Timestamp) -> [String; COLUMNS] {
    let (presence, delegates, times) = if row.present {
        ("Có mặt", calendar::number(row.headcount.into()), times(row, started))
    } else {
        ("Vắng", "–".to_owned(), "–".to_owned())
    };
    [
        calendar::number(index),
        text::line(&row.name),
        presence.to_owned(),
        delegates,
        text::line(&row.local_chair),
        times,
        text::line(&row.remark),
    ]
}

/// "07:45 – 11:30", with the day where it is not the meeting's first, and how long the site was really
/// connected where its connection was broken in between.
fn times(row: &AttendanceRow, started: Timestamp) -> String {
    let first_day = LocalTime::of(started);
    let show = |at: Option<Timestamp>| match at.and_then(LocalTime::of) {
        None => "…".to_owned(),
        Some(at) if first_day.is_none_or(|first| at.same_day(first)) => at.clock(),
        Some(at) => format!("{} {}", at.clock(), at.short_day()),
    };
    let span = format!("{} – {}", show(row.joined_at), show(row.left_at));
    let (Some(joined), Some(left)) = (row.joined_at, row.left_at) else { return span };
    if left.ms_since(joined).saturating_sub(row.connected_ms) < BROKEN_SHOWN_MS {
        return span;
    }
    format!("{span} (kết nối {})", calendar::duration(row.connected_ms))
}

fn sections(document: &MinutesDocument) -> Vec<Section> {
    let filled_in = |text: &str| {
        let paragraphs = text::paragraphs(text);
        // Where nothing was written the office gets lines to write on.
        let lines = if paragraphs.is_empty() { vec![String::new(); 3] } else { paragraphs };
        lines.into_iter().map(Block::plain).collect::<Vec<_>>()
    };
    let decisions = document.decisions.iter().zip(1..).map(|(decision, index)| {
        let name = text::line(&decision.name);
        let clock = LocalTime::of(decision.at).map(|at| at.clock());
        let by = [Some(name).filter(|name| !name.is_empty()), clock];
        let by = by.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let lead = if by.is_empty() { format!("{index})") } else { format!("{index}) ({by})") };
        Block::new(lead, text::line(&decision.text))
    });
    let parts: [(&str, Vec<Block>); 7] = [
        ("Mục đích, chương trình, khai mạc", filled_in(&document.opening)),
        ("Ý kiến phát biểu", document.speeches.iter().zip(1..).flat_map(speech).collect()),
        ("Nội dung quyết định", decisions.collect()),
        ("Kết quả biểu quyết", document.votes.iter().zip(1..).flat_map(ballots::blocks).collect()),
        ("Kết luận của chủ trì", filled_in(&document.conclusion)),
        ("Tài liệu hội nghị", document.papers.iter().map(paper).collect()),
        ("Bản ghi hình", document.recordings.iter().map(recording).collect()),
    ];
    parts
        .into_iter()
        .filter(|(_, blocks)| !blocks.is_empty())
        .zip(1..)
        .map(|((heading, blocks), index): (_, u64)| Section {
            heading: format!("{index}. {heading}"),
            blocks,
        })
        .collect()
}

/// "1) Điểm cầu xã Lệ Thủy - đồng chí …, phát biểu lúc 08 giờ 15 phút, trong 4 phút 30 giây:" and
/// what was said. A further paragraph of a summary is a paragraph of its own.
fn speech((row, index): (&SpeechRow, u64)) -> Vec<Block> {
    let speaker = text::line(&row.speaker);
    let speaker =
        if speaker.is_empty() { "đồng chí ………………………" } else { &speaker };
    let name = text::line(&row.name);
    let from = if name.is_empty() { String::new() } else { format!("{name} - ") };
    let at = LocalTime::of(row.at).map(|at| format!(", lúc {}", at.long_time()));
    let ms = if row.spoken_ms > 0 { row.spoken_ms } else { row.held_ms };
    let long = (ms > 0).then(|| format!(", thời lượng {}", calendar::duration(ms)));
    let lead =
        format!("{index}) {from}{speaker}{}{}:", at.unwrap_or_default(), long.unwrap_or_default());
    let mut summary = text::paragraphs(&row.summary).into_iter();
    let first = Block::new(lead, summary.next().unwrap_or_default());
    std::iter::once(first).chain(summary.map(Block::plain)).collect()
}

/// "- Báo cáo 6 tháng (24 trang; đã trình chiếu trang 1-3, 7)."
fn paper(row: &PaperRow) -> Block {
    let runs = row.shown.iter().map(|(from, to)| match from == to {
        true => from.to_string(),
        false => format!("{from}-{to}"),
    });
    let shown = match runs.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => none,
        runs => format!("; đã trình chiếu trang {runs}"),
    };
    Block::plain(format!("- {} ({} trang{shown}).", text::line(&row.name), row.pages))
}

fn recording(row: &RecordingRow) -> Block {
    let started = moment(row.started_at).unwrap_or_else(|| BLANK_TIME.to_owned());
    let length = match row.ms {
        0 => "đang dựng".to_owned(),
        ms => format!("dài {}", calendar::duration(ms)),
    };
    let sha256 = text::line(&row.sha256);
    let sha256 = if sha256.is_empty() { String::new() } else { format!("; mã SHA-256: {sha256}") };
    let text = format!("- Bản ghi {}: bắt đầu {started}; {length}{sha256}.", row.recording);
    Block::ragged(text)
}

fn closing(document: &MinutesDocument, gathering: &str) -> String {
    let ended = (document.ended_at > document.started_at).then(|| moment(document.ended_at));
    let ended = ended.flatten().unwrap_or_else(|| BLANK_TIME.to_owned());
    format!("{gathering} kết thúc vào {ended}./.")
}

/// A signature carries the name alone: "Đồng chí Nguyễn Văn A, Phó Bí thư Tỉnh ủy" signs as
/// "Nguyễn Văn A". A hyphen inside a name is part of it.
fn bare_name(name_and_office: &str) -> String {
    const HONORIFICS: [&str; 5] = ["đồng chí ", "đồng chí: ", "đ/c ", "ông ", "bà "];
    const ENDS: [&str; 5] = [",", ";", "(", " - ", " – "];
    let line = text::line(name_and_office);
    let end = ENDS.iter().filter_map(|end| line.find(end)).min().unwrap_or(line.len());
    let name = line[..end].trim();
    let plain = HONORIFICS.iter().find_map(|honorific| {
        let (head, rest) = name.split_at_checked(honorific.len())?;
        (head.to_lowercase() == *honorific).then_some(rest)
    });
    plain.unwrap_or(name).trim().to_owned()
}

/// "- Như trên;", the last one with a full stop.
fn recipients(document: &MinutesDocument) -> Vec<String> {
    let named = document.recipients.iter().flat_map(|text| text::paragraphs(text));
    let mut lines: Vec<String> = named
        .map(|name| name.trim_start_matches(['-', '–', '+', ' ']).to_owned())
        .map(|name| name.trim_end_matches([';', '.', ',', ' ']).to_owned())
        .filter(|name| !name.is_empty())
        .map(|name| format!("- {name};"))
        .collect();
    if let Some(last) = lines.last_mut() {
        last.pop();
        last.push('.');
    }
    lines
}

fn seal(document: &MinutesDocument) -> String {
    match text::line(&document.log_hash) {
        hash if hash.is_empty() => hash,
        hash => format!("Nhật ký sự kiện (SHA-256): {hash}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample;
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn a_signature_carries_the_name_without_honorific_and_office() {
        for (written, name) in [
            ("Đồng chí Nguyễn Văn An, Phó Bí thư Tỉnh ủy", "Nguyễn Văn An"),
            ("ĐỒNG CHÍ: Trần Thị Ước - chuyên viên", "Trần Thị Ước"),
            ("Bà Hồ Thị Bưởi (Chánh Văn phòng)", "Hồ Thị Bưởi"),
            ("Bàn Văn Ông", "Bàn Văn Ông"),
            ("Y-Thiêm Hồ; Bí thư", "Y-Thiêm Hồ"),
            ("ồ", "ồ"),
            ("", ""),
        ] {
            assert_eq!(bare_name(written), name);
        }
    }

    #[test]
    fn recipients_get_dashes_semicolons_and_a_final_full_stop() {
        let mut document = sample(MinutesForm::State, 0);
        document.recipients = vec!["- Như trên;\n+ Tỉnh ủy".into(), " ".into(), "Lưu: VT.".into()];
        assert_eq!(recipients(&document), ["- Như trên;", "- Tỉnh ủy;", "- Lưu: VT."]);
    }

    #[test]
    fn a_site_that_was_cut_off_shows_how_long_it_was_connected_and_another_day_is_named() {
        let document = sample(MinutesForm::State, 1);
        let mut row = document.attendance[0].clone();
        let shown = |row: &AttendanceRow| times(row, document.started_at);
        assert_eq!(shown(&row), "08:00 – 11:30");
        row.connected_ms = 2_700_000;
        assert_eq!(shown(&row), "08:00 – 11:30 (kết nối 45 phút)");
        row.left_at = row.left_at.map(|at| Timestamp(at.0 + 24 * HOUR));
        assert_eq!(shown(&row), "08:00 – 11:30 24/11 (kết nối 45 phút)");
        row.left_at = None;
        assert_eq!(shown(&row), "08:00 – …");
    }

    #[test]
    fn absent_sites_are_listed_but_bring_no_delegates() {
        let mut document = sample(MinutesForm::State, 2);
        document.attendance[1].present = false;
        document.attendance[1].headcount = 99;
        document.attendance[0].headcount = 2_134;
        assert_eq!(participants(&document), "1/2 điểm cầu, 2.134 đại biểu, cụ thể như sau:");
        let table = table(&document).unwrap();
        assert_eq!(table.rows[1][2..4], ["Vắng".to_owned(), "–".to_owned()]);
        assert_eq!(
            (table.total_present.as_str(), table.total_delegates.as_str()),
            ("1/2", "2.134")
        );
    }

    #[test]
    fn parts_that_hold_nothing_are_left_out_and_the_rest_is_numbered_on() {
        let mut document = sample(MinutesForm::Party, 2);
        document.speeches.clear();
        document.recordings.clear();
        document.votes.clear();
        document.papers.clear();
        let headings: Vec<_> = sections(&document).into_iter().map(|part| part.heading).collect();
        let expected = [
            "1. Mục đích, chương trình, khai mạc",
            "2. Nội dung quyết định",
            "3. Kết luận của chủ trì",
        ];
        assert_eq!(headings, expected);
    }

    #[test]
    fn a_speech_that_was_not_heard_counts_the_time_of_the_floor() {
        let mut row = sample(MinutesForm::State, 1).speeches[0].clone();
        row.spoken_ms = 0;
        row.summary = "Một.\nHai.".into();
        let blocks = speech((&row, 3));
        assert!(blocks[0].lead.starts_with("3) Điểm cầu xã số 0 - Đ/c Lê Văn Đức"));
        assert!(blocks[0].lead.ends_with("lúc 08 giờ 30 phút, thời lượng 5 phút:"));
        assert_eq!((blocks[0].text.as_str(), blocks[1].text.as_str()), ("Một.", "Hai."));
    }
}
