import { expect, test } from 'vitest';
import { Core } from '../../core-wasm/index.js';
import { configSchema } from '../config/schema.js';
import type { Breaker } from '../contracts/breaker.js';
import { createBreakers, type TransitionNotice } from './breakers.js';

function setUp() {
  const time = { ms: 0 };
  const notices: TransitionNotice[] = [];
  const core = Core.create();
  const breakers = createBreakers({
    core,
    config: configSchema.parse({
      breaker: { window_calls: 4, calls_min: 4, open_ms: 1000, half_open_ms: 500 },
    }).breaker,
    clock: { monotonicMs: () => time.ms, wallMs: () => 0 },
    onTransition: (notice) => notices.push(notice),
  });
  return { time, notices, breakers, core };
}

function call(breaker: Breaker, outcome: 'success' | 'failure') {
  const permit = breaker.acquire();
  if (permit.ok) breaker.record(permit.permit, outcome);
  return permit.ok;
}

test('it opens, refuses with the time left, probes and closes; each transition is told once and in order', () => {
  const { time, notices, breakers } = setUp();
  const breaker = breakers.get('ollama');
  for (let i = 0; i < 4; i++) expect(call(breaker, i < 2 ? 'success' : 'failure')).toBe(true);
  time.ms = 400;
  expect(breaker.acquire()).toEqual({ ok: false, retryAfterMs: 600 });
  expect(breaker.snapshot()).toEqual({
    name: 'ollama',
    state: 'open',
    calls: 4,
    failures: 2,
    openings: 1,
    retry_after_ms: 600,
  });
  time.ms = 1000;
  expect(call(breaker, 'success')).toBe(true);
  expect(breaker.snapshot().state).toBe('closed');
  expect(notices.map(({ from, to, cause }) => [from, to, cause])).toEqual([
    ['closed', 'open', 'failure_rate'],
    ['open', 'half_open', 'open_time_over'],
    ['half_open', 'closed', 'probes_succeeded'],
  ]);
});

test('breakers of different names do not share state; the same name is the same breaker', () => {
  const { breakers } = setUp();
  for (let i = 0; i < 4; i++) call(breakers.get('a'), 'failure');
  expect(breakers.get('a').acquire().ok).toBe(false);
  expect(breakers.get('b').acquire().ok).toBe(true);
  expect(breakers.all().map((snapshot) => snapshot.name)).toEqual(['a', 'b']);
});

test('what another holder of the slot did is told here too', () => {
  const { breakers, core, notices } = setUp();
  const breaker = breakers.get('a');
  const other = core.breakers.at(0);
  for (let i = 0; i < 4; i++) other.record(other.acquire(0), 'failure', 0);
  expect(breaker.acquire().ok).toBe(false);
  expect(notices).toHaveLength(1);
});
