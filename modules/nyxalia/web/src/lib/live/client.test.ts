import { beforeEach, describe, expect, test } from 'vitest';
import { LiveClient, type LiveState, type SocketLike } from './client.js';

class FakeSocket {
  onmessage: SocketLike['onmessage'] = null;
  onclose: SocketLike['onclose'] = null;
  sent: unknown[] = [];
  closed = false;
  send(text: string) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.closed = true;
  }
  say(message: object) {
    this.onmessage?.call({} as WebSocket, { data: JSON.stringify(message) } as MessageEvent);
  }
  async end(code = 1006) {
    this.onclose?.call({} as WebSocket, { code } as CloseEvent);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

let sockets: FakeSocket[];
let states: LiveState[];
let hellos: boolean[];
let timers: { run: () => void; ms: number; off: boolean }[];
let unauthorized: boolean;
let client: LiveClient;
const socket = () => sockets.at(-1)!;
const hello = (boot: string) => ({
  type: 'hello',
  boot,
  version: '1',
  role: 'user',
  beat_ms: 100,
  now_ms: 0,
});
/** The wait before the next attempt: the shortest timer that is not the watchdog of an open line. */
const pending = () => timers.filter(({ off }) => !off);

beforeEach(() => {
  sockets = [];
  states = [];
  hellos = [];
  timers = [];
  unauthorized = false;
  client = new LiveClient({
    open: () => {
      sockets.push(new FakeSocket());
      return socket() as unknown as SocketLike;
    },
    isUnauthorized: async () => unauthorized,
    onState: (state) => states.push(state),
    onHello: (_, restarted) => hellos.push(restarted),
    setTimer: (run, ms) => {
      const timer = { run, ms, off: false };
      timers.push(timer);
      return timer;
    },
    clearTimer: (timer) => {
      if (timer !== undefined) (timer as { off: boolean }).off = true;
    },
    random: () => 1,
  });
});

const heard = () => {
  const all: unknown[] = [];
  return {
    all,
    handlers: {
      snapshot: (data: unknown, missed: number) => void all.push(['snapshot', data, missed]),
      event: (data: unknown) => void all.push(['event', data]),
    },
  };
};

describe('the live line', () => {
  test('subscribes once the appliance has said hello, and hands on what it says', () => {
    const { all, handlers } = heard();
    client.subscribe('ledger', handlers);
    client.connect();
    expect(socket().sent).toEqual([]);
    socket().say(hello('a'));
    expect(socket().sent).toEqual([{ type: 'subscribe', topic: 'ledger' }]);
    socket().say({ type: 'snapshot', topic: 'ledger', id: 4, data: 1 });
    socket().say({ type: 'event', topic: 'ledger', id: 5, data: 2 });
    socket().say({ type: 'summary', topic: 'ledger', id: 9, missed: 4, data: 3 });
    socket().say({ type: 'event', topic: 'device', id: 1, data: 'not asked for' });
    expect(all).toEqual([
      ['snapshot', 1, 0],
      ['event', 2],
      ['snapshot', 3, 4],
    ]);
    expect(states).toEqual(['connecting', 'open']);
  });

  test('goes on from the last position after a break, and begins anew after a restart of the appliance', async () => {
    client.subscribe('ledger', heard().handlers);
    client.connect();
    socket().say(hello('a'));
    socket().say({ type: 'event', topic: 'ledger', id: 17, data: 0 });
    await socket().end();
    client.connect();
    socket().say(hello('a'));
    expect(socket().sent).toEqual([{ type: 'subscribe', topic: 'ledger', boot: 'a', after: 17 }]);
    await socket().end();
    client.connect();
    socket().say(hello('b'));
    expect(socket().sent).toEqual([{ type: 'subscribe', topic: 'ledger' }]);
    expect(hellos).toEqual([false, false, true]);
  });

  test('waits ever longer, to a bound, and begins again after it was open', async () => {
    client.connect();
    const waits = [];
    for (let i = 0; i < 8; i++) {
      await socket().end();
      const [wait] = pending();
      waits.push(wait!.ms);
      wait!.off = true;
      wait!.run();
    }
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
    socket().say(hello('a'));
    await socket().end();
    expect(pending().map(({ ms }) => ms)).toEqual([500]);
  });

  test('a line that says nothing is closed by us', () => {
    client.connect();
    socket().say(hello('a'));
    socket().say({ type: 'beat', now_ms: 0 });
    expect(pending().map(({ ms }) => ms)).toEqual([200]);
    pending()[0]!.run();
    expect(socket().closed).toBe(true);
  });

  test('a refused key is no reason to try again and again', async () => {
    unauthorized = true;
    client.connect();
    await socket().end();
    expect([client.state, pending()]).toEqual(['unauthorized', []]);
    unauthorized = false;
    client.connect();
    socket().say(hello('a'));
    await socket().end(4401);
    expect([client.state, pending()]).toEqual(['unauthorized', []]);
  });

  test('an old socket that closes late changes nothing', async () => {
    client.connect();
    const old = socket();
    client.close();
    client.connect();
    socket().say(hello('a'));
    await old.end();
    expect([client.state, sockets.length]).toEqual(['open', 2]);
  });

  test('a subscription ends, and a topic has one', () => {
    client.connect();
    socket().say(hello('a'));
    const end = client.subscribe('level', heard().handlers);
    expect(() => client.subscribe('level', heard().handlers)).toThrow(RangeError);
    end();
    end();
    expect(socket().sent).toEqual([
      { type: 'subscribe', topic: 'level' },
      { type: 'unsubscribe', topic: 'level' },
    ]);
  });
});
