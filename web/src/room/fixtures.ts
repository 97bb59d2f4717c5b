//! Rooms for tests.

import type { Fact, FactRecord, Participant, RoomSnapshot } from '../protocol';

export function seat(id: string, change: Partial<Participant> = {}): Participant {
  return {
    id,
    publisher: id,
    role: 'site',
    name: `Điểm cầu ${id}`,
    site: null,
    connected: true,
    headcount: 0,
    local_chair: '',
    sources: ['microphone', 'camera'],
    microphone_granted: false,
    self_muted: false,
    spoken_ms: 0,
    ...change,
  };
}

export function roomWith(participants: Participant[], change: Partial<RoomSnapshot> = {}): RoomSnapshot {
  return {
    meeting: 'M',
    title: 'Hội nghị giao ban',
    opened_at: 1_000,
    ended: false,
    seq: 10,
    participants,
    floor: null,
    queue: [],
    registered: [],
    main: { participant: null, source: 'camera' },
    recording: null,
    messages: [],
    agenda: { items: [], current: null, since: null, began_at: null, conclusions: [] },
    conduct: { regime: 'conducted', limit: null, order: 'arrival', next: null },
    roll: null,
    vote: null,
    desk: { notes: [], banner: '', chat_open: true },
    scenes: { kept: [], all: null, chair: null },
    papers: { papers: [], on_air: null },
    breakout: null,
    ...change,
  };
}

export function record(seq: number, fact: Fact, by: string | null = null): FactRecord {
  return { seq, at: 1_000 + seq, by, fact };
}
