import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../contracts/json.js';
import type { EventQuery, NewEvent, StoredEvent } from '../../contracts/ledger.js';
import { Database } from '../../contracts/sqlite.js';
import { openLedger, type SqliteLedger } from '../ledger.js';
import { bloomOf, mayHold } from './bloom.js';
import { EventPages } from './event-pages.js';
import { summedFrom } from './summaries.js';
import { wordsOf } from './words.js';

const numRuns = process.env.ARKALIA_TEST_LONG === undefined ? 300 : 5000;
/** More than eight bundles, and one that is not full. */
const events = 2300;
const startMs = 1_790_000_000_000;

let folder: string;
let file: string;
let ledger: SqliteLedger;
let all: StoredEvent[];
/** A wall clock that jumps back by an hour now and then. */
const wall = { now: startMs };
const clock = { wallMs: () => wall.now, monotonicMs: () => performance.now() };

const open = () =>
  openLedger({
    file,
    bootId: 'pages',
    clock,
    queueMax: 10_000,
    batchMax: 500,
    onFailure: (error) => {
      throw error;
    },
  });

/** Mostly decisions; every 50th event something else, and one word that occurs once in all. */
function made(n: number): NewEvent {
  const series = { stream: `s${n % 7}`, correlationId: `request-${Math.floor(n / 2)}` };
  if (n % 50 !== 3) return { type: 'decision_made', module: 'zeroia', data: { n }, ...series };
  if (n % 100 === 3) {
    const word = n === 1503 ? 'Éclipse' : `cause ${n % 4}`;
    return {
      type: 'chat_failed',
      module: 'assistantia',
      data: { code: 'engine_failed', cause: word, skipped: [] },
    };
  }
  return { type: 'key_revoked', module: 'kernel', data: { id: `key-${n}` } };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-pages-'));
  file = join(folder, 'ledger.sqlite');
  ledger = await open();
  for (let n = 0; n < events; n++) {
    wall.now += n % 400 === 399 ? -3_600_000 : 10_000;
    const receipt = ledger.append(made(n));
    // A few commits only, of many sizes, so that bundles are cut anywhere.
    if (n % 97 === 0) await receipt;
  }
  await ledger.close();
  ledger = await open();
  all = [];
  for (let since = 0; since < events; since += 1000) {
    all.push(...(await ledger.query({ since, limit: 1000, order: 'asc' })));
  }
});
afterAll(async () => {
  await ledger.close();
  rmSync(folder, { recursive: true });
});

const strings = (value: unknown): string[] =>
  typeof value === 'string' ? [value] : Object.values((value ?? {}) as object).flatMap(strings);

/** The same by looking at each event. */
function naive(query: EventQuery): number[] {
  const { type, module, stream, correlationId, fromMs, toMs, text, since, until, limit, order } = query;
  const wanted = text === undefined ? [] : wordsOf(text);
  const found = all.filter((event) => {
    const held = [event.type, event.module, event.stream ?? '', ...strings(event.data)].flatMap(wordsOf);
    return (
      (type === undefined || event.type === type) &&
      (module === undefined || event.module === module) &&
      (stream === undefined || event.stream === stream) &&
      (correlationId === undefined || event.correlation_id === correlationId) &&
      (fromMs === undefined || event.time_ms >= fromMs) &&
      (toMs === undefined || event.time_ms < toMs) &&
      (text === undefined ||
        (event.type !== 'decision_made' && wanted.every((word) => held.includes(word)))) &&
      event.index >= (since ?? 0) &&
      event.index <= (until ?? Number.POSITIVE_INFINITY)
    );
  });
  return (order === 'asc' ? found : found.reverse()).slice(0, limit).map(({ index }) => index);
}

const indexes = async (query: EventQuery) => (await ledger.query(query)).map(({ index }) => index);

const position = fc.integer({ min: 0, max: events + 300 });
const time = fc.integer({ min: startMs - 4_000_000, max: startMs + events * 10_000 + 1000 });
const anyQuery: fc.Arbitrary<EventQuery> = fc.record(
  {
    type: fc.constantFrom('decision_made', 'chat_failed', 'key_revoked', 'never_was'),
    module: fc.constantFrom('zeroia', 'assistantia', 'kernel', 'nobody'),
    stream: fc.constantFrom('s0', 's3', 'none'),
    correlationId: fc.constantFrom('request-0', 'request-700', 'request-1149', 'request-x'),
    fromMs: time,
    toMs: time,
    text: fc.constantFrom(
      'engine',
      'ENGINE failed',
      'cause 3',
      'eclipse',
      'key revoked',
      'key-1253',
      'nowhere',
    ),
    since: position,
    until: position,
    limit: fc.constantFrom(1, 2, 7, 100, 101, 1000),
    order: fc.constantFrom('asc' as const, 'desc' as const),
  },
  { requiredKeys: ['limit', 'order'] },
);

describe('a query', () => {
  it('finds what looking at each event finds', async () => {
    expect(all.map(({ index }) => index)).toEqual(Array.from({ length: events }, (_, n) => n));
    await fc.assert(
      fc.asyncProperty(anyQuery, async (query) => {
        expect(await indexes(query)).toEqual(naive(query));
      }),
      { numRuns },
    );
  });

  it('pages by position cover everything once, in both orders', async () => {
    for (const order of ['asc', 'desc'] as const) {
      const query = { module: 'kernel', fromMs: startMs + 100_000, limit: 5, order };
      const seen: number[] = [];
      let range: { since?: number; until?: number } = {};
      for (;;) {
        const page = await indexes({ ...query, ...range });
        seen.push(...page);
        if (page.length < query.limit) break;
        range = order === 'asc' ? { since: page.at(-1)! + 1 } : { until: page.at(-1)! - 1 };
      }
      expect(seen).toEqual(naive({ ...query, limit: 10_000 }));
    }
  });

  it('finds words without regard to case and accents, and none that are only a part', async () => {
    for (const text of ['eclipse', 'ÉCLIPSE', 'e\u0301clipse failed']) {
      expect(await indexes({ text, limit: 10, order: 'asc' })).toEqual([1503]);
    }
    expect(await indexes({ text: 'eclips', limit: 10, order: 'asc' })).toEqual([]);
    expect(await indexes({ text: 'zeroia', limit: 10, order: 'asc' })).toEqual([]);
  });

  it.each<Partial<EventQuery>>([
    { text: '' },
    { text: ' ?!' },
    { text: 'a'.repeat(201) },
    { fromMs: 0.5 },
    { toMs: Number.NaN },
    { until: -1 },
    { since: 1.5 },
  ])('refuses %j', async (more) => {
    await expect(ledger.query({ limit: 1, order: 'asc', ...more })).rejects.toThrow(RangeError);
  });

  it('text that SQL or a pattern would read is only text', async () => {
    for (const text of [
      `x' OR 1=1 --`,
      '" OR "a',
      'NEAR(a b)',
      'a* ^b',
      '\u0000a',
      '%a_',
      '🦉 owl',
      '\ud800a',
    ]) {
      expect(await indexes({ text, limit: 10, order: 'asc' })).toEqual([]);
      expect(await indexes({ module: text, correlationId: text, limit: 10, order: 'asc' })).toEqual([]);
    }
  });
});

describe('the summaries', () => {
  const summaries = () => {
    const db = new Database(file);
    try {
      return db.prepare('SELECT * FROM bundles ORDER BY number').all() as JsonObject[];
    } finally {
      db.close();
    }
  };

  it('cover the full bundles, and are made again where they are missing', async () => {
    const before = summaries();
    expect(before.map(({ number }) => number)).toEqual(
      Array.from({ length: Math.floor(events / 256) }, (_, i) => i),
    );
    await ledger.close();
    const db = new Database(file);
    db.exec('DELETE FROM bundles WHERE number >= 3');
    db.close();
    ledger = await open();
    expect(summaries()).toEqual(before);
  });

  it('that an older program made are not believed where they do not tell types and streams', async () => {
    const db = new Database(file);
    const pages = (version: number) => {
      db.pragma(`user_version = ${version}`);
      const page = new EventPages(db).page({
        ...{ id: 0, filter: { type: 'key_revoked', stream: undefined }, from: 0, to: events },
        ...{ limit: 1000, order: 'asc' as const },
      });
      return page.rows.map(({ index }) => index);
    };
    const version = db.pragma('user_version', { simple: true }) as number;
    const expected = naive({ type: 'key_revoked', limit: 1000, order: 'asc' });
    try {
      expect(pages(version)).toEqual(expected);
      db.exec('UPDATE bundles SET items = zeroblob(8)');
      const open = Math.floor(events / 256) * 256;
      expect(pages(version)).toEqual(expected.filter((index) => index >= open));
      expect(pages(summedFrom - 1)).toEqual(expected);
    } finally {
      db.exec('DELETE FROM bundles');
      db.pragma(`user_version = ${version}`);
      db.close();
      await ledger.close();
      ledger = await open();
    }
  });

  it('hold no byte of a correlation id or a word', () => {
    const bytes = Buffer.concat(summaries().map(({ items }) => items as unknown as Buffer)).toString(
      'latin1',
    );
    for (const word of ['request', 'engine', 'kernel']) expect(bytes).not.toContain(word);
  });
});

it('a Bloom filter holds what was put in, and says yes to few others', () => {
  for (const size of [1, 10, 300, 5000]) {
    const items = new Set(Array.from({ length: size }, (_, i) => `c ${i.toString(36)}`));
    const bloom = bloomOf(items);
    for (const item of items) expect(mayHold(bloom, item)).toBe(true);
    const wrong = Array.from({ length: 10_000 }, (_, i) => mayHold(bloom, `w ${i}`)).filter(Boolean).length;
    expect([size, wrong < 250]).toEqual([size, true]);
  }
});
