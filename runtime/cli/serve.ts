import { existsSync } from 'node:fs';
import type { Logger } from 'pino';
import { ConfigError } from '../config/error.js';
import type { LoadedConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { readVersions } from '../config/versions.js';
import type { RolledBack } from '../contracts/configuration.js';
import { printable } from '../contracts/text.js';
import type { Restarted } from '../kernel/appliance.js';
import { shutdownSlackMs } from '../kernel/shutdown-slack.js';
import { createLogger } from '../log/logger.js';
import { keeperVariable } from '../watchdog/keeper-variable.js';
import { type CliIo, exitCodes } from './io.js';
import { causeVariable, restartsVariable } from './restart-variables.js';
import { otherKeeper } from './serve-keeper.js';
import { type ConfigFlags, loadFromFlags } from './settings.js';

/** What `serve` needs of a started appliance. */
export interface Running {
  banner: string[];
  close(reason: string): Promise<void>;
  recordError(error: Error): void;
  /** Resolves when the configuration must be undone, for which the process ends and is started again. */
  harmed?: Promise<Error>;
}

export type StartAppliance = (options: {
  config: Config;
  log: Logger;
  restarted?: Restarted | undefined;
  rolledBack?: RolledBack | undefined;
}) => Promise<Running>;

/**
 * Runs the server until a signal. The banner goes to standard output as plain lines, the log to standard error as JSON lines.
 * The first SIGTERM or SIGINT closes with grace, a second one ends the process at once.
 */
export async function serve(
  flags: ConfigFlags,
  io: CliIo,
  startAppliance: StartAppliance = startReal,
): Promise<number> {
  const loaded = loadOrGoBack(flags, io);
  const log = createLogger(loaded.config.log);
  const stopping = watchForEnd(io);
  try {
    const { config, rolledBack } = loaded;
    const appliance = await startAppliance({ config, log, restarted: restartOf(io), rolledBack });
    io.out(`${[...appliance.banner, ...closingLines(loaded)].join('\n')}\n`);
    // Where nobody starts it again, an end would undo more than the configuration.
    const harmed = isKept(io) && appliance.harmed !== undefined ? [appliance.harmed] : [];
    const end = await Promise.race([stopping.asked, ...harmed]);
    if (end instanceof Error) {
      log.fatal({ err: end }, 'an error that nobody caught, or a harmful configuration; stopping');
      appliance.recordError(end);
    } else io.out(`Stopping (${end}); a second signal ends at once.\n`);
    const withinMs = loaded.config.http.shutdown_timeout_ms + shutdownSlackMs;
    const reason = end instanceof Error ? 'uncaught error' : end;
    const inTime = await closeInTime(appliance, reason, withinMs);
    if (!inTime) io.err(`Not everything stopped within ${withinMs} ms; ending all the same.\n`);
    return inTime && typeof end === 'string' ? exitCodes.ok : exitCodes.failed;
  } finally {
    stopping.release();
  }
}

function isKept({ env }: CliIo): boolean {
  const keeper = otherKeeper({ env, pid: process.pid, exists: existsSync });
  return env[keeperVariable] !== undefined || keeper !== undefined;
}

/**
 * The configuration; where it is faulty while the server is started again, with nobody there to read what is wrong, the last good one.
 * @throws ConfigError.
 */
function loadOrGoBack(
  flags: ConfigFlags,
  io: CliIo,
): Pick<LoadedConfig, 'config' | 'file'> & { rolledBack?: RolledBack } {
  try {
    return loadFromFlags(flags, io);
  } catch (error) {
    if (!(error instanceof ConfigError) || restartOf(io) === undefined) throw error;
    const dataDir = flags.data ?? io.env.ARKALIA_DATA_DIR ?? './data';
    const { good } = readVersions(dataDir);
    if (good?.config.recovery.rollback !== true) throw error;
    io.err(`The configuration is faulty, so the last good one is used.\n${error.message}\n`);
    const why = `it is faulty: ${error.problems[0]?.message ?? error.message}`;
    const rolledBack = { version: null, backTo: good.version, why };
    return { config: { ...good.config, data_dir: dataDir }, rolledBack };
  }
}

/** What `serve --supervise` says of the process before this one. */
function restartOf({ env }: CliIo): Restarted | undefined {
  const cause = env[causeVariable];
  return cause === undefined ? undefined : { cause, count: Number(env[restartsVariable] ?? 1) };
}

async function startReal(options: Parameters<StartAppliance>[0]): Promise<Running> {
  const { startAppliance } = await import('../main.js');
  return startAppliance(options);
}

/**
 * Resolves with the first signal, or with the error that nobody caught: after one, nothing can be relied on. A signal that comes
 * while the server still starts is kept until it can be closed properly.
 */
function watchForEnd(io: CliIo): { asked: Promise<string | Error>; release(): void } {
  const releases: (() => void)[] = [];
  const asked = new Promise<string | Error>((resolve) => {
    let signals = 0;
    releases.push(
      io.onSignal((signal) => {
        signals++;
        if (signals === 1) resolve(signal);
        else io.exit(exitCodes.failed);
      }),
      io.onUncaught(resolve),
    );
  });
  return {
    asked,
    release: () => {
      for (const release of releases) release();
    },
  };
}

function closingLines({ file }: Pick<LoadedConfig, 'file'>): string[] {
  const from = file === undefined ? 'defaults, no arkalia.toml' : printable(file);
  return ['', `Configuration: ${from} ("arkalia config" shows it). Stop with Ctrl-C.`];
}

/** Whether it closed in time. */
async function closeInTime(appliance: Running, reason: string, withinMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), withinMs);
  });
  try {
    return (await Promise.race([appliance.close(reason), late])) !== 'late';
  } finally {
    clearTimeout(timer);
  }
}
