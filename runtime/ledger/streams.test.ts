import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../contracts/clock.js';
import type { NewEvent, StoredEvent } from '../contracts/ledger.js';
import { openLedger, type SqliteLedger } from './ledger.js';

let folder: string;
let ledger: SqliteLedger;

const open = () =>
  openLedger({
    file: join(folder, 'ledger.sqlite'),
    bootId: 'streams',
    clock: systemClock,
    queueMax: 10_000,
    batchMax: 64,
    onFailure: (error) => {
      throw error;
    },
  });
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-streams-'));
  ledger = await open();
});
afterEach(async () => {
  await ledger.close();
  rmSync(folder, { recursive: true });
});

const event = (stream: string | undefined, expectedVersion?: number, n = 0): NewEvent => ({
  type: 'decision_made',
  module: 'zeroia',
  data: { n },
  ...(stream === undefined ? {} : { stream }),
  ...(expectedVersion === undefined ? {} : { expectedVersion }),
});

describe('an expected version', () => {
  it('is the last index of the stream, or -1; anything else is a conflict that says where the stream is', async () => {
    expect((await ledger.append(event('a', -1))).index).toBe(0);
    await ledger.append(event('b'));
    expect((await ledger.append(event('a', 0))).index).toBe(2);
    for (const wrong of [-1, 0, 1, 3, 2 ** 50]) {
      await expect(ledger.append(event('a', wrong))).rejects.toMatchObject({
        code: 'conflict',
        status: 409,
        message: 'The stream a is at index 2, so it is not as expected; read it and try again',
        details: { last: 2 },
      });
    }
    await expect(ledger.append(event('c', 0))).rejects.toMatchObject({ details: { last: -1 } });
    expect(ledger.status()).toMatchObject({ size: 3, pending: 0 });
    await ledger.close();
    ledger = await open();
    expect((await ledger.append(event('a', 2))).index).toBe(3);
  });

  it('is found however many bundles of other streams lie behind it, and within the transaction that writes it', async () => {
    await ledger.append(event('far'));
    // More bundles than are looked at in one step, of which each says that it may hold the stream.
    for (let bundle = 0; bundle < 40; bundle++) {
      await Promise.all(Array.from({ length: 256 }, (_, n) => ledger.append(event(`other-${n}`))));
    }
    await expect(ledger.append(event('far', -1))).rejects.toMatchObject({ details: { last: 0 } });
    const last = 256 * 40 + 1;
    const both = [ledger.append(event('far', 0)), ledger.append(event('far', last))];
    expect((await Promise.all(both)).map(({ index }) => index)).toEqual([last, last + 1]);
  });

  it.each([event(undefined, -1), event('a', -2), event('a', 0.5), event('a', Number.NaN)])(
    'is refused where it makes no sense: %j',
    async (wrong) => {
      await expect(ledger.append(wrong)).rejects.toThrow(RangeError);
    },
  );

  it('counts what is before it in the same batch', async () => {
    const results = await Promise.allSettled([
      ledger.append(event('a')),
      ledger.append(event('a', -1)),
      ledger.append(event('a', 0)),
      ledger.append(event('a', 0)),
      ledger.append(event('b', -1)),
    ]);
    const indexes = results.map((result) =>
      result.status === 'fulfilled' ? result.value.index : 'conflict',
    );
    expect(indexes).toEqual([0, 'conflict', 1, 'conflict', 2]);
  });

  it('lets one of many win, and those who read again all get through; the others are not disturbed', async () => {
    const writer = async (n: number) => {
      for (;;) {
        const [last] = await ledger.query({ stream: 'counter', limit: 1, order: 'desc' });
        const sum = Number((last?.data as { n?: number } | undefined)?.n ?? 0) + n;
        try {
          return await ledger.append(event('counter', last?.index ?? -1, sum));
        } catch (error) {
          expect(error).toMatchObject({ code: 'conflict' });
        }
      }
    };
    const others = Array.from({ length: 500 }, (_, n) => ledger.append(event('other', undefined, n)));
    await Promise.all(Array.from({ length: 12 }, (_, n) => writer(n + 1)));
    await Promise.all(others);
    const counted = await ledger.query({ stream: 'counter', limit: 1000, order: 'asc' });
    expect(counted.length).toBe(12);
    expect(counted.at(-1)!.data).toEqual({ n: 78 });
    const stored = await ledger.query({ stream: 'other', limit: 1000, order: 'asc' });
    expect(stored.map(({ data }) => data.n)).toEqual(Array.from({ length: 500 }, (_, n) => n));
    for (const [n, receipt] of (await Promise.all(others)).entries()) {
      expect(receipt).toMatchObject({ index: stored[n]!.index, leaf_hash: stored[n]!.leaf_hash });
    }
    // The tree has what was recorded, and nothing of what was refused.
    const { size } = ledger.status();
    expect(size).toBe(512);
    const { leaf_hash } = await ledger.log.inclusion({ index: 511 });
    expect(leaf_hash).toBe((await ledger.query({ since: 511, limit: 1, order: 'asc' }))[0]!.leaf_hash);
  });
});

async function take(events: AsyncIterable<StoredEvent>, count: number): Promise<number[]> {
  const taken: number[] = [];
  for await (const { index } of events) {
    taken.push(index);
    if (taken.length === count) break;
  }
  return taken;
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe('following', () => {
  it('gives what is there and then what comes, once and in order, and goes on from a position', async () => {
    await Promise.all(range(0, 250).map((n) => ledger.append(event('a', undefined, n))));
    const { signal } = new AbortController();
    const first = take(ledger.follow({ signal }), 400);
    const second = take(ledger.follow({ since: 240, signal }), 160);
    for (let i = 0; i < 10; i++) {
      await Promise.all(range(0, 15).map((n) => ledger.append(event('b', undefined, n))));
    }
    expect(await first).toEqual(range(0, 400));
    expect(await second).toEqual(range(240, 400));
    expect(await take(ledger.follow({ since: 399, signal }), 1)).toEqual([399]);
  });

  it('gives only what fits, also when that is rare', async () => {
    const { signal } = new AbortController();
    const rare = take(ledger.follow({ type: 'key_revoked', signal }), 3);
    for (let i = 0; i < 3; i++) {
      await Promise.all(range(0, 120).map((n) => ledger.append(event('a', undefined, n))));
      await ledger.append({ type: 'key_revoked', module: 'kernel', data: { id: `k${i}` } });
    }
    expect(await rare).toEqual([120, 241, 362]);
  });

  it('ends when it is given up, asleep or between two events, and when the ledger closes', async () => {
    await ledger.append(event('a'));
    const abort = new AbortController();
    const asleep = take(ledger.follow({ since: 1, signal: abort.signal }), 1);
    const between = ledger.follow({ signal: abort.signal });
    expect((await between.next()).value).toMatchObject({ index: 0 });
    abort.abort();
    expect(await asleep).toEqual([]);
    expect(await between.next()).toEqual({ done: true, value: undefined });
    expect(await take(ledger.follow({ signal: abort.signal }), 1)).toEqual([]);
    const closing = take(ledger.follow({ since: 1, signal: new AbortController().signal }), 1);
    await ledger.close();
    expect(await closing).toEqual([]);
  });

  it('refuses a query that makes no sense', async () => {
    await ledger.append(event('a'));
    const { signal } = new AbortController();
    await expect(take(ledger.follow({ since: -1, signal }), 1)).rejects.toThrow(RangeError);
    await expect(take(ledger.follow({ text: '', signal }), 1)).rejects.toThrow(RangeError);
  });
});
