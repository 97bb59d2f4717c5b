import { expect, test } from 'vitest';
import { camerasOf, SnapshotBook, type Camera } from './snapshots';

const camera = (publisher: string, at: number, webp: number[] | null): Camera => ({
  publisher, at, width: 320, height: 180, webp: webp === null ? null : new Uint8Array(webp),
});

test('a bundle is read as the server writes it', () => {
  // The bytes of signaling/src/http/insight.rs, and a camera that has none yet.
  const bytes = [
    2, 97, 98, 0, 0, 0, 0, 0, 0, 1, 244, 1, 64, 0, 180, 0, 0, 0, 2, 7, 8,
    1, 99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  ];
  const found = camerasOf(new Uint8Array(bytes).buffer);
  expect(found).toEqual([camera('ab', 500, [7, 8]), { publisher: 'c', at: 0, width: 0, height: 0, webp: null }]);
  for (let n = 0; n < bytes.length; n += 1) camerasOf(new Uint8Array(bytes.slice(0, n)).buffer);
});

test('a picture keeps its address until a newer one comes or its camera goes', () => {
  let n_made = 0;
  const dropped: string[] = [];
  const book = new SnapshotBook(() => `blob:${(n_made += 1)}`, (url) => dropped.push(url));
  expect(book.since).toBe(-1);
  book.take([camera('a', 10_000, [1]), camera('b', 20_000, [2])]);
  expect(book.since).toBe(15_000);
  const shown = book.take([camera('a', 10_000, null), camera('b', 20_000, [2])]);
  expect([shown.get('a')?.url, shown.get('b')?.url, n_made]).toEqual(['blob:1', 'blob:2', 2]);
  expect(book.take([camera('b', 30_000, [3])]).get('b')?.url).toBe('blob:3');
  expect(dropped).toEqual(['blob:1', 'blob:2']);
  book.close();
  expect(dropped).toEqual(['blob:1', 'blob:2', 'blob:3']);
});
