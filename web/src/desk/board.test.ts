import { describe, expect, it } from 'vitest';

import type { DeskSite, Participant, RoomSnapshot, SiteHealth, Unit } from '../protocol';
import {
  alarmsOf, boardCounts, boardRows, faultsOf, foundRows, groupsOf, unitsAbove, type Alarm, type BoardInput, type BoardRow,
} from './board';

const who = (id: string, site: string, connected = true): Participant => ({
  id, publisher: id, role: 'site', name: `Điểm cầu xã ${site}`, site, connected, headcount: 12, local_chair: '',
  sources: ['camera'], microphone_granted: false, self_muted: false, spoken_ms: 0,
});
const invited = (site: string, unit = 'commune'): DeskSite => ({
  site, unit, name: `Điểm cầu xã ${site}`, contact: { person: 'Lê Văn An', phone: '0900 000 001' },
});
const room = (participants: Participant[], queue: string[] = []): RoomSnapshot =>
  ({ participants, queue, floor: null }) as unknown as RoomSnapshot;
const input = (more: Partial<BoardInput> = {}): BoardInput => ({
  room: room([who('p1', 'Một'), who('p2', 'Hai', false)], ['p1']),
  invited: [invited('Một'), invited('Hai'), invited('Ba'), invited('Bốn')],
  waiting: [{ site: 'Ba', called_at: 5 }], lines: new Map(), health: new Map(), speakers: [], causes: new Map(), ...more,
});
const none = new Map<string, BoardRow>();
const health = (camera: 'black' | 'live' | 'frozen'): ReadonlyMap<string, SiteHealth> =>
  new Map([['p1', { participant: 'p1', signs: { camera, microphone: 'closed', level: 0 }, check: null }]]);

describe("the desk's board", () => {
  it('tells who is in, waits, was lost, never came', () => {
    const rows = boardRows(input(), none);
    expect(rows.map((row) => row.presence)).toEqual(['in', 'lost', 'waiting', 'absent']);
    expect(rows.map((row) => row.place)).toEqual([1, 0, 0, 0]);
    expect(boardCounts(rows)).toMatchObject({ all: 4, absent: 3, hand: 1, muted: 1 });
  });

  it('keeps rows that did not change', () => {
    const before = new Map(boardRows(input(), none).map((row) => [row.id, row]));
    const after = boardRows(input({ health: health('black') }), before);
    expect(after[0]).not.toBe(before.get('Một'));
    for (const row of after.slice(1)) expect(row).toBe(before.get(row.id));
  });

  it('puts the gravest first and keeps the age of an alarm', () => {
    const rows = boardRows(input({ health: health('black') }), none);
    const alarms = alarmsOf(rows, new Map(), 100);
    expect(alarms.map((alarm) => alarm.key)).toEqual(['Hai/lost', 'Một/black']);
    const known = new Map<string, Alarm>(alarms.map((alarm) => [alarm.key, alarm]));
    expect(alarmsOf(rows, known, 900)[0]).toBe(alarms[0]);
    const still = boardRows(input({ health: health('frozen') }), none);
    expect(alarmsOf(still, known, 900).map((alarm) => [alarm.kind, alarm.since])).toEqual([['lost', 100], ['frozen', 900]]);
    const holds = room([who('p1', 'Một'), who('p2', 'Hai', false)]);
    const floor = { participant: 'p1', since: 0, speaker: null };
    const spoken = boardRows(input({ room: { ...holds, floor }, health: health('black') }), none);
    expect(alarmsOf(spoken, new Map(), 1)[0]?.key).toBe('Một/black');
  });

  it('finds by unit, filter and words without marks, also the contact', () => {
    const units: Unit[] = [
      { id: 'province', parent: null, code: '44', name: 'Tỉnh', sites: [] },
      { id: 'cluster', parent: 'province', code: 'c', name: 'Cụm', sites: [] },
      { id: 'commune', parent: 'cluster', code: '1', name: 'Xã', sites: [] },
    ];
    const above = unitsAbove(units);
    const rows = boardRows(input(), none);
    const found = (filter: 'all' | 'absent', unit: string, search: string) => foundRows(rows, filter, unit, search, above).length;
    expect([found('all', 'province', ''), found('absent', '', ''), found('all', '', 'bon'), found('all', '', 'le van')]).toEqual([4, 3, 1, 4]);
    expect(found('all', 'elsewhere', '')).toBe(0);
    expect(groupsOf(rows, units, above).map((group) => [group.name, group.rows.length, group.depth])).toEqual([['Cụm', 4, 1]]);
  });

  it('says what a check found', () => {
    const signs = { camera: 'black', microphone: 'dead', level: 0 } as const;
    const found = { signs, sound_plays: false, media_connected: true, lost_permille: 80, rtt_ms: 20 };
    expect(faultsOf({ asked_at: 0, done_at: 1, found })).toEqual(['camera_black', 'mic_dead', 'sound', 'line']);
    expect(faultsOf({ asked_at: 0, done_at: null, found: null })).toEqual([]);
  });
});
