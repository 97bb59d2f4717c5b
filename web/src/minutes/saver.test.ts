//! Nothing that was typed stays unsent, and nobody's work is overwritten unasked.
import { describe, expect, it } from 'vitest';

import {
  edited, failed, hurried, isDirty, isDue, keptMine, newSaver, REST_MS, RETRY_MS, RETRY_MS_MAX, sending, succeeded,
  type Saver,
} from './saver';

describe('saving minutes', () => {
  it('waits until the typing rests, then sends once', () => {
    let saver = edited(newSaver(3), 1_000);
    saver = edited(saver, 1_400);
    expect(isDue(saver, 1_400 + REST_MS - 1)).toBe(false);
    expect(isDue(saver, 1_400 + REST_MS)).toBe(true);
    saver = sending(saver);
    expect(isDue(saver, 9_999_999)).toBe(false);
    saver = succeeded(saver, 4, 5_000);
    expect(saver).toEqual(newSaver(4));
  });

  it('sends again what was typed while the last sending was on its way', () => {
    const saver = succeeded(edited(sending(edited(newSaver(1), 0)), 100), 2, 200);
    expect(saver.status).toBe('unsaved');
    expect(saver.version).toBe(2);
    expect(isDue(saver, 200 + REST_MS)).toBe(true);
  });

  it('tries again with growing pauses while the server does not answer, and at once on Ctrl+S', () => {
    let saver = edited(newSaver(1), 0);
    let now = 0;
    for (let round = 0; round < 12; round++) {
      saver = failed(sending(saver), 'network', now);
      expect(saver.status).toBe('offline');
      expect(saver.dueAt ?? 0).toBe(now + Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** round));
      now = saver.dueAt ?? 0;
    }
    expect(isDue(hurried(saver, now - 1), now - 1)).toBe(true);
  });

  it('does nothing by itself in a conflict, until a human decides', () => {
    const saver = edited(hurried(failed(sending(edited(newSaver(1), 0)), 'conflict', 0), 1), 2);
    expect(saver.status).toBe('conflict');
    expect(saver.dueAt).toBeNull();
    const mine = keptMine(saver, 7, 10);
    expect(mine.version).toBe(7);
    expect(isDue(mine, 10)).toBe(true);
  });

  it('stops when the content is refused, until it is changed', () => {
    const refused = failed(sending(edited(newSaver(1), 0)), 'too_large', 0);
    expect(refused.dueAt).toBeNull();
    expect(isDue(edited(refused, 50), 50 + REST_MS)).toBe(true);
  });

  it('under any order of events never forgets a change and never sends twice at once', () => {
    let seed = 42;
    const random = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below;
    for (let run = 0; run < 300; run++) {
      let saver: Saver = newSaver(1);
      let typed = 0;
      let taken = 0;
      let stored = 0;
      let now = 0;
      for (let step = 0; step < 60; step++) {
        now += random(4_000);
        if (saver.status === 'saving') {
          expect(saver.dueAt).toBeNull();
          const outcome = random(3);
          if (outcome === 0) saver = edited(saver, now);
          if (outcome === 0) typed += 1;
          if (outcome === 1) {
            stored = taken;
            saver = succeeded(saver, saver.version + 1, now);
          }
          if (outcome === 2) saver = failed(saver, random(2) === 0 ? 'network' : 'internal', now);
        } else if (isDue(saver, now)) {
          taken = typed;
          saver = sending(saver);
        } else if (random(2) === 0) {
          typed += 1;
          saver = edited(saver, now);
        }
        if (typed !== stored) expect(isDirty(saver)).toBe(true);
        if (isDirty(saver) && saver.status !== 'saving') expect(saver.dueAt).not.toBeNull();
      }
    }
  });
});
