//! Vietnamese text: one form to store (NFC), one key to search by (no diacritics, đ as d, lower case).
//! Computed here rather than in SQL, so that every database finds and sorts alike.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// The stored form: NFC, without control characters, without spaces around it.
pub(crate) fn nfc(text: &str) -> String {
    text.nfc().filter(|it| !it.is_control() || *it == '\n').collect::<String>().trim().to_owned()
}

/// The search key: "Xã Lệ Thủy", "xã lệ thuỷ" and their decomposed forms are all "xa le thuy".
pub(crate) fn fold(text: &str) -> String {
    text.nfd()
        .filter(|it| !is_combining_mark(*it))
        .flat_map(char::to_lowercase)
        .map(|it| if it == 'đ' { 'd' } else { it })
        .collect::<String>()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_commune_has_one_search_key() {
        for text in
            ["Xã Lệ Thủy", "Xã Lệ Thuỷ", "  xã  LỆ thủy ", "Xa\u{303} Le\u{323}\u{302} Thu\u{309}y"]
        {
            assert_eq!(fold(text), "xa le thuy", "{text}");
        }
        assert_eq!(fold("Phường Đồng Hới"), "phuong dong hoi");
    }

    #[test]
    fn stored_text_is_composed_and_has_no_control_characters() {
        assert_eq!(nfc(" Le\u{323}\u{302} Thu\u{309}y\u{0}\u{7} "), "Lệ Thủy");
    }
}
