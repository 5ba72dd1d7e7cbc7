import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { configSchema } from './schema.js';
import {
  noVersions,
  readVersions,
  reasonAgainst,
  versionOf,
  versionsFile,
  withRejected,
} from './versions.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('the version is of the values, not of their order, and changes with each of them', () => {
  const config = configSchema.parse({ http: { port: 1, host: '::1' }, log: { level: 'warn' } });
  const same = configSchema.parse({ log: { level: 'warn' }, http: { host: '::1', port: 1 } });
  expect(versionOf(same)).toBe(versionOf(config));
  expect(versionOf(configSchema.parse({ http: { port: 2, host: '::1' } }))).not.toBe(versionOf(config));
  expect(versionOf(config)).toMatch(/^[0-9a-f]{12}$/);
});

test('none are known at first; a file that is none is an error; keys of an update have their defaults', () => {
  expect(readVersions(folder)).toEqual(noVersions);
  writeFileSync(versionsFile(folder), '{');
  expect(() => readVersions(folder)).toThrow();
  const good = { version: 'of an older release', since_ms: 1, config: { log: { level: 'warn' } } };
  writeFileSync(versionsFile(folder), JSON.stringify({ ...noVersions, good }));
  const config = configSchema.parse({ log: { level: 'warn' } });
  expect(readVersions(folder).good).toEqual({ version: versionOf(config), since_ms: 1, config });
});

test('one that was rejected stays so, one on probation until the process was restarted or ended badly twice', () => {
  const rejected = withRejected(noVersions, { version: 'a', why: 'it smells', at_ms: 1 });
  expect(reasonAgainst(rejected, 'a', undefined)).toBe('it smells');
  expect(reasonAgainst(rejected, 'b', 'signal SIGKILL')).toBeUndefined();
  const unstarted = withRejected(noVersions, { version: 'a', why: 'no file', at_ms: 1, never_started: true });
  expect(reasonAgainst(unstarted, 'a', undefined)).toBeUndefined();
  expect(reasonAgainst(unstarted, 'a', 'signal SIGKILL')).toBe('no file');
  const trial = (unclean: number) => ({ ...noVersions, trial: { version: 'a', unclean } });
  expect(reasonAgainst(trial(0), 'a', 'signal SIGKILL')).toContain('signal SIGKILL');
  expect(reasonAgainst(trial(1), 'a', undefined)).toBeUndefined();
  expect(reasonAgainst(trial(2), 'a', undefined)).toContain('2 times');
  expect(reasonAgainst(trial(2), 'b', undefined)).toBeUndefined();
});

test('of those that were rejected the last twenty are known, each once', () => {
  let versions = noVersions;
  for (let n = 0; n < 30; n++)
    versions = withRejected(versions, { version: `v${n % 25}`, why: String(n), at_ms: n });
  expect(versions.rejected).toHaveLength(20);
  expect(versions.rejected.at(-1)).toEqual({ version: 'v4', why: '29', at_ms: 29 });
  expect(new Set(versions.rejected.map(({ version }) => version)).size).toBe(20);
});
