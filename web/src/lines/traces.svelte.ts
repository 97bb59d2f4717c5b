//! Captures of sites' packets: begun here, waited for, and saved when they are over. They go on while their row is
//! closed.
import { toast } from '../design';
import { errorText, t } from '../i18n/t.svelte';
import * as api from '../lib/api';
import { failureOf } from '../lib/http';

/** Between two questions whether the capture is there, ms. */
const AGAIN_MS = 1_000;
/** The node may need so much longer than it was told, ms. */
const LATE_MS = 15_000;

/** A capture that runs. */
export interface Running {
  begun_at: number;
  /** 0 … 1. */
  done: number;
}

export class Traces {
  #meeting: string;
  #running = $state.raw<ReadonlyMap<string, Running>>(new Map());

  constructor(meeting: string) {
    this.#meeting = meeting;
  }

  /** The capture of a publisher, if one runs; reactive. */
  of(publisher: string): Running | null {
    return this.#running.get(publisher) ?? null;
  }

  /** Captures for a minute, then saves the file. */
  async start(publisher: string): Promise<void> {
    if (this.#running.has(publisher)) return;
    const begun_at = Date.now();
    this.#set(publisher, { begun_at, done: 0 });
    try {
      const { trace, seconds } = await api.startTrace(this.#meeting, publisher);
      const longest = seconds * 1_000 + LATE_MS;
      let file: Blob | null = null;
      while (file === null) {
        await new Promise((wake) => setTimeout(wake, AGAIN_MS));
        const passed = Date.now() - begun_at;
        this.#set(publisher, { begun_at, done: Math.min(1, passed / (seconds * 1_000)) });
        if (passed > longest) throw new Error('the capture does not end');
        file = await api.fetchTrace(this.#meeting, trace);
      }
      save(file, `goi-tin-${trace}.pcapng`);
      toast(t('lines.trace_done'), { kind: 'ok' });
    } catch (error) {
      toast(errorText(failureOf(error)), { kind: 'error' });
    } finally {
      this.#set(publisher, null);
    }
  }

  #set(publisher: string, running: Running | null): void {
    const next = new Map(this.#running);
    if (running === null) next.delete(publisher);
    else next.set(publisher, running);
    this.#running = next;
  }
}

function save(file: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), AGAIN_MS);
}
