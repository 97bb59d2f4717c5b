//! The one peer connection of a page (docs/protocol.md, 'Media'): lines made once, in a fixed order; the
//! page offers, the node answers. When the way is lost, the connection looks for another one (ICE restart); where
//! that fails, a whole new connection is offered, and the node replaces the old one. Knows neither the WebSocket nor Svelte.

import type { ErrorCode, Layer, SendLine, Source } from '../protocol';
import { applyDemand } from './demand';
import { AUDIO_LINES, describe, VIDEO_LINES, type Described, type Lines } from './lines';
import { withOpusOptions } from './sdp';

/** The node has this long to answer an offer before it is made again, ms. Longer: a lost offer costs
 *  more silence. Shorter: a busy node is offered twice. */
const ANSWER_WAIT_MS = 6_000;
/** After the answer the way has this long to open, ms. */
const CONNECT_WAIT_MS = 12_000;
/** A way that is 'disconnected' often heals by itself within this time, ms. */
const DISCONNECTED_WAIT_MS = 1_000;
/** A restart has this long, from offer to open way, before a new connection is made, ms. */
const RESTART_WAIT_MS = 4_000;
/** First and longest pause before a new offer, ms. */
const RETRY_FIRST_MS = 300;
const RETRY_LONGEST_MS = 8_000;

const SOURCES: readonly Source[] = ['microphone', 'camera', 'screen', 'screen_audio'];

/** How the connection stands. */
export type MediaState =
  | { at: 'off' }
  | { at: 'connecting' }
  | { at: 'connected' }
  | { at: 'retrying'; code: ErrorCode | null };

/** What the connection wants done and what it tells. */
export interface MediaCallbacks {
  /** Carry this offer to the node; the answer comes back through `answered` or `refused`. `restarts`: the same
   *  connection looks for a new way. */
  offer(sdp: string, sends: SendLine[], restarts: boolean): void;
  /** The state changed. */
  changed(state: MediaState): void;
  /** New receiving lines: all of them, with their `mid`. */
  lines(audio: ReceivingLine[], video: ReceivingLine[]): void;
}

/** One receiving line. */
export interface ReceivingLine {
  mid: string;
  track: MediaStreamTrack;
}

/** One page's media. */
export class MediaConnection {
  #callbacks: MediaCallbacks;
  #tracks: Record<Source, MediaStreamTrack | null> = {
    microphone: null,
    camera: null,
    screen: null,
    screen_audio: null,
  };
  #peer: RTCPeerConnection | null = null;
  #lines: Lines | null = null;
  #publishes: boolean;
  #n_video: number;
  #ahead: Promise<Described | null> | null;
  #demands: Promise<void> = Promise.resolve();
  #attempt = 0;
  /** The start under way: of two, the later one counts. */
  #starting: object | null = null;
  #isRestarting = false;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #state: MediaState = { at: 'off' };

  /** `publishes`: observers have no sending lines: the node would refuse them, and with the first line of a bundle
   *  the browser refuses the whole answer. `n_video`: receiving video lines. They are made once: adding some later
   *  would interrupt whoever is speaking. `ahead`: a connection that was made before; the first one is that. */
  constructor(
    callbacks: MediaCallbacks,
    publishes: boolean,
    n_video = VIDEO_LINES,
    ahead: Promise<Described | null> | null = null,
  ) {
    this.#callbacks = callbacks;
    this.#publishes = publishes;
    this.#n_video = n_video;
    this.#ahead = ahead;
  }

  readonly #networkChanged = () => void this.restart();

  get state(): MediaState {
    return this.#state;
  }

  /** Makes a new connection and offers it; a former one is dropped. */
  async start(): Promise<void> {
    this.#drop();
    this.#become({ at: 'connecting' });
    window.addEventListener('online', this.#networkChanged);
    const attempt = {};
    this.#starting = attempt;
    const described = (await this.#takeAhead()) ?? (await describe(this.#n_video, this.#publishes));
    if (this.#starting !== attempt) {
      described?.peer.close();
      return;
    }
    if (described === null) {
      this.#retry(null);
      return;
    }
    const { peer, lines } = described;
    [this.#peer, this.#lines] = [peer, lines];
    peer.addEventListener('connectionstatechange', () => this.#watch(peer));
    for (const source of SOURCES) void this.send(source, this.#tracks[source]);
    this.#tellLines(lines);
    this.#after(ANSWER_WAIT_MS, () => this.#retry(null));
    this.#callbacks.offer(peer.localDescription?.sdp ?? '', this.#sends(lines), false);
  }

  /** Looks for a new way for the same connection: its keys stay, and pictures go on where they were. For when the
   *  way is lost, or the page's network has changed. */
  async restart(): Promise<void> {
    const [peer, lines] = [this.#peer, this.#lines];
    if (peer === null || lines === null || this.#isRestarting || !isEstablished(peer)) return;
    this.#isRestarting = true;
    if (peer.connectionState !== 'connected') this.#become({ at: 'connecting' });
    this.#after(RESTART_WAIT_MS, () => {
      this.#isRestarting = false;
      // A way that never was lost tells nothing when there is another.
      if (peer.connectionState !== 'connected') void this.start();
    });
    try {
      await peer.setLocalDescription(await peer.createOffer({ iceRestart: true }));
    } catch {
      if (this.#peer === peer) void this.start();
      return;
    }
    if (this.#peer !== peer) return;
    this.#callbacks.offer(peer.localDescription?.sdp ?? '', this.#sends(lines), true);
  }

  /** The node's answer. */
  async answered(sdp: string): Promise<void> {
    const peer = this.#peer;
    if (peer === null || peer.signalingState !== 'have-local-offer') return;
    if (!this.#isRestarting) this.#after(CONNECT_WAIT_MS, () => this.#retry(null));
    try {
      await peer.setRemoteDescription({ type: 'answer', sdp: withOpusOptions(sdp) });
    } catch {
      if (this.#peer === peer) this.#retry('invalid_sdp');
    }
  }

  /** The node refused the offer. */
  refused(code: ErrorCode): void {
    // The node knows the connection no more, which is nothing to trouble anybody with.
    if (this.#isRestarting) void this.start();
    else this.#retry(code);
  }

  /** The connection is gone at the node, or the server has restarted: offer again now. */
  lost(): void {
    if (this.#state.at === 'off') return;
    this.#attempt = 0;
    void this.start();
  }

  /** What a sending line carries from now on; null: nothing. */
  async send(source: Source, track: MediaStreamTrack | null): Promise<void> {
    if (!this.#publishes) return;
    this.#tracks[source] = track;
    if (track !== null) hint(source, track);
    try {
      // Even when the line seems to carry it: a former change may still be under way.
      await this.#lines?.senders?.[source].sender.replaceTrack(track);
    } catch {
      // The connection closed meanwhile; the next one begins with `#tracks`.
    }
  }

  /** Which layers of a line somebody looks at; the others are switched off. */
  async demand(source: Source, layers: readonly Layer[], isWatched: boolean): Promise<void> {
    const sender = this.#lines?.senders?.[source].sender;
    if (sender === undefined) return;
    // One after the other: parameters that were read before another change are refused.
    this.#demands = this.#demands.then(() => applyDemand(sender, layers, isWatched));
    await this.#demands;
  }

  /** The browser's statistics, none while there is no connection. */
  async stats(): Promise<RTCStatsReport | null> {
    return (await this.#peer?.getStats()) ?? null;
  }

  /** Ends everything. */
  close(): void {
    window.removeEventListener('online', this.#networkChanged);
    void this.#takeAhead().then((ahead) => ahead?.peer.close());
    this.#drop();
    this.#become({ at: 'off' });
  }

  /** The connection that was made before, if it fits; it is used once. */
  async #takeAhead(): Promise<Described | null> {
    const ahead = (await this.#ahead) ?? null;
    this.#ahead = null;
    const fits = ahead?.n_video === this.#n_video && (ahead.lines.senders !== null) === this.#publishes;
    if (ahead === null || fits) return ahead;
    ahead.peer.close();
    return null;
  }

  #tellLines(lines: Lines): void {
    const told = lines.receivers.map((line) => ({
      mid: line.mid ?? '',
      track: line.receiver.track,
    }));
    this.#callbacks.lines(told.slice(0, AUDIO_LINES), told.slice(AUDIO_LINES));
  }

  #sends(lines: Lines): SendLine[] {
    const { senders } = lines;
    if (senders === null) return [];
    return SOURCES.map((source) => ({ mid: senders[source].mid ?? '', source }));
  }

  #watch(peer: RTCPeerConnection): void {
    if (this.#peer !== peer) return;
    switch (peer.connectionState) {
      case 'connected':
        this.#attempt = 0;
        this.#isRestarting = false;
        this.#clearTimer();
        this.#become({ at: 'connected' });
        return;
      case 'disconnected':
        if (!this.#isRestarting) this.#after(DISCONNECTED_WAIT_MS, () => void this.restart());
        return;
      case 'failed':
      case 'closed':
        this.#retry(null);
        return;
      case 'new':
      case 'connecting':
        return;
    }
  }

  #retry(code: ErrorCode | null): void {
    if (this.#state.at === 'off') return;
    this.#drop();
    this.#become({ at: 'retrying', code });
    this.#after(retryDelayMs(this.#attempt, Math.random()), () => void this.start());
    this.#attempt += 1;
  }

  #become(state: MediaState): void {
    this.#state = state;
    this.#callbacks.changed(state);
  }

  #drop(): void {
    this.#clearTimer();
    this.#isRestarting = false;
    this.#starting = null;
    this.#peer?.close();
    this.#peer = null;
    this.#lines = null;
  }

  #after(ms: number, act: () => void): void {
    this.#clearTimer();
    this.#timer = setTimeout(act, ms);
  }

  #clearTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

/** Whether there is a connection of which the way could be another: keys are agreed on, no offer is under way. */
function isEstablished(peer: RTCPeerConnection): boolean {
  const isOpen = peer.connectionState === 'connected' || peer.connectionState === 'disconnected';
  return isOpen && peer.signalingState === 'stable';
}

/** The pause before attempt `attempt` (0, 1, 2 …): doubling, with up to half of it random, so that
 *  78 sites do not knock at the same moment. `random` is 0 to 1. */
export function retryDelayMs(attempt: number, random: number): number {
  const whole = Math.min(RETRY_FIRST_MS * 2 ** attempt, RETRY_LONGEST_MS);
  return Math.round(whole * (0.5 + random / 2));
}

/** Slides must be sharp, faces must move. */
function hint(source: Source, track: MediaStreamTrack): void {
  if (source === 'screen') track.contentHint = 'detail';
  if (source === 'camera') track.contentHint = 'motion';
  if (source === 'microphone') track.contentHint = 'speech';
}
