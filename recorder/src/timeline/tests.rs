//! Laws of the timeline, on senders whose clocks are wrong in every way that was seen.

use proptest::prelude::*;

use super::*;
use crate::archive::rtplog::{Entry, EntryKind};
use crate::rtp::reorder::Reorder;
use crate::rtp::unwrap::TimeUnwrapper;

/// A sender: its clock is off and drifts against the node's; its media clock drifts against its own.
#[derive(Clone, Debug)]
struct Sender {
    clock_off_us: i64,
    clock_ppm: f64,
    media_ppm: f64,
    clock_rate: u32,
    first_ticks: u32,
    starts_us: i64,
}

const NODE_START_US: i64 = 1_795_000_000_000_000;

impl Sender {
    /// The sender's clock at a node's time.
    fn clock_us(&self, node_us: i64) -> i64 {
        let since = (node_us - NODE_START_US) as f64;
        node_us + self.clock_off_us + (since * self.clock_ppm / 1e6) as i64
    }

    fn ticks(&self, node_us: i64) -> u32 {
        let since = (self.clock_us(node_us) - self.clock_us(self.starts_us)) as f64;
        let ticks = since * (1.0 + self.media_ppm / 1e6) * f64::from(self.clock_rate) / 1e6;
        self.first_ticks.wrapping_add(ticks as i64 as u32)
    }

    fn rtp(&self, sequence: u16, node_us: i64, way_us: i64) -> Entry {
        let mut bytes = vec![0x80, 96];
        bytes.extend_from_slice(&sequence.to_be_bytes());
        bytes.extend_from_slice(&self.ticks(node_us).to_be_bytes());
        bytes.extend_from_slice(&[0, 0, 0, 7, 1, 2, 3]);
        Entry { kind: EntryKind::Rtp, arrival_us: node_us + way_us, bytes }
    }

    fn report(&self, node_us: i64, way_us: i64) -> Entry {
        let ntp_us = self.clock_us(node_us) + 2_208_988_800 * 1_000_000;
        let mut bytes = vec![0x80, 200, 0, 6, 0, 0, 0, 7];
        bytes.extend_from_slice(&((ntp_us / 1_000_000) as u32).to_be_bytes());
        let fraction = (((ntp_us % 1_000_000) as u64) << 32).div_ceil(1_000_000);
        bytes.extend_from_slice(&(fraction as u32).to_be_bytes());
        bytes.extend_from_slice(&self.ticks(node_us).to_be_bytes());
        bytes.extend_from_slice(&[0; 8]);
        Entry { kind: EntryKind::SenderReport, arrival_us: node_us + way_us, bytes }
    }

    /// A log of `seconds`, a packet every `every_ms`, a report every 5 s. Ways differ from `ways`; packets
    /// whose way is a multiple of 13 are lost.
    fn log(
        &self,
        seconds: i64,
        every_ms: i64,
        ways: &[i64],
        has_reports: bool,
    ) -> Vec<(i64, Entry)> {
        let mut entries = Vec::new();
        for (n, ms) in (0..seconds * 1_000).step_by(every_ms as usize).enumerate() {
            let node_us = self.starts_us + ms * 1_000;
            let way_us = 2_000 + ways[n % ways.len()];
            if n == 0 || way_us % 13 != 0 {
                entries.push((node_us, self.rtp(n as u16, node_us, way_us)));
            }
            if has_reports && ms % 5_000 < every_ms {
                // Each report has its own luck on the way.
                let n_report = (ms / 5_000) as usize;
                let way_us = 2_000 + ways[n_report * 7 % ways.len()];
                entries.push((node_us, self.report(node_us, way_us)));
            }
        }
        entries.sort_by_key(|(_, entry)| entry.arrival_us);
        entries
    }
}

fn survey(sender: &Sender, log: &[(i64, Entry)]) -> Survey {
    let mut survey = Survey::new(7, 96, sender.clock_rate);
    log.iter().for_each(|(_, entry)| survey.push(entry));
    survey
}

/// The mapping's worst error against the truth, µs.
fn worst_error(sender: &Sender, clock: &TrackClock, log: &[(i64, Entry)]) -> i64 {
    let mut times = TimeUnwrapper::new(sender.clock_rate);
    let mut worst = 0;
    for (node_us, entry) in log.iter().filter(|(_, entry)| entry.kind == EntryKind::Rtp) {
        let ticks = times.unwrap(sender.ticks(*node_us), entry.arrival_us);
        worst = worst.max((clock.node_us(ticks, entry.arrival_us) - node_us).abs());
    }
    worst
}

fn any_sender(clock_rate: u32) -> impl Strategy<Value = Sender> {
    (
        -5_000_000_000_i64..5_000_000_000,
        -300.0..300.0_f64,
        -300.0..300.0_f64,
        any::<u32>(),
        0_i64..600,
    )
        .prop_map(move |(clock_off_us, clock_ppm, media_ppm, first_ticks, late_s)| Sender {
            clock_off_us,
            clock_ppm,
            media_ppm,
            clock_rate,
            first_ticks,
            starts_us: NODE_START_US + late_s * 1_000_000,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn wrong_clocks_wraps_loss_jitter_and_late_starts_are_mapped_within_the_shortest_way(
        sender in any_sender(90_000),
        ways in prop::collection::vec(0_i64..60_000, 40..80),
        seconds in 240_i64..900,
    ) {
        let log = sender.log(seconds, 100, &ways, true);
        let survey = survey(&sender, &log);
        let clock = clocks(&[("a", &survey)]).remove(0);
        // Sites have to be together within 50 ms; the shortest way is 2 ms, and jitter up to 60 ms.
        let worst = worst_error(&sender, &clock, &log);
        prop_assert!(worst < 50_000, "off by {worst} us");
    }

    #[test]
    fn sound_and_picture_of_one_sender_stay_together_over_hours(
        base in any_sender(90_000),
        media_ppm in -300.0..300.0_f64,
        ways in prop::collection::vec(0_i64..60_000, 40..80),
    ) {
        let sound = Sender { clock_rate: 48_000, media_ppm, ..base.clone() };
        let (video_log, sound_log) =
            (base.log(7_200, 1_000, &ways, true), sound.log(7_200, 1_000, &ways[7..], true));
        let (of_video, of_sound) = (survey(&base, &video_log), survey(&sound, &sound_log));
        let mapped = clocks(&[("a", &of_video), ("a", &of_sound)]);
        let mut worst = 0_i64;
        let mut video_times = TimeUnwrapper::new(90_000);
        let mut sound_times = TimeUnwrapper::new(48_000);
        for ms in (0..7_200_000).step_by(1_000) {
            let node_us = base.starts_us + ms * 1_000;
            let video = video_times.unwrap(base.ticks(node_us), node_us);
            let heard = sound_times.unwrap(sound.ticks(node_us), node_us);
            let off = mapped[0].node_us(video, node_us) - mapped[1].node_us(heard, node_us);
            worst = worst.max(off.abs());
        }
        prop_assert!(worst < 2_000, "off by {worst} us");
    }

    #[test]
    fn without_reports_arrival_tells_the_time(
        mut sender in any_sender(48_000),
        ways in prop::collection::vec(0_i64..60_000, 40..80),
    ) {
        sender.clock_off_us = 0;
        sender.clock_ppm = 0.0;
        let log = sender.log(600, 100, &ways, false);
        let survey = survey(&sender, &log);
        prop_assert!(!survey.is_reported());
        let clock = clocks(&[("a", &survey)]).remove(0);
        prop_assert!(worst_error(&sender, &clock, &log) < 40_000);
    }
}

fn plain(clock_off_us: i64) -> Sender {
    Sender {
        clock_off_us,
        clock_ppm: 0.0,
        media_ppm: 0.0,
        clock_rate: 90_000,
        first_ticks: u32::MAX - 90_000,
        starts_us: NODE_START_US,
    }
}

#[test]
fn two_machines_at_one_seat_do_not_share_a_clock() {
    let (first, second) = (plain(0), plain(40_000_000));
    let logs = [first.log(60, 100, &[0], true), second.log(60, 100, &[0], true)];
    let surveys = [survey(&first, &logs[0]), survey(&second, &logs[1])];
    let mapped = clocks(&[("a", &surveys[0]), ("a", &surveys[1])]);
    assert!(worst_error(&first, &mapped[0], &logs[0]) < 5_000);
    assert!(worst_error(&second, &mapped[1], &logs[1]) < 5_000);
}

#[test]
fn a_source_that_jumps_is_followed_from_its_next_report_and_by_arrival_until_then() {
    let (before, mut after) = (plain(0), plain(0));
    after.first_ticks = before.first_ticks.wrapping_add(90_000 * 3_600);
    let mut log = before.log(60, 100, &[0], true);
    let rest = after.log(120, 100, &[0], true);
    log.extend(rest.into_iter().filter(|(us, _)| *us >= NODE_START_US + 61_000_000));
    let survey = survey(&before, &log);
    let clock = clocks(&[("a", &survey)]).remove(0);
    let mut times = TimeUnwrapper::new(90_000);
    for (node_us, entry) in log.iter().filter(|(_, entry)| entry.kind == EntryKind::Rtp) {
        let jumped = *node_us >= NODE_START_US + 61_000_000;
        let sent = if jumped { after.ticks(*node_us) } else { before.ticks(*node_us) };
        let ticks = times.unwrap(sent, entry.arrival_us);
        assert!((clock.node_us(ticks, entry.arrival_us) - node_us).abs() < 5_000);
    }
}

#[test]
fn the_survey_and_the_second_pass_count_media_time_alike_when_the_first_packets_swap() {
    let sender = Sender { first_ticks: u32::MAX - 10, ..plain(0) };
    let mut log = sender.log(10, 20, &[0], true);
    log.retain(|(_, entry)| entry.kind == EntryKind::Rtp);
    log.swap(0, 1);
    let survey = survey(&sender, &log);
    let clock = clocks(&[("a", &survey)]).remove(0);
    let mut reorder = Reorder::new(7, 96, 90_000);
    for (_, entry) in &log {
        reorder.push(&entry.bytes, entry.arrival_us);
    }
    reorder.finish();
    let first = reorder.pop().expect("a packet");
    assert!((clock.node_us(first.ticks, first.arrival_us) - NODE_START_US).abs() < 25_000);
}
