//! Initials tell sites apart.
import { expect, it } from 'vitest';

import { initials, tint } from './SiteMark.svelte';

it('the prefix that all share is left out', () => {
  expect(initials('Điểm cầu xã Lệ Thủy')).toBe('LT');
  expect(initials('Phường Đồng Hới'.normalize('NFD'))).toBe('ĐH');
  expect(initials('Đặc khu Cồn Cỏ')).toBe('CC');
  expect(initials('  ')).toBe('·');
});

it('a name always has the same tint', () => {
  expect(tint('Xã Lệ Thủy')).toBe(tint('Xã Lệ Thủy'));
  expect(tint('Xã Lệ Thủy')).toBeLessThan(6);
});
