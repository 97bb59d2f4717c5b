//! How each site's line goes, read from what the media node measures. Pure: routes in, rows out.
import { gradeOf, type Grade } from '../media/quality';
import type { FactRecord, Flow, RoomRoutes, Route } from '../protocol';

/** A browser asks the node every 2.5 s whether it is still there; without a sign for so long it is in trouble, ms. */
const SILENT_MS = 7_000;
/** So many past measurements are drawn. */
export const PAST_MAX = 60;
/** From so many weak lines of one direction, and from this share of all, the node's own line is suspected. */
const COMMON_LEAST = 4;
const COMMON_SHARE = 0.5;

/** What a technician has to know first. */
export type Verdict = 'lost' | 'both' | 'up' | 'down' | 'connecting' | 'fair' | 'good';

/** Worst first. */
export const VERDICTS: readonly Verdict[] = ['lost', 'both', 'up', 'down', 'connecting', 'fair', 'good'];

/** One direction of one line. */
export interface Way {
  grade: Grade;
  flow: Flow;
  /** Thousandths lost at the last measurements, oldest first. */
  past: readonly number[];
}

/** A site and its line. */
export interface Row {
  id: string;
  name: string;
  publisher: string;
  verdict: Verdict;
  up: Way;
  down: Way;
  route: Route;
}

/** The measurements of the last minutes, by session. */
export type Past = ReadonlyMap<string, { up: readonly number[]; down: readonly number[] }>;

/** Adds a measurement; sessions that are gone are forgotten. */
export function withRoutes(past: Past, routes: RoomRoutes): Past {
  return new Map(
    routes.sessions.map((route) => {
      const before = past.get(route.session) ?? { up: [], down: [] };
      const add = (values: readonly number[], flow: Flow) => [...values, flow.lost_permille].slice(-PAST_MAX);
      return [route.session, { up: add(before.up, route.up), down: add(before.down, route.down) }];
    }),
  );
}

/** Names of participants, as the facts gave them. */
export function namesOf(facts: readonly FactRecord[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const { fact } of facts) if (fact.type === 'seated') names.set(fact.participant, fact.name);
  return names;
}

/** All lines, the worst first; those alike by name. */
export function rowsOf(routes: RoomRoutes, past: Past, names: ReadonlyMap<string, string>): Row[] {
  const rows = routes.sessions.map((route): Row => {
    const was = past.get(route.session) ?? { up: [], down: [] };
    const up = { grade: gradeOf(route.up.lost_permille, 0), flow: route.up, past: was.up };
    const down = {
      grade: gradeOf(route.down.lost_permille, route.rtt_ms ?? 0), flow: route.down, past: was.down,
    };
    return {
      id: route.session, publisher: route.publisher, name: names.get(route.publisher) ?? route.publisher,
      verdict: verdictOf(route, up.grade, down.grade), up, down, route,
    };
  });
  const place = (row: Row) => VERDICTS.indexOf(row.verdict);
  return rows.sort((a, b) => place(a) - place(b) || a.name.localeCompare(b.name, 'vi'));
}

function verdictOf(route: Route, up: Grade, down: Grade): Verdict {
  if (route.cipher === null) return 'connecting';
  if (route.silent_ms >= SILENT_MS) return 'lost';
  if (up === 'weak') return down === 'weak' ? 'both' : 'up';
  if (down === 'weak') return 'down';
  return up === 'fair' || down === 'fair' ? 'fair' : 'good';
}

/** How many lines have each verdict. */
export function countsOf(rows: readonly Row[]): Record<Verdict, number> {
  const counts: Record<Verdict, number> = { lost: 0, both: 0, up: 0, down: 0, connecting: 0, fair: 0, good: 0 };
  for (const row of rows) counts[row.verdict] += 1;
  return counts;
}

/** The direction in which so many lines are weak that the node's own line must be the cause; null: none. */
export function commonCause(rows: readonly Row[]): 'up' | 'down' | null {
  const isCommon = (way: 'up' | 'down'): boolean => {
    const carrying = rows.filter((row) => row[way].flow.n_streams > 0);
    const n_weak = carrying.filter((row) => row[way].grade === 'weak').length;
    return n_weak >= COMMON_LEAST && n_weak >= carrying.length * COMMON_SHARE;
  };
  if (isCommon('down')) return 'down';
  return isCommon('up') ? 'up' : null;
}

/** A polyline of the past in a box; losses from 10 % fill it. Empty: nothing is known yet. */
export function sparkline(past: readonly number[], width: number, height: number): string {
  if (past.length < 2) return '';
  const step = width / (PAST_MAX - 1);
  const start = width - step * (past.length - 1);
  const points = past.map((lost, at) => {
    const y = height - 1 - (Math.min(lost, 100) / 100) * (height - 2);
    return `${(start + at * step).toFixed(1)},${y.toFixed(1)}`;
  });
  return points.join(' ');
}
