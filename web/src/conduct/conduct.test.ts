import { describe, expect, it } from 'vitest';

import type { Fact } from '../protocol';
import { record, roomWith, seat } from '../room/fixtures';
import { withFact } from '../room/roomStore';
import { clockOf, ordered } from './conduct';

const people = [
  seat('chair', { role: 'chair', microphone_granted: true }), seat('a', { site: 'A', spoken_ms: 90_000 }),
  seat('b', { site: 'B' }), seat('d', { role: 'delegate', site: 'B', name: 'Nguyễn Văn An' }),
];
const after = (...facts: Fact[]) => {
  let state = { room: roomWith(people), log: [] as ReturnType<typeof record>[] };
  facts.forEach((fact, index) => {
    const step = withFact(state, record(11 + index, fact));
    if (step.kind !== 'applied') throw new Error(step.kind);
    state = step.state;
  });
  return state.room;
};
const heard = (room: ReturnType<typeof after>) => room.participants.filter((who) => who.microphone_granted).map((who) => who.id);

describe('the conduct of the floor', () => {
  it('opens all microphones for a discussion, each closed by itself, and closes them again', () => {
    const open = after({ type: 'conduct', act: 'regime', regime: 'discussion' });
    expect(heard(open)).toEqual(['chair', 'a', 'b']);
    expect(open.participants.filter((who) => who.self_muted).map((who) => who.id)).toEqual(['a', 'b']);
    expect(heard(after({ type: 'conduct', act: 'regime', regime: 'discussion' }, { type: 'floor_granted', participant: 'a' },
      { type: 'conduct', act: 'regime', regime: 'conducted' }))).toEqual(['chair', 'a']);
  });

  it('shows a delegate who speaks at the microphone of its site', () => {
    const room = after({ type: 'hand_raised', participant: 'd', raised: true }, { type: 'floor_granted', participant: 'b' },
      { type: 'conduct', act: 'speaks', participant: 'b', delegate: 'd' });
    expect([room.floor?.speaker, room.queue]).toEqual(['d', []]);
  });

  it('puts who has spoken least first, when that is asked for', () => {
    const hands: Fact[] = [{ type: 'hand_raised', participant: 'a', raised: true }, { type: 'hand_raised', participant: 'd', raised: true }];
    expect(ordered(after(...hands))).toEqual(['a', 'd']);
    expect(ordered(after(...hands, { type: 'conduct', act: 'order', order: 'least_spoken' }))).toEqual(['d', 'a']);
  });

  it('lets cluster after cluster speak, as its first hand came', () => {
    const hands: Fact[] = ['d', 'a', 'chair', 'b'].map((participant) => ({ type: 'hand_raised', participant, raised: true }));
    const room = after(...hands, { type: 'conduct', act: 'order', order: 'by_unit' });
    expect(ordered(room, new Map([['A', 'nam'], ['B', 'bac']]))).toEqual(['d', 'b', 'a', 'chair']);
    expect(ordered(room, new Map())).toEqual(['d', 'a', 'chair', 'b']);
  });

  it('turns the clock yellow, red and over', () => {
    const { conduct } = after({ type: 'conduct', act: 'limit', limit: { seconds: 300, grace_seconds: 30 } });
    expect([0, 239_000, 240_000, 300_000, 330_000].map((ms) => clockOf(conduct, ms))).toEqual(['plain', 'plain', 'soon', 'red', 'over']);
  });

  it('begins the queue with those who had asked before, until each is invited', () => {
    const asked: Fact = { type: 'conduct', act: 'registered', participant: 'a', subject: 'Thủy lợi', asked_at: 1 };
    const waits = after(asked, { type: 'hand_raised', participant: 'b', raised: true });
    expect([waits.queue, waits.registered.map((one) => one.subject)]).toEqual([['a', 'b'], ['Thủy lợi']]);
    const invited = after(asked, { type: 'floor_granted', participant: 'a' });
    expect([invited.queue, invited.registered]).toEqual([[], []]);
  });
});
