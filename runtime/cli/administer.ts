import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { packageVersion } from '../config/version.js';
import { systemClock } from '../contracts/clock.js';
import type { Access } from '../contracts/module.js';
import { controlSocketPath } from '../data-folder/control-socket.js';
import { openDataFolder } from '../data-folder/data-folder.js';
import { openLedger } from '../ledger/ledger.js';
import { openAccess } from '../security/access.js';
import { overSocket, problemError } from './http.js';
import { type ConfigFlags, loadFor } from './load.js';

export interface Act<T> {
  /** How the running server is asked. */
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  body?: unknown;
  /** What is done here when no server runs; undefined when only a running server can. */
  here?: (access: Access) => Promise<T> | T;
}

/**
 * Does an administrative act: asks the running server over the socket in its data folder, or, when there is none, takes the folder's
 * lock and does it here, recorded in the ledger all the same.
 */
export async function administer<T>(flags: ConfigFlags, act: Act<T>): Promise<T> {
  const { config } = loadFor(flags);
  const answer = await overSocket(controlSocketPath(config.data_dir), act.method, act.path, act.body);
  if (answer !== null) {
    if (answer.status >= 400) throw problemError(answer.status, answer.text);
    return (answer.text === '' ? undefined : JSON.parse(answer.text)) as T;
  }
  if (act.here === undefined)
    throw new Error(`no server runs on the data folder ${config.data_dir}; start it first`);
  const clock = systemClock;
  const folder = await openDataFolder(config.data_dir, {
    address: `arkalia ${act.path.slice(1)}`,
    version: packageVersion(),
    clock,
  });
  try {
    const ledger = await openLedger({
      file: join(folder.path, 'ledger.sqlite'),
      bootId: randomBytes(8).toString('hex'),
      clock,
      queueMax: config.ledger.queue_max,
      batchMax: config.ledger.batch_max,
      onFailure: () => {},
    });
    try {
      const { access } = await openAccess({ dataDir: folder.path, clock, ledger, loopback: true });
      return await act.here(access);
    } finally {
      await ledger.close();
    }
  } finally {
    await folder.release();
  }
}
