//! Chapters are where a secretary expects them.
import { expect, it } from 'vitest';

import type { Chapter } from '../protocol';
import { chapterAt, nextChapter, previousChapter } from './recordings';

const chapter = (ms: number): Chapter => ({ ms, kind: 'speech', text: String(ms) });
const CHAPTERS = [chapter(10_000), chapter(60_000), chapter(120_000)];

it('the chapter playing is the last that has begun', () => {
  expect(chapterAt(CHAPTERS, 9_999)).toBe(-1);
  expect(chapterAt(CHAPTERS, 10_000)).toBe(0);
  expect(chapterAt(CHAPTERS, 500_000)).toBe(2);
});

it('previous goes to the beginning first, then to the one before', () => {
  expect(previousChapter(CHAPTERS, 90_000)).toBe(60_000);
  expect(previousChapter(CHAPTERS, 61_000)).toBe(10_000);
  expect(previousChapter(CHAPTERS, 11_000)).toBe(0);
});

it('next ends after the last', () => {
  expect(nextChapter(CHAPTERS, 0)).toBe(10_000);
  expect(nextChapter(CHAPTERS, 60_000)).toBe(120_000);
  expect(nextChapter(CHAPTERS, 120_000)).toBeNull();
  expect(nextChapter([], 0)).toBeNull();
});
