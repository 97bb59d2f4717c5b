//! The page's session with the room: one WebSocket after another, as one session. It resumes by fact
//! number, sends unanswered commands again, and knows when the server has restarted. Decides nothing
//! about the room.

import {
  PROTOCOL_VERSION,
  type ClientMessage,
  type Command,
  type ErrorCode,
  type FactRecord,
  type Layer,
  type LineQuality,
  type RoomSnapshot,
  type SendLine,
  type SelfCheck,
  type ServerMessage,
  type Signs,
  type SiteHealth,
  type Slot,
  type SlotLimit,
  type Source,
  type Want,
} from '../protocol';
import type { Report } from '../media/quality';
import type { Short } from './shortFacts';
import { ulid } from './ulid';

/** First and longest pause before connecting again, ms. */
export const RETRY_FIRST_MS = 250;
export const RETRY_LONGEST_MS = 5_000;
/** A ping is sent this often, and a silence this long after it means that the line is dead, ms. */
const PING_EVERY_MS = 10_000;
const SILENCE_MAX_MS = 8_000;
/** A connection that takes longer than this to be welcomed is given up, ms. */
const WELCOME_WAIT_MS = 8_000;
/** A window being resized changes its wish many times; it is told at most so often, ms. */
const WATCH_EVERY_MS = 150;
/** Commands waiting for their answer; more than this, and new ones are refused at once. */
export const PENDING_MAX = 200;

/** What the page needs of a WebSocket; tests bring their own. */
export interface SocketLike {
  /** 1: open; 2 and 3: over. */
  readonly readyState: number;
  send(text: string): void;
  close(): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
}

/** How the session stands. */
export type SessionStatus =
  | { at: 'connecting' }
  | { at: 'open' }
  | { at: 'waiting'; attempt: number }
  | { at: 'closed'; code: ErrorCode | null };

/** How a command ended. */
export type Outcome = { ok: true } | { ok: false; code: ErrorCode };

/** What the session tells. */
export interface SessionCallbacks {
  status(status: SessionStatus): void;
  /** Welcome: `restarted` when the server is another one than before, so media must be offered again. */
  welcome(participant: string, now: number, snapshot: RoomSnapshot | null, restarted: boolean): void;
  fact(record: FactRecord): void;
  /** Facts in short. */
  short(message: Short): void;
  answer(sdp: string): void;
  mediaRefused(code: ErrorCode): void;
  mediaLost(): void;
  slots(slots: Slot[]): void;
  limits(limits: SlotLimit[]): void;
  demand(source: Source, layers: Layer[], isWatched: boolean): void;
  speakers(publishers: string[]): void;
  quality(lines: LineQuality[]): void;
  health(sites: SiteHealth[]): void;
  checkAsked(): void;
  /** The last fact seen, to resume after; null for a snapshot. */
  resumeAfter(): number | null;
}

interface Pending {
  command: Command;
  settle: (outcome: Outcome) => void;
}

/** One page's session. */
export class RoomSocket {
  #make: () => SocketLike;
  #token: string;
  #callbacks: SessionCallbacks;
  #socket: SocketLike | null = null;
  #status: SessionStatus = { at: 'connecting' };
  #attempt = 0;
  #epoch: string | null = null;
  #pending = new Map<string, Pending>();
  #offer: Extract<ClientMessage, { type: 'offer' }> | null = null;
  #offersOut = 0;
  #hasGreeted = false;
  #wants: Want[] | null = null;
  #wantsSnapshot = false;
  #watchTimer: ReturnType<typeof setTimeout> | null = null;
  #retryTimer: ReturnType<typeof setTimeout> | null = null;
  #silenceTimer: ReturnType<typeof setTimeout> | null = null;
  #pingTimer: ReturnType<typeof setInterval> | null = null;

  constructor(make: () => SocketLike, token: string, callbacks: SessionCallbacks) {
    this.#make = make;
    this.#token = token;
    this.#callbacks = callbacks;
  }

  /** Connects. */
  start(): void {
    this.#connect();
  }

  /** Does something in the room. Kept and sent again until it is answered. */
  command(command: Command): Promise<Outcome> {
    if (this.#status.at === 'closed') return Promise.resolve({ ok: false, code: 'seat_invalid' });
    if (this.#pending.size >= PENDING_MAX) {
      return Promise.resolve({ ok: false, code: 'too_many_requests' });
    }
    const id = ulid(Date.now(), (bytes) => crypto.getRandomValues(bytes));
    return new Promise((settle) => {
      this.#pending.set(id, { command, settle });
      this.#sendIfOpen({ type: 'command', id, command });
    });
  }

  /** Offers media; kept until the session is open and answered. */
  offer(sdp: string, sends: SendLine[], restarts: boolean): void {
    this.#offer = { type: 'offer', sdp, sends, restarts };
    this.#sendOffer();
  }

  /** Says which pictures the page shows; told again to every new connection. */
  watch(wants: Want[]): void {
    if (JSON.stringify(wants) === JSON.stringify(this.#wants)) return;
    this.#wants = wants;
    if (this.#watchTimer !== null) return;
    this.#sendIfOpen({ type: 'watch', wants });
    this.#watchTimer = setTimeout(() => {
      this.#watchTimer = null;
      if (this.#wants !== wants && this.#wants !== null) {
        this.#sendIfOpen({ type: 'watch', wants: this.#wants });
      }
    }, WATCH_EVERY_MS);
  }

  /** How the reception goes; worth nothing later, so it is not kept. */
  report(report: Report): void {
    this.#sendIfOpen(report);
  }

  /** How camera and microphone do. */
  signs(signs: Signs): void {
    this.#sendIfOpen({ type: 'signs', ...signs });
  }

  /** What a check found. */
  checked(found: SelfCheck): void {
    this.#sendIfOpen({ type: 'checked', ...found });
  }

  /** Something was lost: connects again and asks for a snapshot. */
  resync(): void {
    this.#wantsSnapshot = true;
    this.#lost();
  }

  /** The network may be back: does not wait for the next attempt. */
  hurry(): void {
    if (this.#status.at === 'waiting') this.#connect();
  }

  /** Ends the session for good. */
  close(code: ErrorCode | null = null): void {
    this.#drop();
    if (this.#watchTimer !== null) clearTimeout(this.#watchTimer);
    this.#become({ at: 'closed', code });
    for (const pending of this.#pending.values()) {
      pending.settle({ ok: false, code: code ?? 'seat_invalid' });
    }
    this.#pending.clear();
  }

  /** Commands that wait for an answer. */
  get nPending(): number {
    return this.#pending.size;
  }

  #connect(): void {
    this.#drop();
    if (this.#status.at !== 'waiting') this.#become({ at: 'connecting' });
    let socket: SocketLike;
    try {
      socket = this.#make();
    } catch {
      this.#lost();
      return;
    }
    this.#socket = socket;
    this.#listen(WELCOME_WAIT_MS);
    socket.onopen = () => this.#greet();
    socket.onmessage = (event) => {
      if (this.#socket === socket) this.#received(event.data);
    };
    socket.onerror = () => {};
    socket.onclose = () => {
      if (this.#socket === socket) this.#lost();
    };
    // One that was made early may be further already.
    if (socket.readyState === 1) this.#greet();
    else if (socket.readyState > 1) this.#lost();
  }

  #greet(): void {
    const resume_after = this.#wantsSnapshot ? null : this.#callbacks.resumeAfter();
    this.#send({ type: 'hello', version: PROTOCOL_VERSION, token: this.#token, resume_after });
    this.#hasGreeted = true;
    this.#sendOffer();
  }

  #received(text: unknown): void {
    if (this.#status.at === 'open') this.#quiet();
    if (typeof text !== 'string') return;
    let message: ServerMessage;
    try {
      message = JSON.parse(text) as ServerMessage;
    } catch {
      this.resync();
      return;
    }
    this.#handle(message);
  }

  #handle(message: ServerMessage): void {
    switch (message.type) {
      case 'welcome':
        this.#welcomed(message);
        return;
      case 'fact':
        this.#callbacks.fact(message);
        return;
      case 'came':
      case 'sends':
        this.#callbacks.short(message);
        return;
      case 'done':
        this.#settle(message.id, { ok: true });
        return;
      case 'refused':
        this.#settle(message.id, { ok: false, code: message.code });
        return;
      case 'answer':
        if (this.#answered()) this.#callbacks.answer(message.sdp);
        return;
      case 'media_refused':
        if (this.#answered()) this.#callbacks.mediaRefused(message.code);
        return;
      case 'media_lost':
        this.#callbacks.mediaLost();
        return;
      case 'slots':
        this.#callbacks.slots(message.slots);
        return;
      case 'limits':
        this.#callbacks.limits(message.limits);
        return;
      case 'demand':
        this.#callbacks.demand(message.source, message.layers, message.is_watched);
        return;
      case 'speakers':
        this.#callbacks.speakers(message.publishers);
        return;
      case 'quality':
        this.#callbacks.quality(message.lines);
        return;
      case 'health':
        this.#callbacks.health(message.sites);
        return;
      case 'check_asked':
        this.#callbacks.checkAsked();
        return;
      case 'pong':
        return;
      case 'closed':
        this.close(message.code);
        return;
    }
  }

  #welcomed(message: Extract<ServerMessage, { type: 'welcome' }>): void {
    const restarted = this.#epoch !== null && this.#epoch !== message.epoch;
    this.#epoch = message.epoch;
    this.#attempt = 0;
    this.#wantsSnapshot = false;
    this.#quiet();
    this.#pingTimer = setInterval(() => this.#ping(), PING_EVERY_MS);
    this.#callbacks.welcome(message.participant, message.now, message.snapshot, restarted);
    this.#become({ at: 'open' });
    if (!restarted && this.#offersOut === 0) this.#sendOffer();
    if (this.#wants !== null) this.#send({ type: 'watch', wants: this.#wants });
    for (const [id, pending] of this.#pending) {
      this.#send({ type: 'command', id, command: pending.command });
    }
  }

  /** Whether an answer belongs to the offer that was made last. */
  #answered(): boolean {
    this.#offersOut = Math.max(0, this.#offersOut - 1);
    if (this.#offersOut > 0) return false;
    this.#offer = null;
    return true;
  }

  #settle(id: string, outcome: Outcome): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.settle(outcome);
  }

  #sendOffer(): void {
    // Before the first welcome no server can have been restarted: the offer need not wait for it.
    const isFirst = this.#epoch === null && this.#hasGreeted;
    if (this.#offer === null || !(isFirst || this.#status.at === 'open')) return;
    this.#offersOut += 1;
    this.#send(this.#offer);
  }

  #ping(): void {
    this.#send({ type: 'ping' });
    if (this.#silenceTimer === null) this.#listen(SILENCE_MAX_MS);
  }

  /** Something must be heard within `ms`. */
  #listen(ms: number): void {
    this.#quiet();
    this.#silenceTimer = setTimeout(() => this.#lost(), ms);
  }

  #quiet(): void {
    if (this.#silenceTimer !== null) clearTimeout(this.#silenceTimer);
    this.#silenceTimer = null;
  }

  #sendIfOpen(message: ClientMessage): void {
    if (this.#status.at === 'open') this.#send(message);
  }

  #send(message: ClientMessage): void {
    try {
      this.#socket?.send(JSON.stringify(message));
    } catch {
      this.#lost();
    }
  }

  #lost(): void {
    if (this.#status.at === 'closed') return;
    this.#drop();
    const delay = retryDelayMs(this.#attempt, Math.random());
    this.#attempt += 1;
    this.#become({ at: 'waiting', attempt: this.#attempt });
    this.#retryTimer = setTimeout(() => this.#connect(), delay);
  }

  #drop(): void {
    this.#quiet();
    if (this.#pingTimer !== null) clearInterval(this.#pingTimer);
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer);
    this.#pingTimer = null;
    this.#retryTimer = null;
    const socket = this.#socket;
    this.#socket = null;
    this.#hasGreeted = false;
    this.#offersOut = 0;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
    socket.close();
  }

  #become(status: SessionStatus): void {
    this.#status = status;
    this.#callbacks.status(status);
  }
}

/** The pause before attempt `attempt` (0, 1, 2 …): doubling, up to half of it random, so that 78 sites do
 *  not knock at the same moment. `random` is 0 to 1. */
export function retryDelayMs(attempt: number, random: number): number {
  const whole = Math.min(RETRY_FIRST_MS * 2 ** attempt, RETRY_LONGEST_MS);
  return Math.round(whole * (0.5 + random / 2));
}
