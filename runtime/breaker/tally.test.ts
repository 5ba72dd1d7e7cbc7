import { expect, it } from 'vitest';
import { Core } from '../../core-wasm/index.js';
import { configSchema } from '../config/schema.js';
import type { NewEvent } from '../contracts/ledger.js';
import { EventCatalog } from '../ledger/events/catalog.js';
import { CoreBreakers } from './breakers.js';
import { CallTally } from './tally.js';

it('counts what happened since it was last told, engine by engine, and tells nothing of what did not', () => {
  const time = { now: 5 };
  const breakers = new CoreBreakers({
    core: Core.create(),
    config: configSchema.parse({ breaker: { calls_min: 3, slow_call_ms: 100, slow_call_rate: 1 } }).breaker,
    now: () => time.now,
    random: () => 0.5,
    onTransition: () => undefined,
  });
  const events: NewEvent[] = [];
  const tally = new CallTally({
    all: () => breakers.all(),
    now: () => time.now,
    record: (event) => events.push(event),
  });
  const call = (name: string, outcome: 'success' | 'failure' | 'ignored', tookMs = 1) => {
    const permit = breakers.get(name).acquire();
    if (permit.ok) breakers.get(name).record(permit.permit, outcome, tookMs);
  };
  const told = () => {
    tally.tell();
    return events.splice(0).map(({ type, data }) => [type, data]);
  };
  breakers.get('idle');
  expect(told()).toEqual([]);

  call('fast', 'success');
  call('fast', 'success', 100);
  call('fast', 'ignored');
  for (let i = 0; i < 5; i++) call('broken', 'failure');
  time.now = 1005;
  const first = told();
  expect(first).toEqual([
    ['circuit_success', { breaker: 'fast', calls: 2, slow: 1, interval_ms: 1000 }],
    ['circuit_failure', { breaker: 'broken', calls: 3, interval_ms: 1000 }],
    ['call_blocked', { breaker: 'broken', calls: 2, state: 'open', interval_ms: 1000 }],
  ]);
  expect(told()).toEqual([]);

  call('broken', 'success');
  time.now = 1065;
  expect(told()).toEqual([['call_blocked', { breaker: 'broken', calls: 1, state: 'open', interval_ms: 60 }]]);

  const catalog = new EventCatalog();
  for (const [type, data] of first) {
    expect(catalog.check({ type, module: 'kernel', data } as NewEvent)).toBe(1);
  }
});
