import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Config } from '../config/schema.js';
import { packageVersion } from '../config/version.js';
import type { Access } from '../contracts/access.js';
import { systemClock } from '../contracts/clock.js';
import { openDataFolder } from '../data-folder/data-folder.js';
import { openLedger, type SqliteLedger } from '../ledger/ledger.js';
import { openAccess } from '../security/access.js';

interface Offline {
  ledger: SqliteLedger;
  /** Absolute path of the data folder, whose lock is held. */
  folder: string;
}

/** Takes the lock of the data folder while no server has it, and does something with its ledger. */
export async function withOfflineLedger<T>(
  config: Config,
  verb: string,
  use: (offline: Offline) => Promise<T>,
): Promise<T> {
  const clock = systemClock;
  const folder = await openDataFolder(config.data_dir, {
    address: `arkalia ${verb}`,
    version: packageVersion(),
    clock,
  });
  try {
    const failures: Error[] = [];
    const ledger = await openLedger({
      file: join(folder.path, 'ledger.sqlite'),
      bootId: randomBytes(8).toString('hex'),
      clock,
      queueMax: config.ledger.queue_max,
      batchMax: config.ledger.batch_max,
      sizeLimitBytes: config.ledger.size_limit_bytes,
      onFailure: (error) => failures.push(error),
      onNotice: (notice) => process.emitWarning(notice),
    });
    try {
      return await use({ ledger, folder: folder.path });
    } catch (error) {
      throw failures[0] ?? error;
    } finally {
      await ledger.close();
    }
  } finally {
    await folder.release();
  }
}

/** The same with its keys; what changes is recorded. */
export function withOfflineAccess<T>(
  config: Config,
  verb: string,
  use: (access: Access) => Promise<T>,
): Promise<T> {
  return withOfflineLedger(config, verb, async ({ ledger, folder }) => {
    // As on loopback: nobody listens, so there is no setup mode. The key of api_key_file is the server's to register.
    const { access, close } = await openAccess({
      dataDir: folder,
      clock: systemClock,
      ledger,
      loopback: true,
    });
    try {
      return await use(access);
    } finally {
      await close();
    }
  });
}
