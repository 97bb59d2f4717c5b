//! An offer becomes a session and an answer, or is refused with a code.

use std::time::Duration;

use protocol::control::{MediaEvent, MediaOffer, SessionKind};
use protocol::error::ErrorCode;
use protocol::media::Source;

use crate::answer::{self, Ourselves, Ssrcs};
use crate::bandwidth::Receiver;
use crate::clock::Now;
use crate::codec::Codec;
use crate::core::Core;
use crate::core::restart::{self, Remembered};
use crate::forward::line::{Line, LineConfig, PayloadTypes};
use crate::peer::dtls::Dtls;
use crate::peer::offer::{self, Direction, Kind, Offer};
use crate::peer::stun::LETTERS;
use crate::session::{NewSession, SendLine, Session};

/// Most sessions at one node. A core carries two to three thousand receivers of one stream.
const SESSIONS_MAX: usize = 8_192;

/// A session that waits for its browser looks at its handshake this often.
const HANDSHAKE_TICK: Duration = Duration::from_millis(100);

impl Core {
    pub(super) fn offer(&mut self, offer: MediaOffer, now: Now) {
        let request = offer.request;
        let event = match self.admit(offer, now) {
            Ok(sdp) => MediaEvent::Answer { request, sdp },
            Err(code) => MediaEvent::Refused { request, code },
        };
        self.events.push_back(event);
    }

    fn admit(&mut self, asked: MediaOffer, now: Now) -> Result<String, ErrorCode> {
        let room = *self.by_name.get(&asked.room).ok_or(ErrorCode::NotFound)?;
        let mut offer = offer::parse(&asked.sdp)?;
        if let Some(&former) = self.by_id.get(&asked.session) {
            if let Some(answer) = self.restart(former, room, &asked, &offer) {
                return Ok(answer);
            }
            self.close_session(former, now);
        }
        let free = self.sessions.iter().position(Option::is_none).unwrap_or(self.sessions.len());
        if free >= SESSIONS_MAX {
            return Err(ErrorCode::MediaUnavailable);
        }
        let shape = restart::shape(&offer);
        settle_directions(&mut offer, &asked.kind);
        let sends = self.sending_lines(&mut offer, &asked.kind);
        let announced = offer.lines.iter().flat_map(|line| &line.ssrcs);
        let mut taken: Vec<u32> =
            announced.flat_map(|(media, rtx)| std::iter::once(*media).chain(*rtx)).collect();
        let (lines, ssrcs) = self.receiving_lines(&mut offer, &asked.kind, &mut taken);
        if sends.is_empty() && lines.is_empty() {
            return Err(ErrorCode::UnsupportedMedia);
        }
        let is_measured = is_measured(&offer) && !lines.is_empty();
        let dtls = Dtls::new(&self.identity, offer.role, offer.fingerprint)
            .map_err(|_| ErrorCode::Internal)?;
        let (ufrag, password) = self.credentials();
        let ourselves = Ourselves {
            ufrag: &ufrag,
            password: &password,
            fingerprint: &self.identity.fingerprint,
            candidates: &self.candidates,
            session_number: (self.random)() >> 2,
        };
        let answer = answer::write(&offer, &ssrcs, &ourselves);
        self.last_serial += 1;
        let session = NewSession {
            id: asked.session,
            serial: self.last_serial,
            room,
            publisher: asked.publisher,
            kind: asked.kind,
            ufrag,
            password,
            dtls,
            sends,
            receiver: if is_measured { Receiver::measured(now.at) } else { Receiver::default() },
            lines,
            rtcp_ssrc: self.random_ssrc(&mut taken),
            remembered: Remembered { shape, remote_ufrag: offer.ufrag, ssrcs, former: None },
        };
        self.insert(free, session, now);
        Ok(answer)
    }

    fn insert(&mut self, index: usize, new: NewSession, now: Now) {
        let room = new.room;
        self.by_id.insert(new.id, index);
        self.by_ufrag.insert(new.ufrag.clone(), index);
        if index == self.sessions.len() {
            self.sessions.push(None);
        }
        self.sessions[index] = Some(Box::new(Session::new(new, now.at)));
        if let Some(Some(room)) = self.rooms.get_mut(room) {
            room.sessions.push(index);
        }
        self.schedule(index, now.at + HANDSHAKE_TICK);
        self.touch(room, true);
    }

    /// The lines on which the browser may send. What the session has no use for is rejected.
    pub(super) fn sending_lines(&self, offer: &mut Offer, kind: &SessionKind) -> Vec<SendLine> {
        let bundle = std::mem::take(&mut offer.bundle);
        let is_single = offer.lines.len() == 1;
        let mut sends: Vec<SendLine> = Vec::new();
        for line in &mut offer.lines {
            let Some((media, Direction::Sends, chosen)) = &mut line.carried else { continue };
            let source = match kind {
                SessionKind::Room { sends } => {
                    sends.iter().find(|(mid, _)| *mid == line.mid).map(|(_, source)| *source)
                }
                SessionKind::Publish => Some(match media {
                    Kind::Audio => Source::Microphone,
                    Kind::Video => Source::Camera,
                }),
                SessionKind::Receive { .. } | SessionKind::Programme => None,
            };
            let is_bundled = is_single || bundle.contains(&line.mid);
            let source = source.filter(|source| {
                let fits = source.is_audio() == (*media == Kind::Audio);
                is_bundled && fits && !sends.iter().any(|send| send.source == *source)
            });
            let Some(source) = source else {
                line.carried = None;
                continue;
            };
            // One codec, the browser's first choice: a track never changes it.
            chosen.truncate(1);
            let Some(first) = chosen.first().cloned() else { continue };
            sends.push(SendLine {
                mid: line.mid.clone(),
                source,
                chosen: first,
                extensions: line.extensions,
                rids: line.rids.clone(),
                ssrcs: line.ssrcs.clone(),
                track: None,
                is_superseded: false,
                layer_ssrcs: [None; 3],
            });
        }
        offer.bundle = bundle;
        sends
    }

    /// The lines on which we send, each with SSRCs of its own.
    pub(super) fn receiving_lines(
        &mut self,
        offer: &mut Offer,
        kind: &SessionKind,
        taken: &mut Vec<u32>,
    ) -> (Vec<Line>, Vec<Option<Ssrcs>>) {
        let mut lines = Vec::new();
        let mut ssrcs = Vec::with_capacity(offer.lines.len());
        let receives = !matches!(kind, SessionKind::Publish);
        let is_single = offer.lines.len() == 1;
        for line in &mut offer.lines {
            let is_bundled = is_single || offer.bundle.contains(&line.mid);
            let Some((media, Direction::Receives, chosen)) = &line.carried else {
                ssrcs.push(None);
                continue;
            };
            if !receives || !is_bundled {
                line.carried = None;
                ssrcs.push(None);
                continue;
            }
            let is_audio = *media == Kind::Audio;
            let has_rtx = chosen.iter().any(|it| it.rtx.is_some() && it.feedback.contains(&"nack"));
            let ours = Ssrcs {
                media: self.random_ssrc(taken),
                rtx: has_rtx.then(|| self.random_ssrc(taken)),
            };
            let repairs = chosen.iter().any(|it| it.feedback.contains(&"nack"));
            // What may be sent again as it was has no extension that would be another the second time.
            let may_extend = !repairs || ours.rtx.is_some();
            // RFC 8285 §4.2: larger numbers need another form.
            let transport_cc = Some(line.extensions.transport_cc).filter(|it| *it < 15);
            let mut payload_types = [None; Codec::COUNT];
            for it in chosen {
                let rtx = it.rtx.filter(|_| it.feedback.contains(&"nack"));
                let types = PayloadTypes { media: it.payload_type, rtx };
                payload_types[it.codec as usize] = Some(types);
            }
            let config = LineConfig {
                mid: line.mid.clone(),
                is_audio,
                payload_types,
                red: chosen.iter().find_map(|it| it.red),
                ssrc: ours.media,
                rtx_ssrc: ours.rtx,
                dependency_id: if may_extend { line.extensions.dependency } else { 0 },
                transport_cc: transport_cc.filter(|_| may_extend).unwrap_or(0),
                clock_rate: if is_audio { 48_000 } else { 90_000 },
            };
            lines.push(Line::new(config, (self.random)()));
            ssrcs.push(Some(ours));
        }
        (lines, ssrcs)
    }

    /// An SSRC that its session does not have yet. With two alike, one key would seal two packets under one
    /// nonce.
    fn random_ssrc(&mut self, taken: &mut Vec<u32>) -> u32 {
        let mut ssrc = (self.random)() as u32;
        while ssrc == 0 || taken.contains(&ssrc) {
            ssrc = ssrc.wrapping_add(1);
        }
        taken.push(ssrc);
        ssrc
    }

    pub(super) fn random_text(&mut self, n: usize) -> String {
        (0..n).map(|_| char::from(LETTERS[(self.random)() as usize % LETTERS.len()])).collect()
    }
}

/// Whether the browser reports on what it receives, so that its line can be estimated.
fn is_measured(offer: &Offer) -> bool {
    let carried = offer.lines.iter().filter_map(|line| Some((line, line.carried.as_ref()?)));
    carried.filter(|(_, (_, direction, _))| *direction == Direction::Receives).any(
        |(line, (_, _, chosen))| {
            let is_numbered = (1..15).contains(&line.extensions.transport_cc);
            let has = |name| chosen.iter().any(|it| it.feedback.contains(&name));
            is_numbered && has("transport-cc") || has("goog-remb")
        },
    )
}

/// Makes up our mind about lines that could go either way.
pub(super) fn settle_directions(offer: &mut Offer, kind: &SessionKind) {
    let settled = match kind {
        SessionKind::Room { .. } | SessionKind::Publish => Direction::Sends,
        SessionKind::Receive { .. } | SessionKind::Programme => Direction::Receives,
    };
    for (_, direction, _) in offer.lines.iter_mut().filter_map(|line| line.carried.as_mut()) {
        if *direction == Direction::Both {
            *direction = settled;
        }
    }
}
