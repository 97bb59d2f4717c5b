//! The console counts sites, and finds them however they are typed.
import { expect, test } from 'vitest';

import { seat } from './fixtures';
import { countsOf, found, rowsOf } from './roster';

const people = [
  seat('C', { role: 'chair', name: 'Chủ trì' }),
  seat('A', { name: 'Điểm cầu xã Lệ Thủy', site: 's1', headcount: 30 }),
  seat('B', { name: 'Điểm cầu xã Phú Trạch', site: 's2', connected: false, headcount: 12 }),
];
const invited = [
  { id: 's1', name: 'Điểm cầu xã Lệ Thủy' },
  { id: 's3', name: 'Điểm cầu đặc khu Cồn Cỏ' },
];

test('an invited site that never came has a row of its own, others have one', () => {
  const rows = rowsOf(people, ['B'], invited);
  expect(rows.map((row) => [row.name, row.place])).toEqual([
    ['Chủ trì', 0],
    ['Điểm cầu xã Lệ Thủy', 0],
    ['Điểm cầu xã Phú Trạch', 1],
    ['Điểm cầu đặc khu Cồn Cỏ', 0],
  ]);
});

test('filters and search without marks', () => {
  const rows = rowsOf(people, ['B'], invited);
  const names = (filter: 'all' | 'connected' | 'absent' | 'hands', search = '') =>
    found(rows, filter, search).map((row) => row.id);
  expect(names('all', 'le thuy')).toEqual(['A']);
  expect(names('absent')).toEqual(['B', 's3']);
  expect(names('connected')).toEqual(['A']);
  expect(names('hands')).toEqual(['B']);
  expect(names('all', 'con co')).toEqual(['s3']);
});

test('counts are of sites, not of seats', () => {
  expect(countsOf(people, ['B'], 78)).toEqual({
    connected: 1, invited: 78, absent: 77, hands: 1, headcount: 30,
  });
});
