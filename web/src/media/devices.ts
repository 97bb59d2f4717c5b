//! Cameras, microphones and loudspeakers of this machine: listing, opening, level meter, test sound, and
//! remembering what was chosen.

import { remember, remembered } from '../lib/storage';
import { toSink } from './receive';

/** What the technician chose; kept in the browser. Empty ids mean the system's own device. */
export interface DeviceChoice {
  camera: string;
  microphone: string;
  loudspeaker: string;
  /** 'Phòng họp có ampli': the room's amplifier and mixer already treat the sound, and the browser's
   *  echo canceller would cut voices; so its processing is off. */
  amplifier: boolean;
  /** Joined without a camera on purpose. */
  camera_off: boolean;
}

/** The devices that can be chosen. Names are empty until permission was given. */
export interface DeviceLists {
  cameras: MediaDeviceInfo[];
  microphones: MediaDeviceInfo[];
  loudspeakers: MediaDeviceInfo[];
}

/** Why a device could not be opened. */
export type DeviceProblem = 'denied' | 'missing' | 'busy' | 'insecure' | 'failed';

/** What opening gave: tracks, and what is wrong with the rest. */
export interface Opened {
  camera: MediaStreamTrack | null;
  microphone: MediaStreamTrack | null;
  camera_problem: DeviceProblem | null;
  microphone_problem: DeviceProblem | null;
}

const STORED_AS = 'devices';
const NOTHING_CHOSEN: DeviceChoice = {
  camera: '',
  microphone: '',
  loudspeaker: '',
  amplifier: false,
  camera_off: false,
};

/** The choice of last time. */
export function rememberedChoice(): DeviceChoice {
  try {
    const stored: unknown = JSON.parse(remembered(STORED_AS) ?? '{}');
    if (typeof stored !== 'object' || stored === null) return { ...NOTHING_CHOSEN };
    const field = (name: string): unknown => (stored as Record<string, unknown>)[name];
    const text = (name: string): string => {
      const value = field(name);
      return typeof value === 'string' ? value : '';
    };
    return {
      camera: text('camera'),
      microphone: text('microphone'),
      loudspeaker: text('loudspeaker'),
      amplifier: field('amplifier') === true,
      camera_off: field('camera_off') === true,
    };
  } catch {
    return { ...NOTHING_CHOSEN };
  }
}

/** Remembers the choice. A browser that forbids storing asks again next time. */
export function rememberChoice(choice: DeviceChoice): void {
  remember(STORED_AS, JSON.stringify(choice));
}

/** Lists what is plugged in. */
export async function listDevices(): Promise<DeviceLists> {
  const all = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  const of = (kind: MediaDeviceKind) =>
    all.filter((device) => device.kind === kind && device.deviceId !== '');
  return {
    cameras: of('videoinput'),
    microphones: of('audioinput'),
    loudspeakers: of('audiooutput'),
  };
}

/** Calls back when something is plugged in or out; returns how to stop. */
export function onDevicesChanged(changed: () => void): () => void {
  const devices = navigator.mediaDevices;
  if (devices === undefined) return () => {};
  devices.addEventListener('devicechange', changed);
  return () => devices.removeEventListener('devicechange', changed);
}

/** Opens camera and microphone: both in one question if possible, else each alone, so that a missing
 *  camera does not cost the microphone. */
export async function openDevices(choice: DeviceChoice): Promise<Opened> {
  const wantsCamera = !choice.camera_off;
  if (navigator.mediaDevices?.getUserMedia === undefined) {
    return { camera: null, microphone: null, camera_problem: 'insecure', microphone_problem: 'insecure' };
  }
  if (wantsCamera) {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: microphoneConstraints(choice),
        video: cameraConstraints(choice),
      });
      return {
        camera: stream.getVideoTracks()[0] ?? null,
        microphone: stream.getAudioTracks()[0] ?? null,
        camera_problem: null,
        microphone_problem: null,
      };
    } catch {
      // One of the two is wrong; find out which.
    }
  }
  const microphone = await openOne({ audio: microphoneConstraints(choice) });
  const camera = wantsCamera ? await openOne({ video: cameraConstraints(choice) }) : null;
  return {
    camera: camera?.track ?? null,
    microphone: microphone.track,
    camera_problem: camera?.problem ?? null,
    microphone_problem: microphone.problem,
  };
}

/** Opens the camera alone. */
export async function openCamera(
  choice: DeviceChoice,
): Promise<{ track: MediaStreamTrack | null; problem: DeviceProblem | null }> {
  return openOne({ video: cameraConstraints(choice) });
}

/** Opens the microphone alone. */
export async function openMicrophone(
  choice: DeviceChoice,
): Promise<{ track: MediaStreamTrack | null; problem: DeviceProblem | null }> {
  return openOne({ audio: microphoneConstraints(choice) });
}

/** Whether this browser can share a screen: those of telephones cannot. */
export function canShareScreen(): boolean {
  return typeof navigator.mediaDevices?.getDisplayMedia === 'function';
}

/** Asks for a screen, with its sound where the browser can. Null: the technician changed their mind. */
export async function openScreen(): Promise<MediaStream | null> {
  try {
    return await navigator.mediaDevices.getDisplayMedia({
      video: { frameRate: { ideal: 15, max: 30 } },
      audio: true,
    });
  } catch {
    return null;
  }
}

async function openOne(
  constraints: MediaStreamConstraints,
): Promise<{ track: MediaStreamTrack | null; problem: DeviceProblem | null }> {
  if (navigator.mediaDevices?.getUserMedia === undefined) {
    return { track: null, problem: 'insecure' };
  }
  try {
    const stream = await navigator.mediaDevices.getUserMedia(constraints);
    return { track: stream.getTracks()[0] ?? null, problem: null };
  } catch (error) {
    return { track: null, problem: problemOf(error) };
  }
}

/** What a refusal of `getUserMedia` means for the person in front of it. */
export function problemOf(error: unknown): DeviceProblem {
  const name = error instanceof Error || error instanceof DOMException ? error.name : '';
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'denied';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'missing';
    case 'NotReadableError':
    case 'AbortError':
      return 'busy';
    default:
      return 'failed';
  }
}

/** 1280×720 at 30 pictures a second where the camera can. */
export function cameraConstraints(choice: DeviceChoice): MediaTrackConstraints {
  return {
    width: { ideal: 1280 },
    height: { ideal: 720 },
    frameRate: { ideal: 30, max: 30 },
    ...(choice.camera === '' ? {} : { deviceId: { ideal: choice.camera } }),
  };
}

/** Speech in a room: the browser cancels echo and noise, unless an amplifier does. */
export function microphoneConstraints(choice: DeviceChoice): MediaTrackConstraints {
  const processing = !choice.amplifier;
  return {
    echoCancellation: processing,
    noiseSuppression: processing,
    autoGainControl: processing,
    channelCount: { ideal: 1 },
    ...(choice.microphone === '' ? {} : { deviceId: { ideal: choice.microphone } }),
  };
}

/** Measures how loud a microphone is. */
export class LevelMeter {
  #context: AudioContext;
  #analyser: AnalyserNode;
  #samples: Float32Array<ArrayBuffer>;

  constructor(track: MediaStreamTrack) {
    this.#context = new AudioContext();
    this.#analyser = this.#context.createAnalyser();
    this.#analyser.fftSize = 1024;
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#context.createMediaStreamSource(new MediaStream([track])).connect(this.#analyser);
  }

  /** Loudness now, 0 (below −60 dB) to 1 (full scale). */
  level(): number {
    if (this.#context.state === 'suspended') void this.#context.resume();
    this.#analyser.getFloatTimeDomainData(this.#samples);
    return levelOf(this.#samples);
  }

  close(): void {
    void this.#context.close();
  }
}

/** Root mean square of samples on a decibel scale: −60 dB is 0, 0 dB is 1. */
export function levelOf(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const rms = Math.sqrt(sum / Math.max(1, samples.length));
  if (rms <= 0.001) return 0;
  return Math.min(1, 1 + (20 * Math.log10(rms)) / 60);
}

/** Plays the test sound (three rising tones, 1.2 s) on a loudspeaker. False: the browser would not. */
export async function playTestSound(loudspeaker: string): Promise<boolean> {
  return playTones([523.25, 659.25, 783.99], 0.36, loudspeaker);
}

/** Plays the cue 'you are invited to speak': two clear tones. */
export async function playCue(loudspeaker: string): Promise<boolean> {
  return playTones([880, 1174.66], 0.28, loudspeaker);
}

/** Rings: the desk calls this site. */
export async function playRing(loudspeaker: string): Promise<boolean> {
  return playTones([987.77, 783.99, 987.77, 783.99], 0.24, loudspeaker);
}

async function playTones(tones: number[], each_s: number, loudspeaker: string): Promise<boolean> {
  let context: AudioContext;
  try {
    context = new AudioContext();
  } catch {
    return false;
  }
  const destination = context.createMediaStreamDestination();
  tones.forEach((frequency, index) => {
    const from = context.currentTime + 0.05 + index * each_s;
    const oscillator = context.createOscillator();
    const gain = context.createGain();
    oscillator.type = 'triangle';
    oscillator.frequency.value = frequency;
    gain.gain.setValueAtTime(0, from);
    gain.gain.linearRampToValueAtTime(0.4, from + 0.03);
    gain.gain.exponentialRampToValueAtTime(0.001, from + each_s);
    oscillator.connect(gain).connect(destination);
    oscillator.start(from);
    oscillator.stop(from + each_s);
  });
  const element = document.createElement('audio');
  element.srcObject = destination.stream;
  await toSink(element, loudspeaker);
  try {
    await element.play();
  } catch {
    await context.close();
    return false;
  }
  await new Promise((done) => setTimeout(done, (tones.length * each_s + 0.2) * 1_000));
  element.srcObject = null;
  await context.close();
  return true;
}
