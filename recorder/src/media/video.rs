//! VP8 to planes, scaled to where they are wanted.

use ffmpeg_next::codec::{Context, threading};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::software::scaling;
use ffmpeg_next::util::frame::Video;
use ffmpeg_next::{Packet, decoder};

use super::{lacks, media};
use crate::compose::canvas::{Canvas, Rect};
use crate::error::Error;

/// A decoder that holds its latest picture.
pub struct VideoDecoder {
    decoder: decoder::Video,
    picture: Option<Video>,
    scaler: Option<scaling::Context>,
    scaled: Video,
}

impl VideoDecoder {
    /// A VP8 decoder on one thread.
    pub fn new() -> Result<Self, Error> {
        let codec = decoder::find_by_name("vp8").ok_or_else(|| lacks("VP8 decoder"))?;
        let mut context = Context::new_with_codec(codec);
        context.set_threading(threading::Config { count: 1, ..threading::Config::default() });
        let decoder = context.decoder().video().map_err(media)?;
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
            if picture.format() == Pixel::YUV420P && picture.width() > 0 && picture.height() > 0 {
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
