//! `diemcau backup` and `diemcau restore`: a whole data folder, copied while the server runs. The copy is a data folder
//! itself, with one file more: `backup.json` names every file with its size and SHA-256. It is written last, under
//! another name than the copy has in the end, so that what was interrupted is never taken for whole.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{cli, terminal};

/// The list of what a copy has.
const LIST: &str = "backup.json";

/// The form of the list that this program writes and reads.
const LIST_VERSION: u32 = 1;

/// A list larger than this is none of ours, bytes: a file takes some 150.
const LIST_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Bytes copied at a time.
const CHUNK_BYTES: usize = 1024 * 1024;

/// The database: copied by itself, as one moment of it.
const DATABASE: &str = "diemcau.db";

/// What a copy does not need: the database's own, the lock of the running server, captures of packets.
const LEFT_OUT: [&str; 5] =
    [DATABASE, "diemcau.db-wal", "diemcau.db-shm", "diemcau.lock", "traces"];

/// What says first how much of the other files there is; copied before them, it never promises more than there is.
const FIRST: &str = "manifest.json";

/// Progress is said this often.
const PROGRESS: Duration = Duration::from_secs(2);

/// What a copy has.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    version: u32,
    /// Version of the program that has made it.
    program: String,
    files: Vec<Listed>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    /// Below the folder, with `/`.
    path: String,
    bytes: u64,
    sha256: String,
}

/// Copies the data folder `data` to the new folder `to`. The server may be running.
pub(crate) async fn backup(data: &Path, to: &Path) -> anyhow::Result<String> {
    ensure!(data.join(DATABASE).is_file(), "{} is no data folder.", data.display());
    let part = begin(to)?;
    let from = data.canonicalize().context("The data folder has no name")?;
    let inside = part.canonicalize().context("The copy has no name")?;
    if inside.starts_with(&from) {
        std::fs::remove_dir(&part).context("The copy's folder cannot be taken away")?;
        bail!("{} lies in the data folder itself. Name a folder elsewhere.", to.display());
    }
    signaling::copy_database(data, &part.join(DATABASE)).await?;
    let copied = File::open(part.join(DATABASE)).and_then(|it| it.sync_all());
    copied.context("The disk does not keep the database")?;
    let mut paths = Vec::new();
    collect(data, Path::new(""), &mut paths)?;
    let mut files = vec![listed(&part, DATABASE)?];
    let mut progress = Progress::new(&paths);
    for (path, _) in &paths {
        match copy(&data.join(path), &part.join(path)) {
            Ok((bytes, sha256)) => {
                progress.add(bytes);
                files.push(Listed { path: text(path)?, bytes, sha256 });
            }
            // Destroyed or finished under another name since it was listed.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error).with_context(|| format!("{} cannot be copied", path.display()));
            }
        }
    }
    let n = files.len();
    let list = List { version: LIST_VERSION, program: cli::VERSION.to_owned(), files };
    let mut file = File::create(part.join(LIST)).context("The list cannot be written")?;
    serde_json::to_writer_pretty(&mut file, &list).context("The list cannot be written")?;
    file.sync_all().context("The list cannot be written")?;
    finish(&part, to)?;
    Ok(format!("{n} files are in {}.", to.display()))
}

/// Makes the data folder `data` of the copy `from`.
pub(crate) fn restore(from: &Path, data: &Path) -> anyhow::Result<String> {
    let list = read_list(from)?;
    let part = begin(data)?;
    let mut progress =
        Progress { done: 0, all: list.files.iter().map(|it| it.bytes).sum(), said: None };
    for wanted in &list.files {
        let path = inner(&wanted.path).with_context(|| {
            format!("{LIST} names \"{}\", which is no file of a copy", wanted.path)
        })?;
        let (bytes, sha256) = copy(&from.join(&path), &part.join(&path))
            .with_context(|| format!("{} cannot be copied", wanted.path))?;
        ensure!(
            bytes == wanted.bytes && sha256 == wanted.sha256,
            "{} is not as it was when the copy was made. Nothing was restored; take another copy.",
            wanted.path
        );
        progress.add(bytes);
    }
    finish(&part, data)?;
    Ok(format!(
        "{} files are in {}. `diemcau verify` checks them.",
        list.files.len(),
        data.display()
    ))
}

fn read_list(from: &Path) -> anyhow::Result<List> {
    let file = File::open(from.join(LIST)).with_context(|| {
        format!("{} is no copy of `diemcau backup`: it has no {LIST}", from.display())
    })?;
    let list: List = serde_json::from_reader(file.take(LIST_BYTES_MAX))
        .with_context(|| format!("{LIST} is not understood"))?;
    ensure!(
        list.version == LIST_VERSION,
        "The copy was made by diemcau {}, in a form that this one does not read.",
        list.program
    );
    Ok(list)
}

/// The folder in which `to` is made, empty. What an interrupted run has left there goes.
fn begin(to: &Path) -> anyhow::Result<PathBuf> {
    let is_empty = match std::fs::read_dir(to) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == ErrorKind::NotFound => true,
        Err(error) => return Err(error).with_context(|| format!("{} is no folder", to.display())),
    };
    ensure!(is_empty, "{} is not empty. Name a new folder.", to.display());
    let mut name = to.file_name().context("The folder has no name")?.to_owned();
    name.push(".part");
    let part = to.with_file_name(name);
    match std::fs::remove_dir_all(&part) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("{} is in the way", part.display()));
        }
        Ok(()) | Err(_) => {}
    }
    std::fs::create_dir_all(&part).with_context(|| format!("{} cannot be made", part.display()))?;
    Ok(part)
}

/// Gives the finished folder its name.
fn finish(part: &Path, to: &Path) -> anyhow::Result<()> {
    File::open(part).and_then(|it| it.sync_all()).context("The disk does not keep it")?;
    // An empty folder of that name gives way.
    std::fs::rename(part, to).with_context(|| format!("{} cannot be named", to.display()))?;
    if let Some(above) = to.parent().filter(|it| !it.as_os_str().is_empty()) {
        File::open(above).and_then(|it| it.sync_all()).context("The disk does not keep it")?;
    }
    Ok(())
}

/// All files below a folder with their sizes, each folder's [`FIRST`] before the rest. Links are not followed.
fn collect(data: &Path, below: &Path, into: &mut Vec<(PathBuf, u64)>) -> anyhow::Result<()> {
    let folder = data.join(below);
    let failed = || format!("{} cannot be read", folder.display());
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        let name = entry.file_name();
        let is_left_out = below.as_os_str().is_empty() && LEFT_OUT.iter().any(|it| name == *it);
        let is_unfinished = Path::new(&name).extension().is_some_and(|it| it == "part");
        if !is_left_out && !is_unfinished {
            entries.push((name != FIRST, name, entry));
        }
    }
    entries.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    for (_, name, entry) in entries {
        let path = below.join(name);
        match entry.metadata() {
            Ok(it) if it.is_dir() => collect(data, &path, into)?,
            Ok(it) if it.is_file() => into.push((path, it.len())),
            // A link or a socket is none of ours.
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(failed),
        }
    }
    Ok(())
}

/// A path of a list as a path below a folder, and nowhere else.
fn inner(path: &str) -> Option<PathBuf> {
    let path = PathBuf::from(path);
    let is_plain = path.components().all(|it| matches!(it, Component::Normal(_)));
    (is_plain && path.components().next().is_some()).then_some(path)
}

fn text(path: &Path) -> anyhow::Result<String> {
    path.to_str()
        .map(str::to_owned)
        .with_context(|| format!("{} has no plain name", path.display()))
}

fn listed(folder: &Path, name: &str) -> anyhow::Result<Listed> {
    let file = File::open(folder.join(name)).with_context(|| format!("{name} cannot be read"))?;
    let (bytes, sha256) =
        drain(file, std::io::sink()).with_context(|| format!("{name} cannot be read"))?;
    Ok(Listed { path: name.to_owned(), bytes, sha256 })
}

/// Copies a file with its rights, and says its size and SHA-256.
fn copy(from: &Path, to: &Path) -> std::io::Result<(u64, String)> {
    let source = File::open(from)?;
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let rights = source.metadata()?.permissions();
    let target = File::create(to)?;
    target.set_permissions(rights)?;
    let done = drain(source, &target)?;
    target.sync_all()?;
    Ok(done)
}

fn drain(mut from: impl Read, mut to: impl Write) -> std::io::Result<(u64, String)> {
    let (mut hash, mut chunk, mut bytes) = (Sha256::new(), vec![0; CHUNK_BYTES], 0);
    loop {
        let n = from.read(&mut chunk)?;
        if n == 0 {
            let hex = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
            return Ok((bytes, hex));
        }
        hash.update(&chunk[..n]);
        to.write_all(&chunk[..n])?;
        bytes += n as u64;
    }
}

/// How far it is, said now and then on standard error.
struct Progress {
    done: u64,
    all: u64,
    said: Option<Instant>,
}

impl Progress {
    fn new(paths: &[(PathBuf, u64)]) -> Self {
        Self { done: 0, all: paths.iter().map(|it| it.1).sum(), said: None }
    }

    #[expect(clippy::disallowed_methods, reason = "a shell that says how far it is")]
    fn add(&mut self, bytes: u64) {
        self.done += bytes;
        let now = Instant::now();
        if now.duration_since(*self.said.get_or_insert(now)) >= PROGRESS {
            self.said = Some(now);
            let (done, all) = (self.done >> 20, self.all.max(self.done) >> 20);
            terminal::complain(&format!("{done} of {all} MiB"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_nothing_outside_its_folder() {
        assert_eq!(inner("archive/m/a.rtplog"), Some(PathBuf::from("archive/m/a.rtplog")));
        for path in ["../x", "/etc/passwd", "a/../../x", "", "."] {
            assert_eq!(inner(path), None, "{path}");
        }
    }

    #[test]
    fn what_promises_comes_before_what_was_promised() {
        let dir = tempfile::tempdir().unwrap();
        let recording = dir.path().join("archive/m/r");
        std::fs::create_dir_all(&recording).unwrap();
        for name in ["a.rtplog", "manifest.json", "z.json", "b.part"] {
            std::fs::write(recording.join(name), name).unwrap();
        }
        std::fs::write(dir.path().join("diemcau.lock"), "").unwrap();
        let mut found = Vec::new();
        collect(dir.path(), Path::new(""), &mut found).unwrap();
        let names: Vec<_> = found.iter().map(|it| it.0.file_name().unwrap()).collect();
        assert_eq!(names, ["manifest.json", "a.rtplog", "z.json"]);
    }
}
