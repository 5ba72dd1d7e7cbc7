import { type ChildProcess, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { faketimeLibrary, WallClock } from '../../../support/faketime.js';
import type { FaultKind } from '../kind.js';
import { chats, decides, until, untilRestored } from '../restored.js';
import { startBreakable } from '../servers.js';

const dayMs = 86_400_000;

/** The wall clock of one process, never the machine's. */
function clockKind(name: string, offset: '+1d' | '-1d'): FaultKind {
  return {
    name,
    about: `The server's wall clock jumps by a day (${offset}); known when its Date header says so, restored when a decision is durable and a prompt answered at the new time`,
    missing: () =>
      faketimeLibrary() === undefined ? 'needs libfaketime (apt-get install faketime)' : undefined,
    open: async () => {
      const clock = new WallClock();
      const appliance = await startBreakable(clock.env);
      // A connection of its own each time: one that was idle may be closed just as it is used.
      const isOff = async (byMs: number) => {
        const { headers } = await fetch(`${appliance.url}/health`, { headers: { connection: 'close' } });
        return Math.abs(Date.parse(headers.get('date') ?? '') - Date.now() - byMs) < dayMs / 2;
      };
      return {
        async round() {
          clock.set('+0');
          await until(async () => (await isOff(0)) && (await chats(appliance)), 'the right time');
          const started = (await appliance.json('/status')).started_ms;
          clock.set(offset);
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
          clock.remove();
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
