import type { Child, ExitCause } from './child.js';
import type { OpinionFault, OpinionLoad } from './protocol.js';
import { SandboxError } from './types.js';

export interface OpinionOptions {
  /** The classifier, in ONNX, and its tokenizer.json. */
  modelFile: string;
  tokenizerFile: string;
  threads: number;
  tokensMax: number;
  attackIndex: number;
  memoryBytes: number;
  /** Loading and judging take this long at most; then the process is killed. */
  loadMs: number;
  timeoutMs: number;
}

/** A second opinion on texts, in a process of its own. */
export interface Opinion {
  /** How likely the text is an attack, 0 to 1. Throws a SandboxError: `deadline`, `crashed`, `engine_overloaded`, … */
  judge(text: string): Promise<number>;
  /** Leaves no process behind. */
  close(): Promise<void>;
}

/** Texts that may wait for the one before. */
const waitingMax = 16;
/** After a process has died the next one is started no sooner than this, doubled each time. */
const pauseFirstMs = 1000;
const pauseMaxMs = 60_000;

const faults: Record<OpinionFault, string> = {
  runtime:
    'onnxruntime-node is not installed or has no library for this machine: run "npm install onnxruntime-node @huggingface/tokenizers" where arkalia-luna is installed.',
  tokenizers:
    '@huggingface/tokenizers is not installed: run "npm install onnxruntime-node @huggingface/tokenizers" where arkalia-luna is installed.',
  tokenizer: 'guard.opinion_tokenizer is no tokenizer.json that @huggingface/tokenizers can read.',
  model: 'guard.opinion_file is no model that onnxruntime can load.',
  shape:
    'guard.opinion_file is no text classifier: it must take input_ids (and may take attention_mask and token_type_ids) and give one figure for each kind of text, also at guard.opinion_attack_index.',
};

interface Parts {
  spawn: () => Child;
  load: OpinionLoad;
  options: OpinionOptions;
  monotonicMs: () => number;
  onGone: (cause: ExitCause) => void;
}

/** The process that gives a second opinion: one text at a time, started anew after it died. */
export class OpinionProcess implements Opinion {
  readonly #parts: Parts;
  #child: Child | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #deaths = 0;
  #notBeforeMs = 0;
  #closed = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Throws an Error that says what is wrong, with the files or with what is installed. */
  async start(): Promise<void> {
    const { loadMs } = this.#parts.options;
    const child = this.#spawn();
    try {
      await exchange(child, loadMs, (message, settle) => {
        if (message.type === 'ready') void child.send({ type: 'load_opinion', ...this.#parts.load });
        else if (message.type === 'loaded') settle();
        else if (message.type === 'no_opinion') throw new Error(faults[message.fault]);
        else child.kill('protocol');
      });
    } catch (error) {
      child.retire();
      await child.exited;
      throw error;
    }
    child.watchMemory(false);
    this.#child = child;
  }

  judge(text: string): Promise<number> {
    if (this.#closed) return Promise.reject(new SandboxError('closed', 'The sandbox is closed.'));
    if (this.#waiting >= waitingMax)
      return Promise.reject(
        new SandboxError('engine_overloaded', 'Too many texts wait for a second opinion.'),
      );
    this.#waiting++;
    const mine = this.#turn.then(() => this.#judge(text)).finally(() => this.#waiting--);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#child?.retire();
    await this.#child?.exited;
    await this.#turn;
  }

  async #judge(text: string): Promise<number> {
    const child = await this.#ready();
    child.watchMemory(true);
    let probability = 0;
    await exchange(
      child,
      this.#parts.options.timeoutMs,
      (message, settle) => {
        if (message.type !== 'judged') return child.kill('protocol');
        probability = message.probability;
        settle();
      },
      () => void child.send({ type: 'judge', text }),
    );
    child.watchMemory(false);
    this.#deaths = 0;
    return probability;
  }

  async #ready(): Promise<Child> {
    if (this.#closed) throw new SandboxError('closed', 'The sandbox is closed.');
    if (this.#child === undefined) {
      if (this.#parts.monotonicMs() < this.#notBeforeMs)
        throw new SandboxError(
          'crashed',
          'The process of the second opinion died; it is started again soon.',
        );
      await this.start();
    }
    if (this.#child === undefined)
      throw new SandboxError('crashed', 'There is no process for a second opinion.');
    return this.#child;
  }

  #spawn(): Child {
    const child = this.#parts.spawn();
    child.watchMemory(true);
    child.onExit((cause) => {
      if (this.#child === child) this.#child = undefined;
      if (cause === 'retired') return;
      const pauseMs = Math.min(pauseFirstMs * 2 ** this.#deaths, pauseMaxMs);
      this.#deaths = Math.min(this.#deaths + 1, 16);
      this.#notBeforeMs = this.#parts.monotonicMs() + pauseMs;
      this.#parts.onGone(cause);
    });
    return child;
  }
}

type Message = Parameters<NonNullable<Child['onMessage']>>[0];

/** Listens until it is settled; too late, the child is killed. Throws a SandboxError when it exits, and what the listener throws. */
function exchange(
  child: Child,
  timeoutMs: number,
  listen: (message: Message, settle: () => void) => void,
  begin: () => void = () => {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => child.kill('deadline'), timeoutMs);
    const end = (conclude: () => void) => {
      clearTimeout(late);
      forget();
      child.onMessage = undefined;
      conclude();
    };
    const forget = child.onExit((cause) => end(() => reject(exitError(cause, timeoutMs))));
    child.onMessage = (message) => {
      try {
        listen(message, () => end(resolve));
      } catch (error) {
        end(() => reject(error as Error));
      }
    };
    begin();
  });
}

function exitError(cause: ExitCause, timeoutMs: number): SandboxError {
  if (cause === 'deadline')
    return new SandboxError(
      'deadline',
      `The second opinion took longer than ${timeoutMs} ms; its process was killed.`,
    );
  if (cause === 'retired') return new SandboxError('closed', 'The sandbox is closing.');
  if (cause === 'out_of_memory')
    return new SandboxError(
      'out_of_memory',
      'The second opinion needs more memory than guard.opinion_memory_bytes.',
    );
  return new SandboxError('crashed', 'The process of the second opinion died.');
}
