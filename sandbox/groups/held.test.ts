import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Readable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { groupsOf, groupsToTest } from '../../test/support/groups.js';
import { levelsToTest } from '../../test/support/levels.js';
import { answerOf, jobFor, sandboxOptions } from '../../test/support/sandbox-options.js';
import { Child } from '../child.js';
import { createPromptRunner } from '../index.js';
import { findLauncher } from '../launch.js';
import { startLaunch } from '../start.js';
import { plainServer } from '../tool-server/command.js';
import { LineProcess } from '../tool-server/process.js';

const mebibyte = 1_048_576;
const { groups, has } = groupsToTest();
const levels = await levelsToTest();
const workerEntry = new URL('../../test/support/faulty-worker.js', import.meta.url);
const brief = { lang: 'en' as const, topics: [], passages: [], modelLoaded: false };
const cwd = tmpdir();
const small = { memoryBytes: 128 * mebibyte, processes: 64 };
const group = () => groups.make(small);

afterAll(async () => {
  await groups.close();
  expect(groupsOf(process.pid)).toEqual([]);
});

/** What a command writes, and how it ends, in a group of these limits. */
async function run(command: string, limits = small) {
  const launch = { program: '/bin/sh', args: ['-c', command], group: () => groups.make(limits) };
  const started = startLaunch(launch, { cwd, stdio: ['ignore', 'pipe', 'ignore'] });
  let said = '';
  (started.child.stdout as Readable).setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  started.child.stderr?.resume();
  const [code] = (await once(started.child, 'exit')) as [number | null];
  return { said, code, group: started.group };
}

describe.runIf(has('memory')).each(levels)('a control group at level %s', (level) => {
  // No other limit is near: RLIMIT_DATA and the bound of the heap are at 4 GiB, and nobody looks at resident memory.
  it.each(['grow', 'burst', 'heap', 'wasm', 'mmap'])(
    'memory: %s beyond it is ended by the kernel, and told as that',
    async (way) => {
      const { launcher, groups: found } = await findLauncher({
        memoryBytes: 4096 * mebibyte,
        cpuSeconds: 300,
        cwd,
        levels: [level],
      });
      const child = new Child({
        launcher: { ...launcher, command: (program) => ({ ...launcher.command(program), group }) },
        entry: workerEntry,
        limits: { kind: 'worker', memoryBytes: 4096 * mebibyte },
        cwd,
      });
      await new Promise<void>((resolve) => {
        child.onMessage = () => resolve();
      });
      child.onMessage = () => undefined;
      const job = { ...jobFor('navigator', way), engine: 'navigator' as const, brief };
      await child.send({ type: 'job', job });
      expect(await child.exited).toBe('out_of_memory');
      await found.close();
    },
  );
});

describe.runIf(groups.any)('a control group', () => {
  it('has the child in it before it runs anything of its own', async () => {
    const { said, group: used } = await run('cat /proc/self/cgroup');
    const name = /arkalia-\d+-\d+/.exec(used?.entering('', []).args.join(' ') ?? '')?.[0] ?? 'none';
    expect(said.split('\n').filter((line) => line.endsWith(`/${name}`))).toHaveLength(
      new Set(groups.holds().map((text) => /\((v[12]).*: (\w+)/.exec(text)?.slice(1).join())).size,
    );
  });

  it.runIf(has('pids'))('stops processes beyond its number', async () => {
    const { said, code } = await run('for i in 1 2 3 4 5 6 7 8 9 10; do sleep 60 & echo $i; done; exit 0', {
      ...small,
      processes: 6,
    });
    expect(said.trim().split('\n').length).toBeLessThan(7);
    expect(code).not.toBe(0);
  });

  it('ends what its child left behind, in a session of its own or not', async () => {
    const { said } = await run('setsid sleep 600 & sleep 600 & echo "$!"; exit 0');
    const pid = Number(said);
    expect(pid).toBeGreaterThan(1);
    await groups.close();
    expect(groupsOf(process.pid)).toEqual([]);
    const state = () => {
      try {
        return / (\S) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
      } catch {
        return 'gone';
      }
    };
    expect(['Z', 'X', 'gone']).toContain(state());
  });

  it.runIf(has('memory'))('tells when it was memory that ended a tool server', async () => {
    const spec = {
      command: process.execPath,
      args: ['-e', 'const a = []; for (;;) a.push(Buffer.alloc(1e6, 1))'],
      folders: [],
      env: {},
      memoryBytes: 4096 * mebibyte,
      lineBytesMax: 1000,
    };
    const server = new LineProcess({ ...plainServer(spec), group }, cwd, spec, () => undefined);
    expect(await server.exited).toBe('out_of_memory');
  });
});

describe.runIf(groups.any).each(levels)('a server at level %s', (level) => {
  it('has every worker in a group of its own, says so, and leaves none', async () => {
    const runner = createPromptRunner(
      sandboxOptions({ sandbox: { workers: 2, fresh: 'always' }, internal: { levels: [level] } }),
    );
    await runner.start();
    for (const holds of groups.holds()) expect(runner.status().holds).toContain(holds);
    expect(runner.status().lacks.filter((text) => text.includes('control groups'))).toEqual(groups.lacks());
    expect(groupsOf(process.pid).length).toBeGreaterThanOrEqual(2);
    for (let i = 0; i < 3; i += 1) await answerOf(runner, jobFor('navigator', `prompt ${i}`));
    await runner.close();
    expect(groupsOf(process.pid)).toEqual([]);
  });
});
