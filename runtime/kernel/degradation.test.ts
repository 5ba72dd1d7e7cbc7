import { expect, test } from 'vitest';
import { ManualClock } from '../../test/support/fake-context.js';
import type { LevelChange } from '../contracts/device.js';
import type { Ledger, NewEvent } from '../contracts/ledger.js';
import { createBus } from './bus.js';
import { createDegradation } from './degradation.js';

function setUp(append: (event: NewEvent) => Promise<unknown>) {
  const heard: LevelChange[] = [];
  const bus = createBus((_, error) => {
    throw error;
  });
  bus.subscribe('level.changed', (change) => heard.push(change));
  const ledger = { append } as unknown as Ledger;
  const clock = new ManualClock();
  return { heard, clock, degradation: createDegradation({ bus, ledger, clock }) };
}

test('a change applies, is told and is recorded; the same level again does nothing', async () => {
  const events: NewEvent[] = [];
  const { heard, clock, degradation } = setUp(async (event) => events.push(event));
  expect(degradation.status()).toMatchObject({ reason: null, for_ms: 0 });
  await degradation.set('moderate', 'cpu 91 %');
  await degradation.set('moderate', 'cpu 92 %');
  expect(degradation.level()).toBe('moderate');
  expect(degradation.shed()).toContain('half of the places in the queue of each engine');
  clock.advance(1500);
  expect(degradation.status()).toMatchObject({ reason: 'cpu 91 %', for_ms: 1500 });
  expect(degradation.limits()).toMatchObject({ queueShare: 0.5, answerTokensMax: 256, models: true });
  expect(heard).toEqual([{ from: 'normal', to: 'moderate', reason: 'cpu 91 %' }]);
  expect(events).toHaveLength(1);
  expect(events[0]).toMatchObject({ type: 'degradation_changed', data: { from: 'normal', to: 'moderate' } });
});

test('a ledger that fails does not keep the level from applying, and the caller is told', async () => {
  const { heard, degradation } = setUp(() => Promise.reject(new Error('disk full')));
  await expect(degradation.set('heavy', 'memory')).rejects.toThrow('disk full');
  expect(degradation.level()).toBe('heavy');
  expect(heard).toHaveLength(1);
});
