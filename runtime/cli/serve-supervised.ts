import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { keeperVariable } from '../watchdog/keeper-variable.js';
import { type CliIo, exitCodes } from './io.js';
import { causeVariable, restartsVariable } from './restart-variables.js';

const keeperFd = 3;

/** How often we look whether the server is still heard. */
const lookMs = 500;
/** A look that comes so late: we stood still ourselves, and nothing is blamed for that time. */
const lateMs = 4 * lookMs;
/** The server's watchdog looks every half second; this much later than it may be silent it is taken for stopped as a whole. */
const silentSlackMs = 3000;
/** Time to end for a server that was asked a second time. */
const secondMs = 500;
const lineCharsMax = 4096;

export interface SupervisionOptions {
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  io: CliIo;
  /** Wait before the first restart, doubled each time up to the longest; anew after a life of `stableMs`. */
  backoffFirstMs?: number;
  backoffMaxMs?: number;
  stableMs?: number;
}

/** How one process of the server ended. */
interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Whether it had come to serve. */
  wasReady: boolean;
  /** Why we killed it, when we did. */
  killedFor: string | undefined;
  livedMs: number;
}

type Message =
  | { kind: 'ready'; closeMs: number; silentMs: number }
  | { kind: 'alive' }
  | { kind: 'stuck'; why: string }
  | { kind: 'closing' };

/**
 * Runs the server as a child and starts it again, after a growing pause, when it dies, is stuck or stops as a whole. It holds next to
 * nothing, so that little can go wrong in it. The child has a session of its own: Ctrl-C reaches us alone, and we pass it on once. When
 * we are killed, the child notices the broken pipe and closes.
 *
 * A server that ends before it ever served is not started again: what it says is for a person to read. Answers its exit code; 128 and the
 * number of the signal when one ended it.
 */
export async function superviseServer(options: SupervisionOptions): Promise<number> {
  const { io, backoffFirstMs = 250, backoffMaxMs = 30_000, stableMs = 60_000 } = options;
  const end = new End(io);
  let hasServed = false;
  let pauseMs = backoffFirstMs;
  let cause: string | undefined;
  try {
    for (let restarts = 0; ; restarts++) {
      const ending = await new Life(options, end, { cause, restarts }).ended;
      hasServed ||= ending.wasReady;
      if (end.signals > 0 || ending.code === 0 || !hasServed) return exitCodeOf(ending);
      if (ending.wasReady && ending.livedMs >= stableMs) pauseMs = backoffFirstMs;
      cause = causeOf(ending);
      io.err(`The server ended (${cause}); it is started again in ${pauseMs} ms.\n`);
      if (await end.within(pauseMs)) return exitCodes.ok;
      pauseMs = Math.min(pauseMs * 2, backoffMaxMs);
    }
  } finally {
    end.release();
  }
}

function exitCodeOf({ code, signal }: Ending): number {
  if (code !== null) return code;
  return 128 + (signal === null ? 0 : constants.signals[signal]);
}

function causeOf({ code, signal, killedFor }: Ending): string {
  return killedFor ?? (signal === null ? `exit code ${code}` : `signal ${signal}`);
}

/** The signals that ask us to end. */
class End {
  /** Told of each signal while a process of the server lives. */
  onSignal: ((signal: 'SIGINT' | 'SIGTERM') => void) | undefined;
  signals = 0;
  readonly release: () => void;
  #wake: () => void = () => undefined;

  constructor(io: CliIo) {
    this.release = io.onSignal((signal) => {
      this.signals += 1;
      this.onSignal?.(signal);
      this.#wake();
    });
  }

  /** Waits; true when a signal came before the time was over. */
  async within(ms: number): Promise<boolean> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => undefined;
    return this.signals > 0;
  }
}

/** One process of the server, from its start to its end. */
class Life {
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcess;
  readonly #end: End;
  readonly #startedMs = performance.now();
  readonly #looking: NodeJS.Timeout;
  #deadline: NodeJS.Timeout | undefined;
  #times: { closeMs: number; silentMs: number } | undefined;
  #closing = false;
  #killedFor: string | undefined;
  #heardMs = 0;
  #lookedMs = performance.now();
  #line = '';

  constructor(
    { command, args, env }: SupervisionOptions,
    end: End,
    { cause, restarts }: { cause: string | undefined; restarts: number },
  ) {
    this.#end = end;
    this.#child = spawn(command, args, {
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
      env: {
        ...env,
        [keeperVariable]: String(keeperFd),
        ...(cause === undefined ? {} : { [causeVariable]: cause, [restartsVariable]: String(restarts) }),
      },
    });
    const pipe = this.#child.stdio[keeperFd] as Readable;
    pipe.setEncoding('utf8').on('data', (text: string) => this.#read(text));
    // It breaks with the child, whose end is what counts.
    pipe.on('error', () => pipe.destroy());
    this.#looking = setInterval(() => this.#look(), lookMs);
    end.onSignal = (signal) => this.#pass(signal);
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('exit', (code, signal) => resolve(this.#ending(code, signal)));
    });
  }

  #ending(code: number | null, signal: NodeJS.Signals | null): Ending {
    clearInterval(this.#looking);
    clearTimeout(this.#deadline);
    this.#end.onSignal = undefined;
    return {
      code,
      signal,
      wasReady: this.#times !== undefined,
      killedFor: this.#killedFor,
      livedMs: performance.now() - this.#startedMs,
    };
  }

  /** The first signal closes it with grace, within the time that it said it needs; the second ends it at once. */
  #pass(signal: 'SIGINT' | 'SIGTERM'): void {
    this.#child.kill(signal);
    clearTimeout(this.#deadline);
    if (this.#end.signals > 1) this.#killIn(secondMs, 'asked to end a second time');
    else if (this.#times !== undefined)
      this.#killIn(this.#times.closeMs + lateMs, 'it did not close in its time');
  }

  #killIn(ms: number, why: string): void {
    this.#deadline = setTimeout(() => this.#kill(why), ms);
  }

  #kill(why: string): void {
    this.#killedFor ??= why;
    this.#child.kill('SIGKILL');
  }

  #read(text: string): void {
    const lines = (this.#line + text).split('\n');
    this.#line = (lines.pop() ?? '').slice(0, lineCharsMax);
    for (const line of lines) this.#hear(JSON.parse(line) as Message);
  }

  #hear(message: Message): void {
    this.#heardMs = performance.now();
    if (message.kind === 'ready') this.#times = message;
    else if (message.kind === 'closing') this.#closing = true;
    else if (message.kind === 'stuck') this.#kill(message.why);
  }

  /** A server whose watchdog is not heard has stopped as a whole. One that closes has its time from the signal. */
  #look(): void {
    const now = performance.now();
    if (now - this.#lookedMs > lateMs) this.#heardMs = now;
    this.#lookedMs = now;
    if (this.#times === undefined || this.#closing || this.#end.signals > 0) return;
    const silentMs = now - this.#heardMs;
    if (silentMs > this.#times.silentMs + silentSlackMs)
      this.#kill(`no heartbeat for ${Math.round(silentMs)} ms`);
  }
}
