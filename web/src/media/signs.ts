//! What this page's own camera and microphone look like where they leave, looked at every 2 s: a black picture, a
//! camera that gives no new frames, a microphone without any signal. Told when it changes.

import type { CameraSign, MicrophoneSign, Signs } from '../protocol';

/** Between two looks, ms. */
export const LOOK_EVERY_MS = 2_000;
/** What did not change is said again after this, ms: a server that was restarted does not know it. */
const AGAIN_MS = 30_000;
/** So many looks in a row must agree before a fault is told: a camera takes a moment to open its eye. */
const SURE = 3;
/** The picture that is looked at, pixels. */
const WIDTH = 16;
const HEIGHT = 9;
/** Mean luma up to which a picture is black, and how much its brightest spot may have. 0–255. */
const BLACK_MEAN = 14;
const BLACK_BRIGHTEST = 40;

/** Counters of what leaves, from the browser's statistics. */
export interface Sent {
  /** Pictures that the camera gave; null: the browser does not say. */
  frames: number | null;
  /** Sound energy and how long it was measured, s; null: the browser does not say. */
  energy: number | null;
  seconds: number;
}

/** Reads the counters of the sources (`media-source`). */
export function sentOf(stats: Iterable<unknown>): Sent {
  const sent: Sent = { frames: null, energy: null, seconds: 0 };
  for (const entry of stats) {
    if (typeof entry !== 'object' || entry === null) continue;
    const source = entry as Record<string, unknown>;
    if (source['type'] !== 'media-source') continue;
    if (source['kind'] === 'video' && typeof source['frames'] === 'number') {
      sent.frames = Math.max(sent.frames ?? 0, source['frames']);
    }
    if (source['kind'] === 'audio' && typeof source['totalAudioEnergy'] === 'number') {
      sent.energy = (sent.energy ?? 0) + source['totalAudioEnergy'];
      sent.seconds = Math.max(sent.seconds, Number(source['totalSamplesDuration'] ?? 0));
    }
  }
  return sent;
}

/** Whether pixels (RGBA) are black. */
export function isBlack(pixels: ArrayLike<number>): boolean {
  let sum = 0;
  let brightest = 0;
  const n = Math.floor(pixels.length / 4);
  for (let at = 0; at < n; at += 1) {
    const [r = 0, g = 0, b = 0] = [pixels[4 * at], pixels[4 * at + 1], pixels[4 * at + 2]];
    const luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    sum += luma;
    brightest = Math.max(brightest, luma);
  }
  return n > 0 && sum / n <= BLACK_MEAN && brightest <= BLACK_BRIGHTEST;
}

/** Loudness between two looks in steps of 8 dB, 0 to 5; null: the browser does not say. */
export function levelBetween(before: Sent, now: Sent): number | null {
  if (before.energy === null || now.energy === null) return null;
  const seconds = now.seconds - before.seconds;
  const rms = Math.sqrt(Math.max(0, now.energy - before.energy) / Math.max(0.1, seconds));
  if (seconds <= 0 || rms <= 0.001) return 0;
  return Math.min(5, 1 + Math.floor((60 + 20 * Math.log10(rms)) / 10));
}

/** What one look saw. */
export interface Look {
  hasCamera: boolean;
  isBlack: boolean;
  hasMicrophone: boolean;
  isOpen: boolean;
  sent: Sent;
}

/** Turns looks into signs. Without I/O. */
export class SignsJudge {
  #before: Sent | null = null;
  #black = 0;
  #still = 0;
  #silent = 0;

  /** What the desk is to know after one more look. */
  look(seen: Look): Signs {
    const before = this.#before ?? seen.sent;
    const stands = this.#before !== null && seen.sent.frames !== null && seen.sent.frames === before.frames;
    this.#black = seen.hasCamera && seen.isBlack ? this.#black + 1 : 0;
    this.#still = seen.hasCamera && stands ? this.#still + 1 : 0;
    const level = seen.isOpen ? levelBetween(before, seen.sent) : 0;
    const isDead = this.#before !== null && level === 0 && seen.sent.energy === before.energy;
    this.#silent = seen.isOpen && isDead ? this.#silent + 1 : 0;
    this.#before = seen.sent;
    return { camera: this.#camera(seen), microphone: this.#microphone(seen), level: level ?? 0 };
  }

  #camera(seen: Look): CameraSign {
    if (!seen.hasCamera) return 'off';
    if (this.#still >= SURE) return 'frozen';
    return this.#black >= SURE ? 'black' : 'live';
  }

  #microphone(seen: Look): MicrophoneSign {
    if (!seen.hasMicrophone) return 'missing';
    if (!seen.isOpen) return 'closed';
    return this.#silent >= SURE ? 'dead' : 'live';
  }
}

/** What the watch needs of the page. */
export interface SignsSource {
  camera(): MediaStreamTrack | null;
  microphone(): MediaStreamTrack | null;
  stats(): Promise<RTCStatsReport | null>;
  tell(signs: Signs): void;
}

/** Looks every 2 s while it runs. */
export class SignsWatch {
  #source: SignsSource;
  #judge = new SignsJudge();
  #timer: ReturnType<typeof setInterval> | null = null;
  #video: HTMLVideoElement | null = null;
  #canvas: CanvasRenderingContext2D | null = null;
  #told = '';
  #toldAt = -Infinity;
  last: Signs = { camera: 'off', microphone: 'missing', level: 0 };

  constructor(source: SignsSource) {
    this.#source = source;
  }

  start(): void {
    this.#timer ??= setInterval(() => void this.#look(), LOOK_EVERY_MS);
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    if (this.#video !== null) this.#video.srcObject = null;
    this.#video = null;
  }

  async #look(): Promise<void> {
    const [camera, microphone] = [this.#source.camera(), this.#source.microphone()];
    const stats = await this.#source.stats();
    if (this.#timer === null) return;
    this.last = this.#judge.look({
      hasCamera: camera !== null && camera.readyState === 'live',
      isBlack: camera !== null && this.#isBlack(camera),
      hasMicrophone: microphone !== null && microphone.readyState === 'live',
      isOpen: microphone?.enabled === true,
      sent: sentOf(stats?.values() ?? []),
    });
    const text = JSON.stringify(this.last);
    const at = performance.now();
    if (text === this.#told && at - this.#toldAt < AGAIN_MS) return;
    this.#told = text;
    this.#toldAt = at;
    this.#source.tell(this.last);
  }

  #isBlack(camera: MediaStreamTrack): boolean {
    const video = (this.#video ??= Object.assign(document.createElement('video'), { muted: true, playsInline: true }));
    const shown = video.srcObject instanceof MediaStream ? video.srcObject.getVideoTracks()[0] : null;
    if (shown !== camera) {
      video.srcObject = new MediaStream([camera]);
      // A picture that does not play yet is looked at the next time.
      video.play().catch(() => undefined);
      return false;
    }
    if (video.videoWidth === 0) return false;
    this.#canvas ??= Object.assign(document.createElement('canvas'), { width: WIDTH, height: HEIGHT }).getContext('2d', {
      willReadFrequently: true,
    });
    if (this.#canvas === null) return false;
    this.#canvas.drawImage(video, 0, 0, WIDTH, HEIGHT);
    return isBlack(this.#canvas.getImageData(0, 0, WIDTH, HEIGHT).data);
  }
}
