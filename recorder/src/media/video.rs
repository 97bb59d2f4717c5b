//! Coded pictures to planes, scaled to where they are wanted.

use ffmpeg_next::codec::{Context, threading};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::software::scaling;
use ffmpeg_next::util::frame::Video;
use ffmpeg_next::{Dictionary, Packet, decoder};
use protocol::tap::Codec;

use super::{lacks, media};
use crate::compose::canvas::{Canvas, Rect};
use crate::error::Error;

/// Largest picture that is decoded: 4K and some more. What claims to be larger would only cost memory.
const PIXELS_MAX: u64 = 4_096 * 2_304;

/// FFmpeg's decoders of a codec, best first, and what is missing without them.
fn names(codec: Codec) -> Result<(&'static [&'static str], &'static str), Error> {
    match codec {
        Codec::Vp8 => Ok((&["vp8"], "VP8 decoder")),
        Codec::Vp9 => Ok((&["vp9", "libvpx-vp9"], "VP9 decoder")),
        Codec::H264 => Ok((&["h264"], "H.264 decoder")),
        // FFmpeg's own `av1` only drives hardware.
        Codec::Av1 => Ok((&["libdav1d", "libaom-av1"], "AV1 decoder")),
        Codec::Opus => Err(lacks("picture in sound")),
    }
}

/// A decoder that holds its latest picture.
pub struct VideoDecoder {
    decoder: decoder::Video,
    picture: Option<Video>,
    scaler: Option<scaling::Context>,
    scaled: Video,
}

impl VideoDecoder {
    /// A decoder on one thread.
    pub fn new(codec: Codec) -> Result<Self, Error> {
        let (names, what) = names(codec)?;
        let found = names.iter().find_map(|name| decoder::find_by_name(name));
        let found = found.ok_or_else(|| lacks(what))?;
        let mut context = Context::new_with_codec(found);
        context.set_threading(threading::Config { count: 1, ..threading::Config::default() });
        let mut options = Dictionary::new();
        options.set("max_pixels", &PIXELS_MAX.to_string());
        // A picture is wanted when its packet is given, not some pictures later.
        options.set("flags", "low_delay");
        let decoder = context.decoder().open_as_with(found, options).map_err(media)?;
        let decoder = decoder.video().map_err(media)?;
        Ok(Self { decoder, picture: None, scaler: None, scaled: Video::empty() })
    }

    /// Decodes a frame. True if there is a new picture; damage gives none.
    pub fn decode(&mut self, bytes: &[u8]) -> bool {
        if self.decoder.send_packet(&Packet::copy(bytes)).is_err() {
            return false;
        }
        let mut has_new = false;
        loop {
            let mut picture = Video::empty();
            if self.decoder.receive_frame(&mut picture).is_err() {
                return has_new;
            }
            if matches!(picture.format(), Pixel::YUV420P | Pixel::YUVJ420P)
                && picture.width() > 0
                && picture.height() > 0
            {
                self.picture = Some(picture);
                has_new = true;
            }
        }
    }

    /// Width and height of the latest picture.
    pub fn size(&self) -> Option<(u32, u32)> {
        self.picture.as_ref().map(|picture| (picture.width(), picture.height()))
    }

    /// Scales the latest picture into a rectangle of the canvas, edge to edge.
    pub fn draw(&mut self, canvas: &mut Canvas, rect: Rect) -> Result<(), Error> {
        let Some(picture) = &self.picture else { return Ok(()) };
        let (width, height) = (picture.width(), picture.height());
        let wanted = (rect.width as u32, rect.height as u32);
        let is_same = self.scaler.as_ref().is_some_and(|scaler| {
            (scaler.input().width, scaler.input().height) == (width, height)
                && (scaler.output().width, scaler.output().height) == wanted
        });
        if !is_same {
            // Bilinear: a fifth of bicubic's cost; faces at these sizes look alike.
            let flags = scaling::Flags::BILINEAR;
            let format = Pixel::YUV420P;
            let scaler =
                scaling::Context::get(format, width, height, format, wanted.0, wanted.1, flags);
            self.scaler = Some(scaler.map_err(media)?);
            self.scaled = Video::empty();
        }
        let Some(scaler) = &mut self.scaler else { return Ok(()) };
        scaler.run(picture, &mut self.scaled).map_err(media)?;
        for plane in 0..3 {
            canvas.paste(plane, rect, self.scaled.data(plane), self.scaled.stride(plane));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
