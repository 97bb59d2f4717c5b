//! Facts of the conduct of the floor as sentences.

import type { MessageKey } from '../i18n/t.svelte';
import { counter } from '../lib/time';
import type { Conclusion, ConductFact } from '../protocol';

type Say = (key: MessageKey, params?: Record<string, string | number>) => string;

/** What was concluded on an item, or on the meeting as a whole; or that it was taken back. */
export function concludedSentence({ title, text }: Conclusion, say: Say): string {
  if (text === '') return title === '' ? say('room.fact.unconcluded_all') : say('room.fact.unconcluded', { title });
  return title === '' ? say('room.fact.concluded_all', { text }) : say('room.fact.concluded', { title, text });
}

/** Null for what needs no line: that nobody prepares any more. */
export function conductSentence(fact: ConductFact, nameOf: (id: string | null) => string, say: Say): string | null {
  switch (fact.act) {
    case 'regime':
      return say('room.fact.regime', { regime: say(`conduct.regime.${fact.regime}`) });
    case 'limit':
      return fact.limit === null ? say('room.fact.no_limit') : say('room.fact.limit', { time: counter(fact.limit.seconds * 1_000) });
    case 'order':
      return say('room.fact.order', { order: say(`conduct.order.${fact.order}`) });
    case 'prepared':
      return fact.participant === null ? null : say('room.fact.prepared', { name: nameOf(fact.participant) });
    case 'registered': {
      const name = nameOf(fact.participant);
      return fact.subject === '' ? say('room.fact.registered', { name }) : say('room.fact.registered_subject', { name, subject: fact.subject });
    }
    case 'speaks':
      return say('room.fact.speaks', { delegate: nameOf(fact.delegate), name: nameOf(fact.participant) });
  }
}
