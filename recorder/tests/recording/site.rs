//! A site that sends: pictures and sound coded by FFmpeg's command line, packets made by rtc-rtp, clocks
//! that are wrong in the ways real ones are.

use std::path::{Path, PathBuf};
use std::process::Command;

use protocol::id::RecordingId;
use protocol::media::{Layer, Source, TrackKey};
use protocol::tap::{Codec, TapKind, TapMessage, TapPacket, TapTrackInfo};
use rtc_rtp::codec::vp8::Vp8Payloader;
use rtc_rtp::packetizer::Payloader;

/// Length of the coded clips, ms; they are repeated.
pub(crate) const CLIP_MS: i64 = 8_000;
/// Payload type of Opus.
const OPUS: u8 = 111;
/// Payload type of VP8.
const VP8: u8 = 96;

/// Clips of one look: coded frames of 40 ms and packets of 20 ms.
pub(crate) struct Clip {
    pictures: Vec<Vec<u8>>,
    sounds: Vec<Vec<u8>>,
}

impl Clip {
    /// Codes a clip. Each second begins with 200 ms of white and a tone of `hertz`.
    pub(crate) fn make(dir: &Path, name: &str, size: &str, hertz: u32) -> Self {
        let video = dir.join(format!("{name}.ivf"));
        let flash = "drawbox=c=white:t=fill:enable='lt(mod(t,1),0.2)'";
        let seconds = CLIP_MS / 1_000;
        let look = format!("testsrc2=s={size}:r=25:d={seconds},hue=h={hertz},{flash}");
        ffmpeg(
            &["-f", "lavfi", "-i", &look],
            "-c:v libvpx -b:v 600k -g 50 -deadline realtime -cpu-used 8 -auto-alt-ref 0 -pix_fmt yuv420p",
            &video,
        );
        let audio = dir.join(format!("{name}.ogg"));
        let tone =
            format!("aevalsrc='0.4*sin(2*PI*{hertz}*t)*lt(mod(t,1),0.2)':s=48000:d={seconds}");
        ffmpeg(&["-f", "lavfi", "-i", &tone], "-c:a libopus -b:a 48k -frame_duration 20", &audio);
        let clip = Self { pictures: ivf_frames(&video), sounds: ogg_packets(&audio) };
        assert_eq!(clip.pictures.len() as i64, CLIP_MS / 40);
        assert!(clip.sounds.len() as i64 >= CLIP_MS / 20);
        clip
    }
}

impl Clip {
    /// A clip for tracks whose packets are made elsewhere.
    pub(crate) fn empty() -> Self {
        Self { pictures: Vec::new(), sounds: Vec::new() }
    }
}

/// Codes a clip, unless an earlier child did.
fn ffmpeg(input: &[&str], options: &str, to: &PathBuf) {
    if to.exists() {
        return;
    }
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-y"])
        .args(input)
        .args(options.split_whitespace())
        .arg(to)
        .status()
        .expect("ffmpeg is installed");
    assert!(status.success(), "ffmpeg could not make {}", to.display());
}

fn ivf_frames(path: &Path) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(path).expect("a clip");
    let (mut frames, mut rest) = (Vec::new(), &bytes[32..]);
    while let Some(header) = rest.first_chunk::<12>() {
        let length = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
        frames.push(rest[12..12 + length].to_vec());
        rest = &rest[12 + length..];
    }
    frames
}

fn ogg_packets(path: &Path) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(path).expect("a clip");
    let (mut packets, mut packet, mut rest) = (Vec::new(), Vec::new(), bytes.as_slice());
    while rest.len() > 27 {
        let n_lacing = usize::from(rest[26]);
        let (lacing, mut body) = rest[27..].split_at(n_lacing);
        for length in lacing {
            let (part, after) = body.split_at(usize::from(*length));
            packet.extend_from_slice(part);
            body = after;
            if *length < 255 {
                packets.push(std::mem::take(&mut packet));
            }
        }
        rest = body;
    }
    // OpusHead and OpusTags.
    packets.split_off(2)
}

/// One site and its clocks.
pub(crate) struct Site<'a> {
    pub(crate) publisher: String,
    clip: &'a Clip,
    recording: RecordingId,
    /// Numbers of its two tracks.
    video: u32,
    audio: u32,
    clock_off_us: i64,
    skew_ppm: i64,
    way_us: i64,
    /// The node's time at which it began.
    start_us: i64,
    sent_ms: i64,
    video_sequence: u16,
    audio_sequence: u16,
    payloader: Vp8Payloader,
}

impl<'a> Site<'a> {
    /// A site whose clock is off by `clock_off_us`, drifts by `skew_ppm`, and whose packets travel for
    /// `way_us`. Its number decides its track numbers, SSRC and RTP starting points.
    pub(crate) fn new(
        number: u32,
        publisher: &str,
        clip: &'a Clip,
        recording: RecordingId,
        clocks: (i64, i64, i64),
        start_us: i64,
    ) -> Self {
        let mut payloader = Vp8Payloader::default();
        payloader.enable_picture_id = true;
        Self {
            publisher: publisher.into(),
            clip,
            recording,
            video: number * 2,
            audio: number * 2 + 1,
            clock_off_us: clocks.0,
            skew_ppm: clocks.1,
            way_us: clocks.2,
            start_us,
            sent_ms: 0,
            video_sequence: 65_500,
            audio_sequence: 65_400,
            payloader,
        }
    }

    /// What the tap says when the site appears.
    pub(crate) fn begin(&self) -> Vec<TapMessage> {
        let track = |track: u32, source, codec, payload_type, clock_rate| {
            TapMessage::TrackStarted(TapTrackInfo {
                recording: self.recording,
                track,
                key: TrackKey { publisher: self.publisher.clone(), source },
                layer: Layer::High,
                codec,
                payload_type,
                ssrc: track + 1_000,
                clock_rate,
            })
        };
        vec![
            track(self.video, Source::Camera, Codec::Vp8, VP8, 90_000),
            track(self.audio, Source::Microphone, Codec::Opus, OPUS, 48_000),
        ]
    }

    /// Everything that arrives until the node's time `until_us`.
    pub(crate) fn packets(&mut self, until_us: i64) -> Vec<TapPacket> {
        let mut packets = Vec::new();
        while self.start_us + self.sent_ms * 1_000 + self.way_us <= until_us {
            let ms = self.sent_ms;
            let at_us = self.start_us + ms * 1_000;
            if ms % 1_000 == 20 {
                packets.push(self.report(self.video, at_us, ms * 90));
                packets.push(self.report(self.audio, at_us, ms * 48));
            }
            let sound = self.clip.sounds[(ms % CLIP_MS / 20) as usize].clone();
            let header = (OPUS, self.audio_sequence, ms * 48, false);
            packets.push(self.rtp(self.audio, header, &sound, at_us));
            self.audio_sequence = self.audio_sequence.wrapping_add(1);
            if ms % 40 == 0 {
                self.picture(ms, at_us, &mut packets);
            }
            self.sent_ms += 20;
        }
        packets
    }

    fn picture(&mut self, ms: i64, at_us: i64, packets: &mut Vec<TapPacket>) {
        let picture = self.clip.pictures[(ms % CLIP_MS / 40) as usize].clone();
        let payloads = self.payloader.payload(1_200, &picture.into()).expect("payloads");
        let n = payloads.len();
        for (part, payload) in payloads.into_iter().enumerate() {
            let header = (VP8, self.video_sequence, ms * 90, part + 1 == n);
            packets.push(self.rtp(self.video, header, &payload, at_us));
            self.video_sequence = self.video_sequence.wrapping_add(1);
        }
    }

    /// Media clocks start shortly before their 32 bits wrap.
    fn ticks(ticks: i64) -> u32 {
        (u32::MAX - 200_000).wrapping_add(ticks as u32)
    }

    fn rtp(
        &self,
        track: u32,
        (payload_type, sequence, ticks, marker): (u8, u16, i64, bool),
        payload: &[u8],
        at_us: i64,
    ) -> TapPacket {
        let mut bytes = vec![0x80, payload_type | if marker { 0x80 } else { 0 }];
        bytes.extend_from_slice(&sequence.to_be_bytes());
        bytes.extend_from_slice(&Self::ticks(ticks).to_be_bytes());
        bytes.extend_from_slice(&(track + 1_000).to_be_bytes());
        bytes.extend_from_slice(payload);
        TapPacket { track, arrival_us: at_us + self.way_us, kind: TapKind::Rtp, bytes }
    }

    fn report(&self, track: u32, at_us: i64, ticks: i64) -> TapPacket {
        let drift_us = (at_us - self.start_us) * self.skew_ppm / 1_000_000;
        let ntp_us = at_us + self.clock_off_us + drift_us + 2_208_988_800 * 1_000_000;
        let mut bytes = vec![0x80, 200, 0, 6];
        bytes.extend_from_slice(&(track + 1_000).to_be_bytes());
        bytes.extend_from_slice(&((ntp_us / 1_000_000) as u32).to_be_bytes());
        let fraction = (((ntp_us % 1_000_000) as u64) << 32) / 1_000_000;
        bytes.extend_from_slice(&(fraction as u32).to_be_bytes());
        bytes.extend_from_slice(&Self::ticks(ticks).to_be_bytes());
        bytes.extend_from_slice(&[0; 8]);
        let arrival_us = at_us + self.way_us;
        TapPacket { track, arrival_us, kind: TapKind::SenderReport, bytes }
    }
}
