//! The log reads like minutes of what happened.
import { expect, it } from 'vitest';

import officeVi from '../i18n/office.vi.json';
import pageVi from '../i18n/vi.json';
import type { Fact, FactRecord } from '../protocol';
import { logLines, type Say } from './facts';

const vi = { ...pageVi, ...officeVi };

const say: Say = (key, params = {}) =>
  ((vi as Record<string, string>)[key] ?? `?${key}`).replace(/\{(\w+)\}/g, (_, name: string) => String(params[name] ?? '?'));

function record(seq: number, fact: Fact, by: string | null = null): FactRecord {
  return { seq, at: 1_000 * seq, by, fact };
}

it('names participants and messages that earlier facts introduced', () => {
  const lines = logLines(
    [
      record(1, { type: 'opened', title: 'Giao ban tháng 9' }),
      record(2, { type: 'seated', participant: 'c', role: 'chair', name: 'Đ/c Chủ trì', site: null, account: 'a', link: null }),
      record(3, { type: 'seated', participant: 'p', role: 'site', name: 'Điểm cầu xã Lệ Thủy', site: 's', account: null, link: 'l' }),
      record(4, { type: 'floor_granted', participant: 'p' }, 'c'),
      record(5, { type: 'message_sent', message: 'm', text: 'Thống nhất phương án 2' }, 'c'),
      record(6, { type: 'decision_marked', message: 'm', decision: true }, 'c'),
      record(7, { type: 'floor_released', participant: 'p', held_ms: 95_000 }, 'c'),
    ],
    say,
    'vi',
  );
  expect(lines[3]?.text).toBe('Đ/c Chủ trì mời Điểm cầu xã Lệ Thủy phát biểu');
  expect(lines[5]?.text).toContain('Thống nhất phương án 2');
  expect(lines[6]?.text).toContain('1 phút 35 giây');
  expect(lines.map((line) => line.weight)).toEqual(['mark', 'technical', 'technical', 'mark', 'plain', 'mark', 'plain']);
  expect(lines.filter((line) => line.text.includes('?'))).toEqual([]);
});

const seats: FactRecord[] = [
  record(1, { type: 'seated', participant: 'c', role: 'chair', name: 'Đ/c Chủ trì', site: null, account: 'a', link: null }),
  record(2, { type: 'seated', participant: 'p', role: 'site', name: 'Điểm cầu xã Lệ Thủy', site: 's', account: null, link: 'l' }),
  record(3, { type: 'seated', participant: 'q', role: 'site', name: 'Điểm cầu xã Gio Linh', site: 's', account: null, link: 'l' }),
];

it('says who took a hand down: the site, the chair, or the invitation', () => {
  const down: Fact = { type: 'hand_raised', participant: 'p', raised: false };
  const lines = logLines(
    [
      ...seats,
      record(4, down, 'p'),
      record(5, down, 'c'),
      record(6, down, 'c'),
      record(7, { type: 'floor_granted', participant: 'p' }, 'c'),
    ],
    say,
    'vi',
  ).slice(3);
  expect(lines.map((line) => line.text)).toEqual([
    'Điểm cầu xã Lệ Thủy rút đăng ký phát biểu',
    'Đ/c Chủ trì bỏ đăng ký phát biểu của Điểm cầu xã Lệ Thủy',
    'Điểm cầu xã Lệ Thủy đến lượt phát biểu',
    'Đ/c Chủ trì mời Điểm cầu xã Lệ Thủy phát biểu',
  ]);
  expect(lines.map((line) => line.weight)).toEqual(['plain', 'plain', 'technical', 'mark']);
});

it('tells what one participant said in pieces as one line, and what others said as their own', () => {
  const spoke = (seq: number, participant: string, ms: number) =>
    record(seq, { type: 'spoke', participant, from: 0, ms });
  const lines = logLines(
    [...seats, spoke(4, 'p', 30_000), spoke(5, 'p', 30_000), spoke(6, 'p', 5_000), spoke(7, 'q', 4_000), spoke(8, 'p', 2_000)],
    say,
    'vi',
  ).slice(3);
  expect(lines.map((line) => [line.seq, line.text])).toEqual([
    [4, 'Điểm cầu xã Lệ Thủy nói trong 1 phút 05 giây'],
    [7, 'Điểm cầu xã Gio Linh nói trong 4 giây'],
    [8, 'Điểm cầu xã Lệ Thủy nói trong 2 giây'],
  ]);
});
