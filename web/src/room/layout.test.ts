//! Pictures fit their box, and only what is shown is wanted.
import { describe, expect, test } from 'vitest';

import { VIDEO_LINES } from '../media/lines';
import type { Want } from '../protocol';
import { roomWith, seat } from './fixtures';
import { fitBoard, fitStage, layerFor, mainPicture, paged, sidePictures, wantsFor, type Shown, withNext } from './layout';

const chair = seat('C', { role: 'chair' });

describe('the main picture', () => {
  test('is the chair’s camera when nobody is named', () => {
    expect(mainPicture(roomWith([seat('A'), chair]))?.participant).toBe('C');
  });

  test('is the named participant’s, under its name at the node', () => {
    const room = roomWith([chair, seat('A', { publisher: 'camera-2', sources: ['screen'] })], {
      main: { participant: 'A', source: 'screen' },
    });
    expect(mainPicture(room)).toEqual({ participant: 'A', publisher: 'camera-2', source: 'screen' });
  });

  test('falls back to the camera when the shared screen has stopped', () => {
    const room = roomWith([chair, seat('A')], { main: { participant: 'A', source: 'screen' } });
    expect(mainPicture(room)?.source).toBe('camera');
  });

  test('is nobody’s in a room without a chair', () => {
    expect(mainPicture(roomWith([seat('A')]))).toBeNull();
  });
});

describe('side pictures', () => {
  test('stand in the order floor, chair, voices, hands, seats; without oneself and the main one', () => {
    const room = roomWith(
      [chair, seat('A'), seat('B'), seat('D'), seat('E'), seat('F', { connected: false })],
      {
        main: { participant: 'E', source: 'camera' },
        floor: { participant: 'E', since: 0, speaker: null },
        queue: ['B'],
      },
    );
    const ids = sidePictures(room, 'A', ['D']).map((picture) => picture.participant);
    expect(ids).toEqual(['C', 'D', 'B']);
  });

  test('who sends no picture has none, and a shared screen comes before its camera', () => {
    const room = roomWith([
      chair,
      seat('A', { sources: ['microphone'] }),
      seat('B', { sources: ['camera', 'screen'] }),
    ]);
    expect(sidePictures(room, null, []).map((picture) => picture.source)).toEqual([
      'screen',
      'camera',
    ]);
  });
});

describe('the stage', () => {
  test.each([
    [1920, 900, 8],
    [1366, 600, 8],
    [1366, 600, 1],
    [390, 560, 3],
    [800, 300, 4],
  ])('of %i×%i with %i side pictures stays inside its box', (width, height, n) => {
    const stage = fitStage(width, height, n);
    const across = stage.side === 'right' ? stage.main.width + 12 + stage.tile.width : stage.main.width;
    const down =
      stage.side === 'below' ? stage.main.height + 12 + stage.tile.height : stage.main.height;
    expect(across).toBeLessThanOrEqual(width);
    expect(down).toBeLessThanOrEqual(height);
    expect(stage.n_tiles).toBeLessThanOrEqual(n);
    expect(stage.n_tiles).toBeGreaterThan(0);
    expect(stage.main.width / stage.main.height).toBeCloseTo(16 / 9, 1);
  });

  test('of a television keeps side pictures on the right and four fifths for the main one', () => {
    const stage = fitStage(1920, 900, 11);
    expect(stage.side).toBe('right');
    expect(stage.main.width).toBeGreaterThan(1920 * 0.78);
  });

  test('of an upright telephone puts them below', () => {
    expect(fitStage(390, 600, 4).side).toBe('below');
  });
});

describe('the board of the console', () => {
  test.each([
    [684, 560],
    [1120, 860],
    [1500, 1200],
  ])('of %i×%i stays inside its box', (width, height) => {
    const { main, tile, n_tiles } = fitBoard(width, height, 78, false);
    const columns = Math.floor((width + 8) / (tile.width + 8));
    const rows = Math.ceil(n_tiles / columns);
    expect(main.width).toBeLessThanOrEqual(width);
    expect(main.height + 36 + rows * (tile.height + 8)).toBeLessThanOrEqual(height);
    expect(main.height).toBeGreaterThan(height / 3);
  });

  test('keeps no room for a second row that nobody fills', () => {
    const [few, many] = [fitBoard(1120, 930, 4, false), fitBoard(1120, 930, 5, false)];
    expect([few.n_tiles, many.n_tiles]).toEqual([4, 8]);
    expect(few.main.width).toBeGreaterThan(many.main.width);
  });

  test('of a telephone has a main picture as wide as the page and one row of two', () => {
    const { main, tile, n_tiles } = fitBoard(370, 380, 78, true);
    expect(main).toEqual({ width: 370, height: 208 });
    expect(n_tiles).toBe(2);
    expect(tile.width * 2 + 8).toBeLessThanOrEqual(370);
  });
});

describe('wants', () => {
  const shown = (participant: string, width: number): Shown => ({
    picture: { participant, publisher: participant, source: 'camera' },
    width,
  });

  test('follow the size of the tile', () => {
    expect([160, 640, 1600].map((width) => layerFor(width, 1))).toEqual(['low', 'mid', 'high']);
    expect(layerFor(300, 2)).toBe('mid');
  });

  test('never name oneself, name every track once at its largest, main first', () => {
    const wants = wantsFor([shown('C', 900), shown('A', 0), shown('me', 200), shown('C', 160)], 'me', 1);
    expect(wants).toEqual([{ track: { publisher: 'C', source: 'camera' }, layer_max: 'high' }]);
  });

  test('never exceed the receiving lines', () => {
    const many = Array.from({ length: 40 }, (_, n) => shown(`p${n}`, 160));
    expect(wantsFor(many, null, 1)).toHaveLength(VIDEO_LINES);
  });
});

test('a page beyond the end is the last page', () => {
  expect(paged([1, 2, 3, 4, 5], 2, 9)).toEqual({ items: [5], page: 2, n_pages: 3 });
  expect(paged([], 4, 3)).toEqual({ items: [], page: 0, n_pages: 1 });
});

test('who speaks next is fetched in small beforehand, without taking another picture its line', () => {
  const want = (publisher: string): Want => ({ track: { publisher, source: 'camera' }, layer_max: 'high' });
  const low = { track: { publisher: 'n', source: 'camera' }, layer_max: 'low' };
  expect(withNext([want('a')], 'n', 25)).toEqual([want('a'), low]);
  expect(withNext([want('a'), want('n')], 'n', 25)).toEqual([want('a'), want('n')]);
  expect(withNext([want('a')], null, 25)).toEqual([want('a')]);
  expect(withNext([want('a'), want('b'), want('c')], 'n', 3)).toEqual([want('a'), want('b'), low]);
});
