//! FFmpeg as encoder and decoder, through its command.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::codec::Codec;

/// Runs FFmpeg. Whatever it complains of is a failure.
pub(super) fn run(arguments: &str, input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("ffmpeg")
        .args(["-hide_banner", "-v", "error", "-xerror", "-threads", "1"])
        .args(arguments.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("these tests need the ffmpeg command: tools/setup.sh test installs it");
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    // It may close its input early.
    let _ = writer.join().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaint.is_empty(), "ffmpeg {arguments}: {complaint}");
    output.stdout
}

/// Puts frames into an IVF file.
fn ivf(four: &[u8; 4], frames: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"DKIF\0\0\x20\0".to_vec();
    file.extend_from_slice(four);
    file.extend_from_slice(&[64, 0, 64, 0]);
    for number in [30u32, 1, frames.len() as u32, 0] {
        file.extend_from_slice(&number.to_le_bytes());
    }
    for (n, frame) in frames.iter().enumerate() {
        file.extend_from_slice(&(frame.len() as u32).to_le_bytes());
        file.extend_from_slice(&(n as u64).to_le_bytes());
        file.extend_from_slice(frame);
    }
    file
}

/// Decodes frames and returns the digest of each picture, with its size in bytes.
pub(super) fn decode(codec: Codec, frames: &[Vec<u8>]) -> Vec<String> {
    let (input, decoder) = match codec {
        Codec::Vp8 => (ivf(b"VP80", frames), "-c:v vp8 -f ivf"),
        Codec::Vp9 => (ivf(b"VP90", frames), "-c:v vp9 -f ivf"),
        Codec::Av1 => (ivf(b"AV01", frames), "-c:v libdav1d -alllayers 1 -oppoint 0 -f ivf"),
        Codec::H264 => (frames.concat(), "-c:v h264 -f h264"),
        Codec::Opus => panic!("not a picture"),
    };
    let text =
        run(&format!("{decoder} -i pipe:0 -vsync 0 -autoscale 0 -f framemd5 pipe:1"), &input);
    let text = String::from_utf8(text).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplitn(3, ',').take(2).collect::<Vec<_>>().join(" ")).collect()
}

/// The frames of an IVF file.
pub(super) fn frames_of_ivf(file: &[u8]) -> Vec<Vec<u8>> {
    let (mut rest, mut frames) = (&file[32..], Vec::new());
    while let Some((head, tail)) = rest.split_first_chunk::<12>() {
        let len = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        frames.push(tail[..len].to_vec());
        rest = &tail[len..];
    }
    frames
}
