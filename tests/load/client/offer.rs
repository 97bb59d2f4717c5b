//! Offers as Chromium writes them, reduced to what is negotiated, and what the load needs of an answer.

use std::fmt::Write;
use std::net::SocketAddrV4;

/// Header extensions that clients offer.
pub const ABS_SEND_TIME: u8 = 2;
pub const TRANSPORT_CC: u8 = 3;
pub const MID: u8 = 4;
pub const AUDIO_LEVEL: u8 = 1;

/// Payload types that clients offer.
pub const OPUS: u8 = 111;
pub const VP8: u8 = 96;
pub const RTX: u8 = 97;

/// Our side of every connection: a load needs no secrets.
pub const UFRAG: &str = "load";
const PASSWORD: &str = "0123456789012345678901";

const TRANSPORT_CC_URI: &str =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// What a line carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    Audio,
    Video,
}

/// A line that the client offers: it sends under these SSRCs (media, retransmissions), or receives.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    pub media: Media,
    pub sends: Option<[u32; 2]>,
}

/// An offer with these lines; mids count from 0.
pub fn write(lines: &[Line], fingerprint: &str) -> String {
    let mids: Vec<String> = (0..lines.len()).map(|mid| mid.to_string()).collect();
    let mut text = format!(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\n\
         a=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n",
        mids.join(" ")
    );
    for (mid, line) in lines.iter().enumerate() {
        write_line(&mut text, mid, line, fingerprint).expect("a string takes everything");
    }
    text
}

fn write_line(text: &mut String, mid: usize, line: &Line, fingerprint: &str) -> std::fmt::Result {
    let (media, types) = match line.media {
        Media::Audio => ("audio", format!("{OPUS}")),
        Media::Video => ("video", format!("{VP8} {RTX}")),
    };
    write!(
        text,
        "m={media} 9 UDP/TLS/RTP/SAVPF {types}\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n\
         a=ice-ufrag:{UFRAG}\r\na=ice-pwd:{PASSWORD}\r\na=ice-options:trickle\r\n\
         a=fingerprint:sha-256 {fingerprint}\r\na=setup:actpass\r\na=mid:{mid}\r\n\
         a=extmap:{ABS_SEND_TIME} http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n\
         a=extmap:{TRANSPORT_CC} {TRANSPORT_CC_URI}\r\n\
         a=extmap:{MID} urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
    )?;
    if line.media == Media::Audio {
        write!(text, "a=extmap:{AUDIO_LEVEL} urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n")?;
    }
    text.push_str(if line.sends.is_some() { "a=sendonly\r\n" } else { "a=recvonly\r\n" });
    text.push_str("a=rtcp-mux\r\na=rtcp-rsize\r\n");
    match line.media {
        Media::Audio => write!(
            text,
            "a=rtpmap:{OPUS} opus/48000/2\r\na=rtcp-fb:{OPUS} transport-cc\r\n\
             a=fmtp:{OPUS} minptime=10;useinbandfec=1\r\n"
        )?,
        Media::Video => write!(
            text,
            "a=rtpmap:{VP8} VP8/90000\r\na=rtcp-fb:{VP8} goog-remb\r\n\
             a=rtcp-fb:{VP8} transport-cc\r\na=rtcp-fb:{VP8} ccm fir\r\na=rtcp-fb:{VP8} nack\r\n\
             a=rtcp-fb:{VP8} nack pli\r\na=rtpmap:{RTX} rtx/90000\r\na=fmtp:{RTX} apt={VP8}\r\n"
        )?,
    }
    let Some([ssrc, rtx]) = line.sends else { return Ok(()) };
    if line.media == Media::Video {
        write!(text, "a=ssrc-group:FID {ssrc} {rtx}\r\na=ssrc:{rtx} cname:load\r\n")?;
    }
    write!(text, "a=ssrc:{ssrc} cname:load\r\n")
}

/// What one line of an answer says.
#[derive(Clone, Debug, Default)]
pub struct Answered {
    /// SSRCs under which the node sends: media, retransmissions (0: none).
    pub ssrc: u32,
    pub rtx: u32,
    /// Number of the transport-wide sequence number, 0 if it is not used on this line.
    pub transport_cc: u8,
    /// The node wants or gives feedback on arrival times.
    pub has_feedback: bool,
}

/// What the load needs of an answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub ufrag: String,
    pub password: String,
    pub fingerprint: String,
    pub node: SocketAddrV4,
    pub lines: Vec<Answered>,
}

impl Answer {
    /// Reads an answer; the node's first IPv4 candidate is taken.
    pub fn parse(text: &str) -> Self {
        let first = |key: &str| {
            let found = text.lines().find_map(|line| line.strip_prefix(key));
            found.unwrap_or_else(|| panic!("no {key} in {text}")).to_owned()
        };
        let candidates = text.lines().filter_map(|line| line.strip_prefix("a=candidate:"));
        let node = candidates
            .filter_map(|it| {
                let words: Vec<&str> = it.split(' ').collect();
                let is_udp = words.get(2)?.eq_ignore_ascii_case("udp");
                let address = format!("{}:{}", words.get(4)?, words.get(5)?);
                address.parse().ok().filter(|_| is_udp)
            })
            .next()
            .expect("a candidate");
        Self {
            ufrag: first("a=ice-ufrag:"),
            password: first("a=ice-pwd:"),
            fingerprint: first("a=fingerprint:sha-256 "),
            node,
            lines: text.split("\r\nm=").skip(1).map(answered).collect(),
        }
    }
}

fn answered(section: &str) -> Answered {
    let values = |key: &'static str| section.lines().filter_map(move |line| line.strip_prefix(key));
    let mut found = Answered {
        has_feedback: values("a=rtcp-fb:").any(|it| it.ends_with(" transport-cc")),
        transport_cc: values("a=extmap:")
            .filter_map(|it| it.split_once(' '))
            .find(|(_, uri)| uri.starts_with(TRANSPORT_CC_URI))
            .and_then(|(id, _)| id.split('/').next()?.parse().ok())
            .unwrap_or(0),
        ..Answered::default()
    };
    let number = |text: &str| text.split(' ').next().and_then(|it| it.parse().ok());
    if let Some((media, rtx)) =
        values("a=ssrc-group:FID ").next().and_then(|group| group.split_once(' '))
    {
        (found.ssrc, found.rtx) = (number(media).unwrap_or(0), number(rtx).unwrap_or(0));
    } else if let Some(ssrc) = values("a=ssrc:").next().and_then(number) {
        found.ssrc = ssrc;
    }
    found
}
