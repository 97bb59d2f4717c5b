//! Our AES-GCM against the library's, and the replay window.

use proptest::prelude::*;

use super::*;

fn keys(profile: Profile) -> (Vec<u8>, Vec<u8>) {
    let key = (0..profile.key_bytes() as u8).collect();
    let salt = (100..100 + profile.salt_bytes() as u8).collect();
    (key, salt)
}

fn packet(seq: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 96, 0, 0, 0, 0, 0, 1, 0, 0, 0, 42];
    packet[2..4].copy_from_slice(&seq.to_be_bytes());
    packet.extend_from_slice(b"xin chao");
    packet
}

#[test]
fn what_we_seal_the_library_opens_and_the_other_way_round() {
    let provider = rtc_crypto::default_provider().unwrap();
    for profile in [Profile::Gcm128, Profile::Cm128Sha1] {
        let keys = keys(profile);
        let mut ours = Direction::new(&*provider, profile, &keys).unwrap();
        let context = || {
            Context::new(&keys.0, &keys.1, profile.library(), None, None, provider.crypto())
                .unwrap()
        };
        let (mut opens, mut seals) = (context(), context());
        for seq in [7u16, 8, 9] {
            let mut sealed = vec![1, 2, 3];
            sealed.extend_from_slice(&packet(seq));
            ours.seal(&mut sealed, 3, 12, 42, u64::from(seq)).unwrap();
            assert_eq!(opens.decrypt_rtp(&sealed[3..]).unwrap(), packet(seq)[..]);
            let mut theirs = seals.encrypt_rtp(&packet(seq)).unwrap();
            // Sealing and opening are two directions; the fallback keeps one state for both.
            let mut receiver = Direction::new(&*provider, profile, &keys).unwrap();
            let len = receiver.open(&mut theirs, 12, 42, u64::from(seq)).unwrap();
            assert_eq!(theirs[..len], packet(seq)[..]);
        }
    }
}

/// A receiver's report of `ssrc` on nothing, and a BYE: 8 + 8 bytes.
fn compound(ssrc: u32) -> Vec<u8> {
    let mut compound = vec![0x80, 201, 0, 1, 0, 0, 0, 0, 0x81, 203, 0, 1, 0, 0, 0, 9];
    compound[4..8].copy_from_slice(&ssrc.to_be_bytes());
    compound
}

#[test]
fn reports_that_we_seal_the_library_opens_and_the_other_way_round() {
    let provider = rtc_crypto::default_provider().unwrap();
    for profile in [Profile::Gcm128, Profile::Cm128Sha1] {
        let keys = keys(profile);
        let direction = || Direction::new(&*provider, profile, &keys).unwrap();
        let context = || {
            Context::new(&keys.0, &keys.1, profile.library(), None, None, provider.crypto())
                .unwrap()
        };
        let (mut ours, mut opens, mut theirs, mut seals) =
            (direction(), context(), direction(), context());
        for ssrc in [7u32, 7, 8, 7] {
            let mut sealed = vec![1, 2, 3];
            sealed.extend_from_slice(&compound(ssrc));
            ours.seal_rtcp(&mut sealed, 3).unwrap();
            assert_eq!(opens.decrypt_rtcp(&sealed[3..]).unwrap(), compound(ssrc)[..]);
            let mut sealed = seals.encrypt_rtcp(&compound(ssrc)).unwrap();
            let len = theirs.open_rtcp(&mut sealed).unwrap();
            assert_eq!(sealed[..len], compound(ssrc)[..]);
        }
    }
}

#[test]
fn a_report_counts_once_and_only_as_it_was_sealed() {
    let provider = rtc_crypto::default_provider().unwrap();
    for profile in [Profile::Gcm128, Profile::Cm128Sha1] {
        let keys = keys(profile);
        let direction = || Direction::new(&*provider, profile, &keys).unwrap();
        let (mut seals, mut opens) = (direction(), direction());
        let sealed: Vec<Vec<u8>> = (0..3)
            .map(|_| {
                let mut sealed = compound(7);
                seals.seal_rtcp(&mut sealed, 0).unwrap();
                sealed
            })
            .collect();
        for at in 0..sealed[0].len() {
            let mut changed = sealed[0].clone();
            changed[at] ^= 1;
            assert_eq!(opens.open_rtcp(&mut changed), None, "byte {at}");
        }
        (0..sealed[0].len()).for_each(|len| {
            assert_eq!(opens.open_rtcp(&mut sealed[0].clone()[..len]), None, "{len} bytes");
        });
        for n in [2, 0, 1] {
            assert_eq!(opens.open_rtcp(&mut sealed[n].clone()), Some(16));
            assert_eq!(opens.open_rtcp(&mut sealed[n].clone()), None, "a replay");
        }
    }
}

#[test]
fn many_reporters_take_no_more_memory_than_a_few() {
    let mut reporters = Reporters::default();
    for ssrc in 0..1_000 {
        assert!(reporters.is_new(ssrc, 1));
        reporters.accept(ssrc, 1);
        assert!(!reporters.is_new(ssrc, 1));
        reporters.accept(0, ssrc + 2);
        assert!(!reporters.is_new(0, ssrc + 2), "who goes on is not forgotten");
    }
    assert_eq!(reporters.heard.len(), REPORTERS_MAX);
}

#[test]
fn a_changed_packet_is_not_opened() {
    let provider = rtc_crypto::default_provider().unwrap();
    for profile in [Profile::Gcm128, Profile::Cm128Sha1] {
        let mut seals = Direction::new(&*provider, profile, &keys(profile)).unwrap();
        let mut opens = Direction::new(&*provider, profile, &keys(profile)).unwrap();
        let mut sealed = packet(1);
        seals.seal(&mut sealed, 0, 12, 42, 1).unwrap();
        sealed[5] ^= 1;
        assert_eq!(opens.open(&mut sealed, 12, 42, 1), None);
        assert_eq!(opens.open(&mut [0x80; 13], 12, 42, 1), None);
    }
}

#[test]
fn a_packet_counts_once_and_the_counter_rolls_over() {
    let mut window = Window::default();
    for seq in [65_534u16, 65_535, 1, 0] {
        let index = window.index(seq).unwrap();
        window.accept(index);
        assert_eq!(window.index(seq), None, "a replay");
    }
    assert_eq!(window.index(2), Some(65_538));
    assert_eq!(window.index(65_000), None, "too old");
}

proptest! {
    #[test]
    fn indexes_follow_a_stream_with_loss_and_reordering(
        start: u16, steps in proptest::collection::vec(-20i64..200, 1..300),
    ) {
        let mut window = Window::default();
        let mut at = u64::from(start);
        let mut highest = at;
        let mut seen = std::collections::HashSet::new();
        for step in steps {
            let index = window.index(at as u16);
            let is_known = seen.contains(&at) || highest - at.min(highest) >= 64;
            prop_assert_eq!(index, (!is_known).then_some(at));
            if index.is_some() {
                window.accept(at);
                seen.insert(at);
                highest = highest.max(at);
            }
            at = highest.saturating_add_signed(step).max(u64::from(start));
        }
    }
}
