//! Whatever the server or the network does becomes one of the codes that have a sentence.
import { afterEach, expect, it, vi } from 'vitest';

import { ApiError, failureOf, get, post, whenSignedOut } from './http';

afterEach(() => vi.unstubAllGlobals());

function serverSays(answer: () => Response | Promise<Response>): ReturnType<typeof vi.fn> {
  const fetched = vi.fn(async () => answer());
  vi.stubGlobal('fetch', fetched);
  return fetched;
}

async function failing(work: Promise<unknown>): Promise<ApiError> {
  const error: unknown = await work.then(() => null, (thrown: unknown) => thrown);
  if (!(error instanceof ApiError)) throw new Error(`expected an ApiError, got ${String(error)}`);
  return error;
}

it('a success is its body, an empty success is nothing', async () => {
  serverSays(() => Response.json({ id: 'x' }));
  expect(await get('/api/meetings/x')).toEqual({ id: 'x' });
  serverSays(() => new Response(null, { status: 204 }));
  expect(await post('/api/x')).toBeUndefined();
});

it('a problem is its code and field', async () => {
  serverSays(() => Response.json({ code: 'invalid_input', field: 'title' }, { status: 400 }));
  const error = await failing(post('/api/meetings', {}));
  expect([error.code, error.field]).toEqual(['invalid_input', 'title']);
});

it('no answer, and a proxy without a server behind it, are the network', async () => {
  serverSays(() => Promise.reject(new TypeError('Failed to fetch')));
  expect((await failing(get('/api/units'))).code).toBe('network');
  serverSays(() => new Response('<html>Bad gateway</html>', { status: 502 }));
  expect((await failing(get('/api/units'))).code).toBe('network');
  serverSays(() => new Response('not JSON', { status: 200 }));
  expect((await failing(get('/api/units'))).code).toBe('network');
});

it('a body that is too large for a proxy is told as such', async () => {
  serverSays(() => new Response('', { status: 413 }));
  expect((await failing(post('/api/x', {}))).code).toBe('too_large');
});

it('an expired session is announced, but not the question who is signed in', async () => {
  const announced = vi.fn();
  whenSignedOut(announced);
  serverSays(() => Response.json({ code: 'not_signed_in', field: null }, { status: 401 }));
  await failing(get('/api/session'));
  expect(announced).not.toHaveBeenCalled();
  await failing(get('/api/meetings'));
  expect(announced).toHaveBeenCalledOnce();
});

it('a fault of the page itself counts as internal', () => {
  expect(failureOf(new RangeError('x'))).toBe('internal');
});

it('only a request with a body says that it is JSON', async () => {
  const fetched = serverSays(() => Response.json({}));
  await post('/api/a');
  await post('/api/b', { x: 1 });
  const bodies = fetched.mock.calls.map((call) => (call[1] as RequestInit).body);
  expect(bodies).toEqual([undefined, '{"x":1}']);
});
