//! The map says what is under what, and no two nodes lie on one place.
import { expect, it } from 'vitest';

import type { NodeView, TrunkReport } from '../protocol';
import { fullness, healthOf, mapOf, weightOf } from './tree';

const trunk = (change: Partial<TrunkReport> = {}): TrunkReport => ({
  peer: 'root', is_parent: true, rtt_us: 2_000, sent_bps: 400_000, received_bps: 1_300_000, lost_permille: 0, layers: 3, ...change,
});

const node = (name: string, parent: string | null, change: Partial<NodeView> = {}): NodeView => ({
  name, parent, state: 'up', sessions: 3, capacity: 60, load_permille: 40, trunk: parent === null ? null : trunk(),
  sites: [], units: [], networks: [], program: '0.1.0', ...change,
});

it('a parent lies in the middle of its children, one column before them', () => {
  const map = mapOf([node('xa-2', 'cum-1'), node('root', null), node('xa-10', 'cum-1'), node('cum-2', 'root'), node('cum-1', 'root')]);
  const at = (name: string) => map.placed.find((it) => it.node.name === name)!;
  expect(map.placed.map((it) => it.node.name)).toEqual(['root', 'cum-1', 'xa-2', 'xa-10', 'cum-2']);
  expect([at('root').depth, at('cum-1').depth, at('xa-10').depth]).toEqual([0, 1, 2]);
  expect(at('cum-1').row).toBe((at('xa-2').row + at('xa-10').row) / 2);
  expect([map.columns, map.rows, map.drawn.length]).toEqual([3, 3, 4]);
  const places = new Set(map.placed.map((it) => `${it.depth} ${it.row}`));
  expect(places.size).toBe(map.placed.length);
});

it('a node whose parent is unknown is still shown, and a circle ends', () => {
  expect(mapOf([node('root', null), node('xa', 'gone-long-ago')]).placed).toHaveLength(2);
  expect(mapOf([node('a', 'b'), node('b', 'a')]).placed).toHaveLength(0);
  expect(mapOf([])).toMatchObject({ columns: 0, rows: 0 });
});

it('a trunk is as good as its loss and its round trip', () => {
  expect(healthOf(trunk())).toBe('good');
  expect(healthOf(trunk({ lost_permille: 12 }))).toBe('fair');
  expect(healthOf(trunk({ rtt_us: 400_000 }))).toBe('weak');
  expect(healthOf(null)).toBe('none');
  expect(weightOf(trunk({ received_bps: 10, sent_bps: 0 }))).toBe(0);
  expect(weightOf(trunk({ received_bps: 1e12 }))).toBe(1);
  expect(fullness(node('a', null, { sessions: 90 }))).toBe(1);
});
