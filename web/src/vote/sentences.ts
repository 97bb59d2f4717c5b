//! Facts of votes as sentences, for the secretary's list and the office's.

import { errorText, type MessageKey } from '../i18n/t.svelte';
import type { VoteFact } from '../protocol';

type Say = (key: MessageKey, params?: Record<string, string | number>) => string;

/** A sentence, and whether it is one of those that matter most. */
export function voteSentence(
  fact: VoteFact, by: string | null, nameOf: (id: string | null) => string, say: Say,
): { text: string; weight: 'mark' | 'plain' | 'alarm' } {
  switch (fact.act) {
    case 'opened':
      return { text: say('room.fact.vote_opened', { title: fact.rules.title }), weight: 'mark' };
    case 'admitted':
      return { text: say('room.fact.vote_admitted', { name: nameOf(fact.elector.participant) }), weight: 'plain' };
    case 'cast': {
      const name = nameOf(fact.participant);
      const text = by === fact.participant
        ? say('room.fact.vote_cast', { name })
        : say('room.fact.vote_entered', { name, by: nameOf(by) });
      return { text, weight: 'plain' };
    }
    case 'refused':
      return {
        text: say('room.fact.vote_refused', { name: nameOf(fact.participant), reason: errorText(fact.code) }),
        weight: 'alarm',
      };
    case 'ballot_issued':
      return { text: say('room.fact.ballot_issued', { name: nameOf(fact.participant) }), weight: 'plain' };
    case 'closed': {
      const { agree, disagree, blank } = fact.outcome.tally;
      return { text: say('room.fact.vote_closed', { agree, disagree, blank }), weight: 'mark' };
    }
    case 'cancelled':
      return {
        text: fact.reason === '' ? say('room.fact.vote_unclosed') : say('room.fact.vote_cancelled', { reason: fact.reason }),
        weight: 'mark',
      };
  }
}
