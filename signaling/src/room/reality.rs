//! The room and the world: media events, recorder events, lost connections; and the comparison of what
//! is observed with what the facts say.

use protocol::client::{SendLine, ServerMessage};
use protocol::conduct::Regime;
use protocol::control::{MediaCommand, MediaEvent, MediaOffer, SessionKind};
use protocol::error::ErrorCode;
use protocol::fact::{Fact, LeaveReason};
use protocol::id::{ParticipantId, RequestId, SessionId};
use protocol::media::{Source, TrackKey, is_valid_name};
use protocol::role::RoomRole;

use super::io::{Ingest, Now, Output, RecorderSays};
use super::observed::{GRACE_MS, LOST_MS, Spoken};
use super::offers::Owner;
use super::{Room, breakout, command, whip_participant};
use crate::db::seats::SeatRow;

/// Shorter speech is a cough or a "vâng"; it is not written.
const SPOKE_MS_MIN: u64 = 2_000;

/// Seats of one room. 3,321 communes, and room to spare; more is a token that runs wild.
const SEATS_MAX: usize = 4_096;

/// Sending lines of one offer.
const SENDS_MAX: usize = 8;

impl Room {
    // --- media ---

    pub(super) fn offer(
        &mut self,
        id: ParticipantId,
        sdp: String,
        (sends, restarts): (Vec<SendLine>, bool),
        now: Now,
    ) {
        let publishes = self.staged.roster.get(id).is_some_and(|it| it.role.publishes());
        if sends.len() > SENDS_MAX || (!publishes && !sends.is_empty()) {
            let code = ErrorCode::InvalidSdp;
            return self.send_to(id, ServerMessage::MediaRefused { code });
        }
        let sends = sends.into_iter().map(|it| (it.mid, it.source)).collect();
        let former = if restarts {
            let Some(former) = self.offers.session_of(id) else {
                let code = ErrorCode::NotFound;
                return self.send_to(id, ServerMessage::MediaRefused { code });
            };
            Some(former)
        } else {
            None
        };
        let new = || SessionId::from_parts(now.unix_ms(), now.entropy);
        let offer = MediaOffer {
            request: RequestId::from_parts(now.unix_ms(), now.entropy),
            session: former.unwrap_or_else(new),
            room: self.code.clone(),
            publisher: id.to_string(),
            kind: SessionKind::Room { sends },
            sdp,
        };
        self.send_offer(offer, Owner::Seat(id), now);
    }

    pub(super) fn ingest(&mut self, ingest: Ingest, now: Now) {
        let request = ingest.request;
        if let Err(code) = self.may_ingest(&ingest) {
            return self.output(Output::Ingested(request, Err(code)));
        }
        let owner = match ingest.kind {
            SessionKind::Publish => Owner::Publisher(ingest.name.clone()),
            SessionKind::Receive { .. } | SessionKind::Programme | SessionKind::Room { .. } => {
                Owner::Receiver
            }
        };
        let offer = MediaOffer {
            request,
            session: ingest.session,
            room: self.code.clone(),
            publisher: ingest.name,
            kind: ingest.kind,
            sdp: ingest.sdp,
        };
        self.send_offer(offer, owner, now);
    }

    fn may_ingest(&self, ingest: &Ingest) -> Result<(), ErrorCode> {
        if self.staged.ended {
            return Err(ErrorCode::MeetingEnded);
        }
        if ingest.kind != SessionKind::Publish {
            return Ok(());
        }
        // The name of a browser's seat is an id; nobody else may send under it.
        if !is_valid_name(&ingest.name) || ingest.name.parse::<ParticipantId>().is_ok() {
            return Err(ErrorCode::Forbidden);
        }
        let seat = self.staged.roster.get(whip_participant(self.staged.meeting, &ingest.name));
        if seat.is_some_and(|it| it.removed_at.is_some()) {
            return Err(ErrorCode::SeatInvalid);
        }
        Ok(())
    }

    fn send_offer(&mut self, offer: MediaOffer, owner: Owner, now: Now) {
        let before = self.offers.add(offer.request, offer.session, owner, now.tick);
        if let Some(session) = before {
            self.output(Output::Media(Box::new(MediaCommand::CloseSession { session })));
        }
        self.output(Output::Media(Box::new(MediaCommand::Offer(Box::new(offer)))));
    }

    pub(super) fn close_ingest(&mut self, session: SessionId, now: Now) {
        let Some(owner) = self.offers.remove(session) else { return };
        self.output(Output::Media(Box::new(MediaCommand::CloseSession { session })));
        if let Owner::Publisher(name) = owner {
            self.publisher_gone(&name, LeaveReason::Left, now);
        }
    }

    pub(super) fn media_event(&mut self, event: MediaEvent, now: Now) {
        match event {
            MediaEvent::Ready => self.media_ready(now),
            MediaEvent::Answer { request, sdp } => self.answered(request, Ok(sdp)),
            MediaEvent::Refused { request, code } => self.answered(request, Err(code)),
            // The last three are answers to the office, which the hub gives it.
            MediaEvent::SessionConnected { .. }
            | MediaEvent::Inspected { .. }
            | MediaEvent::Snapshots { .. }
            | MediaEvent::Traced { .. } => {}
            MediaEvent::SessionClosed { session } => self.session_closed(session, now),
            MediaEvent::TrackStarted { track, .. } => self.track_started(track),
            MediaEvent::TrackStopped { track, .. } => self.track_stopped(&track, now),
            MediaEvent::Slots { session, slots } => {
                self.relay(session, ServerMessage::Slots { slots });
            }
            MediaEvent::Limits { session, limits } => {
                self.relay(session, ServerMessage::Limits { limits });
            }
            MediaEvent::Demand { session, source, layers, is_watched } => {
                self.relay(session, ServerMessage::Demand { source, layers, is_watched });
            }
            MediaEvent::Speakers { publishers, .. } => {
                self.output(Output::Broadcast(Box::new(ServerMessage::Speakers { publishers })));
            }
            MediaEvent::Spoke { publisher, from, ms, .. } => {
                if ms >= SPOKE_MS_MIN {
                    self.observed.heard(Spoken { publisher, from, ms });
                }
            }
            MediaEvent::SpeechFlushed { .. } => self.end_heard(now),
        }
    }

    /// Carries something of a session to its page, and keeps it for when the page comes back.
    fn relay(&mut self, session: SessionId, message: ServerMessage) {
        if let Some(&Owner::Seat(id)) = self.offers.owner(session) {
            self.relayed.keep(id, session, &message);
            self.send_to(id, message);
        }
    }

    fn media_ready(&mut self, now: Now) {
        let (requests, owners) = self.offers.clear();
        for request in requests {
            self.output(Output::Ingested(request, Err(ErrorCode::MediaUnavailable)));
        }
        for owner in owners {
            match owner {
                Owner::Seat(id) => self.send_to(id, ServerMessage::MediaLost),
                Owner::Publisher(name) => self.publisher_gone(&name, LeaveReason::Lost, now),
                Owner::Receiver => {}
            }
        }
        for (publisher, _) in std::mem::take(&mut self.observed.tracks) {
            self.observed.dirty.extend(self.participant_of(&publisher));
        }
        self.media = None;
    }

    fn answered(&mut self, request: RequestId, result: Result<String, ErrorCode>) {
        let Some((session, owner)) = self.offers.answered(request) else { return };
        if result.is_err() {
            self.offers.remove(session);
        }
        let Owner::Seat(id) = owner else {
            return self.output(Output::Ingested(request, result));
        };
        match result {
            Ok(sdp) => {
                self.send_to(id, ServerMessage::Answer { sdp });
                let wants = self.offers.wants(id).to_vec();
                if !wants.is_empty() {
                    self.output(Output::Media(Box::new(MediaCommand::SetWants { session, wants })));
                }
            }
            Err(code) => self.send_to(id, ServerMessage::MediaRefused { code }),
        }
    }

    pub(super) fn expire_offers(&mut self, now: Now) {
        for request in self.offers.expired(now.tick) {
            let Some((session, _)) = self.offers.answered(request) else { continue };
            self.output(Output::Media(Box::new(MediaCommand::CloseSession { session })));
            match self.offers.remove(session) {
                Some(Owner::Seat(id)) => {
                    let code = ErrorCode::MediaUnavailable;
                    self.send_to(id, ServerMessage::MediaRefused { code });
                }
                Some(Owner::Publisher(_) | Owner::Receiver) => {
                    self.output(Output::Ingested(request, Err(ErrorCode::MediaUnavailable)));
                }
                None => {}
            }
        }
    }

    fn session_closed(&mut self, session: SessionId, now: Now) {
        match self.offers.remove(session) {
            Some(Owner::Seat(id)) => {
                self.observed.tracks.remove(&id.to_string());
                self.observed.dirty.insert(id);
                self.send_to(id, ServerMessage::MediaLost);
            }
            Some(Owner::Publisher(name)) => self.publisher_gone(&name, LeaveReason::Lost, now),
            Some(Owner::Receiver) | None => {}
        }
    }

    /// Ends a seat's media connection at the node, if it has one.
    pub(super) fn close_media(&mut self, id: ParticipantId) {
        self.offers.forget_wants(id);
        self.relayed.forget(id);
        let whip = self.committed.roster.get(id).map(|it| it.publisher.clone());
        let named = whip.as_ref().and_then(|name| self.offers.session_named(name));
        if let Some(session) = self.offers.session_of(id).or(named) {
            self.offers.remove(session);
            self.output(Output::Media(Box::new(MediaCommand::CloseSession { session })));
        }
        self.observed.tracks.remove(&whip.unwrap_or_else(|| id.to_string()));
        self.observed.dirty.insert(id);
    }

    /// Whose name this is at the media node: a seat's, or a WHIP publisher's.
    fn participant_of(&self, publisher: &str) -> Option<ParticipantId> {
        match publisher.parse::<ParticipantId>() {
            Ok(id) => Some(id),
            Err(_) if is_valid_name(publisher) => {
                Some(whip_participant(self.staged.meeting, publisher))
            }
            Err(_) => None,
        }
    }

    fn track_started(&mut self, track: TrackKey) {
        let Some(id) = self.participant_of(&track.publisher) else { return };
        let is_whip = id.to_string() != track.publisher;
        if is_whip && !self.observed.is_here(id) {
            if self.observed.seats.len() >= SEATS_MAX {
                return;
            }
            let seat = self.staged.roster.get(id);
            if seat.is_some_and(|it| it.removed_at.is_some()) {
                return;
            }
            self.observed.seats.insert(id, self.whip_seat(id, &track.publisher));
            self.observed.arrived(id);
        }
        self.observed.tracks.entry(track.publisher).or_default().insert(track.source);
        self.observed.dirty.insert(id);
    }

    fn whip_seat(&self, participant: ParticipantId, name: &str) -> SeatRow {
        SeatRow {
            participant,
            meeting: self.staged.meeting,
            role: RoomRole::Site,
            name: name.to_owned(),
            site: None,
            account: None,
            link: None,
            delegate: None,
            watcher: None,
        }
    }

    fn track_stopped(&mut self, track: &TrackKey, now: Now) {
        let Some(id) = self.participant_of(&track.publisher) else { return };
        let Some(left) = self.observed.tracks.get_mut(&track.publisher) else { return };
        left.remove(&track.source);
        let is_whip = id.to_string() != track.publisher;
        if left.is_empty() {
            self.observed.tracks.remove(&track.publisher);
            if is_whip {
                self.observed.gone(id, LeaveReason::Lost, now.tick + GRACE_MS);
            }
        }
        self.observed.dirty.insert(id);
    }

    fn publisher_gone(&mut self, name: &str, reason: LeaveReason, now: Now) {
        self.observed.tracks.remove(name);
        let id = whip_participant(self.staged.meeting, name);
        if self.observed.is_here(id) {
            self.observed.gone(id, reason, now.tick + GRACE_MS);
        }
    }

    // --- recorder ---

    pub(super) fn recorder_says(&mut self, says: RecorderSays, now: Now) {
        let running = self.committed.recording.as_ref().map(|it| it.recording);
        match says {
            RecorderSays::Ready => {
                self.recorder_ready = true;
                let mut out = Vec::new();
                self.journal.restart(&self.committed, now.at, &mut out);
                self.outputs.extend(out.into_iter().map(Output::Recorder));
            }
            RecorderSays::Gone => {
                self.recorder_ready = false;
                if let Some(recording) = running {
                    let gone = Err(ErrorCode::RecorderUnavailable);
                    self.observed.recorder = Some((recording, gone));
                }
            }
            RecorderSays::Writing(recording) if running == Some(recording) => {
                self.observed.recorder = Some((recording, Ok(())));
            }
            RecorderSays::Failing(recording, code) if running == Some(recording) => {
                self.observed.recorder = Some((recording, Err(code)));
            }
            // Another room's, or one that was stopped.
            RecorderSays::Writing(_) | RecorderSays::Failing(..) => {}
        }
    }

    // --- time ---

    /// Connections that did not come back in time are gone.
    pub(super) fn lose(&mut self, now: Now) {
        let gone: Vec<_> = self
            .observed
            .lost
            .iter()
            .filter(|(_, at)| **at <= now.tick)
            .map(|(id, at)| (*id, *at))
            .collect();
        for (id, at) in gone {
            self.quality.remove(&id);
            self.health.forget(id, now);
            self.observed.gone(id, LeaveReason::Lost, at - LOST_MS + GRACE_MS);
            self.close_media(id);
        }
    }

    pub(super) fn tell_quality(&mut self, now: Now) {
        if self.quality_at.is_none_or(|at| now.tick < at) {
            return;
        }
        let mut lines: Vec<_> = std::mem::take(&mut self.quality).into_values().collect();
        self.quality_at = None;
        lines.sort_unstable_by_key(|it| it.participant);
        for connection in self.watchers() {
            self.send(connection, ServerMessage::Quality { lines: lines.clone() });
        }
    }

    /// Whether floor or main picture wait for somebody who is not there.
    pub(super) fn waits_for(&self, id: ParticipantId) -> bool {
        let absent = self.staged.roster.get(id).is_some_and(|it| !it.connected);
        let has =
            self.staged.floor.holder_id() == Some(id) || self.staged.main.participant == Some(id);
        absent && has && !self.observed.is_here(id) && !self.staged.ended
    }

    // --- comparison ---

    /// Stages the facts that make the log say what is observed.
    pub(super) fn reconcile(&mut self, now: Now) {
        if self.retry_at.is_some_and(|at| now.tick < at) || self.staged.ended {
            return;
        }
        self.retry_at = None;
        for id in std::mem::take(&mut self.observed.dirty) {
            if !self.observed.leaving.contains(&id) {
                self.reconcile_seat(id, now);
            }
        }
        self.reconcile_speech(now);
        self.reconcile_recorder(now);
        self.reconcile_absent(now);
        self.reconcile_breakout(now);
    }

    fn reconcile_seat(&mut self, id: ParticipantId, now: Now) {
        let Some(presence) = self.observed.presence.get_mut(&id) else { return };
        let (here, reason) = (presence.connected, presence.reason);
        let replaced = std::mem::take(&mut presence.replaced);
        let connected = |room: &Self| room.staged.roster.get(id).is_some_and(|it| it.connected);
        if connected(self) && (replaced || !here) {
            let reason = if replaced { LeaveReason::Replaced } else { reason };
            self.stage_left(id, reason, now);
        }
        if !here {
            return;
        }
        self.stage_seated(id, now);
        if !connected(self) && self.staged.roster.get(id).is_some() {
            self.stage(None, Fact::Joined { participant: id }, None, now);
        }
        self.reconcile_tracks(id, now);
    }

    /// A WHIP publisher that ended its session leaves for good, like a page that pressed the button.
    fn stage_left(&mut self, id: ParticipantId, reason: LeaveReason, now: Now) {
        let facts = match (self.staged.roster.get(id), reason) {
            (Some(seat), LeaveReason::Left) => command::leave(&self.staged, seat, reason, now),
            _ => vec![Fact::Left { participant: id, reason }],
        };
        for fact in facts {
            self.stage(None, fact, None, now);
        }
        // Nobody is waited for: this was observed, not ordered.
        self.observed.leaving.remove(&id);
    }

    fn stage_seated(&mut self, id: ParticipantId, now: Now) {
        let Some(seat) = self.observed.seats.get(&id).cloned() else { return };
        let known = self.staged.roster.get(id);
        let same = known.is_some_and(|it| {
            (it.role, &it.name, it.site) == (seat.role, &seat.name, seat.site)
                && it.removed_at.is_none()
        });
        if same {
            return;
        }
        let is_new = known.is_none();
        let was_chair = known.is_some_and(|it| it.role == RoomRole::Chair);
        let whip = is_new && whip_participant(self.staged.meeting, &seat.name) == id;
        let fact = Fact::Seated {
            participant: id,
            role: seat.role,
            name: seat.name,
            site: seat.site,
            account: seat.account,
            link: seat.link,
        };
        self.stage(None, fact, None, now);
        // A chair is always heard; a WHIP publisher's token grants it until somebody closes it.
        // In a discussion every room may speak, and in a lecture none, whatever its token grants.
        let discussed = self.staged.conduct.regime == Regime::Discussion && seat.role.publishes();
        let lectured = self.staged.conduct.regime == Regime::Lecture;
        let granted = seat.role == RoomRole::Chair || discussed || (whip && !lectured);
        if granted || was_chair {
            self.stage(None, Fact::MicrophoneGranted { participant: id, granted }, None, now);
        }
        if discussed && seat.role != RoomRole::Chair {
            self.stage(None, Fact::SelfMuted { participant: id, muted: true }, None, now);
        }
    }

    fn reconcile_tracks(&mut self, id: ParticipantId, now: Now) {
        let Some(seat) = self.staged.roster.get(id).filter(|it| it.connected) else { return };
        let observed = self.observed.tracks.get(&seat.publisher);
        let arrives = |source: &Source| observed.is_some_and(|it| it.contains(source));
        let stopped: Vec<_> = seat.sources.iter().copied().filter(|it| !arrives(it)).collect();
        let started: Vec<_> = observed
            .into_iter()
            .flatten()
            .copied()
            .filter(|it| !seat.sources.contains(it) && seat.role.publishes())
            .collect();
        for source in stopped {
            self.stage(None, Fact::Unpublished { participant: id, source }, None, now);
            if source == Source::Screen {
                self.leave_screen(id, now);
            }
        }
        for source in started {
            self.stage(None, Fact::Published { participant: id, source }, None, now);
        }
    }

    /// A screen that was the main picture is no longer shared: the one who speaks, or the chair, is shown.
    fn leave_screen(&mut self, id: ParticipantId, now: Now) {
        let main = self.staged.main;
        let owner = main.participant.or_else(|| self.staged.chair().map(|it| it.id));
        if main.source == Source::Screen && owner == Some(id) {
            let participant =
                main.participant.filter(|it| self.staged.floor.holder_id() == Some(*it));
            let fact = Fact::MainPicture { participant, source: Source::Camera };
            self.stage(None, fact, None, now);
        }
    }

    fn reconcile_speech(&mut self, now: Now) {
        for spoken in std::mem::take(&mut self.observed.spoken) {
            if let Some(participant) = self.staged.roster.by_publisher(&spoken.publisher) {
                let fact = Fact::Spoke { participant, from: spoken.from, ms: spoken.ms };
                self.stage(None, fact, None, now);
            }
        }
    }

    fn reconcile_recorder(&mut self, now: Now) {
        let Some((recording, says)) = self.observed.recorder else { return };
        let Some(running) = self.staged.recording.as_ref().filter(|it| it.recording == recording)
        else {
            self.observed.recorder = None;
            return;
        };
        let fact = match says {
            Ok(()) if !running.healthy => Fact::RecordingStarted { recording },
            Err(code) if running.healthy => Fact::RecordingFailed { recording, code },
            Ok(()) | Err(_) => return,
        };
        self.stage(None, fact, None, now);
    }

    /// Brings the groups back when their time is over.
    fn reconcile_breakout(&mut self, now: Now) {
        if let Some(fact) = breakout::due(&self.staged, now) {
            self.stage(None, fact, None, now);
        }
        let ends_at = self.staged.breakout.as_ref().map(|it| it.ends_at);
        self.breakout_at = ends_at.map(|at| now.tick + at.ms_since(now.at));
    }

    /// Takes floor and main picture back from those who stayed away too long.
    fn reconcile_absent(&mut self, now: Now) {
        let due: Vec<_> = self
            .observed
            .grace
            .iter()
            .filter(|(id, at)| **at <= now.tick && self.waits_for(**id))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            let facts = if self.staged.floor.holder_id() == Some(id) {
                command::release_floor(&self.staged, now)
            } else {
                vec![command::main_back()]
            };
            for fact in facts {
                self.stage(None, fact, None, now);
            }
            if self.staged.main.participant == Some(id) {
                self.stage(None, command::main_back(), None, now);
            }
        }
    }
}
