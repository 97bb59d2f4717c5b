//! Group discussion as a page knows it: a pure reducer over its facts, the room as a group sees it, and ways of
//! splitting the sites.

import { GROUP_SCENE } from '../scene/scenes';
import type { Breakout, BreakoutFact, Fact, Group, OnAir, Participant, RoomSnapshot, SceneLayout, Unit } from '../protocol';

/** As the server's limit. */
export const GROUPS_MAX = 24;

/** The room after a fact about group discussion; other facts leave it as it is. */
export function withBreakout(room: RoomSnapshot, fact: Fact, at: number): RoomSnapshot {
  if (fact.type !== 'breakout') return room;
  const breakout = after(room.breakout, fact, at);
  // Buttons as `signaling/src/room/breakout.rs` sets them.
  const inHall = room.conduct.regime === 'discussion';
  const before = new Set(room.breakout?.groups.flatMap((group) => group.members) ?? []);
  const mute = (who: Participant): Participant => {
    const isGrouped = breakout !== null && groupOf(breakout, who.id) !== null;
    const isTold = fact.act === 'opened' ? isGrouped : fact.act === 'moved' ? fact.participant === who.id : fact.act === 'closed' && before.has(who.id);
    return !isTold || who.role === 'chair' ? who : { ...who, self_muted: isGrouped || inHall };
  };
  return { ...room, breakout, participants: room.participants.map(mute) };
}

function after(breakout: Breakout | null, fact: BreakoutFact, at: number): Breakout | null {
  if (fact.act === 'opened') return { groups: fact.groups, started_at: at, ends_at: fact.ends_at };
  if (breakout === null) return null;
  switch (fact.act) {
    case 'moved': {
      const without = (group: Group): string[] => group.members.filter((id) => id !== fact.participant);
      const groups = breakout.groups.map((group, index) => ({
        ...group, members: index === fact.group ? [...without(group), fact.participant] : without(group),
      }));
      return { ...breakout, groups };
    }
    case 'extended':
      return { ...breakout, ends_at: fact.ends_at };
    case 'closed':
      return null;
  }
}

/** In which group somebody is; null: in the hall. */
export function groupOf(breakout: Breakout | null, participant: string): number | null {
  const index = breakout?.groups.findIndex((group) => group.members.includes(participant)) ?? -1;
  return index < 0 ? null : index;
}

/** The room as the members of a group see it: themselves, each with an open floor. */
export function asGroup(room: RoomSnapshot, index: number): RoomSnapshot {
  const members = new Set(room.breakout?.groups[index]?.members ?? []);
  const participants = room.participants
    .filter((who) => members.has(who.id))
    .map((who) => ({ ...who, microphone_granted: true }));
  return { ...room, participants, floor: null, main: { participant: null, source: 'camera' } };
}

const GRIDS: readonly [number, SceneLayout][] = [[4, 'grid4'], [9, 'grid9'], [16, 'grid16'], [25, 'grid25']];

/** Everybody of a group beside each other; with a shared screen, that large. */
export function sceneOfGroup(room: RoomSnapshot): OnAir {
  const here = room.participants.filter((who) => who.connected);
  const isShowing = here.some((who) => who.sources.includes('screen'));
  const layout = isShowing ? 'document' : (GRIDS.find(([n]) => here.length <= n)?.[1] ?? 'grid25');
  return { scene: GROUP_SCENE, version: here.length, until: null, content: { name: '', layout, places: here.map((who) => who.id), text: '', paper: null, countdown_s: 0 } };
}

/** Sites dealt out to `n` groups of nearly the same size, neighbours of the list together. */
export function evenly(sites: readonly Participant[], n: number, name: (index: number) => string): Group[] {
  const count = Math.max(1, Math.min(n, GROUPS_MAX, sites.length));
  return Array.from({ length: count }, (_, index) => {
    const from = Math.floor((index * sites.length) / count);
    const to = Math.floor(((index + 1) * sites.length) / count);
    return { name: name(index), members: sites.slice(from, to).map((who) => who.id) };
  }).filter((group) => group.members.length > 0);
}

/** Sites by the unit above theirs. Those of no unit, and what is beyond the most groups, come last together. */
export function byUnit(sites: readonly Participant[], units: readonly Unit[], rest: string): Group[] {
  const above = new Map<string, Unit>();
  const named = new Map(units.map((unit) => [unit.id, unit]));
  for (const unit of units) {
    const parent = unit.parent === null ? unit : (named.get(unit.parent) ?? unit);
    for (const site of unit.sites) above.set(site.id, parent);
  }
  const groups = new Map<string, Group>();
  for (const who of sites) {
    const unit = who.site === null ? undefined : above.get(who.site);
    const key = unit === undefined || (groups.size >= GROUPS_MAX - 1 && !groups.has(unit.id)) ? '' : unit.id;
    const group = groups.get(key) ?? { name: key === '' ? rest : (unit?.name ?? rest), members: [] };
    group.members.push(who.id);
    groups.set(key, group);
  }
  const last = groups.get('');
  groups.delete('');
  return [...groups.values(), ...(last === undefined ? [] : [last])];
}

/** The groups after somebody was put into another one; null: into none. */
export function moved(groups: readonly Group[], participant: string, to: number | null): Group[] {
  return groups.map((group, index) => {
    const without = group.members.filter((id) => id !== participant);
    return { ...group, members: index === to ? [...without, participant] : without };
  });
}
