//! What the page knows of the room: a pure reducer over the server's snapshot and facts. It comes to the
//! same room as the server does; a gap in the numbers means that something was lost, and the caller asks
//! for a snapshot.

import { withBreakout } from '../breakout/breakout';
import { withDesk } from '../desk/desk';
import type {
  Fact, FactRecord, Message, Participant, RoomRole, RoomSnapshot, Source,
} from '../protocol';
import { withAgenda } from '../agenda/agenda';
import { withConduct } from '../conduct/conduct';
import { withRoll } from '../roll/rolls';
import { withPapers } from '../paper/papers';
import { withScenes } from '../scene/scenes';
import { withVote } from '../vote/votes';

/** Facts kept for the secretary's list; older ones are in the log on the server. */
export const LOG_MAX = 2_000;
/** Messages kept, as in a snapshot. */
export const MESSAGES_MAX = 500;

/** The order in which the server lists what somebody publishes. */
const SOURCES: readonly Source[] = ['microphone', 'camera', 'screen', 'screen_audio'];

/** The room, and the facts that led to it as far as this page saw them. */
export interface RoomState {
  room: RoomSnapshot;
  log: FactRecord[];
}

/** What became of a fact. */
export type Step = { kind: 'applied'; state: RoomState } | { kind: 'old' } | { kind: 'gap' };

/** The state after a snapshot. What the log held before stays, as far as it is older. */
export function withSnapshot(before: RoomState | null, room: RoomSnapshot): RoomState {
  const log = before?.room.meeting === room.meeting ? before.log : [];
  return { room, log: log.filter((record) => record.seq <= room.seq) };
}

/** The state with facts from the server's log put in front of what the page saw itself. */
export function withHistory(state: RoomState, history: FactRecord[]): RoomState {
  const known = new Map<number, FactRecord>();
  for (const record of [...history, ...state.log]) known.set(record.seq, record);
  const log = [...known.values()].sort((a, b) => a.seq - b.seq).slice(-LOG_MAX);
  return { ...state, log };
}

/** The state after a fact. */
export function withFact(state: RoomState, record: FactRecord): Step {
  if (record.seq <= state.room.seq) return { kind: 'old' };
  if (record.seq !== state.room.seq + 1) return { kind: 'gap' };
  const conducted = withConduct({ ...apply(state.room, record), seq: record.seq }, record.fact);
  const applied = withBreakout(conducted, record.fact, record.at);
  const room = { ...applied, roll: withRoll(applied.roll, record, applied.participants) };
  const log = [...state.log, record].slice(-LOG_MAX);
  return { kind: 'applied', state: { room, log } };
}

function apply(room: RoomSnapshot, record: FactRecord): RoomSnapshot {
  const fact = record.fact;
  switch (fact.type) {
    case 'opened':
      return { ...room, title: fact.title, opened_at: record.at };
    case 'seated':
      return seated(room, fact);
    case 'joined':
      return changed(room, fact.participant, (who) => ({ ...who, connected: true }));
    case 'left':
      return changed(room, fact.participant, (who) => ({ ...who, connected: false, sources: [] }));
    case 'declared':
      return changed(room, fact.participant, (who) => ({
        ...who,
        headcount: fact.headcount,
        local_chair: fact.local_chair,
      }));
    case 'published':
      return changed(room, fact.participant, (who) =>
        who.sources.includes(fact.source)
          ? who
          : { ...who, sources: SOURCES.filter((one) => one === fact.source || who.sources.includes(one)) },
      );
    case 'unpublished':
      return changed(room, fact.participant, (who) => ({
        ...who,
        sources: who.sources.filter((source) => source !== fact.source),
      }));
    case 'microphone_granted':
      return changed(room, fact.participant, (who) => ({
        ...who,
        microphone_granted: fact.granted,
      }));
    case 'self_muted':
      return changed(room, fact.participant, (who) => ({ ...who, self_muted: fact.muted }));
    case 'hand_raised':
      return handRaised(room, fact.participant, fact.raised);
    case 'floor_granted':
      return {
        ...room,
        floor: { participant: fact.participant, since: record.at, speaker: null },
        queue: room.queue.filter((id) => id !== fact.participant),
      };
    case 'floor_released':
      return room.floor?.participant === fact.participant ? { ...room, floor: null } : room;
    case 'spoke':
      return changed(room, fact.participant, (who) => ({ ...who, spoken_ms: who.spoken_ms + fact.ms }));
    case 'main_picture':
      return { ...room, main: { participant: fact.participant, source: fact.source } };
    case 'all_muted':
      return allMuted(room);
    case 'message_sent':
      return messageSent(room, record, fact);
    case 'decision_marked':
      return {
        ...room,
        messages: room.messages.map((message) =>
          message.id === fact.message ? { ...message, decision: fact.decision } : message,
        ),
      };
    case 'recording_started':
      // Said again of a running recording, it means that the recorder writes again after a failure.
      return room.recording?.recording === fact.recording
        ? { ...room, recording: { ...room.recording, healthy: true } }
        : { ...room, recording: { recording: fact.recording, since: record.at, healthy: true } };
    case 'recording_failed':
      return room.recording?.recording === fact.recording
        ? { ...room, recording: { ...room.recording, healthy: false } }
        : room;
    case 'recording_stopped':
      return room.recording?.recording === fact.recording ? { ...room, recording: null } : room;
    case 'agenda':
      return { ...room, agenda: withAgenda(room.agenda, fact, record.at) };
    case 'conduct':
    case 'breakout':
    case 'roll':
      return room;
    case 'vote':
      return { ...room, vote: withVote(room.vote, fact, record.at) };
    case 'desk':
      return { ...room, desk: withDesk(room.desk, fact, record) };
    case 'scene':
      return { ...room, scenes: withScenes(room.scenes, fact) };
    case 'paper':
      return { ...room, papers: withPapers(room.papers, fact, record.by) };
    case 'packets_traced':
    case 'resumed':
      return room;
    case 'ended':
      return { ...room, ended: true };
  }
}

function changed(
  room: RoomSnapshot,
  id: string,
  change: (who: Participant) => Participant,
): RoomSnapshot {
  return {
    ...room,
    participants: room.participants.map((who) => (who.id === id ? change(who) : who)),
  };
}

function seated(room: RoomSnapshot, fact: Extract<Fact, { type: 'seated' }>): RoomSnapshot {
  const { participant: id, role, name, site } = fact;
  // A site that came neither by account nor by link publishes over WHIP, under its own name.
  const isWhip = fact.account === null && fact.link === null && role === 'site';
  const publisher = isWhip ? name : id;
  if (room.participants.some((who) => who.id === id)) {
    return changed(room, id, (who) => ({
      ...who,
      role,
      name,
      site,
      microphone_granted: who.microphone_granted || speaksByRight(role),
    }));
  }
  const newcomer: Participant = {
    id,
    publisher,
    role,
    name,
    site,
    connected: false,
    headcount: 0,
    local_chair: '',
    sources: [],
    microphone_granted: speaksByRight(role),
    self_muted: false,
    spoken_ms: 0,
  };
  return { ...room, participants: [...room.participants, newcomer] };
}

/** The chair may always speak (`protocol::role::RoomRole`). */
function speaksByRight(role: RoomRole): boolean {
  return role === 'chair';
}

function handRaised(room: RoomSnapshot, id: string, raised: boolean): RoomSnapshot {
  const others = room.queue.filter((other) => other !== id);
  const waits = raised && room.floor?.participant !== id;
  return { ...room, queue: waits ? [...others, id] : others };
}

function allMuted(room: RoomSnapshot): RoomSnapshot {
  return {
    ...room,
    participants: room.participants.map((who) =>
      speaksByRight(who.role) ? who : { ...who, microphone_granted: false },
    ),
  };
}

function messageSent(
  room: RoomSnapshot,
  record: FactRecord,
  fact: Extract<Fact, { type: 'message_sent' }>,
): RoomSnapshot {
  const message: Message = {
    id: fact.message,
    at: record.at,
    by: record.by,
    text: fact.text,
    decision: false,
  };
  return { ...room, messages: [...room.messages, message].slice(-MESSAGES_MAX) };
}
