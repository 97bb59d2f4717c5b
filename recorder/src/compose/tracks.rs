//! A playable file per camera, screen and microphone: the packets themselves, in WebM, from the track's
//! first frame on. Times within a file are the meeting's, so its gaps are true.

use std::path::Path;

use protocol::media::Source;
use protocol::tap::Codec;
use unicode_normalization::UnicodeNormalization;

use super::feed::{Feed, TimedFrame};
use super::finish_file;
use super::plan::{Plan, TrackPlan};
use crate::archive::TRACKS;
use crate::error::Error;
use crate::media::{WebmStream, WebmWriter};
use crate::rtp::depacketize::vp8_size;

/// Longest file name made of a site's name, in letters.
const NAME_MAX: usize = 60;

/// Writes all files; returns their paths below the recording's folder. `progress` is told 0 to 1.
pub(super) fn copy_all(
    plan: &Plan,
    dir: &Path,
    progress: &mut dyn FnMut(f64),
) -> Result<Vec<String>, Error> {
    let mut paths: Vec<String> = Vec::new();
    let n_tracks = plan.tracks.len().max(1) as f64;
    for (n, track) in plan.tracks.iter().enumerate() {
        let name = plan.name(&track.key.publisher);
        let stem = format!("{}-{}", slug(name), source_name(track.key.source));
        let mut path = format!("{TRACKS}/{stem}.webm");
        let mut number = 2;
        while paths.contains(&path) {
            path = format!("{TRACKS}/{stem}-{number}.webm");
            number += 1;
        }
        let mut tell = |done: f64| progress((n as f64 + done) / n_tracks);
        match copy(track, name, plan.length_us, &dir.join(&path), &mut tell) {
            Ok(true) => paths.push(path),
            Ok(false) => {}
            // One camera that sent nonsense must not cost the others their files.
            Err(Error::Media(reason)) => tracing::warn!(path, reason, "a track has no file"),
            Err(error) => return Err(error),
        }
    }
    Ok(paths)
}

/// Writes one file; false if the track has no frame that can be decoded.
fn copy(
    track: &TrackPlan,
    name: &str,
    length_us: i64,
    path: &Path,
    progress: &mut dyn FnMut(f64),
) -> Result<bool, Error> {
    let mut feed = Feed::new(track);
    let mut first = None;
    while first.is_none() {
        let Some(frame) = feed.next_until(i64::MAX)? else { return Ok(false) };
        first = stream_of(track, &frame).map(|stream| (stream, frame));
    }
    let Some((stream, frame)) = first else { return Ok(false) };
    let beside = path.with_extension("webm.tmp");
    let mut writer = WebmWriter::create(&beside, name, stream)?;
    let start_us = frame.us;
    writer.frame(&frame.bytes, 0, frame.is_key)?;
    while let Some(next) = feed.next_until(i64::MAX)? {
        // What a camera sent in another codec after it came back is in the composed video only.
        if next.codec != frame.codec {
            continue;
        }
        let frame = next;
        progress(frame.us as f64 / length_us.max(1) as f64);
        writer.frame(&frame.bytes, (frame.us - start_us + 500) / 1_000, frame.is_key)?;
    }
    writer.finish()?;
    finish_file(&beside, path)?;
    Ok(true)
}

/// What the file holds, from its first frame. None if that is no key frame of VP8: other cameras are in the
/// composed video only.
fn stream_of(track: &TrackPlan, frame: &TimedFrame) -> Option<WebmStream> {
    if track.key.source.is_audio() {
        return Some(WebmStream::Opus);
    }
    if frame.codec != Codec::Vp8 {
        return None;
    }
    vp8_size(&frame.bytes).map(|(width, height)| WebmStream::Vp8 { width, height })
}

fn source_name(source: Source) -> &'static str {
    match source {
        Source::Microphone => "microphone",
        Source::Camera => "camera",
        Source::Screen => "screen",
        Source::ScreenAudio => "screen-audio",
    }
}

/// A name as a file name: no diacritics, no spaces.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for letter in name.nfd().flat_map(char::to_lowercase) {
        let letter = if letter == 'đ' { 'd' } else { letter };
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !('\u{300}'..='\u{36f}').contains(&letter) && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= NAME_MAX {
            break;
        }
    }
    let slug = slug.trim_matches('-');
    if slug.is_empty() { "diem-cau".to_owned() } else { slug.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sites_name_becomes_a_file_name_that_every_system_takes() {
        assert_eq!(slug("Điểm cầu xã Lệ Thủy"), "diem-cau-xa-le-thuy");
        assert_eq!(slug("../../etc/passwd"), "etc-passwd");
        assert_eq!(slug("???"), "diem-cau");
    }
}
