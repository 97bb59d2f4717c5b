//! What the binary tells the control plane at start.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use protocol::node::NodeReport;

/// A file of the web application.
#[derive(Clone, Debug)]
pub struct Asset {
    /// The bytes, compressed already if `encoding` says so.
    pub bytes: Cow<'static, [u8]>,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// `Content-Encoding`, for example `gzip`.
    pub encoding: Option<&'static str>,
    /// Its name contains a hash of its content, so it never changes.
    pub immutable: bool,
}

/// Finds a file of the web application: path without the leading slash, and whether the browser accepts
/// gzip. `index.html` is the page of every address that is not a file.
pub type AssetSource = Arc<dyn Fn(&str, bool) -> Option<Asset> + Send + Sync>;

/// Appends lines in Prometheus' text format.
pub type MetricsSource = Arc<dyn Fn(&mut String) + Send + Sync>;

/// How the media node of this process does now.
pub type RootReport = Arc<dyn Fn() -> NodeReport + Send + Sync>;

/// Configuration of the control plane.
#[derive(Clone)]
pub struct Config {
    /// The data folder: `diemcau.db`, `archive/`.
    pub data: PathBuf,
    /// WHIP and WHEP want no token, and any room they name exists. For benchmarks; the binary refuses it
    /// unless the HTTP address is a loopback address.
    pub open_rooms: bool,
    /// The web application.
    pub assets: AssetSource,
    /// What the other roles add to `/metrics`.
    pub metrics: Vec<MetricsSource>,
    /// How the root of the tree of media nodes does.
    pub root_report: RootReport,
    /// The executable whose `worker` looks into documents and draws them.
    pub worker: PathBuf,
    /// The program's version, for `/version`.
    pub version: &'static str,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("data", &self.data)
            .field("open_rooms", &self.open_rooms)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
