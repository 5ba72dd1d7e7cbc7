import { expect, test } from 'vitest';
import { decisions, type Score } from '../../runtime/contracts/decision.js';
import type { DeviceSample } from '../../runtime/contracts/device.js';
import { createFakeContext, floorScore } from '../../test/support/fake-context.js';
import { observe, Resolver } from './views.js';

const { thresholds } = createFakeContext().scorer;
const sample = (figures: Partial<DeviceSample>): DeviceSample => ({
  wall_ms: 0,
  monotonic_ms: 0,
  absent: [],
  ...figures,
});
const seen = (figures: Partial<DeviceSample>) => observe(sample(figures), thresholds);
const score = (decision: Score['decision'], reasons: string[] = []): Score => ({
  ...floorScore({ cpu: 1, ram: 1, severity: 'none' }),
  decision,
  reasons,
});

test.each([
  [{}, 'normal', []],
  [{ cpu: 60, ram: 75, temperature_c: 69.9, disk: 85 }, 'normal', []],
  [{ disk: 95.1, temperature_c: 70 }, 'reduce_load', ['disk 95.1', 'temperature_c 70.0']],
  [{ cpu: 60.1 }, 'monitor', ['cpu 60.1']],
  [{ ram: 90.1, cpu: 61 }, 'reduce_load', ['cpu 61.0', 'ram 90.1']],
  [{ throttled: true }, 'reduce_load', ['throttled']],
  [{ throttled: false, event_loop_delay_ms: 1999 }, 'normal', []],
  [{ event_loop_delay_ms: 2000 }, 'reduce_load', ['event_loop_blocked']],
  [{ temperature_c: 85 }, 'emergency_shutdown', ['temperature_c 85.0']],
] as const)('%j asks for %s', (figures, asks, because) => {
  expect(seen(figures)).toEqual({ asks, because });
});

test('a milder decision gives way to what was observed', () => {
  expect(new Resolver().resolve(seen({ throttled: true }), score('monitor'))).toEqual({
    acted: 'reduce_load',
    found: {
      fault: 'milder_than_observed',
      observed: 'reduce_load',
      because: ['throttled'],
      decided: 'monitor',
      rule: 'worse_view',
      acted: 'reduce_load',
    },
  });
});

test('a decision two steps worse is followed three times, then what was observed counts until they agree', () => {
  const resolver = new Resolver();
  const acted = (decision: Score['decision'], figures = {}) =>
    resolver.resolve(seen(figures), score(decision)).acted;
  expect([1, 2, 3, 4, 5].map(() => acted('emergency_shutdown'))).toEqual([
    'emergency_shutdown',
    'emergency_shutdown',
    'emergency_shutdown',
    'normal',
    'normal',
  ]);
  expect(acted('emergency_shutdown', { cpu: 90 })).toBe('emergency_shutdown');
  expect(acted('emergency_shutdown')).toBe('emergency_shutdown');
});

test('views that agree, that are a step apart, or that a cooldown holds apart are no contradiction', () => {
  for (const decision of decisions) {
    const observed = { asks: decision, because: [] };
    expect(new Resolver().resolve(observed, score(decision))).toEqual({ acted: decision });
  }
  expect(new Resolver().resolve(seen({}), score('monitor')).found).toBeUndefined();
  const held = score('reduce_load', ['held_by_cooldown']);
  expect(new Resolver().resolve(seen({}), held).found).toBeUndefined();
});
