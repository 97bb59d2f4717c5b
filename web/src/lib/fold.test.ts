//! Names are found however they are typed.
import { expect, it } from 'vitest';

import { finds, fold } from './fold';

const NAMES = ['Điểm cầu xã Lệ Thủy', 'Điểm cầu xã Lệ Thuỷ', 'Điểm cầu xã Lệ Thủy'.normalize('NFD')];

it('old and new tone placement and both Unicode forms are found without marks', () => {
  for (const name of NAMES) {
    expect(finds('le thuy', name)).toBe(true);
    expect(finds('LỆ THỦY', name)).toBe(true);
    expect(finds('lệ thuỷ', name)).toBe(true);
  }
});

it('đ folds to d, and words are matched from their beginning', () => {
  expect(fold('  Đặc khu  Cồn Cỏ ')).toBe('dac khu con co');
  expect(finds('con co', 'Đặc khu Cồn Cỏ')).toBe(true);
  expect(finds('co dac', 'Đặc khu Cồn Cỏ')).toBe(true);
  expect(finds('on', 'Đặc khu Cồn Cỏ')).toBe(false);
  expect(finds('con co', 'Xã Cồn Tiên')).toBe(false);
  expect(finds('co con', 'Đặc khu Cồn Cỏ')).toBe(true);
  expect(finds('', 'Đặc khu Cồn Cỏ')).toBe(true);
  expect(finds('le thuy 18', 'Xã Lệ Thủy 18676')).toBe(true);
});
