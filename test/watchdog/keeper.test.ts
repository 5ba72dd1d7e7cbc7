import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { wipesWhole } from '../../sandbox/wipes-whole.js';
import { TestAppliance } from '../support/appliance.js';

let folder: string;
let server: TestAppliance | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'arkalia-test-'));
});
afterEach(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 50));
}

test('under systemd it says when it is ready, that it lives, and that it stops', async () => {
  const log = join(folder, 'said');
  // Stands in for systemd's program: it writes down what it is to say.
  await writeFile(join(folder, 'systemd-notify'), `#!/bin/sh\necho "$@" >> ${log}\n`, { mode: 0o755 });
  server = await TestAppliance.start({
    env: {
      PATH: `${folder}${delimiter}${process.env.PATH}`,
      NOTIFY_SOCKET: '/run/systemd/notify',
      WATCHDOG_USEC: '3000000',
    },
  });
  const said = async () => (await readFile(log, 'utf8').catch(() => '')).split('\n');
  await until(async () => (await said()).filter((line) => line === 'WATCHDOG=1').length >= 2);
  expect((await said())[0]).toBe('READY=1');
  expect(await server.end()).toBe(0);
  expect(await said()).toContain('STOPPING=1');
});

// /proc tells which processes are the server's.
describe.skipIf(process.platform !== 'linux')('a sandboxed process that is stuck', () => {
  /** Without bubblewrap's own, which wait for the sandboxed ones. */
  const workersOf = async (pid: number): Promise<number[]> => {
    const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    const children = text
      .split(' ')
      .filter((id) => id !== '')
      .map(Number);
    const leaves = await Promise.all(
      children.map(async (child) => {
        const below = await workersOf(child);
        return below.length === 0 ? [child] : below;
      }),
    );
    return leaves.flat();
  };

  test('is killed and replaced, though it has nothing to do; the server goes on', async () => {
    server = await TestAppliance.start({
      env: { ARKALIA_SANDBOX_WORKERS: '1', ARKALIA_WATCHDOG_SANDBOX_MS: '10000' },
    });
    const pid = server.process.pid!;
    const [worker] = await workersOf(pid);
    process.kill(worker!, 'SIGSTOP');
    await until(async () => {
      const workers = await workersOf(pid);
      return workers.length === (wipesWhole ? 1 : 2) && !workers.includes(worker!);
    });
    const status = (await server.json('/status')) as {
      watchdog: { stuck: number };
      sandbox: { killed: { crashed: number } };
    };
    expect([status.watchdog.stuck, status.sandbox.killed.crashed]).toEqual([1, 1]);
    const { events } = (await server.json('/ledger/events?type=watchdog_stuck&limit=5')) as {
      events: { data: { part: string } }[];
    };
    expect(events.map(({ data }) => data.part)).toEqual(['sandbox']);
    const answer = await server.post('/chat', { message: 'How are you?' });
    expect(answer.status).toBe(200);
  });
});
