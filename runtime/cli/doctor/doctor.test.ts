import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../contracts/clock.js';
import { sqlitePackage } from '../../contracts/sqlite-package.js';
import { FakeIo } from '../testing/fake-io.js';
import { doctor } from './doctor.js';
import type { DoctorContext, Finding } from './finding.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-doctor-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const parts = {
  load: (specifier: string): Promise<unknown> => import(specifier),
  clock: systemClock,
};
/** No model library and no probing: what is elsewhere on this machine is not what is tested. */
const plain = { ARKALIA_ENGINES_ORDER: 'navigator', ARKALIA_ENGINES_PROBE: 'false' };

async function run(
  options: Partial<Pick<DoctorContext, 'load' | 'clock'>> = {},
  env: Record<string, string> = {},
): Promise<{ code: number; find: (check: string) => Finding | undefined }> {
  const io = new FakeIo({ ...plain, ARKALIA_DATA_DIR: join(folder, 'data'), ...env });
  const code = await doctor({ json: true }, io, { ...parts, ...options });
  const { ok, findings } = JSON.parse(io.stdout) as { ok: boolean; findings: Finding[] };
  expect(ok).toBe(code === 0);
  return { code, find: (name) => findings.find(({ check }) => check === name) };
}

describe('doctor', () => {
  it('finds a working installation, and leaves nothing behind', async () => {
    const { code, find } = await run();
    expect(code).toBe(0);
    for (const check of [
      'node',
      'configuration',
      'compiled files',
      'better-sqlite3',
      'wasm',
      'data folder',
      'clock',
    ])
      expect(find(check)).toMatchObject({ level: 'ok' });
    // Less than strict is worth a warning.
    expect(['ok', 'warning']).toContain(find('sandbox')?.level);
    expect(find('engines')).toMatchObject({ level: 'warning', todo: expect.stringContaining('Ollama') });
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['Could not locate the bindings file. Tried:\n → /x', `npm rebuild ${sqlitePackage}`],
    [
      "The module '/x.node'\nwas compiled against a different Node.js version using\nNODE_MODULE_VERSION 137.",
      'another Node',
    ],
    ['/x/better_sqlite3.node: invalid ELF header', `npm rebuild ${sqlitePackage}`],
    ["Cannot find package 'better-sqlite3'", 'npm ci'],
  ])('names the cure for a native module that says %j, and goes on', async (message, cure) => {
    const { code, find } = await run({ load: () => Promise.reject(new Error(message)) });
    expect(code).toBe(1);
    expect(find('better-sqlite3')).toMatchObject({ level: 'fatal', todo: expect.stringContaining(cure) });
    expect(['ok', 'warning']).toContain(find('sandbox')?.level);
  });

  it('names allowScripts for a binding that npm did not build', async () => {
    const load = () => Promise.reject(new Error('Could not locate the bindings file.'));
    expect((await run({ load })).find('better-sqlite3')?.todo).toContain('"allowScripts"');
  });

  it('says what is wrong with the configuration and looks at the rest all the same', async () => {
    const { code, find } = await run({}, { ARKALIA_HTTP_PORT: 'x' });
    expect(code).toBe(1);
    expect(find('configuration')).toMatchObject({
      level: 'fatal',
      found: expect.stringContaining('ARKALIA_HTTP_PORT'),
    });
    expect(find('wasm')).toMatchObject({ level: 'ok' });
  });

  it('warns of a clock in the past and of a folder that others can read', async () => {
    mkdirSync(join(folder, 'data'));
    chmodSync(join(folder, 'data'), 0o755);
    const { code, find } = await run({ clock: { ...systemClock, wallMs: () => 0 } });
    expect(code).toBe(0);
    expect(find('clock')).toMatchObject({ level: 'warning' });
    expect(find('data folder')).toMatchObject({
      level: 'warning',
      todo: expect.stringContaining('chmod 700'),
    });
  });

  it('finds a data folder that cannot be one', async () => {
    const { code, find } = await run({}, { ARKALIA_DATA_DIR: '/dev/null/data' });
    expect(code).toBe(1);
    expect(find('data folder')).toMatchObject({ level: 'fatal' });
  });

  it('writes a line for each finding, with what to do below it', async () => {
    const io = new FakeIo({ ...plain, ARKALIA_DATA_DIR: join(folder, 'data') });
    await doctor({}, io, parts);
    expect(io.stdout).toMatch(/^ok {7}node {12}Node 20|^ok {7}node {12}Node \d+/m);
    expect(io.stdout).toMatch(/^ +-> To add one: start Ollama/m);
    expect(io.stdout).toMatch(/Arkalia can run; \d to look at\./);
  });
});

it('runs from the command line while better-sqlite3 does not load at all', async () => {
  const hooks = `export async function resolve(name, context, next) {
    if (name === '${sqlitePackage}') throw new Error('Could not locate the bindings file. Tried: nothing');
    return next(name, context);
  }`;
  const register = `import { register } from 'node:module'; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hooks)}`)});`;
  const failed = await promisify(execFile)(
    process.execPath,
    [
      '--import',
      `data:text/javascript,${encodeURIComponent(register)}`,
      fileURLToPath(new URL('../main.js', import.meta.url)),
      'doctor',
    ],
    { cwd: folder, env: { ...plain, PATH: process.env.PATH ?? '' } },
  ).catch((error: { code: number; stdout: string; stderr: string }) => error);
  expect(failed).toMatchObject({ code: 1, stderr: '' });
  expect(failed.stdout).toMatch(/^fatal +better-sqlite3 +does not load: Could not locate/m);
  expect(failed.stdout).toContain(`npm rebuild ${sqlitePackage}`);
  expect(failed.stdout).toMatch(/^ok +wasm/m);
});
