import { getEventListeners } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { Broker } from './broker.js';

/** A server that answers the n-th request of each connection as told; what came is counted. */
interface Server {
  base: URL;
  /** Requests of each connection, in the order of their opening. */
  seen: number[];
}

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serverThat(answer: (nth: number, response: http.ServerResponse) => void): Promise<Server> {
  const connections: Socket[] = [];
  const seen: number[] = [];
  const server = http.createServer((request, response) => {
    const number = connections.indexOf(request.socket);
    seen[number]! += 1;
    request.resume().on('end', () => answer(seen[number]!, response));
  });
  server.on('connection', (socket) => {
    connections.push(socket);
    seen.push(0);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { base: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`), seen };
}

function brokerTo(base: URL): Broker {
  const endpoint = () => ({ base, connectTimeoutMs: 2000, idleTimeoutMs: 2000 });
  const broker = new Broker({ endpoint, viaToken: 't', bytesMax: 1000 });
  cleanups.push(() => broker.close());
  return broker;
}

async function answerOf(broker: Broker, signal = new AbortController().signal): Promise<string> {
  let text = '';
  const sink = {
    response: () => {},
    data: async (piece: string) => {
      text += piece;
    },
    end: () => {
      text += '.';
    },
  };
  await broker.open('openai', { path: '/v1/chat/completions', body: '{}' }, sink, signal);
  // The connection is given back a moment after the end.
  await new Promise((resolve) => setImmediate(resolve));
  return text;
}

it('is used again by the next prompt; of several that are free one is kept', async () => {
  const { base, seen } = await serverThat((_, response) => response.end('yes'));
  const broker = brokerTo(base);
  for (let i = 0; i < 3; i++) expect(await answerOf(broker)).toBe('yes.');
  expect(seen).toEqual([3]);
  expect(await Promise.all([1, 2, 3].map(() => answerOf(broker)))).toEqual(['yes.', 'yes.', 'yes.']);
  expect(seen).toEqual([4, 1, 1]);
  expect(await Promise.all([1, 2].map(() => answerOf(broker)))).toEqual(['yes.', 'yes.']);
  expect(seen).toHaveLength(4);
});

it('that the server has closed is not the fault of the request: it is sent once more on a new one', async () => {
  const { base, seen } = await serverThat((nth, response) => {
    if (nth === 2) response.socket?.destroy();
    else response.end('yes');
  });
  const broker = brokerTo(base);
  for (let i = 0; i < 4; i++) expect(await answerOf(broker)).toBe('yes.');
  expect(seen.reduce((sum, of) => sum + of, 0)).toBeGreaterThan(4);
});

it('that is new and closed before an answer is the death of the engine, and asked once', async () => {
  const { base, seen } = await serverThat((_, response) => response.socket?.destroy());
  await expect(answerOf(brokerTo(base))).rejects.toMatchObject({ code: 'engine_died' });
  expect(seen).toEqual([1]);
});

it('that breaks off in an answer is no reason to ask again, though it was used before', async () => {
  const { base, seen } = await serverThat((nth, response) => {
    if (nth === 1) response.end('yes');
    else response.write('ye', () => response.socket?.destroy());
  });
  const broker = brokerTo(base);
  expect(await answerOf(broker)).toBe('yes.');
  await expect(answerOf(broker)).rejects.toMatchObject({ code: 'engine_died' });
  expect(seen).toEqual([2]);
});

it('is not used again after a prompt that was given up: the engine sees that nobody listens', async () => {
  const { base, seen } = await serverThat((nth, response) => {
    if (nth === 1 && seen.length === 1) response.write('I will ');
    else response.end('yes');
  });
  const broker = brokerTo(base);
  const abort = new AbortController();
  const stopped = answerOf(broker, abort.signal);
  setTimeout(() => abort.abort(), 100);
  await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
  expect(await answerOf(broker)).toBe('yes.');
  expect(seen).toEqual([1, 1]);
});

it('leaves nothing on the signal of an answer that is over, and ends one that its signal aborts', async () => {
  const { signal } = new AbortController();
  const { base } = await serverThat((_nth, response) => response.end('x'));
  const broker = brokerTo(base);
  expect(await answerOf(broker, signal)).toBe('x.');
  expect(await answerOf(broker, signal)).toBe('x.');
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  await expect(answerOf(broker, AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
  const ending = new AbortController();
  const silent = await serverThat((_nth, response) => {
    response.flushHeaders();
    ending.abort();
  });
  await expect(answerOf(brokerTo(silent.base), ending.signal)).rejects.toMatchObject({ code: 'aborted' });
  expect(getEventListeners(ending.signal, 'abort')).toEqual([]);
});
