import { describe, expect, it } from 'vitest';
import { Core } from '../../core-wasm/index.js';
import { configSchema } from '../config/schema.js';
import { type BreakerTransitionEvent, CoreBreakers } from './breakers.js';

function setUp(overrides: Record<string, number> = {}) {
  const core = Core.create();
  const time = { now: 0 };
  const clock = { wallMs: () => 0, monotonicMs: () => time.now };
  const events: BreakerTransitionEvent[] = [];
  const options = configSchema.parse({ breaker: overrides }).breaker;
  const breakers = new CoreBreakers(core, options, clock, (event) => events.push(event));
  return { core, time, clock, options, events, breakers };
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
      openings: 1,
      retry_after_ms: 1,
    });
    time.now = 10_000;
    call(breaker, 'failure');
    time.now = 20_000;
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
      openings: 2,
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
    const { core, breakers, events } = setUp({ calls_min: 2, window_calls: 2, open_ms: 100 });
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
    const { core, clock, options, time } = setUp({ calls_min: 1 });
    const told: string[] = [];
    const breakers = new CoreBreakers(core, { ...options, open_ms: 100 }, clock, ({ to }) => {
      time.now += 100;
      breakers.get('x').acquire();
      told.push(to);
    });
    call(breakers.get('x'), 'failure');
    expect(told).toEqual(['open', 'half_open']);
  });

  it('passes on what the handler throws, and does not tell that transition again', () => {
    const { core, clock, options } = setUp({ calls_min: 1 });
    let told = 0;
    const breakers = new CoreBreakers(core, options, clock, () => {
      told++;
      throw new Error('handler');
    });
    expect(() => call(breakers.get('x'), 'failure')).toThrow('handler');
    expect(call(breakers.get('x'), 'failure')).toBe(false);
    expect(told).toBe(1);
  });

  it('refuses options that contradict each other, and says when slots run out', () => {
    expect(() => setUp({ window_calls: 4, calls_min: 5 })).toThrow(
      'breaker.calls_min must be at most breaker.window_calls (4), not 5',
    );
    const { breakers } = setUp();
    for (let i = 0; i < 256; i++) breakers.get(`engine-${i}`);
    expect(() => breakers.get('one-more')).toThrow('all 256 breaker slots of the core are taken');
    expect(breakers.get('engine-3').name).toBe('engine-3');
  });
});
