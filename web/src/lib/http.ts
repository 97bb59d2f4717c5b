//! Requests to the server. An answer that is not a success becomes an `ApiError` with the server's code;
//! no answer at all becomes one with the code `network`.
import type { ErrorCode, Problem } from '../protocol';

/** What the page can meet: the server's codes, and the server's silence. */
export type Failure = ErrorCode | 'network';

export class ApiError extends Error {
  readonly code: Failure;
  /** The field that is wrong, where there is one. */
  readonly field: string | null;

  constructor(code: Failure, field: string | null = null) {
    super(code);
    this.name = 'ApiError';
    this.code = code;
    this.field = field;
  }
}

/** The code of anything that was thrown; a fault of the page itself counts as `internal`. */
export function failureOf(error: unknown): Failure {
  return error instanceof ApiError ? error.code : 'internal';
}

/** An answer that takes longer than this counts as none. */
const ANSWER_MS_MAX = 20_000;

let onSignedOut: (() => void) | null = null;

/** Called when a request finds that the session has expired. */
export function whenSignedOut(then: () => void): void {
  onSignedOut = then;
}

export function get<Answer>(path: string): Promise<Answer> {
  return send('GET', path, undefined);
}

export function post<Answer>(path: string, body?: unknown): Promise<Answer> {
  return send('POST', path, body);
}

export function put<Answer>(path: string, body: unknown): Promise<Answer> {
  return send('PUT', path, body);
}

export function patch<Answer>(path: string, body: unknown): Promise<Answer> {
  return send('PATCH', path, body);
}

export function remove<Answer = void>(path: string): Promise<Answer> {
  return send('DELETE', path, undefined);
}

/** A file as the server sends it: printing a long document may take a while. */
export async function getFile(path: string): Promise<Blob> {
  let answer: Response;
  try {
    answer = await fetch(path, { credentials: 'same-origin', cache: 'no-store' });
    if (answer.ok) return await answer.blob();
  } catch {
    throw new ApiError('network');
  }
  throw await problemOf(answer, path);
}

async function send<Answer>(method: string, path: string, body: unknown): Promise<Answer> {
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), ANSWER_MS_MAX);
  try {
    const answer = await fetch(path, {
      method,
      credentials: 'same-origin',
      cache: 'no-store',
      signal: giveUp.signal,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    if (!answer.ok) throw await problemOf(answer, path);
    if (answer.status === 204) return undefined as Answer;
    return (await answer.json()) as Answer;
  } catch (error) {
    throw error instanceof ApiError ? error : new ApiError('network');
  } finally {
    clearTimeout(timer);
  }
}

/** What an answer that is not a success says. */
export async function problemOf(answer: Response, path: string): Promise<ApiError> {
  let problem: Partial<Problem> = {};
  try {
    problem = (await answer.json()) as Partial<Problem>;
  } catch {
    // A proxy or a dying server answers without a body of ours; the status says enough.
  }
  const code = problem.code ?? codeOfStatus(answer.status);
  if (code === 'not_signed_in' && path !== '/api/session') onSignedOut?.();
  return new ApiError(code, problem.field ?? null);
}

function codeOfStatus(status: number): Failure {
  switch (status) {
    case 401:
      return 'not_signed_in';
    case 403:
      return 'forbidden';
    case 404:
      return 'not_found';
    case 413:
      return 'too_large';
    case 429:
      return 'too_many_requests';
    case 502:
    case 503:
    case 504:
      return 'network';
    default:
      return 'internal';
  }
}
