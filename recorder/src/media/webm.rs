//! One camera or one microphone as it was sent, in WebM: packets copied, nothing encoded.

use std::path::Path;

use ffmpeg_next::codec::packet::{Flags, Packet};
use ffmpeg_next::format::context::Output;
use ffmpeg_next::{Dictionary, Rational, StreamMut, ffi, format};

use super::{SAMPLE_RATE, lacks, media};
use crate::error::Error;

/// The encoder's look-ahead in samples that a decoder has to drop (RFC 7845 §5.1): libopus' 6.5 ms.
const OPUS_PRE_SKIP: u16 = 312;

/// What goes into the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebmStream {
    /// VP8; size of the first picture. Later ones may have another.
    Vp8 {
        /// Pixels.
        width: u16,
        /// Pixels.
        height: u16,
    },
    /// Opus.
    Opus,
}

/// Writes one stream.
pub struct WebmWriter {
    output: Output,
    base: Rational,
    last_ms: Option<i64>,
}

impl WebmWriter {
    /// Creates the file. `title` is what players show.
    pub fn create(path: &Path, title: &str, stream: WebmStream) -> Result<Self, Error> {
        let mut output = format::output_as(path, "webm").map_err(media)?;
        {
            let mut track = output.add_stream(None::<ffmpeg_next::Codec>);
            let track = track.as_mut().map_err(|error| media(*error))?;
            describe(track, stream)?;
            track.set_time_base(Rational(1, 1_000));
        }
        let mut metadata = Dictionary::new();
        metadata.set("title", title);
        output.set_metadata(metadata);
        let mut options = Dictionary::new();
        // The index goes to the front, so that a page can seek without reading the file's end first.
        options.set("cues_to_front", "1");
        output.write_header_with(options).map_err(media)?;
        let base = output.stream(0).map(|stream| stream.time_base());
        Ok(Self { output, base: base.ok_or_else(|| lacks("stream"))?, last_ms: None })
    }

    /// Appends a frame at a time from the file's start, ms. Times that do not rise are moved by 1 ms.
    pub fn frame(&mut self, bytes: &[u8], ms: i64, is_key: bool) -> Result<(), Error> {
        let ms = ms.max(self.last_ms.map_or(0, |last| last + 1));
        self.last_ms = Some(ms);
        let mut packet = Packet::copy(bytes);
        packet.set_stream(0);
        packet.set_pts(Some(ms));
        packet.set_dts(Some(ms));
        if is_key {
            packet.set_flags(Flags::KEY);
        }
        packet.rescale_ts(Rational(1, 1_000), self.base);
        packet.write_interleaved(&mut self.output).map_err(media)
    }

    /// Writes the index.
    pub fn finish(mut self) -> Result<(), Error> {
        self.output.write_trailer().map_err(media)
    }
}

#[expect(unsafe_code, reason = "the safe wrapper cannot describe a stream that it does not encode")]
fn describe(track: &mut StreamMut<'_>, stream: WebmStream) -> Result<(), Error> {
    // SAFETY: the stream was made by this muxer just now and its parameters are allocated with it; nothing
    // else holds them. The extra data is allocated by FFmpeg, with the padding that it asks for, and is
    // freed by it with the stream.
    unsafe {
        let parameters = &mut *(*track.as_mut_ptr()).codecpar;
        match stream {
            WebmStream::Vp8 { width, height } => {
                parameters.codec_type = ffi::AVMediaType::AVMEDIA_TYPE_VIDEO;
                parameters.codec_id = ffi::AVCodecID::AV_CODEC_ID_VP8;
                parameters.width = i32::from(width);
                parameters.height = i32::from(height);
            }
            WebmStream::Opus => {
                let head = opus_head();
                let size = head.len() + ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize;
                let extra = ffi::av_mallocz(size).cast::<u8>();
                if extra.is_null() {
                    return Err(Error::Media("out of memory".into()));
                }
                std::ptr::copy_nonoverlapping(head.as_ptr(), extra, head.len());
                parameters.codec_type = ffi::AVMediaType::AVMEDIA_TYPE_AUDIO;
                parameters.codec_id = ffi::AVCodecID::AV_CODEC_ID_OPUS;
                parameters.sample_rate = SAMPLE_RATE.cast_signed();
                ffi::av_channel_layout_default(&raw mut parameters.ch_layout, 2);
                parameters.initial_padding = i32::from(OPUS_PRE_SKIP);
                parameters.extradata = extra;
                parameters.extradata_size = i32::try_from(head.len()).unwrap_or(0);
            }
        }
    }
    Ok(())
}

/// RFC 7845 §5.1: version 1, two channels, pre-skip, 48 kHz, no gain, mapping family 0.
fn opus_head() -> [u8; 19] {
    let mut head = [0; 19];
    head[..8].copy_from_slice(b"OpusHead");
    head[8] = 1;
    head[9] = 2;
    head[10..12].copy_from_slice(&OPUS_PRE_SKIP.to_le_bytes());
    head[12..16].copy_from_slice(&SAMPLE_RATE.to_le_bytes());
    head
}
