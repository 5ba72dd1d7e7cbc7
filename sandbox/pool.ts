import type { Child, ExitCause } from './child.js';
import type { Incident } from './options.js';
import { type EngineKind, SandboxError, type SandboxStatus } from './types.js';

/** A worker in the pool; only a busy one has an engine, only one that came up has a count of prompts. */
type Worker =
  | { state: 'starting'; child: Child }
  | { state: 'idle'; child: Child; prompts: number }
  | { state: 'busy'; child: Child; prompts: number; engine: EngineKind };

interface Waiting {
  engine: EngineKind;
  /** Whether it takes only a worker that nobody had before. */
  fresh: boolean;
  give(child: Child): void;
  refuse(error: SandboxError): void;
}

export interface PoolOptions {
  /** As many prompts run at once. */
  workers: number;
  /** Workers beyond these: when all are lent and one is given back that nobody else shall have, the next stands ready. */
  spare: number;
  promptsMax: number;
  /** Whether a worker that has just served is to be replaced for what it has grown to. */
  isWorn: (child: Child) => Promise<boolean>;
  spawn: () => Child;
  onIncident: (incident: Incident) => void;
}

const waitingMax = 4096;
/** A worker must have said `ready` by then. A Pi 4 under load takes a second. */
const startTimeoutMs = 20_000;
const backoffFirstMs = 100;
const backoffMaxMs = 30_000;
/** After its prompt, so that nobody waits for the look: the answer's end is being recorded and sent. */
const wornLookMs = 10;

/**
 * Keeps `workers` and `spare` processes warm, lends them out one prompt at a time, and replaces those that die or have served long
 * enough. One that dies without having been given work is replaced after a growing pause, so that a broken host is not
 * flooded with processes.
 */
export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #workers = new Map<Child, Worker>();
  readonly #leaving = new Set<Child>();
  readonly #worn = new WeakSet<Child>();
  readonly #waiting: Waiting[] = [];
  readonly #pauses = new Set<NodeJS.Timeout>();
  readonly #killed = { deadline: 0, out_of_memory: 0, crashed: 0, protocol: 0, aborted: 0 };
  #spawned = 0;
  #recycled = 0;
  #failures = 0;
  #closed = false;
  #firstReady: { resolve: () => void; reject: (error: Error) => void } | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Starts every worker; resolves when the first is ready, throws when one died before that. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#firstReady = { resolve, reject };
      const { workers, spare } = this.#options;
      for (let i = 0; i < workers + spare; i += 1) this.#spawn();
    });
  }

  /** A worker for one prompt, in the order of asking; `release` gives it back. */
  lease({ engine, fresh }: Pick<Waiting, 'engine' | 'fresh'>, signal: AbortSignal): Promise<Child> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(closedError());
      if (this.#waiting.length >= waitingMax)
        return reject(
          new SandboxError('engine_overloaded', `${waitingMax} prompts wait for a worker already.`),
        );
      const leave = () => {
        const at = this.#waiting.indexOf(entry);
        if (at !== -1) this.#waiting.splice(at, 1);
        entry.refuse(signal.reason as SandboxError);
      };
      const entry: Waiting = {
        engine,
        fresh,
        give: (child) => {
          signal.removeEventListener('abort', leave);
          resolve(child);
        },
        refuse: (error) => {
          signal.removeEventListener('abort', leave);
          reject(error);
        },
      };
      if (signal.aborted) return leave();
      signal.addEventListener('abort', leave);
      this.#waiting.push(entry);
      this.#serve();
    });
  }

  /**
   * Takes a worker back after its prompt; one that has gone meanwhile is known to have gone. `fresh`: nobody else shall have it.
   */
  release(child: Child, fresh: boolean): void {
    const worker = this.#workers.get(child);
    if (worker === undefined) return;
    if (worker.state !== 'busy') throw new Error('a worker that was not lent cannot be given back');
    this.#failures = 0;
    const prompts = worker.prompts + 1;
    if (fresh || prompts >= this.#options.promptsMax || this.#worn.has(child)) {
      this.#replace(child);
      return;
    }
    child.watchMemory(false);
    // Behind the others, so that they take turns.
    this.#workers.delete(child);
    this.#workers.set(child, { state: 'idle', child, prompts });
    this.#serve();
    this.#later(wornLookMs, () => void this.#look(child));
  }

  async #look(child: Child): Promise<void> {
    if (!(await this.#options.isWorn(child))) return;
    // Replaced now, or after the prompt that it was lent for meanwhile.
    const worker = this.#workers.get(child);
    if (worker?.state === 'idle') this.#replace(child);
    else if (worker !== undefined) this.#worn.add(child);
  }

  #replace(child: Child): void {
    this.#recycled += 1;
    this.#retire(child);
    this.#spawn();
  }

  #counts(): SandboxStatus['workers'] {
    const workers = { idle: 0, busy: 0, starting: 0 };
    for (const worker of this.#workers.values()) workers[worker.state] += 1;
    return workers;
  }

  status(): Pick<SandboxStatus, 'workers' | 'spawned' | 'killed' | 'recycled'> {
    return {
      workers: this.#counts(),
      spawned: this.#spawned,
      killed: { ...this.#killed },
      recycled: this.#recycled,
    };
  }

  /** Ends every worker; resolves when no process is left. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const pause of this.#pauses) clearTimeout(pause);
    for (const waiting of this.#waiting.splice(0)) waiting.refuse(closedError());
    for (const child of [...this.#workers.keys()]) this.#retire(child);
    this.#firstReady?.reject(closedError());
    await Promise.all([...this.#leaving].map((child) => child.exited));
  }

  #spawn(): void {
    if (this.#closed) return;
    const child = this.#options.spawn();
    this.#spawned += 1;
    this.#workers.set(child, { state: 'starting', child });
    const late = setTimeout(() => child.kill('stalled'), startTimeoutMs);
    child.onMessage = (message) => {
      clearTimeout(late);
      if (message.type !== 'ready') return child.kill('protocol');
      child.onMessage = undefined;
      this.#workers.set(child, { state: 'idle', child, prompts: 0 });
      this.#firstReady?.resolve();
      this.#firstReady = undefined;
      this.#serve();
    };
    void child.exited.then((cause) => {
      clearTimeout(late);
      this.#leaving.delete(child);
      this.#gone(child, cause);
    });
  }

  #serve(): void {
    let busy = this.#counts().busy;
    for (const worker of [...this.#workers.values()]) {
      if (worker.state !== 'idle') continue;
      if (busy >= this.#options.workers) return;
      const at = this.#waiting.findIndex(({ fresh }) => !fresh || worker.prompts === 0);
      const next = this.#waiting[at];
      if (next === undefined) {
        if (this.#needsFresh()) this.#replace(worker.child);
        continue;
      }
      this.#waiting.splice(at, 1);
      busy += 1;
      this.#workers.set(worker.child, { ...worker, state: 'busy', engine: next.engine });
      worker.child.watchMemory(true);
      next.give(worker.child);
    }
  }

  /** Whether more prompts wait for a fresh worker than workers are starting. */
  #needsFresh(): boolean {
    return this.#waiting.filter(({ fresh }) => fresh).length > this.#counts().starting;
  }

  #retire(child: Child): void {
    this.#workers.delete(child);
    this.#leaving.add(child);
    child.retire();
  }

  #gone(child: Child, cause: ExitCause): void {
    const worker = this.#workers.get(child);
    if (worker === undefined) return;
    this.#workers.delete(child);
    const counted = cause === 'stalled' || cause === 'retired' ? 'crashed' : cause;
    this.#killed[counted] += 1;
    this.#options.onIncident({
      cause: counted,
      child: 'worker',
      ...(worker.state === 'busy' ? { engine: worker.engine } : {}),
    });
    this.#firstReady?.reject(new Error(`a sandbox worker did not start (${cause})`));
    this.#firstReady = undefined;
    if (worker.state === 'busy') this.#spawn();
    else this.#spawnLater();
  }

  #spawnLater(): void {
    const pauseMs = Math.min(backoffFirstMs * 2 ** this.#failures, backoffMaxMs);
    this.#failures = Math.min(this.#failures + 1, 16);
    this.#later(pauseMs, () => this.#spawn());
  }

  /** Not after the end. */
  #later(ms: number, task: () => void): void {
    const pause = setTimeout(() => {
      this.#pauses.delete(pause);
      task();
    }, ms);
    this.#pauses.add(pause);
  }
}

/** For whoever asks after the end. */
export const closedError = (): SandboxError => new SandboxError('closed', 'The sandbox is closed.');
