//! How the floor is conducted, as a page knows it: a pure reducer over facts, and the questions of whoever leads.

import type { Conduct, Fact, Participant, RoomSnapshot } from '../protocol';

/** The room after a fact about its conduct; other facts leave it as it is. */
export function withConduct(before: RoomSnapshot, fact: Fact): RoomSnapshot {
  const room = before.registered.length === 0 ? before : withoutAnswered(before);
  switch (fact.type) {
    case 'floor_granted':
    case 'left':
      return room.conduct.next === fact.participant ? changed(room, { next: null }) : room;
    case 'conduct':
      break;
    default:
      return room;
  }
  switch (fact.act) {
    case 'regime':
      return changed({ ...room, participants: room.participants.map((who) => under(fact.regime, who, room)) }, { regime: fact.regime });
    case 'limit':
      return changed(room, { limit: fact.limit });
    case 'order':
      return changed(room, { order: fact.order });
    case 'prepared':
      return changed(room, { next: fact.participant });
    case 'registered': {
      const { participant, subject, asked_at } = fact;
      const queue = room.queue.filter((id) => id !== participant);
      return { ...room, queue: [...queue, participant], registered: [...room.registered, { participant, subject, asked_at }] };
    }
    case 'speaks': {
      const queue = room.queue.filter((id) => id !== fact.delegate);
      const floor = room.floor?.participant === fact.participant ? { ...room.floor, speaker: fact.delegate } : room.floor;
      return withoutAnswered({ ...room, queue, floor });
    }
  }
}

/** Who waits no longer is not among those who asked beforehand either. */
function withoutAnswered(room: RoomSnapshot): RoomSnapshot {
  const registered = room.registered.filter((one) => room.queue.includes(one.participant));
  return registered.length === room.registered.length ? room : { ...room, registered };
}

function changed(room: RoomSnapshot, change: Partial<Conduct>): RoomSnapshot {
  return { ...room, conduct: { ...room.conduct, ...change } };
}

/** Whose microphone a regime grants (as `signaling/src/room/roster.rs`). */
function under(regime: Conduct['regime'], who: Participant, room: RoomSnapshot): Participant {
  if (who.role === 'chair') return who;
  if (regime !== 'discussion') return { ...who, microphone_granted: room.floor?.participant === who.id };
  const speaks = who.role !== 'observer' && who.role !== 'delegate';
  return speaks && !who.microphone_granted ? { ...who, microphone_granted: true, self_muted: true } : who;
}

/** Hands in the order in which they are shown. `above`: the unit above each site, by the site's id. */
export function ordered(room: RoomSnapshot, above: ReadonlyMap<string, string> = new Map()): string[] {
  if (room.conduct.order === 'arrival') return room.queue;
  if (room.conduct.order === 'by_unit') return byUnit(room, above);
  const spoken = new Map(room.participants.map((who) => [siteOf(room, who)?.id ?? who.id, who.spoken_ms]));
  const of = (id: string): number => {
    const who = room.participants.find((one) => one.id === id);
    return who === undefined ? 0 : (spoken.get(siteOf(room, who)?.id ?? id) ?? 0);
  };
  return [...room.queue].sort((a, b) => of(a) - of(b));
}

/** Whoever is of no unit (the hall) stands alone, where it came. */
function byUnit(room: RoomSnapshot, above: ReadonlyMap<string, string>): string[] {
  const clusters = new Map<string, string[]>();
  for (const id of room.queue) {
    const site = room.participants.find((one) => one.id === id)?.site ?? null;
    const key = (site === null ? undefined : above.get(site)) ?? id;
    clusters.set(key, [...(clusters.get(key) ?? []), id]);
  }
  return [...clusters.values()].flat();
}

/** At whose microphone somebody speaks: a delegate's is its site's, in the hall the chair's. */
export function siteOf(room: RoomSnapshot, who: Participant): Participant | null {
  if (who.role !== 'delegate') return who;
  const sits = (one: Participant): boolean =>
    who.site === null ? one.role === 'chair' && one.connected : one.role === 'site' && one.site === who.site;
  return room.participants.find(sits) ?? null;
}

/** The camera of whoever prepares to speak (the one of its site, for a delegate), and who it is. */
export function preparing(room: RoomSnapshot, self: string): { who: Participant; at: Participant } | null {
  const who = room.participants.find((one) => one.id === room.conduct.next) ?? null;
  const at = who === null ? null : siteOf(room, who);
  return who === null || at === null || at.id === self ? null : { who, at };
}

/** How a speaker's time stands: yellow in the last minute (or the last fifth of a shorter limit), red from the
 *  limit on, over when the grace is used up too. */
export type Clock = 'plain' | 'soon' | 'red' | 'over';

export function clockOf(conduct: Conduct, spoken_ms: number): Clock {
  if (conduct.limit === null) return 'plain';
  const limit_ms = conduct.limit.seconds * 1_000;
  if (spoken_ms >= limit_ms + conduct.limit.grace_seconds * 1_000) return 'over';
  if (spoken_ms >= limit_ms) return 'red';
  return limit_ms - spoken_ms <= Math.min(60_000, limit_ms / 5) ? 'soon' : 'plain';
}
