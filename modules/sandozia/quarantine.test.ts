import { expect, test } from 'vitest';
import { createFakeContext } from '../../test/support/fake-context.js';
import { type Judged, Quarantine } from './quarantine.js';

const result = (level: Judged['level'], change: Partial<Judged> = {}): Judged => ({
  name: 'sums',
  kind: 'logical_consistency',
  about: 'sums agree',
  level,
  fault: level === 'ok' ? null : 'off_by_one',
  evidence: {},
  checked_ms: 0,
  accountOf: 'abacus',
  ...change,
});

function make() {
  const context = createFakeContext();
  const told: string[] = [];
  context.bus.subscribe('module.quarantined', ({ module, fault }) => told.push(`${module} ${fault}`));
  context.bus.subscribe('module.released', ({ module }) => told.push(`${module} released`));
  const quarantine = new Quarantine(context);
  const recorded = () => context.ledger.events.map(({ type, data }) => [type, data]);
  return { context, quarantine, told, recorded };
}

test('one critical finding holds the module; it is released when its time is over and its account agrees, and all is recorded', async () => {
  const { context, quarantine, told, recorded } = make();
  await quarantine.judge([result('critical')]);
  expect(quarantine.all()).toEqual([
    {
      module: 'abacus',
      check: 'sums',
      fault: 'off_by_one',
      since_ms: context.clock.wallMs(),
      duration_ms: 60_000,
      retries: 0,
    },
  ]);
  context.clock.advance(59_999);
  await quarantine.judge([result('ok')]);
  expect(quarantine.all()).toHaveLength(1);
  context.clock.advance(1);
  await quarantine.judge([result('ok')]);
  expect(quarantine.all()).toEqual([]);
  expect(told).toEqual(['abacus off_by_one', 'abacus released']);
  expect(recorded()).toEqual([
    ['module_quarantined', { module: 'abacus', check: 'sums', fault: 'off_by_one', duration_ms: 60_000 }],
    ['module_released', { module: 'abacus', held_ms: 60_000, retries: 0 }],
  ]);
});

test('nobody is held for warnings, nor for what cannot be put down to one', async () => {
  const { quarantine } = make();
  for (const level of ['warning', 'info', 'ok', 'warning', 'warning', 'warning', null] as const)
    await quarantine.judge([result(level), result('critical', { name: 'other', accountOf: undefined })]);
  expect(quarantine.all()).toEqual([]);
});

test('while its account does not agree its time is doubled, up to an hour; any of its checks counts', async () => {
  const { context, quarantine } = make();
  await quarantine.judge([result('critical')]);
  const durations: number[] = [];
  for (let n = 0; n < 8; n++) {
    context.clock.advance(quarantine.all()[0]!.duration_ms);
    await quarantine.judge([result('ok'), result('warning', { name: 'other' })]);
    durations.push(quarantine.all()[0]!.duration_ms / 60_000);
  }
  expect(durations).toEqual([2, 4, 8, 16, 32, 60, 60, 60]);
  expect(quarantine.all()[0]!.retries).toBe(8);
});

test('one that is held again within an hour is held twice as long, later as at first', async () => {
  const { context, quarantine } = make();
  const heldFor = async () => {
    await quarantine.judge([result('critical')]);
    const { duration_ms } = quarantine.all()[0]!;
    context.clock.advance(duration_ms);
    await quarantine.judge([result('ok')]);
    return duration_ms;
  };
  expect([await heldFor(), await heldFor(), await heldFor()]).toEqual([60_000, 120_000, 240_000]);
  context.clock.advance(3_600_000);
  expect(await heldFor()).toBe(60_000);
});

test('when nobody checks any more nobody is held; what cannot be recorded holds all the same', async () => {
  const { context, quarantine, told } = make();
  context.ledger.append = () => Promise.reject(new Error('full'));
  await quarantine.judge([result('critical')]);
  expect(quarantine.all()).toHaveLength(1);
  await quarantine.end();
  expect(told.at(-1)).toBe('abacus released');
});
