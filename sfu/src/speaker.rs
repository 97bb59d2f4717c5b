//! Who is speaking, from the audio levels that browsers put into every packet (RFC 6464): an order of
//! voices that changes only when somebody clearly takes over, and the stretches of speech behind it.

use std::time::{Duration, Instant};

use protocol::media::{Source, TrackKey};

use crate::clock::Now;

/// Levels count down from 0 (loudest) to 127 (silence). A voice in a room is -20 to -45 dBov, its fans
/// and papers below -55.
const SPEECH_DBOV: u8 = 50;

/// Quieter than this is silence: a room in which nobody speaks and nothing hums.
const SILENCE_DBOV: u8 = 65;

/// A microphone that has been silent for so long is not forwarded until it sounds again. Long enough that no
/// pause between sentences is cut.
const SILENCE_MAX: Duration = Duration::from_secs(2);

/// Weight of a new level, in sixteenths: attack within three packets, decay within half a second.
const ATTACK: i32 = 6;
const DECAY: i32 = 1;

/// A voice counts as speaking until this long after its last loud packet.
const HOLD: Duration = Duration::from_millis(600);

/// How much louder (dB) somebody must be to pass one who is speaking. Less makes lines flicker.
const MARGIN_DB: i32 = 6;

/// Pauses of a speech that are bridged, and the shortest stretch that is told.
const PAUSE_MAX: Duration = Duration::from_secs(2);
const SPEECH_MIN: Duration = Duration::from_secs(1);

/// A longer speech is told in pieces of this length, so that a crash loses no more than one.
const PIECE: Duration = Duration::from_secs(30);

/// A track without a voice.
const NOWHERE: usize = usize::MAX;

/// Index of a track in its room.
pub(crate) type TrackIndex = usize;

/// A stretch of speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Speech {
    from_unix_us: i64,
    from: Instant,
    last: Instant,
}

/// One voice.
#[derive(Debug)]
pub(crate) struct Voice {
    track: TrackIndex,
    key: TrackKey,
    /// Smoothed loudness above silence, sixteenths of a decibel.
    loudness: i32,
    last_loud: Option<Instant>,
    /// When it sounded last, or came.
    last_sound: Instant,
    /// It has been silent for long.
    is_silent: bool,
    speech: Option<Speech>,
    is_heard: bool,
    is_first: bool,
}

/// What becomes of a packet of sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// It is forwarded.
    Open,
    /// It is forwarded, and is the first after a silence.
    Opens,
    /// It is silence that nobody needs to hear.
    Closed,
}

/// A stretch of speech that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spoke {
    pub(crate) publisher: String,
    pub(crate) source: Source,
    pub(crate) from_unix_us: i64,
    pub(crate) ms: u64,
}

/// All voices of a room, the most important first.
#[derive(Debug, Default)]
pub(crate) struct Speakers {
    voices: Vec<Voice>,
    /// For each track, where its voice stands in the order; [`NOWHERE`] for none.
    places: Vec<usize>,
    /// Those who were speaking when last asked, in the order told.
    told: Vec<TrackIndex>,
    /// Speech of voices that left or lost the word, not yet told.
    ended: Vec<Spoke>,
}

impl Voice {
    fn is_speaking(&self, now: Instant) -> bool {
        self.last_loud.is_some_and(|loud| now.saturating_duration_since(loud) < HOLD)
    }

    /// Ends the speech; tells it if it was long enough.
    fn end_speech(&mut self) -> Option<Spoke> {
        let speech = self.speech.take()?;
        let length = speech.last.saturating_duration_since(speech.from);
        (length >= SPEECH_MIN).then_some(Spoke {
            publisher: self.key.publisher.clone(),
            source: self.key.source,
            from_unix_us: speech.from_unix_us,
            ms: length.as_millis() as u64,
        })
    }

    /// Whether this voice should stand before `other`.
    fn passes(&self, other: &Self, now: Instant) -> bool {
        if self.is_first != other.is_first {
            return self.is_first;
        }
        if !self.is_heard || !self.is_speaking(now) {
            return self.is_heard && !other.is_heard;
        }
        !other.is_heard
            || !other.is_speaking(now)
            || self.loudness > other.loudness + MARGIN_DB * 16
    }
}

impl Speakers {
    /// A voice joins at the end of the order.
    pub(crate) fn add(&mut self, track: TrackIndex, key: TrackKey, now: Instant) {
        self.put(Voice {
            track,
            key,
            loudness: 0,
            last_loud: None,
            last_sound: now,
            is_silent: false,
            speech: None,
            is_heard: false,
            is_first: false,
        });
    }

    /// A voice comes from another order and joins at the end of this one.
    pub(crate) fn put(&mut self, voice: Voice) {
        let track = voice.track;
        self.remove(track);
        self.voices.push(voice);
        if self.places.len() <= track {
            self.places.resize(track + 1, NOWHERE);
        }
        self.places[track] = self.voices.len() - 1;
    }

    fn voice_mut(&mut self, track: TrackIndex) -> Option<&mut Voice> {
        let place = self.places.get(track).copied().unwrap_or(NOWHERE);
        self.voices.get_mut(place)
    }

    /// A voice leaves.
    pub(crate) fn remove(&mut self, track: TrackIndex) {
        self.take(track);
    }

    /// A voice leaves, perhaps for another order. What it was saying is told here.
    pub(crate) fn take(&mut self, track: TrackIndex) -> Option<Voice> {
        let at = self.places.get(track).copied().unwrap_or(NOWHERE);
        if at == NOWHERE {
            return None;
        }
        self.places[track] = NOWHERE;
        let mut voice = self.voices.remove(at);
        self.ended.extend(voice.end_speech());
        for voice in &self.voices[at..] {
            self.places[voice.track] -= 1;
        }
        voice.last_loud = None;
        Some(voice)
    }

    /// Whether the voice may be heard, and whether it goes before all that are not pinned.
    pub(crate) fn set(&mut self, track: TrackIndex, is_heard: bool, is_first: bool) {
        let Some(voice) = self.voice_mut(track) else { return };
        if voice.is_heard && !is_heard {
            voice.last_loud = None;
            let ended = voice.end_speech();
            self.ended.extend(ended);
        }
        let Some(voice) = self.voice_mut(track) else { return };
        voice.is_heard = is_heard;
        voice.is_first = is_first;
    }

    /// A packet with this level came, 0 (loudest) to 127. Chair and floor holder are forwarded even in
    /// silence, so that nobody takes their line for dead.
    pub(crate) fn level(&mut self, track: TrackIndex, level: u8, now: Now) -> Gate {
        let Some(voice) = self.voice_mut(track) else { return Gate::Open };
        if level <= SILENCE_DBOV || voice.is_first {
            voice.last_sound = now.at;
        }
        let is_silent = now.at.saturating_duration_since(voice.last_sound) >= SILENCE_MAX;
        let was_silent = std::mem::replace(&mut voice.is_silent, is_silent);
        self.hear(track, level, now);
        match (was_silent, is_silent) {
            (_, true) => Gate::Closed,
            (true, false) => Gate::Opens,
            (false, false) => Gate::Open,
        }
    }

    fn hear(&mut self, track: TrackIndex, level: u8, now: Now) {
        let Some(voice) = self.voice_mut(track) else { return };
        let loudness = i32::from(127 - level.min(127)) * 16;
        let weight = if loudness > voice.loudness { ATTACK } else { DECAY };
        voice.loudness += (loudness - voice.loudness) * weight / 16;
        if level > SPEECH_DBOV || !voice.is_heard {
            return;
        }
        voice.last_loud = Some(now.at);
        let begin = Speech { from_unix_us: now.unix_us, from: now.at, last: now.at };
        let speech = voice.speech.get_or_insert(begin);
        speech.last = now.at;
        if now.at.saturating_duration_since(speech.from) >= PIECE {
            let piece = voice.end_speech();
            voice.speech = Some(begin);
            self.ended.extend(piece);
        }
    }

    /// Ends every speech that is going on.
    pub(crate) fn end_speeches(&mut self) {
        let ended = self.voices.iter_mut().filter_map(Voice::end_speech);
        self.ended.extend(ended);
    }

    /// Brings the order up to date and returns whether it changed. Every voice may move up any number of
    /// places, but only past those that it clearly outweighs.
    pub(crate) fn rank(&mut self, now: Instant) -> bool {
        let mut is_changed = false;
        for at in (1..self.voices.len()).rev() {
            if self.voices[at].passes(&self.voices[at - 1], now) {
                self.voices.swap(at, at - 1);
                self.places.swap(self.voices[at].track, self.voices[at - 1].track);
                is_changed = true;
            }
        }
        is_changed
    }

    /// All voices that may be heard, the most important first.
    pub(crate) fn order(&self) -> impl Iterator<Item = TrackIndex> {
        self.voices.iter().filter(|voice| voice.is_heard).map(|voice| voice.track)
    }

    /// Those who are speaking, loudest first. As in the order of all voices, two change places only when
    /// one is clearly louder.
    pub(crate) fn speaking(&mut self, now: Instant) -> &[TrackIndex] {
        let voices = &self.voices;
        let loudness = |track: TrackIndex| {
            let voice = voices.iter().find(|voice| voice.track == track)?;
            (voice.is_heard && voice.is_speaking(now)).then_some(voice.loudness)
        };
        let told = &mut self.told;
        told.retain(|track| loudness(*track).is_some());
        for voice in voices {
            if !told.contains(&voice.track) && loudness(voice.track).is_some() {
                told.push(voice.track);
            }
        }
        for at in (1..told.len()).rev() {
            if loudness(told[at]) > loudness(told[at - 1]).map(|it| it + MARGIN_DB * 16) {
                told.swap(at, at - 1);
            }
        }
        told
    }

    /// The next stretch of speech that has ended.
    pub(crate) fn poll_spoke(&mut self, now: Instant) -> Option<Spoke> {
        if let Some(spoke) = self.ended.pop() {
            return Some(spoke);
        }
        self.voices.iter_mut().find_map(|voice| {
            let is_over =
                voice.speech.is_some_and(|it| now.saturating_duration_since(it.last) >= PAUSE_MAX);
            if is_over { voice.end_speech() } else { None }
        })
    }
}

#[cfg(test)]
mod tests;
