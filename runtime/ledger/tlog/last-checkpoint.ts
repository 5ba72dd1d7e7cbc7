import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { backgroundTimer, type SetTimer } from '../../contracts/clock.js';
import { writeFileAtomic, writeFileAtomicSync } from '../../data-folder/write-file-atomic.js';
import { LedgerFileError } from '../ledger-file-error.js';
import { type Checkpoint, parseCheckpoint } from './checkpoint.js';
import { openNote } from './note.js';
import { NoteError } from './note-error.js';
import { parseVerifierKey } from './note-key.js';

const fileName = 'log-last.json';
/** The newest that a witness was shown, written before it was: log-last.json may be a minute behind, and a witness forgets nothing. */
const shownName = 'log-shown.json';
/** While checkpoints are made the file is written this often: two syncs and a page of the disk each time. */
const intervalMs = 60_000;

/** The newest checkpoint that is known outside the database, whose signature holds. */
export interface LastCheckpoint {
  verifierKey: string;
  note: string;
  checkpoint: Checkpoint;
}

/**
 * Reads it; undefined where there is none.
 * @throws LedgerFileError `ledger_unusable` when a file is there and is not what was written.
 */
export function readLastCheckpoint(folder: string): LastCheckpoint | undefined {
  const last = readCheckpoint(join(folder, fileName));
  const shown = readCheckpoint(join(folder, shownName));
  if (last === undefined || shown === undefined) return last ?? shown;
  const isNewer =
    shown.checkpoint.origin === last.checkpoint.origin && shown.checkpoint.size > last.checkpoint.size;
  return isNewer ? shown : last;
}

function readCheckpoint(path: string): LastCheckpoint | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unusable(path, error instanceof Error ? error.message : String(error));
  }
  try {
    const { version, verifier_key: verifierKey, note } = JSON.parse(text) as Record<string, unknown>;
    if (version !== 1 || typeof verifierKey !== 'string' || typeof note !== 'string') {
      throw unusable(path, 'version, verifier_key or note is not what was written there');
    }
    const checkpoint = parseCheckpoint(openNote(note, [parseVerifierKey(verifierKey)]).text);
    return { verifierKey, note, checkpoint };
  } catch (error) {
    if (error instanceof NoteError || error instanceof SyntaxError || error instanceof TypeError) {
      throw unusable(path, error.message);
    }
    throw error;
  }
}

/** Writes the file, whole or not at all. */
export function writeLastCheckpoint(
  folder: string,
  { verifierKey, note }: Pick<LastCheckpoint, 'verifierKey' | 'note'>,
): void {
  writeFileAtomicSync(join(folder, fileName), fileText(verifierKey, note));
}

/** To be called before somebody is shown a checkpoint who holds us to it for ever. */
export function writeShownCheckpoint(
  folder: string,
  { verifierKey, note }: Pick<LastCheckpoint, 'verifierKey' | 'note'>,
): Promise<void> {
  return writeFileAtomic(join(folder, shownName), fileText(verifierKey, note));
}

function fileText(verifierKey: string, note: string): string {
  return `${JSON.stringify({ version: 1, verifier_key: verifierKey, note })}\n`;
}

/**
 * Keeps the last checkpoint in a small file beside the database, so that an older copy of the database that is put back is noticed. It may
 * be a minute behind; a clean stop brings it up to date.
 */
export class LastCheckpointFile {
  readonly #path: string;
  readonly verifierKey: string;
  readonly #onProblem: (message: string) => void;
  readonly #setTimer: SetTimer;
  #written: string | undefined;
  #next: string | undefined;
  /** Stops the wait until the next write is due. */
  #cancel: (() => void) | undefined;

  constructor(
    folder: string,
    verifierKey: string,
    onProblem: (message: string) => void,
    setTimer: SetTimer = backgroundTimer,
  ) {
    this.#setTimer = setTimer;
    this.#path = join(folder, fileName);
    this.verifierKey = verifierKey;
    this.#onProblem = onProblem;
  }

  /** A checkpoint that is durable in the database. The first of a run is written at once. */
  signed(note: string): void {
    this.#next = note;
    if (this.#cancel !== undefined || note === this.#written) return;
    this.#write();
    this.#cancel = this.#setTimer(() => {
      this.#cancel = undefined;
      if (this.#next !== this.#written) this.signed(this.#next!);
    }, intervalMs);
  }

  /** Brings the file up to date. */
  close(): void {
    this.stop();
    if (this.#next !== this.#written) this.#write();
  }

  /** Writes nothing more. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #write(): void {
    try {
      writeLastCheckpoint(dirname(this.#path), { verifierKey: this.verifierKey, note: this.#next! });
      this.#written = this.#next;
    } catch (error) {
      // The database has it. The next one tries again.
      this.#onProblem(
        `${this.#path} could not be written: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
}

function unusable(path: string, why: string): LedgerFileError {
  return new LedgerFileError(
    'ledger_unusable',
    `${path}, the last checkpoint of the log, cannot be used: ${why}. Put it back from a backup, or move it away: then nothing shows whether the ledger is an older copy.`,
  );
}
