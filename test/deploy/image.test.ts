import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configSchema } from '../../runtime/config/schema.js';
import { allowedAlways, allowedPartly, allowedToModels } from '../../sandbox/seccomp/syscalls.js';
import { TestAppliance } from '../support/appliance.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const run = promisify(execFile);

const dockerfile = read('deploy/Dockerfile').replace(/\\\n\s*/g, '');
const compose = read('deploy/compose.yaml');

/** Instructions of the Dockerfile as [name, rest], comments left out. */
const instructions = dockerfile
  .split('\n')
  .filter((line) => /^[A-Z]+ /.test(line))
  .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)] as const);
const all = (name: string) => instructions.filter(([found]) => found === name).map(([, rest]) => rest);

/** The command of HEALTHCHECK, as the container's engine would run it. */
const healthCommand = JSON.parse(/CMD (\[.*\])$/.exec(all('HEALTHCHECK')[0] ?? '')?.[1] ?? '[]') as string[];

describe('the Dockerfile', () => {
  test('copies only what exists and what .dockerignore lets through', () => {
    const sources = all('COPY')
      .filter((rest) => !rest.startsWith('--from='))
      .flatMap((rest) => rest.split(' ').slice(0, -1));
    expect(sources.length).toBeGreaterThan(10);
    const ignored = read('.dockerignore').split('\n');
    expect(ignored).toContain('**');
    const isLet = (source: string) =>
      ignored.some(
        (line) => line === `!${source}` || (line.endsWith('/**') && source.startsWith(line.slice(1, -2))),
      );
    for (const source of sources) {
      expect(existsSync(join(root, source)), source).toBe(true);
      expect(isLet(source), source).toBe(true);
    }
  });

  test('takes from the build stage what the build makes', () => {
    const built = all('COPY').filter((rest) => rest.startsWith('--from=build'));
    expect(built).toEqual([
      '--from=build /build/node_modules/ node_modules/',
      '--from=build /build/dist/ dist/',
    ]);
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    expect(scripts.build).toBeDefined();
    expect(all('RUN').slice(0, 3)).toEqual(['npm ci', 'npm run build', 'npm prune --omit=dev']);
  });

  test('names its base images by version, and one that package.json accepts', () => {
    const bases = all('FROM').map((rest) => rest.split(' ')[0]);
    for (const base of bases) expect(base).toMatch(/^node:24\.\d+\.\d+-bookworm(-slim)?$/);
  });

  test('runs as a user that is not root, stops on SIGTERM, and starts a file that the build makes', () => {
    expect(all('USER')).toEqual(['node']);
    expect(all('STOPSIGNAL')).toEqual(['SIGTERM']);
    const command = JSON.parse(all('CMD')[0]!) as string[];
    expect(command).toEqual(['node', 'dist/runtime/cli/main.js', 'serve']);
    expect(existsSync(join(root, command[1]!.replace('dist/', '').replace(/\.js$/, '.ts')))).toBe(true);
  });
});

describe('the health check', () => {
  let appliance: TestAppliance;
  beforeAll(async () => {
    appliance = await TestAppliance.start({ env: { ARKALIA_HTTP_HOST: '0.0.0.0' } });
  });
  afterAll(() => appliance.close());
  const check = (port: string) => {
    const [, ...rest] = healthCommand;
    return run(process.execPath, rest, { env: { ARKALIA_HTTP_PORT: port }, timeout: 10_000 });
  };

  test('succeeds on a server that waits for its setup, whose other routes are shut', async () => {
    const { port } = new URL(appliance.url);
    expect((await fetch(`http://127.0.0.1:${port}/status`)).status).toBe(403);
    await expect(check(port)).resolves.toMatchObject({ stderr: '' });
  });

  test('fails when nothing listens', async () => {
    await expect(check('1')).rejects.toMatchObject({ code: 1 });
  });

  test('is the same in compose.yaml, where the dollar is doubled', () => {
    expect(healthCommand).toHaveLength(3);
    // The list after `test:`, on one line or on several: YAML's flow form, which is JSON but for the last comma.
    const list = /^\s+test:\s+(\[[^\]]*\])/m.exec(compose)?.[1] ?? '[]';
    expect(JSON.parse(list.replace(/,\s*\]$/, ']'))).toEqual(
      ['CMD', ...healthCommand].map((word) => word.replaceAll('$', '$$$$')),
    );
  });
});

describe('seccomp.json', () => {
  const profile = JSON.parse(read('deploy/seccomp.json')) as {
    defaultAction: string;
    defaultErrnoRet: number;
    archMap: { architecture: string }[];
    syscalls: { names: string[]; action: string; args?: unknown }[];
  };
  const names = profile.syscalls.flatMap((rule) => rule.names);

  test('allows a list and answers ENOSYS to the rest', () => {
    expect(profile).toMatchObject({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 38 });
    expect(profile.syscalls.map(({ action }) => action)).toEqual(['SCMP_ACT_ALLOW']);
    expect(profile.archMap.map(({ architecture }) => architecture)).toEqual([
      'SCMP_ARCH_X86_64',
      'SCMP_ARCH_AARCH64',
    ]);
  });

  test.each(['clone', 'unshare', 'mount', 'umount2', 'pivot_root', 'seccomp', 'socket', 'arch_prctl'])(
    'has %s, which the server or bubblewrap needs',
    (name) => expect(names).toContain(name),
  );

  test.each([
    'ptrace',
    'setns',
    'bpf',
    'keyctl',
    'kexec_load',
    'init_module',
    'reboot',
    'userfaultfd',
    'io_uring_setup',
  ])('has no %s', (name) => expect(names).not.toContain(name));

  test('lets through whatever the filter of the sandbox lets through', () => {
    for (const [name, [x64]] of Object.entries({ ...allowedAlways, ...allowedPartly, ...allowedToModels }))
      if (x64 !== null) expect(names, name).toContain(name);
  });
});

describe('compose.yaml', () => {
  test.each([
    'user: "1000:1000"',
    'read_only: true',
    'cap_drop: [ALL]',
    'security_opt: ["no-new-privileges:true", "seccomp=./seccomp.json"]',
    'pids_limit: 256',
    'mem_limit: 2g',
    'ports: ["127.0.0.1:8000:8000"]',
    'ARKALIA_API_KEY_FILE: /run/secrets/arkalia_api_key',
    '- data:/data',
    '- ../models:/models:ro',
  ])('says %s', (line) => {
    expect(compose.split('\n').map((text) => text.trim())).toContain(line);
  });

  test('gives the server the time to stop that its configuration gives it, and some more', () => {
    const graceMs = Number(/stop_grace_period: (\d+)s/.exec(compose)?.[1]) * 1000;
    const shutdownMs = configSchema.parse({}).http.shutdown_timeout_ms;
    expect(graceMs).toBe(shutdownMs + 5000);
  });

  test('opens nothing of the host: no privileges, no host network, no socket of the engine', () => {
    expect(compose).not.toMatch(/privileged|network_mode|docker\.sock|cap_add|pid: host|ipc: host/);
  });
});
