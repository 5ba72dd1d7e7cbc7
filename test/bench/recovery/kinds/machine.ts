import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { FaultKind } from '../kind.js';
import { chats, decides, until, untilRestored } from '../restored.js';
import { startBreakable } from '../servers.js';

const dayMs = 86_400_000;

function faketimeLibrary(): string | undefined {
  const roots = ['/usr/lib', '/usr/local/lib'].filter((path) => existsSync(path));
  const folders = roots.flatMap((path) => [path, ...readdirSync(path).map((name) => join(path, name))]);
  return folders.map((path) => join(path, 'faketime', 'libfaketimeMT.so.1')).find((path) => existsSync(path));
}

/** The wall clock of one process, never the machine's. */
function clockKind(name: string, offset: '+1d' | '-1d'): FaultKind {
  return {
    name,
    about: `The server's wall clock jumps by a day (${offset}); known when its Date header says so, restored when a decision is durable and a prompt answered at the new time`,
    missing: () =>
      process.platform === 'linux' && faketimeLibrary() !== undefined
        ? undefined
        : 'needs libfaketime (apt-get install faketime)',
    open: async () => {
      const folder = mkdtempSync(join(tmpdir(), 'arkalia-clock-'));
      const file = join(folder, 'offset');
      writeFileSync(file, '+0');
      const appliance = await startBreakable({
        LD_PRELOAD: faketimeLibrary() ?? '',
        FAKETIME_TIMESTAMP_FILE: file,
        FAKETIME_CACHE_DURATION: '1',
        DONT_FAKE_MONOTONIC: '1',
        FAKETIME_DONT_RESET: '1',
      });
      const isOff = async (byMs: number) => {
        const { headers } = await fetch(`${appliance.url}/health`);
        return Math.abs(Date.parse(headers.get('date') ?? '') - Date.now() - byMs) < dayMs / 2;
      };
      return {
        async round() {
          writeFileSync(file, '+0');
          await until(async () => (await isOff(0)) && (await chats(appliance)), 'the right time');
          const started = (await appliance.json('/status')).started_ms;
          writeFileSync(file, offset);
          const faultMs = performance.now();
          await until(() => isOff(offset === '+1d' ? dayMs : -dayMs), 'the wrong time');
          const knownMs = performance.now();
          const outcome = await untilRestored(
            { faultMs, knownMs },
            async () => (await decides(appliance)) && (await chats(appliance)),
          );
          const { started_ms, level } = await appliance.json('/status');
          if (started_ms !== started) throw new Error('the server was restarted');
          if (level !== 'normal') throw new Error(`the level became ${String(level)}`);
          return outcome;
        },
        async close() {
          await appliance.close();
          rmSync(folder, { recursive: true });
        },
      };
    },
  };
}

export const clockForward = clockKind('clock a day ahead', '+1d');
export const clockBack = clockKind('clock a day back', '-1d');

export const cpuSaturated: FaultKind = {
  name: 'CPU saturated',
  about:
    'Twice as many busy loops as cores, until the round is over; timed from half a second later, restored when a decision is durable and a prompt answered all the same',
  open: async () => {
    const appliance = await startBreakable();
    return {
      async round() {
        await until(() => chats(appliance), 'an answer');
        const burners: ChildProcess[] = [];
        for (let n = 0; n < 2 * availableParallelism(); n++)
          burners.push(spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }));
        try {
          await pause(500);
          return await untilRestored(
            { faultMs: performance.now() },
            async () => (await decides(appliance)) && (await chats(appliance)),
          );
        } finally {
          for (const burner of burners) burner.kill('SIGKILL');
        }
      },
      close: () => appliance.close(),
    };
  },
};
