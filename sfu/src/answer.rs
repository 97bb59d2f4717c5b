//! Writes the answer to an offer: one bundle, ICE-lite, our own SSRCs on every line that the browser
//! receives.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

use crate::codec::Codec;
use crate::peer::dtls::Role;
use crate::peer::offer::{Chosen, DEPENDENCY_URI, Direction, EXTENSION_URIS, Kind, Line, Offer};
use crate::tcp;

/// The canonical name of everything the node sends. One clock, so one name (RFC 7022).
pub(crate) const CNAME: &str = "diemcau";

/// Header extensions that we send: the line's name, the session's packet number.
const SENT_EXTENSIONS: [&str; 2] = [EXTENSION_URIS[0], EXTENSION_URIS[4]];

// Writing to a string cannot fail.
macro_rules! put {
    ($text:expr, $($argument:tt)*) => {
        let _ = write!($text, $($argument)*);
    };
}

/// What the answer says of us.
pub(crate) struct Ourselves<'a> {
    pub(crate) ufrag: &'a str,
    pub(crate) password: &'a str,
    pub(crate) fingerprint: &'a str,
    pub(crate) candidates: &'a [SocketAddr],
    /// For `o=`: any number that no other answer has.
    pub(crate) session_number: u64,
}

/// SSRCs of a line that we send on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ssrcs {
    pub(crate) media: u32,
    pub(crate) rtx: Option<u32>,
}

/// Writes the answer. `ssrcs` has one entry for each line of the offer.
pub(crate) fn write(offer: &Offer, ssrcs: &[Option<Ssrcs>], ourselves: &Ourselves<'_>) -> String {
    let mut text = String::with_capacity(1_024 + 1_024 * offer.lines.len());
    let bundle: Vec<&str> = offer
        .lines
        .iter()
        .filter(|line| is_accepted(offer, line))
        .map(|line| line.mid.as_str())
        .collect();
    let head = format!(
        "v=0\r\no=- {} 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=ice-lite\r\n",
        ourselves.session_number,
    );
    text.push_str(&head);
    // An answer has no group that the offer does not have (RFC 5888).
    if !offer.bundle.is_empty() {
        put!(text, "a=group:BUNDLE {}\r\n", bundle.join(" "));
    }
    text.push_str("a=extmap-allow-mixed\r\na=msid-semantic:WMS *\r\n");
    let mut n_of_kind = [0; 2];
    for (line, ssrcs) in offer.lines.iter().zip(ssrcs) {
        match &line.carried {
            Some((kind, direction, chosen)) if is_accepted(offer, line) => {
                let n = &mut n_of_kind[usize::from(*kind == Kind::Video)];
                accepted(&mut text, (line, chosen, *direction), offer.role, ourselves);
                if let Some(ssrcs) = ssrcs {
                    sending(&mut text, line, ssrcs, *n);
                    *n += 1;
                }
            }
            Some(_) | None => rejected(&mut text, line),
        }
    }
    text
}

/// Whether the line is carried: we speak its codec and it is in the bundle.
pub(crate) fn is_accepted(offer: &Offer, line: &Line) -> bool {
    let in_bundle = offer.lines.len() == 1 || offer.bundle.contains(&line.mid);
    line.carried.is_some() && in_bundle
}

fn rejected(text: &mut String, line: &Line) {
    put!(text, "m={} 0 {} {}\r\n", line.media, line.protocol, line.first_format);
    put!(text, "c=IN IP4 0.0.0.0\r\na=mid:{}\r\na=inactive\r\n", line.mid);
}

fn accepted(
    text: &mut String,
    (line, chosen, direction): (&Line, &[Chosen], Direction),
    role: Role,
    ourselves: &Ourselves<'_>,
) {
    put!(text, "m={} 9 {}", line.media, line.protocol);
    for it in chosen {
        // Redundant sound first, where there is any: a browser sends what stands first.
        for payload_type in it.red.into_iter().chain([it.payload_type]).chain(it.rtx) {
            put!(text, " {payload_type}");
        }
    }
    put!(text, "\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=mid:{}\r\n", line.mid);
    put!(text, "a=ice-ufrag:{}\r\na=ice-pwd:{}\r\n", ourselves.ufrag, ourselves.password);
    let setup = match role {
        Role::Passive => "passive",
        Role::Active => "active",
    };
    put!(text, "a=fingerprint:sha-256 {}\r\na=setup:{setup}\r\n", ourselves.fingerprint);
    text.push_str(match direction {
        Direction::Sends | Direction::Both => "a=recvonly\r\n",
        Direction::Receives => "a=sendonly\r\n",
    });
    text.push_str("a=rtcp-mux\r\na=rtcp-rsize\r\n");
    for (id, uri) in line.extensions.ids().into_iter().zip(EXTENSION_URIS) {
        let is_used = direction == Direction::Sends
            || SENT_EXTENSIONS.contains(&uri)
            || (uri == DEPENDENCY_URI && chosen.iter().any(|it| it.codec == Codec::Av1));
        if id != 0 && is_used {
            put!(text, "a=extmap:{id} {uri}\r\n");
        }
    }
    for it in chosen {
        format(text, it);
    }
    if direction == Direction::Sends && !line.rids.is_empty() {
        line.rids.iter().for_each(|rid| {
            put!(text, "a=rid:{rid} recv\r\n");
        });
        put!(text, "a=simulcast:recv {}\r\n", line.rids.join(";"));
    }
    candidates(text, ourselves.candidates);
}

/// What is said of one codec.
fn format(text: &mut String, chosen: &Chosen) {
    let payload_type = chosen.payload_type;
    put!(text, "a=rtpmap:{payload_type} {}\r\n", chosen.codec.rtpmap());
    if chosen.codec == Codec::Opus {
        // Redundancy in the stream for loss, and silence that costs nothing.
        put!(text, "a=fmtp:{payload_type} minptime=10;useinbandfec=1;usedtx=1\r\n");
    } else if !chosen.parameters.is_empty() {
        put!(text, "a=fmtp:{payload_type} {}\r\n", chosen.parameters);
    }
    for feedback in &chosen.feedback {
        put!(text, "a=rtcp-fb:{payload_type} {feedback}\r\n");
    }
    if let Some(rtx) = chosen.rtx {
        put!(text, "a=rtpmap:{rtx} rtx/90000\r\na=fmtp:{rtx} apt={payload_type}\r\n");
    }
    if let Some(red) = chosen.red {
        put!(text, "a=rtpmap:{red} red/48000/2\r\na=fmtp:{red} {payload_type}/{payload_type}\r\n");
    }
}

fn candidates(text: &mut String, candidates: &[SocketAddr]) {
    for (n, candidate) in candidates.iter().enumerate() {
        let (ip, port) = (candidate.ip().to_canonical(), candidate.port());
        if tcp::is_tcp(*candidate) {
            // RFC 6544 §4.2: behind all of UDP; passive.
            let priority = 90 << 24 | (5 * 8_192 - 1 - n.min(8_000) as u32) << 8 | 255;
            put!(text, "a=candidate:{} 1 tcp {priority} {ip} {port} typ host ", n + 1);
            text.push_str("tcptype passive\r\n");
            continue;
        }
        // RFC 8445 §5.1.2.1 for host candidates; loopback last, it is right on one machine only.
        let local = match candidate.ip() {
            IpAddr::V4(ip) if ip.is_loopback() => 1,
            IpAddr::V6(ip) if ip.is_loopback() => 0,
            IpAddr::V4(_) | IpAddr::V6(_) => 65_535 - n.min(65_000) as u32,
        };
        let priority = 126 << 24 | local << 8 | 255;
        put!(text, "a=candidate:{} 1 udp {priority} {ip} {port} typ host\r\n", n + 1);
    }
    text.push_str("a=end-of-candidates\r\n");
}

/// The n-th sound and the n-th picture share a media stream, so a browser plays them in step.
fn sending(text: &mut String, line: &Line, ssrcs: &Ssrcs, n: usize) {
    put!(text, "a=msid:slot{n} {}\r\n", line.mid);
    if let Some(rtx) = ssrcs.rtx {
        put!(text, "a=ssrc-group:FID {} {rtx}\r\n", ssrcs.media);
    }
    for ssrc in std::iter::once(ssrcs.media).chain(ssrcs.rtx) {
        put!(text, "a=ssrc:{ssrc} cname:{CNAME}\r\na=ssrc:{ssrc} msid:slot{n} {}\r\n", line.mid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::offer;

    #[test]
    fn what_is_not_spoken_is_rejected_and_the_rest_answered() {
        let text = include_str!("peer/offer/chromium_room.sdp").replace('\n', "\r\n");
        let offer = offer::parse(&text).unwrap();
        let ourselves = Ourselves {
            ufrag: "uuuu",
            password: "pppp",
            fingerprint: "AB",
            candidates: &["127.0.0.1:7882".parse().unwrap()],
            session_number: 1,
        };
        let ssrcs = [None, None, None, Some(Ssrcs { media: 11, rtx: None }), None];
        let answer = write(&offer, &ssrcs, &ourselves);
        assert!(answer.contains("a=group:BUNDLE 0 1 3\r\n"), "{answer}");
        assert!(
            answer.contains("m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"),
            "{answer}"
        );
        assert!(answer.contains("a=simulcast:recv l;m;h\r\n"), "{answer}");
        assert!(answer.contains("a=setup:passive\r\n"), "{answer}");
        assert!(answer.contains("m=audio 9 UDP/TLS/RTP/SAVPF 63 111\r\n"), "{answer}");
        assert!(answer.contains("a=fmtp:63 111/111\r\n"), "{answer}");
        assert!(answer.contains("a=ssrc:11 cname:diemcau\r\n"), "{answer}");
        assert_eq!(answer.matches("\r\nm=").count(), 5);
        assert!(!answer.replace("\r\n", "").contains('\n'));
    }
}
