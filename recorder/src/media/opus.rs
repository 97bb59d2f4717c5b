//! Opus to samples.

use ffmpeg_next::codec::{Context, threading};
use ffmpeg_next::format::{Sample, sample};
use ffmpeg_next::util::frame::Audio;
use ffmpeg_next::{Packet, decoder};

use super::{SAMPLE_RATE, lacks, media};
use crate::error::Error;

/// A decoder of 48 kHz stereo (a mono source gives two equal channels).
pub struct OpusDecoder {
    decoder: decoder::Audio,
}

impl OpusDecoder {
    /// A decoder.
    pub fn new() -> Result<Self, Error> {
        let codec = decoder::find_by_name("opus").ok_or_else(|| lacks("Opus decoder"))?;
        let mut context = Context::new_with_codec(codec);
        context.set_threading(threading::Config { count: 1, ..threading::Config::default() });
        let decoder = context.decoder().audio().map_err(media)?;
        Ok(Self { decoder })
    }

    /// Decodes a packet and appends left and right samples in turn. Damage appends nothing.
    pub fn decode(&mut self, bytes: &[u8], out: &mut Vec<f32>) {
        if self.decoder.send_packet(&Packet::copy(bytes)).is_err() {
            return;
        }
        let mut frame = Audio::empty();
        while self.decoder.receive_frame(&mut frame).is_ok() {
            let is_float = frame.format() == Sample::F32(sample::Type::Planar);
            if !is_float || frame.rate() != SAMPLE_RATE || frame.planes() == 0 {
                continue;
            }
            let left = frame.plane::<f32>(0);
            let right = if frame.planes() > 1 { frame.plane::<f32>(1) } else { left };
            out.extend(left.iter().zip(right).flat_map(|(left, right)| [*left, *right]));
        }
    }
}
