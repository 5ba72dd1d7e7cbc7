import { EventEmitter } from 'node:events';
import type { Worker } from 'node:worker_threads';
import type { Database as Connection } from 'better-sqlite3';
import { Database } from '../../runtime/contracts/sqlite.js';
import { openForReading } from '../../runtime/ledger/database.js';
import { type Opened, Opener } from '../../runtime/ledger/opener.js';
import type {
  ReaderReply,
  ReaderRequest,
  ThreadData,
  WriterData,
  WriterReply,
  WriterRequest,
} from '../../runtime/ledger/protocol.js';
import { readerAnswers } from '../../runtime/ledger/reader-answers.js';
import type { RecordWriter } from '../../runtime/ledger/record-writer.js';
import { WriterThread } from '../../runtime/ledger/writer-thread.js';
import type { Device } from './device.js';
import type { Life, VirtualTime } from './virtual-time.js';

export interface LineOptions {
  time: VirtualTime;
  life: Life;
  device: Device;
  random: () => number;
  /** Whether an event of the transaction just made is to vanish. Only to show that somebody notices. */
  loses: () => boolean;
}

function fault(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

const full = () => fault('SQLITE_FULL', 'database or disk is full');

/** The real writer of records, on a card that may refuse. A refusal comes before or, as a failed sync does, after the transaction. */
class FaultyOpener extends Opener {
  readonly #options: LineOptions;
  current: RecordWriter | undefined;

  constructor(data: WriterData, options: LineOptions) {
    super(data, options.life.clock);
    this.#options = options;
  }

  override async open(how?: { probes: boolean }): Promise<Opened> {
    const opened = await super.open(how);
    this.current = this.#faulty(opened.writer);
    return { ...opened, writer: this.current };
  }

  /** It reads real files, and time stands still meanwhile. */
  override reopen(): Promise<Opened> {
    return this.#options.time.hold(super.reopen());
  }

  protected override probe(db: Connection): void {
    if (this.#options.device.isDiskFull()) throw full();
    super.probe(db);
  }

  #faulty(writer: RecordWriter): RecordWriter {
    const { device, random } = this.#options;
    const checked = new Set<string | symbol>(['append', 'checkpoint']);
    return new Proxy(writer, {
      get: (target, name) => {
        const value = Reflect.get(target, name, target) as unknown;
        if (typeof value !== 'function') return value;
        return (...given: unknown[]) => {
          if (checked.has(name) && device.isDiskFull()) {
            // The page cache took it and the sync failed: it may be there, and nobody may be told so.
            if (name === 'append' && random() < 0.3) {
              value.apply(target, given);
              throw fault('SQLITE_IOERR_FSYNC', 'disk I/O error');
            }
            throw full();
          }
          return value.apply(target, given) as unknown;
        };
      },
    });
  }
}

/**
 * Stands for the ledger's writer thread and its port: the real WriterThread in this thread, that takes as long as the card does. What it
 * says arrives when the sync would be over; while it works, messages wait.
 */
export class WriterLine extends EventEmitter {
  readonly #options: LineOptions;
  readonly #waiting: WriterRequest[] = [];
  #hear: ((request: WriterRequest) => void) | undefined;
  #busy = false;
  readonly #file: string;
  readonly #opener: FaultyOpener;
  #ended = false;

  constructor(data: WriterData, options: LineOptions) {
    super();
    this.#options = options;
    this.#file = data.file;
    const opener = new FaultyOpener(data, options);
    this.#opener = opener;
    const serve = async () => {
      const opened = await opener.open();
      const port = {
        listen: (hear: (request: WriterRequest) => void) => {
          this.#hear = hear;
          this.#work();
        },
        next: () => {
          const message = this.#waiting.shift();
          return message === undefined ? undefined : { message };
        },
        postMessage: (message: WriterReply) => this.#reply(message),
        close: () => this.#end(),
      };
      new WriterThread(port, opener, options.life.setTimer).serve(opened);
    };
    options.time.hold(serve()).catch((error: unknown) => this.emit('error', error));
  }

  postMessage(request: WriterRequest): void {
    if (this.#ended) return;
    this.#waiting.push(request);
    this.#options.life.setTimer(() => this.#work(), 0);
  }

  /** The process is gone: whatever was committed stays, whatever was not never was. */
  async terminate(): Promise<number> {
    this.#ended = true;
    this.removeAllListeners();
    this.#opener.current?.abandon();
    return 0;
  }

  #work(): void {
    if (this.#busy || this.#ended || this.#hear === undefined) return;
    const request = this.#waiting.shift();
    if (request === undefined) return;
    this.#busy = true;
    const { device, random, life } = this.#options;
    this.#hear(request);
    if (request.kind === 'append' && this.#options.loses()) forgetLast(this.#file);
    life.setTimer(
      () => {
        this.#busy = false;
        this.#work();
      },
      request.kind === 'append' ? device.syncMs(random()) : 1,
    );
  }

  #reply(message: WriterReply): void {
    if (this.#ended) return;
    const { device, random, life } = this.#options;
    if (message.kind === 'opened') {
      // The ledger waits for its first word at once.
      queueMicrotask(() => this.emit('message', message));
      return;
    }
    const tookMs = message.kind === 'appended' ? device.syncMs(random()) : 0;
    const told = message.kind === 'appended' ? { ...message, syncMs: tookMs } : message;
    life.setTimer(() => {
      if (!this.#ended) this.emit('message', told);
    }, tookMs);
  }

  #end(): void {
    this.#ended = true;
    queueMicrotask(() => this.emit('exit', 0));
  }
}

function forgetLast(file: string): void {
  const db = new Database(file);
  db.exec('DELETE FROM texts WHERE event_index = (SELECT max("index") FROM events)');
  db.exec('DELETE FROM events WHERE "index" = (SELECT max("index") FROM events)');
  db.close();
}

/** Stands for the reader's thread: it answers a moment later, over a real read-only connection. */
class ReaderLine extends EventEmitter {
  readonly #life: Life;
  readonly #db: Connection;
  readonly #answer: ReturnType<typeof readerAnswers>;
  /** The last page that was full: events never change, and one is asked for after each sample. */
  #known: { asked: string; reply: ReaderReply } | undefined;
  #ended = false;

  constructor({ file }: ThreadData, life: Life) {
    super();
    this.#life = life;
    this.#db = openForReading(file);
    this.#answer = readerAnswers(this.#db);
  }

  postMessage(request: ReaderRequest): void {
    this.#life.setTimer(() => {
      if (this.#ended) return;
      if ('kind' in request && request.kind === 'close') void this.terminate();
      else this.emit('message', this.#page(request));
    }, 1);
  }

  #page(request: Exclude<ReaderRequest, { kind: 'close' }>): ReaderReply {
    if ('kind' in request) return this.#answer(request);
    const asked = JSON.stringify({ ...request, id: 0 });
    if (this.#known?.asked === asked) return { ...this.#known.reply, id: request.id };
    const reply = this.#answer(request);
    if ('indexes' in reply && reply.indexes.length === request.limit) this.#known = { asked, reply };
    return reply;
  }

  async terminate(): Promise<number> {
    if (!this.#ended) {
      this.#ended = true;
      this.#db.close();
      this.emit('exit', 0);
    }
    return 0;
  }
}

/** What the ledger uses of a thread. */
export const asWorker = (line: WriterLine | ReaderLine): Worker => line as unknown as Worker;

export function readerLine(data: ThreadData, life: Life): Worker & { terminate(): Promise<number> } {
  return asWorker(new ReaderLine(data, life));
}
