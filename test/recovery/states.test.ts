import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { digestOf } from '../../runtime/config/versions.js';
import type { StateStatus } from '../../runtime/contracts/state.js';
import { eventually, ledgerEvents, startAppliance } from '../chat/support.js';
import { cli } from '../http/cli.js';
import type { TestAppliance } from '../support/appliance.js';

// Each starts several servers, one after the other.
vi.setConfig({ testTimeout: 120_000 });

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const none = { cpu: 0, ram: 0, temperatureC: 0 };
const lowered = { cpu: 3, ram: 2, temperatureC: 1 };

/** What a server leaves that was killed after its thresholds had moved. */
function leaveTrial(trial: unknown = lowered): void {
  const version = (value: unknown) => ({ version: digestOf(value), since_ms: 4e12, why: 'a test', value });
  const state = { good: version(none), trials: [version(trial)], incidents: [], unclean: 0, undone: [] };
  writeFileSync(join(folder, 'states.json'), JSON.stringify({ 'zeroia.thresholds': state }));
}

async function during(
  env: Record<string, string>,
  use: (appliance: TestAppliance) => Promise<void>,
): Promise<void> {
  const quick = { ARKALIA_RECOVERY_LOOK_MS: '100', ARKALIA_ZEROIA_ADAPT_INTERVAL_MS: '86400000' };
  const appliance = await startAppliance({ ...quick, ...env }, [], folder);
  try {
    await use(appliance);
  } finally {
    await appliance.end();
  }
}

const thresholds = async (appliance: TestAppliance) => (await appliance.json('/zeroia/status')).thresholds;
const told = async (appliance: TestAppliance) =>
  ((await appliance.json('/status')).states as StateStatus[]).find(
    ({ name }) => name === 'zeroia.thresholds',
  )!;
const loweredThresholds = {
  cpu: { monitor: 54.6, reduce: 72.8 },
  ram: { monitor: 70.5, reduce: 84.6 },
  temperatureC: { monitor: 67.9, reduce: 75.66 },
};
const base = {
  cpu: { monitor: 60, reduce: 80 },
  ram: { monitor: 75, reduce: 90 },
  temperatureC: { monitor: 70, reduce: 78 },
};

test('thresholds that made health worse go back in the running server: in /status, in the ledger and by the command', async () => {
  leaveTrial();
  const ailing = fileURLToPath(new URL('./ailing-module.fixture.js', import.meta.url));
  const env = {
    ARKALIA_MODULES_ENABLED: `zeroia,reflexia,sandozia,assistantia,${ailing},helloria`,
    ARKALIA_RECOVERY_BACKOFF_MS: '1',
    ARKALIA_RECOVERY_BACKOFF_MAX_MS: '1',
    // The module is no fault of the configuration either.
    ARKALIA_REFLEXIA_INTERVAL_MS: '500',
  };
  await during(env, async (appliance) => {
    const [undone] = await eventually(async () => {
      const { undone } = await told(appliance);
      return undone.length > 0 ? undone : undefined;
    });
    expect(undone).toMatchObject({ version: digestOf(lowered), back_to: digestOf(none) });
    expect(undone!.why).toMatch(/^the incident inc-\w+ was opened during its probation$/);
    await eventually(async () =>
      JSON.stringify(await thresholds(appliance)) === JSON.stringify(base) ? true : undefined,
    );
    const [event] = await eventually(async () => {
      const found = await ledgerEvents(appliance, 'type=state_rolled_back');
      return found.length > 0 ? found : undefined;
    });
    expect(event!.data).toMatchObject({ state: 'zeroia.thresholds', back_to: digestOf(none) });
    const moves = await eventually(async () => {
      const found = await ledgerEvents(appliance, 'type=threshold_adjusted');
      return found.length === 3 ? found : undefined;
    });
    expect(moves.map(({ data }) => data.why)).toEqual(
      Array(3).fill(expect.stringContaining('undone: the incident')),
    );
    const { stdout } = await cli(['incidents', '--data', folder], { cwd: folder });
    expect(stdout).toContain(`zeroia.thresholds ${digestOf(lowered)} was undone`);
  });
});

test('killed during the probation it goes on with them; killed again, the next start begins with the last good ones', async () => {
  leaveTrial();
  const env = { ARKALIA_RECOVERY_PROBATION_MS: '600000' };
  for (let round = 0; round < 2; round++) {
    await during(env, async (appliance) => {
      expect(await thresholds(appliance)).toEqual(loweredThresholds);
      expect(await told(appliance)).toMatchObject({ on_probation: 1, version: digestOf(lowered) });
      await appliance.end('SIGKILL');
    });
  }
  await during(env, async (appliance) => {
    expect(await thresholds(appliance)).toEqual(base);
    expect(await told(appliance)).toMatchObject({ on_probation: 0, undone: [{ back_to: digestOf(none) }] });
    expect(appliance.output.text).toContain('zeroia.thresholds: what was learned last was undone');
    expect(await ledgerEvents(appliance, 'type=state_rolled_back')).toHaveLength(1);
  });
});

test('through its probation it is good, whatever the wall clock says; a damaged file is told and learned anew', async () => {
  // Kept four decades ahead of now.
  leaveTrial();
  await during({ ARKALIA_RECOVERY_PROBATION_MS: '1000' }, async (appliance) => {
    await eventually(async () => ((await told(appliance)).on_probation === 0 ? true : undefined));
    expect(await told(appliance)).toMatchObject({ good: digestOf(lowered), undone: [] });
  });
  await during({}, async (appliance) => expect(await thresholds(appliance)).toEqual(loweredThresholds));
  const text = readFileSync(join(folder, 'states.json'), 'utf8');
  writeFileSync(join(folder, 'states.json'), text.slice(0, text.length / 2));
  await during({}, async (appliance) => {
    expect(await thresholds(appliance)).toEqual(base);
    expect(appliance.output.text).toContain('what modules have learned could not be kept or read');
  });
});
