//! The first picture of who has just come.

use super::scenes::asked_for_key_frame;
use super::*;

#[test]
fn a_newcomer_begins_with_the_key_frame_that_was_asked_for_while_it_shook_hands() {
    let mut world = World::new(open_room());
    world.join("a", in_room(), &SITE);
    (1..20).for_each(|seq| world.show(0, 'h', seq, seq == 1));
    world.pass(2_000);
    let browser = Browser::new(5_001);
    let sdp = browser.offer(&SITE, "actpass");
    let mut browser = browser;
    let answer = world.offer(1, "b", in_room(), sdp).unwrap();
    browser.answered(&answer, None);
    let before = asked_for_key_frame(&world, 0);
    world.want(1, &[("a", Layer::High)]);
    world.show(0, 'h', 20, false);
    assert_eq!(asked_for_key_frame(&world, 0), before + 1, "before the handshake");
    (21..25).for_each(|seq| world.show(0, 'h', seq, seq == 22));
    world.pass(100);
    let knocks = browser.knock(world.now().at);
    let from = browser.address;
    world.browsers.push(browser);
    knocks.into_iter().for_each(|knock| world.put(from, knock));
    world.pass(5);
    let got = world.pictures(1);
    assert_eq!(got.len(), 3, "from the key frame on, with the first packet");
    world.show(0, 'h', 25, false);
    assert_eq!(world.pictures(1).len(), 4, "and on without another one");
    world.pass(500);
    assert_eq!(asked_for_key_frame(&world, 0), before + 1);
    let (first, last) = (world.pictures(1)[0].header, world.pictures(1)[3].header);
    assert_eq!(last.seq.wrapping_sub(first.seq), 3);
}

#[test]
fn who_never_connects_costs_the_publisher_one_key_frame() {
    let mut world = World::new(open_room());
    world.join("a", in_room(), &SITE);
    (1..20).for_each(|seq| world.show(0, 'h', seq, seq == 1));
    let sdp = Browser::new(5_001).offer(&SITE, "actpass");
    world.offer(1, "b", in_room(), sdp).unwrap();
    let before = asked_for_key_frame(&world, 0);
    world.want(1, &[("a", Layer::High)]);
    for seq in 20..120 {
        world.show(0, 'h', seq, seq == 22);
        world.pass(33);
    }
    assert_eq!(asked_for_key_frame(&world, 0), before + 1);
}
