import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { configSchema } from '../../runtime/config/schema.js';

const read = (path: string) =>
  readFileSync(fileURLToPath(new URL(`../../../deploy/${path}`, import.meta.url)), 'utf8');
const shutdownS = configSchema.parse({}).http.shutdown_timeout_ms / 1000;

describe('the systemd unit', () => {
  const directives = new Map<string, string[]>();
  for (const line of read('systemd/arkalia.service').split('\n')) {
    const match = /^([A-Za-z]+)=(.*)$/.exec(line);
    if (match !== null) directives.set(match[1]!, [...(directives.get(match[1]!) ?? []), match[2]!]);
  }

  test.each([
    ['ExecStart', '/usr/bin/node /opt/arkalia-luna/dist/runtime/cli/main.js serve'],
    ['DynamicUser', 'yes'],
    ['StateDirectory', 'arkalia'],
    ['Restart', 'on-failure'],
    ['KillMode', 'mixed'],
    ['OOMPolicy', 'continue'],
    ['CapabilityBoundingSet', ''],
    ['UMask', '0077'],
    ['Delegate', 'memory pids cpu'],
    ['TimeoutStopSec', String(shutdownS + 5)],
  ])('has %s=%s once', (name, value) => {
    expect(directives.get(name)).toEqual([value]);
  });

  test('puts the data and the models into the folder that it makes', () => {
    for (const line of [
      'ARKALIA_DATA_DIR=/var/lib/arkalia/data',
      'ARKALIA_MODELS_DIR=/var/lib/arkalia/models',
    ]) {
      expect(directives.get('Environment')).toContain(line);
    }
  });

  test.each([
    'MemoryDenyWriteExecute',
    'RestrictNamespaces',
    'ProtectKernelTunables',
    'ProtectKernelLogs',
    'ProtectHostname',
    'ProtectProc',
    'ProcSubset',
    'PrivateDevices',
    'ProtectControlGroups',
    'SystemCallFilter',
  ])('has no %s: Node or the sandbox would break', (name) => {
    expect(directives.has(name)).toBe(false);
  });
});

test('the instructions copy all that the program reads beside dist', () => {
  const steps = /## systemd\n\n```sh\n([\s\S]*?)```/.exec(read('README.md'))?.[1] ?? '';
  for (const part of [
    'dist',
    'node_modules',
    'package.json',
    'docs',
    'runtime/guard/classifier/guard.weights',
  ])
    expect(steps.split(/\s+/)).toContain(part);
});

describe('the launchd agent', () => {
  const plist = read('launchd/org.arkalia.luna.plist');
  /** The text of the element behind a key. */
  const elementOf = (key: string) =>
    new RegExp(`<key>${key}</key>\\s*(<[a-z]+/>|<([a-z]+)>[\\s\\S]*?</\\2>)`).exec(plist)?.[1];

  test('has every element closed, in order', () => {
    const open: string[] = [];
    for (const [, slash, name, selfClosed] of plist.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
      if (selfClosed === '/') continue;
      if (slash === '') open.push(name!);
      else expect(open.pop()).toBe(name);
    }
    expect(open).toEqual([]);
  });

  test('is named as its file, starts the server at login, and again only after a failure', () => {
    expect(elementOf('Label')).toBe('<string>org.arkalia.luna</string>');
    expect(elementOf('RunAtLoad')).toBe('<true/>');
    expect(elementOf('SuccessfulExit')).toBe('<false/>');
    expect(elementOf('ProgramArguments')?.match(/<string>.*?<\/string>/g)).toEqual([
      '<string>@NODE@</string>',
      '<string>@ROOT@/dist/runtime/cli/main.js</string>',
      '<string>serve</string>',
      '<string>--no-supervise</string>',
    ]);
  });

  test('keeps its files from others and gives the server its time to stop', () => {
    expect(elementOf('Umask')).toBe(`<integer>${0o077}</integer>`);
    expect(elementOf('ExitTimeOut')).toBe(`<integer>${shutdownS + 5}</integer>`);
  });

  test('holds no path of one machine: only the three marks that the README replaces', () => {
    for (const [, path] of plist.matchAll(/<string>([^<]*\/[^<]*)<\/string>/g))
      expect(path).toMatch(/^@(NODE|ROOT|HOME)@/);
  });
});
