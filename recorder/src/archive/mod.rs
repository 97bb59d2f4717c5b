//! What a recording is on disk: `MEETING/RECORDING/` with a manifest, a journal and one log of packets
//! per track and part. A part is what one run of the process wrote; a crash begins a new one.

pub mod disk;
pub mod journal;
pub mod manifest;
mod part;
mod pending;
pub mod rtplog;
pub mod scan;
pub mod writer;

use std::path::{Path, PathBuf};

use protocol::id::{MeetingId, RecordingId};
use protocol::tap::TapTrack;

/// The manifest's file name.
pub const MANIFEST: &str = "manifest.json";
/// The journal's file name.
pub const JOURNAL: &str = "journal.jsonl";
/// The folder of the packet logs and of the playable files made from them.
pub const TRACKS: &str = "tracks";
/// The composed video's file name.
pub const COMPOSED: &str = "composed.mp4";
/// What the review page shows beside the video ([`protocol::review::Review`]).
pub const REVIEW: &str = "review.json";
/// Its small pictures.
pub const THUMBS: &str = "review.jpg";

/// What the name of a folder ends with that is being deleted.
pub(crate) const ASIDE: &str = "destroyed";

/// The folder of a recording.
pub fn recording_dir(archive: &Path, meeting: MeetingId, recording: RecordingId) -> PathBuf {
    archive.join(meeting.to_string()).join(recording.to_string())
}

/// Path of a track's log below the recording's folder.
pub fn track_path(part: u32, track: TapTrack) -> String {
    format!("{TRACKS}/p{part}-t{track}.rtplog")
}
