//! Letters as masks: Arimo Bold, which has every Vietnamese letter, inside the binary.

use std::collections::HashMap;

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use unicode_normalization::UnicodeNormalization;

use super::canvas::Mask;

/// Most texts kept drawn. The clock makes a new one every second; when full, all are forgotten.
const DRAWN_MAX: usize = 256;

/// Draws texts, and keeps those that come again.
pub(super) struct Letters {
    font: FontRef<'static>,
    drawn: HashMap<(String, u32, usize), Mask>,
}

impl Letters {
    /// The built-in face.
    pub(super) fn new() -> Self {
        let bytes = include_bytes!("../../assets/fonts/Arimo-Bold.ttf");
        let font =
            FontRef::try_from_slice(bytes).expect("the built-in font is whole; a test reads it");
        Self { font, drawn: HashMap::new() }
    }

    /// A text in letters of `size` pixels from line to line, cut with an ellipsis at `width_max` pixels.
    pub(super) fn draw(&mut self, text: &str, size: u32, width_max: usize) -> &Mask {
        if self.drawn.len() >= DRAWN_MAX {
            self.drawn.clear();
        }
        let Self { font, drawn } = self;
        drawn.entry((text.to_owned(), size, width_max)).or_insert_with(|| {
            let composed: String = text.nfc().filter(|letter| !letter.is_control()).collect();
            draw(font, &cut(font, &composed, size, width_max), size)
        })
    }
}

/// Width of a text, pixels.
fn width_of(font: &FontRef<'_>, text: &str, size: u32) -> f32 {
    let font = font.as_scaled(PxScale::from(size as f32));
    let (mut width, mut before) = (0.0, None);
    for letter in text.chars() {
        let glyph = font.glyph_id(letter);
        width += before.map_or(0.0, |before| font.kern(before, glyph)) + font.h_advance(glyph);
        before = Some(glyph);
    }
    width
}

/// The text itself if it fits, else as much of it as fits before an ellipsis.
fn cut(font: &FontRef<'_>, text: &str, size: u32, width_max: usize) -> String {
    if width_of(font, text, size) <= width_max as f32 {
        return text.to_owned();
    }
    let mut letters: Vec<char> = text.chars().take(500).collect();
    while letters.pop().is_some() {
        let short = letters.iter().collect::<String>().trim_end().to_owned() + "…";
        if width_of(font, &short, size) <= width_max as f32 {
            return short;
        }
    }
    String::new()
}

fn draw(font: &FontRef<'_>, text: &str, size: u32) -> Mask {
    let width = width_of(font, text, size).ceil() as usize + 2;
    let scaled = font.as_scaled(PxScale::from(size as f32));
    let height = scaled.height().ceil() as usize;
    let mut mask = Mask { width, height, cover: vec![0; width * height] };
    let (mut x, mut before) = (0.0, None);
    for letter in text.chars() {
        let id = scaled.glyph_id(letter);
        x += before.map_or(0.0, |before| scaled.kern(before, id));
        before = Some(id);
        let glyph = id.with_scale_and_position(size as f32, point(x, scaled.ascent()));
        x += scaled.h_advance(id);
        let Some(outline) = font.outline_glyph(glyph) else { continue };
        let bounds = outline.px_bounds();
        outline.draw(|column, row, cover| {
            let at_x = bounds.min.x as i64 + i64::from(column);
            let at_y = bounds.min.y as i64 + i64::from(row);
            let (Ok(at_x), Ok(at_y)) = (usize::try_from(at_x), usize::try_from(at_y)) else {
                return;
            };
            if at_x < width && at_y < height {
                let pixel = &mut mask.cover[at_y * width + at_x];
                *pixel = pixel.saturating_add((cover * 255.0) as u8);
            }
        });
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIETNAMESE: &str =
        "aăâbcdđeêghiklmnoôơpqrstuưvxyàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ";

    #[test]
    fn every_vietnamese_letter_is_in_the_font() {
        let letters = Letters::new();
        let upper = VIETNAMESE.to_uppercase();
        for letter in VIETNAMESE.chars().chain(upper.chars()).chain("…–:/".chars()) {
            assert_ne!(letters.font.glyph_id(letter).0, 0, "{letter} is missing");
        }
    }

    #[test]
    fn a_text_in_separate_marks_is_drawn_as_its_composed_letters() {
        let mut letters = Letters::new();
        let composed = letters.draw("Lệ Thủy", 20, 500).clone();
        let parted: String = "Lệ Thủy".nfd().collect();
        assert_eq!(*letters.draw(&parted, 20, 500), composed);
        assert!(composed.cover.iter().any(|cover| *cover > 200));
    }

    #[test]
    fn a_long_text_is_cut_to_its_place() {
        let mut letters = Letters::new();
        let long = "Điểm cầu Trung tâm Phục vụ hành chính công tỉnh Quảng Trị";
        assert!(letters.draw(long, 15, 200).width <= 202);
        assert_eq!(letters.draw(long, 15, 0).width, 2);
    }
}
