import { realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { closedToOthers, unusedUserId } from './identity.js';
import { strictLauncher } from './strict.js';

const entry = new URL('../worker.js', import.meta.url);
const means = {
  arch: 'arm64',
  bwrap: '/usr/bin/bwrap',
  setpriv: '/usr/bin/setpriv',
  node: '/usr/bin/node',
  libraries: ['/lib/aarch64-linux-gnu/libc.so.6'],
} as const;
const command = (kind: 'worker' | 'model', changes: { setpriv?: undefined } = {}, files: string[] = []) => {
  const launcher = strictLauncher({
    means: { ...means, libraries: [...means.libraries], ...changes },
    permissions: '--permission',
    cpuSeconds: 300,
    disableNamespaces: true,
  });
  const { program, args, filter } = launcher.command({
    entry,
    limits: { kind, memoryBytes: 268_435_456 },
    files,
  });
  return { all: [program, ...args], filter };
};
/** What is bound, as pairs of from and to. */
const views = (args: string[]) =>
  args.flatMap((arg, i) => (arg.endsWith('bind') ? [[args[i + 1], args[i + 2]]] : []));

describe('the command of level strict', () => {
  it('makes every namespace, drops everything, and dies with the server', () => {
    const { all, filter } = command('worker');
    for (const flag of [
      '--unshare-all',
      '--unshare-user',
      '--disable-userns',
      '--die-with-parent',
      '--new-session',
      '--clearenv',
    ])
      expect(all, flag).toContain(flag);
    expect(all.join(' ')).toContain('--uid 65534 --gid 65534');
    expect(all.join(' ')).toContain('--cap-drop ALL');
    expect(all.join(' ')).toMatch(
      /--tmpfs \/proc --remount-ro \/proc .*--remount-ro \/ --seccomp 4 --info-fd 5 -- \/bin\/sh/,
    );
    expect(all).not.toContain('--share-net');
    expect(filter?.length).toBeGreaterThan(8);
  });

  it('shows a worker its program and libraries, read-only, and no package', () => {
    const { all } = command('worker');
    expect(
      all.filter((arg) => arg.endsWith('bind')).every((arg) => ['--ro-bind', '--dev-bind'].includes(arg)),
    ).toBe(true);
    expect(views(all).map(([, to]) => to)).toEqual([
      '/lib/aarch64-linux-gnu/libc.so.6',
      '/bin/sh',
      '/app/bin/node',
      '/app/dist/sandbox',
      '/app/package.json',
      '/dev/null',
    ]);
    expect(all.filter((arg) => arg === '--dev-bind')).toHaveLength(1);
  });

  it('shows a model its one file beside it', () => {
    const file = realpathSync(fileURLToPath(import.meta.url));
    const { all } = command('model', {}, [file]);
    expect(views(all)).toContainEqual([file, '/models/strict.test.js']);
    expect(views(all).map(([from]) => from)).not.toContain(dirname(file));
  });

  it('becomes an unused user first when the server is root, another for each child', () => {
    const users = [command('worker'), command('worker')].map(({ all }) => {
      expect(all[0]).toBe('/usr/bin/setpriv');
      expect(all).toContain('--clear-groups');
      expect(all).toContain('--no-new-privs');
      expect(all.indexOf('/usr/bin/bwrap')).toBeGreaterThan(all.indexOf('--reuid'));
      return all[all.indexOf('--reuid') + 1];
    });
    expect(users[0]).not.toBe(users[1]);
    expect(command('worker', { setpriv: undefined }).all[0]).toBe('/usr/bin/bwrap');
  });

  it('takes ids from the range that is nobody’s', () => {
    for (let i = 0; i < 3000; i += 1) {
      const id = unusedUserId();
      expect(id >= 1_879_048_192 && id <= 2_147_352_575, String(id)).toBe(true);
    }
  });
});

describe('what others cannot reach', () => {
  it('names the first closed part of a path', () => {
    expect(closedToOthers('/')).toBeUndefined();
    expect(closedToOthers('/bin/sh')).toBeUndefined();
    expect(closedToOthers('/etc/shadow')).toBe('/etc/shadow');
    expect(closedToOthers('/root/.profile')).toMatch(/^\/root/);
  });
});
