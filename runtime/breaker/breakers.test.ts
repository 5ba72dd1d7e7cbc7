import { describe, expect, it } from 'vitest';
import { Core } from '../../core-wasm/index.js';
import { configSchema } from '../config/schema.js';
import { CoreBreakers, type CoreBreakersOptions } from './breakers.js';
import type { BreakerTransitionEvent } from './core-breaker.js';
import { transitionEvent } from './transition-event.js';

function setUp(overrides: Record<string, unknown> = {}, more: Partial<CoreBreakersOptions> = {}) {
  const core = Core.create();
  const time = { now: 0 };
  const events: BreakerTransitionEvent[] = [];
  const config = configSchema.parse({ breaker: { open_jitter: 0, ...overrides } }).breaker;
  const options: CoreBreakersOptions = {
    core,
    config,
    now: () => time.now,
    random: () => 0.5,
    onTransition: (event) => events.push(event),
    ...more,
  };
  return { core, time, events, breakers: new CoreBreakers(options) };
}

function call(breaker: ReturnType<CoreBreakers['get']>, outcome: 'success' | 'failure' | 'ignored'): boolean {
  const permit = breaker.acquire();
  if (permit.ok) breaker.record(permit.permit, outcome);
  return permit.ok;
}

describe('breakers', () => {
  it('tells each transition once, in order, with its cause', () => {
    const { breakers, time, events } = setUp({ calls_min: 2 });
    const breaker = breakers.get('ollama');
    expect([call(breaker, 'failure'), call(breaker, 'failure'), call(breaker, 'failure')]).toEqual([
      true,
      true,
      false,
    ]);
    time.now = 9999;
    expect(breaker.snapshot()).toEqual({
      name: 'ollama',
      state: 'open',
      calls: 2,
      failures: 2,
      slow: 0,
      openings: 1,
      open_step: 0,
      retry_after_ms: 1,
      totals: { successes: 0, slow: 0, failures: 2, ignored: 0, late: 0, refused: 1 },
      last: { number: 1, from: 'closed', to: 'open', cause: 'failure_rate', monotonic_ms: 0 },
    });
    time.now = 10_000;
    call(breaker, 'failure');
    expect(breaker.snapshot()).toMatchObject({ open_step: 1, retry_after_ms: 20_000 });
    time.now = 30_000;
    call(breaker, 'success');
    expect(
      events.map(({ name, from, to, cause, missed }) => `${name}: ${from} > ${to}, ${cause}, ${missed}`),
    ).toEqual([
      'ollama: closed > open, failure_rate, 0',
      'ollama: open > half_open, open_time_over, 0',
      'ollama: half_open > open, probe_failed, 0',
      'ollama: open > half_open, open_time_over, 0',
      'ollama: half_open > closed, probes_succeeded, 0',
    ]);
    expect(breaker.snapshot()).toEqual({
      name: 'ollama',
      state: 'closed',
      calls: 0,
      failures: 0,
      slow: 0,
      openings: 2,
      open_step: 2,
      totals: { successes: 1, slow: 0, failures: 3, ignored: 0, late: 0, refused: 1 },
      last: { number: 5, from: 'half_open', to: 'closed', cause: 'probes_succeeded', monotonic_ms: 30_000 },
    });
    expect(transitionEvent(events[2]!)).toEqual({
      type: 'circuit_opened',
      module: 'kernel',
      data: {
        breaker: 'ollama',
        number: 3,
        from: 'half_open',
        to: 'open',
        cause: 'probe_failed',
        monotonic_ms: 10_000,
        calls: 2,
        failures: 2,
        slow: 0,
        open_step: 1,
        open_ms: 20_000,
      },
    });
  });

  it('keeps one breaker per name, apart from the others', () => {
    const { breakers } = setUp({ calls_min: 1 });
    call(breakers.get('a'), 'failure');
    expect(breakers.get('a')).toBe(breakers.get('a'));
    expect(call(breakers.get('b'), 'success')).toBe(true);
    expect(breakers.all().map(({ name, state }) => [name, state])).toEqual([
      ['a', 'open'],
      ['b', 'closed'],
    ]);
  });

  it('tells what another thread did at the next look, and how much was overwritten before', () => {
    const { core, breakers, events } = setUp({ calls_min: 2, window_calls: 2, open_ms: 100, open_growth: 1 });
    const breaker = breakers.get('engine');
    const other = Core.attach(core.share.memory, core.share.module).breakers.at(breaker.slot);
    let now = 0;
    const turn = () => {
      other.record(other.acquire(now), 'failure', now);
      other.record(other.acquire(now), 'failure', now);
      now += 100;
      other.record(other.acquire(now), 'success', now);
    };
    turn();
    breakers.all();
    expect(events.map(({ to }) => to)).toEqual(['open', 'half_open', 'closed']);
    for (let i = 0; i < 30; i++) turn();
    breakers.all();
    expect(events).toHaveLength(3 + 64);
    expect(events[3]?.missed).toBe(90 - 64);
    expect(events.slice(4).every(({ missed }) => missed === 0)).toBe(true);
  });

  it('keeps the order when the handler itself calls the breaker', () => {
    const told: string[] = [];
    const { breakers, time } = setUp(
      { calls_min: 1, open_ms: 100 },
      {
        onTransition: ({ to }) => {
          time.now += 100;
          breakers.get('x').acquire();
          told.push(to);
        },
      },
    );
    call(breakers.get('x'), 'failure');
    expect(told).toEqual(['open', 'half_open']);
  });

  it('passes on what the handler throws, and does not tell that transition again', () => {
    let told = 0;
    const onTransition = () => {
      told++;
      throw new Error('handler');
    };
    const { breakers } = setUp({ calls_min: 1 }, { onTransition });
    expect(() => call(breakers.get('x'), 'failure')).toThrow('handler');
    expect(call(breakers.get('x'), 'failure')).toBe(false);
    expect(told).toBe(1);
  });

  it('takes windows by time and slow calls from the configuration', () => {
    const { breakers, time } = setUp({
      window: 'time',
      window_ms: 1000,
      window_buckets: 10,
      calls_min: 2,
      slow_call_ms: 50,
      slow_call_rate: 1,
    });
    const breaker = breakers.get('x');
    const slow = () => {
      const permit = breaker.acquire();
      if (permit.ok) breaker.record(permit.permit, 'success', 50);
    };
    slow();
    time.now = 1000;
    slow();
    expect(breaker.snapshot()).toMatchObject({ state: 'closed', calls: 1, slow: 1 });
    slow();
    expect(breaker.snapshot()).toMatchObject({ state: 'open', last: { cause: 'slow_rate' } });
  });

  it('carries out orders and says who gave them', () => {
    const { breakers, events } = setUp({ calls_min: 1 });
    const breaker = breakers.get('x');
    expect([breaker.order('forced_open', 'ab'), breaker.order('forced_open', 'ab')]).toEqual([true, false]);
    expect(breaker.acquire()).toEqual({ ok: false, retryAfterMs: 10_000 });
    breaker.order('metrics_only', 'cd');
    call(breaker, 'failure');
    expect(breaker.snapshot()).toMatchObject({ state: 'metrics_only', calls: 1, failures: 1 });
    expect(breaker.order('reset', 'ef')).toBe(true);
    call(breaker, 'failure');
    expect(events.map((event) => [transitionEvent(event).type, event.by])).toEqual([
      ['state_change', 'ab'],
      ['state_change', 'cd'],
      ['manual_reset', 'ef'],
      ['circuit_opened', undefined],
    ]);
    expect(breakers.find('x')).toBe(breaker);
    expect(breakers.find('y')).toBeUndefined();
  });

  it('goes on where another life of it stopped, and keeps what nobody has asked for', () => {
    const before = setUp({ calls_min: 1 });
    before.time.now = 5000;
    for (const name of ['open', 'probed']) call(before.breakers.get(name), 'failure');
    before.time.now = 15_000;
    before.breakers.get('probed').acquire();
    before.time.now = 12_000;
    const saved = before.breakers.save();
    const { breakers } = setUp({ calls_min: 1, open_ms: 1000, open_ms_max: 2500 }, { saved });
    expect(breakers.get('open').snapshot()).toMatchObject({ state: 'open', retry_after_ms: 2500 });
    expect(breakers.save()).toEqual(
      new Map([
        ['open', { state: 'open', step: 0, openMs: 2500, window: { calls: 1, failures: 1, slow: 0 } }],
        ['probed', { state: 'half_open', step: 0, openMs: 0, window: { calls: 1, failures: 1, slow: 0 } }],
      ]),
    );
    expect(breakers.get('probed').snapshot()).toMatchObject({ state: 'open', retry_after_ms: 0 });
    expect(breakers.get('probed').acquire().ok).toBe(true);
    expect(breakers.get('new').snapshot()).toMatchObject({ state: 'closed', calls: 0 });
  });

  it('refuses options that contradict each other, and says when slots run out', () => {
    expect(() => setUp({ window_calls: 4, calls_min: 5 }).breakers.get('x')).toThrow(
      'callsMin must be an integer from 1 to 4, not 5',
    );
    const { breakers } = setUp();
    for (let i = 0; i < 256; i++) breakers.get(`engine-${i}`);
    expect(() => breakers.get('one-more')).toThrow('all 256 breaker slots of the core are taken');
    expect(breakers.get('engine-3').name).toBe('engine-3');
  });
});
