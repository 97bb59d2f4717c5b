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
