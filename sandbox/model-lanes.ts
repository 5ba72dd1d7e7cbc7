import type { Child, ExitCause } from './child.js';
import { failureOf } from './failures.js';
import type { FromChild, ModelRequest, ModelWord, Piece } from './protocol.js';
import { type FinishReason, type PromptUsage, SandboxError } from './types.js';

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

/** A model looks at the stop between two batches; a Pi takes seconds for one. */
const stopGraceMs = 5000;
const words = new Set(['delta', 'tool_call', 'vector', 'done', 'failed', 'stopped']);
const isWord = (message: FromChild): message is ModelWord => words.has(message.type);

/** Ids of the tokens that were said so far, as long as each piece had them: behind them the answer can be continued. */
export class KeptTokens {
  #ids: number[] | undefined = [];

  /** Undefined when nothing was said yet, or something that cannot be continued. */
  get ids(): number[] | undefined {
    return this.#ids === undefined || this.#ids.length === 0 ? undefined : [...this.#ids];
  }

  note(word: ModelWord): void {
    if (word.type === 'delta' && word.tokens !== undefined) this.#ids?.push(...word.tokens);
    else this.#ids = undefined;
  }
}

/** The answers that one model process generates at once, each in a lane of its own. */
export class ModelLanes {
  readonly child: Child;
  readonly #idleMs: number;
  readonly #hearing = new Map<number, (word: ModelWord) => void>();
  #next = 0;

  constructor(child: Child, idleMs: number) {
    this.child = child;
    this.#idleMs = idleMs;
    child.onMessage = (message) => {
      const hear = isWord(message) ? this.#hearing.get(message.lane ?? -1) : undefined;
      if (hear === undefined) child.kill('protocol');
      else hear(message as ModelWord);
    };
  }

  /**
   * One answer, or the vectors of some texts; with ids in `kept` what comes behind them. No lane waits for the listener of another: what
   * one cannot take yet waits here, and an answer is never longer than the context. Throws SandboxError.
   */
  ask({ request, onPiece, signal }: GenerateOptions, kept: KeptTokens): Promise<GenerateEnd> {
    const { child } = this;
    const lane = this.#next;
    this.#next += 1;
    return new Promise((resolve, reject) => {
      let told: Promise<void> = Promise.resolve();
      let grace: NodeJS.Timeout | undefined;
      let idle: NodeJS.Timeout | undefined;
      let forget = () => {};
      const awaitWord = () => {
        clearTimeout(idle);
        idle = setTimeout(() => child.kill('stalled'), this.#idleMs);
      };
      const stop = () => {
        void child.send({ type: 'stop', lane });
        grace = setTimeout(() => child.kill('aborted'), stopGraceMs);
      };
      const settle = (conclude: () => void) => {
        clearTimeout(idle);
        clearTimeout(grace);
        forget();
        signal.removeEventListener('abort', stop);
        this.#hearing.delete(lane);
        if (this.#hearing.size === 0) child.watchMemory(false);
        // What was said before goes first.
        void told.then(conclude);
      };
      this.#hearing.set(lane, (word) => {
        if (word.type === 'done') {
          const { type: _type, model: _model, lane: _lane, ...end } = word;
          settle(() => resolve(end));
        } else if (word.type === 'failed') settle(() => reject(failureOf('embedded', word.code, word)));
        else if (word.type === 'stopped') settle(() => reject(abortedError()));
        else {
          awaitWord();
          if (signal.aborted) return;
          kept.note(word);
          const piece = pieceOf(word);
          told = told.then(() => onPiece(piece));
        }
      });
      signal.addEventListener('abort', stop);
      awaitWord();
      child.watchMemory(true);
      forget = child.onExit((cause) =>
        settle(() => reject(exitFailure(cause, this.#idleMs, signal.aborted))),
      );
      const { ids } = kept;
      void child.send({ ...request, lane, ...(ids === undefined ? {} : { kept: ids }) });
    });
  }
}

/** A word without what concerns only us. */
function pieceOf(word: Extract<ModelWord, { type: Piece['type'] }>): Piece {
  if (word.type === 'delta') return { type: 'delta', text: word.text };
  return word.type === 'vector'
    ? { type: 'vector', vector: word.vector }
    : { type: 'tool_call', call: word.call };
}

function exitFailure(cause: ExitCause, idleMs: number, aborted: boolean): SandboxError {
  if (aborted) return abortedError();
  if (cause === 'stalled')
    return new SandboxError(
      'engine_stalled',
      `The embedded model was silent for ${idleMs} ms; its process was killed.`,
    );
  if (cause === 'retired') return new SandboxError('closed', 'The sandbox is closing.');
  const why = cause === 'out_of_memory' ? 'used more memory than allowed and was killed' : 'died';
  return new SandboxError('engine_died', `The process of the embedded model ${why}.`);
}

export const abortedError = (): SandboxError =>
  new SandboxError('aborted', 'The prompt was ended before its answer was complete.');
