import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { cli } from './http/cli.js';
import { TestAppliance } from './support/appliance.js';
import { filesHolding } from './support/files-holding.js';

let appliance: TestAppliance;
const keys: Record<string, string> = {};
let lockedAtFirst: string[];

beforeAll(async () => {
  appliance = await TestAppliance.start({ env: { ARKALIA_REFLEXIA_INTERVAL_MS: '3600000' } });
  for (const role of ['user', 'admin']) {
    keys[role] = (await arkalia('keys', 'create', '--name', `owner-${role}`, '--role', role)).stdout.trim();
  }
  lockedAtFirst = await lockedForGood();
  if (existsSync('/proc/locks')) expect(lockedAtFirst.length).toBeGreaterThan(2);
}, 30_000);
afterAll(() => appliance.close());

/** What the server has locked of its files, by inode and bytes, where the system tells. */
function locked(): string[] {
  if (!existsSync('/proc/locks')) return [];
  const lines = readFileSync('/proc/locks', 'utf8').split('\n');
  const own = lines
    .map((line) => line.split(/\s+/))
    .filter((parts) => parts[4] === `${appliance.process.pid}`);
  return own.map((parts) => parts.slice(5).join(' ')).sort();
}

/** What is locked at several looks: not for one transaction. */
async function lockedForGood(): Promise<string[]> {
  let kept = locked();
  for (let look = 0; look < 5; look++) {
    await wait(20);
    const now = new Set(locked());
    kept = kept.filter((one) => now.has(one));
  }
  return kept;
}

const arkalia = (...argv: string[]) =>
  cli([...argv, '--data', appliance.dataDir], { cwd: appliance.dataDir });

async function post(path: string, body: object, role = 'user') {
  const answer = await fetch(`${appliance.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${keys[role]}` },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

/** Every file of the data folder that holds the bytes. */
const holding = (word: string) => filesHolding(appliance.dataDir, word);

const ask = (session_id: string, message: string) => post('/chat', { session_id, message });

test('a session is erased by the command line through the server, in memory too, and the log verifies', async () => {
  await ask('sessionMARK1', 'What do you know? typedMARK1');
  await ask('sessionMARK2', 'What do you know? typedMARK2');
  const sessions = async () =>
    (
      (await (await fetch(`${appliance.url}/status`)).json()) as {
        modules: { assistantia: { facts: { sessions: number } } };
      }
    ).modules.assistantia.facts.sessions;
  expect(holding('typedMARK1')).not.toEqual([]);
  expect(await sessions()).toBe(2);
  const erased = await arkalia('erase', '--session', 'sessionMARK1');
  expect([erased.code, erased.stderr]).toEqual([0, '']);
  expect(erased.stdout).toMatch(/^Erased 4 texts of 1 events; recorded as event \d+\.\n$/);
  expect([holding('typedMARK1'), holding('sessionMARK1')]).toEqual([[], []]);
  expect(holding('typedMARK2')).not.toEqual([]);
  expect(await sessions()).toBe(1);
  expect((await arkalia('verify')).code).toBe(0);
});

test('the data folder and its ledger stay those of the running server', async () => {
  await ask('sessionMARK5', 'What do you know? typedMARK5');
  expect((await arkalia('erase', '--session', 'sessionMARK5')).code).toBe(0);
  await vi.waitFor(() => expect(locked()).toEqual(expect.arrayContaining(lockedAtFirst)));
  const second = await TestAppliance.start({ dataDir: appliance.dataDir }).then(async (started) => {
    await started.close();
    return 'a second server started';
  }, String);
  expect(second).toContain('is held by process');
  // Whoever opens the file takes its index of the write-ahead log for a leftover, and cuts it, where nobody seems to have it open.
  for (let round = 0; round < 3; round++) {
    expect((await arkalia('verify')).code).toBe(0);
    expect((await post('/zeroia/decisions', { cpu: 1, ram: 1, severity: 'normal' })).status).toBe(200);
  }
  expect(appliance.process.exitCode).toBeNull();
});

test('by key: what its owner asked, its contexts and its name; only for administrators', async () => {
  const id = keys.user!.split('_')[1];
  await ask('sessionMARK3', 'What do you know? typedMARK3');
  await post('/zeroia/decisions', { cpu: 1, ram: 1, severity: 'normal', context: 'contextMARK3' });
  expect((await post('/ledger/erase', { key: id })).status).toBe(403);
  expect(holding('contextMARK3')).not.toEqual([]);
  const { status, body } = await post('/ledger/erase', { key: id }, 'admin');
  expect([status, body]).toEqual([200, expect.objectContaining({ files: [], unreadable: [] })]);
  for (const word of ['typedMARK2', 'typedMARK3', 'sessionMARK3', 'contextMARK3']) {
    expect([word, holding(word)]).toEqual([word, []]);
  }
  // The key itself still exists, under its name.
  expect(holding('owner-user')).toEqual(['keys.json']);
});

test('without a server, before a time; arguments that say nothing or too much are refused', async () => {
  await ask('sessionMARK4', 'What do you know? typedMARK4');
  for (const argv of [
    [],
    ['--session', 'a', '--key', 'b'],
    ['--before', 'yesterday'],
    ['--before', '2026-13-41'],
    ['--id', 'x'],
  ]) {
    expect([argv, (await arkalia('erase', ...argv)).code]).toEqual([argv, 2]);
  }
  await appliance.end();
  expect(holding('typedMARK4')).not.toEqual([]);
  const year = new Date().getUTCFullYear() + 2;
  expect((await arkalia('erase', '--before', `${year}-01-01`)).code).toBe(0);
  expect([holding('typedMARK4'), holding('owner-admin')]).toEqual([[], ['keys.json']]);
  expect((await arkalia('verify')).code).toBe(0);
});
