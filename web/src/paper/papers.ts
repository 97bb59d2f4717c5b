//! Documents of a meeting, pure: a reducer over their facts, which pages are fetched ahead, what a file's size is called.

import type { PaperEntry, PaperFact, PaperView } from '../protocol';

/** The documents after a fact. One that this page may not read comes without a name, and is not kept. */
export function withPapers(view: PaperView, fact: PaperFact, by: string | null): PaperView {
  switch (fact.act) {
    case 'added': {
      const others = view.papers.filter((one) => one.paper !== fact.entry.paper);
      if (fact.entry.name === '') return { ...view, papers: others };
      const isKnown = others.length < view.papers.length;
      return {
        ...view,
        papers: isKnown ? view.papers.map((one) => (one.paper === fact.entry.paper ? fact.entry : one)) : [...view.papers, fact.entry],
      };
    }
    case 'removed':
      return { ...view, papers: view.papers.filter((one) => one.paper !== fact.paper) };
    case 'shown':
      return { ...view, on_air: { paper: fact.paper, page: fact.page, by } };
    case 'turned':
      return view.on_air === null ? view : { ...view, on_air: { ...view.on_air, page: fact.page } };
    case 'ended':
      return { ...view, on_air: null };
  }
}

/** The document that is on the screens, if this page knows it. */
export function onAir(view: PaperView): { entry: PaperEntry; page: number } | null {
  const entry = view.papers.find((one) => one.paper === view.on_air?.paper);
  return entry === undefined || view.on_air === null ? null : { entry, page: view.on_air.page };
}

/** Whether everyone may read it now. */
export function isOpenToAll(entry: PaperEntry, now: number): boolean {
  return entry.audience === 'all' && (entry.open_from ?? now) <= now && now < (entry.open_until ?? Infinity);
}

/** Pages fetched before they are asked for: most likely the next, then the one before. */
export function neighbours(page: number, pages: number): number[] {
  return [page + 1, page - 1, page + 2].filter((one) => one >= 1 && one <= pages);
}

/** A page that the document has. */
export function clampPage(page: number, pages: number): number {
  return Number.isFinite(page) ? Math.min(pages, Math.max(1, Math.round(page))) : 1;
}

/** Where a key goes from a page; null: it is no key of ours. */
export function pageForKey(key: string, page: number, pages: number): number | null {
  switch (key) {
    case 'PageDown':
    case 'ArrowRight':
      return clampPage(page + 1, pages);
    case 'PageUp':
    case 'ArrowLeft':
      return clampPage(page - 1, pages);
    case 'Home':
      return 1;
    case 'End':
      return pages;
    default:
      return null;
  }
}

/** "1,4 MB". */
export function sizeText(bytes: number): string {
  if (bytes < 1_000_000) return `${Math.max(1, Math.round(bytes / 1_000))} kB`;
  return `${(bytes / 1_000_000).toFixed(1).replace('.', ',')} MB`;
}
