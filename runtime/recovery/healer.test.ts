import { expect, test } from 'vitest';
import { ManualClock } from '../../test/support/fake-context.js';
import type { ErrorClass } from '../contracts/incident.js';
import type { NewEvent } from '../contracts/ledger.js';
import type { RecoveryStrategy } from '../contracts/recovery.js';
import { RetryBudget } from './budget.js';
import type { Check } from './check.js';
import { Healer } from './healer.js';
import { IncidentBook, incidentsMax } from './incident-file.js';

/** A thing that breaks, and is mended by the nth attempt. */
async function setUp(options: {
  kind?: ErrorClass;
  strategies?: RecoveryStrategy[];
  mendedBy?: number;
  fails?: unknown;
  budget?: RetryBudget;
}) {
  const { kind = 'transient', strategies = ['immediate_retry', 'exponential_backoff', 'restart'] } = options;
  const clock = new ManualClock();
  const thing = { broken: true, applied: 0, checkFails: false };
  const fixup = {
    name: 'mend',
    async apply() {
      thing.applied += 1;
      if (thing.applied === options.mendedBy) thing.broken = false;
      if (options.fails !== undefined) throw options.fails;
    },
  };
  const check: Check = {
    name: 'thing',
    about: 'The thing works.',
    run() {
      if (thing.checkFails) throw new Error('the check is broken');
      if (!thing.broken) return [];
      const fixups = Object.fromEntries(strategies.map((strategy) => [strategy, fixup]));
      return [{ target: 'thing', class: kind, problem: 'It is broken.', fixups }];
    },
  };
  const file: { text?: string } = {};
  const changes: string[] = [];
  const errors: unknown[] = [];
  let seed = 0;
  const random = () => {
    seed = (seed + 0.37) % 1;
    return seed;
  };
  const incidents = await IncidentBook.open({
    storage: {
      read: async () => file.text,
      write: async (text) => {
        file.text = text;
      },
    },
    clock,
    random,
    onError: (error) => errors.push(error),
    onChange: (change) => changes.push(change),
  });
  const events: NewEvent[] = [];
  const healer = new Healer({
    checks: [check],
    incidents,
    clock,
    random: () => 1,
    backoff: { baseMs: 1000, capMs: 8000 },
    budget: options.budget ?? new RetryBudget(1, 100),
    record: (event) => events.push(event),
    onError: (error) => errors.push(error),
  });
  const told = () => events.map(({ type, data }) => `${type} ${(data as { strategy: string }).strategy}`);
  const pass = async (waitMs = 0) => {
    clock.advance(waitMs);
    await healer.pass();
  };
  return { clock, thing, healer, incidents, events, errors, changes, file, told, pass };
}

test('recovered is only what the check no longer finds', async () => {
  const { thing, healer, incidents, told, pass } = await setUp({ mendedBy: 2 });
  await pass();
  expect(told()).toEqual(['recovery_attempted immediate_retry', 'recovery_failed immediate_retry']);
  expect(healer.status()).toMatchObject([{ check: 'thing', tried: ['immediate_retry'] }]);
  await pass(1999);
  expect(thing.applied).toBe(1);
  await pass(1);
  expect(told().slice(2)).toEqual([
    'recovery_attempted exponential_backoff',
    'recovery_succeeded exponential_backoff',
  ]);
  expect(healer.status()).toEqual([]);
  expect(incidents.all()).toEqual([]);
});

test('what no attempt mends is one incident, that only a person closes', async () => {
  const { thing, incidents, changes, events, pass } = await setUp({ strategies: ['restart'] });
  for (let i = 0; i < 5; i++) await pass(60_000);
  expect(thing.applied).toBe(1);
  const [incident] = incidents.open();
  expect(incident).toMatchObject({ check: 'thing', tried: ['restart'], cleared_ms: null });
  expect(incidents.all()).toHaveLength(1);
  thing.broken = false;
  await pass();
  expect(incidents.open()).toMatchObject([{ cleared_ms: expect.any(Number), closed_ms: null }]);
  expect(await incidents.acknowledge(incident!.id, 'eve')).toMatchObject({
    acknowledged_by: 'eve',
    closed_ms: null,
  });
  expect(await incidents.acknowledge(incident!.id, 'ada')).toMatchObject({ acknowledged_by: 'eve' });
  expect(await incidents.acknowledge('inc-none', 'ada')).toBeUndefined();
  expect(await incidents.close(incident!.id, 'ada')).toMatchObject({ closed_by: 'ada' });
  expect(await incidents.close(incident!.id, 'bob')).toMatchObject({ closed_by: 'ada' });
  expect(await incidents.close('inc-none', 'ada')).toBeUndefined();
  expect(changes).toEqual(['opened', 'acknowledged', 'closed']);
  expect(events).toHaveLength(2);
});

test('what may pass is tried on after the incident, at the longest wait, and mended then', async () => {
  const { thing, incidents, pass } = await setUp({ strategies: ['exponential_backoff'], mendedBy: 6 });
  for (let i = 0; i < 4; i++) await pass(8000);
  expect(incidents.open()).toMatchObject([{ tried: Array(3).fill('exponential_backoff') }]);
  for (let i = 0; i < 4; i++) await pass(8000);
  expect(thing).toMatchObject({ broken: false, applied: 6 });
  expect(incidents.open()).toMatchObject([{ cleared_ms: expect.any(Number) }]);
});

test('integrity is not tried again; a fixup that meets it gives up at once', async () => {
  const doubtful = await setUp({ kind: 'integrity' });
  await doubtful.pass();
  expect(doubtful.thing.applied).toBe(0);
  expect(doubtful.incidents.open()).toHaveLength(1);
  const met = await setUp({ fails: Object.assign(new Error('x'), { code: 'SQLITE_CORRUPT' }) });
  await met.pass();
  await met.pass(60_000);
  expect(met.thing.applied).toBe(1);
  expect(met.events.at(-1)?.data).toMatchObject({ cause: 'mend_failed_integrity' });
  expect(met.incidents.open()).toHaveLength(1);
});

test('a check that throws says nothing: neither mended nor an incident', async () => {
  const { thing, healer, incidents, errors, pass } = await setUp({});
  await pass();
  thing.checkFails = true;
  await pass(60_000);
  expect(healer.status()).toHaveLength(1);
  expect(incidents.all()).toEqual([]);
  expect(errors).toHaveLength(1);
});

test('without a budget nothing is tried, and it waits for one', async () => {
  const budget = new RetryBudget(0.5, 1);
  while (budget.spend());
  const { thing, incidents, pass } = await setUp({ budget });
  await pass();
  expect(thing.applied).toBe(0);
  await pass();
  expect(thing.applied).toBe(1);
  expect(incidents.all()).toEqual([]);
});

test('an issue that goes away by itself is over, and begins anew when it comes back', async () => {
  const { thing, healer, pass, told } = await setUp({});
  await pass();
  thing.broken = false;
  await pass();
  expect(healer.status()).toEqual([]);
  thing.broken = true;
  await pass();
  expect(told().filter((text) => text === 'recovery_attempted immediate_retry')).toHaveLength(2);
});

test('incidents outlive a restart; a damaged file is told and begun anew; open ones are bounded', async () => {
  const { file, pass, clock } = await setUp({ kind: 'integrity' });
  await pass();
  const errors: unknown[] = [];
  let number = 0;
  const reopen = (text: string | undefined) =>
    IncidentBook.open({
      storage: { read: async () => text, write: async () => Promise.reject(new Error('read-only')) },
      clock,
      random: () => ++number / 1000,
      onError: (error) => errors.push(error),
      onChange: () => undefined,
    });
  expect((await reopen(file.text)).open()).toMatchObject([{ check: 'thing', target: 'thing' }]);
  expect(errors).toEqual([]);
  const book = await reopen('[{"id": 1}]');
  expect(errors).toHaveLength(1);
  const about = { check: 'x', class: 'integrity', problem: '', tried: [] } as const;
  for (let i = 0; i <= incidentsMax; i++) await book.add({ ...about, tried: [], target: `${i}` });
  expect(book.open()).toHaveLength(incidentsMax);
  await book.close(book.all().at(-1)!.id, 'ada');
  await book.add({ ...about, tried: [], target: 'one more' });
  expect(book.all()[0]!.target).toBe('one more');
});
