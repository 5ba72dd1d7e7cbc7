import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import type { DeviceSample } from '../../runtime/contracts/device.js';
import { figureNames } from './figures.js';
import { publishSample } from './metrics.js';

async function scrape(sample: DeviceSample | undefined): Promise<string[]> {
  const registry = new Registry();
  publishSample(registry, () => sample);
  return (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

test('base units; what is not told has no value, and nothing has one before the first sample', async () => {
  expect(await scrape(undefined)).toEqual([]);
  const lines = await scrape({
    wall_ms: 0,
    monotonic_ms: 0,
    cpu: 12.5,
    cpu_cores: [25, 0],
    throttled: false,
    under_voltage: true,
    ledger_commit_ms: 6,
    power: { watts: 3.5, source: 'pmic', estimated: false },
    energy: { joules: 100, prompt_joules: 40, prompts: 2, tokens: 0, joules_per_request: 20 },
    absent: ['ram'],
  });
  expect(lines.sort()).toEqual([
    'arkalia_device_core_ratio{core="0"} 0.25',
    'arkalia_device_core_ratio{core="1"} 0',
    'arkalia_device_cpu_ratio 0.125',
    'arkalia_device_energy_joules_total 100',
    'arkalia_device_joules_per_request 20',
    'arkalia_device_ledger_commit_seconds 0.006',
    'arkalia_device_power_watts{source="pmic"} 3.5',
    'arkalia_device_prompt_energy_joules_total 40',
    'arkalia_device_throttled 0',
    'arkalia_device_under_voltage 1',
  ]);
});

test('every figure has a name of its own', () => {
  expect(new Set(figureNames).size).toBe(figureNames.length);
});
