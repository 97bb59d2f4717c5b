//! Who spoke when, and how loud it was: microphones are heard one by one before they are mixed, so a voice
//! is known by its site without any model of words. Whether sound is speech is judged by `earshot`.

use earshot::Detector;
use protocol::review::{SpeakerLane, WAVEFORM_MAX};

/// What the detector hears: 16,000 samples a second, one in three of ours.
const THIRD: usize = 3;
/// Samples that it judges at once.
const FRAME: usize = 256;
/// The same, µs.
const FRAME_US: i64 = 16_000;
/// Above this it is a voice (the detector's own advice is 0.5; a hall's noise reaches that now and then).
const VOICE_LEAST: f32 = 0.6;
/// Pauses up to this belong to a speech, µs: people breathe and think.
const PAUSE_MAX_US: i64 = 1_200_000;
/// Less voice than this is a cough or a chair, µs.
const SPEECH_LEAST_US: i64 = 300_000;
/// Sound that is off by more than this from where the one before ended begins anew, µs.
const JOIN_MAX_US: i64 = 100_000;
/// Stretches of speech of one microphone at most: two days of one every ten seconds.
const SPANS_MAX: usize = 17_280;
/// One value of the waveform while it is gathered, sample pairs: 100 ms.
const STEP_PAIRS: usize = 4_800;
/// The same, ms.
const STEP_MS: u32 = 100;

/// One microphone.
#[derive(Default)]
pub(super) struct Listener {
    detector: Detector,
    /// Samples that do not fill a frame yet.
    waiting: Vec<i16>,
    /// Where the next sample is expected, µs.
    next_us: Option<i64>,
    speech: Speech,
}

/// Joins frames with a voice into stretches.
#[derive(Debug, Default, PartialEq, Eq)]
struct Speech {
    open: Option<Stretch>,
    spans: Vec<(u64, u64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    from_us: i64,
    to_us: i64,
    voice_us: i64,
}

impl Listener {
    /// Hears sample pairs of 48 kHz that were said at `us` from the recording's start.
    pub(super) fn hear(&mut self, us: i64, pairs: &[f32]) {
        if self.next_us.is_none_or(|next| (us - next).abs() > JOIN_MAX_US) {
            self.waiting.clear();
            self.detector.reset();
        }
        let waiting_us = self.waiting.len() as i64 * FRAME_US / FRAME as i64;
        let mut at_us = us - waiting_us;
        self.next_us = Some(us + (pairs.len() / 2) as i64 * 1_000 / 48);
        self.waiting.extend(pairs.chunks_exact(2 * THIRD).map(|six| {
            let mean = six.iter().sum::<f32>() / six.len() as f32;
            (mean.clamp(-1.0, 1.0) * f32::from(i16::MAX)) as i16
        }));
        let whole = self.waiting.len() / FRAME * FRAME;
        for frame in self.waiting[..whole].chunks_exact(FRAME) {
            if self.detector.predict_i16(frame) >= VOICE_LEAST {
                self.speech.voice(at_us, at_us + FRAME_US);
            }
            at_us += FRAME_US;
        }
        self.waiting.drain(..whole);
    }

    /// What was heard; none if nobody spoke.
    pub(super) fn finish(mut self, publisher: String, name: String) -> Option<SpeakerLane> {
        self.speech.close();
        let spans = self.speech.spans;
        let speech_ms = spans.iter().map(|(from, to)| to - from).sum();
        (speech_ms > 0).then_some(SpeakerLane { publisher, name, speech_ms, spans })
    }
}

impl Speech {
    fn voice(&mut self, from_us: i64, to_us: i64) {
        match &mut self.open {
            Some(open) if from_us - open.to_us <= PAUSE_MAX_US => {
                open.to_us = open.to_us.max(to_us);
                open.voice_us += to_us - from_us;
            }
            Some(_) | None => {
                self.close();
                self.open = Some(Stretch { from_us, to_us, voice_us: to_us - from_us });
            }
        }
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        if open.voice_us < SPEECH_LEAST_US || self.spans.len() >= SPANS_MAX {
            return;
        }
        let ms = |us: i64| u64::try_from(us / 1_000).unwrap_or(0);
        // A source whose time jumped back does not speak twice at once.
        let from = ms(open.from_us).max(self.spans.last().map_or(0, |(_, to)| *to));
        if ms(open.to_us) > from {
            self.spans.push((from, ms(open.to_us)));
        }
    }
}

/// Gathers the loudness of what was mixed.
#[derive(Debug, Default)]
pub(super) struct Waveform {
    peaks: Vec<u8>,
    peak: f32,
    n_pairs: usize,
}

impl Waveform {
    /// Hears the next samples, left and right in turn.
    pub(super) fn hear(&mut self, samples: &[f32]) {
        for pair in samples.chunks_exact(2) {
            self.peak = self.peak.max(pair[0].abs()).max(pair[1].abs());
            self.n_pairs += 1;
            if self.n_pairs == STEP_PAIRS {
                self.step();
            }
        }
    }

    fn step(&mut self) {
        self.peaks.push((self.peak.min(1.0) * 255.0) as u8);
        (self.peak, self.n_pairs) = (0.0, 0);
    }

    /// Time of a value, ms, and the values: as fine as fits.
    pub(super) fn finish(mut self) -> (u32, Vec<u8>) {
        if self.n_pairs > 0 {
            self.step();
        }
        let group = self.peaks.len().div_ceil(WAVEFORM_MAX).max(1);
        let values = self.peaks.chunks(group).map(|some| some.iter().copied().max().unwrap_or(0));
        (STEP_MS * u32::try_from(group).unwrap_or(1), values.collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cough_is_no_speech_and_a_breath_does_not_end_one() {
        let mut speech = Speech::default();
        speech.voice(0, 200_000);
        speech.voice(5_000_000, 6_000_000);
        speech.voice(6_900_000, 8_000_000);
        speech.voice(20_000_000, 21_000_000);
        speech.close();
        assert_eq!(speech.spans, [(5_000, 8_000), (20_000, 21_000)]);
    }

    #[test]
    fn silence_and_hum_are_no_speech() {
        let mut listener = Listener::default();
        for n in 0..500_i64 {
            let hum = (0..960).flat_map(|at| {
                let sample = 0.05 * ((n as f32 * 960.0 + at as f32) * 0.006_544_985).sin();
                [sample, sample]
            });
            listener.hear(n * 20_000, &hum.collect::<Vec<f32>>());
        }
        assert_eq!(listener.finish("p".into(), "P".into()), None);
    }

    /// A voice as a textbook draws it: pulses of the vocal cords through two formants, four syllables a
    /// second, of which every third moves to another vowel.
    fn voice(seconds: f32) -> Vec<f32> {
        let (mut out, mut phase) = (Vec::new(), 0.0_f32);
        let mut state = [[0.0_f32; 2]; 3];
        for n in 0..(seconds * 48_000.0) as usize {
            let time = n as f32 / 48_000.0;
            let syllable = (time * 4.0) as usize % 3;
            let within = (time * 4.0).fract();
            phase += (120.0 + 25.0 * (time * 2.1).sin()) / 48_000.0;
            let pulse = if phase >= 1.0 { 1.0 } else { 0.0 };
            phase = phase.fract();
            let formants =
                [[730.0, 1_090.0, 2_440.0], [270.0, 2_290.0, 3_010.0], [300.0, 870.0, 2_240.0]];
            let loud = (within * std::f32::consts::PI).sin().max(0.0);
            let mut sum = 0.0;
            for (state, hertz) in state.iter_mut().zip(formants[syllable]) {
                let radius = (-std::f32::consts::PI * 90.0 / 48_000.0).exp();
                let turn = std::f32::consts::TAU * hertz / 48_000.0;
                let next =
                    pulse + 2.0 * radius * turn.cos() * state[0] - radius * radius * state[1];
                *state = [next, state[0]];
                sum += next;
            }
            let sample = (0.02 * sum * loud).clamp(-1.0, 1.0);
            out.extend([sample, sample]);
        }
        out
    }

    #[test]
    fn a_voice_is_heard_from_where_it_begins_to_where_it_ends() {
        let mut listener = Listener::default();
        let sound: Vec<f32> =
            [vec![0.0; 96_000 * 3], voice(5.0), vec![0.0; 96_000 * 3], voice(2.0)].concat();
        for (n, packet) in sound.chunks(1_920).enumerate() {
            listener.hear(n as i64 * 20_000, packet);
        }
        let lane = listener.finish("p".into(), "P".into()).expect("somebody spoke");
        let near = |a: u64, b: u64| a.abs_diff(b) <= 350;
        assert_eq!(lane.spans.len(), 2, "{:?}", lane.spans);
        assert!(near(lane.spans[0].0, 3_000) && near(lane.spans[0].1, 8_000), "{:?}", lane.spans);
        assert!(near(lane.spans[1].0, 11_000) && near(lane.spans[1].1, 13_000), "{:?}", lane.spans);
    }

    #[test]
    fn a_long_meeting_keeps_its_loudest_moments() {
        let mut waveform = Waveform::default();
        // 1,000 s, one loud sample in the middle.
        for second in 0..1_000 {
            let mut samples = vec![0.1; 96_000];
            if second == 500 {
                samples[7] = -0.9;
            }
            waveform.hear(&samples);
        }
        let (step_ms, values) = waveform.finish();
        assert!(values.len() <= WAVEFORM_MAX && step_ms == 300, "{} of {step_ms}", values.len());
        let loudest = values.iter().enumerate().max_by_key(|(_, value)| **value).map(|(n, _)| n);
        assert_eq!(loudest, Some(500_000 / 300));
    }

    proptest! {
        #[test]
        fn stretches_are_in_order_and_apart(
            frames in proptest::collection::vec((-5_000_000_i64..50_000_000, 16_000_i64..600_000), 0..60),
        ) {
            let mut speech = Speech::default();
            for (from, length) in frames {
                speech.voice(from, from + length);
            }
            speech.close();
            prop_assert!(speech.spans.iter().all(|(from, to)| from < to));
            prop_assert!(speech.spans.windows(2).all(|pair| pair[0].1 <= pair[1].0));
        }
    }
}
