import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { KeyRecord } from '../contracts/access.js';
import { KeyUsageBook } from './key-usage.js';

const DAY_MS = 86_400_000;
const noon = Date.parse('2026-11-21T12:00:00Z');

let folder: string;
let file: string;
let time: { wall: number; mono: number };
let keys: Map<string, KeyRecord>;
let problems: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'arkalia-usage-'));
  file = join(folder, 'key-usage.json');
  time = { wall: noon, mono: 1000 };
  problems = [];
  keys = new Map([['k', key({})]]);
});
afterEach(() => rm(folder, { recursive: true }));

const key = (limits: Partial<KeyRecord>): KeyRecord => ({
  ...{ id: 'k', name: 'phone', role: 'user', created_ms: 0 },
  ...limits,
});
const open = () =>
  KeyUsageBook.open(file, {
    clock: { wallMs: () => time.wall, monotonicMs: () => time.mono },
    keyOf: (id) => keys.get(id),
    onProblem: (message) => problems.push(message),
  });
const today = (book: KeyUsageBook, date = '2026-11-21') => book.usage([...keys.values()])[0]!.days[date];

test('a key may send its rate at once and then as it comes back; others are not held to it', async () => {
  keys.set('k', key({ requests_per_minute: 3 }));
  const book = await open();
  const take = () => book.request('k');
  expect([take(), take(), take()]).toEqual([{ ok: true }, { ok: true }, { ok: true }]);
  expect(take()).toEqual({ ok: false, retryAfterMs: 20_000 });
  time.mono += 19_999;
  expect(take()).toEqual({ ok: false, retryAfterMs: 1 });
  time.mono += 1;
  expect([take(), take()]).toEqual([{ ok: true }, { ok: false, retryAfterMs: 20_000 }]);
  keys.set('other', key({ id: 'other' }));
  for (let i = 0; i < 100; i++) expect(book.request('other')).toEqual({ ok: true });
  expect(today(book)).toMatchObject({ requests: 4, refused: 3 });
  await book.close();
});

test('a budget is used up by prompts and answers, holds over a restart, and is new at midnight UTC', async () => {
  keys.set('k', key({ tokens_per_day: 100 }));
  const first = await open();
  first.admitPrompt('k');
  first.spend('k', { prompt_tokens: 60, completion_tokens: 39 });
  first.admitPrompt('k');
  first.spend('k', { prompt_tokens: 1, completion_tokens: 0 });
  await first.close();
  expect((await stat(file)).mode & 0o777).toBe(0o600);

  const second = await open();
  const refusal = { code: 'rate_limited', status: 429, retryAfterMs: DAY_MS / 2 };
  expect(() => second.admitPrompt('k')).toThrow(expect.objectContaining(refusal));
  time.wall = noon + DAY_MS / 2;
  second.admitPrompt('k');
  expect(today(second)).toEqual({
    ...{ requests: 0, refused: 1, prompts: 2 },
    ...{ prompt_tokens: 61, completion_tokens: 39 },
  });
  await second.close();
});

test('what an engine makes up takes nothing back: only whole, positive figures count', async () => {
  keys.set('k', key({ tokens_per_day: 10 }));
  const book = await open();
  book.spend('k', { prompt_tokens: 10, completion_tokens: -1000 });
  book.spend('k', { prompt_tokens: Number.NaN, completion_tokens: 0.5 });
  expect(() => book.admitPrompt('k')).toThrow('10 tokens');
  await book.close();
});

test('31 days are kept, and the day of a clock that went back counts too', async () => {
  keys.set('k', key({ tokens_per_day: 5 }));
  const book = await open();
  for (let day = 0; day < 40; day++) {
    time.wall = noon + day * DAY_MS;
    book.request('k');
  }
  expect(Object.keys(book.usage([...keys.values()])[0]!.days)).toHaveLength(31);
  time.wall = noon - 400 * DAY_MS;
  book.spend('k', { prompt_tokens: 5, completion_tokens: 0 });
  expect(() => book.admitPrompt('k')).toThrow('5 tokens');
  expect(Object.keys(book.usage([...keys.values()])[0]!.days)).toHaveLength(31);
  await book.close();
});

test('a key that is revoked is forgotten, here and when the file is read', async () => {
  const book = await open();
  book.request('k');
  await book.close();
  keys.clear();
  const again = await open();
  again.forget('k');
  again.request('other');
  again.forget('other');
  await again.close();
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ version: 1, keys: {} });
});

test('a file that is not ours stops the start; a disk that refuses does not stop a request', async () => {
  await writeFile(file, '{"version":1,"keys":{"k":{"today":{}}}}');
  await expect(open()).rejects.toThrow('does not hold the usage of keys');
  await rm(file);
  const book = await open();
  await rm(folder, { recursive: true });
  book.request('k');
  await book.close();
  expect(problems).toHaveLength(1);
  folder = await mkdtemp(join(tmpdir(), 'arkalia-usage-'));
});
