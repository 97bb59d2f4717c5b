//! The container of Word, PowerPoint and Excel files: a ZIP archive (APPNOTE 6.3), read as far as is needed to know
//! what it is and that it unpacks to no more than it says. Everything is counted; nothing is kept.

use std::io::{Read, Seek, SeekFrom};

use flate2::read::DeflateDecoder;
use protocol::error::ErrorCode;
use protocol::paper::PaperKind;

/// Files in an archive.
const ENTRIES_MAX: usize = 10_000;

/// The list of an archive's files, bytes.
const DIRECTORY_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What an archive may unpack to, bytes.
const UNPACKED_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A file in it that unpacks to more than this many times its size is a bomb…
const RATIO_MAX: u64 = 200;

/// …unless it stays below this, bytes: an empty sheet of a thousand rows packs very well.
const RATIO_FREE_BYTES: u64 = 8 * 1024 * 1024;

/// The end record lies in the last so many bytes: 22, and a comment of at most 65,535.
const END_WITHIN: u64 = 22 + 65_535;

/// An XML part declares its entities in its first bytes, if at all.
const XML_HEAD_BYTES: usize = 4_096;

/// One file of an archive, as its directory says.
struct Entry {
    name: Vec<u8>,
    method: u16,
    packed: u64,
    unpacked: u64,
    offset: u64,
}

/// Which office format an archive is.
pub(crate) fn office_kind<F: Read + Seek>(file: &mut F) -> Result<PaperKind, ErrorCode> {
    let entries = directory(file)?;
    let total = entries.iter().try_fold(0_u64, |sum, it| sum.checked_add(it.unpacked));
    if total.is_none_or(|it| it > UNPACKED_BYTES_MAX) || entries.iter().any(is_bomb) {
        return Err(ErrorCode::PaperBomb);
    }
    let has = |name: &[u8]| entries.iter().any(|it| it.name == name);
    if !has(b"[Content_Types].xml") || entries.iter().any(|it| it.name.ends_with(b"vbaProject.bin"))
    {
        return Err(ErrorCode::PaperKindUnknown);
    }
    let kind = match () {
        () if has(b"word/document.xml") => PaperKind::Docx,
        () if has(b"ppt/presentation.xml") => PaperKind::Pptx,
        () if has(b"xl/workbook.xml") => PaperKind::Xlsx,
        () => return Err(ErrorCode::PaperKindUnknown),
    };
    for entry in &entries {
        unpacks(file, entry)?;
    }
    Ok(kind)
}

fn is_bomb(entry: &Entry) -> bool {
    entry.unpacked > RATIO_FREE_BYTES && entry.unpacked / RATIO_MAX > entry.packed
}

fn directory<F: Read + Seek>(file: &mut F) -> Result<Vec<Entry>, ErrorCode> {
    let length = file.seek(SeekFrom::End(0)).map_err(damaged)?;
    let tail = read_at(file, length.saturating_sub(END_WITHIN), END_WITHIN)?;
    let end =
        tail.windows(4).rposition(|it| it == b"PK\x05\x06").ok_or(ErrorCode::PaperUnreadable)?;
    let end = tail.get(end..).ok_or(ErrorCode::PaperUnreadable)?;
    let n_entries = usize::from(u16_at(end, 10)?);
    let (size, offset) = (u64::from(u32_at(end, 12)?), u64::from(u32_at(end, 16)?));
    // All ones: a ZIP64 archive, for files of gigabytes.
    if n_entries > ENTRIES_MAX || size > DIRECTORY_BYTES_MAX || offset == u64::from(u32::MAX) {
        return Err(ErrorCode::PaperBomb);
    }
    let list = read_at(file, offset, size)?;
    let mut rest = list.as_slice();
    let mut entries = Vec::with_capacity(n_entries);
    for _ in 0..n_entries {
        if !rest.starts_with(b"PK\x01\x02") {
            return Err(ErrorCode::PaperUnreadable);
        }
        let n_name = usize::from(u16_at(rest, 28)?);
        let n_more = usize::from(u16_at(rest, 30)?) + usize::from(u16_at(rest, 32)?);
        entries.push(Entry {
            name: rest.get(46..46 + n_name).ok_or(ErrorCode::PaperUnreadable)?.to_vec(),
            method: u16_at(rest, 10)?,
            packed: u64::from(u32_at(rest, 20)?),
            unpacked: u64::from(u32_at(rest, 24)?),
            offset: u64::from(u32_at(rest, 42)?),
        });
        rest = rest.get(46 + n_name + n_more..).ok_or(ErrorCode::PaperUnreadable)?;
    }
    Ok(entries)
}

/// Unpacks a file to nowhere: it must end where the directory says, and, if it is XML, declare no entities.
fn unpacks<F: Read + Seek>(file: &mut F, entry: &Entry) -> Result<(), ErrorCode> {
    let head = read_at(file, entry.offset, 30)?;
    if !head.starts_with(b"PK\x03\x04") {
        return Err(ErrorCode::PaperUnreadable);
    }
    let skip = u64::from(u16_at(&head, 26)?) + u64::from(u16_at(&head, 28)?);
    file.seek(SeekFrom::Start(entry.offset + 30 + skip)).map_err(damaged)?;
    let packed = Read::take(&mut *file, entry.packed);
    match entry.method {
        0 if entry.packed == entry.unpacked => counted(packed, entry),
        8 => counted(DeflateDecoder::new(packed), entry),
        _ => Err(ErrorCode::PaperUnreadable),
    }
}

fn counted(mut from: impl Read, entry: &Entry) -> Result<(), ErrorCode> {
    let is_xml = entry.name.ends_with(b".xml") || entry.name.ends_with(b".rels");
    let mut block = [0_u8; 32 * 1024];
    let (mut n, mut head) = (0_u64, Vec::<u8>::new());
    loop {
        let got = from.read(&mut block).map_err(damaged)?;
        if got == 0 {
            break;
        }
        let bytes = block.get(..got).unwrap_or_default();
        if is_xml && head.len() < XML_HEAD_BYTES {
            head.extend(bytes.iter().take(XML_HEAD_BYTES - head.len()));
            if head.windows(9).any(|it| it == b"<!DOCTYPE") {
                return Err(ErrorCode::PaperBomb);
            }
        }
        n += u64::try_from(got).unwrap_or(u64::MAX);
        if n > entry.unpacked {
            return Err(ErrorCode::PaperBomb);
        }
    }
    if n == entry.unpacked { Ok(()) } else { Err(ErrorCode::PaperUnreadable) }
}

fn read_at<F: Read + Seek>(file: &mut F, offset: u64, n: u64) -> Result<Vec<u8>, ErrorCode> {
    file.seek(SeekFrom::Start(offset)).map_err(damaged)?;
    let mut bytes = Vec::new();
    Read::take(&mut *file, n).read_to_end(&mut bytes).map_err(damaged)?;
    Ok(bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, ErrorCode> {
    let found = bytes.get(at..at + 2).and_then(|it| it.try_into().ok());
    found.map(u16::from_le_bytes).ok_or(ErrorCode::PaperUnreadable)
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, ErrorCode> {
    let found = bytes.get(at..at + 4).and_then(|it| it.try_into().ok());
    found.map(u32::from_le_bytes).ok_or(ErrorCode::PaperUnreadable)
}

fn damaged(_: std::io::Error) -> ErrorCode {
    ErrorCode::PaperUnreadable
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use flate2::Compression;
    use flate2::write::DeflateEncoder;
    use proptest::prelude::*;

    use super::*;

    /// An archive; the third of each says how large it unpacks, where it lies.
    fn archive(files: &[(&str, &[u8], Option<u32>)]) -> Vec<u8> {
        let (mut out, mut list) = (Vec::new(), Vec::new());
        for (name, bytes, said) in files {
            let mut packer = DeflateEncoder::new(Vec::new(), Compression::best());
            packer.write_all(bytes).unwrap();
            let packed = packer.finish().unwrap();
            let size = said.unwrap_or(u32::try_from(bytes.len()).unwrap());
            let offset = u32::try_from(out.len()).unwrap();
            let n_packed = u32::try_from(packed.len()).unwrap();
            let n_name = u16::try_from(name.len()).unwrap();
            let mut common = vec![20, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            common.extend(n_packed.to_le_bytes());
            common.extend(size.to_le_bytes());
            common.extend(n_name.to_le_bytes());
            common.extend([0, 0]);
            out.extend(b"PK\x03\x04");
            out.extend(&common);
            out.extend(name.as_bytes());
            out.extend(packed);
            list.extend(b"PK\x01\x02\x14\0");
            list.extend(&common);
            list.extend([0; 10]);
            list.extend(offset.to_le_bytes());
            list.extend(name.as_bytes());
        }
        let (at, n) = (u32::try_from(out.len()).unwrap(), u32::try_from(list.len()).unwrap());
        let n_files = u16::try_from(files.len()).unwrap();
        out.extend(list);
        out.extend(b"PK\x05\x06\0\0\0\0");
        out.extend(n_files.to_le_bytes());
        out.extend(n_files.to_le_bytes());
        out.extend(n.to_le_bytes());
        out.extend(at.to_le_bytes());
        out.extend([0, 0]);
        out
    }

    const TYPES: (&str, &[u8], Option<u32>) = ("[Content_Types].xml", b"<Types/>", None);

    fn of(files: &[(&str, &[u8], Option<u32>)]) -> Result<PaperKind, ErrorCode> {
        office_kind(&mut Cursor::new(archive(files)))
    }

    #[test]
    fn the_three_office_formats_are_told_apart() {
        assert_eq!(of(&[TYPES, ("word/document.xml", b"<w/>", None)]), Ok(PaperKind::Docx));
        assert_eq!(of(&[TYPES, ("ppt/presentation.xml", b"<p/>", None)]), Ok(PaperKind::Pptx));
        assert_eq!(of(&[TYPES, ("xl/workbook.xml", b"<x/>", None)]), Ok(PaperKind::Xlsx));
    }

    #[test]
    fn another_archive_and_one_with_macros_are_not_taken() {
        assert_eq!(of(&[("a.exe", b"MZ", None)]), Err(ErrorCode::PaperKindUnknown));
        let macros = ("word/vbaProject.bin", &b"x"[..], None);
        let files = [TYPES, ("word/document.xml", b"<w/>", None), macros];
        assert_eq!(of(&files), Err(ErrorCode::PaperKindUnknown));
    }

    #[test]
    fn a_bomb_is_refused_whether_it_says_its_size_or_not() {
        let zeros = vec![b' '; 20 * 1024 * 1024];
        let honest = [TYPES, ("word/document.xml", zeros.as_slice(), None)];
        assert_eq!(of(&honest), Err(ErrorCode::PaperBomb));
        let lying = [TYPES, ("word/document.xml", zeros.as_slice(), Some(1_000))];
        assert_eq!(of(&lying), Err(ErrorCode::PaperBomb));
    }

    #[test]
    fn entities_are_refused() {
        let xml = b"<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"bbbb\">]><a>&b;</a>";
        assert_eq!(of(&[TYPES, ("word/document.xml", xml, None)]), Err(ErrorCode::PaperBomb));
    }

    proptest! {
        #[test]
        fn a_damaged_archive_ends_in_a_code(at in 0_usize..400, byte: u8, cut in 0_usize..400) {
            let mut file = archive(&[TYPES, ("word/document.xml", b"<w>text</w>", None)]);
            if let Some(it) = file.get_mut(at) { *it = byte; }
            file.truncate(file.len().saturating_sub(cut));
            let _ = office_kind(&mut Cursor::new(file));
        }
    }
}
