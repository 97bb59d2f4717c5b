//! Names in narrow places.
import { expect, test } from 'vitest';

import { shortName } from './names';

test('a short name drops "Điểm cầu" and nothing else, composed or not', () => {
  expect(shortName('Điểm cầu xã Lệ Thủy')).toBe('Xã Lệ Thủy');
  expect(shortName('Điểm cầu xã Lệ Thủy'.normalize('NFD'))).toBe('Xã Lệ Thủy');
  expect(shortName('Chủ trì')).toBe('Chủ trì');
});
