//! A session survives lost lines and restarted servers, and nothing that was done is lost or done twice.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { PROTOCOL_VERSION, type ClientMessage, type ErrorCode, type FactRecord, type ServerMessage } from '../protocol';
import { roomWith } from './fixtures';
import { RoomSocket, retryDelayMs, type SessionStatus, type SocketLike } from './roomSocket';

class FakeSocket implements SocketLike {
  sent: ClientMessage[] = [];
  isClosed = false;
  readyState = 0;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  send(text: string): void {
    this.sent.push(JSON.parse(text) as ClientMessage);
  }
  close(): void {
    this.isClosed = true;
  }
  open(): void {
    this.readyState = 1;
    this.onopen?.(undefined as never);
  }
  says(message: ServerMessage): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  welcome(epoch = 'e1'): void {
    this.open();
    this.says({ type: 'welcome', participant: 'me', now: 5, epoch, snapshot: roomWith([]) });
  }
  breaks(): void {
    this.onclose?.(undefined as never);
  }
  types(): string[] {
    return this.sent.map((message) => message.type);
  }
}

function session() {
  const sockets: FakeSocket[] = [];
  const seen = {
    statuses: [] as SessionStatus[],
    restarts: [] as boolean[],
    facts: [] as FactRecord[],
    answers: [] as string[],
    refusals: [] as ErrorCode[],
    resume: null as number | null,
  };
  const socket = new RoomSocket(
    () => {
      const made = new FakeSocket();
      sockets.push(made);
      return made;
    },
    'secret',
    {
      status: (status) => seen.statuses.push(status),
      welcome: (_me, _now, _snapshot, restarted) => seen.restarts.push(restarted),
      fact: (fact) => seen.facts.push(fact),
      short: () => {},
      answer: (sdp) => seen.answers.push(sdp),
      mediaRefused: (code) => seen.refusals.push(code),
      mediaLost: () => {},
      slots: () => {},
      limits: () => {},
      demand: () => {},
      speakers: () => {},
      quality: () => {},
      health: () => {},
      checkAsked: () => {},
      resumeAfter: () => seen.resume,
    },
  );
  const last = (): FakeSocket => {
    const found = sockets[sockets.length - 1];
    if (found === undefined) throw new Error('no socket was made');
    return found;
  };
  return { socket, sockets, last, seen };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('says hello first, with the last fact that was seen', () => {
  const { socket, last, seen } = session();
  socket.start();
  seen.resume = 41;
  last().open();
  expect(last().sent).toEqual([{ type: 'hello', version: PROTOCOL_VERSION, token: 'secret', resume_after: 41 }]);
});

test('the first offer follows the greeting at once, and is made once', () => {
  const { socket, last } = session();
  socket.start();
  socket.offer('mine', [], false);
  expect(last().sent).toEqual([]);
  last().open();
  expect(last().types()).toEqual(['hello', 'offer']);
  last().says({ type: 'welcome', participant: 'me', now: 5, epoch: 'e1', snapshot: roomWith([]) });
  expect(last().types().filter((it) => it === 'offer')).toEqual(['offer']);
});

test('a command without an answer is sent again with the same id after the line came back', async () => {
  const { socket, last, sockets } = session();
  socket.start();
  last().welcome();
  const outcome = socket.command({ type: 'raise_hand', raised: true });
  const first = last().sent.at(-1);
  last().breaks();
  await vi.advanceTimersByTimeAsync(300);
  expect(sockets).toHaveLength(2);
  last().welcome();
  const again = last().sent.at(-1);
  expect(again).toEqual(first);
  if (again?.type !== 'command') throw new Error('the command was not sent again');
  last().says({ type: 'done', id: again.id });
  await expect(outcome).resolves.toEqual({ ok: true });
  expect(socket.nPending).toBe(0);
});

test('commands given while the line is down are sent in order when it is back', () => {
  const { socket, last } = session();
  socket.start();
  void socket.command({ type: 'mute_all' });
  void socket.command({ type: 'thank' });
  expect(last().sent).toEqual([]);
  last().welcome();
  const commands = last().sent.flatMap((m) => (m.type === 'command' ? [m.command.type] : []));
  expect(commands).toEqual(['mute_all', 'thank']);
});

test('a refusal carries its code', async () => {
  const { socket, last } = session();
  socket.start();
  last().welcome();
  const outcome = socket.command({ type: 'end' });
  const sent = last().sent.at(-1);
  if (sent?.type !== 'command') throw new Error('nothing was sent');
  last().says({ type: 'refused', id: sent.id, code: 'forbidden' });
  await expect(outcome).resolves.toEqual({ ok: false, code: 'forbidden' });
});

test('another epoch means that media is offered anew, and the old offer is not repeated', async () => {
  const { socket, last, seen } = session();
  socket.start();
  socket.offer('old', [], false);
  last().welcome('e1');
  expect(last().types()).toContain('offer');
  last().breaks();
  await vi.advanceTimersByTimeAsync(300);
  last().welcome('e2');
  expect(seen.restarts).toEqual([false, true]);
  expect(last().types()).not.toContain('offer');
});

test('an unanswered offer is repeated on the next line of the same server', async () => {
  const { socket, last, seen } = session();
  socket.start();
  last().welcome();
  socket.offer('sdp', [], false);
  last().breaks();
  await vi.advanceTimersByTimeAsync(300);
  last().welcome();
  expect(last().types()).toContain('offer');
  last().says({ type: 'answer', sdp: 'yes' });
  expect(seen.answers).toEqual(['yes']);
});

test('an answer to a former offer is not taken for the answer to the last one', () => {
  const { socket, last, seen } = session();
  socket.start();
  last().welcome();
  socket.offer('one', [], false);
  socket.offer('two', [], false);
  last().says({ type: 'answer', sdp: 'to one' });
  last().says({ type: 'answer', sdp: 'to two' });
  expect(seen.answers).toEqual(['to two']);
});

test('what is watched is told to every new line, and not twice to one', async () => {
  const { socket, last } = session();
  const wants = [{ track: { publisher: 'A', source: 'camera' as const }, layer_max: 'low' as const }];
  socket.start();
  last().welcome();
  socket.watch(wants);
  socket.watch([...wants]);
  expect(last().types().filter((type) => type === 'watch')).toHaveLength(1);
  last().breaks();
  await vi.advanceTimersByTimeAsync(300);
  last().welcome();
  expect(last().types()).toContain('watch');
});

test('wishes that change quickly are told at most every 150 ms, the last one always', async () => {
  const { socket, last } = session();
  const want = (publisher: string) => [
    { track: { publisher, source: 'camera' as const }, layer_max: 'low' as const },
  ];
  socket.start();
  last().welcome();
  for (let n = 0; n < 50; n += 1) socket.watch(want(`p${n}`));
  await vi.advanceTimersByTimeAsync(200);
  const told = last().sent.flatMap((m) => (m.type === 'watch' ? [m.wants[0]?.track.publisher] : []));
  expect(told).toEqual(['p0', 'p49']);
});

test('after a gap it asks for a snapshot', async () => {
  const { socket, last, seen } = session();
  socket.start();
  last().welcome();
  seen.resume = 12;
  socket.resync();
  await vi.advanceTimersByTimeAsync(300);
  last().open();
  expect(last().sent[0]).toMatchObject({ type: 'hello', resume_after: null });
});

test('a closed session tells why and does not come back', async () => {
  const { socket, last, sockets, seen } = session();
  socket.start();
  last().welcome();
  const outcome = socket.command({ type: 'thank' });
  last().says({ type: 'closed', code: 'seat_taken' });
  await expect(outcome).resolves.toEqual({ ok: false, code: 'seat_taken' });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sockets).toHaveLength(1);
  expect(seen.statuses.at(-1)).toEqual({ at: 'closed', code: 'seat_taken' });
});

test('a silent line is dropped and made again', async () => {
  const { socket, last, sockets } = session();
  socket.start();
  last().welcome();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(last().types()).toContain('ping');
  last().says({ type: 'pong' });
  await vi.advanceTimersByTimeAsync(9_000);
  expect(sockets).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(12_000);
  expect(sockets.length).toBeGreaterThan(1);
  expect(sockets[0]?.isClosed).toBe(true);
});

test('pauses grow from a quarter of a second to five seconds', () => {
  expect(retryDelayMs(0, 1)).toBe(250);
  expect(retryDelayMs(0, 0)).toBe(125);
  expect(retryDelayMs(30, 1)).toBe(5_000);
});
