//! Facts as sentences, for the secretary's list.

import { t, type MessageKey } from '../i18n/t.svelte';
import type { FactRecord, Participant } from '../protocol';
import { counter } from '../lib/time';
import { concludedSentence, conductSentence } from '../conduct/sentences';
import { breakoutSentence } from '../breakout/sentences';
import { deskSentence, sceneSentence } from '../desk/sentences';
import { paperSentence } from '../paper/sentences';
import { rollSentence } from '../roll/sentences';
import { voteSentence } from '../vote/sentences';

/** A line of the list. */
export interface Line {
  text: string;
  kind: 'plain' | 'floor' | 'decision' | 'alarm';
}

type Who = (id: string | null) => string;

/** Names by id, for sentences. */
export function namesOf(participants: readonly Participant[]): Who {
  const names = new Map(participants.map((who) => [who.id, who.name]));
  return (id) => (id === null ? t('room.somebody') : (names.get(id) ?? t('room.somebody')));
}

/** The sentence of a fact; null for what no secretary needs to read. `next` is the fact that follows. */
export function sentenceOf(
  record: FactRecord,
  next: FactRecord | undefined,
  who: Who,
  message: (id: string) => string,
  paper: (id: string) => string = () => '…',
): Line | null {
  const fact = record.fact;
  const plain = (key: MessageKey, params?: Record<string, string>): Line => ({
    text: t(key, params), kind: 'plain',
  });
  const floor = (key: MessageKey, params: Record<string, string>): Line => ({
    text: t(key, params), kind: 'floor',
  });
  /** Not by its owner: an invitation speaks for itself, and so does leaving; the rest is the chair's act. */
  const takenDown = (participant: string): Line | null => {
    const speaks = (next?.fact.type === 'floor_granted' || next?.fact.type === 'left') && next.fact.participant === participant;
    return speaks ? null : plain('room.fact.hand_taken', { name: inside(who(participant)), by: who(record.by) });
  };
  switch (fact.type) {
    case 'opened':
      return plain('room.fact.opened');
    case 'joined':
      return plain('room.fact.joined', { name: who(fact.participant) });
    case 'left':
      return {
        text: t(`room.fact.left.${fact.reason}`, { name: who(fact.participant) }),
        kind: fact.reason === 'lost' ? 'alarm' : 'plain',
      };
    case 'declared':
      return plain(fact.local_chair === '' ? 'room.fact.declared' : 'room.fact.declared_chair', {
        name: who(fact.participant),
        count: String(fact.headcount),
        chair: fact.local_chair,
      });
    case 'published':
      return fact.source === 'screen'
        ? plain('room.fact.screen_on', { name: who(fact.participant) })
        : null;
    case 'unpublished':
      return fact.source === 'screen'
        ? plain('room.fact.screen_off', { name: who(fact.participant) })
        : null;
    case 'hand_raised':
      if (!fact.raised && record.by !== fact.participant) return takenDown(fact.participant);
      return plain(fact.raised ? 'room.fact.hand_up' : 'room.fact.hand_down', {
        name: who(fact.participant),
      });
    case 'floor_granted':
      return floor('room.fact.floor', { name: inside(who(fact.participant)) });
    case 'floor_released':
      return floor('room.fact.thanked', {
        name: who(fact.participant),
        time: counter(fact.held_ms),
      });
    case 'main_picture':
      return plain(fact.participant === null ? 'room.fact.main_chair' : 'room.fact.main', {
        name: who(fact.participant),
      });
    case 'all_muted':
      return plain('room.fact.all_muted');
    case 'message_sent':
      return plain('room.fact.message', { name: who(record.by), text: fact.text });
    case 'decision_marked':
      return {
        text: t(fact.decision ? 'room.fact.decision' : 'room.fact.undecided', {
          text: message(fact.message),
        }),
        kind: 'decision',
      };
    case 'recording_started':
      return plain('room.fact.recording');
    case 'recording_failed':
      return { text: t('room.fact.recording_failed'), kind: 'alarm' };
    case 'recording_stopped':
      return plain('room.fact.recording_stopped');
    case 'agenda':
      if (fact.act === 'concluded') return { text: concludedSentence(fact, t), kind: 'decision' };
      return fact.act === 'set'
        ? plain('room.fact.agenda_set', { count: String(fact.items.length) })
        : floor('room.fact.agenda_began', { index: String(fact.index + 1) });
    case 'conduct': {
      const text = conductSentence(fact, who, t);
      return text === null ? null : { text, kind: fact.act === 'regime' || fact.act === 'speaks' ? 'floor' : 'plain' };
    }
    case 'roll':
      return { text: rollSentence(fact, who, t), kind: fact.act === 'opened' || fact.act === 'closed' ? 'decision' : 'plain' };
    case 'vote': {
      const { text, weight } = voteSentence(fact, record.by, who, t);
      return { text, kind: weight === 'mark' ? 'decision' : weight };
    }
    case 'desk': {
      // A private note whose text this page may not read says nothing.
      const isMute = (fact.act === 'noted' && fact.text === '') || (fact.act === 'called' && fact.sites.length === 0);
      return isMute ? null : { text: deskSentence(fact, record.by, who, t), kind: 'plain' };
    }
    case 'breakout':
      return { text: breakoutSentence(fact, record.by, who, t), kind: fact.act === 'opened' || fact.act === 'closed' ? 'floor' : 'plain' };
    case 'scene':
      return fact.act === 'shown' ? { text: sceneSentence(fact, t), kind: 'plain' } : null;
    case 'paper':
      return fact.act === 'turned' ? null : { text: paperSentence(fact, paper, t), kind: 'plain' };
    case 'resumed':
      return { text: t('room.fact.resumed'), kind: 'alarm' };
    case 'ended':
      return plain('room.fact.ended');
    case 'seated':
    case 'microphone_granted':
    case 'self_muted':
    case 'spoke':
    case 'packets_traced':
      return null;
  }
}

/** "Mời điểm cầu …": in the middle of a sentence the kind of place is a common noun. */
function inside(name: string): string {
  return name.replace(/^Điểm cầu/u, 'điểm cầu');
}
