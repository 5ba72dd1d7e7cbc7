import { dirname } from 'node:path';
import type { Database } from 'better-sqlite3';
import type { Clock } from '../../contracts/clock.js';
import { damaged } from '../database.js';
import type { Stamp } from '../event.js';
import { EventInsert } from '../event-insert.js';
import { LedgerFileError } from '../ledger-file-error.js';
import type { SignedCheckpoint } from '../protocol.js';
import { parseCheckpoint } from './checkpoint.js';
import { type Succession, successionData } from './epochs.js';
import { beginEpoch, readSigner } from './identity.js';
import { LogReader } from './log-reader.js';
import { LogWriter } from './log-writer.js';
import { Mismatch } from './mismatch.js';
import { openNote } from './note.js';
import { NoteError } from './note-error.js';
import { type NoteSigner, type NoteVerifier, parseVerifierKey } from './note-key.js';
import { resumeTree } from './resume-tree.js';
import { type FullTile, TileTree, tileWidth } from './tile-tree.js';
import { verifyLog } from './verify-log.js';

/** Leaf hashes that are read at once. */
const readAtOnce = 4096;

export interface OpenLogOptions {
  /** The ledger's file; the key lies in its folder. */
  file: string;
  /** Number of events that it holds. */
  size: number;
  clock: Clock;
  /** How a log that is begun now comes about. */
  succession: Succession;
  /** For the first event of such a log. */
  stamp: Stamp;
}

/**
 * Takes up the log where it is, or begins one: its epoch, its key and, for a file from before there were tiles, these. The tree is made
 * again from the tiles of the right edge and the leaves behind the last checkpoint, and must have its root.
 * @throws LedgerFileError that names the first event that does not hold, or says that the key is another log's.
 */
export async function openLog(
  db: Database,
  options: OpenLogOptions,
): Promise<{ log: LogWriter; size: number }> {
  const key = db.prepare('SELECT verifier_key FROM log').pluck().get() as string | undefined;
  const signer =
    key === undefined ? await begin(db, options) : await takeUp(key, dirname(options.file), options.file);
  const reader = new LogReader(db);
  const checkpoint = reader.lastCheckpoint();
  let onTile = (tile: FullTile) => compareTile(reader, tile);
  const tree = new TileTree((tile) => onTile(tile));
  const size = reader.size();
  const verifier = parseVerifierKey(signer.verifierKey);
  try {
    resume(reader, tree, { checkpoint, size, verifier });
  } catch (error) {
    if (!(error instanceof Mismatch) && !(error instanceof NoteError)) throw error;
    const [first] = verifyLog(db, verifier).faults;
    const found = first === undefined ? error.message : `event ${first.index}: ${first.what}`;
    throw damaged(options.file, found, error);
  }
  onTile = tileInsert(db);
  return { log: new LogWriter({ db, signer, tree, checkpoint, clock: options.clock }), size };
}

async function takeUp(key: string, folder: string, file: string): Promise<NoteSigner> {
  const signer = await readSigner(folder);
  if (signer?.verifierKey === key) return signer;
  throw new LedgerFileError(
    'ledger_foreign',
    `${file} is the log ${parseVerifierKey(key).name}, and log-key.json beside it is ${signer === undefined ? 'missing' : `the key of ${signer.name}`}. Nothing was changed. Put the key file that belongs to it back, or move the ledger away: a new log begins, under a name of its own.`,
  );
}

/** Gives the file its epoch, its first event where there was a log before, and the tiles of the events that it holds already. */
async function begin(db: Database, { file, size, succession, stamp }: OpenLogOptions): Promise<NoteSigner> {
  const signer = await beginEpoch(dirname(file));
  db.transaction(() => {
    const { last } = succession;
    if (last !== undefined && size === 0) {
      const data = successionData({ ...succession, last });
      new EventInsert(db).own(0, { type: 'epoch_started', module: 'kernel', data }, stamp);
    }
    appendLeaves(new LogReader(db), new TileTree(tileInsert(db)), size);
    const insert = db.prepare('INSERT INTO log (id, verifier_key, previous) VALUES (0, ?, ?)');
    insert.run(signer.verifierKey, last?.note ?? null);
  }).immediate();
  return signer;
}

/** Stores a tile, within the transaction that runs. */
function tileInsert(db: Database): (tile: FullTile) => void {
  const insert = db.prepare('INSERT INTO tiles (level, number, root, hashes) VALUES (?, ?, ?, ?)');
  return ({ level, number, root, hashes }) => insert.run(level, number, root, hashes);
}

/** Brings an empty tree to the size of the log, and compares it on the way. */
function resume(
  reader: LogReader,
  tree: TileTree,
  {
    checkpoint,
    size,
    verifier,
  }: { checkpoint: SignedCheckpoint | undefined; size: number; verifier: NoteVerifier },
): void {
  const signed = checkpoint?.size ?? 0;
  if (signed > size) throw new Mismatch(`its last checkpoint has ${signed} events, the file ${size}`);
  const full = Math.floor(signed / tileWidth) * tileWidth;
  resumeTree(reader, tree, full);
  appendLeaves(reader, tree, signed);
  if (checkpoint !== undefined) {
    const { root } = parseCheckpoint(openNote(checkpoint.note, [verifier]).text);
    if (!tree.root().equals(root)) throw new Mismatch(`the checkpoint of size ${signed} has another root`);
  }
  appendLeaves(reader, tree, size);
}

function compareTile(reader: LogReader, { level, number, hashes, root }: FullTile): void {
  const stored = reader.stored(level, number);
  if (stored?.hashes?.equals(hashes) !== true || !stored.root.equals(root)) {
    throw new Mismatch(`the tile ${level}/${number} does not hold what is below it`);
  }
}

function appendLeaves(reader: LogReader, tree: TileTree, size: number): void {
  while (tree.size < size) {
    const count = Math.min(readAtOnce, size - tree.size);
    const hashes = reader.leafHashes(tree.size, count);
    if (hashes === undefined) throw new Mismatch(`events from ${tree.size} on are missing`);
    tree.append(hashes);
  }
}
