//! The log of a meeting in sentences: one for every fact, none left out. Pure; the texts are in the
//! message files.
import type { Language, MessageKey } from '../i18n/t.svelte';
import { length } from '../lib/time';
import type { Fact, FactRecord, LeaveReason, Source } from '../protocol';
import { concludedSentence, conductSentence } from '../conduct/sentences';
import { breakoutSentence } from '../breakout/sentences';
import { deskSentence, sceneSentence } from '../desk/sentences';
import { paperSentence } from '../paper/sentences';
import { rollSentence } from '../roll/sentences';
import { voteSentence } from '../vote/sentences';

/** How loudly a fact speaks in the log. */
export type Weight = 'mark' | 'plain' | 'technical';

export interface LogLine {
  seq: number;
  at: number;
  weight: Weight;
  text: string;
}

export type Say = (key: MessageKey, params?: Readonly<Record<string, string | number>>) => string;

const SOURCES: Record<Source, MessageKey> = {
  microphone: 'source.microphone', camera: 'source.camera', screen: 'source.screen', screen_audio: 'source.screen_audio',
};
const LEFT: Record<LeaveReason, MessageKey> = {
  left: 'fact.left', lost: 'fact.lost', replaced: 'fact.replaced', removed: 'fact.removed', restarted: 'fact.restarted',
};

/** All facts as lines, oldest first. What one participant said in several pieces is one line. */
export function logLines(facts: readonly FactRecord[], say: Say, language: Language): LogLine[] {
  const names = new Map<string, string>();
  const messages = new Map<string, string>();
  const told = inWholes(facts);
  return told.map(({ seq, at, by, fact }, index) => {
    if (fact.type === 'seated') names.set(fact.participant, fact.name);
    if (fact.type === 'paper' && fact.act === 'added') names.set(fact.entry.paper, fact.entry.name);
    if (fact.type === 'message_sent') messages.set(fact.message, fact.text);
    const nameOf = (id: string | null): string =>
      (id === null ? undefined : names.get(id)) ?? say('fact.somebody');
    const isCalled = callsUp(fact, told[index + 1]);
    const text = sentence(fact, { nameOf, by, isCalled, messageOf: (id) => messages.get(id) ?? '', say, language });
    return { seq, at, weight: isCalled ? 'technical' : weightOf(fact), text };
  });
}

/** Speech is reported in pieces: those of one participant that follow each other become the first of them,
 *  as long as all together. */
function inWholes(facts: readonly FactRecord[]): FactRecord[] {
  const wholes: FactRecord[] = [];
  for (const record of facts) {
    const last = wholes.at(-1);
    const { fact } = record;
    if (fact.type === 'spoke' && last?.fact.type === 'spoke' && last.fact.participant === fact.participant) {
      wholes[wholes.length - 1] = { ...last, fact: { ...last.fact, ms: last.fact.ms + fact.ms } };
    } else wholes.push(record);
  }
  return wholes;
}

/** Whether a hand goes down because its owner is invited: the invitation is the next fact. */
function callsUp(fact: Fact, next: FactRecord | undefined): boolean {
  return (
    fact.type === 'hand_raised' && !fact.raised &&
    next?.fact.type === 'floor_granted' && next.fact.participant === fact.participant
  );
}

interface Context {
  /** A hand that goes down because its owner is invited. */
  isCalled: boolean;
  nameOf: (id: string | null) => string;
  by: string | null;
  messageOf: (id: string) => string;
  say: Say;
  language: Language;
}

function sentence(fact: Fact, context: Context): string {
  const { nameOf, by, messageOf, say, language } = context;
  switch (fact.type) {
    case 'opened':
      return say('fact.opened', { title: fact.title });
    case 'seated':
      return say('fact.seated', { name: fact.name, role: say(`room_role.${fact.role}`) });
    case 'joined':
      return say('fact.joined', { name: nameOf(fact.participant) });
    case 'left':
      return say(LEFT[fact.reason], { name: nameOf(fact.participant) });
    case 'declared':
      return fact.local_chair === ''
        ? say('fact.declared', { name: nameOf(fact.participant), headcount: fact.headcount })
        : say('fact.declared_chair', { name: nameOf(fact.participant), headcount: fact.headcount, chair: fact.local_chair });
    case 'published':
      return say('fact.published', { name: nameOf(fact.participant), source: say(SOURCES[fact.source]) });
    case 'unpublished':
      return say('fact.unpublished', { name: nameOf(fact.participant), source: say(SOURCES[fact.source]) });
    case 'microphone_granted':
      return say(fact.granted ? 'fact.microphone_opened' : 'fact.microphone_closed', { name: nameOf(fact.participant) });
    case 'self_muted':
      return say(fact.muted ? 'fact.self_muted' : 'fact.self_unmuted', { name: nameOf(fact.participant) });
    case 'hand_raised':
      return hand(fact, context);
    case 'floor_granted':
      return say('fact.floor_granted', { name: nameOf(fact.participant), by: nameOf(by) });
    case 'floor_released':
      return say('fact.floor_released', { name: nameOf(fact.participant), length: length(fact.held_ms, language) });
    case 'spoke':
      return say('fact.spoke', { name: nameOf(fact.participant), length: length(fact.ms, language) });
    case 'main_picture':
      return fact.participant === null
        ? say('fact.main_picture_chair')
        : say('fact.main_picture', { name: nameOf(fact.participant), source: say(SOURCES[fact.source]) });
    case 'all_muted':
      return say('fact.all_muted');
    case 'packets_traced':
      return say('fact.packets_traced', { name: nameOf(fact.participant), seconds: fact.seconds });
    case 'message_sent':
      return say('fact.message', { name: nameOf(by), text: fact.text });
    case 'decision_marked':
      return say(fact.decision ? 'fact.decision' : 'fact.decision_off', { text: messageOf(fact.message) });
    case 'recording_started':
      return say('fact.recording_started');
    case 'recording_failed':
      return say('fact.recording_failed', { reason: say(`error.${fact.code}`) });
    case 'recording_stopped':
      return say('fact.recording_stopped');
    case 'agenda':
      if (fact.act === 'concluded') return concludedSentence(fact, say);
      return fact.act === 'set'
        ? say('room.fact.agenda_set', { count: fact.items.length })
        : say('room.fact.agenda_began', { index: fact.index + 1 });
    case 'conduct':
      return conductSentence(fact, nameOf, say) ?? say('room.fact.prepared', { name: '–' });
    case 'roll':
      return rollSentence(fact, nameOf, say);
    case 'vote':
      return voteSentence(fact, by, nameOf, say).text;
    case 'desk':
      return deskSentence(fact, by, nameOf, say);
    case 'breakout':
      return breakoutSentence(fact, by, nameOf, say);
    case 'scene':
      return sceneSentence(fact, say);
    case 'paper':
      return paperSentence(fact, nameOf, say);
    case 'resumed':
      return say('fact.resumed');
    case 'ended':
      return say('fact.ended');
  }
}

function hand(fact: Extract<Fact, { type: 'hand_raised' }>, { nameOf, by, isCalled, say }: Context): string {
  const name = nameOf(fact.participant);
  if (fact.raised) return say('fact.hand_raised', { name });
  if (isCalled) return say('fact.hand_called', { name });
  return by === fact.participant ? say('fact.hand_lowered', { name }) : say('fact.hand_taken', { name, by: nameOf(by) });
}

function weightOf(fact: Fact): Weight {
  switch (fact.type) {
    case 'opened':
    case 'ended':
    case 'floor_granted':
    case 'recording_started':
    case 'recording_stopped':
    case 'recording_failed':
    case 'resumed':
      return 'mark';
    case 'decision_marked':
      return fact.decision ? 'mark' : 'plain';
    case 'agenda':
      return fact.act === 'set' ? 'plain' : 'mark';
    case 'conduct':
      return fact.act === 'regime' ? 'mark' : 'plain';
    case 'roll':
      return fact.act === 'opened' || fact.act === 'closed' ? 'mark' : 'plain';
    case 'vote':
      return fact.act === 'cast' || fact.act === 'ballot_issued' ? 'plain' : 'mark';
    case 'desk':
      return 'plain';
    case 'breakout':
      return fact.act === 'opened' || fact.act === 'closed' ? 'mark' : 'plain';
    case 'scene':
      return fact.act === 'shown' ? 'plain' : 'technical';
    case 'paper':
      return fact.act === 'turned' ? 'technical' : 'plain';
    case 'joined':
    case 'left':
    case 'declared':
    case 'hand_raised':
    case 'floor_released':
    case 'main_picture':
    case 'all_muted':
    case 'message_sent':
      return 'plain';
    case 'seated':
    case 'published':
    case 'unpublished':
    case 'microphone_granted':
    case 'self_muted':
    case 'spoke':
    case 'packets_traced':
      return 'technical';
  }
}
