import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Caller } from '../../../runtime/contracts/http.js';
import type { LiveSocket } from '../../../runtime/contracts/socket.js';
import { Connection, waitingBytesMax } from './connection.js';
import type { TopicName } from './messages.js';
import { Topic } from './topic.js';

class FakeSocket implements LiveSocket {
  readonly sent: Record<string, unknown>[] = [];
  waitingBytes = 0;
  closed: number | undefined;
  #text: (text: string) => void = () => {};
  #gone: () => void = () => {};
  send(text: string) {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }
  close(code: number) {
    this.closed = code;
  }
  onText(handler: (text: string) => void) {
    this.#text = handler;
  }
  onClose(handler: () => void) {
    this.#gone = handler;
  }
  hear(message: unknown) {
    this.#text(typeof message === 'string' ? message : JSON.stringify(message));
  }
  go() {
    this.#gone();
  }
  types() {
    return this.sent.map(({ type }) => type);
  }
}

let socket: FakeSocket;
let connect: (caller: Caller) => void;
let device: Topic;
let level: Topic;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance', 'Date'] });
  device = new Topic({ name: 'device', kept: 5, snapshot: () => 'all' });
  level = new Topic({ name: 'level', kept: 0, snapshot: () => 'normal' });
  const topics = new Map<TopicName, Topic>([
    ['device', device],
    ['level', level],
  ]);
  const clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };
  connect = (caller) => {
    socket = new FakeSocket();
    new Connection({ socket, caller, topics, boot: 'b1', version: '1', clock });
  };
  connect({ role: 'operator', keyId: null, id: 'loopback', scopes: ['chat', 'read'] });
});
afterEach(() => void vi.useRealTimers());

describe('a user', () => {
  test.each<Caller>([
    { role: 'user', keyId: 'k', id: 'key:k' },
    { role: 'admin', keyId: 'k', id: 'key:k', scopes: ['chat'] },
  ])('sees what is shed and who may answer, not the device: %j', (caller) => {
    connect(caller);
    socket.hear({ type: 'subscribe', topic: 'device' });
    socket.hear({ type: 'subscribe', topic: 'level' });
    expect(socket.sent.slice(1)).toEqual([
      expect.objectContaining({ type: 'error', code: 'forbidden' }),
      expect.objectContaining({ type: 'snapshot', topic: 'level' }),
    ]);
    socket.go();
  });
});

describe('a connection', () => {
  test('says hello, then beats, so that a silent line is known to be dead', () => {
    expect(socket.sent[0]).toMatchObject({ type: 'hello', boot: 'b1', role: 'operator', beat_ms: 15_000 });
    expect(socket.sent[0]!.scopes).toEqual(['chat', 'read']);
    vi.advanceTimersByTime(30_000);
    expect(socket.types()).toEqual(['hello', 'beat', 'beat']);
    socket.go();
    vi.advanceTimersByTime(60_000);
    expect(socket.types()).toHaveLength(3);
  });

  test('resumes behind a position of this run, and not of another', () => {
    for (let i = 1; i <= 3; i++) device.publish(i);
    socket.hear({ type: 'subscribe', topic: 'device', boot: 'b1', after: 1 });
    expect(socket.types()).toEqual(['hello', 'event', 'event']);
    socket.hear({ type: 'unsubscribe', topic: 'device' });
    socket.hear({ type: 'subscribe', topic: 'device', boot: 'b0', after: 1 });
    expect(socket.types().slice(3)).toEqual(['snapshot']);
  });

  test('answers nonsense with an error and goes on', () => {
    const nonsense = [
      '',
      '{',
      '[]',
      'null',
      '{"type":"subscribe","topic":"secrets"}',
      '{"type":"subscribe","topic":"device","after":-1}',
      '{"type":"subscribe","topic":"device","extra":1}',
      '{"type":"__proto__"}',
    ];
    for (const text of nonsense) socket.hear(text);
    socket.hear({ type: 'unsubscribe', topic: 'device' });
    socket.hear({ type: 'subscribe', topic: 'device' });
    socket.hear({ type: 'subscribe', topic: 'device' });
    expect(socket.types()).toEqual(['hello', ...nonsense.map(() => 'error'), 'snapshot', 'error']);
    expect(socket.closed).toBe(undefined);
  });

  test('who talks too much is closed', () => {
    for (let i = 0; i < 60; i++) socket.hear({ type: 'unsubscribe', topic: 'device' });
    expect(socket.closed).toBe(undefined);
    socket.hear({ type: 'unsubscribe', topic: 'device' });
    expect(socket.closed).toBe(4400);
  });

  test('the budget of talk comes back', () => {
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 60; i++) socket.hear({ type: 'unsubscribe', topic: 'device' });
      vi.advanceTimersByTime(10_001);
    }
    expect(socket.closed).toBe(undefined);
  });
});

describe('a slow reader', () => {
  beforeEach(() => {
    socket.hear({ type: 'subscribe', topic: 'device' });
    socket.hear({ type: 'subscribe', topic: 'level' });
    socket.sent.length = 0;
    socket.waitingBytes = waitingBytesMax + 1;
  });

  test('gets nothing more, then one summary a topic with what was left out, then events again', () => {
    for (let i = 1; i <= 1000; i++) device.publish(i);
    level.publish('light');
    expect(socket.sent).toEqual([]);
    vi.advanceTimersByTime(1000);
    expect(socket.sent).toEqual([]);
    socket.waitingBytes = 0;
    // Still nothing in between, or what comes would be older than what came.
    device.publish(1001);
    vi.advanceTimersByTime(250);
    expect(socket.sent).toEqual([
      { type: 'summary', topic: 'device', id: 1001, missed: 1001, data: 'all' },
      { type: 'summary', topic: 'level', id: 1, missed: 1, data: 'normal' },
    ]);
    device.publish(1002);
    expect(socket.types().at(-1)).toBe('event');
  });

  test('is closed when it does not catch up, and is forgotten', () => {
    device.publish(1);
    vi.advanceTimersByTime(31_000);
    expect(socket.closed).toBe(4408);
    expect([device.listeners, level.listeners]).toEqual([0, 0]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('cannot make more wait by asking for snapshots', () => {
    socket.hear({ type: 'unsubscribe', topic: 'device' });
    expect([socket.closed, socket.sent]).toEqual([4408, []]);
  });

  test('hears nothing of a topic that it has left meanwhile', () => {
    device.publish(1);
    socket.waitingBytes = waitingBytesMax;
    socket.hear({ type: 'unsubscribe', topic: 'device' });
    socket.waitingBytes = 0;
    vi.advanceTimersByTime(500);
    expect(socket.sent).toEqual([]);
  });
});

test('a client that goes leaves nothing behind', () => {
  socket.hear({ type: 'subscribe', topic: 'device' });
  expect(device.listeners).toBe(1);
  socket.go();
  expect(device.listeners).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});
