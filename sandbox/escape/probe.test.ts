import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { descendants } from '../../test/support/descendants.js';
import { levelsToTest } from '../../test/support/levels.js';
import { sandboxOptions } from '../../test/support/sandbox-options.js';
import { createPromptRunner } from '../index.js';
import { closedToOthers } from '../levels/identity.js';
import { hasFilter } from '../seccomp/bpf.js';
import { escapeAttempts, type SandboxLevel } from '../types.js';
import { nativeProgram } from './native.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const levels = await levelsToTest();
const root = process.getuid?.() === 0;
const linux = process.platform === 'linux';

async function started(level: SandboxLevel) {
  const runner = createPromptRunner(
    sandboxOptions({ sandbox: { workers: 1, memory_bytes: 134_217_728 }, internal: { levels: [level] } }),
  );
  cleanups.push(() => runner.close());
  await runner.start();
  return runner;
}

/** A private folder with what the data folder has. */
function dataFolder(): { ledger: string; keys: string } {
  const folder = mkdtempSync(join(tmpdir(), 'arkalia-test-'));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  const files = { ledger: join(folder, 'ledger.sqlite'), keys: join(folder, 'keys.json') };
  for (const file of Object.values(files)) writeFileSync(file, 'secret', { mode: 0o600 });
  return files;
}

const signal = new AbortController().signal;
const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith('arkalia-escape-'));

/** The children of root stay root where others cannot read the program. */
const staysRoot = root && closedToOthers(fileURLToPath(import.meta.url)) !== undefined;
/** What level process lets through: what its user may do, and whoever is root's child is another user. */
const openAtProcess = [
  ...(root && !staysRoot ? [] : ['read_ledger', 'read_keys', 'environment', 'fork', 'ptrace']),
  ...(staysRoot ? ['read_shadow'] : []),
  ...['tcp', 'udp', 'unix_socket', 'model_server', 'write_outside'],
];
/** Left to the host: Yama may forbid tracing, and administrators namespaces; resource limits may bound processes. */
const upToTheHost = new Set<string>([
  'namespaces',
  ...(root && !staysRoot ? [] : ['ptrace', 'fork']),
  ...(staysRoot ? ['mount'] : []),
]);

describe.each(levels)('the escape probe at level %s', (level) => {
  it('pins what is stopped and what is not, and leaves nothing behind', async () => {
    const before = leftovers();
    const runner = await started(level);
    const outcomes = await runner.probeEscape(dataFolder(), signal);
    expect(outcomes.map(({ attempt }) => attempt)).toEqual([...escapeAttempts]);
    const stopped = (attempt: string) =>
      outcomes.find((one) => one.attempt === attempt)?.outcome === 'stopped';
    if (level === 'strict') {
      expect(outcomes.filter(({ outcome }) => outcome !== 'stopped')).toEqual([]);
    } else if (level === 'process' && linux) {
      for (const { attempt, outcome, how } of outcomes)
        if (!upToTheHost.has(attempt))
          expect(outcome, `${attempt}: ${how}`).toBe(openAtProcess.includes(attempt) ? 'open' : 'stopped');
      expect(stopped('allocate')).toBe(true);
      if (!staysRoot) expect(stopped('mount')).toBe(true);
    }
    expect(leftovers()).toEqual(before);
    expect(descendants(process.pid).length).toBeLessThanOrEqual(2);
  });

  it('reaches the model server that is configured, or does not', async () => {
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => server.close());
    const { port } = server.address() as { port: number };
    const url = `http://127.0.0.1:${port}`;
    const options = sandboxOptions({ sandbox: { workers: 1 }, internal: { levels: [level] } });
    options.engines.ollama = { ...options.engines.ollama, url };
    const runner = createPromptRunner(options);
    cleanups.push(() => runner.close());
    await runner.start();
    const asked = connections;
    const outcomes = await runner.probeEscape(dataFolder(), signal);
    const reached = outcomes.find(({ attempt }) => attempt === 'model_server')?.outcome === 'open';
    expect(reached).toBe(level === 'process');
    expect(connections > asked).toBe(reached);
  });

  it('ends when it is told to, and says so', async () => {
    const runner = await started(level);
    const ending = new AbortController();
    const probing = runner.probeEscape(dataFolder(), ending.signal);
    ending.abort();
    await expect(probing).rejects.toThrow();
    await runner.close();
    await expect(runner.probeEscape(dataFolder(), signal)).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('the native program', () => {
  const emulator = '/usr/bin/qemu-aarch64-static';
  const arches = [
    ...(linux && hasFilter(process.arch) ? [[process.arch, []] as const] : []),
    ...(linux && process.arch === 'x64' && existsSync(emulator) ? [['arm64', [emulator]] as const] : []),
  ];

  it.each(arches)('makes its calls on %s and says what they returned', (arch, runner) => {
    const folder = mkdtempSync(join(tmpdir(), 'arkalia-test-'));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'native');
    writeFileSync(
      file,
      nativeProgram(arch, [
        [39, 172],
        // chdir to what is not there, and to what is; kill nobody, with the id of itself; access of a text used twice.
        [80, 49, { text: '/nonexistent' }],
        [80, 49, { text: '/' }],
        [62, 129, { resultOf: 0 }, 0],
        [80, 49, { text: '/nonexistent' }],
        [3, 57, 0x7fff_ffff],
      ]),
    );
    chmodSync(file, 0o755);
    const said = execFileSync('/bin/sh', ['-c', 'exec "$@" 3>&1', 'sh', ...runner, file]);
    const results = Array.from({ length: said.length / 8 }, (_, i) => Number(said.readBigInt64LE(8 * i)));
    expect(results[0]).toBeGreaterThan(1);
    expect(results.slice(1)).toEqual([-2, 0, 0, -2, -9]);
  });
});
