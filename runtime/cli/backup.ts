import { randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { backup, mayReplace } from '../backup/backup.js';
import { isRefusal, restore } from '../backup/restore.js';
import { packageVersion } from '../config/version.js';
import { systemClock } from '../contracts/clock.js';
import { openDataFolder } from '../data-folder/data-folder.js';
import { openLedger } from '../ledger/ledger.js';
import type { EpochReason } from '../ledger/tlog/epochs.js';
import { CliFailure } from './failure.js';
import { type CliIo, exitCodes } from './io.js';
import { readPassphrase } from './passphrase.js';
import { type ConfigFlags, loadFromFlags } from './settings.js';

export interface BackupFlags extends ConfigFlags {
  keys?: boolean;
  passphraseFile?: string;
}

/** Copies the ledger into one file, and with `--keys` the keys, encrypted. */
export async function backupTo(file: string, flags: BackupFlags, io: CliIo): Promise<number> {
  const { data_dir: folder } = loadFromFlags(flags, io).config;
  const ledger = join(folder, 'ledger.sqlite');
  if (!existsSync(ledger)) throw new CliFailure(`There is no ledger in ${folder}.`);
  checkTarget(file, ledger);
  const passphrase = await wanted(flags, io);
  const { size, minimum, secrets } = await orRefusal(backup(folder, resolve(file), passphrase));
  io.out(
    `Backed up events ${minimum} to ${size - 1}${secrets.length > 0 ? ` and ${secrets.join(', ')}` : ''}.\n`,
  );
  if (passphrase === undefined)
    io.err('Without the keys; they come along with --keys, under a passphrase.\n');
  io.err('It holds what people typed: keep it as you keep the appliance.\n');
  return exitCodes.ok;
}

/** A slip of the hand costs no other file, and not the ledger itself. */
function checkTarget(file: string, ledger: string): void {
  if (mayReplace(resolve(file), ledger)) return;
  const what = statSync(file).isDirectory()
    ? 'is a folder. Name a file in it.'
    : 'is there and no backup. Name another file; only an earlier backup is replaced.';
  throw new CliFailure(`${file} ${what}`, exitCodes.usage);
}

/** Brings a backup back, and says where the events are now and whether a new epoch of the log began. */
export async function restoreFrom(file: string, flags: BackupFlags, io: CliIo): Promise<number> {
  const { config } = loadFromFlags(flags, io);
  if (!existsSync(file)) throw new CliFailure(`There is no file ${file}.`, exitCodes.usage);
  const passphrase = await wanted(flags, io);
  const folder = await openDataFolder(config.data_dir, {
    address: 'arkalia restore',
    version: packageVersion(),
    clock: systemClock,
  });
  try {
    const open = (epochReason?: EpochReason) =>
      openLedger({
        file: join(folder.path, 'ledger.sqlite'),
        bootId: randomBytes(8).toString('hex'),
        clock: systemClock,
        queueMax: config.ledger.queue_max,
        batchMax: config.ledger.batch_max,
        sizeLimitBytes: config.ledger.size_limit_bytes,
        ...(epochReason === undefined ? {} : { epochReason }),
        onNotice: (notice) => io.err(`${notice}\n`),
        // Nothing is appended, so nothing can fail later than the opening.
        onFailure: (error) => io.err(`${error.message}\n`),
      });
    const report = await orRefusal(
      restore({ folder: folder.path, file: resolve(file), passphrase, openLedger: open }),
    );
    const { size, name, goesOn, verifierKey, secrets } = report;
    if (secrets.length > 0) io.out(`Restored ${secrets.join(', ')}.\n`);
    io.out(`Restored ${size} events as ${name}.\n`);
    if (goesOn) io.out('The log goes on where it ended.\n');
    else {
      io.out(
        `More may have been signed after this backup, so a new epoch of the log began: ${verifierKey}\nCheck the restored events with: arkalia verify --ledger ${join(folder.path, name)}\n`,
      );
    }
    return exitCodes.ok;
  } finally {
    await folder.release();
  }
}

async function wanted({ keys, passphraseFile }: BackupFlags, io: CliIo): Promise<string | undefined> {
  if (keys === true) return readPassphrase(passphraseFile, io);
  if (passphraseFile !== undefined)
    throw new CliFailure('--passphrase-file goes with --keys.', exitCodes.usage);
  return undefined;
}

async function orRefusal<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isRefusal(error)) throw new CliFailure(error.message);
    throw error;
  }
}
