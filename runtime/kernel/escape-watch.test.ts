import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { EscapeOutcome } from '../../sandbox/types.js';
import type { NewEvent } from '../contracts/ledger.js';
import { EscapeWatch, type EscapeWatchOptions } from './escape-watch.js';

const attempts: EscapeOutcome[] = [
  { attempt: 'tcp', outcome: 'open', how: 'arrived' },
  { attempt: 'mount', outcome: 'stopped', how: 'EPERM' },
];
let folder: string;
let recorded: NewEvent[];
let logged: string[];
let probes: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-test-'));
  recorded = [];
  logged = [];
  probes = 0;
});
afterEach(() => rmSync(folder, { recursive: true }));

const watch = (changes: Partial<EscapeWatchOptions> = {}) =>
  new EscapeWatch({
    file: join(folder, 'escape-probe.json'),
    version: '1.0.0',
    enabled: true,
    sandbox: () => ({ level: 'process', holds: [] }),
    probe: () => {
      probes += 1;
      return Promise.resolve(attempts);
    },
    wallMs: () => 1000 + probes,
    record: (event) => recorded.push(event),
    log: { warn: (_, text) => logged.push(text), error: (_, text) => logged.push(text) },
    ...changes,
  });

test('is run once, recorded attempt by attempt, and kept for the next start', async () => {
  const first = watch();
  const running = first.start();
  expect(first.status().state).toBe('running');
  await running;
  expect(first.status()).toEqual({ state: 'done', at_ms: 1001, kept: false, attempts });
  expect(first.open()).toEqual(['tcp']);
  expect(recorded.map(({ type, data }) => [type, data])).toEqual(
    attempts.map((attempt) => ['escape_attempted', { level: 'process', ...attempt }]),
  );
  expect(logged).toHaveLength(1);
  const second = watch();
  await second.start();
  expect(second.status()).toEqual({ state: 'done', at_ms: 1001, kept: true, attempts });
  expect(probes).toBe(1);
  expect(recorded).toHaveLength(2);
});

test.each([
  ['another version', { version: '1.0.1' }],
  ['another level', { sandbox: () => ({ level: 'strict' as const, holds: [] }) }],
  [
    'another reason for the level',
    { sandbox: () => ({ level: 'process' as const, short: 'why', holds: [] }) },
  ],
  [
    'control groups',
    { sandbox: () => ({ level: 'process' as const, holds: ['control group (v2): memory'] }) },
  ],
])('is run again with %s', async (_what, changes) => {
  await watch().start();
  await watch(changes).start();
  expect(probes).toBe(2);
});

test.each(['', '{}', '{"key":1}', 'x'.repeat(70_000)])(
  'a kept result that is damaged is not believed: %.20s',
  async (text) => {
    writeFileSync(join(folder, 'escape-probe.json'), text);
    const one = watch();
    await one.start();
    expect(one.status()).toMatchObject({ state: 'done', kept: false });
    expect(logged.some((line) => line.includes('cannot be read'))).toBe(true);
    expect(JSON.parse(readFileSync(join(folder, 'escape-probe.json'), 'utf8'))).toMatchObject({ attempts });
  },
);

test('a probe that breaks is shown as failed, and nothing is recorded', async () => {
  const one = watch({ probe: () => Promise.reject(new Error('no')) });
  await one.start();
  expect(one.status()).toEqual({ state: 'failed', attempts: [] });
  expect(recorded).toEqual([]);
});

test('off is off', async () => {
  const one = watch({ enabled: false });
  await one.start();
  expect(one.status()).toEqual({ state: 'off', attempts: [] });
  expect(probes).toBe(0);
});

test('closing ends what runs, without a result', async () => {
  let began = () => {};
  const beginning = new Promise<void>((resolve) => {
    began = resolve;
  });
  const one = watch({
    probe: (signal) => {
      began();
      return new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error)),
      );
    },
  });
  void one.start();
  await beginning;
  await one.close();
  expect(one.status().state).toBe('running');
  expect(recorded).toEqual([]);
  expect(logged).toEqual([]);
});
