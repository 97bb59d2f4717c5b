//! Pictures of pages, fetched once each as who sits here, and kept as long as they are likely to be looked at.

import { fetchOf } from './fetchPage';

export type PageSize = 'large' | 'small';

/** Large pages kept: some 250 kB each. */
const LARGE_MAX = 24;
/** Small ones: some 15 kB each. */
const SMALL_MAX = 240;
/** Requests at once: a strip of thumbnails does not keep the page itself waiting. */
const AT_ONCE_MAX = 4;
/** A page that did not come is asked for again after so long, ms. */
const AGAIN_MS = 3_000;

/** Pages of the documents of one meeting. */
export class Pages {
  readonly #meeting: string;
  readonly #token: string | null;
  #moved = $state(0);
  /** Addresses of fetched pictures, the one used longest ago first. */
  #known: Record<PageSize, Map<string, string>> = { large: new Map(), small: new Map() };
  #waiting: { key: string; size: PageSize; path: string }[] = [];
  #asked = new Set<string>();
  #isClosed = false;

  constructor(meeting: string, token: string | null) {
    this.#meeting = meeting;
    this.#token = token;
  }

  /** Address of a page's picture, null until it is there. Reactive. Asks for it first of all. */
  url(paper: string, page: number, size: PageSize): string | null {
    if (this.#moved < 0) return null;
    const key = `${paper}/${page}/${size}`;
    const known = this.#known[size].get(key);
    if (known === undefined) {
      this.#ask(key, paper, page, size, true);
      return null;
    }
    this.#known[size].delete(key);
    this.#known[size].set(key, known);
    return known;
  }

  /** Fetches pages that are likely to be wanted next. */
  preload(paper: string, pages: readonly number[]): void {
    for (const page of pages) {
      const key = `${paper}/${page}/large`;
      if (!this.#known.large.has(key)) this.#ask(key, paper, page, 'large', false);
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const known of [this.#known.large, this.#known.small]) {
      for (const url of known.values()) URL.revokeObjectURL(url);
      known.clear();
    }
  }

  #ask(key: string, paper: string, page: number, size: PageSize, isFirst: boolean): void {
    if (this.#asked.has(key)) {
      const place = this.#waiting.findIndex((one) => one.key === key);
      if (isFirst && size === 'large' && place > 0) this.#waiting.unshift(...this.#waiting.splice(place, 1));
      return;
    }
    this.#asked.add(key);
    const one = { key, size, path: `${encodeURIComponent(paper)}/pages/${page}?size=${size}` };
    if (isFirst && size === 'large') this.#waiting.unshift(one);
    else this.#waiting.push(one);
    // A strip that was scrolled away from is not worth waiting for.
    while (this.#waiting.length > SMALL_MAX) this.#asked.delete(this.#waiting.pop()?.key ?? '');
    this.#go();
  }

  #n_running = 0;

  #go(): void {
    while (this.#n_running < AT_ONCE_MAX && !this.#isClosed) {
      const one = this.#waiting.shift();
      if (one === undefined) return;
      this.#n_running += 1;
      void this.#fetch(one.key, one.size, one.path).finally(() => {
        this.#n_running -= 1;
        this.#go();
      });
    }
  }

  async #fetch(key: string, size: PageSize, path: string): Promise<void> {
    try {
      const blob = await fetchOf(this.#meeting, path, this.#token);
      if (this.#isClosed) return;
      const known = this.#known[size];
      known.set(key, URL.createObjectURL(blob));
      const oldest = known.keys().next().value;
      if (known.size > (size === 'large' ? LARGE_MAX : SMALL_MAX) && oldest !== undefined) {
        URL.revokeObjectURL(known.get(oldest) ?? '');
        known.delete(oldest);
      }
      this.#asked.delete(key);
      this.#moved += 1;
    } catch {
      setTimeout(() => {
        this.#asked.delete(key);
        if (!this.#isClosed) this.#moved += 1;
      }, AGAIN_MS);
    }
  }
}
