import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from 'better-sqlite3';
import { printable } from '../contracts/text.js';
import { openForVerifying } from '../ledger/database.js';
import { verifyExport } from '../ledger/export/verify-export.js';
import { consistencyProof } from '../ledger/merkle/proof.js';
import { rootAt } from '../ledger/merkle/subtrees.js';
import { verifyConsistency } from '../ledger/merkle/verify.js';
import { type Checkpoint, parseCheckpoint } from '../ledger/tlog/checkpoint.js';
import { LogReader } from '../ledger/tlog/log-reader.js';
import { NotStoredError } from '../ledger/tlog/not-stored-error.js';
import { openNote } from '../ledger/tlog/note.js';
import { NoteError } from '../ledger/tlog/note-error.js';
import { type NoteVerifier, parseVerifierKey } from '../ledger/tlog/note-key.js';
import { verifyLog } from '../ledger/tlog/verify-log.js';
import { cosignedAt, parseCosignerKey } from '../ledger/witness/cosignature.js';
import { CliFailure } from './failure.js';
import { type CliIo, exitCodes } from './io.js';
import { type ConfigFlags, loadFromFlags } from './settings.js';
import { compareAnswer } from './verify-answer.js';
import { checkReceipt, readReceipt } from './verify-receipt.js';

export interface VerifyFlags extends ConfigFlags {
  receipt?: string;
  checkpoints?: string[];
  witness?: string[];
  verifier?: string;
  ledger?: string;
  /** Folder that `arkalia export --out` wrote. */
  export?: string;
}

/** Faults that are printed; the number of all follows. */
const faultsShown = 20;
const fileBytesMax = 16_777_216;

/**
 * Checks the whole log of the data folder, or a receipt, or two checkpoints. A key from `--verifier` is the auditor's own; the one that
 * the log names itself shows damage, but whoever can rewrite the log can rewrite that too.
 */
export async function verify(flags: VerifyFlags, io: CliIo): Promise<number> {
  if ([flags.receipt, flags.checkpoints, flags.export].filter((asked) => asked !== undefined).length > 1) {
    throw new CliFailure(
      '--receipt, --checkpoints and --export are questions of their own; ask one at a time.',
      exitCodes.usage,
    );
  }
  if (flags.witness !== undefined && flags.receipt === undefined && flags.checkpoints === undefined) {
    throw new CliFailure('--witness goes with --checkpoints or --receipt.', exitCodes.usage);
  }
  try {
    if (flags.receipt !== undefined) return receipt(flags.receipt, flags, io);
    if (flags.checkpoints !== undefined) return checkpoints(flags.checkpoints, flags, io);
    if (flags.export !== undefined) return exportFolder(flags.export, flags, io);
    return withLog(flags, io, (db, verifier) => wholeLog(db, verifier, io));
  } catch (error) {
    if (error instanceof NoteError) throw new CliFailure(`Does not hold: ${error.message}.`);
    if (error instanceof NotStoredError) {
      throw new CliFailure(
        'It cannot be told: what the proof needs was pruned from the log. A checkpoint whose size is a multiple of 256 can always be compared.',
      );
    }
    throw error;
  }
}

function wholeLog(db: Database, verifier: NoteVerifier, io: CliIo): number {
  const { origin, minimum, size, tiles, checkpoints: count, vouched, faults } = verifyLog(db, verifier);
  io.out(
    `Checked ${size - minimum} events, ${tiles} full tiles and ${count} checkpoints of ${origin}.\n` +
      (minimum > 0
        ? `The first ${minimum} events were pruned to stay within the size; their hashes are under the tree.\n`
        : '') +
      `Signed are the first ${vouched} events${vouched < size ? `; the ${size - vouched} behind them come with the next checkpoint` : ''}.\n`,
  );
  return tellFaults(faults, 'log', io);
}

function exportFolder(folder: string, flags: VerifyFlags, io: CliIo): number {
  const own = readText(join(folder, 'verifier-key'));
  // Written last: without it the export is not complete.
  readText(join(folder, 'checkpoint'));
  if (flags.verifier === undefined) tellOwnKey('export', own, io);
  if (!existsSync(join(folder, 'events.jsonl'))) {
    throw new CliFailure(`${folder} has no events.jsonl; a table holds no entries that could be proven.`);
  }
  const { origin, size, events, tiles, faults } = verifyExport(folder, parseKey(flags.verifier ?? own));
  io.out(
    `Checked ${events} events and ${tiles} full tiles of the first ${size} events that ${printable(origin)} signed.\n`,
  );
  return tellFaults(faults, 'export', io);
}

function tellFaults(
  faults: readonly { index: number; what: string }[],
  subject: 'log' | 'export',
  io: CliIo,
): number {
  const [first] = faults;
  if (first === undefined) {
    io.out('Everything holds.\n');
    return exitCodes.ok;
  }
  for (const { index, what } of faults.slice(0, faultsShown)) io.out(`event ${index}: ${what}\n`);
  if (faults.length > faultsShown) io.out(`and ${faults.length - faultsShown} more\n`);
  io.err(`The ${subject} does not hold. The first event that does not hold is ${first.index}.\n`);
  return exitCodes.failed;
}

function tellOwnKey(subject: 'log' | 'export', key: string, io: CliIo): void {
  io.err(
    `Checked with the key that the ${subject} names itself, ${printable(key.trim())}; your own goes with --verifier.\n`,
  );
}

function receipt(file: string, flags: VerifyFlags, io: CliIo): number {
  const read = readReceipt(readText(file), file);
  const witnesses = parseWitnesses(flags);
  if (witnesses.length > 0 && read.proof === undefined) {
    throw new CliFailure(`${file} holds no checkpoint that a witness could have cosigned.`, exitCodes.usage);
  }
  const cosigned = read.proof === undefined ? [] : cosignatures(read.proof.checkpoint, witnesses, file);
  // A proof with a key needs no log: that is what both are for. One that is named all the same has the event.
  const check = (verifier: NoteVerifier, db?: Database) => {
    const told = checkReceipt(read, verifier, db === undefined ? undefined : new LogReader(db));
    return read.answer === undefined ? told : `${told}\n${compareAnswer(read.answer, read, db)}`;
  };
  const told =
    read.proof !== undefined && flags.verifier !== undefined && flags.ledger === undefined
      ? check(parseKey(flags.verifier))
      : withLog(flags, io, (db, verifier) => check(verifier, db));
  io.out(`${printable(told, { lines: true })}\n${cosigned.join('')}`);
  return exitCodes.ok;
}

function checkpoints(files: string[], flags: VerifyFlags, io: CliIo): number {
  const [fileA, fileB, ...more] = files;
  if (fileA === undefined || more.length > 0) {
    throw new CliFailure('--checkpoints takes one file or two.', exitCodes.usage);
  }
  const witnesses = parseWitnesses(flags);
  const cosigned = files.flatMap((file) => cosignatures(readText(file), witnesses, file)).join('');
  if (fileB === undefined) {
    const told = oneCheckpoint(fileA, flags, io);
    io.out(`${told}\n${cosigned}`);
    return exitCodes.ok;
  }
  return withLog(flags, io, (db, verifier) => {
    const [a, b] = [readCheckpoint(fileA, verifier), readCheckpoint(fileB, verifier)];
    const [older, newer] = a.size <= b.size ? [a, b] : [b, a];
    if (!isBeginning(new LogReader(db), older, newer)) {
      throw new CliFailure(
        `Does not hold: the tree of ${older.size} events is not the beginning of the tree of ${newer.size}. Both are signed by ${older.origin}: keep the two files, they are the proof.`,
      );
    }
    io.out(
      `Holds: both are signed by ${older.origin}, and its first ${older.size} of ${newer.size} events are the same.\n${cosigned}`,
    );
    return exitCodes.ok;
  });
}

/** Checks its signature and, where the log that it names is here, that the log still has the tree that was signed. */
function oneCheckpoint(file: string, flags: VerifyFlags, io: CliIo): string {
  const signed = ({ origin, size }: Checkpoint) =>
    `Holds: ${origin} signed the tree of its first ${size} events`;
  const ledger = flags.ledger ?? join(loadFromFlags(flags, io).config.data_dir, 'ledger.sqlite');
  if (flags.verifier !== undefined && !existsSync(ledger)) {
    return `${signed(readCheckpoint(file, parseKey(flags.verifier)))}. There is no log here to compare it with.`;
  }
  return withLog(flags, io, (db, verifier, own) => {
    const checkpoint = readCheckpoint(file, verifier);
    if (own.name !== verifier.name) return `${signed(checkpoint)}. The log here is another one.`;
    const log = new LogReader(db);
    checkReaches(log, checkpoint);
    if (!rootAt(log.node, checkpoint.size).equals(checkpoint.root)) {
      throw new CliFailure(
        `Does not hold: ${checkpoint.origin} signed another tree of ${checkpoint.size} events than the log here has. Keep ${file} and this log, they are the proof.`,
      );
    }
    return `${signed(checkpoint)}, and the log here has that tree.`;
  });
}

function checkReaches(log: LogReader, newer: Checkpoint): void {
  if (newer.size <= log.size()) return;
  throw new CliFailure(
    `The log here has ${log.size()} events and a checkpoint is of ${newer.size}: it is an older copy, or events were taken from its end.`,
  );
}

function readCheckpoint(file: string, verifier: NoteVerifier): Checkpoint {
  const checkpoint = parseCheckpoint(openNote(readText(file), [verifier]).text);
  if (checkpoint.origin === verifier.name) return checkpoint;
  throw new CliFailure(
    `Does not hold: ${file} is a checkpoint of ${printable(checkpoint.origin)}, not of ${verifier.name}.`,
  );
}

function isBeginning(log: LogReader, older: Checkpoint, newer: Checkpoint): boolean {
  checkReaches(log, newer);
  const sizes = { from: older.size, to: newer.size };
  const proof = older.size === 0 ? [] : consistencyProof(log.node, sizes);
  return verifyConsistency({ ...sizes, rootFrom: older.root, rootTo: newer.root, proof });
}

function withLog<T>(
  flags: VerifyFlags,
  io: CliIo,
  use: (db: Database, verifier: NoteVerifier, own: NoteVerifier) => T,
): T {
  const db = openForVerifying(
    flags.ledger ?? join(loadFromFlags(flags, io).config.data_dir, 'ledger.sqlite'),
  );
  try {
    const own = db.prepare('SELECT verifier_key FROM log').pluck().get() as string | undefined;
    if (own === undefined) throw new CliFailure('The log has not begun yet: start the server once.');
    if (flags.verifier === undefined) tellOwnKey('log', own, io);
    return use(db, parseKey(flags.verifier ?? own), parseKey(own));
  } finally {
    db.close();
  }
}

function parseWitnesses({ witness = [] }: VerifyFlags): NoteVerifier[] {
  try {
    return witness.map((key) => parseCosignerKey(key.trim()));
  } catch (error) {
    if (error instanceof NoteError) throw new CliFailure(`--witness: ${error.message}.`, exitCodes.usage);
    throw error;
  }
}

/**
 * A sentence for each witness.
 * @throws NoteError for the first that has not cosigned the checkpoint.
 */
function cosignatures(note: string, witnesses: readonly NoteVerifier[], file: string): string[] {
  return witnesses.map((witness) => {
    const [line = ''] = openNote(note, [witness]).lines;
    const time = new Date(cosignedAt(line) * 1000);
    const at = Number.isNaN(time.getTime())
      ? 'at an impossible time'
      : `on ${time.toISOString().slice(0, 19)}Z`;
    return `Cosigned by ${printable(witness.name)} ${at}: ${printable(file)}\n`;
  });
}

function parseKey(text: string): NoteVerifier {
  try {
    return parseVerifierKey(text.trim());
  } catch (error) {
    if (error instanceof NoteError) throw new CliFailure(`--verifier: ${error.message}.`, exitCodes.usage);
    throw error;
  }
}

function readText(file: string): string {
  try {
    const bytes = readFileSync(file);
    if (bytes.byteLength > fileBytesMax)
      throw new CliFailure(`${file} is larger than ${fileBytesMax} bytes.`);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof CliFailure) throw error;
    throw new CliFailure(
      `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
    );
  }
}
