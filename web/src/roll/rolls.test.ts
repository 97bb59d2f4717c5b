import { expect, it } from 'vitest';

import type { Fact, RollView } from '../protocol';
import { record, seat } from '../room/fixtures';
import { hallOf, isMet, open, rowsOf, totalsOf, withRoll } from './rolls';

const sites = ['A', 'B', 'C'].map((site) => ({ site, name: `Điểm cầu ${site}`, unit: site }));
const people = [seat('a', { site: 'A', headcount: 30 }), seat('b', { site: 'B', headcount: 12, connected: false })];
const opened: Fact = { type: 'roll', act: 'opened', roll: 'r', rules: { quorum: 'two_thirds', summoned: 0 }, sites };
const step = (roll: RollView | null, fact: Fact): RollView | null => withRoll(roll, record(1, fact), people);

it('a roll fills itself, is corrected with a reason, and is frozen when it is closed', () => {
  let roll = step(null, opened);
  if (roll === null) throw new Error('it was opened');
  expect(rowsOf(roll, people).map((row) => row.state)).toEqual(['online', 'unchecked', 'unchecked']);
  roll = step(roll, { type: 'joined', participant: 'b' }) ?? roll;
  expect([totalsOf(rowsOf(roll, people)), isMet(roll, totalsOf(rowsOf(roll, people)))]).toEqual([
    { n_sites: 3, n_present: 2, headcount: 42 }, true,
  ]);
  expect(open(rowsOf(roll, people)).map((row) => row.site)).toEqual(['C']);
  const mark = { site: 'C', state: 'absent' as const, headcount: 0, reason: 'Mất điện' };
  roll = step(roll, { type: 'roll', act: 'marked', roll: 'r', mark }) ?? roll;
  expect(open(rowsOf(roll, people))).toEqual([]);
  const rows = rowsOf(roll, people);
  roll = step(roll, { type: 'roll', act: 'closed', roll: 'r', rows, hall: 4, quorum_met: true }) ?? roll;
  const later = people.map((who) => ({ ...who, headcount: 99 }));
  expect(rowsOf(roll, later)).toEqual(rows);
  expect(hallOf(roll, [seat('c', { role: 'chair', headcount: 99 })])).toBe(4);
});
