//! Small pictures along a recording, in one file: what the seek bar shows under the pointer.

use protocol::review::{THUMBS_MAX, Thumbs};

use super::canvas::{Canvas, Colour, Rect};
use super::layout::{HEIGHT, WIDTH};

/// How much smaller: 1,280 × 720 becomes 160 × 90.
const SHRINK: usize = 8;
/// Pictures a row.
const COLUMNS: usize = 10;
/// Closest that two are, µs.
const EVERY_LEAST_US: i64 = 5_000_000;
const GROUND: Colour = Colour::rgb(0, 0, 0);

/// Takes them while the recording is rendered.
pub(super) struct Sheet {
    every_us: i64,
    n_wanted: usize,
    n_taken: usize,
    canvas: Canvas,
}

impl Sheet {
    /// For a recording of this length.
    pub(super) fn new(length_us: i64) -> Self {
        let every_us = (length_us / i64::from(THUMBS_MAX) + 1).max(EVERY_LEAST_US);
        let n_wanted = usize::try_from((length_us + every_us - 1) / every_us).unwrap_or(1).max(1);
        let rows = n_wanted.div_ceil(COLUMNS);
        let size = (WIDTH / SHRINK * COLUMNS.min(n_wanted), HEIGHT / SHRINK * rows);
        // Colour has half the resolution, and an odd number of rows has no half.
        let canvas = Canvas::new(size.0.next_multiple_of(2), size.1.next_multiple_of(2), GROUND);
        Self { every_us, n_wanted, n_taken: 0, canvas }
    }

    /// Looks at the picture of a moment, and takes it if it is the middle of a stretch.
    pub(super) fn look(&mut self, us: i64, canvas: &Canvas) {
        let next_us = self.n_taken as i64 * self.every_us + self.every_us / 2;
        if us < next_us || self.n_taken >= self.n_wanted {
            return;
        }
        self.take(canvas);
    }

    fn take(&mut self, canvas: &Canvas) {
        let (width, height) = (WIDTH / SHRINK, HEIGHT / SHRINK);
        let (column, row) = (self.n_taken % COLUMNS, self.n_taken / COLUMNS);
        let place = Rect { x: column * width, y: row * height, width, height };
        self.canvas.paste_shrunk(place, canvas, SHRINK);
        self.n_taken += 1;
    }

    /// The sheet; `last` is the recording's last picture, for a stretch that was cut off before its middle.
    pub(super) fn finish(mut self, last: &Canvas) -> (Thumbs, Canvas) {
        if self.n_taken < self.n_wanted {
            self.take(last);
        }
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        let thumbs = Thumbs {
            every_ms: u64::try_from(self.every_us / 1_000).unwrap_or(0),
            count: number(self.n_taken),
            columns: number(COLUMNS.min(self.n_wanted)),
            width: number(WIDTH / SHRINK),
            height: number(HEIGHT / SHRINK),
        };
        (thumbs, self.canvas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stretch_has_its_picture_and_there_are_never_too_many() {
        for seconds in [0, 1, 4, 5, 7, 61, 3_600, 4 * 3_600, 48 * 3_600] {
            let length_us = seconds * 1_000_000;
            let mut sheet = Sheet::new(length_us);
            let canvas = Canvas::new(WIDTH, HEIGHT, GROUND);
            for us in (0..length_us).step_by(500_000) {
                sheet.look(us, &canvas);
            }
            let (thumbs, _) = sheet.finish(&canvas);
            assert!((1..=THUMBS_MAX).contains(&thumbs.count), "{seconds} s: {thumbs:?}");
            let reach_us = u64::from(thumbs.count) * thumbs.every_ms * 1_000;
            assert!(reach_us as i64 >= length_us - 200_000, "{seconds} s: {thumbs:?}");
        }
    }
}
