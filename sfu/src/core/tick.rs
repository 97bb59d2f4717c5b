//! What happens because time passes.

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use protocol::control::MediaEvent;
use protocol::media::Source;
use protocol::time::Timestamp;

use crate::clock::Now;
use crate::core::{Core, Timer};
use crate::room::Room;
use crate::session::CONSENT;
use crate::speaker::Speakers;

/// A publisher's feedback is looked at this often.
const PUBLISHER_TICK: Duration = Duration::from_millis(20);

/// A handshake's retransmissions are looked at this often.
const HANDSHAKE_TICK: Duration = Duration::from_millis(100);

/// A mere receiver is looked at this often.
const RECEIVER_TICK: Duration = Duration::from_millis(250);

/// Reports go out this often (RFC 3550 allows less for small groups; browsers send every second).
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// A room's voices are ordered, and its packets flushed to the recorder, this often.
const ROOM_TICK: Duration = Duration::from_millis(50);

/// Every so many room ticks, layers and live tracks are looked at.
const LAYER_TICKS: u64 = 4;

/// Speakers are told at most this often.
const SPEAKERS_INTERVAL: Duration = Duration::from_millis(200);

impl Core {
    pub(super) fn tick_session(&mut self, index: usize, now: Now) {
        if !self.traces.is_empty() {
            self.finish_traces(now);
        }
        let Some(session) = self.session_mut(index) else { return };
        let is_new = session.srtp.is_none();
        let since = if is_new { session.began } else { session.heard };
        if now.at.saturating_duration_since(since) >= CONSENT {
            tracing::info!(session = %session.id, "no sign of life");
            self.close_session(index, now);
            return;
        }
        if session.dtls.poll_timeout().is_some_and(|due| due <= now.at) {
            let progress = session.dtls.handle_timeout(now.at);
            self.send_dtls(index);
            self.progress(index, progress, now);
        }
        let Some(session) = self.session_mut(index) else { return };
        let is_connected = session.srtp.is_some();
        let is_publishing = !session.incoming.is_empty();
        let is_report_due = now.at >= session.next_report;
        if is_report_due {
            session.next_report = now.at + REPORT_INTERVAL;
        }
        let has_switched = session.lines.iter().any(|line| line.has_switched);
        if is_connected && (is_report_due || has_switched) {
            self.report(index, now, !is_report_due);
        }
        if is_connected && is_publishing {
            self.feed_back(index, now);
        }
        self.pace(index, now);
        let pause = match (is_connected, is_publishing) {
            (false, _) => HANDSHAKE_TICK,
            (true, true) => PUBLISHER_TICK,
            (true, false) => RECEIVER_TICK,
        };
        self.schedule(index, now.at + pause);
        self.hurry(index);
    }

    /// Starts a room's timer if it does not run.
    pub(super) fn start_room_timer(&mut self, index: usize, now: Now) {
        let Some(Some(room)) = self.rooms.get_mut(index) else { return };
        if room.next_tick.is_none() {
            let at = now.at + ROOM_TICK;
            room.next_tick = Some(at);
            self.timers.push(Reverse((at, Timer::Room(index))));
        }
    }

    pub(super) fn tick_room(&mut self, index: usize, at: Instant, now: Now) {
        let Some(Some(room)) = self.rooms.get_mut(index) else { return };
        if room.next_tick != Some(at) {
            // Of an earlier room in the same place.
            return;
        }
        room.n_ticks += 1;
        let looks_at_layers = room.n_ticks.is_multiple_of(LAYER_TICKS);
        if room.rank(now.at) {
            room.is_dirty = true;
        }
        self.tap.extend(room.tap.flush());
        // A request that came too early, or got lost, is made again.
        room.wants_key_frames = true;
        room.next_tick = None;
        self.tell_speakers(index, now);
        self.tell_speech(index, now);
        if looks_at_layers {
            self.stop_silent_tracks(index, now.at);
            self.aim_room(index, now);
            self.assign_tap(index, now);
        }
        // The timer stops with the last track, but not before it is told that nobody speaks any more; the
        // next track starts it again.
        let is_needed =
            |room: &Room| room.tracks.iter().any(Option::is_some) || !room.told_speakers.is_empty();
        if self.rooms.get(index).and_then(Option::as_ref).is_some_and(is_needed) {
            self.start_room_timer(index, now);
        }
        self.touch(index, false);
    }

    fn stop_silent_tracks(&mut self, index: usize, now: Instant) {
        let Some(Some(room)) = self.rooms.get_mut(index) else { return };
        let silent: Vec<usize> = room
            .tracks()
            .filter(|(_, track)| track.is_live && track.is_silent(now))
            .map(|(track, _)| track)
            .collect();
        let mut stopped = Vec::new();
        for track in silent {
            room.set_live(track, false);
            let Some(Some(it)) = room.tracks.get(track) else { continue };
            stopped.push(it.key.clone());
        }
        let room = room.state.room.clone();
        for track in stopped {
            self.tell_trunks_gone(index, &track);
            let room = room.clone();
            self.events.push_back(MediaEvent::TrackStopped { room, track });
        }
    }

    /// Says who is heard, if it changed and was not said just now.
    fn tell_speakers(&mut self, index: usize, now: Now) {
        let Some(Some(room)) = self.rooms.get_mut(index) else { return };
        let told_at = room.told_speakers_at;
        if told_at.is_some_and(|at| now.at.saturating_duration_since(at) < SPEAKERS_INTERVAL) {
            return;
        }
        let tracks = &room.tracks;
        let speaking = room.speakers.iter_mut().flat_map(|it| it.speaking(now.at));
        let publishers: Vec<String> = speaking
            .filter_map(|track| tracks.get(*track)?.as_ref())
            .filter(|track| track.key.source == Source::Microphone)
            .map(|track| track.key.publisher.clone())
            .collect();
        if publishers != room.told_speakers {
            room.told_speakers.clone_from(&publishers);
            room.told_speakers_at = Some(now.at);
            let room = room.state.room.clone();
            self.events.push_back(MediaEvent::Speakers { room, publishers });
        }
    }

    /// Says what was spoken until now, as if every speech ended here.
    pub(super) fn flush_speech(&mut self, name: &str, now: Now) {
        if let Some(&index) = self.by_name.get(name) {
            if let Some(Some(room)) = self.rooms.get_mut(index) {
                room.speakers.iter_mut().for_each(Speakers::end_speeches);
            }
            self.tell_speech(index, now);
        }
        // A room that is not here has nobody who speaks: whoever asks need not wait.
        self.events.push_back(MediaEvent::SpeechFlushed { room: name.to_owned() });
    }

    /// Says what speeches have ended.
    pub(super) fn tell_speech(&mut self, index: usize, now: Now) {
        let Some(Some(room)) = self.rooms.get_mut(index) else { return };
        let speakers = &mut room.speakers;
        while let Some(spoke) = speakers.iter_mut().find_map(|it| it.poll_spoke(now.at)) {
            if spoke.source != Source::Microphone {
                continue;
            }
            self.events.push_back(MediaEvent::Spoke {
                room: room.state.room.clone(),
                publisher: spoke.publisher,
                from: Timestamp(spoke.from_unix_us / 1_000),
                ms: spoke.ms,
            });
        }
    }
}
