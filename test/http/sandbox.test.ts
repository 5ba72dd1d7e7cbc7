import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { escapeAttempts } from '../../sandbox/types.js';
import { TestAppliance } from '../support/appliance.js';
import { levelsToTest } from '../support/levels.js';

const [level] = await levelsToTest();
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Status {
  sandbox: { level: string; escape: { state: string; kept?: boolean; attempts: { attempt: string }[] } };
}

async function status(url: string): Promise<Status['sandbox']> {
  const response = await fetch(`${url}/status`);
  return ((await response.json()) as Status).sandbox;
}

async function untilDone(url: string): Promise<Status['sandbox']> {
  while (true) {
    const sandbox = await status(url);
    if (sandbox.escape.state !== 'running') return sandbox;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

it('records every attempt of the escape probe once, and shows the result at this start and the next', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'arkalia-test-'));
  cleanups.push(() => rm(dataDir, { recursive: true, force: true }));
  const env = { ARKALIA_SANDBOX_PROBE: 'true' };
  const first = await TestAppliance.start({ env, dataDir });
  cleanups.push(() => first.close());
  const sandbox = await untilDone(first.url);
  expect(sandbox).toMatchObject({ level, escape: { state: 'done', kept: false } });
  expect(sandbox.escape.attempts.map(({ attempt }) => attempt)).toEqual([...escapeAttempts]);
  const listed = async (url: string) => {
    const response = await fetch(`${url}/ledger/events?type=escape_attempted&limit=100`);
    return ((await response.json()) as { events: { data: { level: string; attempt: string } }[] }).events;
  };
  const events = await listed(first.url);
  expect(events.map(({ data }) => data.attempt).sort()).toEqual([...escapeAttempts].sort());
  expect(new Set(events.map(({ data }) => data.level))).toEqual(new Set([level]));
  await first.close();
  const second = await TestAppliance.start({ env, dataDir });
  cleanups.push(() => second.close());
  expect((await untilDone(second.url)).escape).toMatchObject({ state: 'done', kept: true });
  expect(await listed(second.url)).toHaveLength(escapeAttempts.length);
});

it.runIf(level === 'strict')('serves with strict required, once the probe was stopped in full', async () => {
  const appliance = await TestAppliance.start({
    env: { ARKALIA_SANDBOX_PROBE: 'true', ARKALIA_SANDBOX_REQUIRE: 'strict' },
  });
  cleanups.push(() => appliance.close());
  const { escape: probe } = await status(appliance.url);
  expect(probe.state).toBe('done');
  for (const attempt of probe.attempts) expect(attempt).toMatchObject({ outcome: 'stopped' });
});

it.runIf(level === 'process')('does not start when a level is required that the host lacks', async () => {
  const started = TestAppliance.start({ env: { ARKALIA_SANDBOX_REQUIRE: 'strict' } });
  await expect(started).rejects.toThrow(/sandbox\.require is "strict"/);
});
