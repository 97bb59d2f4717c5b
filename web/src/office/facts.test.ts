//! The log reads like minutes of what happened.
import { expect, it } from 'vitest';

import vi from '../i18n/vi.json';
import type { Fact, FactRecord } from '../protocol';
import { logLines, type Say } from './facts';

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
