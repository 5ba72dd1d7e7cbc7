import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decisions } from '../../contracts/decision.js';
import type { JsonObject } from '../../contracts/json.js';
import type { NewEvent } from '../../contracts/ledger.js';
import { EventCatalog } from '../events/catalog.js';
import { openLedger, type SqliteLedger } from '../ledger.js';
import { QueryClient } from '../query.js';
import { analyse } from './analyse.js';
import { baselineOf, robustScore } from './baseline.js';
import { hourMs, hoursProjection } from './hours.js';
import { latestProjection } from './latest.js';
import { Projected, type ProjectedEvent } from './projection.js';

const startMs = 1_790_000_000_000 - (1_790_000_000_000 % hourMs);

const decided = (decision: string) => ({ type: 'decision_made', data: { decision } });
const transition = (to: string) => ({
  type: 'circuit_opened',
  data: {
    breaker: 'ollama',
    number: 1,
    from: 'closed',
    to,
    cause: 'failure_rate',
    monotonic_ms: 1,
    calls: 1,
    failures: 1,
    slow: 0,
    open_step: 0,
  },
});
const anyEvent = fc.oneof(
  fc.constantFrom(...decisions).map(decided),
  fc.constantFrom('open', 'closed').map(transition),
  fc.constantFrom<{ type: string; data: JsonObject }>(
    { type: 'circuit_failure', data: { breaker: 'ollama', calls: 3, interval_ms: 1 } },
    { type: 'circuit_success', data: { breaker: 'ollama', calls: 5, slow: 0, interval_ms: 1 } },
    { type: 'system_error', data: { name: 'Error' } },
    { type: 'degradation_changed', data: { from: 'normal', to: 'heavy', reason: '', shed: [] } },
  ),
);

/** Events a minute apart, in two streams and a few runs. */
const anyLog = fc
  .array(fc.tuple(anyEvent, fc.constantFrom('device', 'posted:a', null), fc.nat(2)), { maxLength: 300 })
  .map((parts) =>
    parts.map(
      ([event, stream, boot], index): ProjectedEvent => ({
        ...event,
        index,
        stream,
        time_ms: startMs + index * 60_000,
        monotonic_ms: index * 60_000,
        boot_id: `boot-${boot}`,
      }),
    ),
  );

function accountOf(events: readonly ProjectedEvent[]) {
  const hours = new Projected(hoursProjection);
  const latest = new Projected(latestProjection);
  for (const event of events) {
    hours.take(event);
    latest.take(event);
  }
  return { hours: hours.state, latest: latest.state, size: hours.next };
}

describe('projections', () => {
  it('count what looking at each event counts', () => {
    fc.assert(
      fc.property(anyLog, (events) => {
        const { types, decisions: patterns, standing, size } = analyse(accountOf(events), 720);
        expect(size).toBe(events.length);
        const count = (type: string) => events.filter((event) => event.type === type).length;
        for (const [type, entry] of Object.entries(types))
          expect([type, entry.count]).toEqual([type, count(type)]);
        expect(standing.types).toEqual(
          Object.fromEntries(Object.entries(types).map(([type, entry]) => [type, entry.count])),
        );
        const last = events.findLast(({ type }) => type === 'circuit_opened');
        expect(standing.breakers).toEqual(last === undefined ? {} : { ollama: last.data.to });
        const made = events.filter(({ type }) => type === 'decision_made');
        for (const from of decisions) {
          expect(patterns.counts[from]).toBe(made.filter(({ data }) => data.decision === from).length);
          for (const to of decisions) {
            const pairs = ['device', 'posted:a'].flatMap((stream) => {
              const series = made.filter((event) => event.stream === stream).map(({ data }) => data.decision);
              return series.slice(1).filter((decision, i) => series[i] === from && decision === to);
            });
            expect([from, to, patterns.transitions[from][to]]).toEqual([from, to, pairs.length]);
          }
        }
        const own = made.filter(({ stream }) => stream === 'device');
        const time = own.slice(1).reduce((sum, event, i) => {
          const before = own[i]!;
          return before.boot_id === event.boot_id ? sum + event.monotonic_ms - before.monotonic_ms : sum;
        }, 0);
        expect(Object.values(patterns.time_ms).reduce((sum, ms) => sum + ms, 0)).toBe(time);
      }),
    );
  });

  it('take each event once', () => {
    const hours = new Projected(hoursProjection);
    const [event] = fc.sample(
      anyLog.filter((events) => events.length > 0),
      1,
    )[0]!;
    hours.take(event!);
    expect(() => hours.take(event!)).toThrow(/event 0 was taken in before/);
  });

  it('keep a bounded state', () => {
    const hours = new Projected(hoursProjection);
    const latest = new Projected(latestProjection);
    for (let index = 0; index < 5000; index++) {
      const event = {
        ...(index % 2 === 0 ? transition('open') : decided('normal')),
        type: index % 2 === 0 ? `module.type-${index}` : 'decision_made',
        index,
        stream: `stream-${index}`,
        time_ms: startMs + (index % 3000) * hourMs,
        monotonic_ms: index,
        boot_id: 'boot',
      };
      hours.take(event);
      latest.take(event);
    }
    expect(hours.state.hours.size).toBeLessThanOrEqual(1440);
    expect(hours.state.last.size).toBeLessThanOrEqual(1024);
    expect(latest.state.counts.size).toBeLessThanOrEqual(1024);
  });
});

describe('anomalies', () => {
  /** One failed and nine good calls an hour, and in the last hour what is given. */
  const log = (hours: number, last: { calls: number; failed: number; errors: number }): ProjectedEvent[] => {
    const events: ProjectedEvent[] = [];
    const add = (hour: number, type: string, data: ProjectedEvent['data']) =>
      events.push({
        index: events.length,
        type,
        stream: null,
        time_ms: startMs + hour * hourMs,
        monotonic_ms: 0,
        boot_id: 'b',
        data,
      });
    for (let hour = 0; hour < hours; hour++) {
      // One wild hour among those that are learned from must not change the picture.
      const failed = hour === 3 ? 10 : 1;
      add(hour, 'circuit_success', { calls: 10 - failed });
      add(hour, 'circuit_failure', { calls: failed });
    }
    add(hours, 'circuit_success', { calls: last.calls - last.failed });
    add(hours, 'circuit_failure', { calls: last.failed });
    for (let i = 0; i < last.errors; i++) add(hours, 'system_error', { name: 'Error' });
    return events;
  };
  const unusual = (hours: number, last: { calls: number; failed: number; errors: number }) =>
    analyse(accountOf(log(hours, last)), 1).anomalies.map(({ figure }) => figure);

  it('are what lies far above the hours before, by a share or by a count', () => {
    const usual = { calls: 10, failed: 1, errors: 0 };
    expect(unusual(24, usual)).toEqual([]);
    expect(unusual(24, { ...usual, failed: 2 })).toEqual([]);
    expect(unusual(24, { ...usual, failed: 8 })).toEqual(['failure_rate']);
    expect(unusual(24, { ...usual, errors: 3 })).toEqual([]);
    expect(unusual(24, { ...usual, errors: 4 })).toEqual(['system_errors']);
    expect(unusual(24, { calls: 10, failed: 0, errors: 0 })).toEqual([]);
  });

  it('need hours to compare with', () => {
    const wild = { calls: 10, failed: 10, errors: 50 };
    expect(unusual(11, wild)).toEqual([]);
    expect(analyse(accountOf(log(11, wild)), 1).baseline).toMatchObject({ state: 'learning', hours: 11 });
    expect(unusual(12, wild)).toEqual(['failure_rate', 'system_errors']);
  });

  it('measure by the median and its deviation, as worked out by hand', () => {
    expect(baselineOf([1, 1, 2, 2, 4, 6, 9])).toEqual({ median: 2, mad: 1 });
    expect(baselineOf([4, 1])).toEqual({ median: 2.5, mad: 1.5 });
    expect(robustScore(9, { median: 2, mad: 1 }, 0.1)).toBeCloseTo(7 / 1.4826, 12);
    expect(robustScore(9, { median: 2, mad: 0 }, 2)).toBe(3.5);
    expect(() => baselineOf([])).toThrow(RangeError);
  });
});

describe('of a ledger', () => {
  let folder: string;
  let ledger: SqliteLedger;
  const wall = { now: startMs };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'arkalia-analytics-'));
    ledger = await openLedger({
      file: join(folder, 'ledger.sqlite'),
      bootId: 'analytics',
      clock: { wallMs: () => wall.now, monotonicMs: () => performance.now() },
      queueMax: 10_000,
      batchMax: 500,
      onFailure: (error) => {
        throw error;
      },
    });
  });
  afterEach(async () => {
    await ledger.close();
    rmSync(folder, { recursive: true });
  });

  it('what was taken in while it came is what is made again from zero', async () => {
    expect(await ledger.analyse(24)).toMatchObject({ size: 0, hours: 0, from_ms: null, anomalies: [] });
    const parts = fc.sample(anyEvent, { numRuns: 5000, seed: 7 });
    for (let from = 0; from < parts.length; ) {
      const count = 1 + ((from * 7) % 900);
      await Promise.all(
        parts.slice(from, from + count).map((part, i) => {
          wall.now += 97_000;
          const stream = i % 3 === 0 ? 'device' : 'posted:a';
          return ledger.append({ ...part, module: 'kernel', stream } as NewEvent);
        }),
      );
      from += count;
      expect((await ledger.analyse(24)).size).toBe(Math.min(from, parts.length));
    }
    const again = new QueryClient(join(folder, 'ledger.sqlite'), new EventCatalog());
    try {
      for (const hours of [1, 24, 720])
        expect(await again.analyse(hours)).toEqual(await ledger.analyse(hours));
    } finally {
      await again.close();
    }
    expect((await ledger.analyse(720)).standing.types.decision_made).toBeGreaterThan(1000);
  });

  it.each([0, 721, 1.5, Number.NaN])('refuses %d hours', async (hours) => {
    await expect(ledger.analyse(hours)).rejects.toThrow(RangeError);
  });
});
