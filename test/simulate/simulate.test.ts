import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, test, vi } from 'vitest';
import { type SimulationOptions, simulate } from './simulate.js';
import type { Invariant } from './watch.js';
import type { Sabotage } from './world.js';

const long = process.env.ARKALIA_TEST_LONG === '1';
vi.setConfig({ testTimeout: long ? 7_200_000 : 600_000 });

test(`${long ? '10,000' : '100'} hours with faults: every invariant holds`, async () => {
  const { violation, tail, counts } = await simulate({ seed: 7, hours: long ? 10_000 : 100 });
  expect(violation, tail.join('\n')).toBeUndefined();
  // What did not happen proves nothing.
  expect(counts.level_changes).toBeGreaterThan(20);
  expect(counts.restarts).toBeGreaterThan(1);
  expect(counts.acknowledged).toBeGreaterThan(1000);
  expect(counts.answered[503] ?? 0).toBeGreaterThan(0);
});

describe('a seed', () => {
  test('does the same each time, and another one something else', async () => {
    const run = async (seed: number) => (await simulate({ seed, hours: 6, faultsPerHour: 4 })).digest;
    const first = await run(11);
    expect(await run(11)).toBe(first);
    expect(await run(12)).not.toBe(first);
  });

  test('does the same in a process of its own', async () => {
    const { digest } = await simulate({ seed: 21, hours: 2 });
    const main = fileURLToPath(new URL('./main.js', import.meta.url));
    const told = execFileSync(process.execPath, [main, '--seed', '21', '--hours', '2'], { encoding: 'utf8' });
    expect(told).toContain(digest);
    expect(told).toContain('every invariant held');
  });
});

describe('each invariant finds a rule that was broken on purpose', () => {
  const busy = { chatsPerHour: 200, decisionsPerHour: 20, looksPerHour: 0 };
  const cases: [Sabotage, Invariant, Partial<SimulationOptions>][] = [
    ['lose_event', 'no_event_lost', { faults: [] }],
    ['double_slot', 'permits', { faults: ['burst'], faultsPerHour: 10, traffic: busy }],
    [
      'double_probe',
      'permits',
      { faults: ['engine_down', 'engine_lying'], faultsPerHour: 10, traffic: busy },
    ],
    ['no_cooldown', 'cooldown', { faults: ['processor_taken'], faultsPerHour: 4 }],
    [
      'stuck_breaker',
      'breaker_probed',
      { faults: ['engine_down', 'engine_lying'], faultsPerHour: 10, traffic: busy },
    ],
    ['mute_health', 'health', { faults: ['memory_taken', 'disk_full'], faultsPerHour: 4 }],
    ['unbounded_queue', 'bounded', { faults: ['burst'], faultsPerHour: 10, traffic: busy }],
    [
      'retry_storm',
      'no_storm',
      { faults: ['engine_down', 'engine_lying'], faultsPerHour: 10, traffic: busy },
    ],
    ['wide_thresholds', 'thresholds', { faults: ['processor_taken'], faultsPerHour: 10 }],
    ['throw_later', 'no_surprise', { faults: [] }],
  ];
  it.each(cases)('%s is found by %s', async (sabotage, invariant, options) => {
    const broken = await simulate({ seed: 5, hours: 24, ...options, sabotage });
    expect(broken.violation?.invariant, broken.violation?.what).toBe(invariant);
    const kept = await simulate({ seed: 5, hours: Math.min(2, broken.hours), ...options });
    expect(kept.violation).toBeUndefined();
  });
});
