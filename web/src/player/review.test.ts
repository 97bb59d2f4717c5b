//! Skipping silence never skips a word.
import { describe, expect, it } from 'vitest';

import type { SpeakerLane } from '../protocol';
import { afterSilence, nextSpeech, outline, speaksAt, thumbAt } from './review';

const lane = (...spans: [number, number][]): SpeakerLane => ({ publisher: 'p', name: 'P', speech_ms: 0, spans });
const LANES = [lane([1_000, 5_000], [30_000, 40_000]), lane([4_000, 9_000], [50_000, 51_000])];

describe('silence', () => {
  it('is skipped to just before the next word of anybody', () => {
    expect(afterSilence(LANES, 10_000)).toBe(29_500);
    expect(afterSilence(LANES, 41_000)).toBe(49_500);
  });
  it('is not skipped while anybody speaks, right after it, or when it is short', () => {
    expect(afterSilence(LANES, 6_000)).toBeNull();
    expect(afterSilence(LANES, 9_200)).toBeNull();
    expect(afterSilence(LANES, 29_200)).toBeNull();
    expect(afterSilence([lane([0, 1_000], [3_000, 4_000])], 1_600)).toBeNull();
  });
  it('at the end is played: the end may be the vote', () => {
    expect(afterSilence(LANES, 60_000)).toBeNull();
    expect(afterSilence([], 1_000)).toBeNull();
  });
});

it('a lane goes to its next word, and from its last to its first', () => {
  expect(nextSpeech(LANES[0]!, 0)).toBe(1_000);
  expect(nextSpeech(LANES[0]!, 6_000)).toBe(30_000);
  expect(nextSpeech(LANES[0]!, 39_000)).toBe(1_000);
  expect(speaksAt(LANES[0]!, 4_999)).toBe(true);
  expect(speaksAt(LANES[0]!, 5_000)).toBe(false);
});

it('the small picture of a moment is found in the sheet', () => {
  const thumbs = { every_ms: 5_000, count: 13, columns: 10, width: 160, height: 90 };
  expect(thumbAt(thumbs, 0)).toEqual({ x: -0, y: -0 });
  expect(thumbAt(thumbs, 54_999)).toEqual({ x: -0, y: -90 });
  expect(thumbAt(thumbs, 14_000)).toEqual({ x: -320, y: -0 });
  expect(thumbAt(thumbs, 9_999_999)).toEqual({ x: -320, y: -90 });
});

it('a waveform is drawn around its middle, and silence as a thin line', () => {
  expect(outline([])).toBe('');
  expect(outline([0, 255])).toBe('M0 0.980L1 0.000L1 2.000L0 1.020Z');
});
