//! What a file is, told from its content and never from its name, and whether it is safe to unpack. Reads with bounds;
//! decodes no picture and draws no page.

use std::io::{Read, Seek, SeekFrom};

use image::ImageFormat;
use protocol::error::ErrorCode;
use protocol::paper::PaperKind;

use super::zip;

/// Longest side of a picture, pixels.
const SIDE_MAX: u32 = 16_384;

/// Most pixels of a picture: it takes four bytes each while it is made smaller.
const PIXELS_MAX: u64 = 40_000_000;

/// A PDF's header may stand this far from its beginning (ISO 32000-1, annex H.3.4.1).
const PDF_HEADER_WITHIN: usize = 1_024;

/// Whether a file that begins so may be one that is taken: what is plainly another is refused before all of it came.
pub(crate) fn could_be(head: &[u8]) -> bool {
    let begins = |magic: &[u8]| head.iter().zip(magic).all(|(it, wanted)| it == wanted);
    let is_executable = begins(b"MZ") || begins(b"\x7fELF") || begins(b"#!");
    let within = head.get(..PDF_HEADER_WITHIN).unwrap_or(head);
    !is_executable
        && (head.len() < PDF_HEADER_WITHIN
            || [&b"PK\x03\x04"[..], b"\x89PNG", b"\xff\xd8\xff"].into_iter().any(begins)
            || within.windows(5).any(|it| it == b"%PDF-"))
}

/// What the file is, or why it is not taken.
pub(crate) fn identify<F: Read + Seek>(file: &mut F) -> Result<PaperKind, ErrorCode> {
    let mut head = Vec::with_capacity(PDF_HEADER_WITHIN);
    let within = u64::try_from(PDF_HEADER_WITHIN).unwrap_or(0);
    Read::take(&mut *file, within).read_to_end(&mut head).map_err(unreadable)?;
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    if head.starts_with(b"PK\x03\x04") {
        return zip::office_kind(file);
    }
    if head.starts_with(b"\x89PNG\r\n\x1a\n") {
        return picture(file, ImageFormat::Png, PaperKind::Png);
    }
    if head.starts_with(b"\xff\xd8\xff") {
        return picture(file, ImageFormat::Jpeg, PaperKind::Jpeg);
    }
    if head.windows(5).any(|it| it == b"%PDF-") {
        return Ok(PaperKind::Pdf);
    }
    Err(ErrorCode::PaperKindUnknown)
}

fn picture<F: Read + Seek>(
    file: &mut F,
    format: ImageFormat,
    kind: PaperKind,
) -> Result<PaperKind, ErrorCode> {
    let mut reader = image::ImageReader::with_format(std::io::BufReader::new(file), format);
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(16 * 1024 * 1024);
    reader.limits(limits);
    let (width, height) = reader.into_dimensions().map_err(|_| ErrorCode::PaperUnreadable)?;
    if width.max(height) > SIDE_MAX || u64::from(width) * u64::from(height) > PIXELS_MAX {
        return Err(ErrorCode::PaperBomb);
    }
    Ok(kind)
}

/// A file of ours that cannot be read is the world failing, but it says no more than a damaged one.
fn unreadable(_: std::io::Error) -> ErrorCode {
    ErrorCode::PaperUnreadable
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn of(bytes: &[u8]) -> Result<PaperKind, ErrorCode> {
        identify(&mut Cursor::new(bytes.to_vec()))
    }

    /// A PNG's head that says it is so large; the rest is not there.
    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut chunk = b"IHDR".to_vec();
        chunk.extend(width.to_be_bytes());
        chunk.extend(height.to_be_bytes());
        chunk.extend([8, 2, 0, 0, 0]);
        let mut crc = flate2::Crc::new();
        crc.update(&chunk);
        let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
        file.extend(&chunk);
        file.extend(crc.sum().to_be_bytes());
        file.extend(b"\0\0\0\0IDAT\x35\xaf\x06\x1e");
        file
    }

    #[test]
    fn a_file_is_what_its_content_says() {
        assert_eq!(of(b"%PDF-1.7\n..."), Ok(PaperKind::Pdf));
        assert_eq!(of(&png(640, 480)), Ok(PaperKind::Png));
        for other in [&b"MZ\x90\0"[..], b"\x7fELF\x02", b"#!/bin/sh\n", b"<html>", b"", b"GIF89a"] {
            assert_eq!(of(other), Err(ErrorCode::PaperKindUnknown), "{other:?}");
        }
    }

    #[test]
    fn what_is_plainly_another_file_is_known_by_its_first_bytes() {
        assert!(!could_be(b"MZ\x90\0") && !could_be(b"\x7fELF\x02") && !could_be(&[b'x'; 2_000]));
        assert!(could_be(b"%PDF-1.7") && could_be(b"PK") && could_be(&png(9, 9)));
        let mut late = vec![b' '; 900];
        late.extend(b"%PDF-1.4");
        late.resize(3_000, b' ');
        assert!(could_be(&late), "a PDF may begin with something else");
    }

    #[test]
    fn a_picture_of_100_000_pixels_is_refused_by_its_head() {
        assert_eq!(of(&png(100_000, 100_000)), Err(ErrorCode::PaperBomb));
        assert_eq!(of(&png(100_000, 1)), Err(ErrorCode::PaperBomb));
        assert_eq!(of(&png(9_000, 9_000)), Err(ErrorCode::PaperBomb));
    }

    #[test]
    fn a_cut_picture_is_unreadable() {
        assert_eq!(of(b"\x89PNG\r\n\x1a\n\0\0"), Err(ErrorCode::PaperUnreadable));
        assert_eq!(of(b"\xff\xd8\xff\xe0\0"), Err(ErrorCode::PaperUnreadable));
    }
}
