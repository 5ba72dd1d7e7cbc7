import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SetupCode } from './setup-code.js';

let folder: string;
const time = { ms: 0 };
const clock = { monotonicMs: () => time.ms, wallMs: () => 1_000_000 };
let setup: SetupCode;
beforeEach(async () => {
  time.ms = 0;
  folder = await mkdtemp(join(tmpdir(), 'arkalia-setup-'));
  setup = new SetupCode(join(folder, 'setup-code'), clock);
});
afterEach(() => rm(folder, { recursive: true }));

async function renewed(): Promise<string> {
  await setup.renew();
  return (await readFile(setup.file, 'utf8')).trim();
}

test('the code works once, typed as people type, and its file is 0600 and goes', async () => {
  const code = await renewed();
  expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
  expect((await stat(setup.file)).mode & 0o777).toBe(0o600);
  expect(await setup.redeem(` ${code.toLowerCase().replaceAll('0', 'o').replaceAll('1', 'l')} `)).toBe(true);
  expect(await setup.redeem(code)).toBe(false);
  await expect(stat(setup.file)).rejects.toThrow('ENOENT');
});

test('it dies after ten wrong tries, not nine', async () => {
  const nine = await renewed();
  for (let i = 0; i < 9; i++) expect(await setup.redeem('wrong')).toBe(false);
  expect(await setup.redeem(nine)).toBe(true);
  const ten = await renewed();
  for (let i = 0; i < 10; i++) expect(await setup.redeem('x'.repeat(i * 20))).toBe(false);
  expect(await setup.redeem(ten)).toBe(false);
});

test('it dies after 30 minutes, whatever the wall clock says', async () => {
  const code = await renewed();
  time.ms = 30 * 60_000;
  expect(await setup.redeem(code)).toBe(false);
});

test('a new code kills the old one, and without one nothing is right', async () => {
  expect(await setup.redeem('')).toBe(false);
  const old = await renewed();
  const fresh = await renewed();
  expect(await setup.redeem(old)).toBe(false);
  expect(await setup.redeem(fresh)).toBe(true);
});
