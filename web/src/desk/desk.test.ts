import { expect, it } from 'vitest';

import type { DeskView, Fact } from '../protocol';
import { record } from '../room/fixtures';
import { foundIn, threadsOf, withDesk } from './desk';

const none: DeskView = { notes: [], banner: '', chat_open: true };
const step = (desk: DeskView, fact: Fact, by: string | null): DeskView =>
  fact.type === 'desk' ? withDesk(desk, fact, record(1, fact, by)) : desk;
const note = (message: string, to: string | null, text: string): Fact => ({ type: 'desk', act: 'noted', message, to, text });

it('notes become threads by site, the newest first, and what may not be read is not kept', () => {
  let desk = step(none, note('1', null, 'Micro bị rè'), 'lethuy');
  desk = step(desk, note('2', null, 'Mất hình'), 'donghoi');
  desk = step(desk, note('3', 'lethuy', 'Đang xử lý'), 'desk');
  desk = step(desk, note('4', null, ''), null);
  expect(threadsOf(desk.notes).map(({ site, last }) => [site, last.id])).toEqual([['lethuy', '3'], ['donghoi', '2']]);
  expect(foundIn(desk.notes, 'mat hinh', () => '').map((it) => it.id)).toEqual(['2']);
  expect(foundIn(desk.notes, 'le thuy', (id) => (id === 'lethuy' ? 'Xã Lệ Thủy' : '')).map((it) => it.id)).toEqual(['1']);
});

it('words on every screen come and go, and the chat closes', () => {
  const said = step(none, { type: 'desk', act: 'announced', text: 'Giải lao 15 phút' }, 'desk');
  expect(said.banner).toBe('Giải lao 15 phút');
  expect(step(said, { type: 'desk', act: 'announced', text: '' }, 'desk').banner).toBe('');
  expect(step(none, { type: 'desk', act: 'chat_set', open: false }, 'desk').chat_open).toBe(false);
});
