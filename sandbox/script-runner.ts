import type { Child, ExitCause } from './child.js';
import type { Incident } from './options.js';
import type { FromChild } from './protocol.js';
import type { ScriptFault, ScriptJob, ScriptOptions, ScriptOutcome } from './types.js';

/** Scripts that run at once; each is a process of some 60 MB. */
const atOnce = 2;
const waitingMax = 32;
/** A call's arguments, and what a process that keeps to its limits may say beyond them. */
const argumentsCharsMax = 65_536;
const messageCharsMax = 1000;

/** Installed packages that a script host imports. */
export const scriptPackages = [
  'quickjs-emscripten-core',
  '@jitl/quickjs-wasmfile-release-sync',
  '@jitl/quickjs-ffi-types',
];

const endings: Record<ExitCause, [ScriptFault, string]> = {
  deadline: ['deadline', 'It was not done in time; its process was killed.'],
  out_of_memory: ['memory', 'Its process used more memory than allowed and was killed.'],
  protocol: ['protocol', 'Its process broke the protocol and was killed.'],
  aborted: ['aborted', 'It was given up.'],
  stalled: ['crashed', 'Its process did not start.'],
  retired: ['aborted', 'The sandbox is closing.'],
  crashed: ['crashed', 'Its process crashed.'],
};

/** Runs scripts, each in a process of its own that serves nothing before and nothing after; a few at once, the others wait. */
export class ScriptRunner {
  readonly #spawn: () => Child;
  readonly #onIncident: (incident: Incident) => void;
  readonly #running = new Set<Child>();
  readonly #waiting: (() => void)[] = [];
  #places = atOnce;
  #closed = false;

  constructor(options: { spawn: () => Child; onIncident: (incident: Incident) => void }) {
    this.#spawn = options.spawn;
    this.#onIncident = options.onIncident;
  }

  async run(job: ScriptJob, options: ScriptOptions): Promise<ScriptOutcome> {
    const ending = new AbortController();
    const end = (cause: 'deadline' | 'aborted') => ending.abort(cause);
    const abort = () => end('aborted');
    const timer = setTimeout(() => end('deadline'), options.timeoutMs);
    if (options.signal.aborted) abort();
    else options.signal.addEventListener('abort', abort, { once: true });
    try {
      if (this.#waiting.length >= waitingMax)
        return { fault: 'busy', message: 'Too many scripts wait already.', log: '' };
      if (!(await this.#place(ending.signal))) return outcomeOf(ending.signal.reason as ExitCause);
      try {
        return await this.#execute(job, options, ending.signal);
      } finally {
        this.#places += 1;
        this.#waiting.shift()?.();
      }
    } finally {
      clearTimeout(timer);
      options.signal.removeEventListener('abort', abort);
    }
  }

  /** Kills what runs; resolves when no process is left. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const child of this.#running) child.kill('aborted');
    await Promise.all([...this.#running].map((child) => child.exited));
  }

  /** Waits for a place and takes it; false when the signal came first. */
  async #place(signal: AbortSignal): Promise<boolean> {
    while (this.#places === 0 && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const leave = () => {
          const at = this.#waiting.indexOf(give);
          if (at !== -1) this.#waiting.splice(at, 1);
          resolve();
        };
        const give = () => {
          signal.removeEventListener('abort', leave);
          resolve();
        };
        signal.addEventListener('abort', leave, { once: true });
        this.#waiting.push(give);
      });
    }
    if (signal.aborted || this.#closed) {
      // Whoever was woken for nothing wakes the next.
      if (this.#places > 0) this.#waiting.shift()?.();
      return false;
    }
    this.#places -= 1;
    return true;
  }

  #execute(job: ScriptJob, options: ScriptOptions, ending: AbortSignal): Promise<ScriptOutcome> {
    const child = this.#spawn();
    this.#running.add(child);
    child.watchMemory(true);
    const calls = new AbortController();
    const kill = () => child.kill(ending.reason as 'deadline' | 'aborted');
    if (ending.aborted) kill();
    else ending.addEventListener('abort', kill, { once: true });
    return new Promise((resolve) => {
      let done = false;
      let said = false;
      let called = 0;
      child.onMessage = (message) => {
        if (message.type === 'ready' && !said) {
          said = true;
          void child.send({ type: 'script', job });
        } else if (said && message.type === 'call' && isCallOf(job, message, called)) {
          called += 1;
          void this.#answer(child, message, options, calls.signal);
        } else if (said && message.type === 'ended' && keepsTo(job, message)) {
          done = true;
          const { type: _, ...outcome } = message;
          resolve(outcome);
          child.retire();
        } else child.kill('protocol');
      };
      void child.exited.then((cause) => {
        this.#running.delete(child);
        calls.abort();
        ending.removeEventListener('abort', kill);
        if (done) return;
        if (cause !== 'retired') this.#onIncident({ cause, child: 'script' });
        resolve(outcomeOf(cause));
      });
    });
  }

  async #answer(
    child: Child,
    { id, name, args }: Extract<FromChild, { type: 'call' }>,
    { call }: ScriptOptions,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      const json = await call(name, args, signal);
      await child.send({ type: 'returned', id, json });
    } catch (error) {
      const message = error instanceof Error ? error.message : 'it failed';
      await child.send({ type: 'returned', id, error: message.slice(0, messageCharsMax) });
    }
  }
}

/** Whether it may make this call now: a function that it was given, in order, not too many, not too long. */
function isCallOf(job: ScriptJob, call: Extract<FromChild, { type: 'call' }>, called: number): boolean {
  const { id, name, args } = call;
  const fits = called < job.callsMax && args.length <= argumentsCharsMax;
  return id === called + 1 && job.functions.includes(name) && fits;
}

function keepsTo({ outputCharsMax }: ScriptJob, ended: Extract<FromChild, { type: 'ended' }>): boolean {
  const said =
    'fault' in ended ? ended.message.length <= messageCharsMax : ended.value.length <= outputCharsMax;
  return said && ended.log.length <= outputCharsMax;
}

function outcomeOf(cause: ExitCause): ScriptOutcome {
  const [fault, message] = endings[cause];
  return { fault, message, log: '' };
}
