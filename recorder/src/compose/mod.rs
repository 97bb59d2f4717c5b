//! The archive of one recording becomes one video and a playable file per camera and microphone. Reads the
//! logs as streams: memory does not grow with the meeting's length. Pure but for files; the clock that
//! progress is measured with is the caller's.

pub mod canvas;
mod feed;
mod files;
pub mod layout;
mod listen;
mod mixer;
mod paint;
mod plan;
mod render;
pub mod scene;
mod text;
mod thumbs;
mod tracks;

use std::path::Path;

use protocol::control::RecordingFile;
use protocol::review::Review;

use crate::archive::manifest::{Manifest, replace, sync_dir};
use crate::archive::{COMPOSED, REVIEW, THUMBS, TRACKS};
use crate::error::Error;
use canvas::Canvas;
use plan::Plan;

/// Pictures a second of the composed video.
pub const FRAMES_PER_SECOND: u32 = 25;

/// Where reading the logs ends and rendering begins, thousandths.
const SURVEYED: u16 = 40;
/// Where rendering ends and the files per track begin, thousandths.
const RENDERED: u16 = 930;
/// Where the files per track end and the check sums begin, thousandths.
const COPIED: u16 = 980;

/// What came of a composition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composition {
    /// Length of the composed video, ms.
    pub ms: u64,
    /// Files to download, the composed video first.
    pub files: Vec<RecordingFile>,
    /// The logs that it was made from: their bytes up to the last whole block.
    pub logs: Vec<RecordingFile>,
}

/// Composes the recording in `dir`. `progress` is told thousandths.
pub fn compose(dir: &Path, progress: &mut dyn FnMut(u16)) -> Result<Composition, Error> {
    crate::media::quiet();
    let manifest = Manifest::read(dir)?;
    let plan = Plan::make(dir, &manifest, &mut |done| progress(share(0, SURVEYED, done)))?;
    if plan.length_us <= 0 {
        return Err(Error::Empty);
    }
    let beside = dir.join(format!("{COMPOSED}.tmp"));
    let rendered = render::render(&plan, &beside, &mut |done| {
        progress(share(SURVEYED, RENDERED, done));
    })?;
    finish_file(&beside, &dir.join(COMPOSED))?;
    let mut paths = vec![COMPOSED.to_owned()];
    paths.extend(write_review(dir, rendered.review, &rendered.sheet)?);
    paths.extend(tracks::copy_all(&plan, dir, &mut |done| {
        progress(share(RENDERED, COPIED, done));
    })?);
    let mut files = Vec::new();
    for path in paths {
        files.push(files::describe(dir, &path, None)?);
        progress(COPIED);
    }
    let mut logs = Vec::new();
    for track in plan.logs() {
        logs.push(files::describe(dir, &track.path, Some(track.whole_bytes))?);
        progress(COPIED);
    }
    let sums = files::sums(files.iter().chain(&logs));
    replace(&dir.join(TRACKS).join("SHA256SUMS"), sums.as_bytes())?;
    progress(1_000);
    Ok(Composition { ms: rendered.ms, files, logs })
}

/// Writes what the review page shows beside the video; returns the paths. An FFmpeg that makes no JPEG
/// costs the small pictures only.
fn write_review(dir: &Path, mut review: Review, sheet: &Canvas) -> Result<Vec<String>, Error> {
    let mut paths = vec![REVIEW.to_owned()];
    match crate::media::jpeg(sheet) {
        Ok(bytes) => {
            replace(&dir.join(THUMBS), &bytes)?;
            paths.push(THUMBS.to_owned());
        }
        Err(error) => {
            tracing::warn!(%error, "a recording has no small pictures");
            review.thumbs = None;
        }
    }
    let text = serde_json::to_vec(&review).expect("a review is plain data");
    replace(&dir.join(REVIEW), &text)?;
    Ok(paths)
}

/// A part of a part: `done` of 0 to 1 between two marks.
fn share(from: u16, to: u16, done: f64) -> u16 {
    from + (f64::from(to - from) * done.clamp(0.0, 1.0)) as u16
}

/// A file that was written beside its place is synced and takes it.
fn finish_file(beside: &Path, path: &Path) -> Result<(), Error> {
    let finish = || -> std::io::Result<()> {
        std::fs::File::open(beside)?.sync_all()?;
        std::fs::rename(beside, path)?;
        sync_dir(path)
    };
    finish().map_err(Error::archive(path))
}
