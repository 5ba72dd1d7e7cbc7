import fc from 'fast-check';
import { expect, test } from 'vitest';
import { columnsOf } from './columns.js';
import type { TimelineEvent } from './events.js';

const minute = 60_000;

/** Events of one run at minutes. */
function log() {
  const events: TimelineEvent[] = [];
  let boot = 'a';
  const add = (at: number, type: string, data: TimelineEvent['data'] = {}) =>
    events.push({ index: events.length, type, time_ms: at * minute, boot_id: boot, data });
  return {
    events,
    add,
    anotherRun: () => {
      boot += 'x';
    },
    columns: (fromMin: number, toMin: number, stepMin: number) =>
      columnsOf(events, { fromMs: fromMin * minute, toMs: toMin * minute, columnMs: stepMin * minute }),
  };
}

test('a level holds until it changes, and a column tells the worst of it', () => {
  const { add, columns } = log();
  add(0, 'system_started');
  add(12, 'degradation_changed', { to: 'heavy' });
  add(13, 'degradation_changed', { to: 'moderate' });
  add(31, 'degradation_changed', { to: 'normal' });
  add(49, 'snapshot_taken', {});
  expect(columns(0, 50, 10).map(({ level }) => level)).toEqual([
    'normal',
    'heavy',
    'moderate',
    'moderate',
    'normal',
  ]);
  expect(columns(20, 30, 10).map(({ level }) => level)).toEqual(['moderate']);
});

test('nothing was in force while no server ran: after a stop, and ten minutes after a death without a word', () => {
  const { add, anotherRun, columns } = log();
  add(0, 'system_started');
  add(5, 'decision_made', { decision: 'monitor' });
  add(11, 'system_stopped');
  anotherRun();
  add(35, 'system_started');
  add(36, 'decision_made', { decision: 'normal' });
  anotherRun();
  add(75, 'system_started');
  const drawn = columns(0, 80, 10);
  expect(drawn.map(({ level }) => level)).toEqual([
    ...['normal', 'normal', null, 'normal', 'normal', null, null, 'normal'],
  ]);
  expect(drawn.map(({ decision }) => decision)).toEqual([
    ...['monitor', 'monitor', null, 'normal', 'normal', null, null, null],
  ]);
  expect(drawn.map(({ marks }) => marks.join())).toEqual([
    ...['started', 'stopped', '', 'started', '', '', '', 'started'],
  ]);
});

test('the highest temperature and the mean load of a column, from snapshots and decisions', () => {
  const { add, columns } = log();
  add(1, 'snapshot_taken', { device: { cpu: 10, temperature_c: 50 }, level: 'light' });
  add(2, 'decision_made', { decision: 'normal', input: { cpu: 30, temperature_c: 61.5 } });
  add(3, 'snapshot_taken', { device: { cpu: 50 } });
  expect(columns(0, 10, 5)).toEqual([
    { at_ms: 0, level: 'light', decision: 'normal', temperature_c: 61.5, cpu: 30, marks: [] },
    { at_ms: 5 * minute, level: 'light', decision: 'normal', temperature_c: null, cpu: null, marks: [] },
  ]);
});

test('whatever the log, each reading is in one column, and nothing is made up', () => {
  const event = fc.record({
    type: fc.constantFrom(
      'snapshot_taken',
      'decision_made',
      'degradation_changed',
      'system_stopped',
      'other',
    ),
    at: fc.integer({ min: -50, max: 300 }),
    cpu: fc.oneof(fc.integer({ min: 0, max: 100 }), fc.constant('x'), fc.constant(null)),
    to: fc.constantFrom('normal', 'survival', 'nonsense'),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), fc.integer({ min: 1, max: 90 }), (given, step) => {
      const { add, columns } = log();
      for (const { type, at, cpu, to } of given) {
        add(at, type, { device: { cpu }, input: { cpu }, to, decision: to, level: to });
      }
      const drawn = columns(0, 240, step);
      expect(drawn).toHaveLength(Math.ceil(240 / step));
      expect(drawn.at(-1)!.at_ms + step * minute).toBe(240 * minute);
      const first = drawn[0]!.at_ms;
      const read = given.filter(
        ({ type, at, cpu }) =>
          ['snapshot_taken', 'decision_made'].includes(type) &&
          typeof cpu === 'number' &&
          at * minute >= first &&
          at < 240,
      );
      expect(drawn.some(({ cpu }) => cpu !== null)).toBe(read.length > 0);
      for (const { level, decision, cpu } of drawn) {
        expect([null, 'normal', 'survival']).toContain(level);
        expect([null, 'normal']).toContain(decision);
        if (cpu !== null) expect(cpu).toBeLessThanOrEqual(100);
      }
    }),
  );
});
