//! Sites are found and grouped the way the host thinks of them.
import { expect, it } from 'vitest';

import { finds } from '../lib/fold';
import type { Unit } from '../protocol';
import { kindOf, pickableSites } from './sites';

function unit(name: string, code: string, sites: readonly string[]): Unit {
  return { id: code, parent: '44', code, name, sites: sites.map((site, index) => ({ id: `${code}${index}`, unit: code, name: site })) };
}

const UNITS = [
  unit('Tỉnh Quảng Trị', '44', []),
  unit('Phường Đồng Hới', '18880', ['Điểm cầu phường Đồng Hới']),
  unit('Xã Lệ Thủy', '19249', ['Điểm cầu xã Lệ Thủy']),
  unit('Xã Cồn Tiên', '19537', ['Hội trường Ủy ban', 'Hội trường Đảng ủy']),
  unit('Đặc khu Cồn Cỏ', '19742', ['Điểm cầu đặc khu Cồn Cỏ']),
];

it('kinds come from official names', () => {
  expect(UNITS.map(kindOf)).toEqual(['other', 'ward', 'commune', 'commune', 'zone']);
});

it('a unit with one site is listed by its own name, one with several by theirs', () => {
  expect(pickableSites(UNITS).map((one) => one.label)).toEqual([
    'Phường Đồng Hới', 'Xã Lệ Thủy', 'Hội trường Ủy ban', 'Hội trường Đảng ủy', 'Đặc khu Cồn Cỏ',
  ]);
});

it('a search finds by name without marks, and by code', () => {
  const found = (query: string): string[] => pickableSites(UNITS).filter((one) => finds(query, one.text)).map((one) => one.label);
  expect(found('le thuy')).toEqual(['Xã Lệ Thủy']);
  expect(found('con co')).toEqual(['Đặc khu Cồn Cỏ']);
  expect(found('19537')).toEqual(['Hội trường Ủy ban', 'Hội trường Đảng ủy']);
  expect(found('con tien dang uy')).toEqual(['Hội trường Đảng ủy']);
});
