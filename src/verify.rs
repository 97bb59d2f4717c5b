//! `diemcau verify`: that no fact and no recorded byte was changed since it was written. Reads only.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use recorder::archive::manifest::{Manifest, Track};
use recorder::archive::rtplog::{LogEnd, LogReader};
use recorder::archive::{MANIFEST, scan};
use sha2::{Digest, Sha256};
use signaling::Verified;

/// Bytes hashed at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// What was found.
#[derive(Default)]
pub(crate) struct Report {
    /// For people, one finding a line.
    pub(crate) lines: Vec<String>,
    /// Something is not as it was written.
    pub(crate) is_damaged: bool,
}

impl Report {
    fn bad(&mut self, line: String) {
        self.lines.push(line);
        self.is_damaged = true;
    }
}

/// Checks a data folder, a recording's folder, or one file of a recording.
pub(crate) async fn verify(path: &Path) -> anyhow::Result<Report> {
    let mut report = Report::default();
    if path.is_file() {
        file(path, &mut report)?;
    } else if path.join(MANIFEST).is_file() {
        recording(path, &Manifest::read(path)?, &mut report)?;
    } else if path.join("diemcau.db").is_file() {
        facts(path, &mut report).await?;
        let archive = path.join("archive");
        let recordings = if archive.is_dir() { scan::recordings(&archive)? } else { Vec::new() };
        for (dir, manifest) in &recordings {
            recording(dir, manifest, &mut report)?;
        }
    } else {
        bail!(
            "{} is neither a data folder (diemcau.db) nor a recording ({MANIFEST}).",
            path.display()
        );
    }
    Ok(report)
}

async fn facts(data: &Path, report: &mut Report) -> anyhow::Result<()> {
    match signaling::verify(data).await? {
        Verified::Whole { n_meetings, n_facts } => report
            .lines
            .push(format!("{n_facts} facts of {n_meetings} meetings are as they were written.")),
        Verified::CustodyAltered { recording, seq } => report.bad(format!(
            "Recording {recording}, line {seq} of its custody log was changed or taken out."
        )),
        Verified::Altered { meeting, title, seq, reason } => {
            report.bad(format!("Meeting {meeting} \"{title}\", fact {seq}: {reason}."));
        }
    }
    Ok(())
}

fn recording(dir: &Path, manifest: &Manifest, report: &mut Report) -> anyhow::Result<()> {
    let mut n_files = 0;
    for track in &manifest.tracks {
        log(dir, manifest, track, report)?;
        n_files += 1;
    }
    for wanted in &manifest.files {
        let path = dir.join(&wanted.path);
        if !path.is_file() {
            report.bad(format!("{} is missing.", path.display()));
        } else if sha256(&path)? != wanted.sha256 {
            report.bad(format!("{} was changed.", path.display()));
        }
        n_files += 1;
    }
    if !report.is_damaged {
        report.lines.push(format!(
            "Recording {} \"{}\": {n_files} files are as they were written.",
            manifest.recording, manifest.title
        ));
    }
    Ok(())
}

/// A log of packets: its own checksums and chain, and how it ended. Only a crash may leave a torn end.
fn log(dir: &Path, manifest: &Manifest, track: &Track, report: &mut Report) -> anyhow::Result<()> {
    let path = dir.join(&track.path);
    if !path.is_file() {
        report.bad(format!("{} is missing.", path.display()));
        return Ok(());
    }
    let part = manifest.parts.iter().find(|part| part.number == track.part);
    let crashed = part.is_none_or(|part| part.ended_at.is_none());
    let (whole_bytes, end) = read_log(&path)?;
    if end == LogEnd::Torn && !crashed {
        report.bad(format!("{} was changed after byte {whole_bytes}.", path.display()));
    }
    if let Some(wanted) = &track.file
        && wanted.bytes > whole_bytes
    {
        report.bad(format!(
            "{} has {whole_bytes} whole bytes, {} were written.",
            path.display(),
            wanted.bytes
        ));
    }
    Ok(())
}

fn read_log(path: &Path) -> anyhow::Result<(u64, LogEnd)> {
    let mut reader = LogReader::new(BufReader::new(open(path)?));
    while reader.next_entry().with_context(|| unreadable(path))?.is_some() {}
    let end = reader.end().expect("a reader that has no more entries has ended");
    Ok((reader.whole_bytes(), end))
}

/// One file of a recording: the manifest in its folder or the one above says what it should be.
fn file(path: &Path, report: &mut Report) -> anyhow::Result<()> {
    let path = path.canonicalize().with_context(|| unreadable(path))?;
    let home: Option<PathBuf> =
        path.ancestors().skip(1).take(2).find(|dir| dir.join(MANIFEST).is_file()).map(Into::into);
    let home = home.with_context(|| {
        format!("{} is not a file of a recording: no {MANIFEST} beside or above it", path.display())
    })?;
    let manifest = Manifest::read(&home)?;
    if let Some(track) = manifest.tracks.iter().find(|track| home.join(&track.path) == path) {
        log(&home, &manifest, track, report)?;
    } else {
        let wanted = manifest.files.iter().find(|wanted| home.join(&wanted.path) == path);
        let Some(wanted) = wanted else { bail!("{MANIFEST} does not name {}.", path.display()) };
        if sha256(&path)? != wanted.sha256 {
            report.bad(format!("{} was changed.", path.display()));
        }
    }
    if !report.is_damaged {
        report.lines.push(format!("{} is as it was written.", path.display()));
    }
    Ok(())
}

fn sha256(path: &Path) -> anyhow::Result<String> {
    let mut file = open(path)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let got = file.read(&mut chunk).with_context(|| unreadable(path))?;
        if got == 0 {
            return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hash.update(&chunk[..got]);
    }
}

fn open(path: &Path) -> anyhow::Result<File> {
    File::open(path).with_context(|| unreadable(path))
}

fn unreadable(path: &Path) -> String {
    format!("{} cannot be read. Run this as the user that owns the data folder", path.display())
}
