import fc from 'fast-check';
import { expect, test } from 'vitest';
import { analyticsAnswer } from '../../../contracts/analytics.js';
import type { JsonObject } from '../../../contracts/json.js';
import { analyse } from '../analyse.js';
import { hourMs, hoursProjection } from '../hours.js';
import { latestProjection } from '../latest.js';
import { Projected } from '../projection.js';
import { rankCorrelation } from './correlations.js';

/** The first hour of a day. */
const startMs = Date.UTC(2026, 0, 5);

function log() {
  const hours = new Projected(hoursProjection);
  const latest = new Projected(latestProjection);
  let index = 0;
  const add = (hour: number, type: string, data: JsonObject, stream: string | null = null) => {
    const time_ms = startMs + hour * hourMs + (index % 60) * 1000;
    const event = { index: index++, type, stream, time_ms, monotonic_ms: index, boot_id: 'b', data };
    hours.take(event);
    latest.take(event);
  };
  return {
    device: (hour: number, figures: JsonObject) => {
      for (let i = 0; i < 12; i++) add(hour, 'snapshot_taken', { device: figures });
    },
    row: (hour: number, figures: JsonObject) => add(hour, 'snapshot_taken', { device: figures }),
    decide: (hour: number, decision: string, confidence = 0.9, stream = 'device') =>
      add(hour, 'decision_made', { decision, confidence }, stream),
    answer: (hour: number, engine: string, first_text_ms: number, msPerToken = 20) =>
      add(hour, 'chat_answered', {
        engine,
        first_text_ms,
        took_ms: first_text_ms + 10 * msPerToken,
        usage: { prompt_tokens: 5, completion_tokens: 10 },
      }),
    add,
    found: (window: number) =>
      analyse({ hours: hours.state, latest: latest.state, size: index }, window).behaviour,
  };
}

const names = (found: { kind: string; figure: string }[]) =>
  found.map(({ kind, figure }) => `${kind} ${figure}`);

test('an hour unlike the others is an anomaly, above or below, with its numbers', () => {
  const events = log();
  for (let hour = 0; hour < 20; hour++)
    events.device(hour, { cpu: 20 + (hour % 3), ram: 40, temperature_c: 55 });
  events.device(20, { cpu: 60, ram: 40, temperature_c: 40 });
  const found = events.found(1);
  expect(names(found)).toEqual(['anomaly cpu', 'anomaly temperature_c']);
  expect(found[0]).toEqual({
    kind: 'anomaly',
    figure: 'cpu',
    hour_ms: startMs + 20 * hourMs,
    against: 'all_hours',
    // The median of 20, 21 and 22 is 21, the deviation 1; 2 points are the least that count.
    numbers: { value: 60, median: 21, mad: 1, score: (60 - 21) / 2, hours: 20 },
  });
  expect(found[1]!.numbers).toMatchObject({ value: 40, median: 55, score: -15 });
});

test('nothing is unusual before twelve hours, nor in an hour of two readings', () => {
  const early = log();
  for (let hour = 0; hour < 11; hour++) early.device(hour, { cpu: 20 });
  early.device(11, { cpu: 90 });
  expect(early.found(1)).toEqual([]);
  const thin = log();
  for (let hour = 0; hour < 20; hour++) thin.device(hour, { cpu: 20 });
  thin.row(20, { cpu: 90 });
  thin.row(20, { cpu: 90 });
  expect(thin.found(1)).toEqual([]);
  thin.row(20, { cpu: 90 });
  expect(names(thin.found(1))).toEqual(['anomaly cpu']);
});

test('what happens every night is usual at night, and unusual by day', () => {
  const events = log();
  for (let hour = 0; hour < 8 * 24; hour++) events.device(hour, { cpu: hour % 24 === 3 ? 80 : 10 });
  for (let hour = 8 * 24; hour < 8 * 24 + 16; hour++) {
    events.device(hour, { cpu: [3, 15].includes(hour % 24) ? 80 : 10 });
  }
  const found = events.found(16);
  expect(found.map(({ hour_ms, against }) => [(hour_ms - startMs) / hourMs - 8 * 24, against])).toEqual([
    [15, 'same_hour'],
  ]);
});

test('a night without what happens every night is unusual too', () => {
  const events = log();
  for (let hour = 0; hour < 9 * 24 - 20; hour++) {
    events.device(hour, { cpu: hour % 24 === 3 && hour < 8 * 24 ? 80 : 10 });
  }
  expect(events.found(4).map(({ numbers }) => [numbers.value, numbers.median])).toEqual([[10, 80]]);
});

test('decisions that become unsure are an anomaly of the confidence', () => {
  const events = log();
  for (let hour = 0; hour < 15; hour++)
    for (let i = 0; i < 4; i++) events.decide(hour, 'normal', hour < 14 ? 0.9 : 0.5);
  expect(names(events.found(1))).toEqual(['anomaly confidence']);
});

test('an engine that answers slower is a regression; a tenth more, few answers, or another engine are not', () => {
  const events = log();
  for (let hour = 0; hour < 14; hour++) {
    for (let i = 0; i < 3; i++) {
      events.answer(hour, 'ollama', 200 + i);
      events.answer(hour, 'openai', 100);
    }
  }
  for (let i = 0; i < 4; i++) events.answer(14, 'ollama', 600);
  for (let i = 0; i < 6; i++) events.answer(14, 'openai', 110);
  expect(events.found(1)).toEqual([]);
  events.answer(14, 'ollama', 600);
  expect(events.found(1)).toEqual([
    {
      kind: 'regression',
      figure: 'first_text_ms ollama',
      hour_ms: startMs + 14 * hourMs,
      against: 'all_hours',
      numbers: { value: 600, median: 201, mad: 0, score: 399 / 20.1, times_slower: 600 / 201, answers: 5 },
    },
  ]);
  for (let i = 0; i < 6; i++) events.answer(14, 'openai', 100, 60);
  expect(names(events.found(1))).toContain('regression ms_per_token openai');
});

test('decisions of the device that change to and fro, and a step never seen, are patterns', () => {
  const events = log();
  for (let hour = 0; hour < 14; hour++) {
    for (const decision of ['normal', 'monitor', 'normal']) events.decide(hour, decision);
  }
  expect(events.found(1)).toEqual([]);
  for (let i = 0; i < 5; i++) {
    events.decide(14, 'normal');
    events.decide(14, 'monitor');
  }
  // What others post is no pattern of the device.
  for (const decision of ['normal', 'emergency_shutdown']) events.decide(14, decision, 0.9, 'posted:a');
  events.decide(14, 'emergency_shutdown');
  const found = events.found(1);
  expect(names(found)).toEqual(['pattern decision_changes', 'pattern first monitor>emergency_shutdown']);
  expect(found[0]!.numbers).toMatchObject({ value: 10, median: 2, mad: 0 });
  expect(found[1]!.numbers).toEqual({ value: 1, hours: 14 });
});

test('a temperature that no longer follows the load is a correlation that broke', () => {
  const events = log();
  const together = (hour: number) => {
    for (let i = 0; i < 12; i++) events.row(hour, { cpu: 10 + 5 * i, temperature_c: 45 + 2 * i });
  };
  for (let hour = 0; hour < 14; hour++) together(hour);
  together(14);
  expect(events.found(1)).toEqual([]);
  // A sensor that hangs at what it usually tells.
  for (let hour = 15; hour < 17; hour++) {
    for (let i = 0; i < 12; i++) events.row(hour, { cpu: 10 + 5 * i, temperature_c: 56 });
  }
  const found = events.found(2);
  expect(names(found)).toEqual(['correlation cpu~temperature_c']);
  expect(found[0]!.numbers).toMatchObject({ value: 0, median: 1, readings: 24, readings_before: 180 });
  expect(found[0]!.numbers.score).toBeLessThan(-3.5);
});

test('rank correlation, as worked out by hand, with ties', () => {
  const of = (...pairs: [number, number][]) => rankCorrelation(pairs);
  expect(of([1, 10], [2, 20], [3, 400])).toBe(1);
  expect(of([1, 3], [2, 2], [3, 1])).toBe(-1);
  // Ranks 1 2 3 4 against 2 1 4 3: 1 − 6·4 / (4·15) = 0.6
  expect(of([1, 2], [2, 1], [3, 4], [4, 3])).toBeCloseTo(0.6, 12);
  // Ranks 1.5 1.5 3 against 1 2 3: 1.5 / √(1.5 · 2)
  expect(of([5, 1], [5, 2], [6, 3])).toBeCloseTo(1.5 / Math.sqrt(3), 12);
  expect(of([1, 7], [2, 7])).toBeUndefined();
  expect(of()).toBeUndefined();
});

test('rank correlation lies within −1 and 1, and does not care how far apart values are', () => {
  const pairs = fc.array(fc.tuple(fc.integer({ min: -20, max: 20 }), fc.integer({ min: -20, max: 20 })));
  fc.assert(
    fc.property(pairs, (given) => {
      const value = rankCorrelation(given);
      const stretched = rankCorrelation(given.map(([x, y]) => [x ** 3, Math.exp(y)]));
      expect(stretched).toBe(value);
      if (value !== undefined) expect(Math.abs(value)).toBeLessThanOrEqual(1 + 1e-12);
    }),
  );
});

test('whatever stands in the log, what is found is finite and in the published shape', () => {
  const number = fc.oneof(fc.double({ noNaN: true }), fc.constantFrom(0, -1, 1e308));
  const odd = fc.oneof(number, fc.constantFrom<null | string | object>(null, 'x', [], {}));
  const any = fc.oneof(
    fc
      .record({ cpu: odd, temperature_c: odd }, { requiredKeys: [] })
      .map((device) => ['snapshot_taken', { device }]),
    fc
      .record({ engine: fc.constantFrom('a', 'b', 3), took_ms: odd, first_text_ms: odd, usage: odd })
      .map((data) => ['chat_answered', data]),
    fc
      .record({ decision: fc.constantFrom('normal', 'monitor', 'x'), confidence: odd })
      .map((data) => ['decision_made', data]),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(any, fc.nat(40)), { maxLength: 200 }), (given) => {
      const events = log();
      for (const [[type, data], hour] of given)
        events.add(hour, type as string, data as JsonObject, 'device');
      const shape = analyticsAnswer.shape.behaviour;
      const found = events.found(5);
      expect(shape.parse(JSON.parse(JSON.stringify(found)))).toEqual(found);
    }),
  );
});
