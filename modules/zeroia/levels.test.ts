import fc from 'fast-check';
import { expect, test } from 'vitest';
import { configSchema } from '../../runtime/config/schema.js';
import { type Decision, decisions } from '../../runtime/contracts/decision.js';
import { type DegradationLevel, type DeviceSample, levels } from '../../runtime/contracts/device.js';
import { LevelRule } from './levels.js';

const cool: DeviceSample = { wall_ms: 0, monotonic_ms: 0, ram: 20, disk: 30, temperature_c: 40, absent: [] };
const hot: DeviceSample = { ...cool, temperature_c: 95 };

function ruleWith(degradation: object = {}) {
  const time = { ms: 0 };
  const options = configSchema.parse({
    degradation: {
      persist_ms: 5000,
      cooldown: { light_ms: 1000, moderate_ms: 1000, heavy_ms: 2000, emergency_ms: 3000, survival_ms: 4000 },
      survival: { samples: 2 },
      ...degradation,
    },
  }).degradation;
  const rule = new LevelRule({ monotonicMs: () => time.ms, wallMs: () => 0 }, options, 0.05);
  const next = (current: DegradationLevel, decision: Decision, sample = cool) =>
    rule.next(current, decision, sample).level;
  return { time, rule, next, options };
}

test('each decision asks for the level of the table; worse applies at once and may jump', () => {
  expect(decisions.map((decision) => ruleWith().next('normal', decision))).toEqual([
    'normal',
    'light',
    'moderate',
    'emergency',
  ]);
  const own = ruleWith({ levels: { monitor: 'heavy', reduce_load: 'heavy' } });
  expect(own.next('normal', 'monitor')).toBe('heavy');
});

test('reduce_load that persists is heavy, and something milder begins the time anew', () => {
  const { time, next } = ruleWith();
  expect(next('normal', 'reduce_load')).toBe('moderate');
  time.ms = 4999;
  expect(next('moderate', 'reduce_load')).toBe('moderate');
  time.ms = 5000;
  expect(next('moderate', 'reduce_load')).toBe('heavy');
  time.ms = 5500;
  expect(next('heavy', 'monitor')).toBe('heavy');
  time.ms = 6000;
  expect(next('heavy', 'reduce_load')).toBe('heavy');
  time.ms = 7499;
  expect(next('heavy', 'reduce_load')).toBe('heavy');
  time.ms = 7500;
  expect(next('heavy', 'reduce_load')).toBe('moderate');
});

test('measured health alone goes to survival, whatever is decided, and comes back by steps', () => {
  const { time, rule, next } = ruleWith();
  expect(next('normal', 'normal', hot)).toBe('normal');
  expect(rule.next('normal', 'normal', hot)).toEqual({ level: 'survival', why: 'temperature_c 95.0' });
  const fell: [number, DegradationLevel][] = [];
  let level: DegradationLevel = 'survival';
  for (time.ms = 0; level !== 'normal'; time.ms += 100) {
    const after = next(level, 'normal');
    if (after !== level) fell.push([time.ms, after]);
    level = after;
  }
  expect(fell).toEqual([
    [4000, 'emergency'],
    [7000, 'heavy'],
    [9000, 'moderate'],
    [10_000, 'light'],
    [11_000, 'normal'],
  ]);
});

test('a decision for the present level begins its cooldown anew', () => {
  const { time, next } = ruleWith();
  next('moderate', 'normal');
  time.ms = 900;
  expect(next('moderate', 'reduce_load')).toBe('moderate');
  time.ms = 1500;
  expect(next('moderate', 'normal')).toBe('moderate');
  time.ms = 2499;
  expect(next('moderate', 'normal')).toBe('moderate');
  time.ms = 2500;
  expect(next('moderate', 'normal')).toBe('light');
});

test('the level never falls by more than one, nor sooner than its cooldown after it was entered or asked for', () => {
  const steps = fc.array(
    fc.tuple(
      fc.constantFrom<Decision>(...decisions),
      fc.constantFrom(cool, hot),
      fc.integer({ min: 0, max: 2500 }),
    ),
  );
  fc.assert(
    fc.property(steps, (history) => {
      const { time, next, options } = ruleWith();
      let level: DegradationLevel = 'normal';
      let enteredMs = 0;
      for (const [decision, sample, waited] of history) {
        time.ms += waited;
        const after = next(level, decision, sample);
        const change = levels.indexOf(after) - levels.indexOf(level);
        expect(change).toBeGreaterThanOrEqual(-1);
        if (change < 0 && level !== 'normal') {
          expect(time.ms - enteredMs).toBeGreaterThanOrEqual(options.cooldown[`${level}_ms`]);
        }
        if (change !== 0) enteredMs = time.ms;
        level = after;
      }
    }),
  );
});

test('a level that somebody else set begins its cooldown anew', () => {
  const { time, next } = ruleWith();
  expect(next('normal', 'monitor')).toBe('light');
  time.ms = 100;
  expect(next('light', 'normal')).toBe('light');
  // A fixup of recovery steps down to moderate here, 900 ms into the calm.
  time.ms = 1000;
  expect(next('moderate', 'normal')).toBe('moderate');
  time.ms = 1999;
  expect(next('moderate', 'normal')).toBe('moderate');
  time.ms = 2000;
  expect(next('moderate', 'normal')).toBe('light');
});
