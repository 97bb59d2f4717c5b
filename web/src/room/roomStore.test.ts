//! The reducer comes to the room that the facts describe.
import { describe, expect, test } from 'vitest';

import type { Fact } from '../protocol';
import { record, roomWith, seat } from './fixtures';
import { MESSAGES_MAX, withFact, withHistory, withSnapshot, type RoomState } from './roomStore';

const chair = seat('C', { role: 'chair', microphone_granted: true });

function play(facts: Fact[], from = roomWith([chair, seat('A'), seat('B')])): RoomState {
  let state = withSnapshot(null, from);
  for (const fact of facts) {
    const step = withFact(state, record(state.room.seq + 1, fact));
    if (step.kind !== 'applied') throw new Error(`not applied: ${fact.type}`);
    state = step.state;
  }
  return state;
}

const who = (state: RoomState, id: string) => state.room.participants.find((p) => p.id === id);

describe('the room', () => {
  test('a seat is new once, and renamed when it is given again', () => {
    const seated = (name: string): Fact => ({
      type: 'seated', participant: 'D', role: 'site', name, site: null, account: null, link: 'L',
    });
    const state = play([seated('Xã Lệ Thủy'), { type: 'joined', participant: 'D' }, seated('Xã Lệ Ninh')]);
    expect(state.room.participants.map((p) => p.id)).toEqual(['C', 'A', 'B', 'D']);
    expect(who(state, 'D')).toMatchObject({
      name: 'Xã Lệ Ninh', connected: true, microphone_granted: false, publisher: 'D',
    });
  });

  test('an external signal is known at the node by its name', () => {
    const state = play([{
      type: 'seated', participant: 'W', role: 'site', name: 'may-quay-1', site: null, account: null, link: null,
    }]);
    expect(who(state, 'W')?.publisher).toBe('may-quay-1');
  });

  test('an invitation takes the site out of the queue and gives it the floor from that moment', () => {
    const state = play([
      { type: 'hand_raised', participant: 'B', raised: true },
      { type: 'hand_raised', participant: 'A', raised: true },
      { type: 'floor_granted', participant: 'B' },
      { type: 'microphone_granted', participant: 'B', granted: true },
    ]);
    expect(state.room.queue).toEqual(['A']);
    expect(state.room.floor).toEqual({ participant: 'B', since: 1_013, speaker: null });
    expect(who(state, 'B')?.microphone_granted).toBe(true);
  });

  test('thanks take the floor back only from its holder', () => {
    const late = play([
      { type: 'floor_granted', participant: 'A' },
      { type: 'floor_granted', participant: 'B' },
      { type: 'floor_released', participant: 'A', held_ms: 5 },
    ]);
    expect(late.room.floor?.participant).toBe('B');
    expect(play([
      { type: 'floor_granted', participant: 'A' },
      { type: 'floor_released', participant: 'A', held_ms: 5 },
    ]).room.floor).toBeNull();
  });

  test('muting all closes every microphone but the chair’s', () => {
    const state = play([
      { type: 'microphone_granted', participant: 'A', granted: true },
      { type: 'all_muted' },
    ]);
    expect(state.room.participants.map((p) => p.microphone_granted)).toEqual([true, false, false]);
  });

  test('a hand raised again goes to the end, and the floor holder’s is not taken', () => {
    const up = (participant: string, raised = true): Fact => ({
      type: 'hand_raised', participant, raised,
    });
    expect(play([up('A'), up('B'), up('A')]).room.queue).toEqual(['B', 'A']);
    expect(play([{ type: 'floor_granted', participant: 'A' }, up('A')]).room.queue).toEqual([]);
    expect(play([up('A'), up('B'), up('A', false), up('A')]).room.queue).toEqual(['B', 'A']);
  });

  test('a published track is listed once and goes when it stops', () => {
    const state = play([
      { type: 'published', participant: 'A', source: 'screen' },
      { type: 'published', participant: 'A', source: 'screen' },
      { type: 'unpublished', participant: 'A', source: 'camera' },
    ]);
    expect(who(state, 'A')?.sources).toEqual(['microphone', 'screen']);
  });

  test('a recording is unhealthy after a failure and gone after its stop', () => {
    const started: Fact = { type: 'recording_started', recording: 'R' };
    const failed: Fact = { type: 'recording_failed', recording: 'R', code: 'disk_full' };
    expect(play([started]).room.recording).toEqual({ recording: 'R', since: 1_011, healthy: true });
    expect(play([started, failed]).room.recording?.healthy).toBe(false);
    expect(play([started, failed, started]).room.recording).toEqual({
      recording: 'R', since: 1_011, healthy: true,
    });
    expect(play([started, { type: 'recording_stopped', recording: 'R' }]).room.recording).toBeNull();
  });

  test('who leaves sends nothing until its tracks arrive again', () => {
    const state = play([
      { type: 'resumed' },
      { type: 'left', participant: 'A', reason: 'restarted' },
      { type: 'joined', participant: 'A' },
      { type: 'published', participant: 'A', source: 'camera' },
      { type: 'published', participant: 'A', source: 'microphone' },
    ]);
    expect(who(state, 'A')).toMatchObject({ connected: true, sources: ['microphone', 'camera'] });
    expect(play([{ type: 'left', participant: 'A', reason: 'lost' }]).room.participants[1]).toMatchObject({
      connected: false, sources: [],
    });
  });

  test('messages keep their writer and mark, and old ones make room', () => {
    const facts: Fact[] = Array.from({ length: MESSAGES_MAX + 1 }, (_, n) => ({
      type: 'message_sent', message: `m${n}`, text: `${n}`,
    }));
    const state = play([...facts, { type: 'decision_marked', message: 'm7', decision: true }]);
    expect(state.room.messages).toHaveLength(MESSAGES_MAX);
    expect(state.room.messages[0]?.id).toBe('m1');
    expect(state.room.messages.filter((m) => m.decision).map((m) => m.id)).toEqual(['m7']);
  });
});

describe('the order of facts', () => {
  test('a fact seen before changes nothing', () => {
    const state = withSnapshot(null, roomWith([chair]));
    expect(withFact(state, record(10, { type: 'ended' })).kind).toBe('old');
  });

  test('a missing number is a gap', () => {
    const state = withSnapshot(null, roomWith([chair]));
    expect(withFact(state, record(12, { type: 'ended' })).kind).toBe('gap');
  });

  test('history from the log comes before what was seen, each fact once', () => {
    const state = play([{ type: 'all_muted' }, { type: 'ended' }]);
    const history = [record(9, { type: 'resumed' }), record(11, { type: 'all_muted' })];
    expect(withHistory(state, history).log.map((r) => r.seq)).toEqual([9, 11, 12]);
  });

  test('a snapshot keeps the log of the same meeting', () => {
    const state = play([{ type: 'all_muted' }]);
    expect(withSnapshot(state, roomWith([chair], { seq: 40 })).log).toHaveLength(1);
    expect(withSnapshot(state, roomWith([chair], { seq: 40, meeting: 'N' })).log).toHaveLength(0);
  });
});
