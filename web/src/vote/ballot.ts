//! A delegate's ballot of a secret poll, on its own device: asked for as soon as the poll opens, cast when the
//! delegate chooses, without the seat. Survives a reload; every step may be done again.

import { ApiError, failureOf, post } from '../lib/http';
import type { BallotCast, BallotSigned, Choice, VoteView } from '../protocol';
import { blind, finish, type Blinded } from './blind';

/** What this device keeps of a ballot. */
export interface Kept {
  ballot: Blinded;
  /** The finished signature, once there. */
  signature: string | null;
  /** What was chosen, once it was. */
  choice: Choice | null;
  isCast: boolean;
}

const key = (vote: string): string => `diemcau.ballot.${vote}`;

export function kept(vote: string): Kept | null {
  try {
    return JSON.parse(localStorage.getItem(key(vote)) ?? 'null') as Kept | null;
  } catch {
    return null;
  }
}

function keep(vote: string, ballot: Kept): void {
  try {
    localStorage.setItem(key(vote), JSON.stringify(ballot));
  } catch {
    // A browser that keeps nothing votes all the same, as long as the page is not reloaded.
  }
}

/** The ballot of this seat: the one it has, or a new one. Asked for again, the server answers the same. */
export async function obtain(meeting: string, vote: VoteView, seat: string): Promise<Kept> {
  if (vote.public_key === null) throw new ApiError('vote_not_running');
  const found = kept(vote.vote) ?? {
    ballot: await blind(vote.public_key), signature: null, choice: null, isCast: false,
  };
  if (found.signature !== null) return found;
  keep(vote.vote, found);
  const path = `/api/meetings/${encodeURIComponent(meeting)}/votes/${encodeURIComponent(vote.vote)}/ballot`;
  const { signature } = await post<BallotSigned>(path, { seat, blinded: found.ballot.blinded });
  const finished = await finish(vote.public_key, found.ballot, signature);
  if (finished === null) throw new ApiError('internal');
  // With the blinding off, what could take it off again is forgotten.
  const done: Kept = { ...found, ballot: { ...found.ballot, blinded: '', inverse: '' }, signature: finished };
  keep(vote.vote, done);
  return done;
}

/** Casts: no cookie, no seat, nothing that says who. The choice is kept first, so that it is sent again as it was. */
export async function castBallot(vote: string, ballot: Kept, choice: Choice): Promise<Kept> {
  if (ballot.signature === null) throw new ApiError('internal');
  const chosen: Kept = { ...ballot, choice: ballot.choice ?? choice };
  keep(vote, chosen);
  const body: BallotCast = {
    vote, serial: ballot.ballot.serial, signature: ballot.signature, choice: chosen.choice ?? choice,
  };
  let answer: Response;
  try {
    answer = await fetch('/api/ballots', {
      method: 'POST', credentials: 'omit', cache: 'no-store', referrerPolicy: 'no-referrer',
      headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
    });
  } catch {
    throw new ApiError('network');
  }
  if (!answer.ok) {
    const problem = (await answer.json().catch(() => ({}))) as { code?: ApiError['code'] };
    throw new ApiError(problem.code ?? 'internal');
  }
  const done = { ...chosen, isCast: true };
  keep(vote, done);
  return done;
}

/** Whether a failure may go away by trying again. */
export function mayPass(error: unknown): boolean {
  return ['network', 'disk_full', 'internal'].includes(failureOf(error));
}
