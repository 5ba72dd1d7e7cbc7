import { createLogger } from '../log/logger.js';
import { startAppliance } from '../main.js';
import { type ConfigFlags, loadFor } from './load.js';

export interface ServeFlags extends ConfigFlags {
  port?: number;
  host?: string;
}

/**
 * Serves until SIGTERM or SIGINT: the first lets what runs finish or cancels it, flushes the ledger and ends with 0; a second ends
 * at once with 1. The banner goes to standard output, the log to standard error.
 */
export async function serve(flags: ServeFlags): Promise<number> {
  const { config } = loadFor(flags, { 'http.port': flags.port, 'http.host': flags.host });
  const log = createLogger(config.log);
  const appliance = await startAppliance({ config, log });
  console.log(appliance.banner.join('\n'));
  const reason = await ended();
  process.once('SIGTERM', () => process.exit(1));
  process.once('SIGINT', () => process.exit(1));
  if (reason instanceof Error) log.fatal({ err: reason }, 'an error that nobody caught; stopping');
  else console.log(`${reason}: stopping; what runs may finish within ${config.http.shutdown_timeout_ms} ms`);
  await appliance.close(reason instanceof Error ? 'uncaught error' : reason);
  log.flush();
  // Whatever a third party's module left open must not keep the process alive.
  process.exit(reason instanceof Error ? 1 : 0);
}

/** Resolves with the signal that asks to stop, or with the error that nobody caught: after one, nothing can be relied on. */
function ended(): Promise<string | Error> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
    process.once('uncaughtException', (error) => resolve(error));
  });
}
