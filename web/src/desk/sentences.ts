//! Facts of the desk and of scenes as sentences, for the secretary's list and the office's.

import type { MessageKey } from '../i18n/t.svelte';
import type { DeskFact, SceneFact } from '../protocol';

type Say = (key: MessageKey, params?: Record<string, string | number>) => string;
type NameOf = (id: string | null) => string;

export function deskSentence(fact: DeskFact, by: string | null, nameOf: NameOf, say: Say): string {
  switch (fact.act) {
    case 'noted':
      return fact.to === null
        ? say('desk.fact.noted', { name: nameOf(by), text: fact.text })
        : say('desk.fact.answered', { name: nameOf(fact.to), text: fact.text });
    case 'announced':
      return fact.text === '' ? say('desk.fact.unannounced') : say('desk.fact.announced', { text: fact.text });
    case 'chat_set':
      return say(fact.open ? 'desk.fact.chat_open' : 'desk.fact.chat_closed');
    case 'called':
      return say('desk.fact.called', { count: fact.sites.length, reached: fact.reached });
  }
}

export function sceneSentence(fact: SceneFact, say: Say): string {
  switch (fact.act) {
    case 'saved':
      return say('scene.fact.saved', { name: fact.content.name, version: fact.version });
    case 'dropped':
      return say('scene.fact.dropped');
    case 'shown':
      if (fact.on_air === null) return say(fact.audience === 'all' ? 'scene.fact.ended' : 'scene.fact.ended_chair');
      return say(fact.audience === 'all' ? 'scene.fact.shown' : 'scene.fact.shown_chair', { name: fact.on_air.content.name });
  }
}
