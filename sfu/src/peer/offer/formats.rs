//! The payload types of one m-line that both sides speak.

use rtc_sdp::description::media::MediaDescription;

use super::{Chosen, values};
use crate::codec::Codec;

/// Feedback that we implement.
const FEEDBACK: [&str; 5] = ["nack", "nack pli", "ccm fir", "transport-cc", "goog-remb"];

/// The payload types of an m-line, as far as they are numbers.
fn types(media: &MediaDescription) -> impl Iterator<Item = u8> {
    media.media_name.formats.iter().filter_map(|it| it.parse().ok()).filter(|it| *it < 128)
}

/// The attributes `key` of one payload type, without its number.
fn of<'a>(
    media: &'a MediaDescription,
    payload_type: u8,
    key: &'a str,
) -> impl Iterator<Item = &'a str> {
    values(&media.attributes, key)
        .filter_map(|value| value.split_once(' '))
        .filter(move |(of, _)| of.parse() == Ok(payload_type))
        .map(|(_, value)| value)
}

fn is(media: &MediaDescription, payload_type: u8, name: &str) -> bool {
    of(media, payload_type, "rtpmap").any(|it| it.eq_ignore_ascii_case(name))
}

/// The value of a format parameter.
fn parameter<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    parameters.split(';').find_map(|it| it.trim().strip_prefix(name)?.strip_prefix('='))
}

/// How well we can use a payload type of `codec`, lower is better; `None`: not at all.
fn rank(codec: Codec, parameters: &str) -> Option<u8> {
    match codec {
        Codec::Opus | Codec::Vp8 => Some(0),
        // Other profiles have other depths of colour, which not every browser decodes (RFC 9628 §6).
        Codec::Vp9 => (parameter(parameters, "profile-id").unwrap_or("0") == "0").then_some(0),
        Codec::Av1 => (parameter(parameters, "profile").unwrap_or("0") == "0").then_some(0),
        Codec::H264 if parameter(parameters, "packetization-mode") != Some("1") => None,
        Codec::H264 => Some(h264_rank(parameter(parameters, "profile-level-id").unwrap_or("42"))),
    }
}

/// Constrained baseline before baseline before all else (RFC 6184 §8.1): every browser decodes the first;
/// an encoder that has only another profile is better forwarded than refused.
fn h264_rank(profile_level_id: &str) -> u8 {
    let byte = |at: usize| {
        profile_level_id.get(at..at + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok())
    };
    match (byte(0), byte(2)) {
        (Some(66), Some(flags)) if flags & 0x40 != 0 => 0,
        (Some(66), _) => 1,
        _ => 2,
    }
}

/// The codecs that both sides speak, in the browser's order, each with its best payload type.
pub(super) fn chosen(media: &MediaDescription, codecs: &[Codec]) -> Vec<Chosen> {
    let parameters = |it: u8| of(media, it, "fmtp").next().unwrap_or_default();
    let mut found: Vec<Chosen> = Vec::new();
    for payload_type in types(media) {
        let codec = codecs.iter().find(|codec| is(media, payload_type, codec.rtpmap()));
        let Some(&codec) = codec else { continue };
        let Some(rank_here) = rank(codec, parameters(payload_type)) else { continue };
        let known = found.iter_mut().find(|it| it.codec == codec);
        match known {
            Some(known) if rank(codec, &known.parameters).is_some_and(|it| it <= rank_here) => {}
            Some(known) => *known = one(media, codec, payload_type),
            None => found.push(one(media, codec, payload_type)),
        }
    }
    found
}

fn one(media: &MediaDescription, codec: Codec, payload_type: u8) -> Chosen {
    let apt = format!("apt={payload_type}");
    let rtx = types(media).find(|it| {
        let names = || of(media, *it, "fmtp").flat_map(|list| list.split(';'));
        is(media, *it, "rtx/90000") && names().any(|it| it.trim() == apt)
    });
    let number = payload_type.to_string();
    let red = types(media).find(|it| {
        let inner = || of(media, *it, "fmtp").flat_map(|list| list.split('/'));
        let is_of_this = inner().next().is_some() && inner().all(|it| it.trim() == number);
        codec.is_audio() && is(media, *it, "red/48000/2") && is_of_this
    });
    let parameters = of(media, payload_type, "fmtp").next().unwrap_or_default().to_owned();
    let wildcard = |name: &str| {
        values(&media.attributes, "rtcp-fb").any(|it| it.strip_prefix("* ") == Some(name))
    };
    let mut feedback: Vec<&str> = FEEDBACK
        .into_iter()
        .filter(|name| of(media, payload_type, "rtcp-fb").any(|it| it == *name) || wildcard(name))
        .collect();
    if feedback.contains(&"transport-cc") {
        // The better of the two reports on a line is enough.
        feedback.retain(|name| *name != "goog-remb");
    }
    Chosen { codec, payload_type, red, rtx, parameters, feedback }
}
