import { describe, expect, it } from 'vitest';

import { shownAt, type Turn } from './rotation';

const ids = Array.from({ length: 150 }, (_, index) => `s${index}`);
const turn = (more: Partial<Turn> = {}): Turn => ({
  ids, pinned: [], alarmed: new Set(), tiles: 25, window: 1, of: 3, turn: 0, ...more,
});

describe('a monitor wall', () => {
  it('shows each site in some window before it shows one again', () => {
    const { n_pages } = shownAt(turn());
    const all = [0, 1, 2].flatMap((at) => [1, 2, 3].map((window) => shownAt(turn({ window, turn: at })).ids));
    expect(all.slice(0, n_pages).flat()).toEqual(ids);
  });

  it('does not turn while all sites have a place', () => {
    const few = ids.slice(0, 60);
    const all = [1, 2, 3].map((window) => shownAt(turn({ ids: few, window })));
    expect(all.flatMap((one) => one.ids)).toEqual(few);
    expect(shownAt(turn({ ids: few, window: 2, turn: 7 })).ids).toEqual(all[1]?.ids);
    expect(shownAt(turn({ ids: ids.slice(0, 10), window: 3 })).ids).toEqual([]);
  });

  it('keeps what is pinned, and a faulty site a turn longer', () => {
    const pinned = ['s149', 'nobody'];
    for (const at of [0, 1, 2, 3]) expect(shownAt(turn({ pinned, turn: at })).ids[0]).toBe('s149');
    const before = shownAt(turn()).ids;
    const alarmed = new Set(before.slice(0, 9));
    const after = shownAt(turn({ alarmed, turn: 1 })).ids;
    expect(after.slice(0, 5)).toEqual(before.slice(0, 5));
    expect(after.length).toBeLessThanOrEqual(25);
    expect(shownAt(turn({ alarmed, turn: 2 })).ids.some((id) => alarmed.has(id))).toBe(false);
  });

  it('never shows more than it has tiles, nor one twice', () => {
    for (let n = 0; n < 60; n += 7) {
      for (let at = 0; at < 5; at += 1) {
        const now = shownAt(turn({ ids: ids.slice(0, n * 2), pinned: ids.slice(0, n), alarmed: new Set(ids), turn: at, window: 2 })).ids;
        expect(now.length).toBeLessThanOrEqual(25);
        expect(new Set(now).size).toBe(now.length);
      }
    }
  });
});
