//! The secretary's list says who did what.
import { expect, it } from 'vitest';

import type { Fact, FactRecord } from '../protocol';
import { roomWith, seat } from './fixtures';
import { namesOf, sentenceOf } from './sentences';

const room = roomWith([
  seat('C', { role: 'chair', name: 'Đ/c Chủ trì' }),
  seat('A', { name: 'Điểm cầu xã Lệ Thủy' }),
]);
const down: Fact = { type: 'hand_raised', participant: 'A', raised: false };

function told(by: string | null, next?: Fact): string | null {
  const record = (seq: number, fact: Fact): FactRecord => ({ seq, at: seq, by, fact });
  const after = next === undefined ? undefined : record(2, next);
  return sentenceOf(record(1, down), after, namesOf(room.participants), () => '')?.text ?? null;
}

it('tells a hand that went down as the act of the one who took it down', () => {
  expect(told('A')).toBe('Điểm cầu xã Lệ Thủy rút đăng ký phát biểu');
  expect(told('C')).toBe('Đ/c Chủ trì bỏ đăng ký phát biểu của điểm cầu xã Lệ Thủy');
});

it('says nothing of a hand that goes down with an invitation or with its owner', () => {
  expect(told('C', { type: 'floor_granted', participant: 'A' })).toBeNull();
  expect(told('C', { type: 'left', participant: 'A', reason: 'removed' })).toBeNull();
});
