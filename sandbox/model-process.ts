import type { Child, ExitCause } from './child.js';
import { failureOf } from './failures.js';
import {
  abortedError,
  type GenerateEnd,
  type GenerateOptions,
  KeptTokens,
  ModelLanes,
} from './model-lanes.js';
import { type ModelFile, notInstalled } from './models.js';
import type { EmbeddedOptions, Incident } from './options.js';
import type { LoadFault } from './protocol.js';
import { Turns } from './turns.js';
import { SandboxError } from './types.js';

export interface ModelProcessOptions {
  /** A new process that can read the file, and the path under which it does; or why it could not. */
  spawn: (file: string) => { child: Child; file: string } | string;
  /** The GGUF file to load now, or why there is none. */
  modelFile: () => ModelFile;
  /** Why the file must not be loaded; asked before each load. */
  refusal: (file: string) => Promise<string | undefined>;
  embedded: EmbeddedOptions;
  llamaPackage: string;
  monotonicMs: () => number;
  onIncident: (incident: Incident) => void;
}

interface Loaded {
  lanes: ModelLanes;
  id: string;
}

type State =
  | { name: 'none' }
  | { name: 'failed'; problem: string; retryAtMs: number }
  | { name: 'loading'; loaded: Promise<Loaded> }
  | { name: 'loaded'; loaded: Loaded };

/** After a failed load the next try waits this long, doubled each time. */
const retryFirstMs = 5000;
const retryMaxMs = 60_000;
const faults: Record<LoadFault, string> = {
  file: 'The model file is damaged: what it says of itself does not fit its size.',
  package: notInstalled,
  binary: 'node-llama-cpp has no native library that runs on this machine (Linux needs glibc 2.34 or later).',
  model: 'The model file cannot be loaded; it is damaged, or of a kind that this llama.cpp does not know.',
  context: 'There is not enough memory for the context; lower engines.embedded.context_tokens.',
};

/**
 * The process that holds the embedded model: loaded at first use, as many answers at once as it has sequences, started anew after it died,
 * let go when nobody has asked it for some time.
 */
export class ModelProcess {
  readonly #options: ModelProcessOptions;
  readonly #children = new Set<Child>();
  #state: State = { name: 'none' };
  #failures = 0;
  readonly #turns: Turns;
  #resting: NodeJS.Timeout | undefined;
  /** When nobody was served any more. */
  #idleSinceMs = 0;
  #closed = false;

  constructor(options: ModelProcessOptions) {
    this.#options = options;
    this.#turns = new Turns(options.embedded.sequences);
  }

  /** Why the last load failed; undefined when it did not, or when it is time to try again. */
  problem(): string | undefined {
    const state = this.#state;
    if (state.name !== 'failed' || state.retryAtMs <= this.#options.monotonicMs()) return undefined;
    return state.problem;
  }

  /** Loads the model unless it is loaded. Throws SandboxError `engine_unreachable` with what to do. */
  async load(): Promise<void> {
    await this.#loaded();
    this.#rest();
  }

  /** Whether the model is in memory now. */
  isLoaded(): boolean {
    return this.#state.name === 'loaded';
  }

  /** Whether it is in memory and nobody has asked it for so long. */
  isIdle(idleMs: number): boolean {
    return (
      this.isLoaded() && this.#turns.taken === 0 && this.#options.monotonicMs() - this.#idleSinceMs >= idleMs
    );
  }

  /**
   * Generates one answer, or the vectors of some texts, when a sequence is free. When the process dies in the middle of an answer, the model
   * is loaded once more and goes on behind the tokens that were said. Throws SandboxError.
   */
  async generate(request: GenerateOptions): Promise<GenerateEnd> {
    const { signal } = request;
    const giveBack = await this.#turns.take(signal).catch(() => {
      throw abortedError();
    });
    clearTimeout(this.#resting);
    const kept = new KeptTokens();
    try {
      return await this.#ask(request, kept);
    } catch (error) {
      if (!isDeath(error) || kept.ids === undefined || signal.aborted || this.#closed) throw error;
      return await this.#ask(request, kept);
    } finally {
      giveBack();
      this.#rest();
    }
  }

  /** Gives the memory of the model back, after the answers that wait; the next prompt loads what is chosen then. */
  async unload(): Promise<void> {
    clearTimeout(this.#resting);
    const { signal } = new AbortController();
    const turns = Array.from({ length: this.#options.embedded.sequences }, () => this.#turns.take(signal));
    const all = await Promise.all(turns);
    try {
      const state = this.#state;
      if (state.name === 'loading') await state.loaded.catch(() => undefined);
      if (this.#state.name === 'loaded') {
        const { child } = this.#state.loaded.lanes;
        child.retire();
        await child.exited;
      }
      this.#failures = 0;
      if (this.#state.name === 'failed') this.#state = { name: 'none' };
    } finally {
      for (const giveBack of all) giveBack();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#resting);
    for (const child of this.#children) child.retire();
    await Promise.all([...this.#children].map((child) => child.exited));
  }

  async #ask(request: GenerateOptions, kept: KeptTokens): Promise<GenerateEnd> {
    const { lanes, id } = await this.#loaded();
    if (request.signal.aborted) throw abortedError();
    if (request.model !== id) throw failureOf('embedded', 'model_not_found', {});
    return lanes.ask(request, kept);
  }

  /** While nobody is served: lets the model go after its keep-alive. */
  #rest(): void {
    const { keep_alive_ms: keepMs } = this.#options.embedded;
    clearTimeout(this.#resting);
    this.#idleSinceMs = this.#options.monotonicMs();
    if (this.#closed || keepMs === 0 || this.#turns.taken > 0 || this.#state.name !== 'loaded') return;
    this.#resting = setTimeout(() => void this.unload(), keepMs).unref();
  }

  async #loaded(): Promise<Loaded> {
    const state = this.#state;
    if (state.name === 'loaded' || state.name === 'loading') return state.loaded;
    if (this.#closed) throw new SandboxError('closed', 'The sandbox is closed.');
    if (state.name === 'failed') {
      const waitMs = Math.ceil(state.retryAtMs - this.#options.monotonicMs());
      if (waitMs > 0) throw new SandboxError('engine_unreachable', state.problem, { retryAfterMs: waitMs });
    }
    const loaded = this.#load();
    this.#state = { name: 'loading', loaded };
    return loaded;
  }

  async #load(): Promise<Loaded> {
    const found = this.#options.modelFile();
    if ('problem' in found) return this.#fail(found.problem);
    const refusal = await this.#options.refusal(found.file);
    if (refusal !== undefined) return this.#fail(refusal);
    if (this.#closed) return this.#fail('The sandbox is closed.');
    const spawned = this.#options.spawn(found.file);
    if (typeof spawned === 'string') return this.#fail(spawned);
    const { child, file } = spawned;
    this.#children.add(child);
    child.watchMemory(true);
    const loaded = await this.#awaitLoad(child, file);
    child.onMessage = undefined;
    if (loaded !== true) {
      child.retire();
      return this.#fail(loaded);
    }
    child.watchMemory(false);
    this.#failures = 0;
    const lanes = new ModelLanes(child, this.#options.embedded.idle_timeout_ms);
    this.#state = { name: 'loaded', loaded: { lanes, id: found.id } };
    return this.#state.loaded;
  }

  #fail(problem: string): never {
    const pauseMs = Math.min(retryFirstMs * 2 ** this.#failures, retryMaxMs);
    this.#failures = Math.min(this.#failures + 1, 16);
    this.#state = { name: 'failed', problem, retryAtMs: this.#options.monotonicMs() + pauseMs };
    throw new SandboxError('engine_unreachable', problem, { retryAfterMs: pauseMs });
  }

  /** True when it is loaded, else the problem. */
  #awaitLoad(child: Child, modelFile: string): Promise<true | string> {
    const { embedded, llamaPackage } = this.#options;
    return new Promise((resolve) => {
      const late = setTimeout(() => child.kill('stalled'), embedded.idle_timeout_ms);
      const settle = (result: true | string) => {
        clearTimeout(late);
        resolve(result);
      };
      child.onExit((cause) => {
        this.#gone(child, cause);
        settle(
          cause === 'out_of_memory'
            ? 'The model needs more memory than engines.embedded.memory_bytes allows.'
            : `The process of the model ended while it loaded (${cause}).`,
        );
      });
      child.onMessage = (message) => {
        if (message.type === 'ready') {
          const { threads, sequences, context_tokens: contextTokens } = embedded;
          void child.send({ type: 'load', modelFile, threads, sequences, contextTokens, llamaPackage });
        } else if (message.type === 'loaded') settle(true);
        else if (message.type === 'unloadable') settle(faults[message.fault]);
        else child.kill('protocol');
      };
    });
  }

  #gone(child: Child, cause: ExitCause): void {
    this.#children.delete(child);
    if (this.#state.name === 'loaded' && this.#state.loaded.lanes.child === child)
      this.#state = { name: 'none' };
    if (cause !== 'retired') this.#options.onIncident({ cause, child: 'model', engine: 'embedded' });
  }
}

/** Whether the process died under a prompt, of itself or because it was stuck. */
function isDeath(error: unknown): boolean {
  return error instanceof SandboxError && (error.code === 'engine_died' || error.code === 'engine_stalled');
}
