//! Questions to the media node about a room: how its lines go, how its cameras look. They are no part of the
//! meeting: nothing is written, and a node that does not answer costs only the answer.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use protocol::control::{CameraPicture, MediaCommand, MediaEvent, TRACE_SECONDS};
use protocol::error::ErrorCode;
use protocol::id::{AccountId, MeetingId, RequestId};
use protocol::insight::RoomRoutes;
use protocol::time::Timestamp;
use tokio::sync::oneshot;

use super::Hub;
use crate::clock;
use crate::secret;

/// The node answers within a millisecond; a busy one within a second.
const ANSWER_MAX: Duration = Duration::from_secs(3);

/// Questions that wait for an answer. Beyond that the node hangs, and asking more does not help.
const ASKED_MAX: usize = 64;

/// A trace takes as long as it is told to, and a moment to hand over.
const TRACE_MAX: Duration = Duration::from_secs(TRACE_SECONDS as u64 + 10);

/// Traces that wait to be fetched. The oldest goes for a new one.
const TRACES_MAX: usize = 16;

/// Their folder in the data folder.
const TRACES: &str = "traces";

/// The node is asked for pictures at most this often, however many look, ms.
const PICTURES_EVERY_MS: u64 = 1_500;

/// A picture may come while the node answers for another; so far back they are asked for again, ms.
const OVERLAP_MS: i64 = 3_000;

/// Meetings whose pictures are kept. Of another one they are taken anew.
const OVERVIEWS_MAX: usize = 32;

/// Questions and what is kept of answers.
#[derive(Debug, Default)]
pub(super) struct Insight {
    asked: Mutex<HashMap<RequestId, oneshot::Sender<MediaEvent>>>,
    overviews: Mutex<HashMap<MeetingId, Overview>>,
    traces: Mutex<Vec<Kept>>,
}

/// A trace that runs or waits to be fetched.
#[derive(Debug)]
struct Kept {
    id: RequestId,
    meeting: MeetingId,
    /// Who asked for it, and nobody else, may have it.
    account: AccountId,
    /// Where it is, once it is over; or why it is not.
    file: Option<Result<PathBuf, ErrorCode>>,
}

/// The cameras of a meeting as they were last seen.
#[derive(Debug, Default)]
struct Overview {
    /// When the node was asked last, by the monotonic clock.
    tick: u64,
    asked_at: i64,
    cameras: HashMap<String, Option<CameraPicture>>,
}

impl Insight {
    /// Hands an answer to whoever waits for it.
    pub(super) fn answered(&self, request: RequestId, event: MediaEvent) {
        let waiting = lock(&self.asked).remove(&request);
        if let Some(waiting) = waiting {
            // Whoever asked may have gone away.
            let _ = waiting.send(event);
        }
    }

    /// The node knows nothing any more.
    pub(super) fn clear(&self) {
        lock(&self.asked).clear();
    }
}

impl Overview {
    /// Takes an answer in: cameras that are gone go, those without a new picture keep the old one.
    fn merge(&mut self, cameras: Vec<(String, Option<CameraPicture>)>) {
        let mut before = std::mem::take(&mut self.cameras);
        let kept = cameras.into_iter().map(|(publisher, new)| {
            let old = before.remove(&publisher).flatten();
            let picture = match (new, old) {
                (Some(new), Some(old)) if old.at > new.at => Some(old),
                (new, old) => new.or(old),
            };
            (publisher, picture)
        });
        self.cameras = kept.collect();
    }
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Every change is one insert or remove, so a panic elsewhere left nothing half done.
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    /// Has a publisher's packets written down; the file waits in the data folder until it is fetched. The meeting's
    /// log knows of it already.
    pub(crate) fn trace(
        self: &Arc<Self>,
        data: &Path,
        (meeting, account): (MeetingId, AccountId),
        (room, publisher): (String, String),
    ) -> RequestId {
        let unix_ms = u64::try_from(clock::now().0).unwrap_or(0);
        let id = RequestId::from_parts(unix_ms, secret::entropy());
        let former = {
            let mut traces = lock(&self.insight.traces);
            let former = (traces.len() >= TRACES_MAX).then(|| traces.remove(0));
            traces.push(Kept { id, meeting, account, file: None });
            former
        };
        let (hub, folder) = (Arc::clone(self), data.join(TRACES));
        tokio::spawn(async move {
            if let Some(Ok(path)) = former.and_then(|it| it.file) {
                forget(path).await;
            }
            let question = |request| {
                let seconds = TRACE_SECONDS;
                MediaCommand::Trace { request, room, publisher, seconds }
            };
            let told = match hub.ask_media(question, TRACE_MAX).await {
                Ok(MediaEvent::Traced { file, .. }) if !file.is_empty() => Ok(file),
                Ok(_) => Err(ErrorCode::NotInRoom),
                Err(code) => Err(code),
            };
            let file = match told {
                Ok(file) => keep(folder, id, file).await,
                Err(code) => Err(code),
            };
            let mut traces = lock(&hub.insight.traces);
            if let Some(kept) = traces.iter_mut().find(|it| it.id == id) {
                kept.file = Some(file);
            }
        });
        id
    }

    /// A trace for whoever asked for it, once: it is gone afterwards. None: it still runs.
    pub(crate) async fn take_trace(
        &self,
        meeting: MeetingId,
        account: AccountId,
        id: RequestId,
    ) -> Result<Option<Vec<u8>>, ErrorCode> {
        let path = {
            let mut traces = lock(&self.insight.traces);
            let is_it = |it: &Kept| it.id == id && it.meeting == meeting && it.account == account;
            let at = traces.iter().position(is_it).ok_or(ErrorCode::NotFound)?;
            let Some(file) = traces[at].file.take() else { return Ok(None) };
            traces.remove(at);
            file?
        };
        let read = tokio::task::spawn_blocking({
            let path = path.clone();
            move || std::fs::read(path)
        });
        let bytes = read.await.map_err(|_| ErrorCode::Internal)?;
        forget(path).await;
        bytes.map(Some).map_err(|error| {
            tracing::error!(%error, "a trace could not be read");
            ErrorCode::Internal
        })
    }

    /// How the lines of a room go; with `of`, one publisher's in detail.
    pub(crate) async fn inspect(
        &self,
        room: &str,
        of: Option<String>,
    ) -> Result<RoomRoutes, ErrorCode> {
        let room = room.to_owned();
        let answer = self
            .ask_media(|request| MediaCommand::Inspect { request, room, of }, ANSWER_MAX)
            .await?;
        match answer {
            MediaEvent::Inspected { routes, .. } => Ok(*routes),
            _ => Err(ErrorCode::Internal),
        }
    }

    /// Shows `look` the cameras of a meeting, with pictures that are a few seconds old at most if the cameras
    /// give them.
    pub(crate) async fn overview<T>(
        &self,
        meeting: MeetingId,
        room: &str,
        look: impl FnOnce(&HashMap<String, Option<CameraPicture>>) -> T,
    ) -> Result<T, ErrorCode> {
        if let Some(newer_than) = self.pictures_due(meeting) {
            let room = room.to_owned();
            let take = |request| MediaCommand::TakeSnapshots { request, room, newer_than };
            let MediaEvent::Snapshots { cameras, .. } = self.ask_media(take, ANSWER_MAX).await?
            else {
                return Err(ErrorCode::Internal);
            };
            lock(&self.insight.overviews).entry(meeting).or_default().merge(cameras);
        }
        let overviews = lock(&self.insight.overviews);
        let none = HashMap::new();
        Ok(look(overviews.get(&meeting).map_or(&none, |it| &it.cameras)))
    }

    /// Whether the node is to be asked now, and for pictures newer than what.
    fn pictures_due(&self, meeting: MeetingId) -> Option<Timestamp> {
        let (tick, now) = (clock::tick(), clock::now().0);
        let mut overviews = lock(&self.insight.overviews);
        if overviews.len() >= OVERVIEWS_MAX && !overviews.contains_key(&meeting) {
            let oldest = overviews.iter().min_by_key(|(_, it)| it.tick).map(|(id, _)| *id);
            oldest.map(|id| overviews.remove(&id));
        }
        let overview = overviews.entry(meeting).or_default();
        if overview.asked_at != 0 && tick < overview.tick + PICTURES_EVERY_MS {
            return None;
        }
        let newer_than = Timestamp((overview.asked_at - OVERLAP_MS).max(0));
        (overview.tick, overview.asked_at) = (tick, now);
        Some(newer_than)
    }

    /// Asks the media node something and waits for the answer.
    async fn ask_media(
        &self,
        question: impl FnOnce(RequestId) -> MediaCommand,
        longest: Duration,
    ) -> Result<MediaEvent, ErrorCode> {
        let unix_ms = u64::try_from(clock::now().0).unwrap_or(0);
        let request = RequestId::from_parts(unix_ms, secret::entropy());
        let (answer, answered) = oneshot::channel();
        {
            let mut asked = lock(&self.insight.asked);
            if asked.len() >= ASKED_MAX {
                return Err(ErrorCode::MediaUnavailable);
            }
            asked.insert(request, answer);
        }
        self.tell_media(question(request));
        let waited = tokio::time::timeout(longest, answered).await;
        lock(&self.insight.asked).remove(&request);
        waited.ok().and_then(Result::ok).ok_or(ErrorCode::MediaUnavailable)
    }
}

/// Writes a trace down.
async fn keep(folder: PathBuf, id: RequestId, file: Vec<u8>) -> Result<PathBuf, ErrorCode> {
    let written = tokio::task::spawn_blocking(move || {
        std::fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{id}.pcapng"));
        std::fs::write(&path, file).map(|()| path)
    });
    let path = written.await.map_err(|_| ErrorCode::Internal)?;
    path.map_err(|error| {
        tracing::error!(%error, "a trace could not be written");
        if error.kind() == std::io::ErrorKind::StorageFull {
            ErrorCode::DiskFull
        } else {
            ErrorCode::Internal
        }
    })
}

/// Deletes a trace.
async fn forget(path: PathBuf) {
    let removed = tokio::task::spawn_blocking(move || std::fs::remove_file(path)).await;
    if let Ok(Err(error)) = removed {
        tracing::warn!(%error, "a trace could not be deleted; the next start does it");
    }
}

/// Deletes what a former run has left: nobody knows any more who may have it.
pub(crate) fn sweep(data: &Path) {
    match std::fs::remove_dir_all(data.join(TRACES)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(%error, "old traces could not be deleted");
        }
        Ok(()) | Err(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(at: i64) -> Option<CameraPicture> {
        Some(CameraPicture { at: Timestamp(at), width: 320, height: 180, webp: vec![1] })
    }

    #[test]
    fn a_camera_keeps_its_last_picture_until_it_is_gone() {
        let mut overview = Overview::default();
        overview.merge(vec![("a".to_owned(), picture(5)), ("b".to_owned(), None)]);
        overview.merge(vec![("a".to_owned(), None), ("b".to_owned(), picture(9))]);
        assert_eq!(overview.cameras["a"], picture(5));
        assert_eq!(overview.cameras["b"], picture(9));
        overview.merge(vec![("b".to_owned(), picture(8))]);
        assert!(!overview.cameras.contains_key("a"));
        assert_eq!(overview.cameras["b"], picture(9), "an older one comes too late");
    }
}
