import { existsSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Database } from 'better-sqlite3';
import type { JsonObject } from '../../contracts/json.js';
import { syncFolderSync } from '../../data-folder/write-file-atomic.js';
import { openForWriting } from '../database.js';
import { readSigner } from './identity.js';
import { type LastCheckpoint, readLastCheckpoint } from './last-checkpoint.js';
import { LogReader } from './log-reader.js';
import { parseVerifierKey } from './note-key.js';

/** Why a log ends and another begins: who ever saw the old one must never see two histories under one name. */
export type EpochReason =
  /** There is no ledger file, and there was one. */
  | 'new_file'
  /** The file ends before the last checkpoint that is known. */
  | 'older_copy'
  /** The file is of an epoch that has ended. */
  | 'older_epoch'
  /** The file has other events under the last checkpoint that is known. */
  | 'other_history'
  /** The file was damaged. */
  | 'damaged'
  | 'key_rotated'
  /** A backup was brought back, and more may have been signed after it. */
  | 'restored';

/** How the log that is begun next comes about. */
export interface Succession {
  reason: EpochReason;
  last: LastCheckpoint | undefined;
  /** Name of the file that holds the old log. */
  setAside?: string;
}

interface OpenedEpoch {
  db: Database;
  size: number;
  succession: Succession;
}

/**
 * Opens the ledger's file for writing. One that would show another history than the last checkpoint that is known outside it is moved away,
 * and an empty one takes its place.
 * @throws LedgerFileError.
 */
export async function openEpoch(
  file: string,
  { sizeLimitBytes, reason = 'new_file' }: { sizeLimitBytes: number; reason?: EpochReason | undefined },
): Promise<OpenedEpoch> {
  const folder = dirname(file);
  const last = readLastCheckpoint(folder);
  const signer = await readSigner(folder);
  const opened = openForWriting(file, sizeLimitBytes);
  const found = contradiction(opened.db, last, signer?.name);
  if (found === undefined) return { ...opened, succession: { reason, last } };
  opened.db.pragma('wal_checkpoint(TRUNCATE)');
  opened.db.close();
  const setAside = setEpochAside(file, found.epoch);
  return { ...openForWriting(file, sizeLimitBytes), succession: { reason: found.reason, last, setAside } };
}

/** Moves a closed ledger away under the name of its epoch; nothing is deleted. Returns its new name. */
export function setEpochAside(file: string, epoch: string): string {
  const folder = dirname(file);
  const name = freeEpochName(file, epoch);
  renameSync(file, join(folder, name));
  syncFolderSync(folder);
  return name;
}

/** A name beside the ledger for one of that epoch which no file has. */
export function freeEpochName(file: string, epoch: string): string {
  const stem = `ledger.epoch-${epoch}`;
  let name = `${stem}.sqlite`;
  for (let n = 2; existsSync(join(dirname(file), name)); n++) name = `${stem}-${n}.sqlite`;
  return name;
}

/** The number of the epoch in the name of a log. */
export function epochOf(origin: string): string {
  return /\/(\d{1,10})$/.exec(origin)?.[1] ?? '0';
}

function contradiction(
  db: Database,
  last: LastCheckpoint | undefined,
  signerName: string | undefined,
): { reason: EpochReason; epoch: string } | undefined {
  const key = db.prepare('SELECT verifier_key FROM log').pluck().get() as string | undefined;
  if (key === undefined) return undefined;
  const { name } = parseVerifierKey(key);
  const epoch = epochOf(name);
  if (signerName !== undefined && deviceOf(signerName) === deviceOf(name)) {
    if (Number(epoch) < Number(epochOf(signerName))) return { reason: 'older_epoch', epoch };
  }
  if (last === undefined || last.checkpoint.origin !== name) return undefined;
  const reason = behind(new LogReader(db), last);
  return reason === undefined ? undefined : { reason, epoch };
}

/** Each checkpoint is in the database before it is anywhere else. Whether the events are under it is checked when the log is taken up. */
function behind(reader: LogReader, { checkpoint }: LastCheckpoint): EpochReason | undefined {
  const { size, root } = checkpoint;
  const own = saidBy(reader.lastCheckpoint()?.note);
  if (own === undefined || own.size < size) return 'older_copy';
  if (size < reader.minimum()) return undefined;
  const known = own.size === size ? own : saidBy(reader.note(size));
  return known?.root === Buffer.from(root).toString('base64') ? undefined : 'other_history';
}

/** What a note says, whoever signed it. */
function saidBy(note: string | undefined): { size: number; root: string | undefined } | undefined {
  const [, size, root] = note?.split('\n') ?? [];
  return size === undefined ? undefined : { size: Number(size), root };
}

function deviceOf(origin: string): string {
  return origin.slice(0, origin.lastIndexOf('/'));
}

/** What the first entry of a log says about the one before it. */
export function successionData({
  reason,
  last,
  setAside,
}: Succession & { last: LastCheckpoint }): JsonObject {
  return {
    reason,
    previous_origin: last.checkpoint.origin,
    previous_size: last.checkpoint.size,
    previous_checkpoint: last.note,
    previous_verifier_key: last.verifierKey,
    ...(setAside === undefined ? {} : { set_aside: setAside }),
  };
}
