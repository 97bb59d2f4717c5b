//! What arrives: which receiving line shows which publisher, one `MediaStream` a track, and one hidden
//! `<audio>` for each audio line.

import type { Slot, Source, TrackKey } from '../protocol';
import type { ReceivingLine } from './connection';

interface AudioLine {
  line: ReceivingLine;
  element: HTMLAudioElement;
}

/** Name of a track in maps. */
export function trackName(publisher: string, source: Source): string {
  return `${publisher}/${source}`;
}

/** The receiving side of one page. */
export class Reception {
  #audio: AudioLine[] = [];
  #video: ReceivingLine[] = [];
  #streams = new Map<string, MediaStream>();
  #slots: Slot[] = [];
  #sink = '';
  #changed: () => void;
  #blocked: (blocked: boolean) => void;
  #isSilent: boolean;

  /** `changed`: streams moved. `blocked`: the browser refuses to play sound before a click, or no
   *  longer does. */
  constructor(changed: () => void, blocked: (blocked: boolean) => void, isSilent = false) {
    this.#changed = changed;
    this.#blocked = blocked;
    this.#isSilent = isSilent;
  }

  /** New lines of a new connection; the old elements go. What the lines carry is told anew. */
  setLines(audio: ReceivingLine[], video: ReceivingLine[]): void {
    this.#dropAudio();
    this.#audio = audio.map((line) => ({ line, element: this.#element(line) }));
    this.#video = video;
    this.#streams = new Map(video.map((line) => [line.mid, new MediaStream([line.track])]));
    this.#slots = [];
    this.#changed();
    this.play();
  }

  /** What the lines carry now. */
  setSlots(slots: Slot[]): void {
    this.#slots = slots;
    this.#changed();
  }

  /** The picture of a publisher, if a line carries it. */
  stream(publisher: string, source: Source): MediaStream | null {
    const mid = this.lineOf(publisher, source);
    return mid === null ? null : (this.#streams.get(mid) ?? null);
  }

  /** The line that carries a publisher's track. */
  lineOf(publisher: string, source: Source): string | null {
    const carries = (slot: Slot) => slot.track?.publisher === publisher && slot.track.source === source;
    return this.#slots.find(carries)?.mid ?? null;
  }

  /** What a line carries. */
  carried(mid: string): TrackKey | null {
    return this.#slots.find((slot) => slot.mid === mid)?.track ?? null;
  }

  /** The line of a receiving track, by the track's id. */
  midOf(track: unknown): string | null {
    const lines = [...this.#audio.map((audio) => audio.line), ...this.#video];
    return lines.find((line) => line.track.id === track)?.mid ?? null;
  }

  get audioMids(): string[] {
    return this.#audio.map((audio) => audio.line.mid);
  }

  get videoMids(): string[] {
    return this.#video.map((line) => line.mid);
  }

  /** Starts all sound; after a click this always succeeds. */
  play(): void {
    this.#blocked(false);
    for (const { element } of this.#audio) {
      // A line that carries nothing yet may stay pending for long; only a refusal matters.
      element.play().catch((reason: unknown) => {
        if (isNotAllowed(reason) && element.srcObject !== null) this.#blocked(true);
      });
    }
  }

  /** Which loudspeaker; empty: the system's own. */
  async setSink(deviceId: string): Promise<void> {
    this.#sink = deviceId;
    await Promise.allSettled(this.#audio.map((audio) => toSink(audio.element, deviceId)));
  }

  close(): void {
    this.#dropAudio();
    this.#video = [];
    this.#streams = new Map();
    this.#slots = [];
  }

  #element(line: ReceivingLine): HTMLAudioElement {
    const element = document.createElement('audio');
    element.autoplay = true;
    element.muted = this.#isSilent;
    element.hidden = true;
    element.dataset['mid'] = line.mid;
    element.srcObject = new MediaStream([line.track]);
    document.body.append(element);
    void toSink(element, this.#sink);
    return element;
  }

  #dropAudio(): void {
    for (const audio of this.#audio) {
      audio.element.srcObject = null;
      audio.element.remove();
    }
    this.#audio = [];
  }
}

function isNotAllowed(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === 'NotAllowedError';
}

/** Sends an element's sound to a loudspeaker. Firefox below 116 cannot choose; then it is the system's. */
export async function toSink(element: HTMLAudioElement, deviceId: string): Promise<boolean> {
  if (deviceId === '' || typeof element.setSinkId !== 'function') return false;
  try {
    await element.setSinkId(deviceId);
    return true;
  } catch {
    return false;
  }
}
