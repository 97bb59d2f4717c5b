//! Facts of group discussion as sentences.

import type { MessageKey } from '../i18n/t.svelte';
import type { BreakoutFact } from '../protocol';

type Say = (key: MessageKey, params?: Record<string, string | number>) => string;

export function breakoutSentence(fact: BreakoutFact, by: string | null, nameOf: (id: string | null) => string, say: Say): string {
  switch (fact.act) {
    case 'opened':
      return say('room.fact.breakout_opened', { count: fact.groups.length });
    case 'moved':
      return fact.group === null
        ? say('room.fact.breakout_back', { name: nameOf(fact.participant) })
        : say('room.fact.breakout_moved', { name: nameOf(fact.participant), group: fact.group + 1 });
    case 'extended':
      return say('room.fact.breakout_extended');
    case 'closed':
      return say(by === null ? 'room.fact.breakout_over' : 'room.fact.breakout_closed');
  }
}
