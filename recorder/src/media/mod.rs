//! The only folder that names FFmpeg. Plain values go in and come out: coded bytes, planes, samples.

mod jpeg;
mod mp4;
mod opus;
mod video;
mod webm;

pub use jpeg::jpeg;
pub use mp4::Mp4Writer;
pub use opus::OpusDecoder;
pub use video::VideoDecoder;
pub use webm::{WebmStream, WebmWriter};

use crate::error::Error;

/// Sound everywhere in this crate: samples a second.
pub const SAMPLE_RATE: u32 = 48_000;

/// FFmpeg's warnings about damaged packets are expected; only what stops it is printed.
pub fn quiet() {
    ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Fatal);
}

/// FFmpeg's version and licence, for `doctor` and bug reports.
pub fn version() -> String {
    let version = ffmpeg_next::codec::version();
    let (major, minor, micro) = (version >> 16, (version >> 8) & 0xff, version & 0xff);
    format!("libavcodec {major}.{minor}.{micro}, {}", ffmpeg_next::codec::license())
}

/// The codecs that recordings need and this FFmpeg lacks.
pub fn missing_codecs() -> Vec<&'static str> {
    use ffmpeg_next::{decoder, encoder};
    let mut missing = Vec::new();
    if decoder::find_by_name("vp8").is_none() {
        missing.push("VP8 (decoder)");
    }
    for (name, what) in [("vp9", "VP9 (decoder)"), ("h264", "H.264 (decoder)")] {
        if decoder::find_by_name(name).is_none() {
            missing.push(what);
        }
    }
    if decoder::find_by_name("libdav1d").or_else(|| decoder::find_by_name("libaom-av1")).is_none() {
        missing.push("AV1 (decoder)");
    }
    if decoder::find_by_name("opus").is_none() {
        missing.push("Opus (decoder)");
    }
    if encoder::find_by_name("libx264").is_none() {
        missing.push("H.264 (libx264)");
    }
    if encoder::find_by_name("aac").is_none() {
        missing.push("AAC (encoder)");
    }
    missing
}

fn media(error: ffmpeg_next::Error) -> Error {
    Error::Media(error.to_string())
}

fn lacks(what: &str) -> Error {
    Error::Media(format!("this FFmpeg has no {what}"))
}
