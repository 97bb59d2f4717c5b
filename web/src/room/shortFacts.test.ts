//! A short message comes to the same room as the facts that it stands for.
import { expect, it } from 'vitest';

import { record, roomWith, seat } from './fixtures';
import { withFact, type RoomState } from './roomStore';
import { lengthened, type Short } from './shortFacts';

function after(state: RoomState, ...messages: Short[]): RoomState {
  for (const message of messages) {
    for (const fact of lengthened(state.room, message, 99)) {
      const step = withFact(state, fact);
      if (step.kind !== 'applied') throw new Error(step.kind);
      state = step.state;
    }
  }
  return state;
}

it('a site that comes and sends is in the room as the long facts would have it', () => {
  const before: RoomState = { room: roomWith([seat('chair', { role: 'chair' })]), log: [] };
  const short = after(before, { type: 'came', who: [7, 'p', 's', 'Điểm cầu xã Lệ Thủy'] }, { type: 'sends', what: [1, 0] }, { type: 'sends', what: [1, 1] });
  const [who] = short.room.participants.slice(-1);
  expect(who?.publisher).toBe('p');
  expect([who?.id, who?.site, who?.name, who?.role, who?.connected, who?.sources]).toEqual(
    ['p', 's', 'Điểm cầu xã Lệ Thủy', 'site', true, ['microphone', 'camera']]);
  expect(short.room.seq).toBe(before.room.seq + 4);
  expect(short.log.map((one) => one.fact.type)).toEqual(['seated', 'joined', 'published', 'published']);
});

it('what names a seat that is not here gives no fact, and the next one shows the gap', () => {
  const before: RoomState = { room: roomWith([]), log: [] };
  expect(lengthened(before.room, { type: 'sends', what: [5, 0] }, 1)).toEqual([]);
  expect(lengthened(null, { type: 'sends', what: [0, 0] }, 1)).toEqual([]);
  expect(withFact(before, record(before.room.seq + 2, { type: 'joined', participant: 'x' })).kind).toBe('gap');
});
