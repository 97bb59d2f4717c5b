//! The first pass: which logs there are, whose, from when to when, by which clock; where nothing was
//! recorded; and how long the whole is. Times are µs from the recording's start.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use protocol::control::JournalNote;
use protocol::media::TrackKey;
use protocol::tap::TapTrackInfo;
use protocol::time::Timestamp;

use crate::archive::journal::{self, Event, Line};
use crate::archive::manifest::Manifest;
use crate::archive::rtplog::{LogReader, header_of};
use crate::archive::{JOURNAL, TRACKS};
use crate::error::Error;
use crate::timeline::survey::Survey;
use crate::timeline::{TrackClock, clocks};

/// Longest recording that is composed: two days. Beyond, a clock was wrong, and a disk would fill.
const LENGTH_MAX_US: i64 = 48 * 3_600 * 1_000_000;
/// Shorter stretches without a disk are not shown as a gap; the pictures stand still anyway.
const GAP_MIN_US: i64 = 1_000_000;
/// How much of a log is read at once.
pub(super) const READ_BYTES: usize = 128 * 1024;

/// See the file.
pub(super) struct Plan {
    /// The meeting's title.
    pub title: String,
    /// The recording's start by the node's clock.
    pub started_at: Timestamp,
    /// Length of the composed video.
    pub length_us: i64,
    /// Tracks of media, in the order in which they began.
    pub tracks: Vec<TrackPlan>,
    /// Where nothing was recorded, in order.
    pub gaps: Vec<(i64, i64)>,
    /// What the room said, in order.
    pub notes: Vec<(i64, JournalNote)>,
}

/// One source of one publisher: all its layers, of all parts.
pub(super) struct TrackPlan {
    /// Whose, and which.
    pub key: TrackKey,
    /// Its logs, in the order in which they began.
    pub logs: Vec<LogPlan>,
}

/// One log.
pub(super) struct LogPlan {
    /// Path below the recording's folder.
    pub path: String,
    /// The whole path.
    pub full: PathBuf,
    /// What it holds.
    pub info: TapTrackInfo,
    /// Its clock.
    pub clock: TrackClock,
    /// The recording's start by the node's clock, µs since 1970.
    pub origin_us: i64,
    /// Arrival of its first packet.
    pub first_us: i64,
    /// Bytes up to the last whole block.
    pub whole_bytes: u64,
}

/// A log as the first pass read it.
struct Surveyed {
    path: String,
    full: PathBuf,
    part: u32,
    info: TapTrackInfo,
    survey: Survey,
    whole_bytes: u64,
}

/// From when to when a part wrote, µs since 1970.
struct Stretch {
    from_us: i64,
    to_us: i64,
}

impl Plan {
    /// Reads everything once. `progress` is told 0 to 1.
    pub(super) fn make(
        dir: &Path,
        manifest: &Manifest,
        progress: &mut dyn FnMut(f64),
    ) -> Result<Self, Error> {
        let (lines, skipped) = journal::read(&dir.join(JOURNAL))?;
        if skipped > 0 {
            tracing::warn!(skipped, "lines of the journal cannot be read");
        }
        let paths = log_paths(dir)?;
        let mut surveyed = Vec::new();
        for (n, (part, path)) in paths.iter().enumerate() {
            progress(n as f64 / paths.len() as f64);
            surveyed.extend(survey(dir, path, *part)?);
        }
        let first_us = surveyed.iter().filter_map(|log| log.survey.first_us).min();
        let ordered_us = manifest.started_at.0.saturating_mul(1_000);
        // A recording cannot have begun after its first packet.
        let origin_us = first_us.map_or(ordered_us, |first_us| first_us.min(ordered_us));
        let stretches = stretches(manifest, &surveyed);
        let end_us = stretches.last().map_or(origin_us, |stretch| stretch.to_us);
        let notes = notes(&lines, origin_us);
        Ok(Self {
            title: manifest.title.clone(),
            started_at: Timestamp(origin_us / 1_000),
            length_us: (end_us - origin_us).min(LENGTH_MAX_US),
            gaps: gaps(&stretches, &lines, origin_us),
            tracks: tracks(surveyed, origin_us),
            notes,
        })
    }

    /// All logs.
    pub(super) fn logs(&self) -> impl Iterator<Item = &LogPlan> {
        self.tracks.iter().flat_map(|track| &track.logs)
    }

    /// The last name that the room gave a publisher, else its own.
    pub(super) fn name<'a>(&'a self, publisher: &'a str) -> &'a str {
        let named = self.notes.iter().rev().find_map(|(_, note)| match note {
            JournalNote::Name { publisher: whose, name } if whose == publisher => Some(name),
            JournalNote::Name { .. }
            | JournalNote::MainPicture { .. }
            | JournalNote::Floor { .. }
            | JournalNote::Scene { .. }
            | JournalNote::Present { .. } => None,
        });
        named.map_or(publisher, String::as_str)
    }
}

/// The logs of a folder with their parts, whether or not the manifest came to name them.
fn log_paths(dir: &Path) -> Result<Vec<(u32, String)>, Error> {
    let folder = dir.join(TRACKS);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::archive(&folder)(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::archive(&folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".rtplog") else { continue };
        let part = stem.strip_prefix('p').and_then(|rest| rest.split_once("-t"));
        let Some(part) = part.and_then(|(part, _)| part.parse().ok()) else { continue };
        found.push((part, format!("{TRACKS}/{name}")));
    }
    found.sort();
    Ok(found)
}

/// Reads a log once. None if not even its header is there, or no packet.
fn survey(dir: &Path, path: &str, part: u32) -> Result<Option<Surveyed>, Error> {
    let full = dir.join(path);
    let file = File::open(&full).map_err(Error::archive(&full))?;
    let mut reader = LogReader::new(BufReader::with_capacity(READ_BYTES, file));
    let first = reader.next_entry().map_err(Error::archive(&full))?;
    let Some(info) = first.as_ref().and_then(header_of) else {
        tracing::warn!(path, "a log has no header; it is left out");
        return Ok(None);
    };
    let mut survey = Survey::new(info.ssrc, info.payload_type, info.clock_rate);
    while let Some(entry) = reader.next_entry().map_err(Error::archive(&full))? {
        survey.push(&entry);
    }
    let whole_bytes = reader.whole_bytes();
    let path = path.to_owned();
    Ok(survey.first_us.map(|_| Surveyed { path, full, part, info, survey, whole_bytes }))
}

/// When each part wrote, in order. A part that a crash ended wrote until its last packet.
fn stretches(manifest: &Manifest, surveyed: &[Surveyed]) -> Vec<Stretch> {
    let mut parts: BTreeMap<u32, Stretch> = BTreeMap::new();
    for log in surveyed {
        let from_us = log.survey.first_us.unwrap_or(log.survey.last_us);
        let part = parts.entry(log.part).or_insert(Stretch { from_us, to_us: log.survey.last_us });
        part.from_us = part.from_us.min(from_us);
        part.to_us = part.to_us.max(log.survey.last_us);
    }
    for part in &manifest.parts {
        let Some(ended_at) = part.ended_at else { continue };
        let (from_us, to_us) = (part.started_at.0 * 1_000, ended_at.0 * 1_000);
        parts.entry(part.number).or_insert(Stretch { from_us, to_us }).to_us = to_us;
    }
    parts.into_values().collect()
}

fn gaps(stretches: &[Stretch], lines: &[Line], origin_us: i64) -> Vec<(i64, i64)> {
    let between = stretches.windows(2).map(|pair| (pair[0].to_us, pair[1].from_us));
    let full_disk = lines.iter().filter_map(|line| match &line.event {
        Event::Gap { from, .. } => Some((from.0 * 1_000, line.at.0 * 1_000)),
        Event::Note { .. }
        | Event::PartStarted { .. }
        | Event::PartEnded { .. }
        | Event::Lost { .. } => None,
    });
    let mut gaps: Vec<(i64, i64)> = between
        .chain(full_disk)
        .map(|(from, to)| (from - origin_us, to - origin_us))
        .filter(|(from, to)| to - from >= GAP_MIN_US)
        .collect();
    gaps.sort_unstable();
    gaps
}

fn notes(lines: &[Line], origin_us: i64) -> Vec<(i64, JournalNote)> {
    let mut notes: Vec<(i64, JournalNote)> = lines
        .iter()
        .filter_map(|line| match &line.event {
            Event::Note { note } => Some((line.at.0 * 1_000 - origin_us, note.clone())),
            Event::PartStarted { .. }
            | Event::PartEnded { .. }
            | Event::Lost { .. }
            | Event::Gap { .. } => None,
        })
        .collect();
    // Stable: what was said at one moment keeps its order.
    notes.sort_by_key(|(us, _)| *us);
    notes
}

fn tracks(surveyed: Vec<Surveyed>, origin_us: i64) -> Vec<TrackPlan> {
    let mut by_part: BTreeMap<u32, Vec<Surveyed>> = BTreeMap::new();
    for log in surveyed {
        by_part.entry(log.part).or_default().push(log);
    }
    let mut logs = Vec::new();
    for part in by_part.into_values() {
        let whose: Vec<(&str, &Survey)> =
            part.iter().map(|log| (log.info.key.publisher.as_str(), &log.survey)).collect();
        let clocks = clocks(&whose);
        logs.extend(part.into_iter().zip(clocks).map(|(log, clock)| LogPlan {
            path: log.path,
            full: log.full,
            info: log.info,
            clock,
            origin_us,
            first_us: log.survey.first_us.unwrap_or(log.survey.last_us) - origin_us,
            whole_bytes: log.whole_bytes,
        }));
    }
    logs.sort_by_key(|log| log.first_us);
    let mut tracks: Vec<TrackPlan> = Vec::new();
    for log in logs {
        match tracks.iter_mut().find(|track| track.key == log.info.key) {
            Some(track) => track.logs.push(log),
            None => tracks.push(TrackPlan { key: log.info.key.clone(), logs: vec![log] }),
        }
    }
    tracks
}
