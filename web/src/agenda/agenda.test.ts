import { describe, expect, it } from 'vitest';

import type { Agenda } from '../protocol';
import { conclusionOf, itemsIn, lateMs, nextIndex, textOf, withAgenda } from './agenda';

const items = itemsIn('1. Khai mạc | 10\nTham luận | 15 phút\n\nKết luận', []);
const empty: Agenda = { items: [], current: null, since: null, began_at: null, conclusions: [] };
const MINUTE = 60_000;

describe('the agenda', () => {
  it('is read from a typed list and written as one', () => {
    expect(items.map((item) => [item.title, item.minutes])).toEqual([['Khai mạc', 10], ['Tham luận', 15], ['Kết luận', 0]]);
    expect(itemsIn(textOf(items), items)).toEqual(items);
  });

  it('keeps one conclusion an item, as it reads last', () => {
    let agenda = withAgenda({ ...empty, items }, { act: 'concluded', title: 'Tham luận', text: 'Giao các xã.' }, 0);
    agenda = withAgenda(agenda, { act: 'concluded', title: '', text: 'Kết luận chung.' }, 1);
    agenda = withAgenda(agenda, { act: 'concluded', title: 'Tham luận', text: 'Giao các xã, phường.' }, 2);
    expect([conclusionOf(agenda, 'Tham luận'), conclusionOf(agenda, ''), agenda.conclusions.length]).toEqual(['Giao các xã, phường.', 'Kết luận chung.', 2]);
    agenda = withAgenda(agenda, { act: 'concluded', title: 'Tham luận', text: '' }, 3);
    expect(agenda.conclusions.map((one) => one.title)).toEqual(['']);
  });

  it('goes on and knows how late it is', () => {
    let agenda = withAgenda(empty, { act: 'set', items }, 0);
    expect([nextIndex(agenda), lateMs(agenda, 99)]).toEqual([0, 0]);
    agenda = withAgenda(agenda, { act: 'began', index: 0 }, 0);
    expect([lateMs(agenda, 9 * MINUTE), lateMs(agenda, 12 * MINUTE)]).toEqual([0, 2 * MINUTE]);
    agenda = withAgenda(agenda, { act: 'began', index: 1 }, 14 * MINUTE);
    expect([nextIndex(agenda), lateMs(agenda, 15 * MINUTE), lateMs(agenda, 30 * MINUTE)]).toEqual([2, 4 * MINUTE, 5 * MINUTE]);
    agenda = withAgenda(agenda, { act: 'set', items: items.slice(0, 1) }, 31 * MINUTE);
    expect([agenda.current, nextIndex(agenda)]).toEqual([null, 0]);
  });
});
