//! Facts of documents as sentences.

import type { MessageKey } from '../i18n/t.svelte';
import type { PaperFact } from '../protocol';

export function paperSentence(fact: PaperFact, nameOf: (paper: string) => string, say: (key: MessageKey, params?: Record<string, string>) => string): string {
  switch (fact.act) {
    case 'added':
      return fact.entry.name === '' ? say('paper.fact_added_hidden') : say('paper.fact_added', { name: fact.entry.name });
    case 'removed':
      return say('paper.fact_removed');
    case 'shown':
      return say('paper.fact_shown', { name: nameOf(fact.paper), page: String(fact.page) });
    case 'turned':
      return say('paper.fact_turned', { page: String(fact.page) });
    case 'ended':
      return say('paper.fact_ended');
  }
}
