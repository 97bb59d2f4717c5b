//! Opening and ending a meeting, from the list and from its page: confirm, do, say what happened.
import { ask, toast } from '../design';
import { errorText, t } from '../i18n/t.svelte';
import * as api from '../lib/api';
import { failureOf } from '../lib/http';
import type { Meeting } from '../protocol';

/** Opens the room; whoever opens it enters when ready. */
export async function openRoom(meeting: Meeting): Promise<Meeting | null> {
  try {
    const opened = await api.openMeeting(meeting.id);
    toast(t('meeting.open_done'), { kind: 'ok' });
    return opened;
  } catch (error) {
    toast(errorText(failureOf(error)), { kind: 'error' });
    return null;
  }
}

/** Ends the meeting for everyone, after asking. */
export async function endRoom(meeting: Meeting): Promise<Meeting | null> {
  const isSure = await ask({
    title: t('meeting.end_title'),
    text: t('meeting.end_text', { title: meeting.title, connected: meeting.n_connected }),
    action: t('meeting.end'),
    danger: true,
  });
  if (!isSure) return null;
  try {
    const ended = await api.endMeeting(meeting.id);
    toast(t('meeting.end_done'), { kind: 'ok' });
    return ended;
  } catch (error) {
    toast(errorText(failureOf(error)), { kind: 'error' });
    return null;
  }
}
