//! The minutes on the screen: loads, keeps a local copy of every change, sends through the `Saver`, and
//! holds both versions when somebody else has saved. The shell around the machine: clocks and requests.
import { toast } from '../design';
import { t } from '../i18n/t.svelte';
import * as api from '../lib/api';
import { failureOf, type Failure } from '../lib/http';
import type { Minutes, MinutesDocument } from '../protocol';
import { cleaned } from './document';
import { dropDraft, keepDraft, keptDraft } from './localDraft';
import * as machine from './saver';

/** How often the machine's clock is looked at. */
const TICK_MS = 250;
/** Waiting for a running save before leaving or printing, at most. */
const SETTLE_MS_MAX = 8_000;

export class MinutesEditor {
  readonly meeting: string;
  document = $state<MinutesDocument | null>(null);
  saver = $state.raw<machine.Saver>(machine.newSaver(0));
  /** Why it could not be loaded. */
  failure = $state<Failure | null>(null);
  /** What the server has, when it differs from what the screen was made from. */
  theirs = $state.raw<Minutes | null>(null);
  savedAt = $state<number | null>(null);
  /** False when this browser keeps no local copy: then leaving unsaved loses something. */
  isKeptHere = $state(true);

  #mayWrite: boolean;
  /** The document as the server has it. */
  #server = '';
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(meeting: string, mayWrite: boolean) {
    this.meeting = meeting;
    this.#mayWrite = mayWrite;
  }

  get isDirty(): boolean {
    return machine.isDirty(this.saver);
  }

  async load(): Promise<boolean> {
    try {
      const minutes = await api.minutesOf(this.meeting);
      this.failure = null;
      this.#take(minutes);
      if (this.#mayWrite) this.#restore(minutes);
    } catch (error) {
      this.failure = failureOf(error);
    }
    return this.failure === null;
  }

  start(): () => void {
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    return () => clearInterval(this.#timer);
  }

  /** Called after every change of `document`. */
  changed(): void {
    if (this.document === null || !this.#mayWrite) return;
    const now = $state.snapshot(this.document);
    if (JSON.stringify(now) === this.#server && this.saver.status === 'saved') return;
    this.#keep(now);
    this.saver = machine.edited(this.saver, Date.now());
  }

  /** Sends now; true when the server has everything. */
  async saveNow(): Promise<boolean> {
    this.saver = machine.hurried(this.saver, Date.now());
    this.#tick();
    const until = Date.now() + SETTLE_MS_MAX;
    while (this.saver.status === 'saving' || (this.saver.status === 'unsaved' && Date.now() < until)) {
      if (this.saver.status === 'unsaved') this.saver = machine.hurried(this.saver, Date.now());
      await new Promise((done) => setTimeout(done, 60));
    }
    return !this.isDirty;
  }

  /** Conflict: the screen's content wins. */
  keepMine(): void {
    if (this.theirs === null) return;
    this.saver = machine.keptMine(this.saver, this.theirs.version, Date.now());
    this.theirs = null;
    if (this.document !== null) this.#keep($state.snapshot(this.document));
  }

  /** Conflict: the server's content wins; what was here can be brought back. */
  takeTheirs(): void {
    if (this.theirs === null || this.document === null) return;
    const mine = $state.snapshot(this.document);
    this.#take(this.theirs);
    this.theirs = null;
    dropDraft(this.meeting);
    toast(t('editor.took_theirs'), { undo: () => this.#put(mine) });
  }

  /** Drafts from the facts again; what was here can be brought back. */
  async redraft(): Promise<void> {
    const mine = this.document === null ? null : $state.snapshot(this.document);
    this.#take(await api.redraftMinutes(this.meeting));
    dropDraft(this.meeting);
    toast(t('editor.redrafted'), { kind: 'ok', ...(mine === null ? {} : { undo: () => this.#put(mine) }) });
  }

  #keep(document: MinutesDocument): void {
    this.isKeptHere = keepDraft(this.meeting, { version: this.saver.version, at: Date.now(), document });
  }

  #put(document: MinutesDocument): void {
    this.document = document;
    this.changed();
  }

  #take(minutes: Minutes): void {
    this.#server = JSON.stringify(minutes.document);
    this.document = minutes.document;
    this.saver = machine.newSaver(minutes.version);
    this.savedAt = minutes.changed_at;
  }

  /** Brings back what was typed before the page was lost. */
  #restore(minutes: Minutes): void {
    const kept = keptDraft(this.meeting);
    if (kept === null) return;
    if (JSON.stringify(kept.document) === this.#server) {
      dropDraft(this.meeting);
      return;
    }
    this.document = kept.document;
    if (kept.version === minutes.version) {
      this.saver = machine.edited(this.saver, Date.now());
      toast(t('editor.restored'), {
        undo: () => {
          dropDraft(this.meeting);
          this.#put(minutes.document);
        },
      });
    } else {
      this.theirs = minutes;
      this.saver = machine.failed(machine.sending(this.saver), 'conflict', Date.now());
    }
  }

  #tick(): void {
    if (machine.isDue(this.saver, Date.now())) void this.#send();
  }

  async #send(): Promise<void> {
    if (this.document === null) return;
    const taken = $state.snapshot(this.document);
    const { version } = this.saver;
    this.saver = machine.sending(this.saver);
    try {
      const saved = await api.saveMinutes(this.meeting, { version, changed_at: this.savedAt ?? 0, document: cleaned(taken) });
      this.#server = JSON.stringify(taken);
      this.savedAt = saved.changed_at;
      this.saver = machine.succeeded(this.saver, saved.version, Date.now());
      // What was typed meanwhile is from now on made from the version just saved.
      if (this.isDirty) this.#keep($state.snapshot(this.document));
      else dropDraft(this.meeting);
    } catch (error) {
      this.saver = machine.failed(this.saver, failureOf(error), Date.now());
      if (this.saver.status === 'conflict') await this.#fetchTheirs();
    }
  }

  async #fetchTheirs(): Promise<void> {
    try {
      this.theirs = await api.minutesOf(this.meeting);
    } catch (error) {
      // Without their version there is nothing to choose from: asks again like any lost answer.
      this.saver = machine.failed(this.saver, failureOf(error), Date.now());
    }
  }
}
