import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { childrenRunning, spareWorkers, status } from '../../../chat/support.js';
import type { TestAppliance } from '../../../support/appliance.js';
import type { FaultKind, Outcome, Scene } from '../kind.js';
import { chats, until, untilRestored } from '../restored.js';
import { startBreakable } from '../servers.js';

const notLinux = () => (process.platform === 'linux' ? undefined : 'needs /proc');
const deadlineMs = 1000;

/** `hurt` breaks every worker that could take the next prompt: the only one, and where each has one prompt the one that stands ready. */
function sandboxScene(
  appliance: TestAppliance,
  hurt: (workers: number[]) => Promise<{ faultMs: number; knownMs?: number }>,
  chatsBefore = 0,
): Scene {
  const idle = async () => (await status(appliance)).sandbox.workers.idle === 1 + spareWorkers;
  return {
    async round(): Promise<Outcome> {
      for (let n = 0; n < chatsBefore; n++) await chats(appliance);
      await until(idle, 'an idle worker');
      const workers = childrenRunning(appliance, 'worker.js');
      if (workers.length === 0) throw new Error('there is no worker to break');
      const moments = await hurt(workers);
      return untilRestored(moments, async () => {
        const isAnswered = await chats(appliance);
        const now = childrenRunning(appliance, 'worker.js');
        return isAnswered && !workers.some((worker) => now.includes(worker));
      });
    },
    close: () => appliance.close(),
  };
}

export const sandboxKilled: FaultKind = {
  name: 'sandbox killed',
  about: 'SIGKILL to the only prompt worker; restored when a prompt is answered by another one',
  missing: notLinux,
  open: async () => {
    const appliance = await startBreakable();
    return sandboxScene(appliance, async (workers) => {
      for (const worker of workers) process.kill(worker, 'SIGKILL');
      return { faultMs: performance.now() };
    });
  },
};

export const sandboxHung: FaultKind = {
  name: 'sandbox hung',
  about: `SIGSTOP to the only prompt worker, then a prompt with a deadline of ${deadlineMs} ms; known at the deadline. Four prompts before each round: the deadline counts against the engine, and its breaker would open where half of all prompts hang`,
  missing: notLinux,
  open: async () => {
    const appliance = await startBreakable({ ARKALIA_ASSISTANTIA_DEADLINE_MS: String(deadlineMs) });
    return sandboxScene(
      appliance,
      async (workers) => {
        for (const worker of workers) process.kill(worker, 'SIGSTOP');
        const faultMs = performance.now();
        if (await chats(appliance)) throw new Error('a stopped worker answered');
        return { faultMs, knownMs: faultMs + deadlineMs };
      },
      4,
    );
  },
};

export const sandboxOutOfMemory: FaultKind = {
  name: 'sandbox out of memory',
  about:
    'The address space of the only prompt worker may not grow any more (prlimit), then long prompts; known when it dies of it',
  missing: () =>
    notLinux() ??
    (spawnSync('prlimit', ['--version'], { stdio: 'ignore' }).status === 0
      ? undefined
      : 'needs prlimit of util-linux'),
  open: async () => {
    const appliance = await startBreakable();
    return sandboxScene(appliance, async (workers) => {
      for (const worker of workers) {
        const pages = Number(readFileSync(`/proc/${worker}/statm`, 'utf8').split(' ')[0]);
        // A server that is root runs its workers as somebody else, whose limits only he may change.
        execFileSync('prlimit', [`--pid=${worker}`, `--as=${pages * 4096}`], owner(worker));
      }
      const faultMs = performance.now();
      let knownMs: number | undefined;
      const watch = setInterval(() => {
        if (!workers.some(isLive)) knownMs ??= performance.now();
      }, 1);
      try {
        const message = 'What do you know of breakers? '.repeat(3000);
        while (workers.some(isLive)) await (await appliance.post('/chat', { message })).arrayBuffer();
        return { faultMs, knownMs: knownMs ?? performance.now() };
      } finally {
        clearInterval(watch);
      }
    });
  },
};

function owner(pid: number): { uid?: number; gid?: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const id = (name: string) => Number(new RegExp(`^${name}:\\t(\\d+)`, 'm').exec(status)?.[1]);
  return id('Uid') === process.getuid?.() ? {} : { uid: id('Uid'), gid: id('Gid') };
}

/** A process that waits for its parent to notice is dead. */
function isLive(pid: number): boolean {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return false;
  try {
    return !/\) [ZX] /.test(readFileSync(file, 'utf8'));
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}
