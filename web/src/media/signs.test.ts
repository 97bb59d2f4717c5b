import { describe, expect, it } from 'vitest';

import { isBlack, levelBetween, sentOf, SignsJudge, type Look } from './signs';

const look = (frames: number, more: Partial<Look> = {}): Look => ({
  hasCamera: true, isBlack: false, hasMicrophone: true, isOpen: true,
  sent: { frames, energy: frames / 1_000, seconds: frames / 25 }, ...more,
});

describe('signs of camera and microphone', () => {
  it('tell a dark room from a black picture', () => {
    const picture = (value: number, spot = value) => [...Array(143 * 4).fill(value), spot, spot, spot, 255];
    expect(isBlack(picture(3))).toBe(true);
    expect(isBlack(picture(3, 200))).toBe(false);
    expect(isBlack(picture(30))).toBe(false);
    expect(isBlack([])).toBe(false);
  });

  it('call a camera frozen or black only when three looks agree', () => {
    const judge = new SignsJudge();
    expect(judge.look(look(50)).camera).toBe('live');
    expect([50, 50, 50].map((frames) => judge.look(look(frames)).camera)).toEqual(['live', 'live', 'frozen']);
    expect(judge.look(look(75)).camera).toBe('live');
    const dark = [80, 85, 90].map((frames) => judge.look(look(frames, { isBlack: true })).camera);
    expect(dark).toEqual(['live', 'live', 'black']);
    expect(judge.look(look(95, { hasCamera: false })).camera).toBe('off');
  });

  it('call an open microphone dead only when it gives nothing at all', () => {
    const judge = new SignsJudge();
    const silent = { frames: 1, energy: 2, seconds: 1 };
    const signs = [1, 2, 3, 4].map((n) => judge.look(look(n, { sent: { ...silent, frames: n, seconds: n } })).microphone);
    expect(signs).toEqual(['live', 'live', 'live', 'dead']);
    expect(judge.look(look(9, { isOpen: false })).microphone).toBe('closed');
    expect(judge.look(look(9, { hasMicrophone: false })).microphone).toBe('missing');
    const unknown = new SignsJudge();
    const none = { frames: null, energy: null, seconds: 0 };
    expect([1, 2, 3, 4, 5].map(() => unknown.look(look(1, { sent: none })).microphone).at(-1)).toBe('live');
  });

  it('measure loudness in steps', () => {
    const sent = (energy: number, seconds: number) => ({ frames: 0, energy, seconds });
    expect(levelBetween(sent(0, 0), sent(0, 2))).toBe(0);
    expect(levelBetween(sent(0, 0), sent(2 * 0.1 ** 2, 2))).toBe(5);
    expect(levelBetween(sent(0, 0), sent(2 * 0.005 ** 2, 2))).toBe(2);
  });

  it('are read from the sources that leave', () => {
    const stats = [
      { type: 'media-source', kind: 'video', frames: 12 },
      { type: 'media-source', kind: 'audio', totalAudioEnergy: 0.5, totalSamplesDuration: 3 },
      { type: 'inbound-rtp', kind: 'video', frames: 99 },
    ];
    expect(sentOf(stats)).toEqual({ frames: 12, energy: 0.5, seconds: 3 });
  });
});
