import type { Logger } from 'pino';
import type { Config } from '../config/schema.js';
import type { Clock } from '../contracts/clock.js';
import type { Ledger } from '../contracts/ledger.js';
import { openAccess } from '../security/access.js';
import { openPeople } from '../security/people.js';
import type { Undo } from './undo.js';

interface OpenDoorsOptions {
  config: Config;
  /** The data folder. */
  folder: string;
  log: Logger;
  clock: Clock;
  ledger: Ledger;
  scheme: 'http' | 'https';
  undo: Undo;
}

/** Who may come in: keys, people, setup mode; and what a person should read about it at the start. */
export interface OpenDoors {
  access: Awaited<ReturnType<typeof openAccess>>['access'];
  people: Awaited<ReturnType<typeof openPeople>>;
  warnings: string[];
}

/** Whether only this machine can reach a listening address. */
function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Opens keys and people in the data folder. */
export async function openDoors(options: OpenDoorsOptions): Promise<OpenDoors> {
  const { config, folder, log, clock, ledger, scheme, undo } = options;
  const loopback = isLoopbackHost(config.http.host);
  const lifeMs = config.http.login_ms;
  const people = await openPeople({ dataDir: folder, clock, ledger, lifeMs });
  const {
    access,
    warnings,
    close: closeAccess,
  } = await openAccess({
    dataDir: folder,
    clock,
    ledger,
    loopback,
    hasUsers: () => people.listUsers().length > 0,
    apiKeyFile: config.api_key_file,
    onProblem: (message, error) => log.error({ err: error }, message),
  });
  undo.add('access', closeAccess);
  if (!loopback && scheme === 'http') {
    warnings.push(
      'listening beyond this machine without TLS: keys and prompts travel in the clear; set http.tls_cert_file and http.tls_key_file',
    );
  }
  return { access, people, warnings };
}
