//! One picture as JPEG.

use ffmpeg_next::codec::{Context, packet::Packet};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::util::color;
use ffmpeg_next::util::frame::Video;
use ffmpeg_next::{Dictionary, Rational, encoder};

use super::{lacks, media};
use crate::compose::canvas::Canvas;
use crate::error::Error;

/// FFmpeg's quality scale, 1 (best) to 31: small pictures that are looked at for a moment.
const QUALITY: &str = "6";

/// Encodes a canvas.
pub fn jpeg(canvas: &Canvas) -> Result<Vec<u8>, Error> {
    let codec = encoder::find_by_name("mjpeg").ok_or_else(|| lacks("JPEG encoder"))?;
    let mut picture = Context::new_with_codec(codec).encoder().video().map_err(media)?;
    let (width, height) = (canvas.width as u32, canvas.height as u32);
    picture.set_width(width);
    picture.set_height(height);
    picture.set_format(Pixel::YUVJ420P);
    picture.set_color_range(color::Range::JPEG);
    picture.set_time_base(Rational(1, 1));
    let mut options = Dictionary::new();
    options.set("qmin", QUALITY);
    options.set("qmax", QUALITY);
    options.set("threads", "1");
    let mut picture = picture.open_as_with(codec, options).map_err(media)?;
    let mut frame = Video::new(Pixel::YUVJ420P, width, height);
    for plane in 0..3 {
        let stride = frame.stride(plane);
        canvas.copy_plane(plane, frame.data_mut(plane), stride);
        // The canvas is in the limited range of video; JPEG knows only the full one.
        let (low, span) = if plane == 0 { (16, 219) } else { (16, 224) };
        for value in frame.data_mut(plane) {
            let wide = (i32::from(*value) - low) * 255 / span;
            *value = wide.clamp(0, 255) as u8;
        }
    }
    frame.set_pts(Some(0));
    picture.send_frame(&frame).map_err(media)?;
    picture.send_eof().map_err(media)?;
    let mut packet = Packet::empty();
    picture.receive_packet(&mut packet).map_err(media)?;
    packet.data().map(<[u8]>::to_vec).ok_or_else(|| lacks("JPEG"))
}
