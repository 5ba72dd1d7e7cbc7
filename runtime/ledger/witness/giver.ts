import type { RateLimiter } from '../../contracts/admission.js';
import type { Clock } from '../../contracts/clock.js';
import { AppError } from '../../contracts/errors.js';
import type { WitnessAnswer, WitnessStatus } from '../../contracts/witness.js';
import { emptyRoot } from '../merkle/node-hash.js';
import { verifyConsistency } from '../merkle/verify.js';
import { type Checkpoint, parseCheckpoint } from '../tlog/checkpoint.js';
import { type OpenedNote, openNote } from '../tlog/note.js';
import { NoteError } from '../tlog/note-error.js';
import type { NoteVerifier } from '../tlog/note-key.js';
import { type Cosigner, createCosigner } from './cosignature.js';
import { type AddCheckpoint, parseAddCheckpoint } from './request.js';
import type { WitnessFile } from './witness-file.js';

/** Requests that may wait for the one in front of them, which may wait for the disk. */
const waitingMax = 32;

export interface GiverOptions {
  file: WitnessFile;
  /** Keys of the logs that are cosigned; a log's origin is the name of its key. */
  logs: readonly NoteVerifier[];
  /** Of requests by client, and of cosignatures by log. */
  rate: RateLimiter;
  clock: Clock;
  /** Told when a log showed two trees of one size: both notes prove it. */
  onFork(fork: { origin: string; cosigned: string; shown: string }): void;
}

/** Gives cosignatures: C2SP tlog-witness. */
export class Giver {
  readonly #options: GiverOptions;
  readonly #cosigner: Cosigner;
  readonly #given = { cosigned: 0, conflict: 0, refused: 0 };
  /** The last request in the queue: old sizes are compared and remembered one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(options: GiverOptions) {
    this.#options = options;
    this.#cosigner = createCosigner(options.file.name, options.file.seed);
  }

  async addCheckpoint(request: string, client: string): Promise<WitnessAnswer> {
    try {
      this.#limit(`client ${client}`);
      const { parsed, note, checkpoint } = this.#read(request);
      const answer = await this.#inTurn(() => this.#add(parsed, note, checkpoint));
      this.#given['conflict' in answer ? 'conflict' : 'cosigned']++;
      return answer;
    } catch (error) {
      this.#given.refused++;
      throw error;
    }
  }

  status(): Omit<WitnessStatus, 'asked'> {
    const { file, logs } = this.#options;
    const origins = [...new Set(logs.map(({ name }) => name))];
    return {
      key: this.#cosigner.verifierKey,
      given: { ...this.#given },
      logs: origins.map((origin) => {
        const seen = file.last(origin);
        return { origin, size: seen?.size ?? 0, time_ms: seen === undefined ? null : seen.time_s * 1000 };
      }),
    };
  }

  /** What the request says, signed by a configured key. Nothing of what this witness remembers is asked yet. */
  #read(request: string): { parsed: AddCheckpoint; note: OpenedNote; checkpoint: Checkpoint } {
    try {
      const parsed = parseAddCheckpoint(request);
      const origin = parsed.note.slice(0, Math.max(0, parsed.note.indexOf('\n')));
      const verifiers = this.#options.logs.filter(({ name }) => name === origin);
      if (origin === '') throw new AppError('invalid_request', 'The checkpoint has no origin.');
      if (verifiers.length === 0) {
        throw new AppError('not_found', 'This witness does not know the log of that origin.');
      }
      const note = openNote(parsed.note, verifiers);
      const checkpoint = parseCheckpoint(note.text);
      if (parsed.oldSize > checkpoint.size) {
        throw new AppError(
          'invalid_request',
          `The old size ${parsed.oldSize} is larger than the checkpoint of size ${checkpoint.size}.`,
        );
      }
      return { parsed, note, checkpoint };
    } catch (error) {
      if (!(error instanceof NoteError)) throw error;
      const isForged = error.code === 'note_forged' || error.code === 'note_unsigned';
      throw new AppError(isForged ? 'untrusted_signature' : 'invalid_request', `${error.message}.`);
    }
  }

  async #add(
    { oldSize, proof }: AddCheckpoint,
    { text, lines }: OpenedNote,
    { origin, size, root }: Checkpoint,
  ): Promise<WitnessAnswer> {
    const { file, clock } = this.#options;
    const last = file.last(origin);
    const held = last?.size ?? 0;
    if (oldSize !== held) return { conflict: held };
    const note = `${text}\n${lines.map((line) => `${line}\n`).join('')}`;
    const rootFrom = last === undefined ? undefined : Buffer.from(last.root, 'base64');
    if (last !== undefined && size === held && !Buffer.from(root).equals(rootFrom!)) {
      this.#options.onFork({ origin, cosigned: last.note, shown: note });
      return { conflict: held };
    }
    checkProof({ oldSize, size, root, rootFrom, proof });
    // The wall clock may have gone back; what is said of a later time than before is said last.
    const timeS = Math.max(Math.floor(clock.wallMs() / 1000), last?.time_s ?? 0);
    if (last === undefined || size > held) {
      this.#limit(`log ${origin}`);
      await this.#remember({ origin, size, root: Buffer.from(root).toString('base64'), time_s: timeS, note });
    }
    return { cosignatures: `${this.#cosigner.cosign(text, timeS)}\n` };
  }

  async #remember(seen: Parameters<WitnessFile['remember']>[0]): Promise<void> {
    try {
      await this.#options.file.remember(seen);
    } catch (cause) {
      throw new AppError('ledger_unavailable', 'The disk does not keep what this witness would sign.', {
        retryAfterMs: 10_000,
        cause,
      });
    }
  }

  #limit(name: string): void {
    const verdict = this.#options.rate.take(name, this.#options.clock.monotonicMs());
    if (verdict.ok) return;
    throw new AppError('rate_limited', 'Too many checkpoints; see ledger.witness.requests_per_minute.', {
      retryAfterMs: verdict.retryAfterMs,
    });
  }

  /** Runs a task when those before it have ended, whatever came of them. */
  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    if (this.#waiting >= waitingMax) {
      throw new AppError('rate_limited', `${waitingMax} checkpoints wait for this witness already.`, {
        retryAfterMs: 1000,
      });
    }
    this.#waiting++;
    const result = this.#turn.then(task);
    const end = () => {
      this.#waiting--;
    };
    this.#turn = result.then(end, end);
    return result;
  }
}

interface ProofClaim {
  oldSize: number;
  size: number;
  root: Uint8Array;
  /** Of the old size; undefined for 0. */
  rootFrom: Uint8Array | undefined;
  proof: Uint8Array[];
}

/** @throws AppError `proof_invalid`. From nothing the proof is empty and any tree may follow. */
function checkProof({ oldSize, size, root, rootFrom, proof }: ProofClaim): void {
  const holds =
    rootFrom === undefined
      ? proof.length === 0 && (size > 0 || emptyRoot.equals(root))
      : verifyConsistency({ from: oldSize, to: size, rootFrom, rootTo: root, proof });
  if (holds) return;
  throw new AppError(
    'proof_invalid',
    `The proof does not lead from the size ${oldSize} to the checkpoint of size ${size}.`,
  );
}
