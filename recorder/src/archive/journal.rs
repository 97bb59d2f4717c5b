//! The journal: one line of JSON for everything that the composed picture depends on. Appended only; a
//! line that a crash tore is cut off when the journal is opened again and ignored when it is read.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use protocol::control::JournalNote;
use protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Most lines that a composition reads; what comes later is counted and left out.
pub const JOURNAL_LINES_MAX: usize = 500_000;
/// Longest line.
pub const LINE_BYTES_MAX: u64 = 64 * 1024;

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
}

/// What a line tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// The room said so.
    Note {
        /// What it said.
        note: JournalNote,
    },
    /// A run of the process began to write.
    PartStarted {
        /// Its number, from 1.
        part: u32,
    },
    /// That run closed the recording in order.
    PartEnded {
        /// Its number.
        part: u32,
    },
    /// Packets came too fast for the disk and were thrown away.
    Lost {
        /// How many.
        packets: u64,
    },
    /// Nothing could be written from `from` to `at`.
    Gap {
        /// Since when.
        from: Timestamp,
        /// Packets thrown away meanwhile.
        packets: u64,
    },
}

/// Opens a journal for appending, behind its last whole line.
pub fn open(path: &Path) -> Result<File, Error> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(Error::archive(path))?;
    let whole = whole_length(&mut file).map_err(Error::archive(path))?;
    file.set_len(whole).map_err(Error::archive(path))?;
    file.seek(SeekFrom::End(0)).map_err(Error::archive(path))?;
    Ok(file)
}

/// Length up to and with the last line feed.
fn whole_length(file: &mut File) -> std::io::Result<u64> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut buffer = [0_u8; 4096];
    while end > 0 {
        let start = end.saturating_sub(buffer.len() as u64);
        let length = usize::try_from(end - start).expect("at most 4096");
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut buffer[..length])?;
        if let Some(at) = buffer[..length].iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// A line as bytes for the disk.
pub fn encode(line: &Line) -> Vec<u8> {
    let mut text = serde_json::to_vec(line).expect("a journal line is plain data");
    text.push(b'\n');
    text
}

/// Reads a journal; a missing one is empty. Lines that cannot be read are skipped and counted.
pub fn read(path: &Path) -> Result<(Vec<Line>, usize), Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        Err(error) => return Err(Error::archive(path)(error)),
    };
    let mut reader = BufReader::new(file);
    let (mut lines, mut skipped, mut text) = (Vec::new(), 0, Vec::new());
    loop {
        text.clear();
        let got = reader
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut text)
            .map_err(Error::archive(path))?;
        if got == 0 {
            break;
        }
        match serde_json::from_slice(&text) {
            Ok(line) if text.ends_with(b"\n") && lines.len() < JOURNAL_LINES_MAX => {
                lines.push(line);
            }
            Ok(_) | Err(_) => skipped += 1,
        }
    }
    Ok((lines, skipped))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn line(at: i64) -> Line {
        let note = JournalNote::Present { publisher: "le-thuy".into(), present: true };
        Line { at: Timestamp(at), event: Event::Note { note } }
    }

    #[test]
    fn cut_at_any_byte_a_journal_gives_its_whole_lines_and_can_be_continued() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("journal.jsonl");
        let text: Vec<u8> = (0..4).flat_map(|at| encode(&line(at))).collect();
        for cut in 0..=text.len() {
            let whole = text[..cut].iter().filter(|byte| **byte == b'\n').count();
            std::fs::write(&path, &text[..cut]).expect("written");
            open(&path).expect("opened").write_all(&encode(&line(9))).expect("appended");
            let (lines, skipped) = read(&path).expect("read");
            assert_eq!(lines.len(), whole + 1, "cut at {cut}");
            assert_eq!(lines[whole], line(9));
            assert_eq!(skipped, 0);
        }
    }

    #[test]
    fn a_torn_last_line_is_ignored_by_a_reader() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("journal.jsonl");
        let mut text = encode(&line(1));
        text.extend_from_slice(&encode(&line(2))[..10]);
        std::fs::write(&path, &text).expect("written");
        assert_eq!(read(&path).expect("read"), (vec![line(1)], 1));
        assert_eq!(read(&dir.path().join("none")).expect("read"), (Vec::new(), 0));
    }
}
