//! What runs in a child process: looking into an uploaded file, and drawing its pages. It bounds its own memory and
//! time, and the tools that it starts (poppler, LibreOffice) inherit the bounds.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};
use std::sync::Mutex;

use image::imageops::FilterType;
use protocol::error::ErrorCode;
use protocol::paper::{PAPER_PAGES_MAX, PaperKind};
use rustix::process::{Resource, Rlimit, setpriority_process, setrlimit};
use serde::{Deserialize, Serialize};

use super::check::identify;
use super::{LARGE, SMALL, page_file};

/// Meetings on the same machine come first.
const NICE: i32 = 10;

/// Memory of its own (not the libraries that it shares) while a file is looked into, bytes.
const CHECK_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Memory of what draws pages, bytes.
const DRAW_BYTES_MAX: u64 = 768 * 1024 * 1024;

/// Memory of LibreOffice, bytes.
const OFFICE_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

/// Processor time of one tool, seconds.
const CPU_SECONDS_MAX: u64 = 300;

/// Largest file that a tool may write, bytes.
const FILE_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// Counting the pages of a PDF takes so long at most, as `timeout` wants it.
const COUNT_TIME_MAX: &str = "10";

/// Drawing [`CHUNK`] pages.
const DRAW_TIME_MAX: &str = "120";

/// LibreOffice.
const OFFICE_TIME_MAX: &str = "180";

/// Pages that one call of the tool draws.
const CHUNK: u32 = 10;

/// Calls at once: the machine has other things to do.
const AT_ONCE: usize = 2;

/// The sides of a drawn page are at most so long, pixels.
const SIDES: [(&str, u32); 2] = [(LARGE, 1_600), (SMALL, 400)];

/// What a child prints, one JSON value a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    /// The file is this.
    Kind(PaperKind),
    /// It has so many pages.
    Pages(u32),
    /// So many are drawn.
    Drawn(u32),
    /// It is not taken, or cannot be drawn.
    Refused(ErrorCode),
}

/// `worker paper-check FILE`: says what a file is.
pub fn check(file: &Path) -> ExitCode {
    bound(Resource::Data, CHECK_BYTES_MAX);
    bound(Resource::Cpu, 20);
    said(checked(file))
}

fn checked(path: &Path) -> Result<(), ErrorCode> {
    let mut file = std::fs::File::open(path).map_err(|_| ErrorCode::Internal)?;
    let kind = identify(&mut file)?;
    if kind == PaperKind::Pdf {
        count(path)?;
    }
    say(Line::Kind(kind));
    Ok(())
}

/// `worker paper-draw DIR KIND`: draws the pages of `DIR/source`.
pub fn draw(dir: &Path, kind: &str) -> ExitCode {
    end_with_parent();
    if let Err(error) = setpriority_process(None, NICE) {
        tracing::debug!(%error, "the priority stays as it is");
    }
    bound(Resource::Fsize, FILE_BYTES_MAX);
    bound(Resource::Cpu, CPU_SECONDS_MAX);
    let kind = serde_json::from_value(serde_json::Value::String(kind.to_owned()));
    said(kind.map_err(|_| ErrorCode::Internal).and_then(|it| drawn(dir, it)))
}

fn drawn(dir: &Path, kind: PaperKind) -> Result<(), ErrorCode> {
    let source = dir.join("source");
    match kind {
        PaperKind::Pdf => pages_of(&source, dir),
        PaperKind::Docx | PaperKind::Pptx | PaperKind::Xlsx => {
            let pdf = converted(&source, dir, kind)?;
            let result = pages_of(&pdf, dir);
            // It can be made again; the pages are what is kept.
            let _ = std::fs::remove_file(&pdf);
            result
        }
        PaperKind::Png | PaperKind::Jpeg => {
            bound(Resource::Data, DRAW_BYTES_MAX);
            say(Line::Pages(1));
            picture(&source, dir)?;
            say(Line::Drawn(1));
            Ok(())
        }
    }
}

/// LibreOffice makes a PDF of an office file, with a profile of its own that is thrown away.
fn converted(source: &Path, dir: &Path, kind: PaperKind) -> Result<PathBuf, ErrorCode> {
    bound(Resource::Data, OFFICE_BYTES_MAX);
    let work = dir.join("office");
    let name = match kind {
        PaperKind::Docx => "source.docx",
        PaperKind::Pptx => "source.pptx",
        _ => "source.xlsx",
    };
    let failed = |error: std::io::Error| {
        tracing::error!(%error, "the folder of a conversion");
        ErrorCode::Internal
    };
    std::fs::create_dir_all(&work).map_err(failed)?;
    let input = work.join(name);
    std::fs::copy(source, &input).map_err(failed)?;
    let profile = format!("-env:UserInstallation=file://{}", work.join("profile").display());
    let done = run(Command::new("timeout")
        .args(["--kill-after=5", OFFICE_TIME_MAX, "soffice", &profile])
        .args(["--headless", "--norestore", "--convert-to", "pdf", "--outdir"])
        .arg(&work)
        .arg(&input)
        .env("HOME", &work));
    let pdf = dir.join("source.pdf");
    let moved = std::fs::rename(work.join("source.pdf"), &pdf);
    // What is left lies below the document's own folder and goes with it at the latest.
    let _ = std::fs::remove_dir_all(&work);
    match done {
        // `timeout` answers 127 when there is no such program.
        Ok(done) if done.status.code() == Some(127) => Err(ErrorCode::PaperOfficeMissing),
        Ok(done) if done.status.success() && moved.is_ok() => Ok(pdf),
        Ok(done) => {
            tracing::error!(status = %done.status, "LibreOffice made no PDF");
            Err(ErrorCode::PaperUnreadable)
        }
        Err(code) => Err(code),
    }
}

/// Pages of a PDF, or why they cannot be drawn.
fn count(pdf: &Path) -> Result<u32, ErrorCode> {
    let done = run(Command::new("timeout").args([COUNT_TIME_MAX, "pdfinfo"]).arg(pdf))?;
    if done.status.code() == Some(127) {
        tracing::error!("pdfinfo is not installed; install the package poppler-utils");
        return Err(ErrorCode::RenderFailed);
    }
    let text = String::from_utf8_lossy(&done.stdout);
    let pages = text.lines().find_map(|it| it.strip_prefix("Pages:")?.trim().parse().ok());
    match pages {
        Some(0) | None => Err(ErrorCode::PaperUnreadable),
        Some(n) if n > PAPER_PAGES_MAX => Err(ErrorCode::TooLarge),
        Some(n) => Ok(n),
    }
}

fn pages_of(pdf: &Path, dir: &Path) -> Result<(), ErrorCode> {
    bound(Resource::Data, DRAW_BYTES_MAX);
    let pages = count(pdf)?;
    say(Line::Pages(pages));
    let next = Mutex::new((1_u32, 0_u32));
    let results: Vec<_> = std::thread::scope(|scope| {
        let hands: Vec<_> =
            (0..AT_ONCE).map(|_| scope.spawn(|| chunks(pdf, dir, pages, &next))).collect();
        hands.into_iter().map(|it| it.join().unwrap_or(Err(ErrorCode::RenderFailed))).collect()
    });
    results.into_iter().collect()
}

/// Draws chunks until none is left. `next` is the next chunk's first page, and how many pages are drawn.
fn chunks(pdf: &Path, dir: &Path, pages: u32, next: &Mutex<(u32, u32)>) -> Result<(), ErrorCode> {
    loop {
        let first = {
            let mut next = next.lock().map_err(|_| ErrorCode::RenderFailed)?;
            let first = next.0;
            next.0 = first + CHUNK;
            first
        };
        if first > pages {
            return Ok(());
        }
        let last = pages.min(first + CHUNK - 1);
        for (size, side) in SIDES {
            chunk(pdf, dir, pages, (first, last), (size, side))?;
        }
        let mut next = next.lock().map_err(|_| ErrorCode::RenderFailed)?;
        next.1 += last - first + 1;
        say(Line::Drawn(next.1));
    }
}

fn chunk(
    pdf: &Path,
    dir: &Path,
    pages: u32,
    (first, last): (u32, u32),
    (size, side): (&str, u32),
) -> Result<(), ErrorCode> {
    let prefix = dir.join(format!("part-{size}"));
    let numbers = [first.to_string(), last.to_string(), side.to_string()];
    let done = run(Command::new("timeout")
        .args([DRAW_TIME_MAX, "pdftoppm", "-q", "-jpeg", "-jpegopt", "quality=78"])
        .args(["-f", &numbers[0], "-l", &numbers[1], "-scale-to", &numbers[2]])
        .arg(pdf)
        .arg(&prefix))?;
    if !done.status.success() {
        tracing::error!(status = %done.status, first, "pages could not be drawn");
        return Err(ErrorCode::PaperUnreadable);
    }
    // It writes as many digits as the last page of the document has.
    let digits = pages.to_string().len();
    for page in first..=last {
        let drawn = dir.join(format!("part-{size}-{page:0digits$}.jpg"));
        std::fs::rename(&drawn, dir.join(page_file(size, page))).map_err(|error| {
            tracing::error!(%error, page, "a page was not drawn");
            ErrorCode::PaperUnreadable
        })?;
    }
    Ok(())
}

/// A picture is a document of one page; where it lets something through, the page is white.
fn picture(source: &Path, dir: &Path) -> Result<(), ErrorCode> {
    let unreadable = |_| ErrorCode::PaperUnreadable;
    let file = std::fs::File::open(source).map_err(|_| ErrorCode::Internal)?;
    let reader = image::ImageReader::new(std::io::BufReader::new(file));
    let decoded = reader.with_guessed_format().map_err(|_| ErrorCode::Internal)?;
    let picture = decoded.decode().map_err(unreadable)?;
    for (size, side) in SIDES {
        let fits = picture.width().max(picture.height()) <= side;
        let scaled =
            if fits { picture.clone() } else { picture.resize(side, side, FilterType::Triangle) };
        let mut page = image::RgbImage::new(scaled.width(), scaled.height());
        for (to, from) in page.pixels_mut().zip(scaled.to_rgba8().pixels()) {
            let alpha = u32::from(from.0[3]);
            let on_white = |it: u8| (u32::from(it) * alpha + 255 * (255 - alpha)) / 255;
            let over = [from.0[0], from.0[1], from.0[2]].map(on_white);
            to.0 = over.map(|it| u8::try_from(it).unwrap_or(u8::MAX));
        }
        let file =
            std::fs::File::create(dir.join(page_file(size, 1))).map_err(|_| ErrorCode::DiskFull)?;
        let mut writer = std::io::BufWriter::new(file);
        let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut writer, 85);
        encoder.encode_image(&page).map_err(unreadable)?;
        writer.flush().map_err(|_| ErrorCode::DiskFull)?;
    }
    Ok(())
}

fn run(command: &mut Command) -> Result<Output, ErrorCode> {
    let done = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
    done.map_err(|error| {
        tracing::error!(%error, "a tool could not be started");
        ErrorCode::RenderFailed
    })
}

/// Bounds this process and what it starts; only the soft bound, so that the next step may have another.
fn bound(what: Resource, most: u64) {
    let limit = Rlimit { current: Some(most), maximum: None };
    if let Err(error) = setrlimit(what, limit) {
        tracing::debug!(%error, "a bound could not be set");
    }
}

/// Ends this process when its stdin closes: its parent is gone.
fn end_with_parent() {
    std::thread::spawn(|| {
        let mut nothing = [0_u8; 64];
        while std::io::stdin().lock().read(&mut nothing).is_ok_and(|got| got > 0) {}
        std::process::exit(3);
    });
}

fn said(result: Result<(), ErrorCode>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(code) => {
            say(Line::Refused(code));
            ExitCode::FAILURE
        }
    }
}

/// Nobody listening is no reason to stop: the pages are what counts.
fn say(line: Line) {
    let mut text = serde_json::to_vec(&line).expect("a line is plain data");
    text.push(b'\n');
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(&text).and_then(|()| stdout.flush());
}
