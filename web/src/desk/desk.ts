//! What a page knows of the control desk: a pure reducer over its facts, and the threads of notes.

import { finds } from '../lib/fold';
import type { DeskFact, DeskView, FactRecord, Message, Note } from '../protocol';

/** Notes kept, as in a snapshot. */
const NOTES_MAX = 500;

/** The desk after a fact. A note whose text this page may not read comes empty and is not kept. */
export function withDesk(desk: DeskView, fact: DeskFact, record: FactRecord): DeskView {
  switch (fact.act) {
    case 'noted': {
      if (fact.text === '') return desk;
      const note: Note = { id: fact.message, at: record.at, by: record.by, to: fact.to, text: fact.text };
      return { ...desk, notes: [...desk.notes, note].slice(-NOTES_MAX) };
    }
    case 'announced':
      return { ...desk, banner: fact.text };
    case 'chat_set':
      return { ...desk, chat_open: fact.open };
    case 'called':
      return desk;
  }
}

/** The other side of a note: the site that the desk talks with. */
export function siteOf(note: Note): string | null {
  return note.to ?? note.by;
}

/** Sites that the desk talks with, the newest note first. */
export function threadsOf(notes: readonly Note[]): { site: string; last: Note }[] {
  const threads = new Map<string, Note>();
  for (const note of notes) {
    const site = siteOf(note);
    if (site === null) continue;
    threads.delete(site);
    threads.set(site, note);
  }
  return [...threads].map(([site, last]) => ({ site, last })).reverse();
}

/** Messages whose text or writer a search finds. */
export function foundIn<Item extends Message | Note>(
  items: readonly Item[],
  search: string,
  nameOf: (id: string | null) => string,
): Item[] {
  return items.filter((item) => finds(search, `${item.text} ${nameOf(item.by)}`));
}
