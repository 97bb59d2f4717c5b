//! The picture that is composed: YUV 4:2:0 planes, and what can be drawn on them without a library.

/// A rectangle in pixels; all four are even, because colour has half the resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rect {
    /// Left edge.
    pub x: usize,
    /// Upper edge.
    pub y: usize,
    /// Width.
    pub width: usize,
    /// Height.
    pub height: usize,
}

impl Rect {
    /// A rectangle; odd values are rounded down.
    pub const fn new(x: usize, y: usize, width: usize, height: usize) -> Self {
        Self { x: x & !1, y: y & !1, width: width & !1, height: height & !1 }
    }

    /// The largest rectangle of the given shape in the middle of this one.
    pub fn fit(self, width: u32, height: u32) -> Self {
        let (width, height) = (width.max(1) as usize, height.max(1) as usize);
        let by_width = self.width * height / width;
        let (w, h) = if by_width <= self.height {
            (self.width, by_width)
        } else {
            (self.height * width / height, self.height)
        };
        let (w, h) = ((w & !1).max(2), (h & !1).max(2));
        Self::new(self.x + (self.width - w) / 2, self.y + (self.height - h) / 2, w, h)
    }
}

/// A colour as brightness and two colour differences: BT.601, limited range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour([u8; 3]);

impl Colour {
    /// From sRGB.
    pub const fn rgb(red: u8, green: u8, blue: u8) -> Self {
        let (r, g, b) = (red as i32, green as i32, blue as i32);
        let y = (66 * r + 129 * g + 25 * b + 128) / 256 + 16;
        let u = (-38 * r - 74 * g + 112 * b + 128 * 257) / 256;
        let v = (112 * r - 94 * g - 18 * b + 128 * 257) / 256;
        Self([y as u8, u as u8, v as u8])
    }
}

/// How much of a colour covers each pixel, 0 to 255.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mask {
    /// Pixels a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `width * height` values.
    pub cover: Vec<u8>,
}

impl Mask {
    /// Cover at a place; nothing outside.
    fn at(&self, x: usize, y: usize) -> u32 {
        if x >= self.width || y >= self.height {
            return 0;
        }
        u32::from(self.cover[y * self.width + x])
    }
}

/// See the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canvas {
    /// Pixels, even.
    pub width: usize,
    /// Pixels, even.
    pub height: usize,
    planes: [Vec<u8>; 3],
}

impl Canvas {
    /// A canvas of one colour.
    pub fn new(width: usize, height: usize, colour: Colour) -> Self {
        let small = width / 2 * (height / 2);
        let planes =
            [vec![colour.0[0]; width * height], vec![colour.0[1]; small], vec![colour.0[2]; small]];
        Self { width, height, planes }
    }

    /// Bytes a row and the rectangle's place and size in a plane, cut to the canvas.
    fn in_plane(&self, plane: usize, rect: Rect) -> (usize, Rect) {
        let half = if plane == 0 { 1 } else { 2 };
        let x = rect.x.min(self.width);
        let y = rect.y.min(self.height);
        let width = rect.width.min(self.width - x);
        let height = rect.height.min(self.height - y);
        let cut = Rect { x: x / half, y: y / half, width: width / half, height: height / half };
        (self.width / half, cut)
    }

    /// Copies rows of a plane into a rectangle (given in pixels of the whole picture).
    pub fn paste(&mut self, plane: usize, rect: Rect, from: &[u8], from_stride: usize) {
        let (stride, rect) = self.in_plane(plane, rect);
        for row in 0..rect.height {
            let to = (rect.y + row) * stride + rect.x;
            let Some(source) = from.get(row * from_stride..row * from_stride + rect.width) else {
                return;
            };
            self.planes[plane][to..to + rect.width].copy_from_slice(source);
        }
    }

    /// Draws another canvas into a rectangle, `shrink` times smaller: each pixel is the mean of a square.
    pub fn paste_shrunk(&mut self, rect: Rect, from: &Self, shrink: usize) {
        for plane in 0..3 {
            let (stride, rect) = self.in_plane(plane, rect);
            let (from_stride, _) = from.in_plane(plane, Rect { x: 0, y: 0, width: 0, height: 0 });
            for (row, column) in
                (0..rect.height).flat_map(|row| (0..rect.width).map(move |column| (row, column)))
            {
                let corner = row * shrink * from_stride + column * shrink;
                let rows = (0..shrink).filter_map(|n| {
                    let start = corner + n * from_stride;
                    from.planes[plane].get(start..start + shrink)
                });
                let sum: u32 = rows.flatten().map(|value| u32::from(*value)).sum();
                let mean = sum / (shrink * shrink).max(1) as u32;
                self.planes[plane][(rect.y + row) * stride + rect.x + column] = mean as u8;
            }
        }
    }

    /// Copies a whole plane out, into rows of `stride` bytes.
    pub fn copy_plane(&self, plane: usize, to: &mut [u8], stride: usize) {
        let width = if plane == 0 { self.width } else { self.width / 2 };
        for (from, to) in self.planes[plane].chunks_exact(width).zip(to.chunks_mut(stride.max(1))) {
            let n = width.min(to.len());
            to[..n].copy_from_slice(&from[..n]);
        }
    }

    /// Fills a rectangle.
    pub fn fill(&mut self, rect: Rect, colour: Colour) {
        for plane in 0..3 {
            let (stride, rect) = self.in_plane(plane, rect);
            for row in rect.y..rect.y + rect.height {
                let at = row * stride + rect.x;
                self.planes[plane][at..at + rect.width].fill(colour.0[plane]);
            }
        }
    }

    /// Lays a colour over a rectangle; `cover` of 255 hides what was there.
    pub fn shade(&mut self, rect: Rect, colour: Colour, cover: u8) {
        // One table a plane: the loop below is then a look-up, also in an unoptimised build.
        for plane in 0..3 {
            let mut table = [0_u8; 256];
            for (value, shaded) in (0_u8..=255).zip(&mut table) {
                *shaded = blend(value, colour.0[plane], u32::from(cover));
            }
            let (stride, rect) = self.in_plane(plane, rect);
            for row in rect.y..rect.y + rect.height {
                let at = row * stride + rect.x;
                for value in &mut self.planes[plane][at..at + rect.width] {
                    *value = table[usize::from(*value)];
                }
            }
        }
    }

    /// Lays a colour over the pixels that a mask covers.
    pub fn stamp(&mut self, x: usize, y: usize, mask: &Mask, colour: Colour) {
        let (x, y) = (x & !1, y & !1);
        let width = mask.width.min(self.width.saturating_sub(x));
        let height = mask.height.min(self.height.saturating_sub(y));
        if width == 0 {
            return;
        }
        for row in 0..height {
            let at = (y + row) * self.width + x;
            let cover = &mask.cover[row * mask.width..row * mask.width + width];
            for (value, cover) in self.planes[0][at..at + width].iter_mut().zip(cover) {
                if *cover > 0 {
                    *value = blend(*value, colour.0[0], u32::from(*cover));
                }
            }
        }
        let small = self.width / 2;
        for row in 0..height / 2 {
            for column in 0..width / 2 {
                let (mx, my) = (column * 2, row * 2);
                let cover = mask.at(mx, my) + mask.at(mx + 1, my);
                let cover = (cover + mask.at(mx, my + 1) + mask.at(mx + 1, my + 1)) / 4;
                if cover > 0 {
                    let at = (y / 2 + row) * small + x / 2 + column;
                    for plane in 1..3 {
                        let value = &mut self.planes[plane][at];
                        *value = blend(*value, colour.0[plane], cover);
                    }
                }
            }
        }
    }

    /// Brightness at a pixel, for tests.
    #[cfg(test)]
    pub(crate) fn brightness(&self, x: usize, y: usize) -> u8 {
        self.planes[0][y * self.width + x]
    }
}

fn blend(under: u8, over: u8, cover: u32) -> u8 {
    let mixed = u32::from(under) * (255 - cover) + u32::from(over) * cover + 127;
    u8::try_from(mixed / 255).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn white_black_and_grey_have_no_colour() {
        assert_eq!(Colour::rgb(255, 255, 255), Colour([235, 128, 128]));
        assert_eq!(Colour::rgb(0, 0, 0), Colour([16, 128, 128]));
        assert_eq!(Colour::rgb(255, 0, 0), Colour([82, 90, 240]));
    }

    proptest! {
        #[test]
        fn a_picture_of_any_shape_fits_inside_and_keeps_its_shape(
            width in 16_u32..4_000, height in 16_u32..4_000,
        ) {
            let rect = Rect::new(8, 52, 1_032, 580);
            let fit = rect.fit(width, height);
            prop_assert!(fit.x >= rect.x && fit.x + fit.width <= rect.x + rect.width);
            prop_assert!(fit.y >= rect.y && fit.y + fit.height <= rect.y + rect.height);
            prop_assert!(fit.width >= rect.width - 2 || fit.height >= rect.height - 2);
        }

        #[test]
        fn drawing_outside_the_canvas_is_harmless(
            x in 0_usize..200, y in 0_usize..200, width in 0_usize..200, height in 0_usize..200,
        ) {
            let mut canvas = Canvas::new(64, 48, Colour::rgb(0, 0, 0));
            let rect = Rect::new(x, y, width, height);
            canvas.fill(rect, Colour::rgb(9, 9, 9));
            canvas.shade(rect, Colour::rgb(9, 9, 9), 100);
            canvas.paste(0, rect, &[0; 100], 10);
            let mask = Mask { width, height, cover: vec![255; width * height] };
            canvas.stamp(x, y, &mask, Colour::rgb(255, 255, 255));
        }
    }
}
