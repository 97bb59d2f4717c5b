//! The second pass: 25 times a second of meeting, what is due is decoded, drawn, mixed and encoded.

use std::path::Path;

use protocol::media::{Source, TrackKey};
use protocol::review::{Review, SpeakerLane};
use protocol::tap::Codec;
use protocol::time::Timestamp;

use super::FRAMES_PER_SECOND;
use super::canvas::Canvas;
use super::feed::Feed;
use super::layout::{HEIGHT, WIDTH, layout};
use super::listen::{Listener, Waveform};
use super::mixer::{Mixer, Voice};
use super::paint::{Painter, Pictures, Version};
use super::plan::{Plan, TrackPlan};
use super::scene::Scene;
use super::thumbs::Sheet;
use crate::error::Error;
use crate::media::{Mp4Writer, OpusDecoder, SAMPLE_RATE, VideoDecoder};

/// One picture's time, µs.
const STEP_US: i64 = 1_000_000 / FRAMES_PER_SECOND as i64;
/// Sample pairs of one picture's time.
const STEP_SAMPLES: usize = (SAMPLE_RATE / FRAMES_PER_SECOND) as usize;
/// A camera's last picture is shown for so long when nothing comes, µs; then its card.
const CAMERA_HOLD_US: i64 = 2_000_000;
/// A screen that does not change sends little.
const SCREEN_HOLD_US: i64 = 10_000_000;
/// Opus hands out sound 6.5 ms after it was said: its encoder's look-ahead (RFC 7845 §5.1).
const OPUS_DELAY_US: i64 = 6_500;
/// A publisher that only sends sound counts as here for so long after its last packet, µs.
const HEARD_HOLD_US: i64 = 5_000_000;

/// A camera or a screen.
struct VideoSource<'a> {
    track: &'a TrackPlan,
    feed: Feed<'a>,
    decoder: Option<(Codec, VideoDecoder)>,
    /// A codec for which there is no decoder.
    undecoded: Option<Codec>,
    last_us: i64,
    version: u64,
    is_fresh: bool,
}

/// A microphone, or a screen's sound.
struct AudioSource<'a> {
    track: &'a TrackPlan,
    feed: Feed<'a>,
    decoder: Option<OpusDecoder>,
    voice: Voice,
    /// Of a microphone: a film that is shown speaks for nobody.
    listener: Option<Listener>,
    last_us: i64,
}

struct VideoSources<'a>(Vec<VideoSource<'a>>);

/// What was rendered.
pub(super) struct Rendered {
    /// Length, ms.
    pub ms: u64,
    /// Who spoke when, and how loud it was.
    pub review: Review,
    /// Small pictures along the way.
    pub sheet: Canvas,
}

/// Renders the plan into a file. `progress` is told 0 to 1.
pub(super) fn render(
    plan: &Plan,
    path: &Path,
    progress: &mut dyn FnMut(f64),
) -> Result<Rendered, Error> {
    let is_sound = |track: &&TrackPlan| track.key.source.is_audio();
    let mut videos = VideoSources(
        plan.tracks.iter().filter(|track| !is_sound(track)).map(VideoSource::new).collect(),
    );
    let mut audios: Vec<AudioSource<'_>> =
        plan.tracks.iter().filter(is_sound).map(AudioSource::new).collect();
    let size = (WIDTH as u32, HEIGHT as u32);
    let mut writer = Mp4Writer::create(path, &plan.title, size, FRAMES_PER_SECOND.cast_signed())?;
    let mut painter = Painter::new(&plan.title);
    let (mut mixer, mut scene) = (Mixer::default(), Scene::default());
    let (mut waveform, mut sheet) = (Waveform::default(), Sheet::new(plan.length_us));
    let senders = plan.tracks.iter().map(|track| track.key.publisher.clone()).collect();
    let (mut notes, mut gaps) = (plan.notes.iter().peekable(), plan.gaps.iter().peekable());

    let n_pictures = (plan.length_us + STEP_US - 1) / STEP_US;
    for n in 0..n_pictures {
        let us = n * STEP_US;
        progress(n as f64 / n_pictures as f64);
        while let Some((_, note)) = notes.next_if(|(at, _)| *at <= us) {
            scene.apply(note);
        }
        while gaps.next_if(|(_, to)| *to <= us).is_some() {}
        // The nearest picture, not the latest one: sound and picture are off by half a step at most.
        for source in &mut videos.0 {
            source.advance(us + STEP_US / 2)?;
        }
        for source in &mut audios {
            source.advance(us + STEP_US, &mut mixer)?;
        }
        let now = |us: i64| Timestamp(plan.started_at.0 + us / 1_000);
        match gaps.peek() {
            Some((from, to)) if *from <= us => painter.gap(now(*from), now(*to)),
            Some(_) | None if scene.is_recess() => painter.recess(scene.words()),
            Some(_) | None => {
                let cells = layout(&scene, &videos.live(), &heard(&audios, us), &senders);
                painter.cells(&cells, &mut videos);
            }
        }
        painter.bar(now(us), scene.words());
        writer.picture(&painter.canvas)?;
        sheet.look(us, &painter.canvas);
        let sound = mixer.take(STEP_SAMPLES);
        waveform.hear(&sound);
        writer.sound(&sound)?;
    }
    writer.finish()?;
    let ms = u64::try_from(n_pictures * STEP_US / 1_000).unwrap_or(0);
    let (step_ms, waveform) = waveform.finish();
    let (thumbs, sheet) = sheet.finish(&painter.canvas);
    let lanes = lanes(audios, plan);
    Ok(Rendered { ms, review: Review { step_ms, waveform, lanes, thumbs: Some(thumbs) }, sheet })
}

fn lanes(audios: Vec<AudioSource<'_>>, plan: &Plan) -> Vec<SpeakerLane> {
    let mut lanes: Vec<SpeakerLane> = audios
        .into_iter()
        .filter_map(|source| {
            let publisher = &source.track.key.publisher;
            source.listener?.finish(publisher.clone(), plan.name(publisher).to_owned())
        })
        .collect();
    lanes.sort_by_key(|lane| lane.spans.first().copied());
    lanes
}

fn heard(audios: &[AudioSource<'_>], us: i64) -> Vec<String> {
    audios
        .iter()
        .filter(|source| us - source.last_us <= HEARD_HOLD_US)
        .map(|source| source.track.key.publisher.clone())
        .collect()
}

impl<'a> VideoSource<'a> {
    fn new(track: &'a TrackPlan) -> Self {
        Self {
            track,
            feed: Feed::new(track),
            decoder: None,
            undecoded: None,
            last_us: i64::MIN / 2,
            version: 0,
            is_fresh: false,
        }
    }

    fn advance(&mut self, us: i64) -> Result<(), Error> {
        while let Some(frame) = self.feed.next_until(us)? {
            if self.undecoded == Some(frame.codec) {
                continue;
            }
            // Who comes back may send another codec than before.
            let decoder = match &mut self.decoder {
                Some((codec, decoder)) if *codec == frame.codec => decoder,
                Some(_) | None => match VideoDecoder::new(frame.codec) {
                    Ok(decoder) => &mut self.decoder.insert((frame.codec, decoder)).1,
                    Err(error) => {
                        // One camera that this FFmpeg cannot show must not cost the others their video.
                        tracing::warn!(%error, codec = ?frame.codec, "a camera is left out");
                        self.undecoded = Some(frame.codec);
                        continue;
                    }
                },
            };
            if decoder.decode(&frame.bytes) {
                self.version += 1;
                self.last_us = frame.us;
            }
        }
        let hold_us = match self.track.key.source {
            Source::Screen | Source::ScreenAudio => SCREEN_HOLD_US,
            Source::Camera | Source::Microphone => CAMERA_HOLD_US,
        };
        self.is_fresh = us - self.last_us <= hold_us;
        if !self.is_fresh && self.feed.is_over() {
            self.decoder = None;
        }
        Ok(())
    }
}

impl VideoSources<'_> {
    /// Tracks with a picture to show.
    fn live(&self) -> Vec<TrackKey> {
        let live = self.0.iter().filter(|source| source.is_fresh);
        live.map(|source| source.track.key.clone()).collect()
    }
}

impl Pictures for VideoSources<'_> {
    fn version(&self, track: &TrackKey) -> Version {
        let source = self.0.iter().find(|source| source.track.key == *track)?;
        source.is_fresh.then_some(source.version)
    }

    fn decoder(&mut self, track: &TrackKey) -> Option<&mut VideoDecoder> {
        let source = self.0.iter_mut().find(|source| source.track.key == *track)?;
        source.decoder.as_mut().map(|(_, decoder)| decoder)
    }
}

impl<'a> AudioSource<'a> {
    fn new(track: &'a TrackPlan) -> Self {
        let listener = (track.key.source == Source::Microphone).then(Listener::default);
        Self {
            track,
            feed: Feed::new(track),
            decoder: None,
            voice: Voice::default(),
            listener,
            last_us: i64::MIN / 2,
        }
    }

    fn advance(&mut self, until_us: i64, mixer: &mut Mixer) -> Result<(), Error> {
        while let Some(frame) = self.feed.next_until(until_us)? {
            let decoder = match &mut self.decoder {
                Some(decoder) => decoder,
                None => self.decoder.insert(OpusDecoder::new()?),
            };
            let mut samples = Vec::new();
            decoder.decode(&frame.bytes, &mut samples);
            self.last_us = frame.us;
            let said_us = frame.us - OPUS_DELAY_US;
            if let Some(listener) = &mut self.listener {
                listener.hear(said_us, &samples);
            }
            self.voice.place(said_us, samples, mixer);
        }
        if self.feed.is_over() {
            self.decoder = None;
        }
        Ok(())
    }
}
