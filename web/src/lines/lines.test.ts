import { expect, test } from 'vitest';
import type { Flow, RoomRoutes, Route } from '../protocol';
import { commonCause, countsOf, rowsOf, sparkline, withRoutes, type Past } from './lines';

const flow = (lost_permille: number, n_streams = 1): Flow => ({
  n_streams, bps: 100_000, lost_permille, jitter_ms: 1, n_nacked: 0,
});
const route = (publisher: string, up: number, down: number, more: Partial<Route> = {}): Route => ({
  session: `s-${publisher}`, publisher, kind: 'room', path: 'udp4', cipher: 'gcm', age_ms: 9_000, silent_ms: 100,
  rtt_ms: 20, estimate_bps: null, up: flow(up), down: flow(down), detail: null, ...more,
});
const routes = (...sessions: Route[]): RoomRoutes => ({ at: 1, shard: 0, sessions });
const none: Past = new Map();

test('the worst lines come first, and each says which way is weak', () => {
  const told = routes(
    route('a', 0, 0), route('b', 80, 0), route('c', 0, 60), route('d', 60, 60), route('e', 20, 0),
    route('f', 0, 0, { silent_ms: 8_000 }), route('g', 0, 0, { cipher: null }), route('h', 0, 0, { rtt_ms: 500 }),
  );
  const rows = rowsOf(told, none, new Map([['a', 'Xã A']]));
  expect(rows.map((row) => `${row.publisher} ${row.verdict}`)).toEqual([
    'f lost', 'd both', 'b up', 'c down', 'h down', 'g connecting', 'e fair', 'a good',
  ]);
  expect(rows.at(-1)?.name).toBe('Xã A');
  expect(countsOf(rows).down).toBe(2);
});

test('many weak lines of one direction point to the server, a few do not', () => {
  const many = ['a', 'b', 'c', 'd', 'e'].map((name) => route(name, 0, 90));
  expect(commonCause(rowsOf(routes(...many, route('f', 0, 0)), none, new Map()))).toBe('down');
  expect(commonCause(rowsOf(routes(...many.slice(0, 3)), none, new Map()))).toBeNull();
});

test('the past is kept for a while and goes with its session', () => {
  let past: Past = none;
  for (let n = 0; n < 70; n += 1) past = withRoutes(past, routes(route('a', n, 0), route('b', 0, 0)));
  expect(past.get('s-a')?.up).toHaveLength(60);
  expect(past.get('s-a')?.up.at(-1)).toBe(69);
  expect(withRoutes(past, routes(route('a', 0, 0))).has('s-b')).toBe(false);
  expect(sparkline([0], 100, 20)).toBe('');
  expect(sparkline([0, 200], 118, 20)).toBe('116.0,19.0 118.0,1.0');
});
