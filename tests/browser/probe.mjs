//! What FFmpeg and Poppler say of files that the server made.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Streams and duration of a media file. */
export async function media(file) {
  const { stdout } = await run('ffprobe', [
    '-v', 'error', '-show_entries', 'format=duration:stream=codec_name,codec_type,width,height', '-of', 'json', file,
  ]);
  const { streams, format } = JSON.parse(stdout);
  return {
    seconds: Number(format.duration),
    video: streams.find((it) => it.codec_type === 'video'),
    audio: streams.find((it) => it.codec_type === 'audio'),
  };
}

/** Seconds of black picture, and seconds of silence, between two times. */
export async function emptiness(file, from, length) {
  const { stderr } = await run('ffmpeg', [
    '-nostdin', '-hide_banner', '-ss', String(from), '-t', String(length), '-i', file,
    '-vf', 'blackdetect=d=0.2:pix_th=0.05:pic_th=0.99', '-af', 'silencedetect=n=-45dB:d=0.5', '-f', 'null', '-',
  ], { maxBuffer: 64 * 1024 * 1024 });
  const sum = (pattern) => [...stderr.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);
  let silent = sum(/silence_duration: ([\d.]+)/gu);
  // A silence that lasts to the end has a start and no end.
  const starts = [...stderr.matchAll(/silence_start: (-?[\d.]+)/gu)];
  const ends = [...stderr.matchAll(/silence_end: ([\d.]+)/gu)];
  if (starts.length > ends.length) silent += length - Math.max(0, Number(starts.at(-1)[1]));
  return { black: sum(/black_duration:([\d.]+)/gu), silent };
}

/** Mean colour of one frame, 0 to 255 each: which camera is large. */
export async function colour(file, at) {
  const { stdout } = await run('ffmpeg', [
    '-nostdin', '-v', 'error', '-ss', String(at), '-i', file, '-frames:v', '1',
    '-vf', 'scale=8:8', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-',
  ], { encoding: 'buffer', maxBuffer: 1024 * 1024 });
  const mean = (channel) => {
    let sum = 0;
    for (let i = channel; i < stdout.length; i += 3) sum += stdout[i];
    return Math.round(sum / (stdout.length / 3));
  };
  return { red: mean(0), green: mean(1), blue: mean(2) };
}

/** Text of a PDF. */
export async function pdfText(file) {
  const { stdout } = await run('pdftotext', ['-layout', '-enc', 'UTF-8', file, '-'], { maxBuffer: 16 * 1024 * 1024 });
  return stdout.normalize('NFC');
}
