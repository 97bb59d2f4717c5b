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
    let (kind, direction, chosen) = camera.carried.as_ref().unwrap();
    assert_eq!((*kind, *direction), (Kind::Video, Direction::Sends));
    assert_eq!((chosen.payload_type, chosen.rtx), (96, Some(97)));
    assert_eq!(chosen.feedback, ["nack", "nack pli", "ccm fir", "transport-cc"]);
    assert_eq!(camera.rids, ["l", "m", "h"]);
    assert_eq!((camera.extensions.rid, camera.extensions.transport_cc), (10, 3));
    assert_eq!(microphone.ssrcs, [(1001, None)]);
    assert_eq!(microphone.extensions.audio_level, 1);
    assert!(data.carried.is_none() && vp9.carried.is_none());
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
    let (_, direction, chosen) = line.carried.as_ref().unwrap();
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
