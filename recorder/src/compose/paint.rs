//! Draws cells, cards and the line at the bottom. Only what changed is drawn again.

use protocol::media::{Source, TrackKey};
use protocol::time::Timestamp;

use super::canvas::{Canvas, Colour, Rect};
use super::layout::{BAR, Cell, HEIGHT, WIDTH};
use super::text::Letters;
use crate::media::VideoDecoder;

/// Time in Việt Nam, ms ahead of UTC; it knows no summer time.
const ZONE_MS: i64 = 7 * 3_600 * 1_000;

const GROUND: Colour = Colour::rgb(14, 22, 36);
const CARD: Colour = Colour::rgb(33, 48, 71);
const LETTERBOX: Colour = Colour::rgb(0, 0, 0);
const BAR_GROUND: Colour = Colour::rgb(8, 13, 22);
const STRIP: Colour = Colour::rgb(6, 12, 22);
const LIGHT: Colour = Colour::rgb(255, 255, 255);
const QUIET: Colour = Colour::rgb(163, 178, 201);
/// Who has the floor: the gold of the national flag's star.
const FLOOR: Colour = Colour::rgb(255, 205, 0);

/// How much the strip under a name hides of the picture, of 255: letters are read on white paper too.
const STRIP_COVER: u8 = 185;

/// What a cell can show: the picture's number, or nothing.
pub(super) type Version = Option<u64>;

/// Gives pictures of tracks.
pub(super) trait Pictures {
    /// Number of the track's present picture; none: nothing to show.
    fn version(&self, track: &TrackKey) -> Version;
    /// The decoder that holds it.
    fn decoder(&mut self, track: &TrackKey) -> Option<&mut VideoDecoder>;
}

/// See the file.
pub(super) struct Painter {
    /// The picture.
    pub canvas: Canvas,
    letters: Letters,
    title: String,
    drawn: Drawn,
    clock: String,
}

#[derive(PartialEq, Eq)]
enum Drawn {
    Nothing,
    Cells(Vec<(Cell, Version)>),
    Gap(i64),
    Recess(String),
}

impl Painter {
    /// An empty canvas with a title below.
    pub(super) fn new(title: &str) -> Self {
        Self {
            canvas: Canvas::new(WIDTH, HEIGHT, GROUND),
            letters: Letters::new(),
            title: title.to_owned(),
            drawn: Drawn::Nothing,
            clock: String::new(),
        }
    }

    /// Draws the cells of a moment.
    pub(super) fn cells(&mut self, cells: &[Cell], pictures: &mut dyn Pictures) {
        let wanted: Vec<(Cell, Version)> =
            cells.iter().map(|cell| (cell.clone(), pictures.version(&cell.track))).collect();
        let before = match std::mem::replace(&mut self.drawn, Drawn::Nothing) {
            Drawn::Cells(before) if is_same_layout(&before, cells) => before,
            Drawn::Cells(_) | Drawn::Nothing | Drawn::Gap(_) | Drawn::Recess(_) => {
                self.clear();
                Vec::new()
            }
        };
        for (n, (cell, version)) in wanted.iter().enumerate() {
            if before.get(n).is_some_and(|(_, drawn)| drawn == version) {
                continue;
            }
            match (version, pictures.decoder(&cell.track)) {
                (Some(_), Some(decoder)) => self.picture(cell, decoder),
                (Some(_) | None, _) => self.card(cell),
            }
        }
        if wanted.is_empty() && before.is_empty() {
            self.centred("Chưa có điểm cầu nào trong phòng họp", 30, 320, QUIET);
        }
        self.drawn = Drawn::Cells(wanted);
    }

    /// Draws the card of a stretch that was not recorded.
    pub(super) fn gap(&mut self, from: Timestamp, to: Timestamp) {
        if self.drawn == Drawn::Gap(from.0) {
            return;
        }
        self.clear();
        self.centred("Gián đoạn ghi hình", 56, 270, LIGHT);
        let times = format!("từ {} đến {}", clock_of(from), clock_of(to));
        self.centred(&times, 32, 350, QUIET);
        self.drawn = Drawn::Gap(from.0);
    }

    /// Draws the words of a recess.
    pub(super) fn recess(&mut self, words: &str) {
        if self.drawn == Drawn::Recess(words.to_owned()) {
            return;
        }
        self.clear();
        self.centred(if words.is_empty() { "Giải lao" } else { words }, 56, 290, LIGHT);
        self.drawn = Drawn::Recess(words.to_owned());
    }

    /// Draws title and time, and the words that stood on every screen.
    pub(super) fn bar(&mut self, now: Timestamp, words: &str) {
        let clock = format!("{} {}", date_of(now), clock_of(now));
        if clock == self.clock {
            return;
        }
        self.canvas.fill(BAR, BAR_GROUND);
        let mask = self.letters.draw(&clock, 20, 300);
        let left = WIDTH - 16 - mask.width;
        let y = BAR.y + (BAR.height - mask.height) / 2;
        self.canvas.stamp(left, y, mask, QUIET);
        let title = match words {
            "" => self.title.clone(),
            words => format!("{} · {words}", self.title),
        };
        let mask = self.letters.draw(&title, 20, left - 48);
        self.canvas.stamp(16, y, mask, LIGHT);
        self.clock = clock;
    }

    fn clear(&mut self) {
        let above = Rect::new(0, 0, WIDTH, BAR.y);
        self.canvas.fill(above, GROUND);
    }

    fn picture(&mut self, cell: &Cell, decoder: &mut VideoDecoder) {
        let Some((width, height)) = decoder.size() else { return };
        let mut rect = cell.rect.fit(width, height);
        // A frame of a few pixels is worse than a shape that is a hair wrong.
        if cell.rect.width - rect.width <= 8 && cell.rect.height - rect.height <= 8 {
            rect = cell.rect;
        } else {
            self.canvas.fill(cell.rect, LETTERBOX);
        }
        // A picture of a shape that cannot be scaled is no picture.
        if decoder.draw(&mut self.canvas, rect).is_err() {
            return self.card(cell);
        }
        self.strip(cell);
        self.frame(cell);
    }

    /// The name over the picture's lower edge.
    fn strip(&mut self, cell: &Cell) {
        let (size, height, indent) = if cell.is_main { (28, 44, 16) } else { (16, 26, 8) };
        let rect = cell.rect;
        let strip = Rect::new(rect.x, rect.y + rect.height - height, rect.width, height);
        self.canvas.shade(strip, STRIP, STRIP_COVER);
        if cell.has_floor {
            let mark = Rect::new(strip.x, strip.y, if cell.is_main { 6 } else { 4 }, height);
            self.canvas.fill(mark, FLOOR);
        }
        let name = label(cell);
        let mask = self.letters.draw(&name, size, rect.width - 2 * indent);
        let y = strip.y + (height.saturating_sub(mask.height)) / 2;
        self.canvas.stamp(strip.x + indent, y, mask, LIGHT);
    }

    /// A calm card for a site without a picture.
    fn card(&mut self, cell: &Cell) {
        let rect = cell.rect;
        self.canvas.fill(rect, CARD);
        let (size, small) = if cell.is_main { (44, 24) } else { (18, 14) };
        let middle = rect.y + rect.height / 2;
        let mask = self.letters.draw(&cell.name, size, rect.width - 24);
        let x = rect.x + (rect.width - mask.width.min(rect.width)) / 2;
        self.canvas.stamp(x, middle - mask.height, mask, LIGHT);
        let mask = self.letters.draw("Không có hình", small, rect.width - 24);
        let x = rect.x + (rect.width - mask.width.min(rect.width)) / 2;
        self.canvas.stamp(x, middle + 4, mask, QUIET);
        self.frame(cell);
    }

    /// A gold frame around who has the floor.
    fn frame(&mut self, cell: &Cell) {
        if !cell.has_floor {
            return;
        }
        let (r, w) = (cell.rect, 4);
        let (left, top) = (r.x - w, r.y - w);
        for edge in [
            Rect::new(left, top, r.width + 2 * w, w),
            Rect::new(left, r.y + r.height, r.width + 2 * w, w),
            Rect::new(left, r.y, w, r.height),
            Rect::new(r.x + r.width, r.y, w, r.height),
        ] {
            self.canvas.fill(edge, FLOOR);
        }
    }

    fn centred(&mut self, text: &str, size: u32, y: usize, colour: Colour) {
        let mask = self.letters.draw(text, size, WIDTH - 80);
        self.canvas.stamp((WIDTH - mask.width.min(WIDTH)) / 2, y, mask, colour);
    }
}

/// What stands on the strip.
fn label(cell: &Cell) -> String {
    match cell.track.source {
        Source::Screen | Source::ScreenAudio => format!("{} – tài liệu trình chiếu", cell.name),
        Source::Camera | Source::Microphone => cell.name.clone(),
    }
}

fn is_same_layout(before: &[(Cell, Version)], cells: &[Cell]) -> bool {
    before.len() == cells.len() && before.iter().zip(cells).all(|((was, _), is)| was == is)
}

/// Time of day: 09:15:20.
fn clock_of(at: Timestamp) -> String {
    let seconds = (at.0 + ZONE_MS).div_euclid(1_000).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// Day: 23/11/2026 (the civil calendar from days since 1970; H. Hinnant, "chrono-compatible low-level date
/// algorithms").
fn date_of(at: Timestamp) -> String {
    let days = (at.0 + ZONE_MS).div_euclid(86_400_000) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{day:02}/{month:02}/{year}")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct NoPictures;

    impl Pictures for NoPictures {
        fn version(&self, _: &TrackKey) -> Version {
            None
        }

        fn decoder(&mut self, _: &TrackKey) -> Option<&mut VideoDecoder> {
            None
        }
    }

    #[test]
    fn times_are_those_of_viet_nam() {
        let at = Timestamp(1_795_456_800_000);
        assert_eq!((date_of(at), clock_of(at)), ("24/11/2026".into(), "01:00:00".into()));
        assert_eq!(date_of(Timestamp(951_782_400_000)), "29/02/2000");
        assert_eq!(date_of(Timestamp(-1)), "01/01/1970");
    }

    #[test]
    fn a_gap_a_card_and_the_bar_leave_their_letters_on_the_canvas() {
        let mut painter = Painter::new("Họp giao ban");
        let bright = |painter: &Painter, rect: Rect| {
            let rows = rect.y..rect.y + rect.height;
            rows.flat_map(|y| (rect.x..rect.x + rect.width).map(move |x| (x, y)))
                .filter(|(x, y)| painter.canvas.brightness(*x, *y) > 180)
                .count()
        };
        painter.bar(Timestamp(0), "");
        assert!(bright(&painter, Rect::new(16, BAR.y, 200, 38)) > 100);
        painter.gap(Timestamp(0), Timestamp(5_000));
        assert!(bright(&painter, Rect::new(300, 260, 680, 80)) > 1_000);
        painter.recess("Tiếp tục lúc 14 giờ 00");
        let words = bright(&painter, Rect::new(300, 280, 680, 80));
        assert!(words > 1_000, "{words}");
        painter.recess("");
        assert!(
            bright(&painter, Rect::new(300, 280, 680, 80)) < words,
            "the words before are gone"
        );
        let cell = Cell {
            track: TrackKey { publisher: "a".into(), source: Source::Camera },
            rect: Rect::new(8, 50, 1_032, 580),
            is_main: true,
            has_floor: true,
            name: "Điểm cầu xã Lệ Thủy".into(),
        };
        painter.cells(&[cell], &mut NoPictures);
        assert!(bright(&painter, Rect::new(300, 280, 500, 60)) > 1_000);
        assert_eq!(bright(&painter, Rect::new(1_100, 300, 100, 60)), 0);
    }
}
