//! What the faces of the room have in common: their properties, and the acts that ask before they are done.

import { ask } from '../design/ask.svelte';
import { t } from '../i18n/t.svelte';
import type { RoomSession } from './session.svelte';

/** What every face of the room is given. */
export interface FaceProps {
  session: RoomSession;
  /** Left on purpose, and confirmed. */
  onleave: () => void;
}

/** A recording begins at once; to stop it is asked. */
export async function toggleRecording(session: RoomSession): Promise<void> {
  if ((session.state?.room.recording ?? null) === null) {
    await session.act({ type: 'start_recording' });
    return;
  }
  const sure = await ask({
    title: t('room.recording.stop_title'), text: t('room.recording.stop_text'), action: t('room.recording.stop'),
  });
  if (sure) await session.act({ type: 'stop_recording' });
}

/** Whether to leave: `text` says what leaving means for who sits here. */
export function askToLeave(text: string): Promise<boolean> {
  return ask({ title: t('room.leave.title'), text, action: t('room.leave.do'), danger: true });
}
