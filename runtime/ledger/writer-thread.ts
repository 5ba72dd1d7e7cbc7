import { backgroundTimer, type SetTimer, systemTimer } from '../contracts/clock.js';
import type { Opened, Opener, TransactionRoom } from './opener.js';
import type { AppendMessage, WriterReply, WriterRequest } from './protocol.js';
import type { RecordWriter } from './record-writer.js';
import { LastCheckpointFile } from './tlog/last-checkpoint.js';
import { troubleOf } from './trouble.js';

/** The writer's end of the line to the ledger: a message port, or what stands for one in a simulation. */
export interface WriterPort {
  listen(hear: (request: WriterRequest) => void): void;
  /** Takes the next message that lies ready; undefined when none does. */
  next(): { message: WriterRequest } | undefined;
  postMessage(message: WriterReply, moved: ArrayBuffer[]): void;
  close(): void;
}

interface Ready {
  messages: AppendMessage[];
  /** Whether somebody asked for a checkpoint among them, and whether the request to close came after them. */
  checkpoint: boolean;
  close: boolean;
  /** Taken from the port, and of the next transaction. */
  rest: AppendMessage | undefined;
}

/** The batches that lie ready, the first of them given, as far as one transaction takes them; the first one whatever its size. */
function takeReady(port: WriterPort, request: WriterRequest, { events, bytes }: TransactionRoom): Ready {
  const ready: Ready = { messages: [], checkpoint: false, close: false, rest: undefined };
  let eventsLeft = events;
  let bytesLeft = bytes;
  let next: { message: WriterRequest } | undefined = { message: request };
  while (next !== undefined) {
    const { message } = next;
    if (message.kind === 'close') return { ...ready, close: true };
    if (message.kind === 'checkpoint') ready.checkpoint = true;
    else if (message.kind === 'append') {
      eventsLeft -= message.count;
      bytesLeft -= message.bytes;
      const fits = eventsLeft >= 0 && bytesLeft >= 0;
      if (!fits && ready.messages.length > 0) return { ...ready, rest: message };
      ready.messages.push(message);
    }
    if (eventsLeft <= 0 || bytesLeft <= 0) break;
    next = port.next();
  }
  return ready;
}

/** Hears the messages, and keeps the file open or, after a failure, closed until it is told to try again. */
export class WriterThread {
  readonly #port: WriterPort;
  readonly #opener: Opener;
  readonly #setTimer: SetTimer;
  /** For what must not keep the thread from ending. */
  readonly #background: SetTimer;
  #opened: Opened | undefined;
  /** Failed, and not closed yet. */
  #given: RecordWriter | undefined;
  #last: LastCheckpointFile | undefined;
  /** The time that is waited for, as the log says when its next checkpoint is due; undefined while none is. */
  #dueMs: number | undefined;
  #cancel = () => {};
  #reopening = false;
  #closing = false;

  constructor(port: WriterPort, opener: Opener, setTimer?: SetTimer) {
    this.#port = port;
    this.#opener = opener;
    this.#setTimer = setTimer ?? systemTimer;
    this.#background = setTimer ?? backgroundTimer;
  }

  serve(opened: Opened): void {
    this.#take(opened);
    this.#port.listen((request) => this.#hear(request));
  }

  #take(opened: Opened): void {
    const { writer, log, previous, notices } = opened;
    this.#opened = opened;
    const { verifierKey, checkpoint } = log;
    const { size, minimum } = writer;
    this.#reply({ kind: 'opened', size, minimum, verifierKey, checkpoint, previous, notices });
    // Of the same log it goes on where it is.
    if (this.#last?.verifierKey === verifierKey) return;
    this.#last?.stop();
    this.#last = new LastCheckpointFile(
      this.#opener.folder,
      verifierKey,
      (message) => this.#reply({ kind: 'notice', message }),
      this.#background,
    );
  }

  #hear(request: WriterRequest): void {
    let next: WriterRequest | undefined = request;
    while (next !== undefined) next = this.#handle(next);
  }

  /** One transaction at most; returns what was taken from the port and is of the next. */
  #handle(request: WriterRequest): WriterRequest | undefined {
    const opened = this.#opened;
    if (opened === undefined) {
      // Batches that were sent before the failure was known are refused already.
      if (request.kind === 'reopen') void this.#reopen();
      else if (request.kind === 'close') this.#close();
      return undefined;
    }
    const { messages, checkpoint, close, rest } = takeReady(this.#port, request, this.#opener.room);
    const { writer, log } = opened;
    this.#work(() => {
      if (checkpoint) log.want();
      if (messages.length > 0) {
        const appended = writer.append(messages);
        const slabs = appended.batches.map(({ slab }) => slab);
        this.#reply({ kind: 'appended', ...appended }, slabs);
      } else if (checkpoint && log.checkpoint !== undefined && log.isCovered()) {
        this.#reply({ kind: 'checkpoint', checkpoint: log.checkpoint });
      }
    });
    if (close) this.#close();
    return rest;
  }

  /** Does something with the file, then waits for the time of the next checkpoint, or goes on with that wait. */
  #work(task: () => void): void {
    try {
      task();
    } catch (error) {
      this.#giveUp(error);
      return;
    }
    const log = this.#opened?.log;
    if (log?.checkpoint !== undefined) this.#last?.signed(log.checkpoint.note);
    const dueMs = log?.dueMs;
    if (dueMs === this.#dueMs) return;
    this.#stopWaiting();
    const dueInMs = log?.dueInMs();
    if (dueInMs === undefined) return;
    this.#dueMs = dueMs;
    this.#cancel = this.#setTimer(() => {
      this.#dueMs = undefined;
      this.#work(() => this.#signDue());
    }, dueInMs);
  }

  #stopWaiting(): void {
    this.#cancel();
    this.#dueMs = undefined;
  }

  #signDue(): void {
    const checkpoint = this.#opened?.writer.checkpoint();
    if (checkpoint !== undefined) this.#reply({ kind: 'checkpoint', checkpoint });
  }

  /**
   * After a failed write or sync nothing more is written through this connection: what the disk holds is unknown. It is closed with the
   * next attempt, so that until then readers find the file open.
   */
  #giveUp(error: unknown): void {
    this.#stopWaiting();
    const opened = this.#opened;
    this.#opened = undefined;
    this.#given = opened?.writer;
    const trouble = troubleOf(error);
    const message = error instanceof Error ? error.message : String(error);
    if (trouble === undefined) {
      this.#reply({ kind: 'failed', message });
      this.#abandon();
      this.#port.close();
      return;
    }
    this.#opener.failed(trouble, opened?.writer.size);
    this.#reply({ kind: 'unavailable', trouble, message });
  }

  #abandon(): void {
    this.#given?.abandon();
    this.#given = undefined;
  }

  async #reopen(): Promise<void> {
    this.#reopening = true;
    try {
      this.#abandon();
      this.#take(await this.#opener.reopen());
    } catch (error) {
      this.#giveUp(error);
    }
    this.#reopening = false;
    if (this.#closing) this.#close();
  }

  #close(): void {
    this.#closing = true;
    if (this.#reopening) return;
    const opened = this.#opened;
    if (opened !== undefined) this.#work(() => opened.writer.close());
    this.#stopWaiting();
    this.#abandon();
    this.#last?.close();
    this.#port.close();
  }

  #reply(message: WriterReply, moved: ArrayBuffer[] = []): void {
    this.#port.postMessage(message, moved);
  }
}
