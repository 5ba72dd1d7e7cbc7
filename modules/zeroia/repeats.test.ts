import { expect, test } from 'vitest';
import type { DecisionMade } from '../../runtime/contracts/decision.js';
import type { DeviceSample } from '../../runtime/contracts/device.js';
import { createFakeContext } from '../../test/support/fake-context.js';
import { Decider } from './decider.js';
import { DeviceLoop } from './device-loop.js';

function make() {
  const context = createFakeContext();
  const loop = new DeviceLoop(context, new Decider(context.scorer, context.ledger, 16));
  const published: DecisionMade[] = [];
  context.bus.subscribe('decision.made', (decision) => published.push(decision));
  loop.start();
  const sample = async (cpu: number, afterMs = 5000) => {
    context.clock.advance(afterMs);
    const taken: DeviceSample = {
      wall_ms: context.clock.wallMs(),
      monotonic_ms: context.clock.monotonicMs(),
      cpu,
      ram: 10,
      absent: [],
    };
    context.bus.publish('device.sampled', taken);
    await loop.stop();
    loop.start();
  };
  const recorded = () =>
    context.ledger.events
      .filter(({ type }) => type === 'decision_made')
      .map(({ index, data }) => [index, data.decision, data.repeated ?? 0]);
  return { context, loop, published, sample, recorded };
}

test('a decision that stays the same is recorded once in an interval, with the count; one that differs at once', async () => {
  const { loop, published, sample, recorded } = make();
  for (let n = 0; n < 60; n++) await sample(n % 2);
  expect(recorded()).toEqual([[0, 'normal', 0]]);
  expect(loop.repeated).toBe(59);
  await sample(3);
  expect(recorded()).toEqual([
    [0, 'normal', 0],
    [1, 'normal', 59],
  ]);
  await sample(3);
  await sample(90);
  expect(recorded().slice(2)).toEqual([[2, 'reduce_load', 1]]);
  // Every decision is announced; one without an event of its own says so.
  expect(published).toHaveLength(63);
  expect(published.filter(({ index }) => index !== null).map(({ index }) => index)).toEqual([0, 1, 2]);
});

test('what is told of the last decision is what was recorded', async () => {
  const { context, loop, sample } = make();
  await sample(1);
  await sample(2);
  expect(loop.last?.input.cpu).toBe(1);
  expect(context.ledger.events.at(-1)?.data.id).toBe(loop.last?.id);
});

test('a decision that could not be recorded is no base for repeats: the next is recorded', async () => {
  const { context, loop, sample, recorded } = make();
  const { append } = context.ledger;
  context.ledger.append = () => Promise.reject(new Error('the disk is full'));
  await sample(1);
  await sample(1);
  expect(loop.problem).toContain('the disk is full');
  context.ledger.append = append;
  await sample(1);
  expect(recorded()).toEqual([[0, 'normal', 0]]);
});
