import { Worker } from 'node:worker_threads';
import { Beats, type Heart } from './beats.js';
import type { Verdict } from './judge.js';
import type { WatchdogData, WatchdogReply, WatchdogRequest } from './protocol.js';

/** How often the HTTP thread says that it lives. */
const httpBeatMs = 500;

export interface WatchdogOptions {
  /** How long each may be silent. */
  httpMs: number;
  threadMs: number;
  sandboxMs: number;
  /** How long closing may take. */
  closeMs: number;
  onLate: (verdict: Verdict) => void;
  onStuck: (verdict: Verdict) => void;
  onBack: (verdict: Verdict) => void;
  onProblem: (problem: string) => void;
}

/** What a sandbox's supervisor tells of one of its processes. */
export interface ChildWatch {
  /** It was heard, or nobody listened to it. */
  beat(): void;
  /** It has gone. */
  end(): void;
}

/** The side of the watchdog that lives in the HTTP thread: hands out hearts, beats for this thread, passes on what the watchdog says. */
export class Watchdog {
  readonly ledger: Heart;
  readonly pool: Heart;
  readonly #http: Heart;
  readonly #beats = new Beats();
  readonly #options: WatchdogOptions;
  readonly #thread: Worker;
  #beating: NodeJS.Timeout | undefined;
  #stuck = 0;
  #told = () => {};

  constructor(options: WatchdogOptions) {
    this.#options = options;
    const { httpMs, threadMs, closeMs } = options;
    this.#http = this.#take('http', httpMs);
    this.ledger = this.#take('ledger', threadMs);
    this.pool = this.#take('pool', threadMs);
    const data: WatchdogData = { memory: this.#beats.memory, closeMs, silentMs: httpMs };
    this.#thread = new Worker(new URL('./thread.js', import.meta.url), {
      workerData: data,
      // It holds next to nothing.
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 },
    });
    this.#thread.unref();
    this.#thread.on('message', (reply: WatchdogReply) => this.#hear(reply));
    this.#thread.on('error', (error) => options.onProblem(`the watchdog's thread failed: ${error.message}`));
    this.#thread.on('exit', () => this.#told());
  }

  /** Parts that were found stuck since the start. */
  get stuck(): number {
    return this.#stuck;
  }

  /**
   * The appliance serves: from now on silence counts. Resolves when whoever keeps us has been told, for a server that ends before it served is
   * not started again.
   */
  ready(): Promise<void> {
    this.#http.beat();
    this.#beating = setInterval(() => this.#http.beat(), httpBeatMs);
    this.#beating.unref();
    const told = new Promise<void>((resolve) => {
      this.#told = resolve;
    });
    this.#say({ kind: 'ready' });
    return told;
  }

  /** Watches a process of the sandbox from its first heartbeat on; undefined when too many are watched. */
  child(pid: number): ChildWatch | undefined {
    const heart = this.#beats.take({ part: 'sandbox', pid, silentMsMax: this.#options.sandboxMs });
    return heart && { beat: () => heart.beat(), end: () => heart.free() };
  }

  /** Nothing is missed any more. */
  closing(): void {
    clearInterval(this.#beating);
    this.#say({ kind: 'closing' });
  }

  async close(): Promise<void> {
    clearInterval(this.#beating);
    const ended = new Promise<void>((resolve) => this.#thread.once('exit', () => resolve()));
    // Whoever waits for its end may have nothing else that keeps the process.
    this.#thread.ref();
    this.#say({ kind: 'end' });
    await ended;
  }

  #take(part: 'http' | 'ledger' | 'pool', silentMsMax: number): Heart {
    const heart = this.#beats.take({ part, silentMsMax });
    if (heart === undefined) throw new Error('the watchdog has no slot for its own threads');
    return heart;
  }

  #say(request: WatchdogRequest): void {
    this.#thread.postMessage(request);
  }

  #hear(reply: WatchdogReply): void {
    const { onLate, onStuck, onBack, onProblem } = this.#options;
    if (reply.kind === 'told') this.#told();
    else if (reply.kind === 'problem') onProblem(reply.problem);
    else if (reply.kind === 'late') onLate(reply.verdict);
    else if (reply.kind === 'back') onBack(reply.verdict);
    else {
      this.#stuck += 1;
      onStuck(reply.verdict);
    }
  }
}
