import type { Broker } from './broker.js';
import { plainName } from './check.js';
import type { Child } from './child.js';
import { failureOf, failureOfExit } from './failures.js';
import { encodeFrame } from './frames.js';
import type { ModelProcess } from './model-process.js';
import {
  type FromChild,
  frameBytesBase,
  jobBytesMax,
  type ModelRequest,
  type Piece,
  type ToChild,
} from './protocol.js';
import { PressureQueue } from './queue.js';
import { type FailureCode, failureCodes, type PromptEvent, type PromptJob, SandboxError } from './types.js';

/** A worker that was told to stop has this long. */
const stopGraceMs = 200;
/** Events that may wait for the consumer; beyond it the worker is not read. */
const eventsHighWater = 64;
/** Text that came while the consumer was busy goes on in one piece, up to so many UTF-16 code units: each costs the guard, the client and a write. */
const joinedMax = 4096;

/** Why what was fetched for a prompt is given up; made once, since the reason that an AbortController makes itself costs a stack trace. */
const over = new Error('the prompt is over');

export interface PromptRunOptions {
  child: Child;
  job: PromptJob;
  broker: Broker;
  model: ModelProcess;
  outputBytesMax: number;
  /** Earlier messages that were left out of the job. */
  leftOut: number;
}

/**
 * One prompt on one worker: sends the job, fetches for the worker what it may ask for, and turns its messages into events.
 * `settled` resolves when the worker is free again or has gone.
 */
export class PromptRun {
  readonly settled: Promise<void>;
  readonly #options: PromptRunOptions;
  readonly #events: PressureQueue<PromptEvent>;
  readonly #fetching = new AbortController();
  #settle: () => void = () => {};
  #forget: (() => void) | undefined;
  #state: 'running' | 'stopping' | 'settled' = 'running';
  #asked = false;
  #outputBytes = 0;
  #vectors = 0;
  #fetchError: SandboxError | undefined;
  #leftOut: number;
  #grace: NodeJS.Timeout | undefined;

  /** @throws SandboxError `context_length_exceeded` when the job is longer than a worker reads. */
  constructor(options: PromptRunOptions) {
    this.#options = options;
    const { child, job, leftOut } = options;
    this.#leftOut = leftOut;
    const onPressure = (pressed: boolean) => {
      if (this.#state === 'running') child.hold(pressed);
    };
    this.#events = new PressureQueue(eventsHighWater, onPressure, joinedText);
    this.settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
    const frame = encodeFrame({ type: 'job', job });
    if (frame.length > jobBytesMax)
      throw new SandboxError(
        'context_length_exceeded',
        `The prompt takes ${frame.length} bytes; a worker reads at most ${jobBytesMax}.`,
      );
    // What the worker asks for holds the prompt again, escaped a second time: at most twice the bytes.
    child.limitFrames(frameBytesBase + 2 * frame.length);
    child.onMessage = (message) => this.#hear(message);
    void child.sendFrame(frame);
    this.#forget = child.onExit((cause) => this.#end(failureOfExit(cause)));
  }

  /** The next event; undefined after `done`. Throws SandboxError when the prompt failed. */
  next(): Promise<PromptEvent | undefined> {
    return this.#events.next();
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  /** Ends the prompt, if it still runs: the engine is cut off at once, the worker told to stop and killed when it does not. */
  stop(error: Error): void {
    if (this.#state !== 'running') return;
    this.#state = 'stopping';
    this.#fetching.abort(over);
    this.#events.end(error);
    const { child } = this.#options;
    child.hold(false);
    void child.send({ type: 'stop' });
    this.#grace = setTimeout(() => child.kill('aborted'), stopGraceMs);
  }

  /** The deadline passed: the worker is killed, whatever it does. */
  expire(): void {
    if (this.#state !== 'running') return;
    this.#state = 'stopping';
    this.#fetching.abort(over);
    this.#events.end(failureOfExit('deadline'));
    this.#options.child.kill('deadline');
  }

  #hear(message: FromChild): void {
    switch (message.type) {
      case 'delta':
      case 'tool_call':
      case 'vector':
        this.#say(message);
        break;
      case 'done':
        this.#done(message);
        this.#end();
        break;
      case 'failed':
        this.#end(this.#worded(message));
        break;
      case 'stopped':
        if (this.#state === 'running') this.#options.child.kill('protocol');
        else this.#end();
        break;
      case 'open':
      case 'generate':
      case 'embed':
        this.#ask(message);
        break;
      default:
        this.#options.child.kill('protocol');
    }
  }

  #done({ finishReason, model, usage }: Extract<FromChild, { type: 'done' }>): void {
    this.#push({
      type: 'done',
      finishReason,
      model: plainName(model) || this.#options.job.model,
      ...(usage === undefined ? {} : { usage }),
      ...(this.#leftOut === 0 ? {} : { leftOut: this.#leftOut }),
    });
  }

  #push(event: PromptEvent): void {
    if (this.#state === 'running') this.#events.push(event);
  }

  #say(piece: Piece): void {
    const { outputBytesMax, job, child } = this.#options;
    if (piece.type === 'vector') {
      this.#vectors += 1;
      if ('embed' in job && this.#vectors <= job.embed.length) this.#push(piece);
      else child.kill('protocol');
      return;
    }
    if ('embed' in job) {
      child.kill('protocol');
      return;
    }
    const { model: said, ...rest } = piece;
    const model = plainName(said);
    const text = rest.type === 'delta' ? rest.text : rest.call.name + rest.call.arguments;
    this.#outputBytes += Buffer.byteLength(text);
    if (this.#outputBytes > outputBytesMax)
      this.stop(new SandboxError('output_limit', `The answer is longer than ${outputBytesMax} bytes.`));
    else if (text !== '') this.#push({ ...rest, ...(model === '' ? {} : { model }) });
  }

  /** The worker knows the code only; whoever fetched for it knows more. */
  #worded(message: Extract<FromChild, { type: 'failed' }>): SandboxError {
    return this.#fetchError?.code === message.code
      ? this.#fetchError
      : failureOf(this.#options.job.engine, message.code, message);
  }

  #end(error?: SandboxError): void {
    if (this.#state === 'settled') return;
    this.#state = 'settled';
    clearTimeout(this.#grace);
    this.#forget?.();
    this.#fetching.abort(over);
    this.#events.end(error);
    const { child } = this.#options;
    child.onMessage = undefined;
    child.hold(false);
    child.limitFrames(frameBytesBase);
    this.#settle();
  }

  /** A worker asks once for each prompt, and only for what its engine needs. */
  #ask(message: Extract<FromChild, { type: 'open' }> | ModelRequest): void {
    if (this.#state !== 'running') return;
    const { job, child, broker } = this.#options;
    const allowed =
      !this.#asked &&
      (message.type !== 'open'
        ? job.engine === 'embedded' && (message.type === 'embed') === 'embed' in job
        : (job.engine === 'ollama' || job.engine === 'openai') && broker.allows(job.engine, message.path));
    if (!allowed) {
      child.kill('protocol');
      return;
    }
    this.#asked = true;
    this.#fetch(message).catch((error: unknown) => {
      if (this.#state !== 'running') return;
      if (error instanceof SandboxError && isFailureCode(error.code)) {
        this.#fetchError = error;
        void child.send({ type: 'broke', code: error.code });
      } else this.stop(error instanceof Error ? error : new Error(String(error)));
    });
  }

  async #fetch(message: Extract<FromChild, { type: 'open' }> | ModelRequest): Promise<void> {
    const { job, broker, model } = this.#options;
    const { signal } = this.#fetching;
    const data = (text: string) => this.#tell({ type: 'data', text });
    if (message.type !== 'open') {
      const onPiece = (piece: Piece) =>
        piece.type === 'delta'
          ? data(piece.text)
          : this.#tell(piece as Extract<ToChild, { type: typeof piece.type }>);
      const { leftOut = 0, ...end } = await model.generate({
        model: job.model,
        request: message,
        onPiece,
        signal,
      });
      this.#leftOut += leftOut;
      await this.#tell({ type: 'generated', ...end });
      return;
    }
    if (job.engine !== 'ollama' && job.engine !== 'openai') throw new Error(`${job.engine} is no server`);
    const sink = {
      response: (status: number, retryAfterMs: number | undefined) => {
        const more = retryAfterMs === undefined ? {} : { retryAfterMs };
        if (this.#state === 'running')
          void this.#options.child.sendAhead({ type: 'response', status, ...more });
      },
      data,
      end: () => void this.#tell({ type: 'end' }),
    };
    await broker.open(job.engine, message, sink, signal);
  }

  /** Sends to the worker while it works on this prompt; later it may be on the next one already. */
  #tell(message: ToChild): Promise<void> {
    return this.#state === 'running' ? this.#options.child.send(message) : Promise.resolve();
  }
}

/** Two pieces of text as one, undefined where they do not go together: only the first piece of an answer names the model. */
function joinedText(first: PromptEvent, second: PromptEvent): PromptEvent | undefined {
  if (first.type !== 'delta' || second.type !== 'delta' || second.model !== undefined) return undefined;
  const text = first.text + second.text;
  return text.length > joinedMax ? undefined : { ...first, text };
}

function isFailureCode(code: string): code is FailureCode {
  return (failureCodes as readonly string[]).includes(code);
}
