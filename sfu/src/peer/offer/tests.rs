//! Offers as browsers write them, and as nobody should.

use proptest::prelude::*;

use super::*;

fn chromium() -> String {
    include_str!("chromium_room.sdp").replace('\n', "\r\n")
}

#[test]
fn chromiums_offer_is_understood() {
    let offer = parse(&chromium()).unwrap();
    assert_eq!(offer.role, Role::Passive);
    assert_eq!(offer.bundle, ["0", "1", "2", "3"]);
    let [microphone, camera, data, slot, vp9] = &offer.lines[..] else { panic!("five lines") };
    let (kind, direction, all) = camera.carried.as_ref().unwrap();
    let [chosen, other] = &all[..] else { panic!("two codecs") };
    assert_eq!((chosen.codec, other.codec), (Codec::Vp8, Codec::Vp9));
    assert_eq!((*kind, *direction), (Kind::Video, Direction::Sends));
    assert_eq!((chosen.payload_type, chosen.rtx), (96, Some(97)));
    assert_eq!(chosen.feedback, ["nack", "nack pli", "ccm fir", "transport-cc"]);
    assert_eq!(camera.rids, ["l", "m", "h"]);
    assert_eq!((camera.extensions.rid, camera.extensions.transport_cc), (10, 3));
    assert_eq!(microphone.ssrcs, [(1001, None)]);
    assert_eq!(microphone.extensions.audio_level, 1);
    let opus = &microphone.carried.as_ref().unwrap().2[0];
    assert_eq!((opus.codec, opus.payload_type, opus.red), (Codec::Opus, 111, Some(63)));
    assert!(data.carried.is_none() && vp9.carried.is_some());
    assert_eq!(slot.carried.as_ref().unwrap().1, Direction::Receives);
}

#[test]
fn an_encoders_offer_is_understood() {
    // As encoders publish: no layers, H.264 before VP8, several fingerprints, one line without a group.
    let digest = ["AB"; 32].join(":");
    let text = format!(
        "v=0\r\no=- 1 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n\
         m=video 9 UDP/TLS/RTP/SAVPF 102 96 97\r\nc=IN IP4 0.0.0.0\r\na=setup:actpass\r\n\
         a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=rtcp-mux\r\na=sendonly\r\n\
         a=fingerprint:sha-1 AB:CD\r\na=fingerprint:sha-256 {digest}\r\na=mid:video0\r\n\
         a=rtpmap:102 H264/90000\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack pli\r\n\
         a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96;rtx-time=1000\r\n\
         a=ssrc-group:FID 7 8\r\na=ssrc:7 cname:x\r\na=ssrc:8 cname:x\r\n"
    );
    let offer = parse(&text).unwrap();
    assert_eq!(offer.fingerprint, [0xab; 32]);
    let line = &offer.lines[0];
    let (_, direction, all) = line.carried.as_ref().unwrap();
    let chosen = &all[0];
    assert_eq!((all.len(), chosen.codec), (1, Codec::Vp8), "no other packetization mode than 1");
    assert_eq!((*direction, chosen.payload_type, chosen.rtx), (Direction::Sends, 96, Some(97)));
    assert_eq!((&line.rids[..], &line.ssrcs[..]), (&[][..], &[(7, Some(8))][..]));
    let ourselves = crate::answer::Ourselves {
        ufrag: "u",
        password: "p",
        fingerprint: "AB",
        candidates: &[],
        session_number: 1,
    };
    let answer = crate::answer::write(&offer, &[None], &ourselves);
    assert!(!answer.contains("BUNDLE"), "no group that was not offered: {answer}");
    assert!(answer.contains("m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n"), "{answer}");
}

/// The codecs of a picture line with these payload types, best first, and their payload types.
fn codecs(types: &str, attributes: &str) -> Vec<(Codec, u8, Option<u8>)> {
    let text = chromium().replace("m=video 9 UDP/TLS/RTP/SAVPF 98\r\n", &{
        format!("m=video 9 UDP/TLS/RTP/SAVPF {types}\r\n{}", attributes.replace('\n', "\r\n"))
    });
    let offer = parse(&text).unwrap();
    let carried = offer.lines[4].carried.as_ref();
    let all = carried.map(|it| &it.2[..]).unwrap_or_default();
    all.iter().map(|it| (it.codec, it.payload_type, it.rtx)).collect()
}

#[test]
fn every_codec_is_found_once_with_its_best_payload_type_in_the_browsers_order() {
    let attributes = "a=rtpmap:35 AV1/90000\na=fmtp:35 level-idx=5;profile=0;tier=0\n\
        a=rtpmap:36 rtx/90000\na=fmtp:36 apt=35\na=rtpmap:100 VP9/90000\na=fmtp:100 profile-id=2\n\
        a=rtpmap:98 VP9/90000\na=fmtp:98 profile-id=0\na=rtpmap:102 H264/90000\n\
        a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=64001f\n\
        a=rtpmap:104 H264/90000\na=fmtp:104 packetization-mode=0;profile-level-id=42e01f\n\
        a=rtpmap:106 H264/90000\na=fmtp:106 packetization-mode=1; profile-level-id=42e01f\n\
        a=rtpmap:107 rtx/90000\na=fmtp:107 apt=106\na=rtpmap:96 VP8/90000\n";
    let found = codecs("102 100 98 35 36 104 106 107 96", attributes);
    let expected = [
        (Codec::H264, 106, Some(107)),
        (Codec::Vp9, 98, None),
        (Codec::Av1, 35, Some(36)),
        (Codec::Vp8, 96, None),
    ];
    assert_eq!(found, expected);
    assert_eq!(codecs("102", attributes), [(Codec::H264, 102, None)], "better than nothing");
    assert_eq!(codecs("104 100", attributes), [], "what no browser could decode");
}

#[test]
fn what_cannot_be_trusted_is_refused() {
    let refused = |text: &str| parse(text).unwrap_err();
    assert_eq!(refused(""), ErrorCode::InvalidSdp);
    assert_eq!(refused("v=0\r\nnonsense"), ErrorCode::InvalidSdp);
    assert_eq!(refused(&chromium().replace("a=mid:1\r\n", "a=mid:0\r\n")), ErrorCode::InvalidSdp);
    assert_eq!(refused(&chromium().replace("sha-256", "sha-1")), ErrorCode::InvalidSdp);
    assert_eq!(refused(&chromium().replace("a=setup:actpass\r\n", "")), ErrorCode::InvalidSdp);
    assert_eq!(refused(&chromium().repeat(40)), ErrorCode::InvalidSdp);
    let separate = chromium().replace("a=group:BUNDLE 0 1 2 3\r\n", "");
    assert_eq!(refused(&separate), ErrorCode::UnsupportedMedia);
    let big = format!("{}a=x:{}\r\n", chromium(), "y".repeat(OFFER_BYTES_MAX));
    assert_eq!(refused(&big), ErrorCode::InvalidSdp);
}

proptest! {
    #[test]
    fn a_damaged_offer_is_refused_or_read_but_never_more(
        at in 0usize..3_000, with in "[ -~\r\n]{0,8}", cut in 0usize..40,
    ) {
        let mut text = chromium();
        let start = at.min(text.len());
        let end = (start + cut).min(text.len());
        text.replace_range(start..end, &with);
        if let Ok(offer) = parse(&text) {
            prop_assert!(offer.lines.len() <= LINES_MAX);
        }
    }
}
