import type { SandboxReport } from '../../runtime/contracts/escape.js';
import {
  type EngineView,
  type PromptRunner,
  SandboxError,
  type SandboxErrorCode,
} from '../../runtime/contracts/sandbox.js';
import type { PromptEvent, PromptJob, RunOptions } from '../../sandbox/types.js';
import type { Device } from './device.js';
import type { Life } from './virtual-time.js';

/** How a model server behaves; the schedule of faults sets it. */
export type EngineMode =
  | 'well'
  | 'down'
  | 'slow'
  /** Accepts and never answers. */
  | 'silent'
  /** Answers what is no answer. */
  | 'lying'
  | 'overloaded'
  /** Breaks off in the middle. */
  | 'dying';

export const modelEngines = ['ollama', 'openai'] as const;
export type ModelEngine = (typeof modelEngines)[number];

/** The model servers: the one on this device, and one elsewhere in the house. They outlive the appliance. */
export class ModelServers {
  readonly mode: Record<ModelEngine, EngineMode> = { ollama: 'well', openai: 'well' };
  /** Since when each is well. */
  readonly wellSinceMs: Record<ModelEngine, number> = { ollama: 0, openai: 0 };
  readonly running: Record<ModelEngine, number> = { ollama: 0, openai: 0 };
}

export interface EnginesOptions {
  servers: ModelServers;
  device: Device;
  life: Life;
  random: () => number;
  workers: number;
  idleTimeoutMs: number;
  connectTimeoutMs: number;
  /** Chance that a worker dies while it runs a prompt. */
  deathChance: () => number;
  /** Told of each call of a model server; the signal stands for the request. */
  onCall: (engine: string, signal: AbortSignal) => void;
  /** Calls a failed engine so often again. Only to show that somebody notices. */
  repeats: number;
}

const workerStartMs = 1500;
const deaths = new Set<SandboxErrorCode>(['crashed', 'out_of_memory']);
const secondsAToken = { ollama: 0.11, openai: 0.025 } as const;

/**
 * Stands for the sandbox and what is behind it: workers that are busy, die and start anew, and model servers whose answers take as long as
 * the heat, the length and the others at work make them. What goes wrong ends in the very errors that the real one throws.
 */
export class SimulatedEngines implements PromptRunner {
  readonly #options: EnginesOptions;
  readonly #waiting: (() => void)[] = [];
  #idle: number;
  #busy = 0;
  #starting = 0;
  #deaths = 0;
  #views: EngineView[];
  #refreshing: Promise<EngineView[]> | undefined;
  /** Ends each call that a model server works on. */
  readonly #calls = new Set<() => void>();

  constructor(options: EnginesOptions) {
    this.#options = options;
    this.#idle = options.workers;
    this.#views = this.#look();
  }

  engines(): EngineView[] {
    return this.#views.map((view) => ({ ...view, models: [...view.models] }));
  }

  /** Nobody in the simulation asks for code. */
  runScript(): Promise<never> {
    return Promise.reject(new Error('the simulation runs no scripts'));
  }

  refreshEngines(): Promise<EngineView[]> {
    this.#refreshing ??= this.#pause(300).then(() => {
      this.#views = this.#look();
      this.#refreshing = undefined;
      return this.engines();
    });
    return this.#refreshing;
  }

  status(): SandboxReport {
    return {
      level: 'strict',
      workers: { idle: this.#idle, busy: this.#busy, starting: this.#starting },
      spawned: this.#options.workers + this.#deaths,
      killed: { deadline: 0, out_of_memory: 0, crashed: this.#deaths, protocol: 0, aborted: 0 },
      recycled: 0,
      holds: [],
      lacks: [],
      escape: { state: 'off', attempts: [] },
    };
  }

  async *run(job: PromptJob, options: RunOptions): AsyncGenerator<PromptEvent> {
    const ended = new Ending(this.#options.life, options);
    let again = this.#options.repeats;
    let died = false;
    try {
      await this.#lease(ended);
      try {
        for (;;) {
          try {
            yield* this.#speak(job, ended);
            return;
          } catch (error) {
            died = error instanceof SandboxError && deaths.has(error.code);
            if (again === 0 || job.engine === 'navigator') throw error;
            again--;
          }
        }
      } finally {
        this.#busy--;
        if (died) this.#renew();
        else this.#free();
      }
    } finally {
      ended.clear();
    }
  }

  /** A worker dies outside any prompt. */
  kill(): void {
    if (this.#idle === 0) return;
    this.#idle--;
    this.#renew();
  }

  /** The process is gone with its connections: a model server that notices stops working for it. */
  cut(): void {
    for (const hangUp of this.#calls) hangUp();
  }

  async *#speak(job: PromptJob, ended: Ending): AsyncGenerator<PromptEvent> {
    const { engine } = job;
    const text = 'The answer is that everything is well. ';
    if (engine === 'navigator') {
      await ended.pause(25);
      yield { type: 'delta', text };
      yield { type: 'done', finishReason: 'stop', model: job.model };
      return;
    }
    if (engine === 'embedded') throw failure('engine_unreachable');
    const { device, servers, random, life, onCall } = this.#options;
    onCall(engine, ended.signal);
    const mode = servers.mode[engine];
    if (random() < this.#options.deathChance()) {
      await ended.pause(200 + 3000 * random());
      throw failure(random() < 0.3 ? 'out_of_memory' : 'crashed');
    }
    if (mode === 'down') {
      await ended.pause(random() < 0.5 ? 2 : this.#options.connectTimeoutMs);
      throw failure('engine_unreachable');
    }
    if (mode === 'overloaded') {
      await ended.pause(5);
      throw failure('engine_overloaded');
    }
    if (mode === 'silent') {
      await ended.pause(this.#options.idleTimeoutMs);
      throw failure('engine_stalled');
    }
    const tokensMax = 'sampling' in job ? (job.sampling.maxTokens ?? 400) : 400;
    const tokens = Math.max(8, Math.min(tokensMax, Math.round(-Math.log(1 - random()) * 110)));
    const local = engine === 'ollama';
    const began = local ? 900 : 300;
    const hangUp = this.#begin(engine);
    try {
      const factor = mode === 'slow' ? 6 : 1;
      const pace = () =>
        (secondsAToken[engine] * 1000 * factor * Math.max(1, servers.running[engine] / (local ? 1 : 3))) /
        (local ? device.speed() : 1);
      await ended.pause(began * factor);
      if (mode === 'lying') throw failure('engine_garbage');
      yield { type: 'delta', text, model: modelOf(engine) };
      // In three pieces, so that a processor that slows meanwhile is felt.
      for (let piece = 0; piece < 3; piece++) {
        await ended.pause((tokens / 3) * pace());
        device.advance(life.clock.monotonicMs());
        const now = servers.mode[engine];
        if (now === 'down' || (now === 'dying' && piece === 1)) throw failure('engine_died');
        yield { type: 'delta', text };
      }
      yield {
        type: 'done',
        finishReason: 'stop',
        model: modelOf(engine),
        usage: { prompt_tokens: 60, completion_tokens: tokens },
      };
    } finally {
      hangUp();
    }
  }

  /** A model server begins to work; what is returned ends it, once. */
  #begin(engine: ModelEngine): () => void {
    const { device, servers, life } = this.#options;
    const now = () => life.clock.monotonicMs();
    const local = engine === 'ollama';
    device.advance(now());
    servers.running[engine]++;
    if (local) {
      device.running++;
      device.modelLoaded = true;
    }
    const hangUp = () => {
      if (!this.#calls.delete(hangUp)) return;
      device.advance(now());
      servers.running[engine]--;
      if (local) device.running--;
    };
    this.#calls.add(hangUp);
    return hangUp;
  }

  async #lease(ended: Ending): Promise<void> {
    while (this.#idle === 0) {
      await ended.race(new Promise<void>((resolve) => this.#waiting.push(resolve)));
    }
    this.#idle--;
    this.#busy++;
  }

  #free(): void {
    this.#idle++;
    this.#waiting.shift()?.();
  }

  /** Another takes the place of one that died. */
  #renew(): void {
    this.#deaths++;
    this.#starting++;
    this.#options.life.setTimer(() => {
      this.#starting--;
      this.#free();
    }, workerStartMs);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.life.setTimer(resolve, ms));
  }

  #look(): EngineView[] {
    const { mode } = this.#options.servers;
    return [
      ...modelEngines.map((name): EngineView => {
        const found = mode[name] !== 'down';
        return found
          ? { name, state: 'found', models: [modelOf(name)], defaultModel: modelOf(name) }
          : { name, state: 'absent', models: [], problem: 'It does not answer.' };
      }),
      { name: 'navigator', state: 'found', models: ['navigator'], defaultModel: 'navigator' },
    ];
  }
}

const modelOf = (engine: ModelEngine) => (engine === 'ollama' ? 'llama3.2:1b' : 'qwen2.5:7b');

function failure(code: SandboxErrorCode): SandboxError {
  return new SandboxError(code, `${code} (simulated)`);
}

/** The ways in which a running prompt ends before its answer: its deadline, and whoever asked for it. */
class Ending {
  readonly #life: Life;
  readonly signal: AbortSignal;
  readonly #clearDeadline: () => void;
  #reject: ((error: Error) => void) | undefined;
  #error: Error | undefined;
  readonly #abort = () => this.#end('aborted');

  constructor(life: Life, { timeoutMs, signal }: RunOptions) {
    this.#life = life;
    this.signal = signal;
    this.#clearDeadline = life.setTimer(() => this.#end('deadline'), timeoutMs);
    if (signal.aborted) this.#abort();
    else signal.addEventListener('abort', this.#abort);
  }

  /** Resolves after the time; throws SandboxError when the prompt has ended before. */
  async pause(ms: number): Promise<void> {
    let clear = () => {};
    try {
      await this.race(
        new Promise<void>((resolve) => {
          clear = this.#life.setTimer(resolve, ms);
        }),
      );
    } finally {
      clear();
    }
  }

  race(work: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#error !== undefined) return reject(this.#error);
      this.#reject = reject;
      work.then(resolve, reject);
    });
  }

  clear(): void {
    this.#clearDeadline();
    this.signal.removeEventListener('abort', this.#abort);
  }

  #end(code: 'aborted' | 'deadline'): void {
    this.#error = failure(code);
    this.#reject?.(this.#error);
  }
}
