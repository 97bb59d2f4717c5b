//! The composed file: H.264 and AAC in MP4, index in front, so that it plays while it is downloaded.

use std::path::Path;

use ffmpeg_next::codec::{self, Context, Flags, packet::Packet};
use ffmpeg_next::format::{Pixel, Sample, context::Output, sample};
use ffmpeg_next::util::color;
use ffmpeg_next::util::frame::{Audio, Video};
use ffmpeg_next::{ChannelLayout, Dictionary, Rational, encoder, format};

use super::{SAMPLE_RATE, lacks, media};
use crate::compose::canvas::Canvas;
use crate::error::Error;

/// Constant quality of x264: 18 is lossless to the eye, 28 shows blocks on faces.
const QUALITY: &str = "23";
/// Sound, bit/s. Speech and music of a meeting.
const SOUND_BPS: usize = 96_000;
/// Pictures from one key frame to the next: 4 s. Seeking lands on one; shorter costs bytes.
const KEY_EVERY: u32 = 100;
/// Encoder threads. A composition runs beside meetings and must leave them a core.
const THREADS: &str = "2";

/// Encodes and writes.
pub struct Mp4Writer {
    output: Output,
    video: encoder::Video,
    audio: encoder::Audio,
    video_base: (Rational, Rational),
    audio_base: (Rational, Rational),
    n_pictures: i64,
    /// Samples given to the encoder, per channel.
    n_samples: i64,
    /// Samples that do not fill a frame yet, left and right in turn.
    waiting: Vec<f32>,
}

impl Mp4Writer {
    /// Creates the file. `title` is what players show.
    pub fn create(
        path: &Path,
        title: &str,
        size: (u32, u32),
        frames_per_second: i32,
    ) -> Result<Self, Error> {
        let mut output = format::output_as(path, "mp4").map_err(media)?;
        let video = open_video(size, frames_per_second)?;
        let audio = open_audio()?;
        let video_base = Rational(1, frames_per_second);
        let audio_base = Rational(1, SAMPLE_RATE.cast_signed());
        {
            let mut stream = output.add_stream_with(&video).map_err(media)?;
            stream.set_time_base(video_base);
            stream.set_avg_frame_rate(Rational(frames_per_second, 1));
        }
        output.add_stream_with(&audio).map_err(media)?.set_time_base(audio_base);
        let mut metadata = Dictionary::new();
        metadata.set("title", title);
        output.set_metadata(metadata);
        let mut options = Dictionary::new();
        options.set("movflags", "+faststart");
        output.write_header_with(options).map_err(media)?;
        let base_of = |output: &Output, index: usize| {
            output.stream(index).map(|stream| stream.time_base()).ok_or_else(|| lacks("stream"))
        };
        let video_base = (video_base, base_of(&output, 0)?);
        let audio_base = (audio_base, base_of(&output, 1)?);
        Ok(Self {
            output,
            video,
            audio,
            video_base,
            audio_base,
            n_pictures: 0,
            n_samples: 0,
            waiting: Vec::new(),
        })
    }

    /// Appends a picture.
    pub fn picture(&mut self, canvas: &Canvas) -> Result<(), Error> {
        let mut frame = Video::new(Pixel::YUV420P, canvas.width as u32, canvas.height as u32);
        for plane in 0..3 {
            let stride = frame.stride(plane);
            canvas.copy_plane(plane, frame.data_mut(plane), stride);
        }
        frame.set_pts(Some(self.n_pictures));
        self.n_pictures += 1;
        self.video.send_frame(&frame).map_err(media)?;
        self.write_video()
    }

    /// Appends samples, left and right in turn.
    pub fn sound(&mut self, samples: &[f32]) -> Result<(), Error> {
        self.waiting.extend_from_slice(samples);
        let per_frame = self.audio.frame_size().max(1) as usize * 2;
        while self.waiting.len() >= per_frame {
            let rest = self.waiting.split_off(per_frame);
            let full = std::mem::replace(&mut self.waiting, rest);
            self.send_sound(&full)?;
        }
        Ok(())
    }

    fn send_sound(&mut self, samples: &[f32]) -> Result<(), Error> {
        let n = samples.len() / 2;
        let planar = Sample::F32(sample::Type::Planar);
        let mut frame = Audio::new(planar, n, ChannelLayout::STEREO);
        frame.set_rate(SAMPLE_RATE);
        for channel in 0..2 {
            let plane = frame.plane_mut::<f32>(channel);
            for (to, from) in plane.iter_mut().zip(samples.chunks_exact(2)) {
                *to = from[channel];
            }
        }
        frame.set_pts(Some(self.n_samples));
        self.n_samples += i64::try_from(n).unwrap_or(0);
        self.audio.send_frame(&frame).map_err(media)?;
        self.write_audio()
    }

    fn write_video(&mut self) -> Result<(), Error> {
        let mut packet = Packet::empty();
        while self.video.receive_packet(&mut packet).is_ok() {
            packet.set_stream(0);
            packet.set_duration(1);
            packet.rescale_ts(self.video_base.0, self.video_base.1);
            packet.write_interleaved(&mut self.output).map_err(media)?;
        }
        Ok(())
    }

    fn write_audio(&mut self) -> Result<(), Error> {
        let mut packet = Packet::empty();
        while self.audio.receive_packet(&mut packet).is_ok() {
            packet.set_stream(1);
            packet.rescale_ts(self.audio_base.0, self.audio_base.1);
            packet.write_interleaved(&mut self.output).map_err(media)?;
        }
        Ok(())
    }

    /// Writes what the encoders still hold, and the index.
    pub fn finish(mut self) -> Result<(), Error> {
        let rest = std::mem::take(&mut self.waiting);
        if !rest.is_empty() {
            self.send_sound(&rest)?;
        }
        self.video.send_eof().map_err(media)?;
        self.write_video()?;
        self.audio.send_eof().map_err(media)?;
        self.write_audio()?;
        self.output.write_trailer().map_err(media)
    }
}

fn open_video(size: (u32, u32), frames_per_second: i32) -> Result<encoder::Video, Error> {
    let codec = encoder::find_by_name("libx264").ok_or_else(|| lacks("libx264"))?;
    let mut video = Context::new_with_codec(codec).encoder().video().map_err(media)?;
    video.set_width(size.0);
    video.set_height(size.1);
    video.set_format(Pixel::YUV420P);
    video.set_time_base(Rational(1, frames_per_second));
    video.set_frame_rate(Some(Rational(frames_per_second, 1)));
    video.set_gop(KEY_EVERY);
    // Without B-frames the first picture is at time 0 in every player.
    video.set_max_b_frames(0);
    // What browsers code with VP8 is BT.601 in the limited range.
    video.set_colorspace(color::Space::SMPTE170M);
    video.set_color_range(color::Range::MPEG);
    video.set_color_primaries(color::Primaries::BT709);
    video.set_color_transfer_characteristic(color::TransferCharacteristic::BT709);
    video.set_flags(Flags::GLOBAL_HEADER);
    let mut options = Dictionary::new();
    options.set("preset", "veryfast");
    options.set("crf", QUALITY);
    options.set("bf", "0");
    options.set("threads", THREADS);
    video.open_as_with(codec, options).map_err(media)
}

fn open_audio() -> Result<encoder::Audio, Error> {
    let codec = encoder::find(codec::Id::AAC).ok_or_else(|| lacks("AAC encoder"))?;
    let mut audio = Context::new_with_codec(codec).encoder().audio().map_err(media)?;
    audio.set_rate(SAMPLE_RATE.cast_signed());
    audio.set_channel_layout(ChannelLayout::STEREO);
    audio.set_format(Sample::F32(sample::Type::Planar));
    audio.set_bit_rate(SOUND_BPS);
    audio.set_time_base(Rational(1, SAMPLE_RATE.cast_signed()));
    audio.set_flags(Flags::GLOBAL_HEADER);
    audio.open_as(codec).map_err(media)
}
