//! Pictures of pages: a page of the room asks as its seat.

import { ApiError, problemOf } from '../lib/http';

export const papersOf = (meeting: string): string => `/api/meetings/${encodeURIComponent(meeting)}/papers`;

/** Something of a document, as the seat (`token`) or the account. */
export async function fetchOf(meeting: string, path: string, token: string | null, signal?: AbortSignal): Promise<Blob> {
  let answer: Response;
  try {
    answer = await fetch(`${papersOf(meeting)}/${path}`, {
      credentials: token === null ? 'same-origin' : 'omit',
      ...(token === null ? {} : { headers: { authorization: `Bearer ${token}` } }),
      ...(signal === undefined ? {} : { signal }),
    });
    if (answer.ok) return await answer.blob();
  } catch {
    throw new ApiError('network');
  }
  throw await problemOf(answer, path);
}
