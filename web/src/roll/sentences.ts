//! Facts of rolls as sentences, for the secretary's list and the office's.

import type { MessageKey } from '../i18n/t.svelte';
import type { RollFact } from '../protocol';
import { totalsOf } from './rolls';

type Say = (key: MessageKey, params?: Record<string, string | number>) => string;

export function rollSentence(fact: RollFact, nameOf: (id: string | null) => string, say: Say): string {
  switch (fact.act) {
    case 'opened':
      return say('room.fact.roll_opened', { count: fact.sites.length });
    case 'called':
      return say('room.fact.roll_called', { name: nameOf(fact.participant) });
    case 'marked':
      return say('room.fact.roll_marked', { state: say(`roll.state.${fact.mark.state}`), reason: fact.mark.reason });
    case 'closed': {
      const { n_present, n_sites, headcount } = totalsOf(fact.rows);
      return say('room.fact.roll_closed', { present: n_present, sites: n_sites, count: headcount });
    }
    case 'amended':
      return say('room.fact.roll_amended', {
        name: fact.before.name, state: say(`roll.state.${fact.mark.state}`), reason: fact.mark.reason,
      });
  }
}
