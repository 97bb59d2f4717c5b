//! The agenda in motion: a pure reducer over its facts, and how late the meeting runs.

import type { Agenda, AgendaFact, AgendaItem, Conclusion } from '../protocol';

export function withAgenda(agenda: Agenda, fact: AgendaFact, at: number): Agenda {
  if (fact.act === 'began') return { ...agenda, current: fact.index, since: at, began_at: agenda.began_at ?? at };
  if (fact.act === 'concluded') return { ...agenda, conclusions: withConclusion(agenda.conclusions, fact) };
  const isGone = agenda.current !== null && agenda.current >= fact.items.length;
  return { ...agenda, items: fact.items, ...(isGone ? { current: null, since: null } : {}) };
}

/** A conclusion takes the place of the one before on the same item; an empty one leaves none. */
function withConclusion(before: readonly Conclusion[], { title, text }: Conclusion): Conclusion[] {
  if (text === '') return before.filter((one) => one.title !== title);
  const isKnown = before.some((one) => one.title === title);
  return isKnown ? before.map((one) => (one.title === title ? { title, text } : one)) : [...before, { title, text }];
}

/** What was concluded on an item ('': on the meeting as a whole) so far. */
export function conclusionOf(agenda: Agenda, title: string): string {
  return agenda.conclusions.find((one) => one.title === title)?.text ?? '';
}

export function currentItem(agenda: Agenda): AgendaItem | null {
  return agenda.current === null ? null : (agenda.items[agenda.current] ?? null);
}

/** The place of the item that comes next; null at the end. */
export function nextIndex(agenda: Agenda): number | null {
  const index = agenda.current === null ? 0 : agenda.current + 1;
  return index < agenda.items.length ? index : null;
}

/** How much later than planned the meeting is, ms; negative: earlier. The item that runs counts as late only by what it
 *  has overrun. */
export function lateMs(agenda: Agenda, now: number): number {
  if (agenda.current === null || agenda.since === null || agenda.began_at === null) return 0;
  const before = agenda.items.slice(0, agenda.current).reduce((sum, item) => sum + item.minutes, 0) * 60_000;
  const planned = (agenda.items[agenda.current]?.minutes ?? 0) * 60_000;
  const overrun = planned === 0 ? 0 : Math.max(0, now - agenda.since - planned);
  return agenda.since - agenda.began_at - before + overrun;
}

/** Items from a typed list: one a line, "Nội dung | 15" with minutes at the end. What else an item has is kept by its title. */
export function itemsIn(text: string, before: readonly AgendaItem[]): AgendaItem[] {
  const lines = text.normalize('NFC').split('\n').map((line) => line.trim()).filter((line) => line !== '');
  return lines.map((line) => {
    const found = /^(.*?)\s*\|\s*(\d{1,4})\s*(?:phút)?$/u.exec(line);
    const title = (found?.[1] ?? line).replace(/^\d+[.)]\s*/u, '').trim();
    const minutes = Math.min(1_440, Number(found?.[2] ?? 0));
    const known = before.find((item) => item.title === title);
    const { site = null, regime = null, scene = null, paper = null } = known ?? {};
    return { title, minutes, site, regime, scene, paper };
  }).filter((item) => item.title !== '');
}

export function textOf(items: readonly AgendaItem[]): string {
  return items.map((item) => (item.minutes === 0 ? item.title : `${item.title} | ${item.minutes}`)).join('\n');
}
