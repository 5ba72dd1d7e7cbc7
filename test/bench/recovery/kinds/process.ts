import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import type { Supervised } from '../../../watchdog/supervised.js';
import type { FaultKind, Outcome, Scene } from '../kind.js';
import { breakIt, chats, decides, until, untilRestored } from '../restored.js';
import { startKept } from '../servers.js';

const notLinux = () => (process.platform === 'linux' ? undefined : 'needs /proc');
const anew = 'a start of the whole process, 0.25 s of pause before it';
const silentMs = 2000;

/**
 * A server under serve --supervise; each round ends its process, and it must serve with another id. One server each round: one that
 * was restarted a moment ago waits longer and longer before the next restart.
 */
async function keptScene(
  hurt: (server: Supervised, pid: number) => Promise<{ faultMs: number; knownMs?: number }>,
): Promise<Scene> {
  return {
    async round(): Promise<Outcome> {
      const server = await startKept({ ARKALIA_WATCHDOG_HTTP_MS: String(silentMs) });
      try {
        await until(() => chats(server), 'an answer');
        const pid = await server.serverPid();
        if (pid === undefined) throw new Error('there is no server');
        const moments = await hurt(server, pid);
        return await untilRestored(moments, async () => {
          const now = await server.serverPid();
          return now !== undefined && now !== pid && (await decides(server)) && (await chats(server));
        });
      } finally {
        await server.close();
      }
    },
    close: async () => {},
  };
}

export const processKilled: FaultKind = {
  name: 'server killed',
  about:
    'SIGKILL to the server under serve --supervise; restored when a decision is durable and a prompt answered',
  waitsFor: anew,
  missing: notLinux,
  open: () =>
    keptScene(async (_server, pid) => {
      process.kill(pid, 'SIGKILL');
      return { faultMs: performance.now() };
    }),
};

export const eventLoopBlocked: FaultKind = {
  name: 'event loop blocked',
  about: `A module blocks the event loop for ever; known after watchdog.http_ms (${silentMs} ms here, 10 s by default), restored as above`,
  waitsFor: anew,
  missing: notLinux,
  open: () =>
    keptScene(async (server) => {
      await breakIt(server, 'block');
      const faultMs = performance.now() + 50;
      return { faultMs, knownMs: faultMs + silentMs };
    }),
};

const v1 = '/sys/fs/cgroup/memory';
const limitBytes = 134_217_728;

/** A memory cgroup of our own, version 1 or 2; undefined where none can be made. */
function makeGroup(): { folder: string; limit: string } | undefined {
  const isV2 = existsSync('/sys/fs/cgroup/cgroup.controllers');
  if (isV2 && !readFileSync('/sys/fs/cgroup/cgroup.subtree_control', 'utf8').includes('memory'))
    return undefined;
  const folder = `${isV2 ? '/sys/fs/cgroup' : v1}/arkalia-bench-${process.pid}`;
  try {
    if (!existsSync(folder)) mkdirSync(folder);
    const limit = `${folder}/${isV2 ? 'memory.max' : 'memory.limit_in_bytes'}`;
    writeFileSync(limit, String(limitBytes));
    return { folder, limit };
  } catch {
    return undefined;
  }
}

export const memoryPressure: FaultKind = {
  name: 'memory pressure',
  about:
    'The server is put into a cgroup that grants 128 MB more, and a module fills memory until the kernel kills it; known when it is dead, restored as above',
  waitsFor: anew,
  missing: () => {
    const group = notLinux() === undefined ? makeGroup() : undefined;
    if (group === undefined) return 'needs a memory cgroup that can be written to';
    rmdirSync(group.folder);
    return undefined;
  },
  open: async () => {
    const group = makeGroup();
    if (group === undefined) throw new Error('the cgroup cannot be made');
    const scene = await keptScene(async (server, pid) => {
      writeFileSync(`${group.folder}/cgroup.procs`, String(pid));
      await breakIt(server, 'hog');
      const faultMs = performance.now();
      await until(async () => (await server.serverPid()) !== pid, 'the end of the server');
      return { faultMs, knownMs: performance.now() };
    });
    return {
      ...scene,
      async close() {
        await scene.close();
        await until(
          () => readFileSync(`${group.folder}/cgroup.procs`, 'utf8') === '',
          'the end of all in it',
        );
        execFileSync('rmdir', [group.folder]);
      },
    };
  },
};
