//! What a secretary typed, made fit for a printed page: one line or several paragraphs, without
//! characters that no page shows, with places where an endless word may break. Pure.

use unicode_normalization::UnicodeNormalization;

/// Longest run of characters without a space that stays whole in running text.
pub(super) const BODY_WORD_CHARS_MAX: usize = 30;

/// The same in a table's cell.
pub(super) const CELL_WORD_CHARS_MAX: usize = 16;

/// One line: every run of white space becomes one space, none at the ends; letters are composed (NFC),
/// as fonts and searches want them.
pub(super) fn line(text: &str) -> String {
    let text: String = text.nfc().collect();
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        let at = out.len();
        out.extend(word.chars().filter(|&c| is_visible(c)));
        if at > 0 && out.len() > at {
            out.insert(at, ' ');
        }
    }
    out
}

/// The paragraphs of a free text: each of its lines that is not empty.
pub(super) fn paragraphs(text: &str) -> Vec<String> {
    text.split(['\n', '\r', '\u{2028}', '\u{2029}', '\u{b}', '\u{c}'])
        .map(line)
        .filter(|paragraph| !paragraph.is_empty())
        .collect()
}

/// Replaces what the fonts cannot show by "?": an emoji in a remark must not stop the printing.
pub(super) fn printable(text: &str, has_glyph: impl Fn(char) -> bool) -> String {
    text.chars().map(|c| if c == ' ' || has_glyph(c) { c } else { '?' }).collect()
}

/// Lets a word longer than `word_max` characters break anywhere after each `word_max` of them. A
/// fingerprint (hexadecimal, up to 64 digits) fits on a line of its own and stays whole.
pub(super) fn breakable(text: &str, word_max: usize) -> String {
    let words = text.split(' ').map(|word| {
        let digits = word.trim_end_matches(['.', ';', ',']);
        if digits.len() <= 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return word.to_owned();
        }
        let mut out = String::with_capacity(word.len());
        for (index, c) in word.chars().enumerate() {
            if index > 0 && index % word_max == 0 {
                out.push('\u{200b}');
            }
            out.push(c);
        }
        out
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Neither a control character, nor one of those that only steer the drawing of others (a reversed
/// or hidden name must not get into minutes), nor one that XML 1.0 forbids.
fn is_visible(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
            | '\u{fffe}' | '\u{ffff}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_has_single_spaces_and_nothing_invisible() {
        assert_eq!(line("  Xã \t Lệ\u{0}\u{202e}\u{feff} Thủy\r\n"), "Xã Lệ Thủy");
        assert_eq!(line("a \u{200b} b"), "a b");
        assert_eq!(line("Le\u{323}\u{302} Thu\u{309}y"), "Lệ Thủy");
        assert_eq!(line(" \u{0} "), "");
    }

    #[test]
    fn every_line_that_says_something_is_a_paragraph() {
        assert_eq!(paragraphs("Một\r\n\r\nHai \n\u{7}\n ba\u{c}"), ["Một", "Hai", "ba"]);
        assert!(paragraphs("\n \n").is_empty());
    }

    #[test]
    fn what_the_fonts_lack_becomes_a_question_mark() {
        assert_eq!(printable("Tốt 👍 lắm", |c| (c as u32) < 0x2000), "Tốt ? lắm");
    }

    #[test]
    fn only_an_endless_word_gets_places_to_break() {
        assert_eq!(breakable("mnop qrs", 4), "mnop qrs");
        assert_eq!(breakable("mnopqrstu j", 4), "mnop\u{200b}qrst\u{200b}u j");
        let hash = format!("{}.", "0f".repeat(32));
        assert_eq!(breakable(&hash, 4), hash);
    }

    proptest! {
        #[test]
        fn no_text_keeps_a_control_character_or_an_end_of_line(text in any::<String>()) {
            for paragraph in paragraphs(&text) {
                prop_assert!(!paragraph.is_empty());
                prop_assert_eq!(paragraph.trim(), paragraph.as_str());
                prop_assert!(paragraph.chars().all(|c| !c.is_control() && is_visible(c)));
                prop_assert!(!paragraph.contains("  "));
            }
        }

        #[test]
        fn places_to_break_change_no_letter(text in "[a-zạ-ỹ ]{0,200}") {
            prop_assert_eq!(breakable(&text, 16).replace('\u{200b}', ""), text);
        }
    }
}
