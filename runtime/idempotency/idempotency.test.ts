import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { FakeLedger, ManualClock } from '../../test/support/fake-context.js';
import { AppError } from '../contracts/errors.js';
import type { ClaimRequest, NewClaim } from '../contracts/idempotency.js';
import { LedgerIdempotency } from './idempotency.js';

let clock: ManualClock;
let ledger: FakeLedger;
let requests = 0;

beforeEach(() => {
  clock = new ManualClock();
  ledger = new FakeLedger(clock);
});

const make = (keysMax = 100, keepMs = 86_400_000) =>
  new LedgerIdempotency({ ledger, clock, keysMax, keepMs });
const request = (changes: Partial<ClaimRequest> = {}): ClaimRequest => {
  requests += 1;
  return {
    key: 'k1',
    route: 'POST /chat',
    body: { message: 'hi' },
    client: 'key:a',
    requestId: `r${requests}`,
    texts: { key: 'a' },
    ...changes,
  };
};
const failing = (code: string) => expect.objectContaining({ code });

/** Claims and does the work. */
async function work(idempotency: LedgerIdempotency, asked: ClaimRequest, result = 'one'): Promise<NewClaim> {
  const claim = await idempotency.claim(asked);
  if (claim.state !== 'new') throw new Error('it was done before');
  const event = {
    type: 'chat_answered',
    module: 'assistantia',
    data: {},
    texts: { answer: result },
  } as const;
  await ledger.append(claim.ending(event, { result }));
  claim.settle(true);
  return claim;
}

test.each([
  ['keysMax', 0, 1],
  ['keepMs', 1, 1.5],
])('%s out of bounds is refused', (name, keysMax, keepMs) => {
  expect(() => make(keysMax, keepMs)).toThrow(name);
});

it('gives again what was given, with all texts of its event and its receipt', async () => {
  const idempotency = make();
  await work(idempotency, request());
  const again = await idempotency.claim(request());
  expect(again).toMatchObject({
    state: 'answered',
    result: { result: 'one' },
    texts: { answer: 'one' },
    receipt: { recorded: 'durable', index: 1, leaf_hash: ledger.events[1]!.leaf_hash },
  });
  expect(ledger.events.map(({ type }) => type)).toEqual(['request_started', 'chat_answered']);
});

it('tells key, route, client and body apart; the order of the fields in a body is none of its content', async () => {
  const idempotency = make();
  const body = { a: 1, b: [2, { c: 3, d: null }] };
  await work(idempotency, request({ body }));
  const same = { b: [2, { d: null, c: 3 }], a: 1 };
  expect((await idempotency.claim(request({ body: same }))).state).toBe('answered');
  for (const other of [{ key: 'k2' }, { route: 'POST /v1/completions' }, { client: 'key:b' }]) {
    expect((await idempotency.claim(request({ body, ...other }))).state).toBe('new');
  }
  for (const changed of [{ a: 2, b: body.b }, { ...body, e: undefined, f: 1 }, { a: '1', b: body.b }, []]) {
    await expect(idempotency.claim(request({ body: changed }))).rejects.toThrow(
      failing('idempotency_mismatch'),
    );
  }
});

it('lets one of many through, and the others come back', async () => {
  const idempotency = make();
  const claims = await Promise.allSettled(Array.from({ length: 10 }, () => idempotency.claim(request())));
  const won = claims.filter(({ status }) => status === 'fulfilled');
  expect(won).toHaveLength(1);
  for (const claim of claims) {
    if (claim.status === 'fulfilled') continue;
    expect(claim.reason).toMatchObject({ code: 'request_in_progress', status: 409, retryAfterMs: 1000 });
  }
  expect(ledger.events).toHaveLength(1);
});

it('says mismatch before in progress: another body is never worth waiting for', async () => {
  const idempotency = make();
  await idempotency.claim(request());
  await expect(idempotency.claim(request({ body: 7 }))).rejects.toThrow(failing('idempotency_mismatch'));
});

it('lets it be done anew when it was settled without an end', async () => {
  const idempotency = make();
  const first = await idempotency.claim(request());
  if (first.state === 'new') first.settle(false);
  const second = await work(idempotency, request());
  second.settle(false);
  expect((await idempotency.claim(request())).state).toBe('answered');
});

it('frees the key when its start cannot be recorded', async () => {
  const idempotency = make();
  await work(idempotency, request({ key: 'other' }));
  ledger.failure = new AppError('ledger_unavailable', 'The disk is full');
  await expect(idempotency.claim(request())).rejects.toThrow(failing('ledger_unavailable'));
  ledger.failure = undefined;
  expect((await idempotency.claim(request())).state).toBe('new');
});

describe('after a restart', () => {
  it('knows what was answered, from the ledger', async () => {
    await work(make(), request());
    const restarted = make();
    expect(await restarted.claim(request())).toMatchObject({ state: 'answered', result: { result: 'one' } });
    await expect(restarted.claim(request({ body: 1 }))).rejects.toThrow(failing('idempotency_mismatch'));
  });

  it('does anew what was interrupted, and says so in its start', async () => {
    await make().claim(request());
    expect((await make().claim(request())).state).toBe('new');
    expect(ledger.events.map(({ data }) => data.again)).toEqual([false, true]);
  });

  it('tries again when the ledger could not be read', async () => {
    await work(make(), request());
    const restarted = make();
    ledger.failure = new AppError('ledger_unavailable', 'No reader');
    await expect(restarted.claim(request())).rejects.toThrow(failing('ledger_unavailable'));
    ledger.failure = undefined;
    expect((await restarted.claim(request())).state).toBe('answered');
  });

  it('takes the latest of several starts', async () => {
    await make().claim(request());
    await work(make(), request(), 'two');
    expect(await make().claim(request())).toMatchObject({ result: { result: 'two' } });
  });
});

describe('forgetting', () => {
  it('after its time', async () => {
    const idempotency = make(100, 1000);
    await work(idempotency, request());
    clock.advance(999);
    expect((await idempotency.claim(request())).state).toBe('answered');
    clock.advance(1);
    expect((await idempotency.claim(request({ body: 'another' }))).state).toBe('new');
  });

  it('after its time by the wall clock, over a restart', async () => {
    await work(make(100, 1000), request());
    clock.advance(1000);
    expect((await make(100, 1000).claim(request())).state).toBe('new');
  });

  it('the oldest beyond the bound, but none that runs', async () => {
    const idempotency = make(2);
    await idempotency.claim(request({ key: 'runs' }));
    await work(idempotency, request({ key: 'a' }));
    await work(idempotency, request({ key: 'b' }));
    await expect(idempotency.claim(request({ key: 'runs' }))).rejects.toThrow(failing('request_in_progress'));
    expect((await idempotency.claim(request({ key: 'b' }))).state).toBe('answered');
    await idempotency.claim(request({ key: 'c' }));
    await expect(idempotency.claim(request({ key: 'd' }))).rejects.toThrow(failing('queue_full'));
  });

  it('the same bound over a restart: the newest stay', async () => {
    const idempotency = make();
    for (const key of ['a', 'b', 'c']) await work(idempotency, request({ key }));
    const restarted = make(2);
    expect((await restarted.claim(request({ key: 'c' }))).state).toBe('answered');
    expect((await restarted.claim(request({ key: 'a' }))).state).toBe('new');
  });

  it('what was erased, and only that; what runs goes on', async () => {
    const idempotency = make();
    await work(idempotency, request({ key: 'gone' }));
    await work(idempotency, request({ key: 'kept' }));
    await idempotency.claim(request({ key: 'runs' }));
    for (const index of [0, 1]) ledger.kept.delete(index);
    idempotency.forget();
    expect((await idempotency.claim(request({ key: 'gone', body: 'new' }))).state).toBe('new');
    expect((await idempotency.claim(request({ key: 'kept' }))).state).toBe('answered');
    await expect(idempotency.claim(request({ key: 'runs' }))).rejects.toThrow(failing('request_in_progress'));
  });

  it('what is erased between: it is done anew rather than half given', async () => {
    const idempotency = make();
    await work(idempotency, request());
    ledger.kept.delete(1);
    expect((await idempotency.claim(request())).state).toBe('new');
  });
});

it.each(['', ' ', 'a b', 'é', 'a\n', 'x'.repeat(256)])('refuses the key %j', async (key) => {
  await expect(make().claim(request({ key }))).rejects.toMatchObject({
    code: 'invalid_request',
    details: { param: 'Idempotency-Key' },
  });
  expect(ledger.events).toEqual([]);
});

it.each([{ a: '\ud800' }, { a: 2 ** 60 }])('refuses a body without a canonical form', async (body) => {
  await expect(make().claim(request({ body }))).rejects.toThrow(failing('invalid_request'));
});

it('keeps keys, clients and hashes out of what cannot be erased', async () => {
  await work(make(), request({ key: 'client-secret-key' }));
  expect(JSON.stringify(ledger.events)).not.toMatch(/client-secret-key|key:a/);
  const texts = JSON.stringify([...ledger.kept.values()]);
  expect(texts).not.toContain('client-secret-key');
});

afterEach(() => expect(ledger.events.every(({ stream }) => stream?.startsWith('request:'))).toBe(true));
