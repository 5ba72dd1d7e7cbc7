import type { Child, ExitCause } from './child.js';
import { failureOf } from './failures.js';
import { type ModelFile, notInstalled } from './models.js';
import type { EmbeddedOptions, Incident } from './options.js';
import type { FromChild, LoadFault, ModelRequest, Piece } from './protocol.js';
import { type FinishReason, type PromptUsage, SandboxError } from './types.js';

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

export interface GenerateOptions {
  /** Must be the id of the model that is loaded. */
  model: string;
  request: ModelRequest;
  /** Resolves when more can be taken. */
  onPiece: (piece: Piece) => Promise<void>;
  signal: AbortSignal;
}

export interface GenerateEnd {
  finishReason: FinishReason;
  usage?: PromptUsage;
  leftOut?: number;
}

interface Loaded {
  child: Child;
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
/** A model looks at the stop between two batches; a Pi takes seconds for one. */
const stopGraceMs = 5000;

const faults: Record<LoadFault, string> = {
  file: 'The model file is damaged: what it says of itself does not fit its size.',
  package: notInstalled,
  binary: 'node-llama-cpp has no native library that runs on this machine (Linux needs glibc 2.34 or later).',
  model: 'The model file cannot be loaded; it is damaged, or of a kind that this llama.cpp does not know.',
  context: 'There is not enough memory for the context; lower engines.embedded.context_tokens.',
};

/** The process that holds the embedded model: loaded at first use, one answer at a time, started anew after it died. */
export class ModelProcess {
  readonly #options: ModelProcessOptions;
  readonly #children = new Set<Child>();
  #state: State = { name: 'none' };
  #failures = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: ModelProcessOptions) {
    this.#options = options;
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
  }

  /** Whether the model is in memory now. */
  isLoaded(): boolean {
    return this.#state.name === 'loaded';
  }

  /** Generates one answer, or the vectors of some texts, when the ones before it are done. Throws SandboxError. */
  generate(request: GenerateOptions): Promise<GenerateEnd> {
    const mine = this.#turn.then(async () => {
      refuseAborted(request.signal);
      const { child, id } = await this.#loaded();
      refuseAborted(request.signal);
      if (request.model !== id) throw failureOf('embedded', 'model_not_found', {});
      return this.#generate(child, request);
    });
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  /** Gives the memory of the model back, after the answers that wait; the next prompt loads what is chosen then. */
  unload(): Promise<void> {
    const mine = this.#turn.then(async () => {
      const state = this.#state;
      if (state.name === 'loading') await state.loaded.catch(() => undefined);
      if (this.#state.name === 'loaded') {
        const { child } = this.#state.loaded;
        child.retire();
        await child.exited;
      }
      this.#failures = 0;
      this.#state = { name: 'none' };
    });
    this.#turn = mine;
    return mine;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const child of this.#children) child.retire();
    await Promise.all([...this.#children].map((child) => child.exited));
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
    this.#state = { name: 'loaded', loaded: { child, id: found.id } };
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
          const { threads, context_tokens } = embedded;
          void child.send({ type: 'load', modelFile, threads, contextTokens: context_tokens, llamaPackage });
        } else if (message.type === 'loaded') settle(true);
        else if (message.type === 'unloadable') settle(faults[message.fault]);
        else child.kill('protocol');
      };
    });
  }

  #gone(child: Child, cause: ExitCause): void {
    this.#children.delete(child);
    if (this.#state.name === 'loaded' && this.#state.loaded.child === child) this.#state = { name: 'none' };
    if (cause !== 'retired') this.#options.onIncident({ cause, child: 'model', engine: 'embedded' });
  }

  #generate(child: Child, request: GenerateOptions): Promise<GenerateEnd> {
    const idleMs = this.#options.embedded.idle_timeout_ms;
    const { signal } = request;
    return new Promise((resolve, reject) => {
      let grace: NodeJS.Timeout | undefined;
      let idle: NodeJS.Timeout | undefined;
      let forget = () => {};
      // Its silence counts only while it is listened to.
      const listen = (listening: boolean) => {
        clearTimeout(idle);
        child.hold(!listening);
        if (listening) idle = setTimeout(() => child.kill('stalled'), idleMs);
      };
      const stop = () => {
        child.hold(false);
        void child.send({ type: 'stop' });
        grace = setTimeout(() => child.kill('aborted'), stopGraceMs);
      };
      let settled = false;
      const settle = (conclude: () => void) => {
        settled = true;
        listen(true);
        clearTimeout(idle);
        clearTimeout(grace);
        child.watchMemory(false);
        forget();
        signal.removeEventListener('abort', stop);
        child.onMessage = undefined;
        conclude();
      };
      signal.addEventListener('abort', stop);
      child.onMessage = (message) => {
        if (!isPiece(message)) return this.#conclude(child, message, { settle, resolve, reject });
        listen(signal.aborted);
        if (signal.aborted) return;
        void request.onPiece(message).then(() => {
          if (!settled) listen(true);
        });
      };
      listen(true);
      child.watchMemory(true);
      forget = child.onExit((cause) => settle(() => reject(exitFailure(cause, idleMs))));
      void child.send(request.request);
    });
  }

  #conclude(
    child: Child,
    message: FromChild,
    how: {
      settle: (conclude: () => void) => void;
      resolve: (end: GenerateEnd) => void;
      reject: (error: SandboxError) => void;
    },
  ): void {
    if (message.type === 'done') {
      const { finishReason, usage, leftOut } = message;
      how.settle(() =>
        how.resolve({
          finishReason,
          ...(usage === undefined ? {} : { usage }),
          ...(leftOut === undefined ? {} : { leftOut }),
        }),
      );
    } else if (message.type === 'failed')
      how.settle(() => how.reject(failureOf('embedded', message.code, message)));
    else if (message.type === 'stopped') how.settle(() => how.reject(abortedError()));
    else child.kill('protocol');
  }
}

function isPiece(message: FromChild): message is Piece {
  return message.type === 'delta' || message.type === 'tool_call' || message.type === 'vector';
}

function exitFailure(cause: ExitCause, idleMs: number): SandboxError {
  if (cause === 'stalled')
    return new SandboxError(
      'engine_stalled',
      `The embedded model was silent for ${idleMs} ms; its process was killed.`,
    );
  if (cause === 'aborted') return abortedError();
  if (cause === 'retired') return new SandboxError('closed', 'The sandbox is closing.');
  const why = cause === 'out_of_memory' ? 'used more memory than allowed and was killed' : 'died';
  return new SandboxError('engine_died', `The process of the embedded model ${why}.`);
}

const abortedError = (): SandboxError =>
  new SandboxError('aborted', 'The prompt was ended before its answer was complete.');

function refuseAborted(signal: AbortSignal): void {
  if (signal.aborted) throw abortedError();
}
