//! Descriptors as AV1 encoders send them, and as nobody should.

use proptest::prelude::*;

use super::*;

/// Writes a structure: templates as spatial layer, temporal layer, letters of the indications, distances.
pub(crate) fn structure(id: u8, templates: &[(u8, u8, &str, &[u32])]) -> Vec<u8> {
    let mut bytes = [0; BYTES_MAX];
    let mut writer = Writer::new(&mut bytes);
    let n_targets = templates[0].2.len();
    // First and last packet, the first template, frame 0, with a structure.
    writer.bits(0b11, 2);
    writer.bits(u32::from(id), 6);
    writer.bits(0, 16);
    writer.bits(0b10000, 5);
    writer.bits(u32::from(id), 6);
    writer.bits(n_targets as u32 - 1, 5);
    for (n, template) in templates.iter().enumerate() {
        let next = match templates.get(n + 1) {
            None => 3,
            Some(next) if next.0 > template.0 => 2,
            Some(next) if next.1 > template.1 => 1,
            Some(_) => 0,
        };
        writer.bits(next, 2);
    }
    for letter in templates.iter().flat_map(|it| it.2.chars()) {
        writer.bits("-DSR".find(letter).unwrap() as u32, 2);
    }
    for template in templates {
        for distance in template.3 {
            writer.bits(1 << 4 | (distance - 1), 5);
        }
        writer.bits(0, 1);
    }
    // No chains (ns(n) of 0 among n_targets + 1), no resolutions.
    let width = 32 - (n_targets as u32 + 1).leading_zeros() as usize;
    writer.bits(0, width - 1);
    writer.bits(0, 1);
    let len = writer.finish().unwrap();
    bytes[..len].to_vec()
}

/// A later packet: mandatory fields only.
pub(crate) fn plain(template: u8, frame: u16) -> Vec<u8> {
    let [high, low] = frame.to_be_bytes();
    vec![0b1100_0000 | template, high, low]
}

/// Two spatial and two temporal layers, key pictures first in each layer.
pub(crate) const L2T2: [(u8, u8, &str, &[u32]); 6] = [
    (0, 0, "SSSS", &[]),
    (0, 0, "SSRR", &[4]),
    (0, 1, "-D-R", &[2]),
    (1, 0, "--SS", &[1]),
    (1, 0, "--SS", &[4, 1]),
    (1, 1, "---D", &[2, 1]),
];

/// The same where upper pictures need lower ones in key pictures only (`L2T1_KEY`).
pub(crate) const L2T1_KEY: [(u8, u8, &str, &[u32]); 4] =
    [(0, 0, "SS", &[]), (0, 0, "S-", &[2]), (1, 0, "-S", &[1]), (1, 0, "-S", &[2])];

#[test]
fn layers_that_need_each_other_in_key_pictures_only_are_told_from_nested_ones() {
    for (templates, is_nested) in [(&L2T2[..], true), (&L2T1_KEY[..], false)] {
        let mut kept = None;
        parse(&structure(3, templates), &mut kept).unwrap();
        assert_eq!(kept.unwrap().is_nested(), is_nested);
    }
}

#[test]
fn a_structure_tells_what_each_decode_target_is() {
    let mut kept = None;
    let found = parse(&structure(9, &L2T2), &mut kept).unwrap();
    assert!(found.has_structure && found.starts_frame && found.switches_to(3));
    let structure = kept.as_deref().unwrap();
    let layers: Vec<(u8, u8)> = (0..4).map(|it| structure.layers(it)).collect();
    assert_eq!(layers, [(0, 0), (0, 1), (1, 0), (1, 1)]);
    assert_eq!((structure.target(1, 7), structure.target(0, 7), structure.target(9, 0)), (3, 1, 2));
    assert!(structure.is_within(0, 3) && structure.is_within(1, 3) && !structure.is_within(3, 1));
    assert_eq!((structure.within(0), structure.within(3), structure.shape()), (1, 15, (2, 2)));
    let later = parse(&plain(9 + 5, 700), &mut kept).unwrap();
    assert_eq!((later.frame, later.spatial, later.temporal), (700, 1, 1));
    assert!(later.is_for(3) && !later.is_for(2) && !later.is_for(200));
    assert_eq!(later.references, References { near: 0b11, has_far: false });
    assert_eq!(parse(&plain(9 + 6, 700), &mut kept), None, "a template that there is not");
    assert_eq!(parse(&plain(9, 1), &mut None), None, "no structure yet");
}

#[test]
fn a_target_that_the_sender_does_not_serve_is_not_chosen() {
    let (value, mut kept) = (structure(9, &L2T2), None);
    let found = parse(&value, &mut kept).unwrap();
    // The same again, of which only the first two targets are served.
    let mut out = [0; BYTES_MAX];
    let len = rewrite(&value, &found, 0, Some(0b0011), &mut out).unwrap();
    parse(&out[..len], &mut kept).unwrap();
    assert_eq!(kept.as_deref().unwrap().target(9, 9), 1);
    parse(&plain(9, 4), &mut kept).unwrap();
    assert_eq!(kept.as_deref().unwrap().target(9, 9), 1, "until the sender says otherwise");
    parse(&value, &mut kept).unwrap();
    assert_eq!(kept.as_deref().unwrap().target(9, 9), 3, "a structure begins anew");
}

#[test]
fn a_rewritten_descriptor_names_the_targets_that_are_left() {
    let mut kept = None;
    for value in [structure(60, &L2T2), plain(60, 65_535), plain((60 + 4) % 64, 9)] {
        let before = parse(&value, &mut kept).unwrap();
        let mut out = [0; BYTES_MAX];
        let len = rewrite(&value, &before, 3, Some(0b0011), &mut out).unwrap();
        let after = parse(&out[..len], &mut kept.clone()).unwrap();
        assert_eq!((after.frame, after.active), (before.frame.wrapping_add(3), Some(0b0011)));
        assert_eq!((after.spatial, after.references), (before.spatial, before.references));
        // Written once more, the set is replaced and not added.
        let mut again = [0; BYTES_MAX];
        let next = rewrite(&out[..len], &after, 0, Some(0b0001), &mut again).unwrap();
        assert_eq!(next, len);
        assert_eq!(parse(&again[..next], &mut kept.clone()).unwrap().active, Some(1));
        let whole = rewrite(&value, &before, 3, None, &mut out).unwrap();
        assert_eq!((whole, &out[3..whole]), (value.len(), &value[3..]));
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_or_the_writer_fail(
        values in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..255), 1..8),
        with_structure: bool, spatial: u8, temporal: u8, within: Option<u32>,
    ) {
        let mut kept = None;
        if with_structure {
            parse(&structure(0, &L2T2), &mut kept).unwrap();
        }
        for value in values {
            if let Some(found) = parse(&value, &mut kept) {
                let structure = kept.as_deref().unwrap();
                let target = structure.target(spatial, temporal);
                prop_assert!(structure.is_within(target, target));
                let mut out = [0; BYTES_MAX];
                if let Some(len) = rewrite(&value, &found, 1, within, &mut out) {
                    let again = parse(&out[..len], &mut kept.clone()).unwrap();
                    prop_assert_eq!(again.frame, found.frame.wrapping_add(1));
                    prop_assert_eq!(again.indications, found.indications);
                }
            }
        }
    }
}
