import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { keeperVariable } from './keeper-variable.js';

/** Who starts us again after our end, and is told at an interval that all is well. */
export interface Keeper {
  /** `closeMs`: how long our closing may take; `silentMs`: silence after which we are to be killed. */
  ready(times: { closeMs: number; silentMs: number }): void;
  alive(): void;
  /** Kill us now, and start us again. */
  stuck(why: string): void;
  closing(): void;
}

/** The parent behind a pipe: a line a message. It has gone when the pipe breaks. */
function parentKeeper(fd: number, onGone: () => void): Keeper {
  let gone = false;
  const say = (message: object) => {
    if (gone) return;
    try {
      writeSync(fd, `${JSON.stringify(message)}\n`);
    } catch (error) {
      // A full pipe: the parent stands still, and reads on when it goes on.
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return;
      gone = true;
      onGone();
    }
  };
  return {
    ready: (times) => say({ kind: 'ready', ...times }),
    alive: () => say({ kind: 'alive' }),
    stuck: (why) => say({ kind: 'stuck', why }),
    closing: () => say({ kind: 'closing' }),
  };
}

const notifyMs = 5000;

/**
 * systemd, through its program: Node has no datagram sockets. The unit needs NotifyAccess=all, for the messages come from a process of their
 * own. `usec` is WATCHDOG_USEC; without it systemd does not watch, and only ready and stopping are said.
 */
function systemdKeeper(usec: number | undefined, onProblem: (problem: string) => void): Keeper {
  const everyMs = usec === undefined ? undefined : usec / 1000 / 3;
  let saidMs = Number.NEGATIVE_INFINITY;
  const say = (...states: string[]) => {
    const child = spawn('systemd-notify', states, {
      stdio: 'ignore',
      timeout: notifyMs,
      killSignal: 'SIGKILL',
    });
    child.on('error', (error) => onProblem(`systemd-notify cannot be run: ${error.message}`));
    child.on('exit', (code) => {
      if (code !== 0) onProblem(`systemd-notify ${states.join(' ')} failed`);
    });
  };
  return {
    ready: () => say('READY=1'),
    alive: () => {
      if (everyMs === undefined || performance.now() - saidMs < everyMs) return;
      saidMs = performance.now();
      say('WATCHDOG=1');
    },
    stuck: (why) => {
      if (everyMs !== undefined) say(`STATUS=${why}`, 'WATCHDOG=trigger');
    },
    closing: () => say('STOPPING=1'),
  };
}

export interface KeeperOptions {
  env: Record<string, string | undefined>;
  /** The keeper has gone. */
  onGone: () => void;
  onProblem: (problem: string) => void;
}

/** Whoever keeps this process; undefined when nobody does. */
export function findKeeper({ env, onGone, onProblem }: KeeperOptions): Keeper | undefined {
  const fd = Number(env[keeperVariable] ?? Number.NaN);
  if (Number.isInteger(fd) && fd > 2) return parentKeeper(fd, onGone);
  if (env.NOTIFY_SOCKET === undefined) return undefined;
  const usec = Number(env.WATCHDOG_USEC ?? Number.NaN);
  return systemdKeeper(usec > 0 ? usec : undefined, onProblem);
}
