//! What the editor says about a document is right.
import { expect, it } from 'vitest';

import { attendanceSum, changedParts, cleaned, placeIn } from './document';
import { minutesFixture } from './fixture';

it('tells the parts in which two versions differ', () => {
  const mine = minutesFixture();
  const theirs = minutesFixture();
  expect(changedParts(mine, theirs)).toEqual([]);
  theirs.conclusion = 'Khác';
  const row = theirs.attendance[0];
  if (row !== undefined) row.headcount += 1;
  expect(changedParts(mine, theirs)).toEqual(['attendance', 'conclusion']);
});

it('counts only sites that were present', () => {
  expect(attendanceSum(minutesFixture())).toEqual({ n_sites: 2, n_present: 1, n_delegates: 31 });
});

it('is sent composed and without empty recipients', () => {
  const document = minutesFixture();
  document.title = 'Lệ Thủy'.normalize('NFD');
  document.recipients = ['Như trên;', '  ', ' Lưu: VT.'];
  expect(cleaned(document).title).toBe('Lệ Thủy'.normalize('NFC'));
  expect(cleaned(document).recipients).toEqual(['Như trên;', 'Lưu: VT.']);
});

it('finds the place of a speech in the recording', () => {
  const rows = [
    { recording: 'a', started_at: 1_000, ms: 500, sha256: '' },
    { recording: 'b', started_at: 5_000, ms: 10_000, sha256: '' },
  ];
  expect(placeIn(rows, 6_000)).toEqual({ recording: 'b', ms: 1_000 });
  expect(placeIn(rows, 1_499)).toEqual({ recording: 'a', ms: 499 });
  expect(placeIn(rows, 2_000)).toBeNull();
  expect(placeIn(rows, 500)).toBeNull();
  expect(placeIn([{ recording: 'c', started_at: 1_000, ms: 0, sha256: '' }], 9_000)).toEqual({ recording: 'c', ms: 8_000 });
});
