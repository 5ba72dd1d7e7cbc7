import { Worker } from 'node:worker_threads';
import { analysedHoursMax, type LedgerAnalytics } from '../contracts/analytics.js';
import { AppError } from '../contracts/errors.js';
import type { EventQuery, StoredEvent } from '../contracts/ledger.js';
import type { EventCatalog } from './events/catalog.js';
import type { Leaf } from './leaf.js';
import type { EventFilter, LogRequest, ReaderReply, ReaderRequest, ThreadData } from './protocol.js';
import { wordsOf } from './search/words.js';

const limitMax = 1000;
const textLengthMax = 200;
/** Events that the calling thread takes over at once; a longer answer comes in pages, with other work between them. */
const pageEvents = 100;
/** Pages that may wait for the reader. */
const waitingMax = 64;

type Answer = Exclude<ReaderReply, { problem: string }>;
type Page = Extract<ReaderReply, { leaves: string[] }>;
type Analysis = Extract<ReaderReply, { analytics: unknown }>;
type Texts = Extract<ReaderReply, { texts: unknown }>;
export type LogAnswer = Exclude<Answer, Page | Analysis | Texts>;

/** Starts the reader's thread; a simulation gives one that runs in its own. */
export type StartReader = (script: URL, data: ThreadData) => Worker;

const inThread: StartReader = (script, workerData) => new Worker(script, { workerData });

interface Waiting {
  resolve(answer: Answer): void;
  reject(error: AppError): void;
}

/** A thread that reads the file, and who waits for its answers. */
class Reader {
  readonly ended: Promise<void>;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();

  constructor(file: string, start: StartReader, onEnd: (reader: Reader) => void) {
    this.#worker = start(new URL('./reader.js', import.meta.url), { file });
    let cause: unknown;
    this.#worker.on('message', (reply: ReaderReply) => {
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if ('problem' in reply) {
        waiting?.reject(unavailable('the ledger cannot be read now', { cause: reply.problem }));
      } else {
        waiting?.resolve(reply);
      }
    });
    this.#worker.on('error', (error) => {
      cause = error;
    });
    this.ended = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        onEnd(this);
        for (const { reject } of this.#waiting.values()) {
          reject(unavailable('the reader of the ledger stopped', { cause }));
        }
        resolve();
      });
    });
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  ask(request: Exclude<ReaderRequest, { kind: 'close' }>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(request.id, { resolve, reject });
      this.#worker.postMessage(request);
    });
  }

  /** Answers what was asked before, then ends. */
  close(): Promise<void> {
    this.#worker.postMessage({ kind: 'close' } satisfies ReaderRequest);
    return this.ended;
  }

  /** Ends now; who waits is rejected. */
  terminate(): void {
    void this.#worker.terminate();
  }
}

/** Asks the reader thread, which is started at once and again, by the next question, after it ended. */
export class QueryClient {
  #file: string;
  #catalog: EventCatalog;
  readonly #startReader: StartReader;
  #reader: Reader | undefined;
  #lastId = 0;
  #closed = false;

  /** Opens the file now: its connection keeps what was recorded readable while the writer has none. */
  constructor(file: string, catalog: EventCatalog, startReader: StartReader = inThread) {
    this.#startReader = startReader;
    this.#file = file;
    this.#catalog = catalog;
    this.#reader = this.#start();
  }

  /** @throws RangeError for a bound out of range; AppError `ledger_unavailable`. */
  async query(query: EventQuery): Promise<StoredEvent[]> {
    const { since = 0, until = Number.MAX_SAFE_INTEGER, limit, order, ...filter } = query;
    checkInteger(limit, 'limit', 1, limitMax);
    checkInteger(since, 'since', 0, Number.MAX_SAFE_INTEGER);
    checkInteger(until, 'until', 0, Number.MAX_SAFE_INTEGER);
    checkFilter(filter);
    const events: StoredEvent[] = [];
    const range = { from: since, to: until };
    while (events.length < limit && range.from <= range.to) {
      const page = await this.#ask<Page>({
        id: ++this.#lastId,
        filter,
        ...range,
        limit: Math.min(pageEvents, limit - events.length),
        order,
      });
      for (const [i, index] of page.indexes.entries()) {
        const leaf = JSON.parse(page.leaves[i]!) as Leaf;
        events.push(storedEvent(leaf, { index, hash: page.hashes[i]!, catalog: this.#catalog }));
      }
      if (page.next === null) break;
      range[order === 'asc' ? 'from' : 'to'] = page.next;
    }
    return events;
  }

  /** @throws RangeError for more than 1000 indexes; AppError `ledger_unavailable`. */
  async texts(indexes: readonly number[]): Promise<Record<string, string>[]> {
    checkInteger(indexes.length, 'the number of indexes', 0, limitMax);
    for (const index of indexes) checkInteger(index, 'an index', 0, Number.MAX_SAFE_INTEGER);
    return (await this.#ask<Texts>({ kind: 'texts', id: ++this.#lastId, indexes })).texts;
  }

  /** @throws RangeError unless 1 ≤ hours ≤ 720; AppError `ledger_unavailable`. */
  async analyse(hours: number): Promise<LedgerAnalytics> {
    checkInteger(hours, 'hours', 1, analysedHoursMax);
    for (;;) {
      const { analytics } = await this.#ask<Analysis>({ kind: 'analyse', id: ++this.#lastId, hours });
      if (analytics !== null) return analytics;
    }
  }

  /** Asks for something of the log. @throws AppError `ledger_unavailable`. */
  log(request: LogRequest): Promise<LogAnswer> {
    return this.#ask<LogAnswer>({ ...request, id: ++this.#lastId });
  }

  /** Lets the next question be answered by a reader of the file that is there now; who waits is rejected. */
  restart(): void {
    this.#reader?.terminate();
    this.#reader = undefined;
  }

  /** Ends the reader thread when it has answered. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#reader?.close();
  }

  /** The reader answers each kind of request with its own kind of answer. */
  async #ask<A extends Answer>(request: Exclude<ReaderRequest, { kind: 'close' }>): Promise<A> {
    if (this.#closed) throw unavailable('the ledger is closed');
    this.#reader ??= this.#start();
    if (this.#reader.waiting >= waitingMax) {
      throw unavailable(`more than ${waitingMax} queries wait for the ledger`, { retryAfterMs: 1000 });
    }
    return (await this.#reader.ask(request)) as A;
  }

  #start(): Reader {
    return new Reader(this.#file, this.#startReader, (ended) => {
      if (this.#reader === ended) this.#reader = undefined;
    });
  }
}

function storedEvent(leaf: Leaf, at: { index: number; hash: string; catalog: EventCatalog }): StoredEvent {
  const { type, v } = leaf;
  return {
    index: at.index,
    type,
    module: leaf.module,
    stream: leaf.stream ?? null,
    correlation_id: leaf.correlation_id ?? null,
    time_ms: leaf.time_ms,
    monotonic_ms: leaf.monotonic_ms,
    boot_id: leaf.boot_id,
    v,
    data: at.catalog.upcast(type, v, leaf.data),
    commitments: leaf.texts ?? {},
    leaf_hash: at.hash,
  };
}

function unavailable(message: string, options: { retryAfterMs?: number; cause?: unknown } = {}): AppError {
  return new AppError('ledger_unavailable', message, options);
}

function checkFilter({ fromMs, toMs, text }: EventFilter): void {
  for (const [name, value] of Object.entries({ fromMs, toMs })) {
    if (value !== undefined) checkInteger(value, name, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  }
  if (text === undefined) return;
  const words = wordsOf(text).length;
  if (text.length > textLengthMax || words === 0) {
    throw new RangeError(`text holds at least one word and at most ${textLengthMax} characters`);
  }
}

function checkInteger(value: number, name: string, min: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new RangeError(`${name} is an integer from ${min} to ${max}, not ${value}`);
  }
}
