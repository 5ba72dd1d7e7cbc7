import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../contracts/clock.js';
import { AppError } from '../contracts/errors.js';
import type { AnsweredClaim, Claim, ClaimRequest, Idempotency, NewClaim } from '../contracts/idempotency.js';
import type { JsonObject } from '../contracts/json.js';
import type { Ledger } from '../contracts/ledger.js';
import { canonicalJson } from '../ledger/canonical.js';

export interface IdempotencyOptions {
  ledger: Pick<Ledger, 'append' | 'query' | 'texts'>;
  clock: Clock;
  /** Keys that are remembered, at least 1, and for how long. */
  keysMax: number;
  keepMs: number;
}

interface Begun {
  requestId: string;
  /** Index of the event that it began with. */
  index: number;
  /** Stream of the event that ends it, where that is not of the request's own. */
  ends?: string | undefined;
}

interface Entry {
  /** SHA-256 of the canonical body. */
  body: string;
  /** Where its end is to be looked for; undefined where nothing was begun. */
  begun: Begun | undefined;
  bornMs: number;
  running: boolean;
}

/** When one that runs is worth asking for again. */
const retryMs = 1000;
const pageEvents = 1000;
/** Name of the text that carries it. A text, not data: it tells who asked for what, so it goes with the texts of a person. */
const textName = 'idempotency';

const startText = z.object({ scope: z.string(), body: z.string(), ends: z.string().optional() });

const ownStream = 'request:';

/**
 * Remembers requests by their Idempotency-Key. What a request gave is a text of the event that ended it: so it is durable in the same
 * transaction, counts in the ledger's size, and is erased with the other texts of a person. In memory there are hashes only, which are
 * read from the ledger when the first key comes after a start.
 */
export class LedgerIdempotency implements Idempotency {
  readonly #options: IdempotencyOptions;
  /** By scope, the oldest first. */
  #entries = new Map<string, Entry>();
  #loading: Promise<void> | undefined;

  /** @throws RangeError for a bound that is no whole number from 1. */
  constructor(options: IdempotencyOptions) {
    for (const name of ['keysMax', 'keepMs'] as const) {
      const value = options[name];
      if (!Number.isSafeInteger(value) || value < 1)
        throw new RangeError(`${name} is a whole number from 1, not ${value}`);
    }
    this.#options = options;
  }

  /** To be called when texts were erased: what is left is read anew. */
  forget(): void {
    this.#loading = undefined;
  }

  async claim(request: ClaimRequest): Promise<Claim> {
    const { scope, body } = hashesOf(request);
    await this.#load();
    const entry = this.#take(scope, body);
    let isUnknown = false;
    try {
      const answered = await this.#answerOf(entry);
      if (answered !== undefined) {
        entry.running = false;
        return answered;
      }
      if (entry.begun !== undefined && request.interrupted === 'refuse') {
        // The entry stays: it is not known the next time either.
        entry.running = false;
        isUnknown = true;
        throw new AppError(
          'outcome_unknown',
          'This request was interrupted, or what it gave was erased; whether it was done is not known. Look in the ledger, and take a new key to do it again.',
        );
      }
      return await this.#begin(request, scope, entry);
    } catch (error) {
      if (!isUnknown) this.#release(scope, entry);
      throw error;
    }
  }

  /** The entry of the scope, marked as running before anything is awaited. */
  #take(scope: string, body: string): Entry {
    const nowMs = this.#options.clock.monotonicMs();
    const known = this.#entries.get(scope);
    if (known !== undefined && (known.running || nowMs - known.bornMs < this.#options.keepMs)) {
      if (known.body !== body) {
        throw new AppError(
          'idempotency_mismatch',
          'This Idempotency-Key came with another body before; take a new key for a new request.',
        );
      }
      if (known.running) {
        throw new AppError(
          'request_in_progress',
          'A request with this Idempotency-Key is still running; ask again later for what it gives.',
          { retryAfterMs: retryMs },
        );
      }
      known.running = true;
      return known;
    }
    this.#makeRoom();
    const entry = { body, begun: undefined, bornMs: nowMs, running: true };
    this.#entries.delete(scope);
    this.#entries.set(scope, entry);
    return entry;
  }

  /** Forgets the oldest that does not run. */
  #makeRoom(): void {
    if (this.#entries.size < this.#options.keysMax) return;
    for (const [scope, { running }] of this.#entries) {
      if (running) continue;
      this.#entries.delete(scope);
      return;
    }
    throw new AppError('queue_full', 'Too many requests with an Idempotency-Key are running.', {
      retryAfterMs: retryMs,
    });
  }

  /** What it gave; undefined when it was never ended, or when that was erased. */
  async #answerOf({ begun }: Entry): Promise<AnsweredClaim | undefined> {
    if (begun === undefined) return undefined;
    const { ledger } = this.#options;
    const { requestId, index: since, ends } = begun;
    const [event] = await ledger.query(
      ends === undefined
        ? { stream: ownStream + requestId, limit: 1, order: 'desc' }
        : { stream: ends, since, correlationId: requestId, limit: 1, order: 'asc' },
    );
    if (event === undefined || event.type === 'request_started') return undefined;
    const [texts = {}] = await ledger.texts([event.index]);
    const text = texts[textName];
    if (text === undefined) return undefined;
    const { index, leaf_hash } = event;
    const receipt = { recorded: 'durable', index, leaf_hash } as const;
    return { state: 'answered', result: JSON.parse(text) as JsonObject, event, texts, receipt };
  }

  async #begin(request: ClaimRequest, scope: string, entry: Entry): Promise<NewClaim> {
    const { route, requestId, texts, stream: ends } = request;
    const stream = ends ?? ownStream + requestId;
    const { index } = await this.#options.ledger.append({
      type: 'request_started',
      module: 'kernel',
      stream: ownStream + requestId,
      correlationId: requestId,
      data: { route, again: entry.begun !== undefined },
      texts: { ...texts, [textName]: JSON.stringify({ scope, body: entry.body, ends }) },
    });
    entry.begun = { requestId, index, ends };
    let settled = false;
    return {
      state: 'new',
      ending: (event, result) => ({
        ...event,
        stream,
        texts: { ...event.texts, [textName]: JSON.stringify(result) },
      }),
      settle: (ended) => {
        if (settled) return;
        settled = true;
        if (ended) entry.running = false;
        else this.#release(scope, entry);
      },
    };
  }

  #release(scope: string, entry: Entry): void {
    entry.running = false;
    if (this.#entries.get(scope) === entry) this.#entries.delete(scope);
  }

  #load(): Promise<void> {
    this.#loading ??= this.#read().catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }

  /** Reads the requests that were begun, the newest first; what runs stays as it is. */
  async #read(): Promise<void> {
    const { ledger, clock, keysMax, keepMs } = this.#options;
    const [nowMs, wallMs] = [clock.monotonicMs(), clock.wallMs()];
    const found = new Map<string, Entry>();
    let until = Number.MAX_SAFE_INTEGER;
    while (found.size < keysMax && until >= 0) {
      const limit = Math.min(pageEvents, keysMax);
      const page = await ledger.query({ type: 'request_started', until, limit, order: 'desc' });
      const texts = await ledger.texts(page.map(({ index }) => index));
      for (const [place, { index, stream, time_ms }] of page.entries()) {
        // The wall clock may have gone back since: then it counts as just begun.
        const ageMs = Math.max(0, wallMs - time_ms);
        const text = texts[place]?.[textName];
        if (text === undefined || stream === null || ageMs >= keepMs || found.size >= keysMax) continue;
        const { scope, body, ends } = startText.parse(JSON.parse(text));
        const begun = { requestId: stream.slice(ownStream.length), index, ends };
        if (!found.has(scope)) found.set(scope, { body, begun, bornMs: nowMs - ageMs, running: false });
      }
      until = page.length < limit ? -1 : page.at(-1)!.index - 1;
    }
    for (const [scope, entry] of this.#entries) if (entry.running) found.set(scope, entry);
    this.#entries = new Map([...found].reverse());
  }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

function hashesOf({ key, client, route, body }: ClaimRequest): { scope: string; body: string } {
  const param = 'Idempotency-Key';
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new AppError('invalid_request', `${param} is 1 to 255 visible ASCII characters.`, {
      details: { param },
    });
  }
  try {
    const canonical = canonicalJson(JSON.parse(JSON.stringify(body)));
    return { scope: sha256(JSON.stringify([client, route, key])), body: sha256(canonical) };
  } catch (cause) {
    const message = `With an ${param} the body must have a canonical form: no lone surrogates, no integers beyond 2^53.`;
    throw new AppError('invalid_request', message, { details: { param }, cause });
  }
}
