import { describe, expect, it } from 'vitest';
import { setDemand, type Encoding } from './demand';

const camera = (): Encoding[] => [{ rid: 'l' }, { rid: 'm' }, { rid: 'h' }];
const active = (encodings: Encoding[]) => encodings.filter((it) => it.active).map((it) => it.rid);

describe('which layers are sent', () => {
  it('switches off what nobody looks at, and on again', () => {
    const encodings = camera();
    expect(setDemand(encodings, ['low', 'mid'], true)).toBe(true);
    expect(active(encodings)).toEqual(['l', 'm']);
    expect(setDemand(encodings, ['low', 'mid'], true)).toBe(false);
    expect(setDemand(encodings, ['low', 'mid', 'high'], true)).toBe(true);
    expect(active(encodings)).toEqual(['l', 'm', 'h']);
  });

  it('keeps the lowest layer at a low rate while nobody looks', () => {
    const encodings = camera();
    setDemand(encodings, ['low'], false);
    expect(active(encodings)).toEqual(['l']);
    expect(encodings[0]?.maxFramerate).toBe(2);
    setDemand(encodings, ['low'], true);
    expect(encodings[0]).not.toHaveProperty('maxFramerate');
  });

  it('leaves a line without layers alone', () => {
    const encodings: Encoding[] = [{}];
    expect(setDemand(encodings, ['high'], false)).toBe(false);
    expect(encodings).toEqual([{}]);
  });
});
