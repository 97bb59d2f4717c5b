//! What FFmpeg's own programs see in the recorder's files.

use std::path::Path;
use std::process::Command;

/// Output of a program that must succeed, without words on stderr.
fn output(program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(arguments).output().expect("it is installed");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.trim().is_empty(), "{program}: {said}");
    output.stdout
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// `codec_name,…` of each stream, and the length in seconds.
pub(crate) fn probe(path: &Path) -> (Vec<String>, f64) {
    let entries = "stream=codec_name,width,height,sample_rate,avg_frame_rate:format=duration";
    let said =
        output("ffprobe", &["-v", "error", "-show_entries", entries, "-of", "csv", text(path)]);
    let said = String::from_utf8(said).expect("text");
    let streams = said.lines().filter_map(|line| line.strip_prefix("stream,")).map(str::to_owned);
    let length = said.lines().find_map(|line| line.strip_prefix("format,"));
    (streams.collect(), length.and_then(|length| length.parse().ok()).expect("a length"))
}

/// Decodes everything; any complaint of the decoder fails.
pub(crate) fn decodes(path: &Path) {
    output("ffmpeg", &["-v", "error", "-i", text(path), "-f", "null", "-"]);
}

/// Mean brightness of a part of each picture (`w:h:x:y`), 0 to 255.
pub(crate) fn brightness(path: &Path, part: &str) -> Vec<u8> {
    let filter = format!("crop={part},scale=1:1:flags=area,format=gray");
    let arguments = ["-v", "error", "-i", text(path), "-an", "-vf", &filter, "-f", "rawvideo", "-"];
    output("ffmpeg", &arguments)
}

/// Samples, one channel, 48 kHz.
pub(crate) fn samples(path: &Path) -> Vec<f32> {
    let arguments = ["-v", "error", "-i", text(path), "-vn", "-ac", "1", "-f", "f32le", "-"];
    let bytes = output("ffmpeg", &arguments);
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

/// Largest brightness in a part of one picture.
pub(crate) fn peak(path: &Path, part: &str, second: f64) -> u8 {
    let filter = format!("crop={part},format=gray");
    let second = format!("{second:.3}");
    let arguments = [
        "-v",
        "error",
        "-ss",
        &second,
        "-i",
        text(path),
        "-frames:v",
        "1",
        "-vf",
        &filter,
        "-f",
        "rawvideo",
        "-",
    ];
    output("ffmpeg", &arguments).into_iter().max().expect("a picture")
}

/// Seconds at which a series rises through the middle of its range.
pub(crate) fn rises(series: impl Iterator<Item = f32>, per_second: f64, high: f32) -> Vec<f64> {
    let (mut times, mut is_high, mut quiet) = (Vec::new(), true, 0);
    for (n, value) in series.enumerate() {
        let now_high = value > high;
        if now_high && !is_high && quiet as f64 > per_second * 0.3 {
            times.push(n as f64 / per_second);
        }
        quiet = if now_high { 0 } else { quiet + 1 };
        is_high = now_high;
    }
    times
}
