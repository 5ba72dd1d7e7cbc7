import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { Database } from '../contracts/sqlite.js';
import { syncFolderSync, writeFileAtomic } from '../data-folder/write-file-atomic.js';
import { openForVerifying } from '../ledger/database.js';
import type { SqliteLedger } from '../ledger/ledger.js';
import { LedgerFileError } from '../ledger/ledger-file-error.js';
import { parseCheckpoint } from '../ledger/tlog/checkpoint.js';
import { type EpochReason, epochOf, freeEpochName } from '../ledger/tlog/epochs.js';
import { readSigner, takeOver } from '../ledger/tlog/identity.js';
import { readLastCheckpoint, writeLastCheckpoint } from '../ledger/tlog/last-checkpoint.js';
import { LogReader } from '../ledger/tlog/log-reader.js';
import { openNote } from '../ledger/tlog/note.js';
import { parseVerifierKey } from '../ledger/tlog/note-key.js';
import { verifyLog } from '../ledger/tlog/verify-log.js';
import { copyLedger, isBackup, secretFiles } from './backup.js';
import { unseal } from './sealed.js';

/** The backup cannot be restored as asked. The message says why and what to do; nothing was changed. */
class RestoreError extends Error {
  readonly code = 'restore_refused';

  constructor(message: string) {
    super(message);
    this.name = 'RestoreError';
  }
}

export interface RestoreOptions {
  /** Absolute path of the data folder, whose lock is held. */
  folder: string;
  /** The backup. */
  file: string;
  /** To bring the secrets back too; undefined leaves the folder's own. */
  passphrase: string | undefined;
  openLedger: (reason?: EpochReason) => Promise<SqliteLedger>;
}

export interface RestoreReport {
  size: number;
  /** Name of the file that holds the restored events now. */
  name: string;
  /** Whether the log goes on in its epoch; else another has begun, and its verifier key is this. */
  goesOn: boolean;
  verifierKey: string;
  secrets: string[];
}

interface Backup {
  verifierKey: string;
  origin: string;
  size: number;
  /** Size of its last checkpoint, and its note. */
  signed: number;
  note: string | undefined;
  sealed: Buffer | null;
}

/**
 * Brings a backup back. The log goes on where it ended only when the folder knows that nothing was signed after it; otherwise the restored
 * ledger is kept beside a new epoch, whose first event holds the last checkpoint that is known: nobody sees two histories under one name.
 * @throws RestoreError; LedgerFileError `ledger_newer` for a backup of a newer program.
 */
export async function restore(options: RestoreOptions): Promise<RestoreReport> {
  const { folder, file, passphrase, openLedger } = options;
  const backup = readBackup(file);
  const secrets = await openSecrets(backup, passphrase);
  const live = join(folder, 'ledger.sqlite');
  // Opened and closed: signed to its end, which is then known outside it.
  if (existsSync(live)) await (await openLedger()).close();
  const goesOn = await isUpToDate(folder, backup);
  const restoring = join(folder, 'ledger.restoring');
  await copyLedger(file, restoring);
  strip(restoring);
  if (existsSync(live)) moveAside(folder, live);
  await bringSecrets(folder, secrets);
  const name = goesOn ? 'ledger.sqlite' : freeEpochName(live, epochOf(backup.origin));
  renameSync(restoring, join(folder, name));
  syncFolderSync(folder);
  if (!goesOn && backup.note !== undefined && readLastCheckpoint(folder) === undefined) {
    writeLastCheckpoint(folder, { verifierKey: backup.verifierKey, note: backup.note });
  }
  const ledger = await openLedger('restored');
  await ledger.close();
  const { verifierKey } = ledger.log;
  return { size: backup.size, name, goesOn, verifierKey, secrets: Object.keys(secrets) };
}

function readBackup(file: string): Backup {
  const db = openForVerifying(file);
  try {
    const sealed = readSealed(db, file);
    const verifierKey = db.prepare('SELECT verifier_key FROM log').pluck().get() as string | undefined;
    if (verifierKey === undefined) throw new RestoreError(`${file} holds no log that has begun.`);
    const verifier = parseVerifierKey(verifierKey);
    const [fault] = verifyLog(db, verifier).faults;
    if (fault !== undefined) {
      throw new RestoreError(
        `${file} does not hold: event ${fault.index}: ${fault.what}. Take another backup.`,
      );
    }
    const reader = new LogReader(db);
    const last = reader.lastCheckpoint();
    return {
      verifierKey,
      origin: verifier.name,
      size: reader.size(),
      signed: last?.size ?? 0,
      note: last?.note,
      sealed,
    };
  } finally {
    db.close();
  }
}

function readSealed(db: ReturnType<typeof openForVerifying>, file: string): Buffer | null {
  if (!isBackup(db)) {
    throw new RestoreError(`${file} is a ledger, but not one that "arkalia backup" made.`);
  }
  return db.prepare('SELECT sealed FROM backup').pluck().get() as Buffer | null;
}

async function openSecrets(
  { sealed }: Backup,
  passphrase: string | undefined,
): Promise<Record<string, string>> {
  if (passphrase === undefined) return {};
  if (sealed === null)
    throw new RestoreError('This backup was made without the keys; restore it without a passphrase.');
  const plain = await unseal(sealed, passphrase);
  if (plain === undefined)
    throw new RestoreError('The passphrase is not the one of this backup, or it was damaged.');
  return JSON.parse(plain.toString('utf8')) as Record<string, string>;
}

/** Whether the folder knows the backup's log, with its key, and no checkpoint of it beyond the backup. */
async function isUpToDate(folder: string, backup: Backup): Promise<boolean> {
  const signer = await readSigner(folder);
  const last = readLastCheckpoint(folder);
  if (signer?.verifierKey !== backup.verifierKey || last?.checkpoint.origin !== backup.origin) return false;
  if (last.checkpoint.size !== backup.signed || backup.note === undefined) return false;
  const { root } = parseCheckpoint(openNote(backup.note, [parseVerifierKey(backup.verifierKey)]).text);
  return Buffer.from(root).equals(last.checkpoint.root);
}

/** Makes a backup a ledger like any other. */
function strip(file: string): void {
  const db = new Database(file);
  try {
    db.pragma('secure_delete = ON');
    db.exec('DROP TABLE backup');
    db.pragma('journal_mode = DELETE');
  } finally {
    db.close();
  }
}

function moveAside(folder: string, live: string): void {
  const db = openForVerifying(live);
  const key = db.prepare('SELECT verifier_key FROM log').pluck().get() as string;
  db.close();
  renameSync(live, join(folder, freeEpochName(live, epochOf(parseVerifierKey(key).name))));
}

async function bringSecrets(folder: string, secrets: Record<string, string>): Promise<void> {
  for (const name of secretFiles) {
    const text = secrets[name];
    if (text === undefined) continue;
    if (name === 'log-key.json') await takeOver(folder, text);
    else await writeFileAtomic(join(folder, name), text);
  }
}

/** Whether an error is one that says what to do about a file. */
export function isRefusal(error: unknown): error is Error {
  return error instanceof RestoreError || error instanceof LedgerFileError;
}
