//! What a page knows of the vote: a pure reducer over its facts, and questions about it.

import type { Elector, Participant, Tally, VoteFact, VoteMethod, VoteRules, VoteView } from '../protocol';

export const NONE: Tally = { agree: 0, disagree: 0, blank: 0 };

/** The vote after a fact. */
export function withVote(vote: VoteView | null, fact: VoteFact, at: number): VoteView | null {
  if (fact.act === 'opened') {
    const { vote: id, rules, electors, public_key } = fact;
    return { vote: id, rules, opened_at: at, electors, casts: [], public_key, closed_at: null, outcome: null };
  }
  if (vote === null || vote.vote !== fact.vote) return vote;
  switch (fact.act) {
    case 'admitted':
      return electorOf(vote, fact.elector.participant) === null ? { ...vote, electors: [...vote.electors, fact.elector] } : vote;
    case 'cast':
    case 'ballot_issued': {
      if (hasCast(vote, fact.participant)) return vote;
      const tally = fact.act === 'cast' ? fact.tally : null;
      return { ...vote, casts: [...vote.casts, { participant: fact.participant, tally }] };
    }
    case 'refused':
      return vote;
    case 'closed':
      return { ...vote, closed_at: at, outcome: fact.outcome };
    case 'cancelled':
      return { ...vote, closed_at: at };
  }
}

export function isOpen(vote: VoteView | null): boolean {
  return vote !== null && vote.closed_at === null;
}

export function hasCast(vote: VoteView, participant: string): boolean {
  return vote.casts.some((cast) => cast.participant === participant);
}

export function electorOf(vote: VoteView, participant: string): Elector | null {
  return vote.electors.find((elector) => elector.participant === participant) ?? null;
}

export function total(tally: Tally): number {
  return tally.agree + tally.disagree + tally.blank;
}

/** The votes that are in so far; null while they are held back. */
export function soFar(vote: VoteView): Tally | null {
  if (vote.outcome !== null) return vote.outcome.tally;
  let sum = NONE;
  for (const { tally } of vote.casts) {
    if (tally === null) return null;
    sum = { agree: sum.agree + tally.agree, disagree: sum.disagree + tally.disagree, blank: sum.blank + tally.blank };
  }
  return vote.rules.held_back ? null : sum;
}

/** Votes that could come. */
export function eligible(vote: VoteView): number {
  return vote.electors.reduce((sum, elector) => sum + elector.votes, 0);
}

/** Votes of those who have voted. */
export function reported(vote: VoteView): number {
  const cast = new Set(vote.casts.map((one) => one.participant));
  return vote.electors.reduce((sum, elector) => sum + (cast.has(elector.participant) ? elector.votes : 0), 0);
}

/** Who has not voted, in the order of the electors. */
export function missing(vote: VoteView): Elector[] {
  const cast = new Set(vote.casts.map((one) => one.participant));
  return vote.electors.filter((elector) => !cast.has(elector.participant));
}

/** Who is here, could vote by this method, and was not when the vote opened. */
export function latecomers(vote: VoteView, people: readonly Participant[]): Participant[] {
  const known = new Set(vote.electors.map((elector) => elector.participant));
  return people.filter((who) => who.connected && !known.has(who.id) && couldVote(vote.rules.method, who));
}

function couldVote(method: VoteMethod, who: Participant): boolean {
  switch (method) {
    case 'cards':
      return (who.role === 'site' || who.role === 'chair') && who.headcount > 0;
    case 'delegates':
    case 'poll':
      return who.role === 'delegate';
    case 'consensus':
      return who.role === 'site';
  }
}

/** What the result is a share of. */
export function whole(vote: VoteView): number {
  const votes = vote.outcome?.tally ?? soFar(vote) ?? NONE;
  return vote.rules.threshold_of === 'voted' || vote.rules.method === 'poll' ? total(votes) : eligible(vote);
}

/** "96,6%": rounded to the nearest tenth, as in the minutes. */
export function percent(part: number, of: number): string {
  if (of === 0) return '–';
  const tenths = Math.floor((part * 2_000 + of) / (2 * of));
  return `${Math.floor(tenths / 10)},${tenths % 10}%`;
}

/** Rules that fit together, from what was chosen in the form. */
export function sane(rules: VoteRules): VoteRules {
  switch (rules.method) {
    case 'cards':
    case 'delegates':
      return rules;
    case 'consensus':
      return { ...rules, threshold: null, quorum: null, held_back: false };
    case 'poll':
      return { ...rules, threshold: null, quorum: null, held_back: true };
  }
}
