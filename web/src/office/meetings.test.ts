//! The list shows first what matters first.
import { expect, it } from 'vitest';

import { DAY_MS, HOUR_MS } from '../lib/time';
import type { Meeting, MeetingState } from '../protocol';
import { groupMeetings } from './meetings';

const NOW = Date.parse('2026-09-15T10:00:00+07:00');

function meeting(id: string, state: MeetingState, scheduled_at: number, ended_at: number | null = null): Meeting {
  return {
    id, code: id, title: id, venue: '', scheduled_at, state, opened_at: null, ended_at,
    n_sites: 78, n_connected: 0, n_recordings: 0, has_minutes: false,
  };
}

it('open meetings first, today by the hour, the next day before the one after, the last ended first', () => {
  const groups = groupMeetings(
    [
      meeting('old', 'ended', NOW - 9 * DAY_MS, NOW - 9 * DAY_MS),
      meeting('ended this morning', 'ended', NOW - 3 * HOUR_MS, NOW - HOUR_MS),
      meeting('in two days', 'scheduled', NOW + 2 * DAY_MS),
      meeting('tomorrow at one', 'scheduled', NOW + 15 * HOUR_MS),
      meeting('afternoon', 'scheduled', NOW + 4 * HOUR_MS),
      meeting('late', 'scheduled', NOW - HOUR_MS),
      meeting('live', 'open', NOW - HOUR_MS),
    ],
    NOW,
  );
  expect(groups.open.map((m) => m.id)).toEqual(['live']);
  expect(groups.today.map((m) => m.id)).toEqual(['late', 'afternoon']);
  expect(groups.upcoming.map((m) => m.id)).toEqual(['tomorrow at one', 'in two days']);
  expect(groups.ended.map((m) => m.id)).toEqual(['ended this morning', 'old']);
});
