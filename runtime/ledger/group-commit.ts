import type { Clock, SetTimer } from '../contracts/clock.js';
import { AppError } from '../contracts/errors.js';
import type { Receipt } from '../contracts/ledger.js';
import { Batch, type BatchColumns, slabBytes } from './batch.js';
import type { EncodedEvent } from './event.js';
import { Pace } from './pace.js';
import type { AppendedBatch, AppendMessage } from './protocol.js';

/** Bytes that may wait for the disk, whatever `queueMax` allows. One event alone always fits. */
const queueBytesMax = 134_217_728;
/** Batches at the writer at once. */
const sentMax = 4;
/**
 * A batch of so many leaves in the middle of a turn of the event loop. Without that, clients that wait for their answers fall into step:
 * all of them in one batch, this thread idle while the writer works and the other way round.
 */
const batchSoon = 16;
/** Slabs kept for the next batches, and the largest one worth keeping. */
const sparesMax = 8;
const spareBytesMax = 1_048_576;
/** Assumed for a commit until one was measured. */
const commitMsFirst = 20;
/** Weight of the newest commit in the moving average. */
const commitMsWeight = 0.2;

export interface GroupCommitOptions {
  clock: Clock;
  /** Events that may wait for the disk, those of the running commit included. */
  queueMax: number;
  /** Events and bytes in one batch. */
  batchMax: number;
  batchBytes: number;
  setTimer: SetTimer | undefined;
  /** Sends a batch to the writer; its slab moves with it. */
  send: (message: AppendMessage) => void;
}

interface Waiting {
  /** The stream, where a version of it was expected. */
  expecting: string | undefined;
  resolve(receipt: Receipt): void;
  reject(error: Error): void;
}

/** Events of one message and who waits for them. */
interface Group {
  batch: Batch;
  waiting: Waiting[];
  sentMs: number;
}

/**
 * Group commit over one writer thread. Events collect into a batch. It leaves when it has some size and few others are out; a smaller
 * one leaves when none is out: at the end of this turn of the event loop, or when the last answer comes. The writer commits what lies ready
 * in one transaction. On a slow disk fewer and larger ones leave (pace.ts).
 *
 *   add ─▶ collecting ─▶ … ─▶ │ sent, at most 4 │ ─▶ fsync ─▶ receipts
 */
export class GroupCommit {
  readonly #options: GroupCommitOptions;
  readonly #pace: Pace;
  /** Not yet sent, oldest first; only the last one takes events. */
  #collecting: Group[] = [];
  /** At the writer, oldest first. */
  #sent: Group[] = [];
  #scheduled = false;
  #pending = 0;
  #pendingBytes = 0;
  readonly #spares: ArrayBuffer[] = [];
  #commitMs = commitMsFirst;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
    this.#pace = new Pace(() => this.#sendReady(), options.setTimer);
  }

  /** Events that wait for the disk. */
  get pending(): number {
    return this.#pending;
  }

  /** From the sending of a batch to its answer, a moving average. */
  get commitMs(): number {
    return this.#commitMs;
  }

  /** Batches that are out. */
  get sent(): number {
    return this.#sent.length;
  }

  /** @throws AppError `ledger_unavailable` when no more may wait. */
  refuseWhenFull(): void {
    const { queueMax, batchMax } = this.#options;
    if (this.#pending < queueMax && this.#pendingBytes < queueBytesMax) return;
    const commits = Math.ceil(this.#pending / batchMax);
    throw new AppError(
      'ledger_unavailable',
      `The ledger has ${this.#pending} events waiting for the disk and takes no more`,
      { retryAfterMs: Math.max(1, Math.ceil(commits * this.#commitMs)) },
    );
  }

  /**
   * Adds an event to the batch that is open; resolves when it is committed.
   * @param expecting The stream, where a version of it is expected.
   * @throws RangeError when its leaf is too long; nothing was added then.
   */
  add(event: EncodedEvent, columns: BatchColumns, expecting: string | undefined): Promise<Receipt> {
    const group = this.#openGroup();
    const bytesBefore = group.batch.bytes;
    group.batch.add(event, columns);
    this.#pending++;
    this.#pendingBytes += group.batch.bytes - bytesBefore;
    return new Promise((resolve, reject) => {
      group.waiting.push({ resolve, reject, expecting });
      if (group.batch.count >= batchSoon) this.#sendReady();
      this.#schedule();
    });
  }

  /**
   * The writer committed the oldest batches that are out; the first event of them has the index `first`. Returns how many events it
   * recorded, and tells each caller.
   */
  answered(first: number, batches: readonly AppendedBatch[], syncMs: number): number {
    const groups = this.#sent.splice(0, batches.length);
    const elapsedMs = this.#options.clock.monotonicMs() - groups[0]!.sentMs;
    this.#commitMs += (elapsedMs - this.#commitMs) * commitMsWeight;
    for (const { slab } of batches) {
      if (slab.byteLength <= spareBytesMax && this.#spares.length < sparesMax) this.#spares.push(slab);
    }
    this.#pace.answered(syncMs, this.#pending);
    this.#sendReady();
    let next = first;
    for (const [place, group] of groups.entries()) next += this.#acknowledge(next, group, batches[place]!);
    return next - first;
  }

  /** Nothing that waits is recorded as far as anybody may be told. */
  refuseAll(error: AppError): void {
    this.#pace.stop();
    const groups = [...this.#sent, ...this.#collecting];
    this.#sent = [];
    this.#collecting = [];
    this.#pending = 0;
    this.#pendingBytes = 0;
    for (const group of groups) {
      for (const waiting of group.waiting) waiting.reject(error);
    }
  }

  #openGroup(): Group {
    const { batchMax, batchBytes } = this.#options;
    const last = this.#collecting.at(-1);
    if (last !== undefined && !last.batch.isFull(batchMax, batchBytes)) return last;
    const slab = this.#spares.pop() ?? new ArrayBuffer(slabBytes);
    const group = { batch: new Batch(slab), waiting: [], sentMs: 0 };
    this.#collecting.push(group);
    return group;
  }

  #schedule(): void {
    if (this.#scheduled || this.#sent.length > 0 || this.#collecting.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#sendReady();
    });
  }

  #sendReady(): void {
    const collected = this.#collecting.reduce((sum, { batch }) => sum + batch.count, 0);
    const isOut = this.#sent.length > 0;
    if (collected > 0 && this.#pace.holds({ collected, isOut })) return;
    while (this.#collecting.length > 0 && this.#sent.length < sentMax) {
      // Of several the first is full.
      const small = this.#collecting.length === 1 && this.#collecting[0]!.batch.count < batchSoon;
      if (small && this.#sent.length > 0) return;
      this.#send();
    }
  }

  #send(): void {
    const group = this.#collecting.shift();
    // A group may be empty: its first event was refused for its length.
    if (group === undefined || group.batch.count === 0) return;
    group.sentMs = this.#options.clock.monotonicMs();
    this.#sent.push(group);
    this.#options.send(group.batch.message());
  }

  /** Returns the number of events that were recorded. */
  #acknowledge(first: number, { batch, waiting }: Group, { hashes, refused }: AppendedBatch): number {
    this.#pending -= waiting.length;
    this.#pendingBytes -= batch.bytes;
    for (const { place, last } of refused) {
      const { expecting, reject } = waiting[place]!;
      reject(movedOn(expecting!, last));
    }
    const gone = new Set(refused.map(({ place }) => place));
    const recorded = gone.size === 0 ? waiting : waiting.filter((_, place) => !gone.has(place));
    for (let i = 0; i < recorded.length; i++) {
      recorded[i]!.resolve({
        recorded: 'durable',
        index: first + i,
        leaf_hash: hashes.slice(i * 64, i * 64 + 64),
      });
    }
    return recorded.length;
  }
}

function movedOn(stream: string, last: number): AppError {
  const at = last === -1 ? 'has no event' : `is at index ${last}`;
  return new AppError(
    'conflict',
    `The stream ${stream} ${at}, so it is not as expected; read it and try again`,
    {
      details: { last },
    },
  );
}
