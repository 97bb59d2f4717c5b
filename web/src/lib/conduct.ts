//! Requests about the conduct of a meeting: votes, delegates, the roll.
import type { Delegate, NewDelegate, NewDelegates, RollRules, VoteReport } from '../protocol';
import { get, post, remove } from './http';

const at = (id: string): string => encodeURIComponent(id);
const meeting = (id: string): string => `/api/meetings/${at(id)}`;

export const reportsOf = (id: string): Promise<VoteReport[]> => get(`${meeting(id)}/votes`);

export const delegatesOf = (id: string): Promise<Delegate[]> => get(`${meeting(id)}/delegates`);
export const nameDelegates = (id: string, wanted: NewDelegates): Promise<Delegate[]> =>
  post(`${meeting(id)}/delegates`, wanted);
export const removeDelegate = (id: string, delegate: string): Promise<void> =>
  remove(`${meeting(id)}/delegates/${at(delegate)}`);

/** Delegates of the site whose link this is. */
export const delegatesOfLink = (link: string): Promise<Delegate[]> => get(`/api/join/${at(link)}/delegates`);
export const nameOwnDelegates = (link: string, wanted: NewDelegate[]): Promise<Delegate[]> =>
  post(`/api/join/${at(link)}/delegates`, wanted);

/** Address of a vote's result as a file. */
export const voteFile = (id: string, vote: string, kind: 'pdf' | 'xlsx' | 'csv'): string =>
  `${meeting(id)}/votes/${at(vote)}/result.${kind}`;

/** Begins a roll-call of the invited sites. */
export const openRoll = (id: string, rules: RollRules): Promise<void> => post(`${meeting(id)}/roll`, rules);
/** Address of the last roll as a file. */
export const rollFile = (id: string, kind: 'pdf' | 'xlsx' | 'csv'): string => `${meeting(id)}/roll.${kind}`;
