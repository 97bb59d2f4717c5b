//! The facts that a short message stands for: a site that comes is told to every page, in as few bytes as can be.

import type { FactRecord, RoomSnapshot, ServerMessage, Source } from '../protocol';

export type Short = Extract<ServerMessage, { type: 'came' } | { type: 'sends' }>;

/** By number, as `protocol/src/media.rs` has them. */
const SOURCES: readonly Source[] = ['microphone', 'camera', 'screen', 'screen_audio'];

/** The facts; none when the room is not known, so that the next fact asks for a snapshot. `now`: the server's time. */
export function lengthened(room: RoomSnapshot | null, message: Short, now: number): FactRecord[] {
  if (room === null) return [];
  const seq = room.seq + 1;
  if (message.type === 'came') {
    const [at, participant, site, name] = message.who;
    // By which link is not said, only that it was one: who comes without is a publisher over WHIP.
    return [
      { seq, at, by: null, fact: { type: 'seated', participant, role: 'site', name, site, account: null, link: '' } },
      { seq: seq + 1, at, by: null, fact: { type: 'joined', participant } },
    ];
  }
  const [seat, number] = message.what;
  const [participant, source] = [room.participants[seat]?.id, SOURCES[number]];
  if (participant === undefined || source === undefined) return [];
  return [{ seq, at: now, by: null, fact: { type: 'published', participant, source } }];
}
