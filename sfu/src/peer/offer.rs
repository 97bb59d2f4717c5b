//! Reads a browser's offer into what we need of it, within limits.

use std::io::Cursor;

use protocol::error::ErrorCode;
use rtc_sdp::description::common::Attribute;
use rtc_sdp::description::media::MediaDescription;
use rtc_sdp::description::session::SessionDescription;

use crate::codec::Codec;
use crate::peer::dtls::{Fingerprint, Role};

/// Largest offer, bytes.
pub(crate) const OFFER_BYTES_MAX: usize = 256 * 1024;

/// Most m-lines of an offer. Twelve pictures, four sounds and what is sent make 20.
pub(crate) const LINES_MAX: usize = 64;

/// Most attributes of one m-line.
const ATTRIBUTES_MAX: usize = 512;

/// Most simulcast layers of a line.
const RIDS_MAX: usize = 3;

/// Longest mid, rid, fragment or password that we repeat or compare.
const TOKEN_BYTES_MAX: usize = 256;

/// What a line carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
}

/// Which way a line goes, seen from the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// The browser sends (`sendonly`).
    Sends,
    /// The browser receives (`recvonly`).
    Receives,
    /// The browser would do either (`sendrecv`); the kind of session decides which.
    Both,
}

/// Numbers of the header extensions that we use, 0 where the browser does not offer one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extensions {
    pub(crate) mid: u8,
    pub(crate) rid: u8,
    pub(crate) repaired_rid: u8,
    pub(crate) audio_level: u8,
    pub(crate) transport_cc: u8,
    pub(crate) dependency: u8,
}

/// URIs of [`Extensions`], in the order of its fields.
pub(crate) const EXTENSION_URIS: [&str; 6] = [
    "urn:ietf:params:rtp-hdrext:sdes:mid",
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    DEPENDENCY_URI,
];

/// URI of the dependency descriptor.
pub(crate) const DEPENDENCY_URI: &str =
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";

impl Extensions {
    /// The numbers, in the order of [`EXTENSION_URIS`].
    pub(crate) fn ids(&self) -> [u8; 6] {
        let Self { mid, rid, repaired_rid, audio_level, transport_cc, dependency } = *self;
        [mid, rid, repaired_rid, audio_level, transport_cc, dependency]
    }

    fn from_ids(ids: [u8; 6]) -> Self {
        let [mid, rid, repaired_rid, audio_level, transport_cc, dependency] = ids;
        Self { mid, rid, repaired_rid, audio_level, transport_cc, dependency }
    }
}

/// A codec of a line that both sides speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) codec: Codec,
    pub(crate) payload_type: u8,
    /// Redundant sound made of it (RFC 2198).
    pub(crate) red: Option<u8>,
    /// Retransmissions of it (RFC 4588).
    pub(crate) rtx: Option<u8>,
    /// Format parameters as the browser gave them.
    pub(crate) parameters: String,
    /// Feedback that the browser offers for it and we implement.
    pub(crate) feedback: Vec<&'static str>,
}

/// One m-line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) mid: String,
    /// The first words of the line, repeated in the answer: media and protocol.
    pub(crate) media: String,
    pub(crate) protocol: String,
    pub(crate) first_format: String,
    /// Kind, direction and codecs in the browser's order, each codec once and at least one; `None` if we
    /// cannot carry the line.
    pub(crate) carried: Option<(Kind, Direction, Vec<Chosen>)>,
    pub(crate) extensions: Extensions,
    /// Simulcast layers that the browser sends.
    pub(crate) rids: Vec<String>,
    /// SSRCs that the browser announces: its own, and the one of its retransmissions.
    pub(crate) ssrcs: Vec<(u32, Option<u32>)>,
}

/// An offer that can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    /// The browser's user name fragment: another one is another try to find a path.
    pub(crate) ufrag: String,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) role: Role,
    pub(crate) lines: Vec<Line>,
    /// The mids of the bundle, as offered.
    pub(crate) bundle: Vec<String>,
}

/// Reads an offer. The library's parser sees only what is within the limits, and a panic in it would be
/// a malformed offer too.
pub(crate) fn parse(text: &str) -> Result<Offer, ErrorCode> {
    let n_lines = text.lines().filter(|line| line.starts_with("m=")).count();
    if text.len() > OFFER_BYTES_MAX || n_lines > LINES_MAX || n_lines == 0 {
        return Err(ErrorCode::InvalidSdp);
    }
    let parsed = std::panic::catch_unwind(|| {
        SessionDescription::unmarshal(&mut Cursor::new(text.as_bytes()))
    });
    let Ok(Ok(description)) = parsed else { return Err(ErrorCode::InvalidSdp) };
    read(&description)
}

fn value<'a>(attributes: &'a [Attribute], key: &str) -> Option<&'a str> {
    values(attributes, key).next()
}

fn values<'a>(attributes: &'a [Attribute], key: &str) -> impl Iterator<Item = &'a str> {
    attributes.iter().filter(move |it| it.key == key).filter_map(|it| it.value.as_deref())
}

fn has(attributes: &[Attribute], key: &str) -> bool {
    attributes.iter().any(|it| it.key == key)
}

/// Whether a token may be repeated in an answer: no spaces, no line ends.
fn is_token(text: &str) -> bool {
    (1..=TOKEN_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn read(description: &SessionDescription) -> Result<Offer, ErrorCode> {
    let session = &description.attributes;
    let media = &description.media_descriptions;
    let anywhere = |key| {
        media.iter().find_map(|it| value(&it.attributes, key)).or_else(|| value(session, key))
    };
    // There may be one for each of several hashes (RFC 8122 §5).
    let mut fingerprints = media
        .iter()
        .map(|it| &it.attributes)
        .chain([session])
        .flat_map(|attributes| values(attributes, "fingerprint"));
    let fingerprint = fingerprints.find_map(fingerprint).ok_or(ErrorCode::InvalidSdp)?;
    for key in ["ice-ufrag", "ice-pwd"] {
        anywhere(key).filter(|it| is_token(it)).ok_or(ErrorCode::InvalidSdp)?;
    }
    let role = match anywhere("setup") {
        Some("actpass" | "active") => Role::Passive,
        Some("passive") => Role::Active,
        Some(_) | None => return Err(ErrorCode::InvalidSdp),
    };
    let bundle: Vec<String> = values(session, "group")
        .find_map(|group| group.strip_prefix("BUNDLE "))
        .map(|mids| mids.split(' ').map(str::to_owned).collect())
        .unwrap_or_default();
    let lines: Vec<Line> = media.iter().map(line).collect::<Result<_, _>>()?;
    for (n, line) in lines.iter().enumerate() {
        if lines[..n].iter().any(|other| other.mid == line.mid) {
            return Err(ErrorCode::InvalidSdp);
        }
    }
    // Everything runs over one transport: lines outside the bundle cannot be carried beside it.
    if lines.len() > 1 && bundle.is_empty() {
        return Err(ErrorCode::UnsupportedMedia);
    }
    let ufrag = anywhere("ice-ufrag").unwrap_or_default().to_owned();
    Ok(Offer { ufrag, fingerprint, role, lines, bundle })
}

/// `sha-256 AB:CD:…`; other hashes are not spoken by browsers any more.
fn fingerprint(text: &str) -> Option<Fingerprint> {
    let (hash, digest) = text.split_once(' ')?;
    if !hash.eq_ignore_ascii_case("sha-256") {
        return None;
    }
    let mut bytes = digest.trim().split(':').map(|hex| u8::from_str_radix(hex, 16));
    let mut found = [0; 32];
    for byte in &mut found {
        *byte = bytes.next()?.ok()?;
    }
    bytes.next().is_none().then_some(found)
}

fn line(media: &MediaDescription) -> Result<Line, ErrorCode> {
    let attributes = &media.attributes;
    if attributes.len() > ATTRIBUTES_MAX {
        return Err(ErrorCode::InvalidSdp);
    }
    let mid = value(attributes, "mid").filter(|mid| is_token(mid)).ok_or(ErrorCode::InvalidSdp)?;
    let protocol = media.media_name.protos.join("/");
    let formats = &media.media_name.formats;
    let first_format = formats.first().cloned().unwrap_or_default();
    if !is_token(&media.media_name.media) || !is_token(&protocol) || !is_token(&first_format) {
        return Err(ErrorCode::InvalidSdp);
    }
    let simulcast = value(attributes, "simulcast").and_then(|it| it.strip_prefix("send "));
    let rids = simulcast
        .map(|list| list.split(' ').next().unwrap_or_default())
        .into_iter()
        .flat_map(|list| list.split(';'))
        .filter_map(|choice| choice.split(',').next())
        .map(|rid| rid.trim_start_matches('~').to_owned())
        .filter(|rid| is_token(rid))
        .take(RIDS_MAX)
        .collect();
    let is_secure = protocol == "UDP/TLS/RTP/SAVPF" && has(attributes, "rtcp-mux");
    Ok(Line {
        mid: mid.to_owned(),
        media: media.media_name.media.clone(),
        protocol,
        first_format,
        carried: if is_secure { carried(media) } else { None },
        extensions: extensions(attributes),
        rids,
        ssrcs: ssrcs(attributes),
    })
}

fn carried(media: &MediaDescription) -> Option<(Kind, Direction, Vec<Chosen>)> {
    let attributes = &media.attributes;
    let (kind, codecs) = match media.media_name.media.as_str() {
        "audio" => (Kind::Audio, &[Codec::Opus][..]),
        "video" => (Kind::Video, &[Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1][..]),
        _ => return None,
    };
    let direction = if has(attributes, "recvonly") {
        Direction::Receives
    } else if has(attributes, "inactive") {
        return None;
    } else if has(attributes, "sendonly") {
        Direction::Sends
    } else {
        Direction::Both
    };
    let chosen = formats::chosen(media, codecs);
    if chosen.is_empty() { None } else { Some((kind, direction, chosen)) }
}

fn extensions(attributes: &[Attribute]) -> Extensions {
    let mut ids = [0; 6];
    for (id, uri) in values(attributes, "extmap").filter_map(|it| it.split_once(' ')) {
        let uri = uri.split(' ').next().unwrap_or_default();
        let number = id.split('/').next().and_then(|it| it.parse::<u8>().ok()).filter(|it| *it > 0);
        if let (Some(at), Some(number)) = (EXTENSION_URIS.iter().position(|it| *it == uri), number)
        {
            ids[at] = number;
        }
    }
    Extensions::from_ids(ids)
}

fn ssrcs(attributes: &[Attribute]) -> Vec<(u32, Option<u32>)> {
    let pairs: Vec<(u32, u32)> = values(attributes, "ssrc-group")
        .filter_map(|group| group.strip_prefix("FID ")?.split_once(' '))
        .filter_map(|(media, rtx)| Some((media.parse().ok()?, rtx.parse().ok()?)))
        .take(RIDS_MAX)
        .collect();
    let mut found: Vec<(u32, Option<u32>)> = Vec::new();
    for ssrc in values(attributes, "ssrc").filter_map(|it| it.split(' ').next()?.parse().ok()) {
        let is_known = found.iter().any(|it| it.0 == ssrc) || pairs.iter().any(|it| it.1 == ssrc);
        if !is_known && found.len() < RIDS_MAX {
            found.push((ssrc, pairs.iter().find(|it| it.0 == ssrc).map(|it| it.1)));
        }
    }
    found
}

mod formats;

#[cfg(test)]
mod tests;
