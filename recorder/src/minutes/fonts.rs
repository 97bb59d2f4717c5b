//! Tinos in four styles: the metrics of Times New Roman, and every Vietnamese letter. Embedded, so
//! that a document looks the same on every machine and nothing is looked for at run time.

use std::sync::LazyLock;

use typst::foundations::Bytes;
use typst::layout::Abs;
use typst::text::{Font, FontVariations};

/// Regular, bold, italic, bold italic.
pub(super) static FONTS: LazyLock<Vec<Font>> = LazyLock::new(|| {
    let files: [&'static [u8]; 4] = [
        include_bytes!("../../assets/fonts/Tinos-Regular.ttf"),
        include_bytes!("../../assets/fonts/Tinos-Bold.ttf"),
        include_bytes!("../../assets/fonts/Tinos-Italic.ttf"),
        include_bytes!("../../assets/fonts/Tinos-BoldItalic.ttf"),
    ];
    files.into_iter().flat_map(|file| Font::iter(Bytes::new(file))).collect()
});

/// Every style can draw it.
pub(super) fn has_glyph(c: char) -> bool {
    FONTS.iter().all(|font| font.info().coverage.contains(u32::from(c)))
}

/// How wide a text in bold of `size` pt is, pt.
pub(super) fn bold_width(text: &str, size: f64) -> f64 {
    let Some(bold) = FONTS.get(1).cloned() else { return 0.0 };
    let variant = bold.info().variant;
    let bold = bold.instantiate(variant, Abs::pt(size), &FontVariations::default());
    let advance = |c| bold.x_advance(bold.ttf().glyph_index(c)?.0);
    text.chars().filter_map(advance).map(|advance| advance.get() * size).sum()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// All letters of Vietnamese, both cases.
    pub(in super::super) const LETTERS: &str =
        "AÀẢÃÁẠĂẰẲẴẮẶÂẦẨẪẤẬBCDĐEÈẺẼÉẸÊỀỂỄẾỆGHIÌỈĨÍỊKLMNOÒỎÕÓỌÔỒỔỖỐỘƠỜỞỠỚỢPQRSTUÙỦŨÚỤƯỪỬỮỨỰVXYỲỶỸÝỴ";

    #[test]
    fn every_style_has_every_vietnamese_letter() {
        assert_eq!(FONTS.len(), 4);
        let accented = LETTERS.chars().filter(|c| !c.is_ascii()).count();
        assert_eq!(accented * 2, 134);
        for c in LETTERS.chars().chain(LETTERS.to_lowercase().chars()).chain("–…“”".chars())
        {
            assert!(has_glyph(c), "{c}");
        }
        assert!(!has_glyph('👍'));
    }

    #[test]
    fn a_wider_text_is_wider() {
        let motto = bold_width("Độc lập - Tự do - Hạnh phúc", 14.0);
        assert!((150.0..200.0).contains(&motto), "{motto}");
        assert!(bold_width("MM", 14.0) > bold_width("ii", 14.0));
    }
}
