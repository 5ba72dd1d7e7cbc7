import { statSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../contracts/clock.js';
import { AppError } from '../contracts/errors.js';
import type {
  EventQuery,
  Ledger,
  LedgerStatus,
  NewEvent,
  Receipt,
  StoredEvent,
} from '../contracts/ledger.js';
import { Batch, slabBytes } from './batch.js';
import { encodeEvent } from './event.js';
import { LedgerFileError } from './ledger-file-error.js';
import type { ThreadData, WriterReply, WriterRequest } from './protocol.js';
import { QueryClient } from './query.js';

/** Bytes that may wait for the disk, whatever `queueMax` allows. One event alone always fits. */
const queueBytesMax = 134_217_728;
/** Slabs kept for the next batches, and the largest one worth keeping. */
const sparesMax = 4;
const spareBytesMax = 1_048_576;
/** Assumed for a commit until one was measured. */
const commitMsFirst = 20;
/** Weight of the newest commit in the moving average. */
const commitMsWeight = 0.2;

export interface LedgerOptions {
  /** The SQLite file, made when missing; its folder must exist. */
  file: string;
  /** Names this life of the process; monotonic times compare within it. 1 to 64 characters. */
  bootId: string;
  clock: Clock;
  /** Events that may wait for the disk, those of the running commit included. 1 to 10,000,000. */
  queueMax: number;
  /** Events in one transaction. 1 to 65,536. */
  batchMax: number;
  /** Called once when the store failed; from then on nothing is recorded until a restart. */
  onFailure: (error: Error) => void;
  /** Starts the writer thread; tests wrap it to break it. */
  startWriter?: (script: URL, data: ThreadData) => Worker;
}

interface Waiting {
  resolve(receipt: Receipt): void;
  reject(error: Error): void;
}

/** Events of one transaction and who waits for them. */
interface Group {
  batch: Batch;
  waiting: Waiting[];
}

type State = { name: 'open' } | { name: 'closing' } | { name: 'closed' } | { name: 'failed'; error: Error };

/**
 * Opens (or makes) the ledger. Works with and without a server; whoever opens it holds the lock of the data folder.
 * @throws LedgerFileError when the file is newer, damaged, foreign, busy or cannot be opened; RangeError for an option.
 */
export async function openLedger(options: LedgerOptions): Promise<SqliteLedger> {
  checkInteger(options.queueMax, 'queueMax', 10_000_000);
  checkInteger(options.batchMax, 'batchMax', 65_536);
  checkInteger(options.bootId.length, 'the length of bootId', 64);
  const start = options.startWriter ?? ((script, workerData) => new Worker(script, { workerData }));
  const writer = start(new URL('./writer.js', import.meta.url), { file: options.file });
  return new SqliteLedger(options, writer, await opening(writer, options.file));
}

/** Waits for the writer's first word: the size of the log. */
function opening(writer: Worker, file: string): Promise<number> {
  return new Promise((resolve, reject) => {
    writer.once('message', (reply: WriterReply) => {
      if (reply.kind === 'opened') resolve(reply.size);
      else if (reply.kind === 'refused') reject(new LedgerFileError(reply.code, reply.message));
      else reject(new Error(`the writer of ${file} said ${reply.kind} before it opened`));
    });
    writer.once('error', reject);
    writer.once('exit', () => reject(new Error(`the writer of ${file} ended before it opened`)));
  });
}

/**
 * Group commit over one writer thread. While a batch is at the disk, new events collect; they leave when its answer comes.
 * When nothing is at the disk, they leave at the end of this turn of the event loop.
 *
 *   append ─▶ collecting ─▶ … ─▶ │ in flight │ ─▶ fsync ─▶ receipts
 */
export class SqliteLedger implements Ledger {
  #options: LedgerOptions;
  #writer: Worker;
  #reader: QueryClient;
  #state: State = { name: 'open' };
  #size: number;
  /** Not yet sent, oldest first; only the last one takes events. */
  #collecting: Group[] = [];
  #inFlight: Group | undefined;
  #scheduled = false;
  #pending = 0;
  #pendingBytes = 0;
  #spares: ArrayBuffer[] = [];
  #sentMs = 0;
  #commitMs = commitMsFirst;
  #idle: (() => void) | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: LedgerOptions, writer: Worker, size: number) {
    this.#options = options;
    this.#writer = writer;
    this.#size = size;
    this.#reader = new QueryClient(options.file);
    writer.on('message', (reply: WriterReply) => this.#answered(reply));
    writer.on('error', (error) => this.#fail(error));
    writer.on('exit', (code) => this.#ended(code));
  }

  append(event: NewEvent): Promise<Receipt> {
    return new Promise((resolve, reject) => {
      this.#refuseUnlessOpen();
      this.#refuseWhenFull();
      const { clock, bootId } = this.#options;
      const timeMs = Math.floor(clock.wallMs());
      const encoded = encodeEvent(event, { bootId, timeMs, monotonicMs: Math.floor(clock.monotonicMs()) });
      const { type, module, stream, correlationId } = event;
      const group = this.#openGroup();
      const bytesBefore = group.batch.bytes;
      group.batch.add(encoded, { type, module, stream, correlationId, timeMs });
      group.waiting.push({ resolve, reject });
      this.#pending++;
      this.#pendingBytes += group.batch.bytes - bytesBefore;
      this.#schedule();
    });
  }

  query(query: EventQuery): Promise<StoredEvent[]> {
    return this.#reader.query(query);
  }

  status(): LedgerStatus {
    const { file } = this.#options;
    const bytes = fileBytes(file) + fileBytes(`${file}-wal`);
    const status: LedgerStatus = { state: 'open', size: this.#size, pending: this.#pending, bytes };
    switch (this.#state.name) {
      case 'open':
      case 'closing':
        return status;
      case 'closed':
        return { ...status, state: 'closed' };
      case 'failed':
        return { ...status, state: 'failed', problem: this.#state.error.message };
    }
  }

  /** Takes nothing more, commits what waits, and closes the file. May be called again. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    if (this.#state.name === 'open') {
      this.#state = { name: 'closing' };
      if (this.#pending > 0) {
        await new Promise<void>((resolve) => {
          this.#idle = resolve;
        });
      }
    }
    await this.#reader.close();
    if (this.#state.name !== 'closing') {
      await this.#writer.terminate();
      return;
    }
    const ended = new Promise<void>((resolve) => this.#writer.once('exit', () => resolve()));
    this.#post({ kind: 'close' });
    await ended;
  }

  #refuseUnlessOpen(): void {
    if (this.#state.name === 'open') return;
    if (this.#state.name === 'failed') throw unavailable(this.#state.error);
    throw new AppError('ledger_unavailable', 'The ledger is closed');
  }

  #refuseWhenFull(): void {
    const { queueMax, batchMax } = this.#options;
    if (this.#pending < queueMax && this.#pendingBytes < queueBytesMax) return;
    const commits = Math.ceil(this.#pending / batchMax);
    throw new AppError(
      'ledger_unavailable',
      `The ledger has ${this.#pending} events waiting for the disk and takes no more`,
      { retryAfterMs: Math.max(1, Math.ceil(commits * this.#commitMs)) },
    );
  }

  #openGroup(): Group {
    const last = this.#collecting.at(-1);
    if (last !== undefined && !last.batch.isFull(this.#options.batchMax)) return last;
    const group = { batch: new Batch(this.#spares.pop() ?? new ArrayBuffer(slabBytes)), waiting: [] };
    this.#collecting.push(group);
    return group;
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight !== undefined) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#inFlight === undefined) this.#send();
    });
  }

  #send(): void {
    const group = this.#collecting.shift();
    // A group may be empty: its first event was refused for its length.
    if (group === undefined || group.batch.count === 0) return;
    this.#inFlight = group;
    this.#sentMs = this.#options.clock.monotonicMs();
    const message = group.batch.message();
    this.#post(message, [message.slab]);
  }

  #post(message: WriterRequest, moved: ArrayBuffer[] = []): void {
    this.#writer.postMessage(message, moved);
  }

  #answered(reply: WriterReply): void {
    if (reply.kind === 'failed') {
      this.#fail(new Error(reply.message));
      return;
    }
    const group = this.#inFlight;
    if (reply.kind !== 'appended' || group === undefined || reply.first !== this.#size) {
      this.#fail(new Error(`the writer answered ${JSON.stringify(reply.kind)} out of turn`));
      return;
    }
    const elapsedMs = this.#options.clock.monotonicMs() - this.#sentMs;
    this.#commitMs += (elapsedMs - this.#commitMs) * commitMsWeight;
    if (reply.slab.byteLength <= spareBytesMax && this.#spares.length < sparesMax) {
      this.#spares.push(reply.slab);
    }
    this.#inFlight = undefined;
    this.#size += group.waiting.length;
    this.#pending -= group.waiting.length;
    this.#pendingBytes -= group.batch.bytes;
    this.#send();
    this.#acknowledge(group, reply);
    if (this.#pending === 0) this.#idle?.();
  }

  #acknowledge(group: Group, { first, hashes }: Extract<WriterReply, { kind: 'appended' }>): void {
    for (let i = 0; i < group.waiting.length; i++) {
      group.waiting[i]!.resolve({
        recorded: 'durable',
        index: first + i,
        leaf_hash: hashes.slice(i * 64, i * 64 + 64),
      });
    }
  }

  #ended(code: number): void {
    if (this.#state.name === 'failed') return;
    if (this.#state.name === 'closing' && this.#pending === 0 && code === 0) {
      this.#state = { name: 'closed' };
      return;
    }
    this.#fail(new Error(`the writer thread ended with code ${code}`));
  }

  /** Nobody who waits is acknowledged, whatever reached the disk. */
  #fail(error: Error): void {
    if (this.#state.name === 'failed') return;
    this.#state = { name: 'failed', error };
    const groups = this.#inFlight === undefined ? this.#collecting : [this.#inFlight, ...this.#collecting];
    this.#inFlight = undefined;
    this.#collecting = [];
    this.#pending = 0;
    this.#pendingBytes = 0;
    for (const group of groups) {
      for (const waiting of group.waiting) waiting.reject(unavailable(error));
    }
    this.#idle?.();
    this.#options.onFailure(error);
  }
}

function unavailable(cause: Error): AppError {
  return new AppError('ledger_unavailable', 'The ledger failed and records nothing until a restart', {
    cause,
  });
}

function fileBytes(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function checkInteger(value: number, name: string, max: number): void {
  if (!Number.isSafeInteger(value) || value < 1 || value > max) {
    throw new RangeError(`${name} is an integer from 1 to ${max}, not ${value}`);
  }
}
