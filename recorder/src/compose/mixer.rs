//! Sound of all tracks on one time line, to the sample. No library: placing, stretching by single samples
//! where a sender's clock drifts, adding up, and bending peaks instead of cutting them.

use std::collections::VecDeque;

/// Samples a second, as a signed number.
const RATE: i64 = 48_000;
/// A packet this close to the end of the one before is joined to it; the difference is clock drift or the
/// rounding of times. Farther off, there is a hole, or the source jumped.
const JOIN_MAX: i64 = 240;
/// Most samples by which one packet is stretched or squeezed: below 1 % is not heard.
const STRETCH_MAX: i64 = 8;
/// A voice that comes out of nothing is faded in over so many samples (2.5 ms): no click.
const FADE: usize = 120;
/// Farthest that sound may lie ahead of what was taken: 10 s. More is a defect of times and is dropped.
const AHEAD_MAX: i64 = RATE * 10;
/// Peaks above this are bent.
const KNEE: f32 = 0.7;

/// The sample at a time from the recording's start.
pub(super) fn sample_at(us: i64) -> i64 {
    (us * 48 + if us >= 0 { 500 } else { -500 }) / 1_000
}

/// Adds voices up. Samples are left and right in turn; positions count pairs.
#[derive(Debug, Default)]
pub(super) struct Mixer {
    start: i64,
    sum: VecDeque<f32>,
}

impl Mixer {
    /// Adds a voice at a position. What lies before the part already taken is too late and dropped.
    pub(super) fn add(&mut self, at: i64, voice: &[f32]) {
        let late = (self.start - at).max(0);
        let ahead = (at - self.start).max(0);
        if ahead > AHEAD_MAX {
            return;
        }
        let skip = usize::try_from(late).unwrap_or(usize::MAX).saturating_mul(2);
        let Some(voice) = voice.get(skip..) else { return };
        let from = usize::try_from(ahead).unwrap_or(0) * 2;
        if self.sum.len() < from + voice.len() {
            self.sum.resize(from + voice.len(), 0.0);
        }
        for (sum, sample) in self.sum.iter_mut().skip(from).zip(voice) {
            *sum += sample;
        }
    }

    /// Takes the next `n` pairs.
    pub(super) fn take(&mut self, n: usize) -> Vec<f32> {
        if self.sum.len() < n * 2 {
            self.sum.resize(n * 2, 0.0);
        }
        self.start += i64::try_from(n).unwrap_or(0);
        self.sum.drain(..n * 2).map(bend).collect()
    }
}

/// Leaves what is below the knee alone and brings anything above it under 1.
fn bend(sample: f32) -> f32 {
    let size = sample.abs();
    if size <= KNEE || !size.is_finite() {
        return if size.is_finite() { sample } else { 0.0 };
    }
    let over = (size - KNEE) / (1.0 - KNEE);
    sample.signum() * (KNEE + (1.0 - KNEE) * over.tanh())
}

/// Places the packets of one track.
#[derive(Debug, Default)]
pub(super) struct Voice {
    /// Where the packet before ended.
    end: Option<i64>,
}

impl Voice {
    /// Adds a decoded packet that was captured at `us` from the recording's start.
    pub(super) fn place(&mut self, us: i64, mut samples: Vec<f32>, mixer: &mut Mixer) {
        let n = i64::try_from(samples.len() / 2).unwrap_or(0);
        if n == 0 {
            return;
        }
        let wanted = sample_at(us);
        let at = match self.end {
            Some(end) if (wanted - end).abs() <= JOIN_MAX => {
                let length = n + (wanted - end).clamp(-STRETCH_MAX, STRETCH_MAX);
                samples = stretch(samples, usize::try_from(length).unwrap_or(1).max(1));
                end
            }
            Some(end) if wanted < end => {
                let over = usize::try_from(end - wanted).unwrap_or(usize::MAX).saturating_mul(2);
                let Some(rest) = samples.get(over..) else { return };
                samples = rest.to_vec();
                end
            }
            Some(_) | None => {
                fade_in(&mut samples);
                wanted
            }
        };
        self.end = Some(at + i64::try_from(samples.len() / 2).unwrap_or(0));
        mixer.add(at, &samples);
    }
}

/// The same sound in `length` pairs, with straight lines between samples.
fn stretch(samples: Vec<f32>, length: usize) -> Vec<f32> {
    let n = samples.len() / 2;
    if n == length || n < 2 || length < 2 {
        return samples;
    }
    let step = (n - 1) as f32 / (length - 1) as f32;
    let mut out = Vec::with_capacity(length * 2);
    for at in 0..length {
        let place = at as f32 * step;
        let before = (place as usize).min(n - 2);
        let part = place - before as f32;
        for channel in 0..2 {
            let (a, b) = (samples[before * 2 + channel], samples[(before + 1) * 2 + channel]);
            out.push(a + (b - a) * part);
        }
    }
    out
}

fn fade_in(samples: &mut [f32]) {
    for (n, pair) in samples.chunks_exact_mut(2).take(FADE).enumerate() {
        let part = n as f32 / FADE as f32;
        pair.iter_mut().for_each(|sample| *sample *= part);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn two_loud_voices_together_are_bent_and_never_cut() {
        let mut mixer = Mixer::default();
        mixer.add(0, &[0.9; 200]);
        mixer.add(0, &[0.9; 200]);
        let mixed = mixer.take(100);
        assert!(mixed.iter().all(|sample| (0.9..1.0).contains(sample)));
        assert_eq!(bend(0.5), 0.5);
        assert_eq!(bend(f32::NAN), 0.0);
    }

    proptest! {
        #[test]
        fn bending_keeps_order_and_stays_below_one(a in -4.0_f32..4.0, b in -4.0_f32..4.0) {
            prop_assert!(bend(a).abs() <= 1.0);
            prop_assert!(a > b || bend(a) <= bend(b));
        }

        #[test]
        fn a_drifting_track_stays_without_holes_within_a_few_samples_of_its_time(
            ppm in -300.0_f64..300.0, n in 50_usize..400,
        ) {
            let (mut mixer, mut voice) = (Mixer::default(), Voice::default());
            for packet in 0..n {
                let us = packet as f64 * 20_000.0 * (1.0 + ppm / 1e6);
                voice.place(us as i64, vec![0.5; 1_920], &mut mixer);
                let end = voice.end.expect("placed");
                let wanted = sample_at((us + 20_000.0) as i64);
                prop_assert!((end - wanted).abs() <= 2);
            }
            let length = (n as i64 - 1) * 960;
            let mixed = mixer.take(length as usize);
            let loud = &mixed[FADE * 2..];
            prop_assert!(loud.iter().all(|sample| (sample - 0.5).abs() < 1e-4));
        }

        #[test]
        fn a_packet_after_a_hole_is_heard_at_its_own_time(hole_ms in 40_i64..5_000) {
            let (mut mixer, mut voice) = (Mixer::default(), Voice::default());
            voice.place(0, vec![0.5; 1_920], &mut mixer);
            voice.place(20_000 + hole_ms * 1_000, vec![0.5; 1_920], &mut mixer);
            let total = 960 + hole_ms * 48 + 960;
            let mixed = mixer.take(total as usize);
            let first_after = mixed.chunks_exact(2).enumerate()
                .skip(960).find(|(_, pair)| pair[0] > 0.0).map(|(n, _)| n as i64);
            // The fade begins at nothing, so the first sample that is heard is the second.
            prop_assert_eq!(first_after, Some(960 + hole_ms * 48 + 1));
        }
    }
}
