//! What the control desk shows of each invited site, and what of it needs attention. Pure: the room, what pages and
//! lines say, and what the desk was told go in; rows, groups and alarms come out.

import { finds } from '../lib/fold';
import { gradeOf, type Grade } from '../media/quality';
import type { CheckView, Contact, DeskSite, LineQuality, Participant, RoomSnapshot, Signs, SiteHealth, Unit, WaitingSite } from '../protocol';
import { publisherOf } from '../room/layout';
import { shortName } from '../room/names';

/** In the meeting; page open but not entered; was here and is gone; never came. */
export type Presence = 'in' | 'waiting' | 'lost' | 'absent';

/** A way of a line. */
export type Cause = 'up' | 'down' | 'both';

/** One site. Values only: two rows that look alike are equal field by field. */
export interface BoardRow {
  id: string;
  site: string | null;
  who: string | null;
  name: string;
  unit: string;
  presence: Presence;
  grade: Grade | null;
  lost_permille: number;
  rtt_ms: number;
  /** Which way of a weak line is weak, as the media node measures it. */
  cause: Cause | null;
  signs: Signs | null;
  check: CheckView | null;
  isOpen: boolean;
  speaks: boolean;
  holds: boolean;
  place: number;
  headcount: number;
  contact: Contact | null;
  calledAt: number | null;
}

/** What rows are made of. */
export interface BoardInput {
  room: RoomSnapshot;
  invited: readonly DeskSite[];
  waiting: readonly WaitingSite[];
  lines: ReadonlyMap<string, LineQuality>;
  health: ReadonlyMap<string, SiteHealth>;
  speakers: readonly string[];
  causes: ReadonlyMap<string, Cause>;
}

/** Rows of all invited sites and of sites that came uninvited. A row that did not change is the one of `before`, so
 *  that nothing is drawn again. */
export function boardRows(input: BoardInput, before: ReadonlyMap<string, BoardRow>): BoardRow[] {
  const { room, invited } = input;
  const seats = room.participants.filter((who) => who.role === 'site');
  const bySite = new Map(seats.map((who) => [who.site ?? who.id, who]));
  const waiting = new Map(input.waiting.map((one) => [one.site, one]));
  const places = new Map(room.queue.map((id, index) => [id, index + 1]));
  const known = new Set(invited.map((site) => site.site));
  const others = seats.filter((who) => who.site === null || !known.has(who.site));
  const rows = [
    ...invited.map((site) => rowOf(input, places, site, bySite.get(site.site) ?? null, waiting.get(site.site) ?? null)),
    ...others.map((who) => rowOf(input, places, null, who, null)),
  ];
  return rows.map((row) => {
    const former = before.get(row.id);
    return former !== undefined && isSame(former, row) ? former : row;
  });
}

function rowOf(
  input: BoardInput,
  places: ReadonlyMap<string, number>,
  site: DeskSite | null,
  who: Participant | null,
  waits: WaitingSite | null,
): BoardRow {
  const isIn = who?.connected === true;
  const line = isIn ? input.lines.get(who.id) : undefined;
  const cause = isIn ? (input.causes.get(publisherOf(who)) ?? null) : null;
  const health = who === null ? undefined : input.health.get(who.id);
  return {
    id: site?.site ?? who?.id ?? '',
    site: site?.site ?? null,
    who: who?.id ?? null,
    name: shortName(site?.name ?? who?.name ?? ''),
    unit: site?.unit ?? '',
    presence: isIn ? 'in' : waits !== null ? 'waiting' : who !== null ? 'lost' : 'absent',
    grade: cause !== null ? 'weak' : line === undefined ? null : gradeOf(line.lost_permille, line.rtt_ms),
    lost_permille: line?.lost_permille ?? 0,
    rtt_ms: line?.rtt_ms ?? 0,
    cause,
    signs: isIn ? (health?.signs ?? null) : null,
    check: health?.check ?? null,
    isOpen: isIn && who.microphone_granted && !who.self_muted,
    speaks: isIn && who.microphone_granted && input.speakers.includes(publisherOf(who)),
    holds: who !== null && input.room.floor?.participant === who.id,
    place: who === null ? 0 : (places.get(who.id) ?? 0),
    headcount: who?.headcount ?? 0,
    contact: site?.contact ?? null,
    calledAt: waits?.called_at ?? null,
  };
}

function isSame(a: BoardRow, b: BoardRow): boolean {
  return (Object.keys(a) as (keyof BoardRow)[]).every((key) => {
    const [one, other] = [a[key], b[key]];
    return one === other || (typeof one === 'object' && JSON.stringify(one) === JSON.stringify(other));
  });
}

export type BoardFilter = 'all' | 'absent' | 'weak' | 'picture' | 'muted' | 'speaking' | 'hand';
export const BOARD_FILTERS: readonly BoardFilter[] = ['all', 'absent', 'weak', 'picture', 'muted', 'speaking', 'hand'];

/** Whether a filter leaves a row. */
export function passes(row: BoardRow, filter: BoardFilter): boolean {
  switch (filter) {
    case 'all':
      return true;
    case 'absent':
      return row.presence !== 'in';
    case 'weak':
      return row.grade === 'weak';
    case 'picture':
      return hasPictureFault(row);
    case 'muted':
      return row.presence === 'in' && !row.isOpen;
    case 'speaking':
      return row.speaks;
    case 'hand':
      return row.place > 0;
  }
}

/** Rows that a filter, a unit and a search leave. */
export function foundRows(rows: readonly BoardRow[], filter: BoardFilter, unit: string, search: string, above: Above): BoardRow[] {
  return rows.filter(
    (row) =>
      passes(row, filter) &&
      (unit === '' || row.unit === unit || (above.get(row.unit) ?? []).includes(unit)) &&
      finds(search, `${row.name} ${row.contact?.person ?? ''}`),
  );
}

function hasPictureFault(row: BoardRow): boolean {
  const camera = row.signs?.camera;
  return camera === 'black' || camera === 'frozen' || camera === 'off';
}

/** The units above each unit, the nearest first. */
export type Above = ReadonlyMap<string, readonly string[]>;

export function unitsAbove(units: readonly Unit[]): Above {
  const parent = new Map(units.map((unit) => [unit.id, unit.parent]));
  return new Map(
    units.map((unit) => {
      const path: string[] = [];
      // A tree of units is a few levels deep; a ring in the data must not hang the page.
      for (let up = unit.parent; up !== null && path.length < 8; up = parent.get(up) ?? null) path.push(up);
      return [unit.id, path];
    }),
  );
}

/** Sites of one level of the tree below one unit: "Tỉnh Quảng Trị · 76/78". */
export interface Group {
  unit: string;
  name: string;
  depth: number;
  rows: BoardRow[];
}

/** Rows under the unit above theirs; units that others stand under bring their own sites first. */
export function groupsOf(rows: readonly BoardRow[], units: readonly Unit[], above: Above): Group[] {
  const names = new Map(units.map((unit) => [unit.id, unit.name]));
  const isAbove = new Set(units.map((unit) => unit.parent).filter((id) => id !== null));
  const groups = new Map<string, Group>();
  for (const row of rows) {
    const unit = isAbove.has(row.unit) ? row.unit : (above.get(row.unit)?.[0] ?? '');
    let group = groups.get(unit);
    if (group === undefined) {
      group = { unit, name: names.get(unit) ?? '', depth: above.get(unit)?.length ?? 0, rows: [] };
      groups.set(unit, group);
    }
    group.rows.push(row);
  }
  const order = new Map(units.map((unit, index) => [unit.id, index]));
  return [...groups.values()].sort((a, b) => (order.get(a.unit) ?? Infinity) - (order.get(b.unit) ?? Infinity));
}

/** What needs attention, the gravest kind first. */
export const ALARMS = ['lost', 'dead', 'frozen', 'black', 'weak', 'off'] as const;
export type AlarmKind = (typeof ALARMS)[number];

/** One thing that needs attention. */
export interface Alarm {
  key: string;
  kind: AlarmKind;
  row: BoardRow;
  /** This page first saw it then, ms. */
  since: number;
  /** Who holds the floor is looked at by everybody: its faults come first. */
  gravity: number;
}

/** All alarms: of whoever has the floor first, then by gravity, the oldest first. */
export function alarmsOf(rows: readonly BoardRow[], before: ReadonlyMap<string, Alarm>, now: number): Alarm[] {
  const alarms: Alarm[] = [];
  for (const row of rows) {
    const kind = alarmOf(row);
    if (kind === null) continue;
    const key = `${row.id}/${kind}`;
    const gravity = ALARMS.indexOf(kind) + (row.holds ? -ALARMS.length : 0);
    const former = before.get(key);
    if (former !== undefined && former.row === row && former.gravity === gravity) alarms.push(former);
    else alarms.push({ key, kind, row, since: former?.since ?? now, gravity });
  }
  return alarms.sort((a, b) => a.gravity - b.gravity || a.since - b.since || a.row.name.localeCompare(b.row.name, 'vi'));
}

/** The gravest fault of a site. */
export function alarmOf(row: BoardRow): AlarmKind | null {
  if (row.presence === 'lost') return 'lost';
  // Who has not come yet is no alarm of its own: all of them are called with one press.
  if (row.presence !== 'in') return null;
  if (row.signs?.microphone === 'dead') return 'dead';
  const camera = row.signs?.camera;
  if (camera === 'frozen' || camera === 'black') return camera;
  if (row.grade === 'weak') return 'weak';
  return camera === 'off' ? 'off' : null;
}

/** Counts of what filters leave. */
export function boardCounts(rows: readonly BoardRow[]): Record<BoardFilter, number> {
  const counts = { all: 0, absent: 0, weak: 0, picture: 0, muted: 0, speaking: 0, hand: 0 };
  for (const row of rows) for (const filter of BOARD_FILTERS) if (passes(row, filter)) counts[filter] += 1;
  return counts;
}

/** What is wrong in a check, as keys of the texts; empty: all is well. */
export function faultsOf(check: CheckView): ('camera_off' | 'camera_black' | 'camera_frozen' | 'mic_dead' | 'mic_missing' | 'sound' | 'media' | 'line')[] {
  const found = check.found;
  if (found === null) return [];
  const faults: ReturnType<typeof faultsOf> = [];
  if (found.signs.camera !== 'live') faults.push(`camera_${found.signs.camera}`);
  if (found.signs.microphone === 'dead') faults.push('mic_dead');
  if (found.signs.microphone === 'missing') faults.push('mic_missing');
  if (!found.sound_plays) faults.push('sound');
  if (!found.media_connected) faults.push('media');
  if (gradeOf(found.lost_permille, found.rtt_ms) === 'weak') faults.push('line');
  return faults;
}
