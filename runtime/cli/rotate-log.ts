import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageVersion } from '../config/version.js';
import { systemClock } from '../contracts/clock.js';
import { openDataFolder } from '../data-folder/data-folder.js';
import { openLedger } from '../ledger/ledger.js';
import { epochOf, setEpochAside } from '../ledger/tlog/epochs.js';
import { readSigner, rotateKey } from '../ledger/tlog/identity.js';
import { CliFailure } from './failure.js';
import { type CliIo, exitCodes } from './io.js';
import { type ConfigFlags, loadFromFlags } from './settings.js';

/**
 * Ends this epoch of the log and begins the next with a new key. The old ledger is signed to its end and kept; the first event of the new
 * one holds its last checkpoint. Needs the data folder for itself.
 */
export async function rotateLog(flags: ConfigFlags, io: CliIo): Promise<number> {
  const { config } = loadFromFlags(flags, io);
  if (!existsSync(join(config.data_dir, 'ledger.sqlite'))) {
    throw new CliFailure(
      `There is no ledger in ${config.data_dir} yet; the first start of the server makes its key.`,
    );
  }
  const folder = await openDataFolder(config.data_dir, {
    address: 'arkalia keys rotate-log',
    version: packageVersion(),
    clock: systemClock,
  });
  try {
    const file = join(folder.path, 'ledger.sqlite');
    const failures: Error[] = [];
    const options = {
      file,
      bootId: randomBytes(8).toString('hex'),
      clock: systemClock,
      queueMax: config.ledger.queue_max,
      batchMax: config.ledger.batch_max,
      sizeLimitBytes: config.ledger.size_limit_bytes,
      onFailure: (error: Error) => failures.push(error),
      onNotice: (notice: string) => io.err(`${notice}\n`),
    };
    // Opened and closed: what is in it is checked, signed to its end, and known outside it.
    await (await openLedger(options)).close();
    if (failures[0] !== undefined) throw failures[0];
    const old = await readSigner(folder.path);
    if (old === undefined) throw new CliFailure('The log has no key yet.');
    const setAside = setEpochAside(file, epochOf(old.name));
    await rotateKey(folder.path);
    const ledger = await openLedger({ ...options, epochReason: 'key_rotated' });
    await ledger.close();
    io.out(`${ledger.log.verifierKey}\n`);
    io.err(
      `${old.name} has ended and is kept as ${setAside}; it verifies with ${old.verifierKey}. The new key is on standard output: give it to those who verify this device.\n`,
    );
    return exitCodes.ok;
  } finally {
    await folder.release();
  }
}
