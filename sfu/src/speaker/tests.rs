//! Minutes of what was heard.

use super::*;

struct Hall {
    start: Now,
    speakers: Speakers,
}

#[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
fn hall(n: usize) -> Hall {
    let start = Now { at: Instant::now(), unix_us: 1_000_000 };
    let mut speakers = Speakers::default();
    for track in 0..n {
        let key = TrackKey { publisher: track.to_string(), source: Source::Microphone };
        speakers.add(track, key, start.at);
        speakers.set(track, true, false);
    }
    Hall { start, speakers }
}

impl Hall {
    fn at(&self, ms: u64) -> Now {
        let unix_us = self.start.unix_us + ms as i64 * 1_000;
        Now { at: self.start.at + Duration::from_millis(ms), unix_us }
    }

    /// Each (track, level) sends packets every 20 ms of the span.
    fn hear(&mut self, span: std::ops::Range<u64>, levels: &[(usize, u8)]) {
        for ms in span.step_by(20) {
            let now = self.at(ms);
            for &(track, level) in levels {
                self.speakers.level(track, level, now);
            }
            self.speakers.rank(now.at);
        }
    }

    fn order(&self) -> Vec<usize> {
        self.speakers.order().collect()
    }

    fn speaking(&mut self, ms: u64) -> Vec<usize> {
        let now = self.at(ms).at;
        self.speakers.speaking(now).to_vec()
    }
}

#[test]
fn who_speaks_comes_first_and_stays_there_in_silence() {
    let mut hall = hall(4);
    hall.hear(0..1_000, &[(0, 70), (1, 70), (2, 30), (3, 127)]);
    assert_eq!(hall.order()[0], 2);
    assert_eq!(hall.speaking(1_000), [2]);
    hall.hear(1_000..5_000, &[(0, 70), (1, 70), (2, 127), (3, 127)]);
    assert_eq!(hall.order()[0], 2);
    assert!(hall.speaking(5_000).is_empty());
}

#[test]
fn a_slightly_louder_voice_does_not_take_over_but_a_much_louder_one_does() {
    let mut hall = hall(2);
    hall.hear(0..1_000, &[(0, 30), (1, 27)]);
    assert_eq!(hall.order(), [0, 1]);
    hall.hear(1_000..2_000, &[(0, 40), (1, 20)]);
    assert_eq!(hall.order(), [1, 0]);
}

#[test]
fn the_chair_goes_first_and_who_is_not_granted_is_not_heard() {
    let mut hall = hall(3);
    hall.speakers.set(2, true, true);
    hall.speakers.set(1, false, false);
    hall.hear(0..1_000, &[(0, 20), (1, 10), (2, 127)]);
    assert_eq!(hall.order(), [2, 0]);
    assert_eq!(hall.speaking(1_000), [0]);
}

#[test]
fn a_speech_bridges_short_pauses_and_is_told_when_it_is_over() {
    let mut hall = hall(1);
    hall.hear(0..2_000, &[(0, 30)]);
    hall.hear(2_000..3_500, &[(0, 127)]);
    hall.hear(3_500..4_500, &[(0, 30)]);
    assert_eq!(hall.speakers.poll_spoke(hall.at(5_000).at), None);
    let spoke = hall.speakers.poll_spoke(hall.at(6_600).at).unwrap();
    assert_eq!((spoke.publisher.as_str(), spoke.from_unix_us, spoke.ms), ("0", 1_000_000, 4_480));
    assert_eq!(hall.speakers.poll_spoke(hall.at(9_000).at), None);
}

#[test]
fn a_cough_is_no_speech_and_losing_the_word_ends_one() {
    let mut hall = hall(2);
    hall.hear(0..300, &[(0, 30)]);
    assert_eq!(hall.speakers.poll_spoke(hall.at(9_000).at), None);
    hall.hear(10_000..12_000, &[(1, 30)]);
    hall.speakers.set(1, false, false);
    assert_eq!(hall.speakers.poll_spoke(hall.at(12_000).at).unwrap().ms, 1_980);
}

#[test]
fn a_long_speech_is_told_in_pieces_and_the_rest_when_it_is_asked_for() {
    let mut hall = hall(1);
    hall.hear(0..70_000, &[(0, 30)]);
    let now = hall.at(70_000).at;
    let mut told: Vec<u64> =
        std::iter::from_fn(|| hall.speakers.poll_spoke(now)).map(|it| it.ms).collect();
    assert_eq!(told, [30_000, 30_000]);
    hall.speakers.end_speeches();
    told.extend(hall.speakers.poll_spoke(now).map(|it| it.ms));
    assert_eq!(told.iter().sum::<u64>(), 69_980);
    assert_eq!(hall.speakers.poll_spoke(now), None);
}

#[test]
fn silence_is_not_forwarded_and_the_first_sound_after_it_is() {
    let mut hall = hall(2);
    hall.speakers.set(1, true, true);
    let mut gates = Vec::new();
    for ms in (0..4_000).step_by(20) {
        let now = hall.at(ms);
        gates.push(hall.speakers.level(0, if ms < 1_000 { 60 } else { 90 }, now));
        assert_eq!(hall.speakers.level(1, 127, now), Gate::Open, "the chair is always heard");
    }
    let closed = gates.iter().position(|gate| *gate == Gate::Closed);
    assert_eq!(closed, Some(149), "two seconds after the last sound");
    assert!(gates[149..].iter().all(|gate| *gate == Gate::Closed));
    let now = hall.at(4_000);
    assert_eq!(hall.speakers.level(0, 40, now), Gate::Opens);
    assert_eq!(hall.speakers.level(0, 90, hall.at(4_020)), Gate::Open);
}

proptest::proptest! {
    #[test]
    fn every_voice_is_found_whatever_comes_and_goes(
        acts in proptest::collection::vec((0..4_u8, 0..8_usize, 0..128_u8), 0..200),
    ) {
        let mut speakers = Speakers::default();
        let hall = hall(1);
        for (n, (act, track, level)) in acts.into_iter().enumerate() {
            let now = hall.at(n as u64 * 20);
            let key = TrackKey { publisher: track.to_string(), source: Source::Microphone };
            match act {
                0 => speakers.add(track, key, now.at),
                1 => speakers.remove(track),
                2 => speakers.set(track, true, level > 100),
                _ => {
                    speakers.level(track, level, now);
                }
            }
            speakers.rank(now.at);
            for (place, voice) in speakers.voices.iter().enumerate() {
                proptest::prop_assert_eq!(speakers.places[voice.track], place);
            }
            let n = speakers.places.iter().filter(|it| **it != NOWHERE).count();
            proptest::prop_assert_eq!(n, speakers.voices.len());
        }
    }
}
