import { expect, it } from 'vitest';

import type { BreakoutFact, RoomSnapshot, Unit } from '../protocol';
import { roomWith, seat } from '../room/fixtures';
import { placed } from '../scene/scenes';
import { asGroup, byUnit, evenly, groupOf, moved, sceneOfGroup, withBreakout } from './breakout';

const people = [seat('chair', { role: 'chair', microphone_granted: true }), ...Array.from({ length: 10 }, (_, i) => seat(`x${i}`, { site: `S${i}` }))];
const sites = people.slice(1);
const happen = (room: RoomSnapshot, fact: BreakoutFact, at = 0): RoomSnapshot => withBreakout(room, { type: 'breakout', ...fact }, at);
const groups = [{ name: 'Tổ 1', members: ['x0', 'x1'] }, { name: 'Tổ 2', members: ['x2'] }];
const muted = (room: RoomSnapshot): string[] => room.participants.filter((who) => who.self_muted).map((who) => who.id);

it('whoever goes into a group is there alone with it, silent at first, and comes back as the regime has it', () => {
  let room = happen(roomWith(people), { act: 'opened', groups, ends_at: 600_000 }, 1_000);
  expect([room.breakout?.started_at, muted(room)]).toEqual([1_000, ['x0', 'x1', 'x2']]);
  const inside = asGroup(room, 0);
  expect(inside.participants.map((who) => [who.id, who.microphone_granted])).toEqual([['x0', true], ['x1', true]]);
  room = happen(room, { act: 'moved', participant: 'x2', group: 0 });
  room = happen(room, { act: 'moved', participant: 'chair', group: 0 });
  expect([groupOf(room.breakout, 'x2'), groupOf(room.breakout, 'x9'), room.breakout?.groups[1]?.members]).toEqual([0, null, []]);
  expect(muted(room)).toEqual(['x0', 'x1', 'x2']);
  room = happen(room, { act: 'extended', ends_at: 900_000 });
  expect(room.breakout?.ends_at).toBe(900_000);
  room = happen(room, { act: 'closed' });
  expect([room.breakout, muted(room)]).toEqual([null, []]);
});

it('a group is shown beside each other, or with what one of it shows', () => {
  const room = happen(roomWith(people), { act: 'opened', groups: [{ name: 'Tổ 1', members: sites.map((who) => who.id) }], ends_at: 1 });
  expect(sceneOfGroup(asGroup(room, 0)).content.layout).toBe('grid16');
  const two = asGroup(happen(roomWith(people), { act: 'opened', groups, ends_at: 1 }), 0);
  const [left, right] = placed(sceneOfGroup(two), two, [], 1366, 554);
  expect([left?.width, (left?.left ?? 0) + (left?.width ?? 0) < (right?.left ?? 0)]).toEqual([677, true]);
  const sharing = { ...room, participants: room.participants.map((who) => (who.id === 'x3' ? { ...who, sources: ['screen' as const] } : who)) };
  expect(sceneOfGroup(asGroup(sharing, 0)).content.layout).toBe('document');
});

it('sites are dealt out evenly, nobody twice and nobody left', () => {
  for (const n of [1, 3, 4, 10, 40]) {
    const dealt = evenly(sites, n, (index) => `Tổ ${index + 1}`);
    const sizes = dealt.map((group) => group.members.length);
    expect(dealt.flatMap((group) => group.members)).toEqual(sites.map((who) => who.id));
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
  }
});

it('by the tree, the sites of one cluster are one group', () => {
  const unit = (id: string, parent: string | null, own: string[]): Unit => ({
    id, parent, code: id, name: `Đơn vị ${id}`, sites: own.map((site) => ({ id: site, unit: id, name: site })) as unknown as Unit['sites'],
  });
  const tree = [unit('P', null, []), unit('A', 'P', []), unit('B', 'P', []), unit('a', 'A', ['S0', 'S1']), unit('b', 'B', ['S2'])];
  const split = byUnit(sites.slice(0, 4), tree, 'Còn lại');
  expect(split).toEqual([
    { name: 'Đơn vị A', members: ['x0', 'x1'] }, { name: 'Đơn vị B', members: ['x2'] }, { name: 'Còn lại', members: ['x3'] },
  ]);
  expect(moved(split, 'x3', 1).map((group) => group.members)).toEqual([['x0', 'x1'], ['x2', 'x3'], []]);
});
