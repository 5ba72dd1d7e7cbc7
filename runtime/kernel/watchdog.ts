import type { Logger } from 'pino';
import type { Config } from '../config/schema.js';
import type { Bus } from '../contracts/bus.js';
import type { NewEvent } from '../contracts/ledger.js';
import type { Verdict } from '../watchdog/judge.js';
import { Watchdog } from '../watchdog/watchdog.js';
import { shutdownSlackMs } from './shutdown-slack.js';

export interface WatchdogParts {
  config: Config;
  log: Logger;
  bus: Bus;
  record: (event: NewEvent) => void;
}

/** The watchdog; what it finds goes to the log, to the bus and, when something is stuck, into the ledger. */
export function createWatchdog({ config, log, bus, record }: WatchdogParts): Watchdog {
  const { http_ms: httpMs, thread_ms: threadMs, sandbox_ms: sandboxMs } = config.watchdog;
  const tell = (kind: 'late' | 'stuck' | 'back', { part, pid, silentMs }: Verdict) =>
    bus.publish('watchdog.told', { kind, part, pid, silentMs });
  return new Watchdog({
    httpMs,
    threadMs,
    sandboxMs,
    closeMs: config.http.shutdown_timeout_ms + shutdownSlackMs,
    onLate: (verdict) => {
      log.warn({ ...verdict }, 'silent for half of what it may be');
      tell('late', verdict);
    },
    onStuck: (verdict) => {
      log.error({ ...verdict }, 'stuck');
      tell('stuck', verdict);
      record({
        type: 'watchdog_stuck',
        module: 'kernel',
        data: { part: verdict.part, silent_ms: verdict.silentMs },
      });
    },
    onBack: (verdict) => {
      log.info({ ...verdict }, 'heard again');
      tell('back', verdict);
    },
    onProblem: (problem) => log.error({ problem }, 'the watchdog has a problem'),
  });
}
