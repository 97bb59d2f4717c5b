//! The life of one recording, without I/O: interrupted → writing → closing → stopped → composing →
//! composed or failed. The shell carries out its outputs in order and tells it what came of them.

use std::collections::VecDeque;

use protocol::control::{JournalNote, RecorderEvent, RecordingFile};
use protocol::error::ErrorCode;
use protocol::time::Timestamp;

use crate::archive::journal::{Event, Line};
use crate::archive::manifest::{Manifest, Part, State, Track};
use crate::archive::writer::Report;

/// How often it is said that a recording goes on, µs of packet arrival.
const SAY_EVERY_US: i64 = 5_000_000;

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// Record, or go on.
    Start,
    /// For the journal.
    Note(JournalNote),
    /// Stop, then compose.
    Stop,
    /// Compose (again).
    Compose,
    /// The writer says.
    Written(Report),
    /// The manifest is on disk in this state.
    Saved(State),
    /// The composition says.
    Job(Job),
}

/// What a composition says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// It goes on.
    Progress {
        /// Done, thousandths.
        permille: u16,
        /// About this much longer, ms.
        remaining_ms: u64,
    },
    /// It is done.
    Done {
        /// Length, ms.
        ms: u64,
        /// Files to download.
        files: Vec<RecordingFile>,
        /// The logs that it was made from.
        logs: Vec<RecordingFile>,
    },
    /// It ended without a result.
    Failed,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Begin to write a part.
    Open {
        /// Its number.
        part: u32,
    },
    /// Append to the journal.
    Journal(Line),
    /// Close the part with this last line.
    Close(Line),
    /// Replace the manifest.
    Save(Box<Manifest>),
    /// Queue a composition.
    Compose,
    /// Tell the control plane.
    Event(RecorderEvent),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// A crash interrupted it, and nobody has said yet what shall become of it.
    Interrupted,
    Writing,
    Closing {
        is_wanted_again: bool,
    },
    /// Stopped; the manifest is on its way to the disk.
    Saving,
    /// Waiting for its composition, or being composed.
    Composing,
    Over,
}

/// See the file.
#[derive(Debug)]
pub struct Session {
    manifest: Manifest,
    phase: Phase,
    bytes_before: u64,
    bytes: u64,
    said_us: Option<i64>,
    outputs: VecDeque<Output>,
}

impl Session {
    /// A recording that begins; [`Input::Start`] follows.
    pub fn begin(manifest: Manifest) -> Self {
        Self {
            manifest,
            phase: Phase::Interrupted,
            bytes_before: 0,
            bytes: 0,
            said_us: None,
            outputs: VecDeque::new(),
        }
    }

    /// A recording found on disk. One that was stopped but not composed is composed now.
    pub fn restore(manifest: Manifest, bytes_before: u64) -> Self {
        let phase = match manifest.state {
            State::Recording => Phase::Interrupted,
            State::Stopped | State::Composing => Phase::Composing,
            State::Composed | State::Failed => Phase::Over,
        };
        let mut session = Self { phase, bytes_before, ..Self::begin(manifest) };
        if phase == Phase::Composing {
            session.queue();
        }
        session
    }

    /// The recording as its manifest has it.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Whether nothing more will come of it unless somebody asks.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Takes what happened. `now` is wall-clock time.
    pub fn handle_input(&mut self, input: Input, now: Timestamp) {
        match input {
            Input::Start => self.start(now),
            Input::Note(note) => {
                let line = Line { at: now, event: Event::Note { note } };
                self.outputs.push_back(Output::Journal(line));
            }
            Input::Stop => self.stop(now),
            Input::Compose => self.compose(now),
            Input::Written(report) => self.written(report, now),
            Input::Saved(state) => {
                if self.phase == Phase::Saving && state == State::Stopped {
                    self.phase = Phase::Composing;
                    self.queue();
                }
            }
            Input::Job(job) => self.job(job),
        }
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn start(&mut self, now: Timestamp) {
        match &mut self.phase {
            Phase::Writing => return,
            Phase::Closing { is_wanted_again } => {
                *is_wanted_again = true;
                return;
            }
            Phase::Interrupted | Phase::Saving | Phase::Composing | Phase::Over => {}
        }
        let part = self.manifest.parts.last().map_or(1, |part| part.number + 1);
        self.manifest.parts.push(Part { number: part, started_at: now, ended_at: None });
        self.manifest.state = State::Recording;
        self.manifest.stopped_at = None;
        self.phase = Phase::Writing;
        self.bytes_before += std::mem::take(&mut self.bytes);
        self.said_us = None;
        self.save();
        self.outputs.push_back(Output::Open { part });
        let line = Line { at: now, event: Event::PartStarted { part } };
        self.outputs.push_back(Output::Journal(line));
    }

    fn stop(&mut self, at: Timestamp) {
        match self.phase {
            Phase::Writing => {
                self.phase = Phase::Closing { is_wanted_again: false };
                let number = self.manifest.parts.last_mut().map_or(0, |part| {
                    part.ended_at = Some(at);
                    part.number
                });
                let line = Line { at, event: Event::PartEnded { part: number } };
                self.outputs.push_back(Output::Close(line));
            }
            Phase::Interrupted => self.finish(at),
            Phase::Closing { .. } | Phase::Saving | Phase::Composing => {}
            Phase::Over => self.say_result(),
        }
    }

    fn compose(&mut self, now: Timestamp) {
        match self.phase {
            Phase::Interrupted => self.finish(now),
            Phase::Over => self.finish(self.manifest.stopped_at.unwrap_or(now)),
            Phase::Writing | Phase::Closing { .. } | Phase::Saving | Phase::Composing => {}
        }
    }

    /// Everything is on disk: have the manifest say so, then compose.
    fn finish(&mut self, at: Timestamp) {
        self.manifest.stopped_at = Some(at);
        self.manifest.state = State::Stopped;
        self.phase = Phase::Saving;
        self.save();
    }

    fn queue(&mut self) {
        let recording = self.manifest.recording;
        let event = RecorderEvent::Composing { recording, permille: 0, remaining_ms: 0 };
        self.outputs.push_back(Output::Event(event));
        self.outputs.push_back(Output::Compose);
    }

    fn written(&mut self, report: Report, now: Timestamp) {
        match report {
            Report::TrackOpened { path, info, .. } => {
                let part = self.manifest.parts.last().map_or(0, |part| part.number);
                self.manifest.tracks.push(Track {
                    path,
                    part,
                    info,
                    only_archived: false,
                    file: None,
                });
                self.save();
            }
            Report::Written { bytes, last_us, .. } => {
                self.bytes = bytes;
                if self.said_us.is_none_or(|said| last_us - said >= SAY_EVERY_US) {
                    self.say_recording(last_us);
                }
            }
            Report::Failed { recording, code } => {
                self.outputs.push_back(Output::Event(RecorderEvent::Failed { recording, code }));
            }
            Report::Recovered { .. } => self.said_us = None,
            Report::Closed { .. } => {
                let Phase::Closing { is_wanted_again } = self.phase else { return };
                if is_wanted_again {
                    self.phase = Phase::Interrupted;
                    return self.start(now);
                }
                let ended = self.manifest.parts.last().and_then(|part| part.ended_at);
                self.finish(ended.unwrap_or(now));
            }
            Report::Saved { state, .. } => self.handle_input(Input::Saved(state), now),
            // Only of recordings whose session is over.
            Report::PutAside { .. } => {}
        }
    }

    fn say_recording(&mut self, last_us: i64) {
        self.said_us = Some(last_us);
        let event = RecorderEvent::Recording {
            recording: self.manifest.recording,
            bytes: self.bytes_before + self.bytes,
            ms: Timestamp(last_us / 1_000).ms_since(self.manifest.started_at),
        };
        self.outputs.push_back(Output::Event(event));
    }

    fn job(&mut self, job: Job) {
        if self.phase != Phase::Composing {
            // Recording was taken up again meanwhile; it will be composed anew.
            return;
        }
        let recording = self.manifest.recording;
        match job {
            Job::Progress { permille, remaining_ms } => {
                if self.manifest.state != State::Composing {
                    self.manifest.state = State::Composing;
                    self.save();
                }
                let event = RecorderEvent::Composing { recording, permille, remaining_ms };
                self.outputs.push_back(Output::Event(event));
            }
            Job::Done { ms, files, logs } => {
                self.manifest.state = State::Composed;
                self.manifest.composed_ms = ms;
                self.manifest.files = files;
                for track in &mut self.manifest.tracks {
                    track.file = logs.iter().find(|file| file.path == track.path).cloned();
                }
                self.phase = Phase::Over;
                self.save();
                self.say_result();
            }
            Job::Failed => {
                self.manifest.state = State::Failed;
                self.phase = Phase::Over;
                self.save();
                self.say_result();
            }
        }
    }

    fn say_result(&mut self) {
        let recording = self.manifest.recording;
        let event = if self.manifest.state == State::Composed {
            let (ms, files) = (self.manifest.composed_ms, self.manifest.files.clone());
            RecorderEvent::Composed { recording, ms, files }
        } else {
            RecorderEvent::Failed { recording, code: ErrorCode::CompositionFailed }
        };
        self.outputs.push_back(Output::Event(event));
    }

    /// A manifest that is still waiting to be saved is replaced by the newer one.
    fn save(&mut self) {
        self.outputs.retain(|output| !matches!(output, Output::Save(_)));
        self.outputs.push_front(Output::Save(Box::new(self.manifest.clone())));
    }
}

#[cfg(test)]
mod tests;
