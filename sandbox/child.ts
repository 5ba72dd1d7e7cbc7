import type { ChildProcess } from 'node:child_process';
import type { Duplex, Readable, Writable } from 'node:stream';
import { encodeFrame, FrameDecoder, gatherWrites } from './frames.js';
import type { Group } from './groups/group.js';
import type { ChildLimits, ChildProgram, Launcher } from './levels/level.js';
import { processorSeconds, residentBytes } from './memory.js';
import type { WatchChild } from './options.js';
import { type FromChild, frameBytesBase, readFromChild, type ToChild } from './protocol.js';
import { endLaunch, onPid, startLaunch } from './start.js';

/** Why a child was ended by us. */
export type KillCause = 'deadline' | 'out_of_memory' | 'protocol' | 'aborted' | 'stalled' | 'retired';
/** Why a child ended. */
export type ExitCause = KillCause | 'crashed';

export interface ChildOptions extends ChildProgram {
  launcher: Launcher;
  cwd: string;
  watch?: WatchChild | undefined;
  /** An open file that it reads. */
  file?: number;
}

/** How often the memory of a busy child is looked at. */
export const memoryLookMs = 100;
/** How often it is asked whether it lives. */
const pingMs = 5000;
/** After the process has gone its pipes may be held open by something else for this long. */
const pipesCloseMs = 200;
/** A retired child has this long to leave by itself. */
const retireMs = 500;
/** How much of what it wrote on stderr is kept, to tell an exhausted heap from a crash. */
const stderrKept = 4096;

/** One child process and its pipes. Frames that break the protocol get it killed; its exit is reported exactly once. */
export class Child {
  /** Resolves once the process has gone and its pipes are read to their end. */
  readonly exited: Promise<ExitCause>;
  /** Who listens now; without a listener only silence is right. */
  onMessage: ((message: FromChild) => void) | undefined;
  readonly limits: ChildLimits;
  readonly #process: ChildProcess;
  readonly #group: Group | undefined;
  readonly #in: Writable;
  readonly #out: Readable;
  readonly #decoder = new FrameDecoder(frameBytesBase);
  #pid: number | undefined;
  #cause: KillCause | undefined;
  #gone = false;
  #stderr = '';
  #watch: NodeJS.Timeout | undefined;
  #looking = false;
  #watched: ReturnType<WatchChild>;
  #pinging: NodeJS.Timeout | undefined;
  #held = false;
  readonly #exitListeners = new Set<(cause: ExitCause) => void>();
  #exit: ExitCause | undefined;

  constructor(options: ChildOptions) {
    this.limits = options.limits;
    const launch = options.launcher.command(options);
    const { child, group } = startLaunch(launch, {
      cwd: options.cwd,
      stdio: ['pipe', 'ignore', 'pipe'],
      file: options.file,
    });
    this.#process = child;
    this.#group = group;
    onPid(this.#process, launch, (pid) => {
      this.#pid = pid;
      this.#watched = options.watch?.(pid);
    });
    this.#in = this.#process.stdin as Writable;
    this.#out = this.#process.stdio[3] as Duplex;
    this.exited = new Promise((resolve) => this.#whenGone(resolve));
    void this.exited.then((cause) => {
      this.#exit = cause;
      for (const listener of this.#exitListeners) listener(cause);
    });
    // A broken pipe means that the child is going; its exit is what counts.
    for (const pipe of [this.#in, this.#out]) pipe.on('error', () => endLaunch(this.#process, this.#pid));
    this.#out.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-stderrKept);
    });
  }

  /** Calls the listener once it has exited, at once when it has already; returns the function that stops listening. */
  onExit(listener: (cause: ExitCause) => void): () => void {
    if (this.#exit !== undefined) listener(this.#exit);
    else this.#exitListeners.add(listener);
    return () => this.#exitListeners.delete(listener);
  }

  /** Id of the process that runs our program; at level strict bubblewrap tells it, a moment after the start. */
  get pid(): number | undefined {
    return this.#pid;
  }

  /** Resolves when the pipe can take more, or the child has gone. */
  send(message: ToChild): Promise<void> {
    return this.sendFrame(encodeFrame(message));
  }

  /** Like `send`, in one write with what is sent in the same turn of the event loop: for what alone gives the child nothing to do. */
  sendAhead(message: ToChild): Promise<void> {
    gatherWrites(this.#in);
    return this.send(message);
  }

  /** Like `send`, for a frame that is encoded already. */
  sendFrame(frame: Buffer): Promise<void> {
    if (this.#gone || this.#in.writableEnded || this.#in.destroyed) return Promise.resolve();
    const taken = this.#in.write(frame);
    gatherWrites(this.#in);
    if (taken) return Promise.resolve();
    return new Promise((resolve) => {
      const settle = () => {
        this.#in.off('drain', settle);
        this.#in.off('close', settle);
        resolve();
      };
      this.#in.on('drain', settle);
      this.#in.on('close', settle);
    });
  }

  /** The longest frame that it may send from now on. */
  limitFrames(bytesMax: number): void {
    this.#decoder.limit(bytesMax);
  }

  /** Stops or resumes reading what it says, so that a slow consumer slows it down. */
  hold(held: boolean): void {
    this.#held = held;
    if (held) this.#out.pause();
    else this.#out.resume();
  }

  /** SIGKILL. The first cause counts. */
  kill(cause: KillCause): void {
    if (this.#gone) return;
    this.#cause ??= cause;
    endLaunch(this.#process, this.#pid);
  }

  /** Whether it has used half of what it may, of memory or of processor time: time to replace it while nobody waits for it. */
  async isWorn(cpuSeconds: number): Promise<boolean> {
    if (this.#pid === undefined) return false;
    const [bytes, seconds] = await Promise.all([residentBytes(this.#pid), processorSeconds(this.#pid)]);
    return (bytes ?? 0) > this.limits.memoryBytes / 2 || (seconds ?? 0) > cpuSeconds / 2;
  }

  /** Lets it go: its stdin ends, so it leaves; what has not left soon is killed. */
  retire(): void {
    if (this.#gone) return;
    this.#cause ??= 'retired';
    this.onMessage = undefined;
    this.hold(false);
    this.#in.end();
    const timer = setTimeout(() => this.kill('retired'), retireMs);
    void this.exited.then(() => clearTimeout(timer));
  }

  /** Watches its resident memory, from now until told otherwise; beyond the limit it is killed. */
  watchMemory(watched: boolean): void {
    clearInterval(this.#watch);
    this.#watch = undefined;
    if (watched && !this.#gone) this.#watch = setInterval(() => void this.#look(), memoryLookMs);
  }

  async #look(): Promise<void> {
    if (this.#looking || this.pid === undefined) return;
    this.#looking = true;
    const bytes = await residentBytes(this.pid);
    this.#looking = false;
    if (bytes !== undefined && bytes > this.limits.memoryBytes) this.kill('out_of_memory');
  }

  /** It lives. From its first word on it is asked now and then; while nobody reads what it says it is not missed. */
  #heard(): void {
    if (this.#watched === undefined || this.#gone) return;
    this.#watched.beat();
    this.#pinging ??= setInterval(() => {
      if (this.#held) this.#watched?.beat();
      else void this.send({ type: 'ping' });
    }, pingMs).unref();
  }

  #read(chunk: Buffer): void {
    const { values, fault } = this.#decoder.push(chunk);
    for (const value of values) {
      // What it said after its fate was decided counts no more.
      if (this.#cause !== undefined) return;
      const message = readFromChild(value);
      this.#heard();
      if (message?.type === 'pong') continue;
      if (message === null || this.onMessage === undefined) this.kill('protocol');
      else this.onMessage(message);
    }
    if (fault !== undefined) this.kill('protocol');
  }

  #whenGone(resolve: (cause: ExitCause) => void): void {
    const finish = () => {
      if (this.#gone) return;
      this.#gone = true;
      clearInterval(this.#pinging);
      this.#watched?.end();
      this.watchMemory(false);
      resolve(this.#cause ?? this.#causeOfItsOwn());
    };
    // Seen about once in a hundred kills: the process had ended and its pipes were closed, but SIGCHLD, which makes Node look for it,
    // was lost. Sent once more it finds it.
    this.#out.on('close', () => {
      const timer = setTimeout(() => process.kill(process.pid, 'SIGCHLD'), pipesCloseMs);
      void this.exited.then(() => clearTimeout(timer));
    });
    this.#process.on('error', finish);
    this.#process.on('close', finish);
    this.#process.on('exit', () => {
      this.hold(false);
      const timer = setTimeout(() => {
        for (const pipe of this.#process.stdio) pipe?.destroy();
        finish();
      }, pipesCloseMs);
      void this.exited.then(() => clearTimeout(timer));
    });
  }

  #causeOfItsOwn(): ExitCause {
    if (this.#group?.outOfMemory()) return 'out_of_memory';
    return /out of memory|allocation failed|unable to grow/i.test(this.#stderr) ? 'out_of_memory' : 'crashed';
  }
}
