//! The rules of `docs/allocation.md`, each with a test of its name.

use super::*;
use proptest::prelude::*;

#[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
fn start() -> Instant {
    Instant::now()
}

fn ladder(bps: &[u32]) -> Ladder {
    let mut ladder = Ladder::default();
    for (spatial, &bps) in bps.iter().enumerate() {
        ladder.push(Rung { choice: Choice { spatial: spatial as u8, temporal: 0 }, bps });
    }
    ladder
}

const CAMERA: [u32; 3] = [150_000, 500_000, 1_500_000];

fn ask(place: Place, bps: &[u32]) -> Ask {
    Ask { place, ladder: ladder(bps), held: Held::New }
}

fn page(estimate: u32) -> Downlink {
    let lowest = Lowest::MayPause;
    Downlink { estimate: Some(estimate), sound: 100_000, lowest, is_frail: false }
}

/// A receiver that walks as time passes.
struct Receiver {
    asks: Vec<Ask>,
    memory: Memory,
    now: Instant,
    given: Vec<Given>,
    total: Total,
}

impl Receiver {
    fn new(asks: &[Ask]) -> Self {
        let (memory, total) = (Memory::default(), Total::default());
        Self { asks: asks.to_vec(), memory, now: start(), given: Vec::new(), total }
    }

    /// Walks after `ms`. Returns the layer of each picture, -1 for a paused one.
    fn after(&mut self, ms: u64, line: Downlink) -> Vec<i32> {
        self.now += Duration::from_millis(ms);
        let (memory, total) = allocate(line, &self.asks, self.memory, self.now, &mut self.given);
        (self.memory, self.total) = (memory, total);
        for (ask, given) in self.asks.iter_mut().zip(&self.given) {
            ask.held = given.choice.map_or(Held::Paused, Held::At);
        }
        self.given.iter().map(|it| it.choice.map_or(-1, |it| i32::from(it.spatial))).collect()
    }
}

fn at_once(estimate: u32, asks: &[Ask]) -> Vec<i32> {
    Receiver::new(asks).after(0, page(estimate))
}

#[test]
fn rule_1_sound_first() {
    let asks = [ask(Place::Main, &CAMERA)];
    assert_eq!(at_once(250_000, &asks), [-1], "nine tenths less the sound are 125 kbit/s");
    assert_eq!(at_once(280_000, &asks), [0]);
    let mut receiver = Receiver::new(&asks);
    let line = Downlink { sound: 400_000, ..page(300_000) };
    assert_eq!(receiver.after(0, line), [-1]);
    assert_eq!(receiver.total.used, 400_000, "only sound is left, and it may exceed the estimate");
}

#[test]
fn rule_2_one_list_of_steps() {
    let asks = [
        ask(Place::Main, &CAMERA),
        ask(Place::Tile, &CAMERA),
        ask(Place::Document, &[400_000]),
        ask(Place::Tile, &CAMERA),
    ];
    // What is used after each step: 250, 650, 800, 950, 1,300, 2,300, 2,650, 3,000, 4,000, 5,000 kbit/s.
    let steps = [
        (250, [0, -1, -1, -1]),
        (650, [0, -1, 0, -1]),
        (800, [0, 0, 0, -1]),
        (950, [0, 0, 0, 0]),
        (1_300, [1, 0, 0, 0]),
        (2_300, [2, 0, 0, 0]),
        (2_650, [2, 1, 0, 0]),
        (3_000, [2, 1, 0, 1]),
        (4_000, [2, 2, 0, 1]),
        (5_000, [2, 2, 0, 2]),
    ];
    for (used, expected) in steps {
        assert_eq!(at_once(used * 1_112, &asks), expected, "{used} kbit/s");
    }
}

#[test]
fn rule_3_what_does_not_fit_is_passed_over() {
    let asks = [ask(Place::Main, &[2_000_000]), ask(Place::Tile, &CAMERA)];
    let mut receiver = Receiver::new(&asks);
    assert_eq!(receiver.after(0, page(1_000_000)), [-1, 1]);
    assert!(receiver.given[0].is_cut && receiver.given[1].is_cut);
    assert_eq!(receiver.total.needed, Some(2_333_334), "what the first step passed over needs");
}

#[test]
fn rule_5_down_at_once() {
    let mut receiver = Receiver::new(&[ask(Place::Main, &CAMERA), ask(Place::Tile, &CAMERA)]);
    assert_eq!(receiver.after(0, page(4_000_000)), [2, 2]);
    assert_eq!(receiver.after(1, page(2_200_000)), [2, 1]);
    assert_eq!(receiver.after(1, page(1_700_000)), [1, 1]);
    assert_eq!(receiver.after(1, page(300_000)), [0, -1]);
}

#[test]
fn rule_5_the_main_picture_outlasts_a_dip() {
    let mut main = ask(Place::Main, &[150_000, 500_000]);
    main.held = Held::At(Choice { spatial: 0, temporal: 0 });
    assert_eq!(at_once(200_000, &[main]), [-1], "the whole price does not fit");
    main.ladder.halve_lowest();
    assert_eq!(at_once(200_000, &[main]), [0]);
    assert_eq!(at_once(170_000, &[main]), [-1], "but not for less than half");
}

#[test]
fn rule_6_up_when_the_room_has_stood() {
    let mut receiver = Receiver::new(&[ask(Place::Main, &CAMERA)]);
    assert_eq!(receiver.after(0, page(700_000)), [1]);
    assert_eq!(receiver.after(10, page(1_750_000)), [1], "not nine tenths");
    assert_eq!(receiver.after(10, page(2_000_000)), [1]);
    assert_eq!(receiver.after(900, page(2_000_000)), [1]);
    assert_eq!(receiver.after(10, page(1_700_000)), [1], "the room is gone");
    assert_eq!(receiver.after(900, page(2_000_000)), [1], "and counts anew");
    assert_eq!(receiver.total.climb_at, Some(receiver.now + Duration::from_secs(1)));
    assert_eq!(receiver.after(1_000, page(2_000_000)), [2]);
    assert_eq!(receiver.after(10, page(500_000)), [0]);
    assert_eq!(receiver.after(10, page(2_000_000)), [0]);
    assert_eq!(receiver.after(4_900, page(2_000_000)), [0], "cut lately: five seconds");
    assert_eq!(receiver.after(100, page(2_000_000)), [2]);
}

#[test]
fn rule_7_a_new_want_waits_for_nothing() {
    let mut receiver = Receiver::new(&[ask(Place::Main, &CAMERA)]);
    assert_eq!(receiver.after(0, page(1_000_000)), [1]);
    receiver.asks.push(ask(Place::Tile, &CAMERA));
    receiver.asks.push(ask(Place::Document, &[300_000]));
    assert_eq!(receiver.after(1, page(1_000_000)), [0, 0, 0], "the main picture makes room");
}

#[test]
fn rule_8_nothing_changes_when_nothing_changes() {
    let mut receiver = Receiver::new(&[ask(Place::Main, &CAMERA), ask(Place::Tile, &CAMERA)]);
    let first = receiver.after(0, page(2_000_000));
    for _ in 0..100 {
        assert_eq!(receiver.after(200, page(2_000_000)), first);
    }
}

#[test]
fn rule_12_a_frail_line_gets_small_pictures() {
    let asks =
        [ask(Place::Main, &CAMERA), ask(Place::Tile, &CAMERA), ask(Place::Document, &[90_000])];
    let mut receiver = Receiver::new(&asks);
    assert_eq!(receiver.after(0, page(1_000_000)), [1, 0, 0]);
    let frail = Downlink { is_frail: true, ..page(1_000_000) };
    assert_eq!(receiver.after(10, frail), [0, 0, 0], "whatever the estimate");
    assert!(receiver.given[0].is_cut, "the page is told");
    assert_eq!(receiver.total.needed, Some(STURDY_BPS), "what it would need is probed for");
    assert_eq!(
        receiver.after(60_000, page(1_000_000)),
        [0, 0, 0],
        "and then the room has to stand"
    );
    assert_eq!(receiver.after(5_000, page(1_000_000)), [1, 0, 0]);
}

#[test]
fn rule_10_without_an_estimate_everything_is_sent() {
    let asks = [ask(Place::Main, &CAMERA), ask(Place::Tile, &CAMERA)];
    let line = Downlink { estimate: None, ..page(0) };
    assert_eq!(Receiver::new(&asks).after(0, line), [2, 2]);
}

#[test]
fn rule_11_a_whep_receiver_keeps_its_lowest_rungs() {
    let asks = [ask(Place::Tile, &[5_000_000]), ask(Place::Tile, &CAMERA)];
    let line = Downlink { lowest: Lowest::Kept, ..page(300_000) };
    assert_eq!(Receiver::new(&asks).after(0, line), [0, 0]);
}

#[test]
fn a_rung_that_costs_as_much_as_a_better_one_is_not_kept() {
    let ladder = ladder(&[150_000, 600_000, 500_000, 500_000, 900_000]);
    let kept: Vec<u8> = ladder.rungs.iter().flatten().map(|it| it.choice.spatial).collect();
    assert_eq!(kept, [0, 3, 4]);
}

fn any_ask() -> impl Strategy<Value = Ask> {
    let place =
        prop_oneof![Just(Place::Main), Just(Place::Document), Just(Place::Tile), Just(Place::Tile)];
    let held = prop_oneof![
        Just(Held::New),
        Just(Held::Paused),
        (0u8..4).prop_map(|spatial| Held::At(Choice { spatial, temporal: 0 })),
    ];
    (place, proptest::collection::vec(1_000u32..3_000_000, 0..5), held)
        .prop_map(|(place, bps, held)| Ask { place, ladder: ladder(&bps), held })
}

/// What a given list costs without sound.
fn cost(asks: &[Ask], given: &[Given]) -> u64 {
    asks.iter()
        .zip(given)
        .filter_map(|(ask, given)| {
            let choice = given.choice?;
            ask.ladder.rungs.iter().flatten().find(|rung| rung.choice == choice)
        })
        .map(|rung| u64::from(rung.bps))
        .sum()
}

proptest! {
    #[test]
    fn never_above_the_estimate_unless_only_sound_is_left(
        asks in proptest::collection::vec(any_ask(), 0..70),
        walks in proptest::collection::vec((0u32..20_000_000, 0u32..500_000, 0u64..8_000), 1..12),
    ) {
        let mut receiver = Receiver::new(&asks);
        for (estimate, sound, ms) in walks {
            let line = Downlink { sound, ..page(estimate) };
            receiver.after(ms, line);
            let cost = cost(&receiver.asks, &receiver.given);
            prop_assert_eq!(u64::from(receiver.total.used), cost + u64::from(sound));
            prop_assert!(cost == 0 || cost + u64::from(sound) <= u64::from(estimate));
        }
    }

    #[test]
    fn rule_4_more_room_never_takes_from_the_more_important(
        asks in proptest::collection::vec(any_ask(), 1..20),
        estimates in (0u32..20_000_000, 0u32..20_000_000),
    ) {
        let [less, more] = [estimates.0.min(estimates.1), estimates.0.max(estimates.1)]
            .map(|estimate| walk(page(estimate), &asks, |_, _| RUNGS_MAX));
        prop_assert!(less.used <= more.used || less.climbed != more.climbed);
        // The steps in their order, told by the walk of somebody whom everything fits.
        let order = [Place::Main, Place::Document, Place::Tile];
        let asks = &asks;
        let of = |place| (0..asks.len()).filter(move |it| asks[*it].place == place);
        let mut steps: Vec<(usize, u8)> = order.into_iter().flat_map(of).map(|it| (it, 1)).collect();
        for it in of(Place::Main).chain(of(Place::Document)) {
            steps.extend((2..=12).map(|rung| (it, rung)));
        }
        for rung in 2..=12 {
            steps.extend(of(Place::Tile).map(|it| (it, rung)));
        }
        let takes = |walk: &Walk, (it, rung): (usize, u8)| walk.climbed[it] >= rung;
        let first = steps.into_iter().find(|&step| takes(&less, step) != takes(&more, step));
        prop_assert!(first.is_none_or(|step| takes(&more, step)));
    }

    #[test]
    fn whatever_was_before_it_comes_to_rest(
        asks in proptest::collection::vec(any_ask(), 0..20),
        estimate in 0u32..20_000_000,
    ) {
        let mut receiver = Receiver::new(&asks);
        receiver.after(0, page(estimate));
        receiver.after(5_000, page(estimate));
        let rest = receiver.after(5_000, page(estimate));
        for _ in 0..20 {
            prop_assert_eq!(&receiver.after(1_000, page(estimate)), &rest);
        }
        prop_assert_eq!(receiver.total.climb_at, None);
    }
}
