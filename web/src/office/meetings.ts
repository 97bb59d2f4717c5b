//! Meetings in the order in which an office looks for them.
import { daysAhead } from '../lib/time';
import type { Meeting } from '../protocol';

export interface MeetingGroups {
  /** The room is open. */
  open: Meeting[];
  /** Planned for today, or for a day that has passed. */
  today: Meeting[];
  /** Planned for later, the next first. */
  upcoming: Meeting[];
  /** Over, the last first. */
  ended: Meeting[];
}

export function groupMeetings(meetings: readonly Meeting[], now: number): MeetingGroups {
  const groups: MeetingGroups = { open: [], today: [], upcoming: [], ended: [] };
  for (const meeting of meetings) {
    switch (meeting.state) {
      case 'open':
        groups.open.push(meeting);
        break;
      case 'scheduled':
        (daysAhead(meeting.scheduled_at, now) <= 0 ? groups.today : groups.upcoming).push(meeting);
        break;
      case 'ended':
        groups.ended.push(meeting);
        break;
    }
  }
  const sooner = (a: Meeting, b: Meeting): number => a.scheduled_at - b.scheduled_at;
  groups.open.sort(sooner);
  groups.today.sort(sooner);
  groups.upcoming.sort(sooner);
  groups.ended.sort((a, b) => (b.ended_at ?? b.scheduled_at) - (a.ended_at ?? a.scheduled_at));
  return groups;
}
