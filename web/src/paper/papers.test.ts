import { expect, test } from 'vitest';
import type { PaperEntry, PaperView } from '../protocol';
import { clampPage, isOpenToAll, neighbours, onAir, pageForKey, sizeText, withPapers } from './papers';

const entry = (paper: string, more: Partial<PaperEntry> = {}): PaperEntry => ({
  paper, name: `Báo cáo ${paper}`, pages: 5, audience: 'all', open_from: null, open_until: null, ...more,
});
const EMPTY: PaperView = { papers: [], on_air: null };

test('a document is added, changed, shown, turned and removed', () => {
  let view = withPapers(EMPTY, { act: 'added', entry: entry('a') }, null);
  view = withPapers(view, { act: 'added', entry: entry('b') }, null);
  view = withPapers(view, { act: 'added', entry: entry('a', { pages: 7 }) }, null);
  expect(view.papers.map((one) => [one.paper, one.pages])).toEqual([['a', 7], ['b', 5]]);
  view = withPapers(view, { act: 'shown', paper: 'a', page: 2 }, 'x');
  view = withPapers(view, { act: 'turned', page: 3 }, 'y');
  expect(view.on_air).toEqual({ paper: 'a', page: 3, by: 'x' });
  expect(onAir(view)?.page).toBe(3);
  view = withPapers(withPapers(view, { act: 'ended' }, null), { act: 'removed', paper: 'a' }, null);
  expect([onAir(view), view.papers.length]).toEqual([null, 1]);
});

test('a document that this page may not read any more goes', () => {
  const view = withPapers(EMPTY, { act: 'added', entry: entry('a') }, null);
  expect(withPapers(view, { act: 'added', entry: entry('a', { name: '', audience: 'leaders' }) }, null).papers).toEqual([]);
});

test('a document is open between its times, and never to all if it is for the leaders', () => {
  expect(isOpenToAll(entry('a', { open_from: 10, open_until: 20 }), 10)).toBe(true);
  expect(isOpenToAll(entry('a', { open_from: 10, open_until: 20 }), 20)).toBe(false);
  expect(isOpenToAll(entry('a', { open_from: 11 }), 10)).toBe(false);
  expect(isOpenToAll(entry('a', { audience: 'leaders' }), 10)).toBe(false);
});

test('neighbours and keys stay within the document', () => {
  expect(neighbours(1, 3)).toEqual([2, 3]);
  expect(neighbours(3, 3)).toEqual([2]);
  expect(['PageDown', 'PageUp', 'Home', 'End', 'x'].map((key) => pageForKey(key, 3, 3))).toEqual([3, 2, 1, 3, null]);
  expect([clampPage(NaN, 3), clampPage(9, 3), clampPage(-1, 3)]).toEqual([1, 3, 1]);
});

test('sizes are written as people read them', () => {
  expect([sizeText(10), sizeText(345_000), sizeText(1_440_000)]).toEqual(['1 kB', '345 kB', '1,4 MB']);
});
