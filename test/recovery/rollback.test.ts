import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readVersions } from '../../runtime/config/versions.js';
import { eventually, ledgerEvents, startAppliance } from '../chat/support.js';
import type { TestAppliance } from '../support/appliance.js';

// Each starts several servers, one after the other.
vi.setConfig({ testTimeout: 120_000 });

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Starts on the same data folder, and ends in good order. */
async function during<T>(
  env: Record<string, string>,
  use: (appliance: TestAppliance) => Promise<T>,
): Promise<T> {
  const appliance = await startAppliance({ ARKALIA_RECOVERY_LOOK_MS: '100', ...env }, [], folder);
  try {
    return await use(appliance);
  } finally {
    await appliance.end();
  }
}

const incidents = async (appliance: TestAppliance) =>
  (await appliance.json('/status')).incidents as { target: string; problem: string }[];
const weightsThatAreNotThere = {
  ARKALIA_GUARD_WEIGHTS_FILE: '/nowhere',
  ARKALIA_GUARD_WEIGHTS_SHA256: '0'.repeat(64),
};

test('a changed configuration that does not start is undone: the last good one serves, says so, and records it', async () => {
  await during({}, async () => {});
  const { good } = readVersions(folder);
  await during(weightsThatAreNotThere, async (appliance) => {
    expect((await appliance.post('/chat', { message: 'How are you?' })).status).toBe(200);
    expect(appliance.output.text).toContain('the configuration was undone: it does not start');
    const [undone] = await ledgerEvents(appliance, 'type=configuration_rolled_back');
    expect(undone!.data).toMatchObject({ back_to: good!.version, why: expect.stringContaining('/nowhere') });
    const [incident] = await eventually(async () => {
      const found = await incidents(appliance);
      return found.length > 0 ? found : undefined;
    });
    expect(incident).toMatchObject({ target: 'configuration' });
  });
  expect(readVersions(folder).rejected.map(({ why }) => why)).toEqual([expect.stringContaining('/nowhere')]);
  // The good one again: nothing is wrong any more.
  await during({}, async (appliance) => {
    await eventually(async () => {
      const all = (await appliance.json('/incidents')).incidents as { cleared_ms: number | null }[];
      return all.every(({ cleared_ms }) => cleared_ms !== null) ? true : undefined;
    });
  });
});

test('weights of the guard that were replaced in their place are gone back to as well', async () => {
  const shipped = fileURLToPath(new URL('../../../runtime/guard/classifier/guard.weights', import.meta.url));
  const file = join(folder, 'mine.weights');
  const given = (bytes: Buffer) => {
    writeFileSync(file, bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { ARKALIA_GUARD_WEIGHTS_FILE: file, ARKALIA_GUARD_WEIGHTS_SHA256: sha256 };
  };
  const mine = given(readFileSync(shipped));
  await during(mine, async () => {});
  await during(given(Buffer.from('no weights')), async (appliance) => {
    expect((await appliance.post('/chat', { message: 'How are you?' })).status).toBe(200);
    expect(appliance.output.text).toContain('the configuration was undone: it does not start');
  });
  const kept = () => readdirSync(join(folder, 'weights'));
  expect(kept()).toEqual([mine.ARKALIA_GUARD_WEIGHTS_SHA256]);
  // A copy that was damaged is none: then nothing can be gone back to.
  writeFileSync(join(folder, 'weights', kept()[0]!), 'damaged');
  await expect(during(given(Buffer.from('none again')), async () => {})).rejects.toThrow('weights');
  // Without weights of one's own none are kept, once those are no longer the last good ones.
  await during({ ARKALIA_RECOVERY_PROBATION_MS: '1000' }, async () => {
    await eventually(() =>
      readVersions(folder).good!.config.guard.weights_sha256 === undefined ? true : undefined,
    );
  });
  await during({ ARKALIA_RECOVERY_PROBATION_MS: '1000' }, async () => {});
  expect(kept()).toEqual([]);
});

test('one that starts is on probation, and good after it; the next one is measured against it', async () => {
  await during({}, async () => {});
  const first = readVersions(folder).good!.version;
  const changed = { ARKALIA_LIMITS_PROMPTS_PER_MINUTE: '77', ARKALIA_RECOVERY_PROBATION_MS: '1000' };
  await during(changed, async (appliance) => {
    const [told] = await ledgerEvents(appliance, 'type=configuration_changed');
    expect(told!.data).toMatchObject({ before: first });
    expect(readVersions(folder).trial).toEqual({ version: told!.data.version, unclean: 1 });
    await eventually(() => (readVersions(folder).good!.version === told!.data.version ? true : undefined));
  });
  expect(readVersions(folder)).toMatchObject({
    good: { config: { limits: { prompts_per_minute: 77 } } },
    trial: null,
  });
});

test('what another process holds is no fault of the configuration: it is told, and nothing is undone', async () => {
  await during({}, async () => {});
  const changed = { ARKALIA_LIMITS_PROMPTS_PER_MINUTE: '77' };
  const refusal = () => during(changed, async () => {}).catch((error: unknown) => String(error));
  await during({}, async (appliance) => {
    const held = await refusal();
    expect(held).toContain(`is held by process ${appliance.process.pid} `);
    expect(held).not.toMatch(/does not start|last good one/);
  });
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address() as AddressInfo;
  const flags = ['--port', String(port)];
  try {
    const taken = await startAppliance(changed, flags, folder).catch((error: unknown) => String(error));
    expect(taken).toContain(`port ${port} on 127.0.0.1 is taken`);
    expect(taken).not.toMatch(/does not start|serves on/);
  } finally {
    holder.close();
  }
  expect(readVersions(folder).rejected).toEqual([]);
  await once(holder, 'close');
  // Once it is free, the port that was asked for is the one that serves.
  const appliance = await startAppliance(changed, flags, folder);
  expect(appliance.url).toBe(`http://127.0.0.1:${port}`);
  await appliance.end();
});

test('one that did not start is tried again when a person starts the server, and serves once it can', async () => {
  await during({}, async () => {});
  const shipped = fileURLToPath(new URL('../../../runtime/guard/classifier/guard.weights', import.meta.url));
  const bytes = readFileSync(shipped);
  const file = join(folder, 'later.weights');
  const env = {
    ARKALIA_GUARD_WEIGHTS_FILE: file,
    ARKALIA_GUARD_WEIGHTS_SHA256: createHash('sha256').update(bytes).digest('hex'),
  };
  await during(env, async (appliance) => {
    expect(appliance.output.text).toContain('the configuration was undone: it does not start');
  });
  const [rejected] = readVersions(folder).rejected;
  writeFileSync(file, bytes);
  await during(env, async (appliance) => {
    expect(appliance.output.text).not.toContain('was undone');
    expect(readVersions(folder).trial?.version).toBe(rejected!.version);
  });
});

test('where going back is off, or there is nothing to go back to, what is wrong is told as ever', async () => {
  await expect(during(weightsThatAreNotThere, async () => {})).rejects.toThrow('/nowhere');
  await during({}, async () => {});
  await expect(
    during({ ...weightsThatAreNotThere, ARKALIA_RECOVERY_ROLLBACK: 'false' }, async () => {}),
  ).rejects.toThrow('/nowhere');
});
