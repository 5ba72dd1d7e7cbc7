import { AppError } from '../../../runtime/contracts/errors.js';
import type { StoredEvent } from '../../../runtime/contracts/ledger.js';

export const eventStreamType = 'text/event-stream; charset=utf-8';

const encoder = new TextEncoder();
/** Streams at a time; each asks the reader of the ledger while events come. */
const streamsMax = 32;
/** A sign of life for proxies, and how often a stream is looked at that may have to end. */
const beatMs = 15_000;

export interface EventStreamOptions {
  /** Ends when the signal aborts. */
  follow(signal: AbortSignal): AsyncGenerator<StoredEvent, void>;
  /** Aborts when the client has gone. */
  client: AbortSignal;
  /** Aborts when the server is about to close. */
  closing: AbortSignal;
  /** Asked at each sign of life: whether the client may still listen. */
  mayGoOn(): boolean;
}

/** Events as server-sent events; `id` is the index, so that a client that comes back says where it was. */
export class EventStreams {
  #open = 0;

  /**
   * A stream always ends with an event `end` that says why, unless its client has gone.
   * @throws AppError `ledger_unavailable` when too many follow already.
   */
  response(options: EventStreamOptions): Response {
    if (this.#open >= streamsMax) {
      throw new AppError('ledger_unavailable', `${streamsMax} clients follow the ledger already.`, {
        retryAfterMs: beatMs,
      });
    }
    this.#open++;
    const frames = this.#frames(options);
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { done, value } = await frames.next();
        if (done) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      async cancel() {
        await frames.return();
      },
    });
    return new Response(body, {
      headers: {
        'content-type': eventStreamType,
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      },
    });
  }

  async *#frames({ follow, client, closing, mayGoOn }: EventStreamOptions): AsyncGenerator<string, void> {
    const stopped = new AbortController();
    const events = follow(AbortSignal.any([client, closing, stopped.signal]));
    try {
      yield ': follows\n\n';
      let next = events.next();
      for (;;) {
        const step = await orBeat(next);
        if (step === 'beat') {
          if (!mayGoOn()) return yield end('forbidden');
          yield ': \n\n';
          continue;
        }
        if (step.done) return yield end('shutting_down');
        yield `id: ${step.value.index}\ndata: ${JSON.stringify(step.value)}\n\n`;
        next = events.next();
      }
    } catch (error) {
      yield end(error instanceof AppError ? error.code : 'internal');
    } finally {
      stopped.abort();
      this.#open--;
    }
  }
}

function end(code: string): string {
  return `event: end\ndata: ${JSON.stringify({ code })}\n\n`;
}

async function orBeat<T>(next: Promise<T>): Promise<T | 'beat'> {
  let timer: NodeJS.Timeout | undefined;
  const beat = new Promise<'beat'>((resolve) => {
    timer = setTimeout(() => resolve('beat'), beatMs);
  });
  try {
    return await Promise.race([next, beat]);
  } finally {
    clearTimeout(timer);
  }
}
