//! The two administrative forms as data: margins, sizes, words. A change of the rules is a change of a
//! number here. Sources: State: Nghị định 30/2020/NĐ-CP, Phụ lục I and III (Mẫu 1.9); Party: Hướng dẫn
//! 05-HD/VPTW of 27/5/2026, both through public transcriptions; an officer should compare once.

use protocol::minutes::MinutesForm;
use serde::Serialize;

/// Measures and words of one form. Lengths are mm, sizes of type are pt.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Form {
    /// Margins of an A4 page (State: 20–25, 20–25, 30–35, 15–20; Party: 20, 20, 30, 15).
    pub(super) margin_top: f64,
    pub(super) margin_bottom: f64,
    pub(super) margin_left: f64,
    pub(super) margin_right: f64,
    /// From the top edge to the page number (from page 2 on, centred).
    pub(super) page_number_top: f64,
    pub(super) page_number_size: f64,
    /// The superior body, capitals.
    pub(super) parent_size: f64,
    /// The issuing body, bold capitals.
    pub(super) issuing_size: f64,
    /// The first line of the right column, bold capitals.
    pub(super) emblem: &'static str,
    pub(super) emblem_size: f64,
    /// The second line, bold with a rule as long as the text; empty where the form has none.
    pub(super) motto: &'static str,
    pub(super) motto_size: f64,
    pub(super) number_size: f64,
    /// Place and date, italic.
    pub(super) date_size: f64,
    /// "BIÊN BẢN", bold capitals.
    pub(super) title_size: f64,
    /// Trích yếu, bold.
    pub(super) subject_size: f64,
    pub(super) body_size: f64,
    /// First lines are indented by this.
    pub(super) indent: f64,
    /// Baseline to baseline, pt.
    pub(super) line_pitch: f64,
    /// Between paragraphs, pt.
    pub(super) paragraph_gap: f64,
    pub(super) table_size: f64,
    /// "THƯ KÝ" and "CHỦ TỌA".
    pub(super) signer_role_bold: bool,
    pub(super) chair_role: &'static str,
    pub(super) secretary_role: &'static str,
    /// Words before the names in the list of particulars.
    pub(super) chair_label: &'static str,
    pub(super) secretary_label: &'static str,
    /// "Nơi nhận:": bold italic (State) or underlined (Party).
    pub(super) recipients_title_size: f64,
    pub(super) recipients_size: f64,
    pub(super) recipients_underlined: bool,
}

const STATE: Form = Form {
    margin_top: 20.0,
    margin_bottom: 20.0,
    margin_left: 30.0,
    margin_right: 15.0,
    page_number_top: 10.0,
    page_number_size: 14.0,
    parent_size: 13.0,
    issuing_size: 13.0,
    emblem: "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
    emblem_size: 13.0,
    motto: "Độc lập - Tự do - Hạnh phúc",
    motto_size: 14.0,
    number_size: 13.0,
    date_size: 14.0,
    title_size: 14.0,
    subject_size: 14.0,
    body_size: 14.0,
    indent: 12.7,
    line_pitch: 18.0,
    paragraph_gap: 6.0,
    table_size: 12.0,
    signer_role_bold: true,
    chair_role: "CHỦ TỌA",
    secretary_role: "THƯ KÝ",
    chair_label: "Chủ trì (chủ tọa)",
    secretary_label: "Thư ký (người ghi biên bản)",
    recipients_title_size: 12.0,
    recipients_size: 11.0,
    recipients_underlined: false,
};

const PARTY: Form = Form {
    emblem: "ĐẢNG CỘNG SẢN VIỆT NAM",
    emblem_size: 15.0,
    motto: "",
    parent_size: 14.0,
    issuing_size: 14.0,
    number_size: 14.0,
    title_size: 16.0,
    subject_size: 15.0,
    indent: 10.0,
    signer_role_bold: false,
    chair_role: "CHỦ TRÌ",
    chair_label: "Chủ trì",
    secretary_label: "Thư ký",
    recipients_title_size: 14.0,
    recipients_size: 12.0,
    recipients_underlined: true,
    ..STATE
};

/// The measures of a form.
pub(super) fn measures(form: MinutesForm) -> &'static Form {
    match form {
        MinutesForm::State => &STATE,
        MinutesForm::Party => &PARTY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_and_sizes_are_within_what_the_rules_allow() {
        assert!((20.0..=25.0).contains(&STATE.margin_top));
        assert!((20.0..=25.0).contains(&STATE.margin_bottom));
        assert!((30.0..=35.0).contains(&STATE.margin_left));
        assert!((15.0..=20.0).contains(&STATE.margin_right));
        let party = [PARTY.margin_top, PARTY.margin_bottom, PARTY.margin_left, PARTY.margin_right];
        assert_eq!(party, [20.0, 20.0, 30.0, 15.0]);
        assert_eq!((STATE.emblem_size + 1.0, STATE.date_size), (STATE.motto_size, 14.0));
        for form in [STATE, PARTY] {
            assert!((13.0..=15.0).contains(&form.body_size));
            assert!((18.0..=22.0).contains(&form.line_pitch));
            assert!(form.paragraph_gap >= 6.0);
        }
    }
}
