import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/schema.js';
import { packageVersion } from '../config/version.js';
import { systemClock } from '../contracts/clock.js';
import { openDataFolder } from '../data-folder/data-folder.js';
import { openForVerifying } from '../ledger/database.js';
import { EventCatalog } from '../ledger/events/catalog.js';
import { QueryClient } from '../ledger/query.js';
import { CliFailure } from './failure.js';

/**
 * Lets `use` ask the ledger of a data folder on which no server runs; nobody else may have the folder meanwhile.
 * @param verb Such as `arkalia analyze`: what whoever finds the folder taken reads.
 * @throws CliFailure where there is no ledger.
 */
export async function withLedgerFile<T>(
  config: Config,
  verb: string,
  use: (ledger: QueryClient) => Promise<T>,
): Promise<T> {
  if (!existsSync(join(config.data_dir, 'ledger.sqlite'))) {
    throw new CliFailure(`There is no ledger in ${config.data_dir}. Name its folder with --data.`);
  }
  const folder = await openDataFolder(config.data_dir, {
    address: verb,
    version: packageVersion(),
    clock: systemClock,
  });
  try {
    const file = join(folder.path, 'ledger.sqlite');
    // Says what to do about a file that an older program wrote.
    openForVerifying(file).close();
    const ledger = new QueryClient(file, new EventCatalog());
    try {
      return await use(ledger);
    } finally {
      await ledger.close();
    }
  } finally {
    await folder.release();
  }
}
