//! A receiver's line: estimated, divided, paced; and publishers that send only what is looked at.

use protocol::media::{LimitCause, SlotLimit};

use super::*;

/// Bytes of a frame of each layer, thirty times a second: 96, 360 and 1,200 kbit/s.
const FRAMES: [(char, usize); 3] = [('l', 400), ('m', 1_500), ('h', 5_000)];

/// Largest payload of a packet.
const PART_BYTES: usize = 1_000;

/// A camera with three layers.
struct Camera {
    n: usize,
    seq: [u64; 3],
    picture: u16,
    rids: Vec<char>,
    /// Every other picture is of a second temporal layer.
    is_layered: bool,
}

impl Camera {
    fn new(n: usize) -> Self {
        Self { n, seq: [0; 3], picture: 0, rids: vec!['l', 'm', 'h'], is_layered: false }
    }

    /// Sends a frame of every layer. Every tenth is a key frame, and larger.
    fn shoot(&mut self, world: &mut World) {
        let is_key = self.picture.is_multiple_of(10);
        for (layer, (rid, bytes)) in FRAMES.into_iter().enumerate() {
            if self.rids.contains(&rid) {
                let bytes = if is_key { bytes * 3 / 2 } else { bytes };
                self.frame(world, (layer, rid), bytes, is_key);
            }
        }
        self.picture += 1;
    }

    fn frame(
        &mut self,
        world: &mut World,
        (layer, rid): (usize, char),
        bytes: usize,
        is_key: bool,
    ) {
        let n_parts = bytes.div_ceil(PART_BYTES);
        for part in 0..n_parts {
            let mut payload = frame(self.picture, is_key);
            if self.is_layered {
                payload[4] = (self.picture / 2) as u8;
                payload[5] |= (self.picture as u8 & 1) << 6;
            }
            if part > 0 {
                // Not the beginning of a partition.
                payload[0] &= !0x10;
            }
            payload.resize((bytes / n_parts).max(payload.len()), 7);
            self.seq[layer] += 1;
            let sent = Sent {
                timestamp: u32::from(self.picture) * 3_000,
                ..video(self.n, rid, self.seq[layer], &payload)
            };
            world.send(self.n, 1, Some(rid), sent);
        }
    }
}

/// Shoots for `ms`.
fn film(world: &mut World, camera: &mut Camera, ms: u64) {
    for _ in 0..ms / 33 {
        camera.shoot(world);
        world.pass(33);
    }
}

/// The layer whose frames came last, by the bytes of a second.
fn kbps(world: &mut World, camera: &mut Camera, receiver: usize) -> usize {
    let bytes = |world: &World| -> usize {
        let of = |got: &&browser::Got| got.header.payload_type == 96;
        world.browsers[receiver].packets.iter().filter(of).map(|it| it.payload.len()).sum()
    };
    let before = bytes(world);
    film(world, camera, 1_980);
    (bytes(world) - before) * 8 / 1_980
}

fn limits(world: &World, n: usize) -> Option<Vec<SlotLimit>> {
    world.events.iter().rev().find_map(|event| match event {
        MediaEvent::Limits { session: to, limits } if *to == session(n) => Some(limits.clone()),
        _ => None,
    })
}

fn demand(world: &World, n: usize) -> Option<(Vec<Layer>, bool)> {
    world.events.iter().rev().find_map(|event| match event {
        MediaEvent::Demand { session: to, layers, is_watched, .. } if *to == session(n) => {
            Some((layers.clone(), *is_watched))
        }
        _ => None,
    })
}

#[test]
fn a_weak_line_gets_what_it_carries_and_its_page_is_told_why() {
    let mut world = World::new(open_room());
    let site = world.join("a", in_room(), &SITE);
    let weak = world.join_on_line("weak", 700_000);
    let strong = world.join("strong", in_room(), &SITE);
    let mut camera = Camera::new(site);
    film(&mut world, &mut camera, 200);
    world.want(weak, &[("a", Layer::High)]);
    world.want(strong, &[("a", Layer::High)]);
    film(&mut world, &mut camera, 8_000);
    let weak_kbps = kbps(&mut world, &mut camera, weak);
    assert!((300..600).contains(&weak_kbps), "the middle layer: {weak_kbps}");
    let strong_kbps = kbps(&mut world, &mut camera, strong);
    assert!(strong_kbps > 1_000, "who reports nothing gets everything: {strong_kbps}");
    let told = limits(&world, weak).expect("told");
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].cause, told[0].is_paused), (LimitCause::Downlink, false));

    // Of the main picture the lowest layer stays while the line carries it, and goes when it does not.
    for (bps, kbps_range, is_paused) in [(120_000, 60..110, false), (50_000, 0..1, true)] {
        world.browsers[weak].line.as_mut().unwrap().bps = bps;
        film(&mut world, &mut camera, 6_000);
        let weak_kbps = kbps(&mut world, &mut camera, weak);
        println!("on {bps} bit/s: {weak_kbps} kbit/s");
        assert!(kbps_range.contains(&weak_kbps), "{bps}: {weak_kbps}");
        assert_eq!(limits(&world, weak).expect("told")[0].is_paused, is_paused);

        world.browsers[weak].line.as_mut().unwrap().bps = 20_000_000;
        film(&mut world, &mut camera, 18_000);
        let weak_kbps = kbps(&mut world, &mut camera, weak);
        assert!(weak_kbps > 1_000, "found by probing within twenty seconds: {weak_kbps}");
        assert_eq!(limits(&world, weak), Some(Vec::new()));
    }
    assert!(world.core.counters.probe_packets > 0);
}

#[test]
fn a_sharper_picture_with_half_the_frames_comes_before_a_whole_one_that_does_not_fit() {
    let mut world = World::new(open_room());
    let site = world.join("a", in_room(), &SITE);
    let receiver = world.join_on_line("b", 950_000);
    world.want(receiver, &[("a", Layer::High)]);
    let mut camera = Camera { is_layered: true, ..Camera::new(site) };
    film(&mut world, &mut camera, 12_000);
    let n_before = world.pictures(receiver).len();
    let half_kbps = kbps(&mut world, &mut camera, receiver);
    assert!((500..700).contains(&half_kbps), "half of the sharpest layer: {half_kbps}");
    let pictures = world.pictures(receiver);
    let pictures = &pictures[n_before..];
    assert!(pictures.iter().all(|it| it.payload[5] >> 6 == 0), "the lower temporal layer only");
    assert!(pictures.windows(2).all(|two| two[1].header.seq == two[0].header.seq.wrapping_add(1)));
    assert_eq!(limits(&world, receiver).expect("told")[0].cause, LimitCause::Downlink);

    world.browsers[receiver].line.as_mut().unwrap().bps = 20_000_000;
    film(&mut world, &mut camera, 12_000);
    let whole_kbps = kbps(&mut world, &mut camera, receiver);
    assert!(whole_kbps > 1_000, "all frames again: {whole_kbps}");
    assert_eq!(limits(&world, receiver), Some(Vec::new()));
}

#[test]
fn a_key_frame_leaves_in_portions_and_sound_does_not_wait() {
    let mut world = World::new(open_room());
    let site = world.join("a", in_room(), &SITE);
    let receiver = world.join_on_line("b", 5_000_000);
    world.want(receiver, &[("a", Layer::High)]);
    let mut camera = Camera { rids: vec!['h'], ..Camera::new(site) };
    film(&mut world, &mut camera, 660);
    let before = world.pictures(receiver).len();
    camera.frame(&mut world, (2, 'h'), 30_000, true);
    world.say(site, 1, 30);
    assert_eq!(world.pictures(receiver).len() - before, 8);
    assert_eq!(world.sounds(receiver), 1);
    world.pass(6);
    let then = world.pictures(receiver).len() - before;
    assert!((9..20).contains(&then), "{then}");
    camera.frame(&mut world, (2, 'h'), 1_000, false);
    world.pass(200);
    let pictures = world.pictures(receiver);
    assert_eq!(pictures.len() - before, 31);
    assert!(pictures.windows(2).all(|two| two[1].header.seq == two[0].header.seq.wrapping_add(1)));
}

#[test]
fn layers_that_nobody_looks_at_stop_at_their_source_and_come_back_at_once() {
    let mut world = World::new(open_room());
    let site = world.join("a", in_room(), &SITE);
    let receiver = world.join("b", in_room(), &SITE);
    let mut camera = Camera::new(site);
    world.want(receiver, &[("a", Layer::Mid)]);
    film(&mut world, &mut camera, 1_650);
    assert_eq!(demand(&world, site), None, "two seconds");
    film(&mut world, &mut camera, 990);
    assert_eq!(demand(&world, site), Some((vec![Layer::Low, Layer::Mid], true)));
    camera.rids = vec!['l', 'm'];
    film(&mut world, &mut camera, 3_000);

    world.want(receiver, &[("a", Layer::High)]);
    let all = vec![Layer::Low, Layer::Mid, Layer::High];
    assert_eq!(demand(&world, site), Some((all, true)), "in the same moment");
    let before = kbps(&mut world, &mut camera, receiver);
    assert!(before > 300, "meanwhile it keeps what it has: {before}");
    camera.rids = vec!['l', 'm', 'h'];
    camera.picture = 0;
    let n_before = world.pictures(receiver).len();
    camera.shoot(&mut world);
    world.pass(5);
    let pictures = world.pictures(receiver);
    let sharp = pictures[n_before..].iter().filter(|it| it.payload.len() > 900);
    assert!(sharp.count() >= 7, "from the first packet on");

    world.want(receiver, &[]);
    film(&mut world, &mut camera, 3_000);
    assert_eq!(demand(&world, site), Some((vec![Layer::Low], false)));
}

#[test]
fn what_is_recorded_is_not_stopped() {
    let tap = Tap { recording: RecordingId::from_parts(1, 7) };
    let room = RoomMedia { tap: Some(tap), main: Some(key("a", Source::Camera)), ..open_room() };
    let mut world = World::new(room);
    let site = world.join("a", in_room(), &SITE);
    let mut camera = Camera::new(site);
    film(&mut world, &mut camera, 5_000);
    assert_eq!(demand(&world, site), None, "the main picture is recorded at its sharpest");
}

#[test]
fn a_layer_that_was_asked_for_and_does_not_come_is_the_publishers_line() {
    let mut world = World::new(open_room());
    let site = world.join("a", in_room(), &SITE);
    let receiver = world.join("b", in_room(), &SITE);
    world.want(receiver, &[("a", Layer::High)]);
    let mut camera = Camera { rids: vec!['l'], ..Camera::new(site) };
    film(&mut world, &mut camera, 4_000);
    let told = limits(&world, receiver).expect("told");
    assert_eq!((told[0].cause, told[0].is_paused), (LimitCause::Uplink, false));
    camera.rids = vec!['l', 'm', 'h'];
    film(&mut world, &mut camera, 2_000);
    assert_eq!(limits(&world, receiver), Some(Vec::new()));
}

/// A burst of key frames of the lowest layer, as browsers send when layers are switched.
#[test]
fn a_weak_line_gets_the_lowest_layer_although_key_frames_made_it_dear_for_a_moment() {
    let mut world = World::new(open_room());
    let site = world.join("a", in_room(), &SITE);
    let weak = world.join_on_line("weak", 250_000);
    let mut camera = Camera::new(site);
    film(&mut world, &mut camera, 1_000);
    for _ in 0..6 {
        camera.frame(&mut world, (0, 'l'), 15_000, true);
        camera.picture += 1;
        world.pass(33);
    }
    world.want(weak, &[("a", Layer::High)]);
    film(&mut world, &mut camera, 6_000);
    for turn in 0..4 {
        let kbps = kbps(&mut world, &mut camera, weak);
        assert!((50..150).contains(&kbps), "the lowest layer, all the time: {kbps} in {turn}");
    }
}

/// Cameras on the wall of a page, twelve frames a second each.
const CAMERAS: usize = 16;

/// Each camera's frame of both layers, a key frame if it was asked for one; 5 ms apart.
fn film_wall(world: &mut World, cameras: &mut [Camera], mut look: impl FnMut(&World)) {
    for camera in cameras {
        let is_key = camera.picture == 0 || scenes::asked_for_key_frame(world, camera.n) > 0;
        world.browsers[camera.n].reports.clear();
        for (layer, (rid, bytes)) in FRAMES.into_iter().enumerate().filter(|it| it.1.0 != 'm') {
            camera.frame(world, (layer, rid), if is_key { bytes } else { bytes / 2 }, is_key);
        }
        camera.picture += 1;
        world.pass(5);
        look(world);
    }
}

/// How long each line stood at most between two of its frames, by what its slot showed all that time.
#[derive(Default)]
struct Gaps {
    /// By SSRC: what the line showed, when its last packet came.
    lines: std::collections::HashMap<u32, (Option<String>, Option<u64>)>,
    n_packets: usize,
    n_seen: usize,
    worst_ms: u64,
}

impl Gaps {
    fn look(&mut self, world: &World, page: usize) {
        let lines = world.core.session(page).map_or(&[][..], |it| &it.lines);
        for (line, shown) in lines.iter().zip(world.slots(page)) {
            let kept = self.lines.entry(line.config.ssrc).or_default();
            if kept.0 != shown {
                *kept = (shown, None);
            }
        }
        let packets = &world.browsers[page].packets[self.n_packets..];
        self.n_packets += packets.len();
        for packet in packets.iter().filter(|it| it.header.payload_type == 96) {
            let Some((Some(_), last)) = self.lines.get_mut(&packet.header.ssrc) else { continue };
            let gap = last.replace(world.ms).map_or(0, |last| world.ms - last);
            self.n_seen += 1;
            self.worst_ms = self.worst_ms.max(gap);
        }
    }
}

#[test]
fn while_a_page_turns_and_changes_layers_no_picture_that_is_kept_stands_for_200_ms() {
    let mut world = World::new(open_room());
    let names: Vec<String> = (0..CAMERAS).map(|n| format!("xa-{n:02}")).collect();
    let join = |name: &String| Camera::new(world.join(name, in_room(), &SITE));
    let mut cameras: Vec<Camera> = names.iter().map(join).collect();
    let page = world.join("page", in_room(), &[Wish::ReceiveVideo; CAMERAS]);
    let mut gaps = Gaps::default();
    // 29 seconds: a page that says nothing for 30 is gone.
    for turn in 0..10 {
        let layer = if turn % 4 < 2 { Layer::High } else { Layer::Low };
        // All of them, or the first four, or others before the first.
        let shown = [0..CAMERAS, 0..4, 2..CAMERAS][turn % 3].clone();
        let wants: Vec<_> = shown.map(|n| (names[n].as_str(), layer)).collect();
        world.want(page, &wants);
        for _ in 0..36 {
            film_wall(&mut world, &mut cameras, |world| gaps.look(world, page));
        }
    }
    println!("{} packets, at most {} ms apart", gaps.n_seen, gaps.worst_ms);
    assert!(gaps.n_seen > 8_000, "{}", gaps.n_seen);
    assert!(gaps.worst_ms <= 200, "{} ms", gaps.worst_ms);
}
