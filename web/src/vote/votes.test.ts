import { describe, expect, it } from 'vitest';

import type { VoteFact, VoteRules, VoteView } from '../protocol';
import { seat } from '../room/fixtures';
import { eligible, hasCast, latecomers, missing, percent, reported, sane, soFar, withVote } from './votes';

const rules: VoteRules = {
  title: 'Nghị quyết', method: 'cards', threshold: 'over_half', threshold_of: 'eligible', quorum: null, held_back: false,
};
const electors = [{ participant: 'a', votes: 30 }, { participant: 'b', votes: 12 }];
const opened = (change: Partial<VoteRules> = {}): VoteFact => ({
  act: 'opened', vote: 'v', rules: { ...rules, ...change }, electors, public_key: null,
});
const cast = (participant: string, agree: number | null): VoteFact => ({
  act: 'cast', vote: 'v', participant, tally: agree === null ? null : { agree, disagree: 0, blank: 0 },
});
const after = (...facts: VoteFact[]): VoteView => {
  const vote = facts.reduce<VoteView | null>((before, fact, at) => withVote(before, fact, at), null);
  if (vote === null) throw new Error('none was opened');
  return vote;
};

describe('a vote', () => {
  it('counts what is in and knows who is missing', () => {
    const vote = after(opened(), cast('a', 30));
    expect([soFar(vote), eligible(vote), reported(vote)]).toEqual([{ agree: 30, disagree: 0, blank: 0 }, 42, 30]);
    expect(missing(vote).map((one) => one.participant)).toEqual(['b']);
  });

  it('lets what was cast stand', () => {
    const vote = after(opened(), cast('a', 30), cast('a', 0));
    expect([vote.casts.length, soFar(vote)?.agree]).toEqual([1, 30]);
  });

  it('shows nothing that is held back', () => {
    expect(soFar(after(opened({ held_back: true })))).toBeNull();
    const vote = after(opened({ held_back: true }), cast('a', null));
    expect([soFar(vote), hasCast(vote, 'a'), reported(vote)]).toEqual([null, true, 30]);
  });

  it('knows who came late, and lets each in once', () => {
    const people = [seat('a', { headcount: 30 }), seat('c', { headcount: 9 }), seat('d', { headcount: 0 }), seat('e', { headcount: 5, connected: false })];
    const late = after(opened());
    expect(latecomers(late, people).map((who) => who.id)).toEqual(['c']);
    const admitted: VoteFact = { act: 'admitted', vote: 'v', elector: { participant: 'c', votes: 9 } };
    const vote = after(opened(), admitted, admitted);
    expect([latecomers(vote, people), eligible(vote)]).toEqual([[], 51]);
  });

  it('is not moved by another vote', () => {
    const other: VoteFact = { act: 'cancelled', vote: 'w', reason: 'x' };
    expect(after(opened(), other).closed_at).toBeNull();
  });

  it('writes shares as Vietnamese minutes do', () => {
    expect([percent(2134, 2210), percent(1, 3), percent(0, 0)]).toEqual(['96,6%', '33,3%', '–']);
  });

  it('has no threshold where nothing is adopted by one', () => {
    expect(sane({ ...rules, method: 'poll' })).toMatchObject({ threshold: null, held_back: true });
    expect(sane({ ...rules, method: 'consensus', held_back: true })).toMatchObject({ threshold: null, held_back: false });
  });
});
