import { statSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { LedgerAnalytics } from '../contracts/analytics.js';
import { AppError, SystemRebootRequired } from '../contracts/errors.js';
import type {
  EraseSelector,
  Erasure,
  EventQuery,
  FollowQuery,
  Ledger,
  LedgerStatus,
  NewEvent,
  Receipt,
  StoredEvent,
} from '../contracts/ledger.js';
import type { LedgerTrouble } from '../contracts/ledger-trouble.js';
import { eraseInThread } from './erase-client.js';
import { encodeEvent } from './event.js';
import { EventCatalog } from './events/catalog.js';
import { follow, Growth } from './follow.js';
import { GroupCommit } from './group-commit.js';
import { LedgerFileError } from './ledger-file-error.js';
import { checkOptions, type LedgerOptions } from './ledger-options.js';
import { type Outage, Outages } from './outages.js';
import { sharedMs } from './own-stamp.js';
import type { WriterReply, WriterRequest } from './protocol.js';
import { sizeLimitBytesDefault, transactionBytes } from './pruner.js';
import { QueryClient } from './query.js';
import { filesAside } from './set-aside.js';
import type { EpochReason } from './tlog/epochs.js';
import { LogClient } from './tlog/log-client.js';

/** Writers that may fail one after the other with nothing recorded in between; another one would fail as well. */
const restartsMax = 3;
/** What a client waits that meets a failed writer which is being replaced. */
const restartRetryMs = 1000;

type State =
  | { name: 'open' }
  | { name: 'unavailable'; outage: Outage }
  | { name: 'closing' }
  | { name: 'closed' }
  /** `isFinal`: another writer did not help. */
  | { name: 'failed'; error: Error; isFinal: boolean };

/**
 * Opens (or makes) the ledger. Works with and without a server; whoever opens it holds the lock of the data folder.
 * @throws LedgerFileError when the file is newer, damaged, foreign, busy or cannot be opened; RangeError for an option.
 */
export async function openLedger(options: LedgerOptions): Promise<SqliteLedger> {
  checkOptions(options);
  const { file, bootId, clock, sizeLimitBytes = sizeLimitBytesDefault, ageMaxMs } = options;
  const start = options.startWriter ?? ((script, workerData) => new Worker(script, { workerData }));
  const monotonicAtZeroMs = clock.monotonicMs() - sharedMs();
  const startWriter = (epochReason: EpochReason | undefined) =>
    start(new URL('./writer.js', import.meta.url), {
      file,
      setCorruptAside: options.setCorruptAside ?? false,
      sizeLimitBytes,
      batchMax: options.batchMax,
      ageMaxMs,
      bootId,
      monotonicAtZeroMs,
      epochReason,
      heart: options.heart,
    });
  const writer = startWriter(options.epochReason);
  const next = () => startWriter(undefined);
  return new SqliteLedger({ ...options, sizeLimitBytes }, { writer, next }, await opening(writer, file));
}

type Opened = Extract<WriterReply, { kind: 'opened' }>;

/** Waits for the writer's first word: what it opened. */
function opening(writer: Worker, file: string): Promise<Opened> {
  return new Promise((resolve, reject) => {
    writer.once('message', (reply: WriterReply) => {
      if (reply.kind === 'opened') resolve(reply);
      else if (reply.kind === 'refused') reject(new LedgerFileError(reply.code, reply.message));
      else reject(new Error(`the writer of ${file} said ${reply.kind} before it opened`));
    });
    writer.once('error', reject);
    writer.once('exit', () => reject(new Error(`the writer of ${file} ended before it opened`)));
  });
}

/** The ledger over one writer thread and one reader's: what is appended goes through group commit (group-commit.ts). */
export class SqliteLedger implements Ledger {
  readonly log: LogClient;
  #options: LedgerOptions & { sizeLimitBytes: number };
  #events: EventCatalog;
  #writer: Worker;
  #reader: QueryClient;
  #state: State = { name: 'open' };
  #size: number;
  /** The first index that is served. */
  #minimum: number;
  readonly #group: GroupCommit;
  #erasing = false;
  #commits = 0;
  #measured: { commits: number; bytes: number } | undefined;
  #idle: (() => void) | undefined;
  #closed: Promise<void> | undefined;
  #restarting: Promise<void> | undefined;
  /** Writers that took over since the last commit. */
  #restarts = 0;
  readonly #nextWriter: () => Worker;
  #growth = new Growth();
  #outages: Outages;
  #setAside: string[];

  constructor(
    options: LedgerOptions & { sizeLimitBytes: number },
    { writer, next }: { writer: Worker; next: () => Worker },
    opened: Opened,
  ) {
    this.#options = options;
    this.#writer = writer;
    this.#nextWriter = next;
    this.#size = opened.size;
    const { clock, queueMax, batchMax, setTimer } = options;
    this.#group = new GroupCommit({
      ...{ clock, queueMax, batchMax, setTimer },
      batchBytes: transactionBytes(options.sizeLimitBytes),
      send: (message) => this.#post(message, [message.slab]),
    });
    this.#setAside = filesAside(options.file);
    this.#outages = new Outages(clock, () => this.#post({ kind: 'reopen' }), setTimer);
    this.#minimum = opened.minimum;
    this.#events = options.events ?? new EventCatalog();
    this.#reader = new QueryClient(options.file, this.#events, options.startReader);
    this.log = new LogClient({
      verifierKey: opened.verifierKey,
      previous: opened.previous,
      checkpoint: opened.checkpoint,
      reader: this.#reader,
      clock: options.clock,
      size: () => this.#size,
      minimum: () => this.#minimum,
      sign: () => {
        this.#refuseUnlessOpen();
        this.#post({ kind: 'checkpoint' });
      },
    });
    this.#hear(writer);
    for (const notice of opened.notices) options.onNotice?.(notice);
  }

  append(event: NewEvent): Promise<Receipt> {
    try {
      return this.enqueue(event);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  enqueue(event: NewEvent): Promise<Receipt> {
    this.#refuseUnlessOpen();
    this.#group.refuseWhenFull();
    const { clock, bootId } = this.#options;
    const timeMs = Math.floor(clock.wallMs());
    const monotonicMs = Math.floor(clock.monotonicMs());
    const encoded = encodeEvent(event, { bootId, timeMs, monotonicMs, v: this.#events.check(event) });
    const { type, module, stream, correlationId, expectedVersion } = event;
    const expecting = expectedVersion === undefined ? undefined : checkedStream(event);
    const columns = { type, module, stream, correlationId, timeMs, expectedVersion };
    return this.#group.add(encoded, columns, expecting);
  }

  query(query: EventQuery): Promise<StoredEvent[]> {
    return this.#reader.query(query);
  }

  texts(indexes: readonly number[]): Promise<Record<string, string>[]> {
    return this.#reader.texts(indexes);
  }

  async erase(selector: EraseSelector, actor?: string): Promise<Erasure> {
    this.#refuseUnlessOpen();
    if (this.#erasing)
      throw new AppError('conflict', 'The ledger is erasing already', { retryAfterMs: 1000 });
    this.#erasing = true;
    try {
      const { events, texts, indexes, files, unreadable } = await eraseInThread(this.#options.file, selector);
      const [by = ''] = Object.keys(selector);
      const data = {
        ...{ by, events, texts, indexes, files: files.length, unreadable: unreadable.length },
        ...(actor === undefined ? {} : { actor }),
      };
      const receipt = await this.append({ type: 'erased', module: 'kernel', data });
      return { events, texts, files, unreadable, receipt };
    } finally {
      this.#erasing = false;
    }
  }

  analyse(hours: number): Promise<LedgerAnalytics> {
    return this.#reader.analyse(hours);
  }

  follow(query: FollowQuery): AsyncGenerator<StoredEvent, void> {
    const ask = (page: EventQuery) => this.#reader.query(page);
    return follow({ query: ask, size: () => this.#size, growth: this.#growth }, query);
  }

  status(): LedgerStatus {
    const { sizeLimitBytes } = this.#options;
    const status: LedgerStatus = {
      state: 'open',
      size: this.#size,
      minimum_index: this.#minimum,
      pending: this.#group.pending,
      commits: this.#commits,
      ...(this.#commits === 0 ? {} : { commit_ms: Number(this.#group.commitMs.toPrecision(3)) }),
      bytes: this.#bytes(),
      limit_bytes: sizeLimitBytes,
      set_aside: [...this.#setAside],
    };
    switch (this.#state.name) {
      case 'open':
      case 'closing':
        return status;
      case 'closed':
        return { ...status, state: 'closed' };
      case 'unavailable': {
        const { trouble, problem } = this.#state.outage;
        return {
          ...status,
          state: 'unavailable',
          trouble,
          problem,
          retry_after_ms: this.#outages.retryInMs(),
        };
      }
      case 'failed':
        return { ...status, state: 'failed', problem: this.#state.error.message };
    }
  }

  /**
   * After a failure: ends the writer, starts another on the same file, and records again. Nobody who waited was acknowledged, and all that
   * was acknowledged must still be there. @throws Error when it may not or did not work; the ledger is failed as before.
   */
  restartWriter(): Promise<void> {
    this.#restarting ??= this.#restartWriter().finally(() => {
      this.#restarting = undefined;
    });
    return this.#restarting;
  }

  async #restartWriter(): Promise<void> {
    if (this.#state.name !== 'failed') throw new Error(`the ledger is ${this.#state.name}, not failed`);
    const { error } = this.#state;
    try {
      if (this.#restarts >= restartsMax)
        throw new Error(`${restartsMax} writers failed one after the other`, { cause: error });
      await this.#writer.terminate();
      if (this.#closed !== undefined) throw new Error('the ledger is closed');
      const writer = this.#nextWriter();
      this.#writer = writer;
      const opened = await opening(writer, this.#options.file);
      if (opened.verifierKey === this.log.verifierKey && opened.size < this.#size)
        throw new Error(`${this.#size} events were recorded and ${opened.size} are there`);
      // Whoever closes meanwhile ends the writer.
      if (this.#closed !== undefined) throw new Error('the ledger is closed');
      this.#restarts++;
      this.#hear(writer);
      this.#growth = new Growth();
      this.#state = { name: 'open' };
      this.#reopened(opened);
      this.log.resumed(opened.checkpoint);
    } catch (cause) {
      this.#state = { name: 'failed', error, isFinal: true };
      throw cause;
    }
  }

  #hear(writer: Worker): void {
    // The last words of a writer that was replaced are not heard.
    const isCurrent = () => writer === this.#writer;
    writer.on('message', (reply: WriterReply) => isCurrent() && this.#answered(reply));
    writer.on('error', (error) => isCurrent() && this.#fail(error));
    writer.on('exit', (code) => isCurrent() && this.#ended(code));
  }

  /** What the files hold. It changes with a commit, so they are looked at once after each: status is asked for several times a second. */
  #bytes(): number {
    if (this.#measured?.commits !== this.#commits) {
      const { file } = this.#options;
      this.#measured = { commits: this.#commits, bytes: fileBytes(file) + fileBytes(`${file}-wal`) };
    }
    return this.#measured.bytes;
  }

  /** Takes nothing more, commits what waits, and closes the file. May be called again. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    if (this.#state.name === 'open' || this.#state.name === 'unavailable') {
      this.#state = { name: 'closing' };
      this.#outages.stop();
      if (this.#group.pending > 0) {
        await new Promise<void>((resolve) => {
          this.#idle = resolve;
        });
      }
    }
    this.#growth.end();
    this.log.refuse(new AppError('ledger_unavailable', 'The ledger is closed'));
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
    if (this.#state.name === 'failed') throw this.#failure(this.#state);
    if (this.#state.name === 'unavailable') throw this.#outages.refusal(this.#state.outage);
    throw new AppError('ledger_unavailable', 'The ledger is closed');
  }

  #post(message: WriterRequest, moved: ArrayBuffer[] = []): void {
    this.#writer.postMessage(message, moved);
  }

  #answered(reply: WriterReply): void {
    if (reply.kind === 'failed') {
      this.#fail(new Error(reply.message));
      return;
    }
    if (reply.kind === 'unavailable') {
      this.#unavailable(reply.trouble, reply.message);
      return;
    }
    if (reply.kind === 'opened') {
      this.#reopened(reply);
      return;
    }
    if (reply.kind === 'notice') {
      this.#options.onNotice?.(reply.message);
      return;
    }
    if (reply.kind === 'checkpoint') {
      this.log.signed(reply.checkpoint);
      return;
    }
    if (reply.kind !== 'appended' || reply.first !== this.#size || reply.batches.length > this.#group.sent) {
      this.#fail(new Error(`the writer answered ${JSON.stringify(reply.kind)} out of turn`));
      return;
    }
    this.#outages.over();
    this.#restarts = 0;
    this.#commits++;
    this.#size += this.#group.answered(reply.first, reply.batches, reply.syncMs) + reply.own;
    this.#minimum = reply.minimum;
    this.#growth.grown();
    if (reply.checkpoint !== undefined) this.log.signed(reply.checkpoint);
    if (this.#group.pending === 0) this.#idle?.();
  }

  /** The disk refuses for now. Who waits is refused, and the writer tries again until it can. */
  #unavailable(trouble: LedgerTrouble, problem: string): void {
    const refused = this.#group.pending;
    const outage = this.#outages.begin({ trouble, problem, refused });
    if (this.#state.name === 'open' || this.#state.name === 'unavailable') {
      this.#state = { name: 'unavailable', outage };
      this.#outages.retry();
    }
    const refusal = this.#outages.refusal(outage);
    this.#group.refuseAll(refusal);
    this.log.refuse(refusal);
    const retryInMs = this.#outages.retryInMs();
    this.#options.onChange?.({ kind: 'unavailable', trouble, problem, refused, retryInMs });
    this.#idle?.();
  }

  #reopened(opened: Opened): void {
    this.#size = opened.size;
    this.#minimum = opened.minimum;
    this.#measured = undefined;
    const isSame = opened.verifierKey === this.log.verifierKey;
    if (!isSame) {
      this.#setAside = filesAside(this.#options.file);
      this.#reader.restart();
      this.log.replaced(opened);
    }
    for (const notice of opened.notices) this.#options.onNotice?.(notice);
    if (this.#state.name !== 'unavailable') return;
    const { trouble, refused, beganMs } = this.#state.outage;
    this.#state = { name: 'open' };
    if (isSame) this.log.resumed(opened.checkpoint);
    const downMs = Math.round(this.#options.clock.monotonicMs() - beganMs);
    this.#options.onChange?.({ kind: 'recovered', trouble, downMs, refused });
  }

  #ended(code: number): void {
    if (this.#state.name === 'failed') return;
    if (this.#state.name === 'closing' && this.#group.pending === 0 && code === 0) {
      this.#state = { name: 'closed' };
      return;
    }
    this.#fail(new Error(`the writer thread ended with code ${code}`));
  }

  /** Nobody who waits is acknowledged, whatever reached the disk. */
  #fail(error: Error): void {
    if (this.#state.name === 'failed') return;
    const state = { name: 'failed', error, isFinal: false } as const;
    this.#state = state;
    this.#outages.stop();
    const refusal = this.#failure(state);
    this.#group.refuseAll(refusal);
    this.#growth.end();
    this.log.refuse(refusal);
    this.#idle?.();
    this.#options.onFailure(error);
  }

  #failure({ error, isFinal }: Extract<State, { name: 'failed' }>): AppError {
    if (isFinal || this.#options.isRestarted !== true) return failed(error);
    const message =
      'The writer of the ledger failed and is being replaced; nothing is answered that is not recorded';
    return new AppError('ledger_unavailable', message, { retryAfterMs: restartRetryMs, cause: error });
  }
}

/** The stream whose version an event expects. */
function checkedStream({ stream, expectedVersion }: NewEvent): string {
  if (stream === undefined) throw new RangeError('expectedVersion is of a stream; the event names none');
  if (!Number.isSafeInteger(expectedVersion) || expectedVersion! < -1) {
    throw new RangeError(`expectedVersion is an index, or -1 for none, not ${expectedVersion}`);
  }
  return stream;
}

/** The writer and its file cannot be trusted any more, and no part of this process can mend them. */
function failed(cause: Error): SystemRebootRequired {
  return new SystemRebootRequired('The ledger failed and records nothing until a restart', { cause });
}

function fileBytes(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
